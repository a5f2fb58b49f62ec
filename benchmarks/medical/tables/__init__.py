"""The paper's tables 1 to 7, one more and a summary, from the record of a run.

A table is a function from the record to a `Table`. To add one, write it beside the
others and enter it in one of the lists here: it is then written and printed. The report
shows those over all data sets, and of a data set those that ``dataset.html`` names by
their functions. Models are lines, not columns as in the paper, so that a table fits a
terminal and a telephone.
"""

from collections.abc import Callable
from pathlib import Path

from benchmarks.common.table import Table, write_table
from benchmarks.medical.reading import has_transfer, was_attacked, was_evaluated
from benchmarks.medical.tables.accuracy import (
    accuracy,
    accuracy_in_full,
    accuracy_overview,
)
from benchmarks.medical.tables.at_a_glance import summary
from benchmarks.medical.tables.certificates import bounds, bounds_by_image
from benchmarks.medical.tables.distances import distances, mean_distances
from benchmarks.medical.tables.transfers import (
    transfer,
    transfer_accuracy,
    transfer_of_best,
    transfer_of_one,
)

Holds = Callable[[dict], bool]


def has_models(entry: dict) -> bool:
    """Tell whether a model has been trained on a data set."""
    return bool(entry["models"])


def was_transferred(entry: dict) -> bool:
    """Tell whether models were shown each other's adversarial images."""
    return was_attacked(entry) and has_transfer(entry)


# Whether a data set's part of the record has the figures, and the table: over the data
# sets that have them, then of a single one.
OVER_DATASETS: tuple[tuple[Holds, Callable[[dict, list[dict]], Table]], ...] = (
    (has_models, accuracy_overview),
    (was_attacked, mean_distances),
    (was_transferred, transfer_accuracy),
)
OF_A_DATASET: tuple[tuple[Holds, Callable[[dict, dict], Table | None]], ...] = (
    (has_models, accuracy),
    (was_attacked, distances),
    (was_transferred, transfer_of_one),
    (was_transferred, transfer),
    (was_evaluated, transfer_of_best),
    (was_evaluated, bounds),
    (was_evaluated, bounds_by_image),
    # The last, so that a terminal ends with the answer.
    (was_attacked, summary),
)


def make_tables(data: dict) -> list[Table]:
    """Make all tables that the record has figures for, those over all sets first.

    Parameters
    ----------
    data : dict
        The record; its form is told in ``results.py``.
    """
    tables: list[Table | None] = [*tables_over_datasets(data)]
    for entry in data["datasets"].values():
        tables += [make(data, entry) for holds, make in OF_A_DATASET if holds(entry)]
    return [table for table in tables if table is not None]


def tables_over_datasets(data: dict, fewest: int = 1) -> list[Table]:
    """Make the tables over data sets of which at least `fewest` have the figures."""
    entries = data["datasets"].values()
    with_figures = [
        (make, [entry for entry in entries if holds(entry)])
        for holds, make in OVER_DATASETS
    ]
    return [make(data, shown) for make, shown in with_figures if len(shown) >= fewest]


def tables_by_name(data: dict, entry: dict) -> dict[str, Table | None]:
    """Make all tables for one data set, by the names of their functions.

    Those over data sets are among them, for this one alone; None where the
    record has no figures.
    """
    over = {
        make.__name__: make(data, [entry]) if holds(entry) else None
        for holds, make in OVER_DATASETS
    }
    return over | {
        make.__name__: make(data, entry) if holds(entry) else None
        for holds, make in OF_A_DATASET
    }


def write_tables(data: dict, folder: Path) -> None:
    """Write every table as csv and rst, and the accuracies as numbers."""
    for table in make_tables(data):
        write_table(table, folder)
    write_table(accuracy_in_full(data), folder, kinds=("csv",))
