"""The answer in one small table: accuracy, and three medians of each model."""

from dataclasses import replace

import numpy as np

from benchmarks.common.table import Cell, Table, slug
from benchmarks.medical.reading import (
    NOTHING,
    attack_name,
    attacked_counts,
    budget,
    distance,
    norm_name,
    noun,
    was_evaluated,
    white_box_attacks,
)
from benchmarks.medical.tables.separation import (
    ModelBounds,
    median,
    median_interval,
    model_bounds,
)

UNBOUNDED = "∞"


def summary(data: dict, entry: dict) -> Table:
    """Return what a reader wants to know first, the most robust model first."""
    attack, evaluated = entry["attack"], was_evaluated(entry)
    header = ["model", "accuracy, %"]
    header += ["certified", "best attack"] * evaluated + [attack_name(attack)]
    rows = []
    for model in model_bounds(entry):
        row = [model.label, _accuracy(model)]
        if evaluated:
            row += [_certified(model), median_cell(model.best_attacks, "strong")]
        decisions = median_cell(model.decision_attacks)
        # Nobody is to read a ranking out of it: no interval beside the others'.
        rows.append([*row, replace(decisions, small="") if evaluated else decisions])
    several = noun(entry)
    counts = " to ".join(map(str, attacked_counts(entry)))
    return Table(
        f"summary-{slug(entry['name'])}",
        "Summary",
        f"Accuracy, and median {norm_name(attack)} sizes of perturbations of "
        f"{counts} {several}",
        f"{entry['name']}: {budget(attack)}",
        header,
        rows,
        _notes(entry) if evaluated else (),
    )


def interval_text(values: np.ndarray) -> str:
    """Write the 95% interval of a median."""
    low, high = median_interval(values)
    return f"{bound_text(low)} to {bound_text(high)}"


def bound_text(value: float) -> str:
    """Write a distance that may be infinite or unknown."""
    if np.isnan(value):
        return NOTHING
    return UNBOUNDED if np.isinf(value) else distance(value) if value else "0"


def median_cell(values: np.ndarray, kind: str = "", mark: str = "") -> Cell:
    """Return a median with its interval."""
    if not values.size:
        return Cell(NOTHING)
    return Cell(bound_text(median(values)) + mark, kind, interval_text(values))


def _certified(model: ModelBounds) -> Cell:
    if model.certificate is None:
        return Cell(NOTHING)
    mark = "*" if model.certificate == "exact" else ""
    return median_cell(model.certified_radii, mark=mark)


def _accuracy(model: ModelBounds) -> Cell:
    if model.accuracy is None:
        return Cell(NOTHING)
    return Cell(f"{100 * model.accuracy:.1f}")


def _notes(entry: dict) -> list[str]:
    one, several = noun(entry, 1), noun(entry)
    known = ", ".join(white_box_attacks(entry)) or "none was run"
    notes = [
        f"Certified: the radius within which no perturbation changes the decision, a "
        f"lower bound. Best attack: the smallest perturbation found by any attack, "
        f"white-box ones ({known}) among them, an upper bound. "
        f"{attack_name(entry['attack'])} sees decisions alone: its distances are upper "
        "bounds, too, and often loose ones. Medians are over the "
        f"{several} that a model classifies correctly; beside them, 95% intervals. "
        f"{UNBOUNDED}: nothing found on half of the {several}, or an interval that so "
        f"few of them leave open."
    ]
    if any(m["certificate"] == "exact" for m in entry["evaluation"]["models"].values()):
        notes.append(f"* The distance of the {one} itself, less rounding.")
    return notes
