"""Whether a run repeated a record: how far its figures are from those that are kept.

Accuracy, certificate and best attack are to agree. HopSkipJump and the surrogate's
gradient search are long iterations, which amplify rounding, and are told alone.

``python -m benchmarks.medical.repeat RECORD RESULTS`` compares a condensed record with
the ``results.json`` of a run with the same settings, on another machine perhaps.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.common.table import Table
from benchmarks.medical.condense import condense
from benchmarks.medical.reading import NOTHING

TWO_DIGITS = 0.005  # of a figure
BEST = "best attack"
STEADY = "accuracy", "certified", BEST


def differences(record: Mapping, other: Mapping) -> dict[str, dict[str, float]]:
    """Return the largest relative difference of a figure, by model and column.

    Parameters
    ----------
    record, other : mapping
        Condensed records. Models and images that one of them lacks are left out.

    Returns
    -------
    dict of str to dict of str to float
        By label and column; inf where one run found something and the other nothing.
    """
    found = {}
    for name, model in record["models"].items():
        columns = dict(_columns(record, name))
        others = dict(_columns(other, name))
        found[model["label"]] = {
            column: _difference(columns[column], others[column])
            for column in columns
            if column in others
        }
    return {label: columns for label, columns in found.items() if columns}


def _columns(record: Mapping, name: str) -> Iterator[tuple[str, dict[int, float]]]:
    """Yield a model's figures by the rows of the images."""
    rows = [image["row"] for image in record["attack"]["images"]]
    if model := record["models"].get(name):
        trials = model["seeds"].items()
        shares = {int(k): t["n_correct"] / t["n_test"] for k, t in trials}
        yield "accuracy", shares
    evaluated = record.get("evaluation", {}).get("models", {}).get(name)
    if evaluated is None:
        return
    if evaluated["certified"] is not None:
        yield "certified", _by_row(rows, evaluated["certified"])
    yield BEST, _by_row(rows, evaluated["nearest"])
    for attack, distances in evaluated["distances"].items():
        yield attack, _by_row(rows, distances)


def _by_row(rows: Sequence[int], values: Sequence[float | None]) -> dict[int, float]:
    numbers = [np.inf if value is None else value for value in values]
    return dict(zip(rows, numbers, strict=False))


def _difference(one: dict[int, float], other: dict[int, float]) -> float:
    pairs = [(one[row], other[row]) for row in one if row in other]
    apart = [abs(a - b) / max(a, b) for a, b in pairs if a != b]
    return float(np.nan_to_num(max(apart, default=0.0), nan=np.inf))


def comparison(record: Mapping, other: Mapping) -> Table:
    """Return the differences as a table, in per cent."""
    found = differences(record, other)
    columns = list(dict.fromkeys(c for of_model in found.values() for c in of_model))
    rows = [
        [
            label,
            *[
                f"{100 * of_model[c]:.2f}" if c in of_model else NOTHING
                for c in columns
            ],
        ]
        for label, of_model in found.items()
    ]
    return Table(
        "repeat",
        "",
        "Largest difference from the record, %",
        record["dataset"]["name"],
        ["Model", *columns],
        rows,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Print the differences; 1 if one of those that are to agree is too large."""
    parser = argparse.ArgumentParser("python -m benchmarks.medical.repeat")
    parser.add_argument("record", type=Path, help="file of benchmarks/records")
    parser.add_argument("results", type=Path, help="results.json of the other run")
    given = parser.parse_args(argv)
    record, data = (
        json.loads(path.read_text(encoding="utf-8"))
        for path in (given.record, given.results)
    )
    other = condense(data, "", "")
    print(comparison(record, other).to_text())
    steady = [
        value
        for of_model in differences(record, other).values()
        for column, value in of_model.items()
        if column in STEADY
    ]
    return int(max(steady, default=0.0) > TWO_DIGITS)


if __name__ == "__main__":
    sys.exit(main())
