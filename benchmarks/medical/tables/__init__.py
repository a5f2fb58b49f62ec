"""The paper's tables 1 to 7, and one more, from the record of a run.

A table is a function from the record to a `Table`. To add one, write it beside the
others and enter it in one of the lists here: it is then written and printed. The report
shows it where its templates name it. Models are lines, not columns as in the paper, so
that a table fits a terminal and a telephone.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.common.table import Table, write_table
from benchmarks.medical.reading import (
    attacked_entries,
    has_transfer,
    was_attacked,
    was_evaluated,
)
from benchmarks.medical.tables.accuracy import (
    accuracy,
    accuracy_in_full,
    accuracy_overview,
)
from benchmarks.medical.tables.certificates import bounds, bounds_by_image
from benchmarks.medical.tables.distances import distances, mean_distances
from benchmarks.medical.tables.transfers import (
    transfer,
    transfer_accuracy,
    transfer_of_one,
)

Holds = Callable[[dict], bool]
# Of a data set: whether its part of the record has the figures, and the table.
OF_A_DATASET: tuple[tuple[Holds, Callable[[dict, dict], Table | None]], ...] = (
    (lambda entry: bool(entry["models"]), accuracy),
    (lambda entry: was_attacked(entry), distances),
    (lambda entry: was_attacked(entry) and has_transfer(entry), transfer_of_one),
    (lambda entry: was_attacked(entry) and has_transfer(entry), transfer),
    (was_evaluated, bounds),
    (was_evaluated, bounds_by_image),
)


def make_tables(data: dict) -> list[Table]:
    """Make all tables that the record has figures for, those over all sets first.

    Parameters
    ----------
    data : dict
        The record; its form is told in ``results.py``.
    """
    entries = list(data["datasets"].values())
    tables: list[Table | None] = []
    if any(entry["models"] for entry in entries):
        tables.append(accuracy_overview(data))
    if attacked_entries(data):
        tables.append(mean_distances(data))
    shown = [entry for entry in attacked_entries(data) if has_transfer(entry)]
    if shown:
        tables.append(transfer_accuracy(data, shown))
    for entry in entries:
        tables += [make(data, entry) for holds, make in OF_A_DATASET if holds(entry)]
    return [table for table in tables if table is not None]


def write_tables(data: dict, folder: Path) -> None:
    """Write every table as csv and rst, and the accuracies as numbers."""
    for table in make_tables(data):
        write_table(table, folder)
    write_table(accuracy_in_full(data), folder, kinds=("csv",))
