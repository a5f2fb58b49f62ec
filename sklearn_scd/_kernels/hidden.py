"""The step of one hidden node: refit its bias, then try steps on its weights."""

import math

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.losses import ramp_gain, write_firing_gains
from sklearn_scd._kernels.network import fire, silence
from sklearn_scd._kernels.rows import (
    gather_column,
    normalise_row,
    project,
    read_column,
    scale_values,
)
from sklearn_scd._kernels.steps import best_step, list_steps
from sklearn_scd._kernels.threshold import Samples, best_threshold, bin_samples

# Rank-one updates of a node's projections before they are computed afresh: drift stays
# below some 1e-14 of their size.
REFRESH = 128


@kernel
def _collect_changed(
    rows, first, last, done, j, projections, shift, u_j, c, positive, drive, weight,
    work_rows, values, gains,
):  # fmt: skip
    """Append a class's rows whose sign its activity changes, from `done` on: 0/1."""
    start = done
    for i in range(first, last):
        row = rows[i]
        off = drive[row] + c
        work_rows[done] = row
        done += (off > 0.0) != (off + u_j > 0.0)
    sign = 1 if (u_j > 0.0) == positive else -1
    for i in range(start, done):
        row = work_rows[i]
        values[i], gains[i] = projections[j, row] - shift, sign * weight[row]
    return done


@kernel
def _collect(
    rows, first, last, done, j, projections, shift, u_j, c, positive, drive, weight,
    ramp, work_rows, values, gains, off, drawn_weight, space, other,
):  # fmt: skip
    """Append one class's rows to which its activity matters: CE, or the ramp loss."""
    # In arrays of their own first: what is read by row numbers may, for all that the
    # compiler knows, be what was just written, and is not read many at a time.
    n = last - first
    for i in range(n):
        row = rows[first + i]
        off[i], drawn_weight[i] = drive[row] + c, weight[row]
    start, found = done, gains[done:]
    if ramp > 0.0:
        for i in range(n):
            on = off[i] + u_j
            found[i] = ramp_gain(positive, drawn_weight[i], off[i], on, ramp)
    else:
        write_firing_gains(positive, drawn_weight, off, u_j, n, found, space, other)
    for i in range(n):
        row, gain = rows[first + i], gains[start + i]
        work_rows[done], values[done] = row, projections[j, row] - shift
        gains[done] = gain
        done += gain != 0
    return done


@kernel
def collect_samples(
    j, network, weight, rows, n_positive, n, cross_entropy, ramp, work, off,
    drawn_weight, space, other,
):  # fmt: skip
    """Samples whose loss depends on whether a hidden node is active.

    Being active helps the positive class where ``u_j > 0``, the other where
    ``u_j < 0``. Those it helps have to be above the threshold by the margin, the others
    below it.

    Parameters
    ----------
    j : int
        A node that is silent.
    network : Network
    weight : ndarray of shape (n_rows,), dtype int64
    rows : ndarray of shape (>= n,), dtype uint32
        The first `n_positive` are of the positive class.
    n_positive, n : int
    cross_entropy : bool
    ramp : float
        Of 0/1 loss: half-width of the ramp in its stead, 0 for none.
    work : Buffers
        Written.
    off : ndarray of shape (>= n,), dtype float64
        Overwritten.
    drawn_weight : ndarray of shape (>= n,), dtype int64
        Overwritten.
    space, other : ndarray of shape (>= n,), dtype float64
        Overwritten.

    Returns
    -------
    samples : Samples
        The arrays of `work`.
    """
    u_j, c, margin = network.u[j], network.c[0], network.margin[0]
    projections, drive = network.projections, network.drive
    done = n_helped = np.int64(0)
    for turn in range(2):
        positive = (u_j > 0.0) == (turn == 0)
        first, last = (np.int64(0), n_positive) if positive else (n_positive, n)
        shift = margin if turn == 0 else -margin
        if cross_entropy or ramp > 0.0:
            done = _collect(
                rows, first, last, done, j, projections, shift, u_j, c, positive,
                drive, weight, ramp, work.rows, work.values, work.gains, off,
                drawn_weight, space, other,
            )  # fmt: skip
        else:
            done = _collect_changed(
                rows, first, last, done, j, projections, shift, u_j, c, positive,
                drive, weight, work.rows, work.values, work.gains,
            )  # fmt: skip
        if turn == 0:
            n_helped = done
    return Samples(work.rows, work.values, work.gains, n_helped, done)


