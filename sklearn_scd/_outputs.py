"""Outputs of trained networks on samples.

A unit is active where ``w . x + b > 0``. The products of all samples with all units are
computed in the model's dtype, by BLAS, whose order of summation is nobody's business:
it changes with the number of samples and with the processor. Where the result is so
near 0 that rounding errors might decide, the few products concerned are computed once
more in float64. What a model says of a sample thus does not depend on which other
samples it is asked about, and certificates need not allow for float32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._ensemble import Networks
from sklearn_scd._kernels.prediction import network_outputs, signed_distances
from sklearn_scd._range import check_range, largest_entry
from sklearn_scd._rounding import rounding_factor, smallest_normal
from sklearn_scd._typing import Floats

_CHUNK_BYTES = 2**24  # of samples converted, or of projections, at a time
_BLOCK = 256  # features in one product
_FEW_SAMPLES = 48  # attacks ask about so few at a time
_BLOCK_UNITS = 64  # in one product of few samples: their weights stay in the cache
_LONGEST = 100_000  # sum of squares in float32, good to a percent
_SQUARES_FIT = 1e15  # float32 holds squares of numbers between this and its inverse


def evaluate_networks(
    X: NDArray[Any], networks: Networks, linear: bool = False, n_rivals: int = 1
) -> Floats:
    """Output of every network on every sample.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    networks : Networks
    linear : bool, default=False
        Whether the networks are linear classifiers under 0/1 loss: their outputs are
        signed distances, since steps of equal height can't be compared between rivals.
    n_rivals : int, default=1
        Networks that a vote is made of.

    Returns
    -------
    outputs : ndarray of shape (n_samples, n_networks), float64
        ``f(x)``; a network says class 1 where it is positive.

    Raises
    ------
    ValueError
        As :func:`sklearn_scd._range.check_range`.
    """
    n_networks, n_units, n_features = networks.hidden_coef.shape
    dtype = networks.hidden_intercept.dtype
    coef = networks.hidden_coef.reshape(n_networks * n_units, n_features)
    outputs = np.empty((X.shape[0], n_networks))
    rows = max(1, _CHUNK_BYTES // (max(coef.shape) * dtype.itemsize))
    for start in range(0, X.shape[0], rows):
        part = X[start : start + rows]
        out = outputs[start : start + rows]
        largest = largest_entry(part)
        if part.dtype != np.uint8:
            check_range(largest, n_features, dtype)
        cast = part.astype(dtype, copy=False)
        projections, n_operations = _product(cast, coef)
        tolerance = np.full(len(part), -1.0)
        if dtype == np.float32:
            row_norm = math.sqrt(n_features) if coef.dtype == np.int8 else 1.0
            factor = rounding_factor(n_operations, dtype) * row_norm
            tolerance = factor * _norms(cast, largest)
            tolerance += n_features * smallest_normal(dtype)
        if linear:
            signed_distances(projections, networks.hidden_intercept, out)
            _settle_linear(part, coef, networks, tolerance, n_rivals, out)
        else:
            _settle_steps(part, coef, networks, tolerance, projections, out)
    return outputs


def _product(X: NDArray[Any], coef: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """``X @ coef.T``, and the rounding errors that a term has gone through.

    Sums over blocks of features have shorter chains of them: fewer products lie so near
    0 that they are computed once more.
    """
    n_features = X.shape[1]
    if n_features <= 2 * _BLOCK or X.dtype != np.float32:
        return X @ coef.T.astype(X.dtype, copy=False), n_features + 2
    n_operations = _BLOCK + math.ceil(n_features / _BLOCK) + 2  # one is the cast's
    if len(X) < _FEW_SAMPLES:
        return _product_of_few(X, coef), n_operations
    columns = coef.T.astype(X.dtype, copy=False)
    product = X[:, :_BLOCK] @ columns[:_BLOCK]
    term = np.empty_like(product)
    for start in range(_BLOCK, n_features, _BLOCK):
        block = slice(start, start + _BLOCK)
        product += np.matmul(X[:, block], columns[block], out=term)
    return product, n_operations


def _product_of_few(X: NDArray[Any], coef: NDArray[Any]) -> NDArray[Any]:
    """The product unit block after unit block, which goes through the weights once.

    For few samples BLAS would copy all weights before it multiplies.
    """
    n_samples, n_features = X.shape
    n_blocks = n_features // _BLOCK
    whole = n_blocks * _BLOCK
    blocks = X[:, :whole].reshape(n_samples, n_blocks, _BLOCK).transpose(1, 2, 0)
    blocks = np.ascontiguousarray(blocks)
    product = np.empty((n_samples, len(coef)), dtype=X.dtype)
    for start in range(0, len(coef), _BLOCK_UNITS):
        units = slice(start, start + _BLOCK_UNITS)
        rows = coef[units].astype(X.dtype, copy=False)
        by_block = rows[:, :whole].reshape(-1, n_blocks, _BLOCK).transpose(1, 0, 2)
        part = np.matmul(by_block, blocks).sum(axis=0)
        part += rows[:, whole:] @ X[:, whole:].T
        product[:, units] = part.T
    return product


def _norms(X: NDArray[np.float32], largest: float) -> Floats:
    """Upper bounds of the samples' L2 norms."""
    least = math.sqrt(X.shape[1]) * 2e-19  # of squares that underflow in float32
    fit = 1 / _SQUARES_FIT < largest < _SQUARES_FIT and X.shape[1] <= _LONGEST
    if not fit:
        X, least = X.astype(np.float64), 0.0
    squares = np.einsum("ij,ij->i", X, X).astype(np.float64)
    return 1.01 * np.sqrt(squares) + least


def _settle_steps(
    X: NDArray[Any],
    coef: NDArray[Any],
    networks: Networks,
    tolerance: Floats,
    projections: NDArray[Any],
    out: Floats,
) -> None:
    """Write outputs of networks with hidden units into `out`."""
    _, intercept, u, c, *_ = networks
    n_near = np.empty(len(X), dtype=np.int64)
    network_outputs(projections, intercept, u, c, tolerance, out, n_near)
    for i in np.flatnonzero(n_near):
        near = np.abs(projections[i] + intercept.ravel()) <= tolerance[i]
        exact = coef[near].astype(np.float64) @ X[i].astype(np.float64)
        active = exact + intercept.ravel()[near] > 0
        projections[i, near] = np.where(active, np.inf, -np.inf)
        row = slice(i, i + 1)
        network_outputs(
            projections[row], intercept, u, c, np.full(1, -1.0), out[row], n_near[row]
        )


def _settle_linear(
    X: NDArray[Any],
    coef: NDArray[Any],
    networks: Networks,
    tolerance: Floats,
    n_rivals: int,
    out: Floats,
) -> None:
    """Correct signed distances in `out` that decide, or might, and are too near."""
    by_vote = out.reshape(len(X), -1, n_rivals)
    margins = by_vote if n_rivals == 1 else by_vote.max(axis=2, keepdims=True) - by_vote
    near = (np.abs(margins) <= 2 * tolerance[:, np.newaxis, np.newaxis]).reshape(
        out.shape
    )
    if n_rivals > 1:  # the largest alone is near itself
        crowded = near.reshape(by_vote.shape).sum(axis=2, keepdims=True) > 1
        near &= np.broadcast_to(crowded, by_vote.shape).reshape(out.shape)
    for i in np.flatnonzero(near.any(axis=1)):
        exact = coef[near[i]].astype(np.float64) @ X[i].astype(np.float64)
        out[i, near[i]] = exact + networks.hidden_intercept[near[i], 0]
