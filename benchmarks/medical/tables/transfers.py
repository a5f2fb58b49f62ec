"""The paper's Tables 6 and 7: which adversarial images transfer to which model."""

from scipy.stats import binomtest

from benchmarks.common.table import Cell, Table, slug
from benchmarks.medical.paper import TABLE_7
from benchmarks.medical.reading import (
    NOTHING,
    all_labels,
    budget,
    labels,
    noun,
    percent,
    shown_by_others,
    transfer_counts,
)
from benchmarks.medical.tables.distances import (
    best_headings,
    best_medians,
    paper_distances,
)


def transfer_of_one(data: dict, entry: dict) -> Table | None:
    """Return who is fooled on the first image that every model has an adversarial of.

    None where there is no such image.
    """
    transfer, named = entry["attack"]["transfer"], labels(entry)
    shared = [all(image) for image in zip(*transfer["valid"], strict=True)]
    if not any(shared):
        return None
    place = shared.index(True)
    rows = [
        [named.get(source, source)]
        + [
            "own" if source == target else ("fooled" if fooled[place] else "right")
            for target, fooled in zip(transfer["names"], by_target, strict=True)
        ]
        for source, by_target in zip(
            transfer["sources"], transfer["fooled"], strict=True
        )
    ]
    return Table(
        f"table6-{slug(entry['name'])}",
        "Table 6",
        f"Models (columns) shown the adversarial {noun(entry)} of {noun(entry, 1)} "
        f"#{place + 1} that were made against a model (rows)",
        f"{entry['name']}: {budget(entry['attack'])}",
        ["made against", *[named.get(name, name) for name in transfer["names"]]],
        rows,
    )


def transfer(data: dict, entry: dict) -> Table:
    """Return the paper's Table 6: how many of a source's images fool a target."""
    return _pairs(entry, entry["attack"]["transfer"], "all", budget(entry["attack"]))


def transfer_of_best(data: dict, entry: dict) -> Table | None:
    """Return the same of the nearest images that any attack found.

    None where the record has none.
    """
    record = entry["evaluation"].get("transfer")
    if record is None:
        return None
    return _pairs(entry, record, "best", "smallest perturbations of all attacks")


def _pairs(entry: dict, record: dict, suffix: str, setting: str) -> Table:
    """Return a table of sources and targets."""
    named, counts = labels(entry), transfer_counts(record)
    rows = []
    for source in record["sources"]:
        row = [named.get(source, source)]
        for target in record["names"]:
            fooled, shown = counts.get((source, target), (0, 0))
            row.append(f"{fooled}/{shown}" if shown else NOTHING)
        rows.append(row)
    return Table(
        f"table6-{slug(entry['name'])}-{suffix}",
        "Table 6",
        f"Adversarial {noun(entry)} of the model on the left that fool the one above, "
        "of those shown to it",
        f"{entry['name']}: {setting}",
        ["made against", *[named.get(name, name) for name in record["names"]]],
        rows,
    )


def transfer_accuracy(data: dict, entries: list[dict]) -> Table:
    """Return the paper's Table 7 for some data sets, together if they are several."""
    of_paper = any(paper_distances(entry) for entry in entries)
    best = [best_medians(entry) for entry in entries]
    header = ["model", *[entry["name"] for entry in entries]]
    header += ["all"] * (len(entries) > 1)
    evaluated = [e for e in entries if e.get("evaluation", {}).get("transfer")]
    header += [
        "best attacks'" if len(entries) == 1 else f"best attacks', {entry['name']}"
        for entry in evaluated
    ]
    header += best_headings(entries) + ["the paper"] * of_paper
    rows = []
    for name, label in all_labels(data).items():
        counts = [_shown_to(entry, name) for entry in entries]
        if not any(shown for _, shown in counts):
            continue
        row = [label, *[_share_cell(*count) for count in counts]]
        if len(entries) > 1:
            row.append(_share_cell(*map(sum, zip(*counts, strict=True))))
        row += [_share_cell(*_shown_to(e, name, "evaluation")) for e in evaluated]
        row += [found.get(name, NOTHING) for found in best if found]
        paper = f"{TABLE_7[name]:.2f}" if name in TABLE_7 else NOTHING
        rows.append(row + [paper] * of_paper)
    notes = [
        "In brackets: right answers, of images shown, and Wilson's 95% interval, which "
        "takes them for independent. A model is not shown its own. Images made against "
        "another model say little of those made against this one."
    ]
    if evaluated:
        notes.append(
            "Best attacks': accuracy on the nearest images that any attack on another "
            "model found."
        )
    if any(best):
        notes.append(
            "Best attack: the median of what the best attack on the model itself needs."
        )
    if of_paper:
        notes.append("The paper's figure is over its own three sets and models.")
    budgets = dict.fromkeys(budget(entry["attack"]) for entry in entries)
    return Table(
        "table7",
        "Table 7",
        "Accuracy on the other models' adversarial images, %",
        "; ".join(budgets),
        header,
        rows,
        notes,
    )


def _shown_to(entry: dict, name: str, stage: str = "attack") -> tuple[int, int]:
    record = entry[stage].get("transfer")
    if not record or name not in record["names"]:
        return 0, 0
    return shown_by_others(record, name)


def _share_cell(fooled: int, shown: int) -> Cell:
    if not shown:
        return Cell(NOTHING)
    right = shown - fooled
    interval = binomtest(right, shown).proportion_ci(method="wilson")
    ends = f"{100 * interval.low:.0f} to {100 * interval.high:.0f}"
    return Cell(percent(right / shown), small=f"({right} of {shown}; {ends})")
