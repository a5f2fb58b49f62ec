"""Table 8, which the paper has not: certified radii beside the best attacks."""

from statistics import median

from benchmarks.common.table import Cell, Table, slug
from benchmarks.medical.reading import (
    NOTHING,
    attack_name,
    budget,
    distance,
    labels,
    named_attack,
    norm_name,
    noun,
    white_box_attacks,
)

UNBOUNDED = "∞"


def bounds(data: dict, entry: dict) -> Table:
    """Return medians of certified radii and attacks on a data set."""
    attack, evaluation = entry["attack"], entry["evaluation"]
    named = labels(entry)
    header = ["model", "certified", "best attack", attack_name(attack), "found by"]
    header += ["certified / best", "agreement", "AUC", "wrong", "none", "time, s"]
    rows = []
    for name, model in evaluation["models"].items():
        summary = model["summary"]
        rows.append(
            [
                named[name],
                _certificate(model),
                Cell(_median(summary, summary["nearest"]), "strong"),
                _median(summary, summary["distances"].get(attack["attack"])),
                _found_by(summary),
                distance(summary["tightness"]),
                _agreement(model),
                NOTHING if model["roc_auc"] is None else f"{model['roc_auc']:.2f}",
                str(summary["n_misclassified"]),
                str(summary["n_failed"]),
                f"{model['seconds']:,.0f}",
            ]
        )
    return Table(
        f"table8-{slug(entry['name'])}",
        "Table 8",
        f"Median {norm_name(evaluation)} sizes of perturbations, bounded from below "
        "and from above; not in the paper",
        _setting(entry),
        header,
        rows,
        _bounds_notes(entry),
    )


def bounds_by_image(data: dict, entry: dict) -> Table:
    """Return certified radius and best attack, a column an image."""
    evaluation, named = entry["evaluation"], labels(entry)
    places = range(len(entry["attack"]["images"]))
    rows = [
        [named[name], *[_band_cell(model, place) for place in places]]
        for name, model in evaluation["models"].items()
    ]
    return Table(
        f"table8-{slug(entry['name'])}-images",
        "Table 8",
        f"From certified radius to best attack, {norm_name(evaluation)}; 0 where "
        "there is no certificate",
        _setting(entry),
        ["model", *[f"#{place + 1}" for place in places]],
        rows,
    )


def _certificate(model: dict) -> str:
    if model["certificate"] is None:
        return NOTHING
    mark = "*" if model["certificate"] == "exact" else ""
    return _median(model["summary"], model["summary"]["certified"]) + mark


def _median(summary: dict, value: float | None) -> str:
    """Write a median over the images that are right; where there are none, nothing."""
    has_any = summary["n_misclassified"] < summary["n"]
    return UNBOUNDED if value is None and has_any else distance(value)


def _found_by(summary: dict) -> str:
    counts = {k: n for k, n in summary["n_nearest_by"].items() if n}
    if len(counts) == 1:
        return named_attack(*counts)
    return ", ".join(f"{named_attack(k)} {n}" for k, n in counts.items()) or NOTHING


def _agreement(model: dict) -> str:
    """Return the medians of clean and of adversarial images, of the same ones."""
    if model["agreement_clean"] is None:
        return NOTHING
    both = zip(model["agreement_clean"], model["agreement_adversarial"], strict=True)
    pairs = [pair for pair in both if pair[1] is not None]
    if not pairs:
        return NOTHING
    clean, adversarial = map(median, zip(*pairs, strict=True))
    return f"{clean:.2f} to {adversarial:.2f}"


def _band_cell(model: dict, place: int) -> Cell:
    nearest = model["nearest"][place]
    if nearest == 0:
        return Cell("wrong", "aside")
    certified = model["certified"][place] if model["certified"] else 0.0
    low = UNBOUNDED if certified is None else distance(certified) if certified else "0"
    return Cell(f"{low} to {UNBOUNDED if nearest is None else distance(nearest)}")


def _bounds_notes(entry: dict) -> list[str]:
    models = entry["evaluation"]["models"].values()
    several = noun(entry)
    notes = [
        f"Medians are over the {several} that the model classifies correctly, where "
        f"nothing was found counts as infinitely far ({UNBOUNDED}). Found by: which "
        f"attack needed least, and on how many {several}; of equals the first. Wrong: "
        f"{several} misclassified as they are. None: those where nothing was found. "
        f"Time: of all but {attack_name(entry['attack'])}."
    ]
    if any(model["agreement_clean"] is not None for model in models):
        notes.append(
            f"Agreement: share of votes for the decision, on the {several} and on the "
            "smallest perturbations found. AUC: of telling the two apart by it. "
            "Slightly larger perturbations can have full agreement."
        )
    if any(model["certificate"] == "exact" for model in models):
        notes.append("* The distance itself, less rounding.")
    return notes


def _setting(entry: dict) -> str:
    known = ", ".join(white_box_attacks(entry)) or "none"
    return (
        f"{entry['name']}: {budget(entry['attack'])}; white-box attacks, each on the "
        f"models that allow it: {known}"
    )
