"""The step of the output node under 0/1 loss: a threshold search over hidden units."""

import math

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.contenders import find_contenders
from sklearn_scd._kernels.levels import (
    find_levels,
    place_edges,
    score_step,
    sum_from,
)
from sklearn_scd._kernels.losses import to_bias_grid, to_grid
from sklearn_scd._kernels.network import (
    handicap,
    rebuild_drive,
    runs,
    set_output_weight,
)
from sklearn_scd._kernels.steps import list_steps, reach_of, shift_values
from sklearn_scd._kernels.threshold import (
    Samples,
    beat_score,
    best_score,
    place_threshold,
)


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
        values = _values_after(j, step, samples, network, scratch)
    threshold = place_threshold(values, gains, n_positive, score, scratch.space)
    shrink = 1.0
    if j >= 0:
        set_output_weight(j, network.u[j] + step, network)
        if not settings.binary:
            shrink = _normalise_output(network)
    network.c[0] = to_bias_grid(-np.float64(threshold) * shrink)


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
def _turns(j, step, network):
    """Whether a step changes the sign of ``u_j``, and with it what fires."""
    u = network.u[j]
    return network.margin[0] > 0.0 and (u + step > 0.0) != (u > 0.0)


@kernel
def _write_firing(j, first, last, shift, network, contenders, fires):
    projections, threshold = network.projections[j], network.thresholds[j]
    rows = contenders.rows
    for i in range(first, last):
        fires[i] = projections[rows[i]] - shift > threshold


@kernel
def _sum_firing(j, network, contenders, levels, space):
    """Sum up the contenders' gains from each level on by whether node j fires."""
    n, n_levels = np.int64(contenders.rows.shape[0]), levels.values.shape[0]
    firing, resting = space.firing[: n_levels + 1], space.resting[: n_levels + 1]
    fires, gains = space.marks, contenders.gains
    shift, start = handicap(network.u[j], network), np.int64(0)
    a, b, c = contenders.heavy_positive, contenders.heavy, contenders.light_positive
    _write_firing(j, start, a, shift, network, contenders, fires)
    _write_firing(j, a, b, -shift, network, contenders, fires)
    _write_firing(j, b, c, shift, network, contenders, fires)
    _write_firing(j, c, n, -shift, network, contenders, fires)
    firing[:] = 0
    # Multiplied, and in a loop of its own: a branch could not be predicted.
    for i in range(n):
        firing[levels.of[i]] += gains[i] * fires[i]
    sum_from(firing)
    for d in range(n_levels + 1):
        resting[d] = levels.gains[d] - firing[d]
    return firing, resting


@kernel
def _best_output_step(units, samples, bar, settings, network, scratch):
    """Find the step on an output weight that beats `bar` by most under 0/1 loss.

    A step that turns its unit round also changes on which rows it fires within the
    margin, on each to where it hurts the row. It scores no more than if it did not, and
    is scored so at first, like any other. The few that beat all others even so are then
    scored as they are.

    Returns
    -------
    score : int
    unit : int
        -1 if no step beats the bar.
    step : float
    """
    dtype, space = samples.values.dtype.type, scratch.levels
    best, best_step = np.int64(-1), 0.0
    if units.shape[0] == 0:
        return bar, best, best_step
    shape = units.shape[0], 1 if settings.binary else 2
    steps, growths = np.empty(shape, dtype), np.empty(shape, dtype)
    weights = network.u.astype(dtype)
    list_steps(
        weights, units, settings.output_step, settings.binary, dtype(0), steps, growths
    )
    reach = reach_of(
        np.zeros_like(weights), np.ones_like(weights), units, steps, growths,
        samples.values,
    )  # fmt: skip
    contenders = find_contenders(samples, bar, reach, scratch.contenders, scratch.space)
    if contenders.rows.shape[0] == 0:
        return bar, best, best_step
    levels = find_levels(contenders, space)
    placed = np.zeros(2, dtype)  # the steps up and down that edges are placed for
    bounds = np.zeros(shape, dtype=np.int64)  # of the steps that turn their unit round
    for k in range(units.shape[0]):
        j = units[k]
        firing, resting = _sum_firing(j, network, contenders, levels, space)
        for side in range(steps.shape[1]):
            step, signed = steps[k, side], np.float64(steps[k, side])
            if step == 0:
                continue
            turns = _turns(j, signed, network)
            if turns:  # as what it adds is rounded
                step = dtype(network.u[j] + signed - network.u[j])
            way = 0 if step > 0 else 1
            places, ends = space.places[way], space.ends[way]
            if placed[way] != step:
                place_edges(levels, step, places, ends)
                placed[way] = step
            score = score_step(levels.edges, firing, resting, places, ends, bar)
            if turns:
                bounds[k, side] = score
            elif score > bar:
                bar, best, best_step = score, j, signed
    found = bar, best, best_step
    return _score_turns(units, steps, bounds, samples, found, network, scratch)


@kernel
def _score_turns(units, steps, bounds, samples, found, network, scratch):
    """Score the steps whose bounds beat what was found; return the best of all."""
    bar, best, best_step = found
    for k in range(units.shape[0]):
        for side in range(steps.shape[1]):
            if bounds[k, side] > bar:
                step = np.float64(steps[k, side])
                values = _values_after(units[k], step, samples, network, scratch)
                score = beat_score(
                    bar, values, samples.gains, samples.n_positive, scratch.space
                )
                if score > bar:
                    bar, best, best_step = score, units[k], step
    return bar, best, best_step


@kernel
def _values_after(j, step, samples, network, scratch):
    """Return the samples' values after a step on ``u_j``."""
    zero = samples.values.dtype.type(0)
    _write_move(j, step, network, scratch.move)
    return shift_values(scratch.move, samples, 1.0, zero, scratch.shifted)
