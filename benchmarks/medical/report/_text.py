"""What the report says of its methods; each sentence is there only if it holds."""

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
    """Name attack, norm and budget, and compare the budget with the paper's."""
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
    """Say what certificate, best attack and the decision-based attack each tell."""
    name = attack_name(entry["attack"])
    one, several = noun(entry, 1), noun(entry)
    known = white_box_attacks(entry)
    text = (
        f"The certified radius is a lower bound: no perturbation within it changes the "
        f"model's decision. The best attack is an upper bound: the smallest "
        f"perturbation of the {one} that was found, by {name}"
        f"{' or a white-box attack' if known else ''}. The size of the smallest there "
        f"is lies between the two. A large distance by {name} alone is no sign of "
        "robustness."
    )
    if known:
        text += (
            f" White-box attacks: {', '.join(known)}, each with its defaults, on the "
            "models that allow it"
        )
        text += (
            f"; on the others only {name} was run, and their {several} may have far "
            "smaller adversarial perturbations."
            if attacked_blindly(entry)
            else "."
        )
    return text


def count(number: int, one: str) -> str:
    """Return a number with its noun."""
    return f"{_figure(number)} {one}" + ("" if number == 1 else "s")


def about_white_box(entries: list[dict]) -> str:
    """Say whether white-box attacks were run, and on which sets."""
    evaluated = [entry for entry in entries if was_evaluated(entry)]
    if not any(map(white_box_attacks, evaluated)):
        return "A white-box attack may find them; none was run here."
    text = "White-box attacks look for them: Table 8 has what they found"
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
