"""The rows that networks train on: distinct, in an order of their own, by feature.

Training depends on the weighted set of samples alone. All networks share one copy. Of
floats of few distinct values it has codes of a byte in their place.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._kernels.codes import Codes, encode_columns, find_codes
from sklearn_scd._kernels.losses import WEIGHT_BITS
from sklearn_scd._kernels.rows import copy_columns, fingerprint_rows
from sklearn_scd._range import largest_entry
from sklearn_scd._typing import Floats

_CHUNK_BYTES = 2**24  # of samples converted at a time


class TrainingSet(NamedTuple):
    """Distinct rows in canonical order, as the kernels read them."""

    columns: np.ndarray  # (n_features, n_rows), dtype of X or codes, uint8
    values: np.ndarray  # (n_values,) float64 of the codes; none: columns are values
    lowest: np.ndarray  # (n_features,) in the dtype of projections
    highest: np.ndarray  # (n_features,)
    weight: np.ndarray  # (n_rows,) int64, fixed-point
    class_starts: np.ndarray  # (n_classes + 1,) first row of each class; n_rows


def canonical_rows(
    X: NDArray[Any], labels: NDArray[np.intp], weights: Floats
) -> tuple[NDArray[np.intp], Floats]:
    """Merge equal samples, drop those without weight, and order by content.

    Training so depends on the weighted set of samples alone: not on their order, and
    a sample of weight 2 is the same as two copies of it. Data in other units, larger
    by a power of two, have the same order.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    labels : ndarray of shape (n_samples,), int
    weights : ndarray of shape (n_samples,), float64

    Returns
    -------
    rows : ndarray of shape (n_rows,), int
        One sample of `X` for each distinct sample.
    weights : ndarray of shape (n_rows,)
        Sums of the weights of equal samples.
    """
    kept = np.flatnonzero(weights > 0)
    fingerprint = np.empty(X.shape[0], dtype=np.uint64)
    exponent = max(np.frexp(_largest_of(X, kept))[1], np.finfo(np.float64).minexp)
    fingerprint_rows(X, np.ldexp(1.0, -exponent), fingerprint)
    order = kept[np.lexsort((fingerprint[kept], labels[kept]))]
    alike = (fingerprint[order[1:]] == fingerprint[order[:-1]]) & (
        labels[order[1:]] == labels[order[:-1]]
    )
    first = np.concatenate([[True], ~alike])
    begins = np.flatnonzero(first)
    lengths = np.diff(begins, append=order.size)
    for k in np.flatnonzero(lengths > 1):
        run = slice(begins[k], begins[k] + lengths[k])
        _order_by_content(X, order[run], first[run])
    starts = np.flatnonzero(first)
    merged = weights[order[starts]]
    sizes = np.diff(starts, append=order.size)
    for k in np.flatnonzero(sizes > 1):
        # Rounded once, so that the order of the samples does not show in it.
        merged[k] = math.fsum(weights[order[starts[k] : starts[k] + sizes[k]]])
    return order[starts], merged


def _order_by_content(
    X: NDArray[Any], run: NDArray[np.intp], first: NDArray[np.bool_]
) -> None:
    """Sort rows of one class and fingerprint, and mark the first of equal ones.

    Fingerprints of unlike samples are hardly ever equal, but for samples of four
    features: of these it is enough that two are swapped.
    """
    if any(not np.array_equal(X[i], X[run[0]]) for i in run[1:]):
        run[:] = run[np.lexsort(X[run].T)]
        first[1:] = (X[run[1:]] != X[run[:-1]]).any(axis=1)


def _largest_of(X: NDArray[Any], rows: NDArray[np.intp]) -> float:
    """Largest absolute value in some rows."""
    if rows.size == len(X):
        return largest_entry(X)
    size = max(1, _CHUNK_BYTES // (8 * X.shape[1]))
    return max(
        largest_entry(X[rows[start : start + size]])
        for start in range(0, rows.size, size)
    )


class RowPlan(NamedTuple):
    """Rows to be copied, before any is."""

    rows: NDArray[np.intp]  # (n_distinct,) of X
    weights: Floats  # (n_distinct,)
    noise: float
    n_noisy: int  # noisy copies of each row
    dtype: np.dtype[Any]  # of the copy
    codes: Codes | None  # of the values, if there are few and they take fewer bytes

    @property
    def n_rows(self) -> int:
        """Rows that are copied, noisy ones included."""
        return self.rows.size * (self.n_noisy + 1)


def plan_rows(
    X: NDArray[Any],
    labels: NDArray[np.intp],
    weights: Floats,
    noise: float = 0.0,
    n_noisy: int = 0,
) -> RowPlan:
    """Say which rows a training is to have, which tells its size before it is made.

    Parameters
    ----------
    X, labels, weights
        As in :func:`canonical_rows`.
    noise : float, default=0.0
        Standard deviation of Gaussian noise.
    n_noisy : int, default=0
        Copies of each row with noise, which share its weight with it.

    Returns
    -------
    plan : RowPlan
    """
    rows, weights = canonical_rows(X, labels, weights)
    if noise and n_noisy:
        return RowPlan(rows, weights, noise, int(n_noisy), _dtype_of_model(X), None)
    codes = None if X.dtype == np.uint8 else find_codes(X)
    dtype = X.dtype if codes is None else np.dtype(np.uint8)
    return RowPlan(rows, weights, noise, 0, dtype, codes)


def copy_rows(
    X: NDArray[Any],
    labels: NDArray[np.intp],
    plan: RowPlan,
    n_classes: int,
    seed: int = 0,
) -> TrainingSet:
    """Make the one feature-major copy of `X` that all networks share.

    Parameters
    ----------
    X, labels
        As in :func:`canonical_rows`.
    plan : RowPlan
    n_classes : int
    seed : int, default=0
        Of the noise.

    Returns
    -------
    training : TrainingSet
    """
    rows, weights, noise, n_noisy, dtype, codes = plan
    values = np.empty(0)
    if n_noisy:
        rows = np.repeat(rows, n_noisy + 1)
        weights = np.repeat(weights / (n_noisy + 1), n_noisy + 1)
        columns = _noisy_columns(X, rows, noise, n_noisy, seed)
    else:
        columns = np.empty((X.shape[1], rows.size), dtype=dtype)
        if codes is None:
            copy_columns(X, rows, columns)
        else:
            encode_columns(X, rows, codes.multiplier, codes.codes, columns)
            values = codes.values
    lowest, highest = columns.min(axis=1), columns.max(axis=1)
    if values.size:
        lowest, highest = values[lowest], values[highest]
    return TrainingSet(
        read_only(columns),
        read_only(values),
        read_only(lowest.astype(_dtype_of_model(X))),
        read_only(highest.astype(_dtype_of_model(X))),
        read_only(fixed_point_weights(weights)),
        np.searchsorted(labels[rows], np.arange(n_classes + 1)),
    )


def training_set(
    X: NDArray[Any],
    labels: NDArray[np.intp],
    weights: Floats,
    n_classes: int,
    noise: float = 0.0,
    n_noisy: int = 0,
    seed: int = 0,
) -> TrainingSet:
    """Plan the rows and copy them: :func:`plan_rows`, then :func:`copy_rows`."""
    plan = plan_rows(X, labels, weights, noise, n_noisy)
    return copy_rows(X, labels, plan, n_classes, seed)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view that can't be written to.

    Numba compiles a kernel once more where an array can be. Read-only everywhere, one
    version serves this process and those that get the data as a file mapped into
    memory.
    """
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view


