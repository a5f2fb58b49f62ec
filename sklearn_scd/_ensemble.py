"""Training and evaluation of many networks: seeds, threads, stacked arrays.

Kernels do the arithmetic on one network; here they are fed and their results stacked.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed

from sklearn_scd._kernels.losses import WEIGHT_BITS, to_grid
from sklearn_scd._kernels.prediction import network_outputs, signed_distances
from sklearn_scd._kernels.rows import fingerprint_rows
from sklearn_scd._kernels.training import Data, Settings, train

_COPY_ROWS = 256  # rows copied at a time: no second copy of X
_NEVER = -1e6  # an output bias that no hidden layer lifts above 0
_CHUNK_BYTES = 2**24  # of samples converted, or of projections, at a time


class TrainingSet(NamedTuple):
    """Distinct rows in canonical order, as the kernels read them."""

    columns: np.ndarray  # (n_features, n_rows), dtype of X
    labels: np.ndarray  # (n_rows,) class codes, ascending
    weights: np.ndarray  # (n_rows,) float64, positive


class Networks(NamedTuple):
    """Trained networks, stacked."""

    hidden_coef: np.ndarray  # (n_networks, hidden_units, n_features)
    hidden_intercept: np.ndarray  # (n_networks, hidden_units)
    output_coef: np.ndarray  # (n_networks, hidden_units)
    output_intercept: np.ndarray  # (n_networks,)
    loss_curve: np.ndarray  # (n_networks, max_iter), NaN where stopped before
    n_iter: np.ndarray  # (n_networks,)


def canonical_rows(X, labels, weights):
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
    largest = max(abs(float(X.max())), abs(float(X.min())))
    fingerprint_rows(X, 0.5 ** np.frexp(largest)[1], fingerprint)
    order = kept[np.lexsort((fingerprint[kept], labels[kept]))]
    first = np.ones(order.size, dtype=bool)
    alike = (fingerprint[order[1:]] == fingerprint[order[:-1]]) & (
        labels[order[1:]] == labels[order[:-1]]
    )
    for i in np.flatnonzero(alike) + 1:
        first[i] = not np.array_equal(X[order[i]], X[order[i - 1]])
    starts = np.flatnonzero(first)
    return order[starts], np.add.reduceat(weights[order], starts)


def training_set(X, labels, weights):
    """Make the one feature-major copy of `X` that all networks share."""
    rows, weights = canonical_rows(X, labels, weights)
    columns = np.empty((X.shape[1], rows.size), dtype=X.dtype)
    for start in range(0, rows.size, _COPY_ROWS):
        part = rows[start : start + _COPY_ROWS]
        columns[:, start : start + _COPY_ROWS] = X[part].T
    return TrainingSet(columns, labels[rows], weights)


def fixed_point_weights(weights):
    """Scale weights by a power of two, as :mod:`sklearn_scd._kernels.losses` says."""
    exponent = WEIGHT_BITS - int(np.ceil(np.log2(weights.sum())))
    return np.maximum(np.rint(np.ldexp(weights, exponent)), 1).astype(np.int64)


def network_seed(master_seed, vote, rival):
    """Seed of a network: a function of its place, not of the order of training."""
    sequence = np.random.SeedSequence((master_seed, vote, rival))
    return sequence.generate_state(2, dtype=np.uint64)


def binary_problem(training, rival, dtype):
    """The problem of telling class `rival` from the others.

    Parameters
    ----------
    training : TrainingSet
    rival : int
        Code of the positive class.
    dtype : numpy dtype
        That of the projections.

    Returns
    -------
    data : Data
    """
    return Data(
        training.columns,
        training.columns.min(axis=1).astype(dtype),
        training.columns.max(axis=1).astype(dtype),
        training.labels == rival,
        fixed_point_weights(training.weights),
    )


def settings_for(data, options):
    """Settings of the kernels for one binary problem.

    Parameters
    ----------
    data : Data
    options : dict
        The estimator's parameters, with ``max_iter`` and ``n_candidates`` resolved.

    Returns
    -------
    settings : Settings
    """

    def n_drawn(n_rows):
        return int(np.ceil(options["subsample"] * n_rows))

    n_positive = int(data.target.sum())
    patience = options["n_iter_no_change"]
    return Settings(
        cross_entropy=options["loss"] == "ce",
        binary=bool(options["binary_weights"]),
        linear=options["loss"] == "01" and options["hidden_units"] == 0,
        step=float(options["learning_rate"]),
        output_step=float(to_grid(options["output_learning_rate"])),
        n_candidates=int(options["n_candidates"]),
        n_positive=n_drawn(n_positive),
        n_negative=n_drawn(data.target.size - n_positive),
        max_iter=int(options["max_iter"]),
        tol=float(options["tol"]),
        n_iter_no_change=int(options["max_iter"] + 1 if patience is None else patience),
    )


def train_network(data, settings, hidden_units, seed):
    """Draw a network's random start and train it.

    Parameters
    ----------
    data : Data
    settings : Settings
    hidden_units : int
        0 stands for the one node of the linear classifier.
    seed : ndarray of shape (2,), dtype uint64
        For the start and for the training.

    Returns
    -------
    weights, thresholds, u, c, loss_curve, n_iter
    """
    rng = np.random.RandomState(int(seed[0]) & 0xFFFFFFFF)
    dtype = data.lowest.dtype
    n_units = max(hidden_units, 1)
    weights = rng.standard_normal((n_units, data.columns.shape[0])).astype(dtype)
    u = rng.standard_normal(n_units)
    if settings.binary:
        weights = np.where(weights > 0, 1, -1).astype(dtype)
        u = np.where(u > 0, 1.0, -1.0)
    curve = np.full(settings.max_iter, np.nan, dtype=np.float32)
    thresholds, c, n_iter, _ = train(data, weights, u, settings, seed[1:].copy(), curve)
    if not data.target.any():
        # A class without samples gets no vote, not even as the best of losing rivals.
        c, thresholds[:] = _NEVER, np.finfo(dtype).max
    curve /= np.float32(data.weight.sum())
    return weights, thresholds, u, c, curve, n_iter


def train_networks(training, rivals, votes, options, master_seed, n_jobs, progress):
    """Train the networks of each rival for a range of votes.

    Parameters
    ----------
    training : TrainingSet
    rivals : sequence of int
        Codes of the positive classes; one for a binary problem.
    votes : range
        Places of the votes in the ensemble.
    options : dict
        As in :func:`settings_for`.
    master_seed : int
    n_jobs : int or None
    progress : callable
        Called with each finished network's best loss.

    Returns
    -------
    networks : Networks
        Vote by vote, within a vote rival by rival.
    """
    dtype = np.float64 if training.columns.dtype == np.float64 else np.float32
    problems = [binary_problem(training, rival, np.dtype(dtype)) for rival in rivals]
    settings = [settings_for(data, options) for data in problems]
    jobs = (
        delayed(train_network)(
            problems[k],
            settings[k],
            options["hidden_units"],
            network_seed(master_seed, vote, k),
        )
        for vote in votes
        for k in range(len(rivals))
    )
    results = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(jobs)
    return _stack(
        results, len(votes) * len(rivals), bool(options["binary_weights"]), progress
    )


def _stack(results, n_networks, binary, progress):
    """Copy networks into stacked arrays as they come."""
    networks = None
    for i, (weights, thresholds, u, c, curve, n_iter) in enumerate(results):
        if networks is None:
            kind = np.int8 if binary else None
            networks = Networks(
                np.empty((n_networks, *weights.shape), dtype=kind or weights.dtype),
                np.empty((n_networks, *thresholds.shape), dtype=thresholds.dtype),
                np.empty((n_networks, *u.shape), dtype=kind or u.dtype),
                np.empty(n_networks),
                np.empty((n_networks, *curve.shape), dtype=curve.dtype),
                np.empty(n_networks, dtype=np.int64),
            )
        networks.hidden_coef[i] = weights
        networks.hidden_intercept[i] = -thresholds
        networks.output_coef[i] = u
        networks.output_intercept[i] = c
        networks.loss_curve[i] = curve
        networks.n_iter[i] = n_iter
        progress(float(np.nanmin(curve)))
    return networks


def evaluate_networks(X, networks, linear=False):
    """Output of every network on every sample.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    networks : Networks
    linear : bool, default=False
        Whether the networks are linear classifiers under 0/1 loss: their outputs are
        signed distances, since steps of equal height can't be compared between rivals.

    Returns
    -------
    outputs : ndarray of shape (n_samples, n_networks), float64
        ``f(x)``; a network says class 1 where it is positive.
    """
    n_networks, n_units, n_features = networks.hidden_coef.shape
    dtype = networks.hidden_intercept.dtype
    coef = networks.hidden_coef.reshape(n_networks * n_units, n_features)
    outputs = np.empty((X.shape[0], n_networks))
    rows = max(1, _CHUNK_BYTES // (max(coef.shape) * dtype.itemsize))
    for start in range(0, X.shape[0], rows):
        part = X[start : start + rows].astype(dtype, copy=False)
        projections = part @ coef.T.astype(dtype, copy=False)
        out = outputs[start : start + rows]
        if linear:
            signed_distances(projections, networks.hidden_intercept, out)
        else:
            network_outputs(
                projections,
                networks.hidden_intercept,
                networks.output_coef,
                networks.output_intercept,
                out,
            )
    return outputs
