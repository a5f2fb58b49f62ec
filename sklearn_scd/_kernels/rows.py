"""Rows of the training set: fingerprints for a canonical order, values, projections."""

import math
from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.prefetch import LINE, prefetch

_MULTIPLIER = np.uint64(0x9FB21C651E98DF25)
_FOLD = np.uint64(32)

# A block's values of some features, and its sums, stay in the first-level cache.
_ROWS, _FEATURES = 256, 8
_BLOCK = 64  # rows and features copied at a time
_NEAR = 1 << 19  # bytes of data that stay in the second-level cache
_NO_VALUES = np.empty(0)


class Columns(NamedTuple):
    """Values of features, one array of which has them and the others no feature.

    So what reads columns is compiled once for all dtypes.
    """

    whole: np.ndarray  # (n_features or 0, n_rows) uint8
    single: np.ndarray  # (n_features or 0, n_rows) float32
    double: np.ndarray  # (n_features or 0, n_rows) float64
    values: np.ndarray  # (n_values or 0,) float64, of which `whole` has the codes


@kernel
def copy_values(values, out):
    """Copy an array into another, in the other's dtype.

    ``out[:] = values`` would do, as would ``values *= factor``, but in kernels they
    take seconds to compile: they bring the texts of their errors with them.
    """
    for i in range(values.shape[0]):
        out[i] = values[i]


@kernel
def scale_values(values, factor):
    """Multiply an array with a factor, in place and in the array's dtype."""
    for i in range(values.shape[0]):
        values[i] *= factor


@kernel
def _fold(h):
    h *= _MULTIPLIER
    return h ^ (h >> _FOLD)


@kernel
def _mix(h, value):
    return _fold(h ^ np.float64(value + 0.0).view(np.uint64))  # -0.0 becomes 0.0


@kernel
def fingerprint_rows(X, scale, out):
    """Hash each row by its values, whatever their dtype and wherever they lie.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    scale : float
        A power of two that values are multiplied with first.
    out : ndarray of shape (n_samples,), dtype uint64
    """
    n_features = X.shape[1]
    whole = n_features - n_features % 4
    for i in range(X.shape[0]):
        # Four features at a time: a multiplication need not wait for the last one.
        a = b = c = d = np.uint64(n_features)
        for f in range(0, whole, 4):
            a = _mix(a, X[i, f] * scale)
            b = _mix(b, X[i, f + 1] * scale)
            c = _mix(c, X[i, f + 2] * scale)
            d = _mix(d, X[i, f + 3] * scale)
        for f in range(whole, n_features):
            a = _mix(a, X[i, f] * scale)
        for lane in (b, c, d):
            a = _fold(a ^ lane)
        out[i] = a


@kernel
def copy_columns(X, rows, columns):
    """Copy rows of `X` feature by feature, block by block of the cache's size.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    rows : ndarray of shape (n_rows,), int
    columns : ndarray of shape (n_features, n_rows), dtype of X
        Filled in place.
    """
    n_features, n_rows = columns.shape
    for first in range(0, n_rows, _BLOCK):
        part = rows[first : first + _BLOCK]
        for f in range(0, n_features, _BLOCK):
            for k in range(f, min(f + _BLOCK, n_features)):
                out = columns[k, first : first + part.shape[0]]
                for i in range(part.shape[0]):
                    out[i] = X[part[i], k]


@kernel
def normalise_row(row):
    """Scale to unit L2 norm in place; return the factor."""
    squares = 0.0
    for f in range(row.shape[0]):
        squares += np.float64(row[f]) * np.float64(row[f])
    shrink = row.dtype.type(1.0 / math.sqrt(squares))
    scale_values(row, shrink)
    return shrink


@kernel
def normalise_rows(weights):
    """Scale each row to unit L2 norm in place."""
    for j in range(weights.shape[0]):
        normalise_row(weights[j])


def as_columns(columns, values=_NO_VALUES):
    """Wrap an array of shape (n_features, n_rows), uint8, float32 or float64.

    The entries of `values`, if there are any, are what those of the array stand for.
    """
    arrays = []
    for dtype in (np.uint8, np.float32, np.float64):
        array = np.empty((0, columns.shape[1]), dtype=dtype)
        if columns.dtype == dtype:
            array = columns.view()
        arrays.append(array)
    arrays.append(values.view())
    for array in arrays:
        array.flags.writeable = False  # always: one version of what reads them
    return Columns(*arrays)


