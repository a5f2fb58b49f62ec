"""What the report says in words; each sentence holds only if the record has it so."""

from scipy.stats import binomtest

from benchmarks.report._html import Child, Markup, join, tag
from benchmarks.report._paper import PROTOCOL
from benchmarks.report._record import (
    all_labels,
    attack_name,
    attacked_blindly,
    attacked_counts,
    attacked_entries,
    norm_name,
    noun,
    was_evaluated,
    white_box_attacks,
)
from benchmarks.report._tables import has_paper

PAPER = (
    "Yang, Shih, Roshan: Defense Against Adversarial Attacks based on Stochastic "
    "Descent Sign Activation Networks on Medical Images"
)
SETTINGS = {
    "images": "images",
    "restarts": "restarts",
    "max_iter": "iterations",
    "init_size": "starting points",
}


def summary_line(data: dict) -> str:
    """Say how much was run, and when."""
    arguments = data["arguments"]
    counts = [
        count(len(data["datasets"]), "data set"),
        count(len(all_labels(data)), "model"),
        count(arguments["seeds"], "seed"),
        count(arguments["votes"], "vote"),
    ]
    return f"{', '.join(counts)}. {_span(data)}"


def protocol(entry: dict) -> str:
    """Name attack, norm and budget, and how they compare with the paper's."""
    attack = entry["attack"]
    words = {**SETTINGS, "images": noun(entry, attack["settings"].get("images", 2))}
    parts = [
        f"{_figure(value)} {words.get(key, key.replace('_', ' '))}"
        for key, value in attack["settings"].items()
        if value is not None
    ]
    text = (
        f"Protocol “{attack['protocol']}”: {attack_name(attack)}, {norm_name(attack)}, "
        f"{', '.join(parts)}."
    )
    if "seed" in attack:
        text += f" Models and {noun(entry)} are those of seed {attack['seed']}."
    if all(attack["settings"].get(key) == value for key, value in PROTOCOL.items()):
        return f"{text} This is the paper's budget."
    paper = ", ".join(f"{_figure(v)} {SETTINGS[k]}" for k, v in PROTOCOL.items())
    return f"{text} The paper's budget: {paper}."


def meaning(data: dict) -> list[Markup]:
    """Return what the figures mean and what they don't, a paragraph each."""
    paragraphs = [_about_accuracy(data), _about_models(data)]
    if has_paper(data):
        paragraphs.append(_about_paper())
    entries = attacked_entries(data)
    if entries:
        paragraphs += _about_attacks(entries)
    else:
        paragraphs.append(
            _paragraph(
                "No attack was run.",
                "These figures are of clean accuracy alone and say nothing of how the "
                "models stand images made to mislead them.",
            )
        )
    return paragraphs


def bounds(entry: dict) -> str:
    """Say what certificate, best attack and the attack on answers each tell."""
    name = attack_name(entry["attack"])
    one, several = noun(entry, 1), noun(entry)
    known = white_box_attacks(entry)
    searched = f"{name} and by attacks that know the weights" if known else name
    text = (
        "A certificate is proven: nothing nearer changes the model's answer. The "
        f"nearest adversarial {one} found, by {searched}, shows what suffices. What "
        f"the {one} really stands lies between the two. The distance that {name} alone "
        "finds is an upper bound, too, and a great one no sign of robustness."
    )
    if known:
        text += (
            f" Attacks that know the weights: {', '.join(known)}, each with its "
            "defaults, on the models that allow it"
        )
        text += (
            f"; on the others only {name} was run, and their {several} may stand far "
            "less than is shown."
            if attacked_blindly(entry)
            else "."
        )
    return text


def count(number: int, one: str) -> str:
    """Return a number with its noun."""
    return f"{_figure(number)} {one}" + ("" if number == 1 else "s")


def _about_accuracy(data: dict) -> Markup:
    seeds = data["arguments"]["seeds"]
    kinds = {entry["split"]["kind"] for entry in data["datasets"].values()}
    text = "The share of test rows classified correctly"
    if seeds > 1:
        text += f", as mean ± standard deviation over {seeds} seeds"
        if kinds == {"given"}:
            text += " on the one split that the data come with"
        elif "given" not in kinds:
            text += ", each with a split of its own"
    text += (
        ". Intervals are Wilson's, 95%, for test rows taken as independent. Models "
        "whose intervals overlap widely are not told apart by this run."
    )
    if any(entry["n_groups"] for entry in data["datasets"].values()):
        text += (
            " Rows of one group, such as a patient, are not independent: where a set "
            "has groups the true uncertainty is larger."
        )
    return _paragraph("Accuracy.", text)


