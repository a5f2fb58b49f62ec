"""Reading the record: names, nouns and what is there."""

import math

from benchmarks.attacks.names import attack_name as named_attack
from benchmarks.common.pages import clean

MISCLASSIFIED, STOPPED = "misclassified", "stopped"
NOTHING = "\N{EN DASH}"


def labels(entry: dict) -> dict[str, str]:
    """Return the label of each model of a data set, trained or attacked, by name."""
    attacked = entry.get("attack", {}).get("models", {})
    return {
        name: clean(model["label"])
        for models in (entry["models"], attacked)
        for name, model in models.items()
    }


def all_labels(data: dict) -> dict[str, str]:
    """Return the label of each model of the record by its name."""
    return {
        name: label
        for entry in data["datasets"].values()
        for name, label in labels(entry).items()
    }


def was_attacked(entry: dict) -> bool:
    """Tell whether at least one model was attacked on at least one image."""
    attack = entry.get("attack")
    return bool(attack and attack["models"] and attack["images"])


def attacked_entries(data: dict) -> list[dict]:
    """Return the data sets on which at least one model was attacked."""
    return [entry for entry in data["datasets"].values() if was_attacked(entry)]


def was_evaluated(entry: dict) -> bool:
    """Tell whether certificates and white-box attacks were run."""
    return was_attacked(entry) and bool(entry.get("evaluation", {}).get("models"))


def white_box_attacks(entry: dict) -> list[str]:
    """Name the white-box attacks, in the order of the record."""
    names = dict.fromkeys(
        name
        for model in entry["evaluation"]["models"].values()
        for name in model["distances"]
    )
    return [named_attack(name) for name in names if name != entry["attack"]["attack"]]


def attacked_blindly(entry: dict) -> bool:
    """Tell whether a model was attacked by no white-box attack."""
    models = entry["evaluation"]["models"].values()
    return any(list(m["distances"]) == [entry["attack"]["attack"]] for m in models)


def noun(entry: dict, count: int = 2) -> str:
    """Say what the data set consists of."""
    return ("image" if entry["image"] else "sample") + ("" if count == 1 else "s")


def norm_name(attack: dict) -> str:
    """Return "L2" or the like; the record may write infinity as text."""
    norm = float(attack["norm"])
    return "L∞" if math.isinf(norm) else f"L{norm:g}"


def attack_name(attack: dict) -> str:
    """Return the attack's name as its authors write it."""
    return named_attack(attack["attack"])


def search(attack: dict) -> str:
    """Name the attack, its norm and its budget, as briefly as a figure needs."""
    settings = attack["settings"]
    budget = [
        f"{settings[key]} {word}"
        for key, word in (("restarts", "restarts"), ("max_iter", "iterations"))
        if settings.get(key) is not None
    ]
    return ", ".join([f"{norm_name(attack)}, {attack_name(attack)}", *budget])


def attacked_counts(entry: dict) -> list[int]:
    """Return how many images models were attacked on: one number in a finished run."""
    models = entry["attack"]["models"].values()
    return sorted({len(model["distances"]) for model in models})


def distance(value: float | None) -> str:
    """Write a distance with three digits."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def outcome(model: dict, place: int) -> str:
    """Say in a word or a figure what came of the attack on one image."""
    if place >= len(model["status"]):
        return NOTHING  # not attacked yet
    if model["status"][place] == MISCLASSIFIED:
        return "wrong"
    if model["distances"][place] is None:
        return "none"
    mark = "‡" if model["status"][place] == STOPPED else ""
    return distance(model["distances"][place]) + mark


def transfer_counts(transfer: dict) -> dict[tuple[str, str], tuple[int, int]]:
    """Count how often a source's adversarial images fool a target.

    Returns
    -------
    dict of (source, target) to (int, int)
        Images that fool the target, and images shown to it. A source is not paired
        with itself.
    """
    return {
        (source, target): (
            sum(f and v for f, v in zip(fooled, valid, strict=True)),
            sum(valid),
        )
        for source, row, valid in zip(
            transfer["sources"], transfer["fooled"], transfer["valid"], strict=True
        )
        for target, fooled in zip(transfer["names"], row, strict=True)
        if source != target
    }


def shown_by_others(transfer: dict, target: str) -> tuple[int, int]:
    """Return how many of all others' adversarial images fool a model, and of how many.

    The paper's Table 7 is one minus their ratio.
    """
    counts = [n for pair, n in transfer_counts(transfer).items() if pair[1] == target]
    return sum(fooled for fooled, _ in counts), sum(shown for _, shown in counts)


def has_transfer(entry: dict) -> bool:
    """Tell whether any model was shown another one's adversarial image."""
    transfer = entry["attack"].get("transfer")
    return bool(transfer) and any(n for _, n in transfer_counts(transfer).values())


def has_paper(data: dict) -> bool:
    """Tell whether any data set is taken for one of the paper's."""
    return any(entry["paper_row"] for entry in data["datasets"].values())


def runs_of(model: dict) -> int | None:
    """Return how many runs a model votes over, or trees; None for a single run."""
    counts = [
        value
        for name, value in model["parameters"].items()
        if name.rpartition("__")[2] == "n_estimators"
    ]
    return counts[0] if counts else None


def percent(share: float | None) -> str:
    """Write a share in per cent, without the sign."""
    return NOTHING if share is None else f"{100 * share:.2f}"


def budget(attack: dict) -> str:
    """Say in a few words with what distances were found."""
    given = attack["settings"]
    return (
        f"{attack_name(attack)}, {norm_name(attack)}, restarts: {given['restarts']}, "
        f"iterations: {given['max_iter']}, images to start from: {given['init_size']}"
    )
