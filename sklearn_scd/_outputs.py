"""Outputs of trained networks on samples.

A unit is active where ``w . x + b > 0``. The products of all samples with all units are
computed in the model's dtype, by BLAS, whose order of summation is nobody's business:
it changes with the number of samples and with the processor. Where the result is so
near 0 that rounding errors might decide, the few products concerned are computed once
more in float64. What a model says of a sample thus does not depend on which other
samples it is asked about, and certificates need not allow for float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._ensemble import Networks
from sklearn_scd._kernels.prediction import network_outputs, signed_distances
from sklearn_scd._products import Hyperplanes
from sklearn_scd._range import check_range, largest_entry
from sklearn_scd._typing import Floats

_CHUNK_BYTES = 2**24  # of samples converted, or of projections, at a time


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
    # Steps need to know the side of a hyperplane alone, linear networks the distance.
    intercept = None if linear else networks.hidden_intercept.ravel()
    hyperplanes = Hyperplanes(coef, intercept, dtype)
    outputs = np.empty((X.shape[0], n_networks))
    rows = max(1, _CHUNK_BYTES // (max(coef.shape) * dtype.itemsize))
    for start in range(0, X.shape[0], rows):
        part = X[start : start + rows]
        out = outputs[start : start + rows]
        largest = largest_entry(part)
        if part.dtype != np.uint8:
            check_range(largest, n_features, dtype)
        cast = part.astype(dtype, copy=False)
        projections = hyperplanes.project(cast, largest, part)
        tolerance = np.full(len(part), -1.0)
        if dtype == np.float32:
            tolerance = hyperplanes.tolerance(cast, largest)
        if linear:
            signed_distances(projections, networks.hidden_intercept, out)
            _settle_linear(part, coef, networks, tolerance, n_rivals, out)
        else:
            _settle_steps(part, coef, networks, tolerance, projections, out)
    return outputs


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