def _about_models(data: dict) -> Markup:
    return _paragraph(
        "The same for all.",
        "On a data set every model gets the same rows, split and scaling. How many "
        "runs a model's vote is taken over is in the list of models at the end: where "
        "one is voted and another is a single run, some of the difference may be the "
        "vote's.",
    )


def _about_paper() -> Markup:
    return _paragraph(
        "Beside the paper.",
        f"“The paper” is {PAPER}. Its choice of images, its split and its training may "
        "differ from those here; its figures stand beside ours for orientation.",
    )


def _about_attacks(entries: list[dict]) -> list[Markup]:
    attacks = [entry["attack"] for entry in entries]
    names = " and ".join(dict.fromkeys(map(attack_name, attacks)))
    return [
        _paragraph(
            "Distances are upper bounds.",
            f"They were found by {names}, which knows a model by its answers alone. "
            "Nearer adversarial images may exist. ",
            _about_white_box(entries),
            " A greater distance means that this search found nothing nearer, be it "
            "that nothing is there or that the model's answers lead the search astray.",
        ),
        _paragraph(
            "One attack, one norm, one budget.",
            *_protocols(entries),
            "Every model of a set was attacked on the same images with the same "
            "budget. A longer search could only shorten the distances.",
        ),
        _paragraph("Failures are counted, not averaged in.", _about_failures(attacks)),
        _about_size(entries),
    ]


def _about_white_box(entries: list[dict]) -> str:
    evaluated = [entry for entry in entries if was_evaluated(entry)]
    if not any(map(white_box_attacks, evaluated)):
        return "An attack that knows the weights may find them; none was run here."
    text = "Attacks that know the weights look for them: Table 8 has what they found"
    return text + (
        "." if len(evaluated) == len(entries) else ", on the sets where they were run."
    )


def _protocols(entries: list[dict]) -> list[Child]:
    """Say each data set's protocol, once if it is the same for all."""
    texts = [protocol(entry) for entry in entries]
    if len(set(texts)) == 1:
        return [texts[0], " "]
    return [
        join(tag("b", entry["name"]), f": {text} ")
        for entry, text in zip(entries, texts, strict=True)
    ]


def _about_failures(attacks: list[dict]) -> str:
    summaries = [m["summary"] for attack in attacks for m in attack["models"].values()]
    total, wrong, failed = (
        sum(summary[key] for summary in summaries)
        for key in ("n", "n_misclassified", "n_failed")
    )
    return (
        f"Of {total:,} pairs of a model and an image, {wrong:,} were misclassified as "
        f"they were and not attacked; on {failed:,} the search found nothing. Medians, "
        "quartiles and means leave both out. In the curves of accuracy a misclassified "
        "image has distance 0 and falls at once; one for which nothing was found "
        "stands at every size, so these curves are upper bounds, too."
    )


def _about_size(entries: list[dict]) -> Markup:
    fewest = min(attacked_counts(entry)[0] for entry in entries)
    low = binomtest(fewest, fewest).proportion_ci(method="wilson").low
    return _paragraph(
        "How few images there are.",
        f"With {count(fewest, 'image')}, even {fewest} right of {fewest} leave "
        f"Wilson's 95% interval from {100 * low:.0f} to 100%. The bands in the curves "
        "are these intervals; the doubt whether the search missed a nearer image is "
        "not in them.",
    )


def _paragraph(lead: str, *text: Child) -> Markup:
    return tag("p", tag("strong", lead), " ", *text)


def _figure(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _span(data: dict) -> str:
    """Say when the run was, from ISO times, to the minute."""
    day, start = data["started_utc"][:16].split("T")
    if data["finished_utc"] is None:
        return f"Begun {day}, {start} UTC, not finished: here is what was done so far."
    last_day, end = data["finished_utc"][:16].split("T")
    until = end if day == last_day else f"{last_day}, {end}"
    return f"{day}, {start} to {until} UTC."
