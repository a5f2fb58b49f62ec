"""Samples that are held out of training, for early stopping."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from sklearn_scd._training_set import TrainingSet, canonical_rows
from sklearn_scd._typing import Floats


def hold_out(
    X: NDArray[Any],
    labels: NDArray[np.intp],
    weights: Floats,
    fraction: float,
    seed: int,
) -> tuple[Floats, Floats]:
    """Split the weights of samples into those for training and those held out.

    Distinct samples are split, class by class: equal ones are on one side, and the
    split depends on the weighted set of samples and the seed alone.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    labels : ndarray of shape (n_samples,), int
    weights : ndarray of shape (n_samples,)
    fraction : float
        Of each class's distinct samples that is held out.
    seed : int

    Returns
    -------
    kept, held : ndarray of shape (n_samples,)
        Each is 0 where a sample is on the other side.

    Raises
    ------
    ValueError
        If a class has no sample for each side.
    """
    rows, merged = canonical_rows(X, labels, weights)
    sides = train_test_split(
        np.arange(rows.size),
        test_size=fraction,
        stratify=labels[rows],
        random_state=seed,
    )
    kept, held = np.zeros((2, len(X)))
    for out, side in zip((kept, held), sides, strict=True):
        out[rows[side]] = merged[side]
    return kept, held


def in_dtype_of(training: TrainingSet, held_out: TrainingSet) -> TrainingSet:
    """Rows held out, in the dtype that noise may have given to those for training."""
    if held_out.values.size:  # codes
        return held_out
    columns = held_out.columns.astype(training.columns.dtype)
    columns.flags.writeable = False
    return held_out._replace(columns=columns)
