"""The step of one hidden node: refit its bias, then try steps on its weights."""

import math

import numpy as np
from numba import njit

from sklearn_scd._kernels.losses import firing_gain
from sklearn_scd._kernels.rows import project
from sklearn_scd._kernels.steps import best_step, shift_values
from sklearn_scd._kernels.threshold import Samples, best_score, place_threshold

# Rank-one updates of a node's projections before they are computed afresh: float32
# drift stays below some 1e-5 of their size.
REFRESH = 128


@njit(nogil=True, cache=True)
def _collect(
    rows, done, projections, hidden, u_j, drive, c, positive, weight, entropy, work
):
    """Append to `work`, from `done` on, one class's rows that firing matters to."""
    for i in rows:
        off = drive[i] + c - (u_j if hidden[i] else 0.0)
        gain = firing_gain(positive, weight[i], off, off + u_j, entropy)
        if gain != 0:
            work.rows[done] = i
            work.values[done] = projections[i]
            work.gains[done] = gain
            done += 1
    return done


@njit(nogil=True, cache=True)
def collect_samples(
    projections, hidden, u_j, drive, c, weight, rows, n_positive, cross_entropy, work
):
    """Samples whose loss depends on whether a hidden node fires.

    Firing helps the positive class where ``u_j > 0``, the other where ``u_j < 0``.

    Parameters
    ----------
    projections : ndarray of shape (n_rows,)
    hidden : ndarray of shape (n_rows,), dtype uint8
    u_j : float
    drive : ndarray of shape (n_rows,)
    c : float
    weight : ndarray of shape (n_rows,), dtype int64
    rows : ndarray of shape (n_drawn,), dtype uint32
        The first `n_positive` are of the positive class.
    n_positive : int
    cross_entropy : bool
    work : Buffers

    Returns
    -------
    samples : Samples
        Views of `work`.
    """
    helped, hurt = rows[:n_positive], rows[n_positive:]
    if u_j < 0.0:
        helped, hurt = hurt, helped
    n_helped = _collect(
        helped, 0, projections, hidden, u_j, drive, c, u_j > 0.0, weight,
        cross_entropy, work,
    )  # fmt: skip
    n = _collect(
        hurt, n_helped, projections, hidden, u_j, drive, c, not u_j > 0.0, weight,
        cross_entropy, work,
    )  # fmt: skip
    return Samples(work.rows[:n], work.values[:n], work.gains[:n], n_helped)


@njit(nogil=True, cache=True)
def fire(j, network):
    """Recompute node j's firing pattern and the drive it gives the output.

    The threshold moves midway between the two rows next to it, the same rows firing:
    no hyperplane runs through a row of the training set.
    """
    projections, hidden = network.projections[j], network.hidden[j]
    dtype = projections.dtype.type
    threshold, u_j, drive = network.thresholds[j], network.u[j], network.drive
    below, above = dtype(-np.inf), dtype(np.inf)
    for i in range(projections.shape[0]):
        p = projections[i]
        below = max(below, p if p <= threshold else dtype(-np.inf))
        above = min(above, p if p > threshold else dtype(np.inf))
    if below > -np.inf and above < np.inf:
        threshold = dtype(0.5 * np.float64(below) + 0.5 * np.float64(above))
        if not threshold < above:  # neighbouring floats: the midpoint rounded up
            threshold = below
        network.thresholds[j] = threshold
    for i in range(projections.shape[0]):
        fires = np.uint8(projections[i] > threshold)
        drive[i] += u_j * (np.float64(fires) - np.float64(hidden[i]))
        hidden[i] = fires


@njit(nogil=True, cache=True)
def normalise_row(row):
    """Scale to unit norm in place; return the factor."""
    squares = 0.0
    for f in range(row.shape[0]):
        squares += np.float64(row[f]) * np.float64(row[f])
    shrink = row.dtype.type(1.0 / math.sqrt(squares))
    for f in range(row.shape[0]):
        row[f] *= shrink
    return shrink


@njit(nogil=True, cache=True)
def _take_step(j, feature, step, columns, binary, network):
    """Change one weight of node j, renormalise, update its projections by rank one."""
    projections, column = network.projections[j], columns[feature]
    dtype = projections.dtype.type
    w = np.float64(network.weights[j, feature])
    network.weights[j, feature] = dtype(w + step)
    network.n_moves[j] += 1
    shrink = dtype(1.0)
    if not binary:
        shrink = dtype(1.0 / math.sqrt(1.0 + step * (2.0 * w + step)))
        network.weights[j] *= shrink
    network.thresholds[j] *= shrink
    if network.n_moves[j] == REFRESH:
        network.n_moves[j] = 0
        if not binary:
            network.thresholds[j] *= normalise_row(network.weights[j])
        project(columns, network.weights[j : j + 1], network.projections[j : j + 1])
        return
    step = dtype(step)
    for i in range(projections.shape[0]):
        projections[i] = (projections[i] + step * dtype(column[i])) * shrink


@njit(nogil=True, cache=True)
def hidden_step(
    j, features, data, rows, n_positive, settings, network, work, trial, space
):
    """Refit node j's bias exactly, then take the best step on one of its weights.

    Parameters
    ----------
    j : int
    features : ndarray of int
        Candidates; empty to refit the bias alone.
    data : Data
    rows : ndarray of shape (n_drawn,), dtype uint32
        The first `n_positive` are of the positive class.
    n_positive : int
    settings : Settings
    network : Network
        Changed in place.
    work, trial : Buffers
        For the node's samples, and for those that decide on a step.
    space : SearchSpace

    Returns
    -------
    moved : bool
        Whether the node's weights changed.
    """
    samples = collect_samples(
        network.projections[j], network.hidden[j], network.u[j], network.drive,
        network.c[0], data.weight, rows, n_positive, settings.cross_entropy, work,
    )  # fmt: skip
    if samples.rows.shape[0] == 0:
        return False  # no sample cares about this node

    values, gains = samples.values, samples.gains
    bar, feature, step, flipped = np.int64(-1), -1, 0.0, False
    # The linear classifier has no output node to turn a unit round: try w and -w.
    for side in range(2 if settings.linear else 1):
        if side == 1:
            values *= -1
        score = best_score(values, gains, samples.n_positive, space)
        if score > bar:
            bar, flipped = score, side == 1
    weights = network.weights[j]
    for side in range(2 if settings.linear else 1):
        if settings.linear:
            values *= -1  # back to w, then to -w
        if side == 1:
            weights = -weights
        score, f, signed = best_step(
            data.columns, data.lowest, data.highest, weights, features, settings.step,
            settings.binary, samples, bar, trial, space,
        )  # fmt: skip
        if score > bar:
            bar, feature, step, flipped = score, f, signed, side == 1

    if settings.linear and not flipped:
        values *= -1
    if flipped:
        network.weights[j] *= -1
        network.projections[j] *= -1
    if feature >= 0:
        values = shift_values(data.columns[feature], samples, step, work.shifted)
    network.thresholds[j] = place_threshold(
        values, gains, samples.n_positive, bar, space
    )
    if feature >= 0:
        _take_step(j, feature, step, data.columns, settings.binary, network)
    fire(j, network)
    return flipped or feature >= 0