@kernel
def gather_column(whole, single, double, values, feature, rows, start, stop, out):
    """Write a feature's values on ``rows[start:stop]`` to the same places of `out`.

    `whole`, `single`, `double` and `values` are those of :class:`Columns`.
    """
    if double.shape[0] > 0:
        for i in range(np.uint64(start), np.uint64(stop)):
            out[i] = double[feature, rows[i]]
    elif single.shape[0] > 0:
        for i in range(np.uint64(start), np.uint64(stop)):
            out[i] = single[feature, rows[i]]
    elif values.shape[0] > 0:
        for i in range(np.uint64(start), np.uint64(stop)):
            out[i] = values[whole[feature, rows[i]]]
    else:
        for i in range(np.uint64(start), np.uint64(stop)):
            out[i] = whole[feature, rows[i]]


@kernel
def _fetch(values, feature, rows, n):
    per_line = np.int64(LINE // values.itemsize)
    if n * per_line < values.shape[1]:
        for i in range(n):
            prefetch(values, feature, np.int64(rows[i]))
    else:
        for i in range(0, values.shape[1], per_line):
            prefetch(values, feature, i)


@kernel
def fetch_column(whole, single, double, feature, rows, n):
    """Have a feature's values on the first n rows, or on all, on the way to the cache.

    Small data are in the cache in any case. Parameters are those of
    :func:`gather_column`.
    """
    if whole.nbytes + single.nbytes + double.nbytes <= _NEAR:
        return
    if double.shape[0] > 0:
        _fetch(double, feature, rows, n)
    elif single.shape[0] > 0:
        _fetch(single, feature, rows, n)
    else:
        _fetch(whole, feature, rows, n)


@kernel
def read_column(columns, feature, start, out):
    """Write a feature's values from row `start` on."""
    stop = start + out.shape[0]
    if columns.double.shape[0] > 0:
        copy_values(columns.double[feature, start:stop], out)
    elif columns.single.shape[0] > 0:
        copy_values(columns.single[feature, start:stop], out)
    elif columns.values.shape[0] > 0:
        for i in range(out.shape[0]):
            out[i] = columns.values[columns.whole[feature, start + i]]
    else:
        copy_values(columns.whole[feature, start:stop], out)


@kernel
def _add_eight(w, x, total):
    """``total += w @ x`` of eight rows, added in their order.

    Sums are loaded and stored once for eight products.
    """
    w0, w1, w2, w3, w4, w5, w6, w7 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
    for i in range(total.shape[0]):
        s = total[i] + w0 * x[0, i]
        s += w1 * x[1, i]
        s += w2 * x[2, i]
        s += w3 * x[3, i]
        s += w4 * x[4, i]
        s += w5 * x[5, i]
        s += w6 * x[6, i]
        total[i] = s + w7 * x[7, i]


@kernel
def _fetch_part(values, first, last, start, stop):
    for f in range(first, last):
        for i in range(start, stop, np.int64(LINE // values.itemsize)):
            prefetch(values, f, i)


@kernel
def _fetch_block(columns, first, last, start, stop):
    """Have some features' values on some rows on the way to the cache."""
    if columns.double.shape[0] > 0:
        _fetch_part(columns.double, first, last, start, stop)
    elif columns.single.shape[0] > 0:
        _fetch_part(columns.single, first, last, start, stop)
    else:
        _fetch_part(columns.whole, first, last, start, stop)


def projection_space():
    """Make the scratch array of :func:`project`."""
    return np.empty((_FEATURES, _ROWS))


@kernel
def project(columns, weights, first, last, x, out):
    """Projections ``out[j, i] = sum_f weights[j, f] * columns[f, i]``.

    Sums run over the features in order, so the bits do not depend on block sizes,
    threads or a BLAS.

    Parameters
    ----------
    columns : Columns
    weights : ndarray of shape (n_units, n_features)
    first, last : int
        Units [first, last) are projected on.
    x : ndarray as made by :func:`projection_space`
        Overwritten.
    out : ndarray of shape (n_units, n_rows), float64
    """
    n_features, n_rows = weights.shape[1], out.shape[1]
    for start in range(0, n_rows, _ROWS):
        size = min(_ROWS, n_rows - start)
        for j in range(first, last):
            for i in range(start, start + size):
                out[j, i] = 0.0
        for f in range(0, n_features, _FEATURES):
            n = min(_FEATURES, n_features - f)
            for k in range(n):
                read_column(columns, f + k, start, x[k, :size])
            following = min(f + 2 * _FEATURES, n_features)
            _fetch_block(columns, f + n, following, start, start + size)
            for j in range(first, last):
                total = out[j, start : start + size]
                if n == _FEATURES:
                    _add_eight(weights[j, f : f + n], x, total)
                else:
                    for k in range(n):
                        w = weights[j, f + k]
                        for i in range(size):
                            total[i] += w * x[k, i]
