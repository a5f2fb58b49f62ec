"""What was loaded, in words: for a user to see before anything is trained on it."""

import textwrap
from collections.abc import Mapping

import numpy as np

from benchmarks.datasets._base import Dataset
from benchmarks.datasets._file_search import describe_left_out

_WIDTH = 88
_INDENT = 10


def describe_losses(dataset: Dataset) -> list[str]:
    """Return what was left out, and what was decided in the user's stead, as lines."""
    lines = [f"note: {remark}" for remark in dataset.remarks]
    if dataset.left_out:
        lines.insert(0, f"left out: {describe_left_out(dataset.left_out)}")
    return lines


def describe_details(
    dataset: Dataset, sides: Mapping[str, np.ndarray] | None = None
) -> str:
    """Return counts of each class and side, the range of values, and what is missing.

    Parameters
    ----------
    dataset : Dataset
    sides : mapping of str to ndarray of int, optional
        Names of a split's sides and their rows; by default those that come with the
        set.
    """
    lines = [
        f"{side + ':':8}" + _counts(dataset, rows)
        for side, rows in (sides or _own_sides(dataset)).items()
    ]
    lines.append(
        f"values: {dataset.X.min():,g} to {dataset.X.max():,g}, {dataset.X.dtype}"
    )
    lines += describe_losses(dataset)
    return "\n".join(
        wrapped
        for line in lines
        for wrapped in textwrap.wrap(
            line, _WIDTH, initial_indent="  ", subsequent_indent=" " * _INDENT
        )
    )


def describe_loaded(
    dataset: Dataset, sides: Mapping[str, np.ndarray] | None = None
) -> str:
    """Return all that a user should see of a data set: size, source and details.

    Parameters
    ----------
    dataset : Dataset
    sides : mapping of str to ndarray of int, optional
        As `describe_details` takes it.
    """
    shape = "x".join(map(str, dataset.X.shape[1:]))
    kind = f"images of {shape}" if dataset.image_shape else f"rows of {shape} numbers"
    return "\n".join(
        [
            f"{dataset.name}: {len(dataset.y):,} {kind}",
            *textwrap.wrap(
                f"source: {dataset.source}; licence: {dataset.licence}",
                _WIDTH,
                initial_indent="  ",
                subsequent_indent=" " * _INDENT,
            ),
            describe_details(dataset, sides),
        ]
    )


def _own_sides(dataset: Dataset) -> dict[str, np.ndarray]:
    if dataset.is_test is None:
        return {"all": np.arange(len(dataset.y))}
    return {
        "train": np.flatnonzero(~dataset.is_test),
        "test": np.flatnonzero(dataset.is_test),
    }


def _counts(dataset: Dataset, rows: np.ndarray) -> str:
    counts = dataset.class_counts(rows)
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
