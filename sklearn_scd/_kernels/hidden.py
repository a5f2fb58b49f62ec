"""The step of one hidden node: refit its bias, then try steps on its weights."""

import math

import numpy as np

from sklearn_scd._kernels import inlined_kernel, kernel
from sklearn_scd._kernels.losses import firing_gain
from sklearn_scd._kernels.network import fire, silence
from sklearn_scd._kernels.rows import normalise_row, project, scale_values
from sklearn_scd._kernels.steps import best_step, list_steps, shift_values
from sklearn_scd._kernels.threshold import Samples, best_score, place_threshold

# Rank-one updates of a node's projections before they are computed afresh: float32
# drift stays below some 1e-5 of their size.
REFRESH = 128


@kernel
def _collect(
    rows, done, projections, shift, u_j, drive, c, positive, weight, entropy, work
):
    """Append to `work`, from `done` on, one class's rows that firing matters to."""
    gains = work.gains[done : done + rows.shape[0]]
    for i in range(rows.shape[0]):
        off = drive[rows[i]] + c
        gains[i] = firing_gain(positive, weight[rows[i]], off, off + u_j, entropy)
    for i in range(rows.shape[0]):
        work.rows[done] = rows[i]
        work.values[done] = projections[rows[i]] - shift
        work.gains[done] = gains[i]
        done += gains[i] != 0
    return done


@kernel
def collect_samples(
    projections, margin, u_j, drive, c, weight, rows, n_positive, cross_entropy, work
):
    """Samples whose loss depends on whether a hidden node fires.

    Firing helps the positive class where ``u_j > 0``, the other where ``u_j < 0``.
    Those it helps have to be above the threshold by the margin, the others below it.

    Parameters
    ----------
    projections : ndarray of shape (n_rows,)
    margin : float, in the dtype of `projections`
    u_j : float
    drive : ndarray of shape (n_rows,)
        With the node silent.
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
        helped, np.int64(0), projections, margin, u_j, drive, c, u_j > 0.0, weight,
        cross_entropy, work,
    )  # fmt: skip
    n = _collect(
        hurt, n_helped, projections, -margin, u_j, drive, c, not u_j > 0.0, weight,
        cross_entropy, work,
    )  # fmt: skip
    return Samples(work.rows[:n], work.values[:n], work.gains[:n], n_helped)


@kernel
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
        scale_values(network.weights[j], shrink)
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


@kernel
def hidden_step(j, features, data, rows, n_positive, settings, network, scratch):
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
    scratch : Scratch

    Returns
    -------
    moved : bool
        Whether the node's weights changed.
    """
    silence(j, network)
    samples = collect_samples(
        network.projections[j], network.margin[0], network.u[j], network.drive,
        network.c[0], data.weight, rows, n_positive, settings.cross_entropy,
        scratch.samples,
    )  # fmt: skip
    moved = False
    if samples.rows.shape[0] > 0:  # or no sample cares about this node
        moved = _move(j, features, data, samples, settings, network, scratch)
    fire(j, network)
    return moved


@kernel
def _face(sign, projections, margin, samples):
    """Set the samples' values to those of the weights, or of the opposite ones."""
    rows, values = samples.rows, samples.values
    sign = values.dtype.type(sign)
    for i in range(samples.n_positive):
        values[i] = sign * projections[rows[i]] - margin
    for i in range(samples.n_positive, values.shape[0]):
        values[i] = sign * projections[rows[i]] + margin


@inlined_kernel
def _move(j, features, data, samples, settings, network, scratch):
    """Set the threshold and at most one weight of a silent node by its samples."""
    values, gains, space = samples.values, samples.gains, scratch.space
    dtype = values.dtype.type
    bar, feature, flipped = np.int64(-1), np.int64(-1), False
    step, growth = dtype(0), dtype(0)
    # A step changes the norm that the margin is multiplied with, a flip does not.
    margin = dtype(0) if settings.binary else network.margin[0]
    shape = features.shape[0], 1 if settings.binary else 2
    steps, growths = np.empty(shape, values.dtype), np.empty(shape, values.dtype)
    # The linear classifier has no output node to turn a unit round: try w and -w.
    sides = 2 if settings.linear else 1
    for side in range(sides):
        if side == 1:
            _face(-1, network.projections[j], network.margin[0], samples)
        score = best_score(values, gains, samples.n_positive, space)
        if score > bar:
            bar, flipped = score, side == 1
    weights = network.weights[j]
    for side in range(sides):
        if settings.linear:
            face = 1 - 2 * side  # back to w, then to -w
            _face(face, network.projections[j], network.margin[0], samples)
        if side == 1:
            weights = -weights
        list_steps(
            weights, features, settings.step, settings.binary, margin, steps, growths
        )
        score, k, way = best_step(
            data.columns, data.lowest, data.highest, features, steps, growths, samples,
            bar, scratch,
        )  # fmt: skip
        if k >= 0:
            bar, flipped = score, side == 1
            feature, step, growth = features[k], steps[k, way], growths[k, way]

    if settings.linear and not flipped:
        _face(1, network.projections[j], network.margin[0], samples)
    if flipped:
        scale_values(network.weights[j], dtype(-1))
        scale_values(network.projections[j], dtype(-1))
    if feature >= 0:
        column = data.columns[feature]
        values = shift_values(column, samples, step, growth, scratch.shifted)
    network.thresholds[j] = place_threshold(
        values, gains, samples.n_positive, bar, space
    )
    if feature >= 0:
        _take_step(j, feature, np.float64(step), data.columns, settings.binary, network)
    return flipped or feature >= 0
