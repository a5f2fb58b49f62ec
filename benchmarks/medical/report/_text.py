"""What the report says in words; each sentence holds only if the record has it so."""

from benchmarks.medical.paper import PROTOCOL
from benchmarks.medical.reading import (
    all_labels,
    attack_name,
    attacked_blindly,
    norm_name,
    noun,
    was_evaluated,
    white_box_attacks,
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


def about_white_box(entries: list[dict]) -> str:
    """Say whether attacks that know the weights were run, and on which sets."""
    evaluated = [entry for entry in entries if was_evaluated(entry)]
    if not any(map(white_box_attacks, evaluated)):
        return "An attack that knows the weights may find them; none was run here."
    text = "Attacks that know the weights look for them: Table 8 has what they found"
    return text + (
        "." if len(evaluated) == len(entries) else ", on the sets where they were run."
    )


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