@kernel
def _take_step(j, feature, step, data, binary, network, x, space):
    """Change one weight of node j, renormalize, update its projections by rank one."""
    projections, weights = network.projections, network.weights
    w = weights[j, feature]
    weights[j, feature] = w + step
    network.n_moves[j] += 1
    shrink = 1.0
    if not binary:
        shrink = 1.0 / math.sqrt(1.0 + step * (2.0 * w + step))
        scale_values(weights[j], shrink)
    network.thresholds[j] *= shrink
    # Sums of whole numbers are exact: there is nothing to compute afresh.
    columns = data.columns
    exact = binary and columns.whole.shape[0] > 0 and columns.values.shape[0] == 0
    if network.n_moves[j] == REFRESH and not exact:
        network.n_moves[j] = 0
        if not binary:
            network.thresholds[j] *= normalise_row(weights[j])
        project(data.columns, weights, j, j + 1, space, projections)
        return
    n_rows = projections.shape[1]
    read_column(data.columns, feature, np.int64(0), x[:n_rows])
    for i in range(n_rows):
        projections[j, i] = (projections[j, i] + step * x[i]) * shrink


@kernel
def _turn_values(j, projections, margin, samples, opposite):
    """Write the samples' values with the opposite weights."""
    rows, n_positive = samples.rows, samples.n_positive
    for i in range(samples.n):
        worse = margin if i < n_positive else -margin
        opposite[i] = -projections[j, rows[i]] - worse


@kernel
def _swap(values, others, n):
    for i in range(n):
        values[i], others[i] = others[i], values[i]


@kernel
def _values_after(columns, feature, step, growth, samples, x):
    """Change the samples' values as a step does."""
    values, n_positive, n = samples.values, samples.n_positive, samples.n
    gather_column(
        columns.whole, columns.single, columns.double, columns.values, feature,
        samples.rows, np.int64(0), n, x,
    )  # fmt: skip
    for i in range(n):
        shifted = values[i] + step * x[i]
        values[i] = shifted - growth if i < n_positive else shifted + growth


@kernel
def hidden_step(
    j, features, n_candidates, data, rows, n_positive, n, settings, network, scratch,
    space,
):  # fmt: skip
    """Refit node j's bias exactly, then take the best step on one of its weights.

    Parameters
    ----------
    j : int
    features : ndarray of int
    n_candidates : int
        The features in front are tried; none to refit the bias alone.
    data : Data
    rows : ndarray of shape (>= n,), dtype uint32
        Those drawn; the first `n_positive` are of the positive class.
    n_positive, n : int
    settings : Settings
    network : Network
        Changed in place.
    scratch : Scratch
    space : ndarray
        As :func:`.projection_space` makes it.

    Returns
    -------
    moved : bool
        Whether the node's weights changed.
    """
    silence(j, network)
    samples = collect_samples(
        j, network, data.weight, rows, n_positive, n, settings.cross_entropy,
        settings.ramp, scratch.samples, scratch.x, scratch.unordered, scratch.shifted,
        scratch.opposite,
    )  # fmt: skip
    moved = False
    if samples.n > 0:  # or no sample cares about this node
        moved = _move(
            j, features, n_candidates, data, samples, settings, network, scratch, space
        )
    fire(j, network)
    return moved


@kernel
def _move(j, features, n_candidates, data, samples, settings, network, scratch, space):
    """Set the threshold and at most one weight of a silent node by its samples."""
    values, gains, opposite = samples.values, samples.gains, scratch.opposite
    n_positive, n = samples.n_positive, samples.n
    # A step changes the norm that the margin is multiplied with, a flip does not.
    margin = 0.0 if settings.binary else network.margin[0]
    # The linear classifier has no output node to turn a unit round: try w and -w.
    n_faces = 2 if settings.linear else 1
    if settings.linear:
        _turn_values(j, network.projections, network.margin[0], samples, opposite)
    bar, threshold, face, candidate, side = np.int64(-1), 0.0, 0, -1, 0
    for turn in range(n_faces):
        if turn == 1:
            _swap(values, opposite, n)
        score, level, grid = best_threshold(values, gains, n_positive, n, scratch.space)
        if score > bar:
            bar, threshold, face = score, level, turn
    if n_candidates > 0:
        for turn in range(n_faces):
            if n_faces == 2:  # back to the weights, then to the opposite ones
                _swap(values, opposite, n)
                grid = bin_samples(values, gains, n_positive, n, scratch.space)
            list_steps(
                network.weights[j], features, n_candidates, settings.step,
                settings.binary, margin, turn, scratch.steps, scratch.growths,
            )  # fmt: skip
            bar, k, way = best_step(
                data.columns, data.lowest, data.highest, features, n_candidates, turn,
                samples, grid, bar, scratch,
            )  # fmt: skip
            if k >= 0:
                face, candidate, side = turn, k, way
    if face == 1:
        scale_values(network.weights[j], -1.0)
        scale_values(network.projections[j], -1.0)
    network.thresholds[j] = threshold
    if candidate >= 0:
        if n_faces == 2 and face == 0:
            _swap(values, opposite, n)
        feature = features[candidate]
        step = scratch.steps[face, candidate, side]
        growth = scratch.growths[face, candidate, side]
        _values_after(data.columns, feature, step, growth, samples, scratch.x)
        _, threshold, _ = best_threshold(values, gains, n_positive, n, scratch.space)
        network.thresholds[j] = threshold
        _take_step(j, feature, step, data, settings.binary, network, scratch.x, space)
    return face == 1 or candidate >= 0