def _dtype_of_model(X: NDArray[Any]) -> np.dtype[Any]:
    return np.dtype(np.float64 if X.dtype == np.float64 else np.float32)


def _noisy_columns(
    X: NDArray[Any], rows: NDArray[np.intp], noise: float, n_noisy: int, seed: int
) -> NDArray[Any]:
    """Copy rows feature by feature; each is followed by `n_noisy` of it with noise."""
    rng = np.random.RandomState(seed)
    columns = np.empty((X.shape[1], rows.size), dtype=_dtype_of_model(X))
    size = (n_noisy + 1) * max(1, _CHUNK_BYTES // (16 * X.shape[1] * (n_noisy + 1)))
    for start in range(0, rows.size, size):
        part = X[rows[start : start + size]].astype(np.float64)
        noisy = np.arange(len(part)) % (n_noisy + 1) > 0
        with np.errstate(over="ignore"):  # check_range refuses what is not finite
            part[noisy] += noise * rng.standard_normal((noisy.sum(), X.shape[1]))
            columns[:, start : start + size] = part.T
    return columns


def fixed_point_weights(weights: Floats) -> NDArray[np.int64]:
    """Scale weights by a power of two, as :mod:`sklearn_scd._kernels.losses` says."""
    exponent = WEIGHT_BITS - int(np.ceil(np.log2(weights.sum())))
    return np.maximum(np.rint(np.ldexp(weights, exponent)), 1).astype(np.int64)
