"""The step of the output node under 0/1 loss: a threshold search over hidden units."""

import math

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.losses import to_grid
from sklearn_scd._kernels.network import (
    handicap,
    rebuild_drive,
    runs,
    set_output_weight,
    write_firing,
)
from sklearn_scd._kernels.steps import Scratch, best_step, list_steps, shift_values
from sklearn_scd._kernels.threshold import Samples, best_score, place_threshold


@kernel
def _normalise_output(network):
    """Bring ``u`` back to unit norm, on its grid; return the factor."""
    shrink = 1.0 / math.sqrt((network.u**2).sum())
    for j in range(network.u.shape[0]):
        network.u[j] = to_grid(network.u[j] * shrink)
    rebuild_drive(network)
    return shrink


@kernel
def output_step_01(units, data, rows, n_positive, settings, network, scratch):
    """Output step under 0/1 loss: the threshold search, with hidden units as features.

    Parameters are those of :func:`sklearn_scd._kernels.hidden.hidden_step`, `units`
    the hidden units whose output weights are tried.
    """
    work, n = scratch.samples, rows.shape[0]
    for i in range(n):
        work.rows[i] = rows[i]
        work.values[i] = network.drive[rows[i]]
        work.gains[i] = data.weight[rows[i]] * (1 if i < n_positive else -1)
    samples = Samples(work.rows[:n], work.values[:n], work.gains[:n], n_positive)
    values, gains = samples.values, samples.gains
    bar = best_score(values, gains, n_positive, scratch.space)
    score, j, step = _best_output_step(units, samples, bar, settings, network, scratch)
    if j >= 0:
        move, zero = scratch.moves[0], values.dtype.type(0)
        _write_move(j, step, network, move)
        values = shift_values(move, samples, 1.0, zero, scratch.shifted)
    threshold = place_threshold(values, gains, n_positive, score, scratch.space)
    shrink = 1.0
    if j >= 0:
        set_output_weight(j, network.u[j] + step, network)
        if not settings.binary:
            shrink = _normalise_output(network)
    network.c[0] = -np.float64(threshold) * shrink


@kernel
def _write_move(j, step, network, out):
    """What a step on ``u_j`` adds to each row's drive.

    A step that changes the sign of ``u_j`` also changes what counts as firing within
    the margin.
    """
    u, new = network.u[j], network.u[j] + step
    projections, threshold = network.projections[j], network.thresholds[j]
    before, after = handicap(u, network), handicap(new, network)
    for first, last, shift in runs(before, network):
        new_shift = after if shift == before else -after
        values, part = projections[first:last], out[first:last]
        for i in range(values.shape[0]):
            fired = u if values[i] - shift > threshold else 0.0
            fires = new if values[i] - new_shift > threshold else 0.0
            part[i] = fires - fired


@kernel
def _best_output_step(units, samples, bar, settings, network, scratch):
    """Find the step on an output weight that beats `bar` by most under 0/1 loss.

    To the search, a hidden unit is a feature of zeros and ones. Not so where a step
    changes the sign of an output weight and with it what counts as firing within the
    margin: the feature is then what the step adds to the outputs, taken once.

    Returns
    -------
    score : int
    unit : int
        -1 if no step beats the bar.
    step : float
    """
    projections, n_units = network.projections, network.u.shape[0]
    dtype = projections.dtype.type
    if units.shape[0] == 0:
        return bar, -1, 0.0
    shape = n_units, 1 if settings.binary else 2
    steps = np.empty(shape, projections.dtype)
    growths = np.empty_like(steps)
    weights, lowest = network.u.astype(projections.dtype), np.zeros_like(steps[:, 0])
    list_steps(
        weights, units, settings.output_step, settings.binary, dtype(0), steps, growths
    )
    turning = _take_turning(units, steps, network)
    hidden = np.empty((n_units, projections.shape[1]), dtype=np.uint8)
    for j in units:
        write_firing(j, network, hidden[j])
    bar, k, side = best_step(
        hidden, lowest, np.ones_like(lowest), units, steps, growths, samples, bar,
        scratch,
    )  # fmt: skip
    best, step = np.int64(-1), 0.0
    if k >= 0:
        best, step = units[k], np.float64(steps[k, side])
    done = 0
    while done < n_units:
        bar, unit, turn, done = _best_turn(
            units, turning, done, samples, bar, network, scratch
        )
        if unit >= 0:
            best, step = unit, turn
    return bar, best, step


@kernel
def _take_turning(units, steps, network):
    """Take out of `steps` those that turn an output weight; one for each unit, or 0."""
    turning = np.zeros_like(steps[:, 0])
    if network.margin[0] > 0.0:
        for k in range(steps.shape[0]):
            u = network.u[units[k]]
            for side in range(steps.shape[1]):
                step = np.float64(steps[k, side])
                if step != 0.0 and (u + step > 0.0) != (u > 0.0):
                    turning[k], steps[k, side] = steps[k, side], 0
    return turning


@kernel
def _best_turn(units, turning, start, samples, bar, network, scratch):
    """Find the best of the next few turning steps; also return where they end."""
    moves, dtype = scratch.moves, turning.dtype.type
    lowest, highest = np.zeros_like(moves[:, 0]), np.zeros_like(moves[:, 0])
    owners = np.empty(moves.shape[0], dtype=np.int64)
    n = 0
    while start < turning.shape[0] and n < moves.shape[0]:
        step = turning[start]
        if step != 0:
            _write_move(units[start], np.float64(step), network, moves[n])
            lowest[n], highest[n] = min(step, dtype(0)), max(step, dtype(0))
            owners[n] = start
            n += 1
        start += 1
    room = Scratch(
        scratch.samples, scratch.contenders, scratch.move, moves, scratch.move,
        scratch.shifted, scratch.space,
    )  # fmt: skip
    once = np.ones((n, 1), dtype=turning.dtype)
    bar, i, _ = best_step(
        moves, lowest, highest, np.arange(n), once, np.zeros_like(once), samples, bar,
        room,
    )  # fmt: skip
    if i < 0:
        return bar, np.int64(-1), 0.0, start
    return bar, units[owners[i]], np.float64(turning[owners[i]]), start
