"""Rows of the training set: fingerprints for a canonical order, projections."""

import numpy as np
from numba import njit

_MULTIPLIER = np.uint64(0x9FB21C651E98DF25)
_FOLD = np.uint64(32)

_BLOCK = 512  # rows a block: its accumulators stay in the first-level cache


@njit(nogil=True, cache=True)
def fingerprint_rows(X, scale, out):
    """Hash each row by its values, whatever their dtype and wherever they lie.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    scale : float
        A power of two that values are multiplied with first.
    out : ndarray of shape (n_samples,), dtype uint64
    """
    value = np.empty(1, dtype=np.float64)
    bits = value.view(np.uint64)
    for i in range(X.shape[0]):
        h = np.uint64(X.shape[1])
        for f in range(X.shape[1]):
            value[0] = X[i, f] * scale + 0.0  # -0.0 becomes 0.0
            h = (h ^ bits[0]) * _MULTIPLIER
            h ^= h >> _FOLD
        out[i] = h


@njit(nogil=True, cache=True)
def project(columns, weights, out):
    """Projections ``out[j, i] = sum_f weights[j, f] * columns[f, i]``.

    Sums run over the features in order, so the bits do not depend on block sizes,
    threads or a BLAS.

    Parameters
    ----------
    columns : ndarray of shape (n_features, n_rows)
    weights : ndarray of shape (n_units, n_features)
    out : ndarray of shape (n_units, n_rows), float32 or float64
    """
    n_rows = columns.shape[1]
    x = np.empty(_BLOCK, dtype=out.dtype)
    for start in range(0, n_rows, _BLOCK):
        size = min(_BLOCK, n_rows - start)
        for j in range(weights.shape[0]):
            out[j, start : start + size] = 0
        for f in range(columns.shape[0]):
            for i in range(size):
                x[i] = columns[f, start + i]
            for j in range(weights.shape[0]):
                w = out.dtype.type(weights[j, f])
                acc = out[j, start : start + size]
                for i in range(size):
                    acc[i] += w * x[i]
