"""Training of one network by stochastic coordinate descent (paper, section 2)."""

from typing import NamedTuple

import numpy as np
from numba import njit

from sklearn_scd._kernels.hidden import fire, hidden_step, normalise_row
from sklearn_scd._kernels.losses import to_grid, total_loss
from sklearn_scd._kernels.output import output_step_01, output_step_ce
from sklearn_scd._kernels.random import draw_sorted, random_below, shuffle_front
from sklearn_scd._kernels.rows import project
from sklearn_scd._kernels.steps import buffers
from sklearn_scd._kernels.threshold import search_space


class Settings(NamedTuple):
    """Parameters of the training of one network."""

    cross_entropy: bool
    binary: bool
    linear: bool  # no output node to train: 0/1 loss, hidden_units=0
    step: float
    output_step: float
    n_candidates: int  # features tried a step
    n_positive: int  # rows drawn of the positive class
    n_negative: int  # and of the others
    max_iter: int
    tol: float
    n_iter_no_change: int  # more than max_iter: never stop early


class Data(NamedTuple):
    """A binary training problem; the package's layout is in `_kernels.__init__`."""

    columns: np.ndarray  # (n_features, n_rows)
    lowest: np.ndarray  # (n_features,) in the dtype of projections
    highest: np.ndarray  # (n_features,)
    target: np.ndarray  # (n_rows,) bool
    weight: np.ndarray  # (n_rows,) int64


class Network(NamedTuple):
    """A network in training, and what its nodes give on each row."""

    weights: np.ndarray  # (hidden_units, n_features)
    thresholds: np.ndarray  # (hidden_units,): node j fires above thresholds[j]
    u: np.ndarray  # (hidden_units,) float64
    c: np.ndarray  # (1,) float64
    projections: np.ndarray  # (hidden_units, n_rows)
    hidden: np.ndarray  # (hidden_units, n_rows) uint8
    drive: np.ndarray  # (n_rows,) float64
    n_moves: np.ndarray  # (hidden_units,) since the projections were computed


@njit(nogil=True, cache=True)
def start_network(data, weights, u, settings):
    """Random start: unit rows, every threshold at the median projection."""
    n_units, n_rows = weights.shape[0], data.columns.shape[1]
    network = Network(
        weights,
        np.empty(n_units, dtype=weights.dtype),
        u,
        np.zeros(1),
        np.empty((n_units, n_rows), dtype=weights.dtype),
        np.zeros((n_units, n_rows), dtype=np.uint8),
        np.zeros(n_rows),
        np.zeros(n_units, dtype=np.int64),
    )
    if not settings.binary:
        for j in range(n_units):
            normalise_row(weights[j])
    project(data.columns, weights, network.projections)
    if settings.linear:
        u[:] = 1.0
        network.c[0] = -0.5
    elif not settings.binary:
        shrink = 1.0 / np.sqrt((u**2).sum())
        for j in range(n_units):
            u[j] = to_grid(u[j] * shrink)
    for j in range(n_units):
        middle = (n_rows - 1) // 2  # the lower one of two
        network.thresholds[j] = np.partition(network.projections[j], middle)[middle]
        fire(j, network)
    return network


@njit(nogil=True, cache=True)
def _output_step(units, data, rows, n_positive, settings, network, work, trial, space):
    if settings.linear:
        return
    if settings.cross_entropy:
        output_step_ce(units, data, rows, n_positive, settings, network, work)
    else:
        output_step_01(
            units, data, rows, n_positive, settings, network, work, trial, space
        )


@njit(nogil=True, cache=True)
def train(data, weights, u, settings, state, loss_curve):
    """Train one network.

    Parameters
    ----------
    data : Data
    weights : ndarray of shape (hidden_units, n_features), float32 or float64
        Draws from N(0, 1), or their signs; overwritten with the trained weights.
    u : ndarray of shape (hidden_units,), float64
        Likewise.
    settings : Settings
    state : ndarray of shape (1,), dtype uint64
    loss_curve : ndarray of shape (max_iter,), float32
        Filled with the fixed-point loss over all rows after each iteration.

    Returns
    -------
    thresholds : ndarray of shape (hidden_units,)
    c : float
    n_iter : int
    best_loss : int
        Fixed-point loss of the network returned: the best iterate on all rows.
    """
    n_units, n_features = weights.shape
    n_rows = data.target.shape[0]
    network = start_network(data, weights, u, settings)
    hidden_work = buffers(network.projections[0])
    hidden_trial = buffers(network.projections[0])
    hidden_space = search_space(network.projections[0])
    output_work, output_trial = buffers(network.drive), buffers(network.drive)
    output_space = search_space(network.drive)

    pool = np.arange(n_rows).astype(np.uint32)
    positives, negatives = pool[data.target], pool[~data.target]
    rows = np.concatenate((positives, negatives))
    units, features = np.arange(n_units), np.arange(n_features)
    nothing = units[:0]
    _output_step(
        nothing, data, rows, positives.size, settings, network, output_work,
        output_trial, output_space,
    )  # fmt: skip
    shuffle_front(units, n_units, state)
    for j in units:
        hidden_step(
            j, nothing, data, rows, positives.size, settings, network, hidden_work,
            hidden_trial, hidden_space,
        )  # fmt: skip

    best_loss = total_loss(
        data.target, data.weight, network.drive, network.c[0], settings.cross_entropy
    )
    best_weights, best_thresholds = weights.copy(), network.thresholds.copy()
    best_u, best_c = u.copy(), network.c[0]
    changed = np.zeros(n_units, dtype=np.bool_)  # since the best iterate was kept
    units = np.arange(n_units)
    rows = np.empty(settings.n_positive + settings.n_negative + 2, dtype=np.uint32)
    drawn = rows[: settings.n_positive + settings.n_negative]
    tolerance = settings.tol * np.float64(data.weight.sum())
    reference, last_gain, n_iter = np.float64(best_loss), 0, 0
    for n_iter in range(1, settings.max_iter + 1):
        draw_sorted(positives, settings.n_positive, state, rows)
        draw_sorted(negatives, settings.n_negative, state, rows[settings.n_positive :])
        _output_step(
            units, data, drawn, settings.n_positive, settings, network, output_work,
            output_trial, output_space,
        )  # fmt: skip
        j = random_below(n_units, state)
        shuffle_front(features, settings.n_candidates, state)
        if hidden_step(
            j, features[: settings.n_candidates], data, drawn, settings.n_positive,
            settings, network, hidden_work, hidden_trial, hidden_space,
        ):  # fmt: skip
            changed[j] = True
        loss = total_loss(
            data.target, data.weight, network.drive, network.c[0],
            settings.cross_entropy,
        )  # fmt: skip
        loss_curve[n_iter - 1] = loss
        if loss < best_loss:
            best_loss = loss
            for k in range(n_units):
                if changed[k]:
                    best_weights[k] = weights[k]
                    changed[k] = False
            best_thresholds[:] = network.thresholds
            best_u[:] = u
            best_c = network.c[0]
        if best_loss < reference - tolerance:
            reference, last_gain = np.float64(best_loss), n_iter
        elif n_iter - last_gain >= settings.n_iter_no_change:
            break
    weights[:] = best_weights
    u[:] = best_u
    if not settings.binary:
        for j in range(n_units):
            best_thresholds[j] *= normalise_row(weights[j])
    return best_thresholds, best_c, n_iter, best_loss
