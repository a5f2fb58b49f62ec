"""Try a step on each of several weights of a node, each with its own exact threshold.

Both nodes of the network search this way: a hidden node over features of the data,
the output node under 0/1 loss over hidden units.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from sklearn_scd._kernels.threshold import best_score


class Samples(NamedTuple):
    """Samples that a node's firing can help or hurt; the helped ones come first."""

    rows: np.ndarray  # (n,) uint32, rows of the training set
    values: np.ndarray  # (n,) float, the node's input without its bias
    gains: np.ndarray  # (n,) int64, what firing is worth; never 0
    n_positive: int  # number of samples with positive gains


class Buffers(NamedTuple):
    """Scratch arrays of one node's step, each of shape (n_rows,)."""

    rows: np.ndarray  # uint32
    values: np.ndarray
    gains: np.ndarray  # int64
    x: np.ndarray  # a feature's values on the samples
    shifted: np.ndarray  # the samples' values after a step


@njit(nogil=True, cache=True)
def buffers(template):
    """Make the scratch arrays for values like `template`, (n_rows,) floats."""
    n = template.shape[0]
    return Buffers(
        np.empty(n, dtype=np.uint32),
        np.empty_like(template),
        np.empty(n, dtype=np.int64),
        np.empty_like(template),
        np.empty_like(template),
    )


@njit(nogil=True, cache=True)
def extent(values):
    """Smallest and largest value."""
    low = high = values[0]
    for i in range(values.shape[0]):
        low = min(low, values[i])
        high = max(high, values[i])
    return low, high


@njit(nogil=True, cache=True)
def shift_values(column, samples, step, out):
    """Write the samples' values after a step on `column`'s weight; return them."""
    step = samples.values.dtype.type(step)
    shifted = out[: samples.rows.shape[0]]
    for i in range(shifted.shape[0]):
        x = samples.values.dtype.type(column[samples.rows[i]])
        shifted[i] = samples.values[i] + step * x
    return shifted


@njit(nogil=True, cache=True)
def best_step(
    columns, lowest, highest, weights, features, step, binary, samples, bar, work, space
):
    """Find the step that beats `bar` by most; the first of equals.

    Parameters
    ----------
    columns : ndarray of shape (n_features, n_rows)
    lowest, highest : ndarray of shape (n_features,)
        Extent of each column, in the dtype of the samples' values.
    weights : ndarray of shape (n_features,)
        Present weights; read with binary weights only.
    features : ndarray of int
        Candidates, tried in this order, the step up before the step down.
    step : float
        With binary weights the sign is flipped instead.
    binary : bool
    samples : Samples
    bar : int
        Score without a step.
    work : Buffers
    space : SearchSpace

    Returns
    -------
    score : int
        `bar` if no step beats it.
    feature : int
        -1 if no step beats the bar.
    step : float
    """
    dtype = samples.values.dtype.type
    low, high = extent(samples.values)
    x = work.x[: samples.rows.shape[0]]
    shifted = work.shifted[: samples.rows.shape[0]]
    best_feature, best_signed = -1, 0.0
    for f in features:
        if lowest[f] == highest[f]:
            continue  # a constant feature moves every value alike
        column = columns[f]
        for i in range(x.shape[0]):
            x[i] = column[samples.rows[i]]
        for side in range(1 if binary else 2):
            if binary:
                signed = dtype(-2.0 * weights[f])
            else:
                signed = dtype(step) if side == 0 else dtype(-step)
            # Rounding is monotone: no shifted value lies outside these bounds.
            end_1, end_2 = signed * lowest[f], signed * highest[f]
            for i in range(x.shape[0]):
                shifted[i] = samples.values[i] + signed * x[i]
            score = best_score(
                shifted,
                samples.gains,
                samples.n_positive,
                low + min(end_1, end_2),
                high + max(end_1, end_2),
                bar,
                space,
            )
            if score > bar:
                bar, best_feature, best_signed = score, f, np.float64(signed)
    return bar, best_feature, best_signed
