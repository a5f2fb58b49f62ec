"""The step of the output node under 0/1 loss: a threshold search over hidden units."""

import math

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.contenders import RUNS, find_contenders
from sklearn_scd._kernels.lanes import LANES
from sklearn_scd._kernels.levels import (
    find_levels,
    place_edges,
    score_steps,
    sum_firing,
)
from sklearn_scd._kernels.losses import to_bias_grid, to_grid
from sklearn_scd._kernels.network import (
    rebuild_drive,
    set_output_weight,
    write_values_after,
)
from sklearn_scd._kernels.steps import list_steps
from sklearn_scd._kernels.threshold import Samples, best_threshold


@kernel
def _normalise_output(network):
    """Bring ``u`` back to unit norm, on its grid; return the factor."""
    u, squares = network.u, 0.0
    for j in range(u.shape[0]):
        squares += u[j] * u[j]
    shrink = 1.0 / math.sqrt(squares)
    for j in range(u.shape[0]):
        u[j] = to_grid(u[j] * shrink)
    rebuild_drive(network)
    return shrink


@kernel
def output_step_01(
    units, n_units, data, rows, n_positive, n, settings, network, scratch, level_space
):
    """Output step under 0/1 loss: the threshold search, with hidden units as features.

    Parameters
    ----------
    units : ndarray of int
    n_units : int
        Hidden units whose output weights are tried; none to refit the bias alone.
    level_space : LevelSpace
    data, rows, n_positive, n, settings, network, scratch
        As in :func:`sklearn_scd._kernels.hidden.hidden_step`.
    """
    work, weight, drive = scratch.samples, data.weight, network.drive
    work_rows, values, gains = work.rows, work.values, work.gains
    for i in range(n):
        row = rows[i]
        work_rows[i], values[i] = row, drive[row]
        gains[i] = weight[row] * (1 if i < n_positive else -1)
    samples = Samples(work_rows, values, gains, n_positive, n)
    score, threshold, grid = best_threshold(values, gains, n_positive, n, scratch.space)
    j, step = np.int64(-1), 0.0
    if n_units > 0:
        j, step = best_output_step(
            units, n_units, samples, grid, score, settings, network, scratch,
            level_space,
        )  # fmt: skip
    shrink = 1.0
    if j >= 0:
        moved = scratch.shifted
        write_values_after(
            j, step, network.u[j], work_rows, values, n, network.firing, moved
        )
        _, threshold, grid = best_threshold(moved, gains, n_positive, n, scratch.space)
        set_output_weight(j, network.u[j] + step, network)
        if not settings.binary:
            shrink = _normalise_output(network)
    network.c[0] = to_bias_grid(-threshold * shrink)


@kernel
def best_output_step(
    units, n_units, samples, grid, bar, settings, network, scratch, level_space
):
    """Find the step on an output weight that beats `bar` by most under 0/1 loss.

    A step that turns its unit round also changes on which rows it is active within the
    margin, on each to where it hurts the row. It scores no more than if it did not, and
    is scored so at first, like any other. The few that beat all others even so are then
    scored as they are.

    Parameters
    ----------
    units, n_units, settings, network, scratch, level_space
        As in :func:`output_step_01`.
    samples : Samples
    grid : Bins
        Of the samples, which are in `scratch.space`.
    bar : int
        Score without a step.

    Returns
    -------
    unit : int
        -1 if no step beats the bar.
    step : float
    """
    best, best_step, u, fires = np.int64(-1), 0.0, network.u, network.firing
    steps, bounds = scratch.steps, scratch.growths
    list_steps(
        u, units, n_units, settings.output_step, settings.binary, 0.0, np.int64(0),
        steps, bounds,
    )  # fmt: skip
    reach = 0.0
    for k in range(n_units):
        reach = max(reach, abs(steps[0, k, 0]), abs(steps[0, k, 1]))
        bounds[1, k, 0] = bounds[1, k, 1] = 0.0
    # Half a step, and room for rounding, which counts where values are large.
    magnitude = max(abs(grid.low), abs(grid.high)) + reach
    reach = 0.5 * reach + 2.0**-49 * magnitude
    contenders, space = scratch.contenders, scratch.space
    window = find_contenders(samples, grid, bar, reach, space, contenders)
    if contenders.ends[RUNS] == 0:
        return best, best_step
    levels = find_levels(contenders, window, level_space)
    for k in range(n_units):
        j, lane = units[k], k % LANES
        if lane == 0:
            sum_firing(levels, u, units, k, n_units, fires, level_space)
        for side in range(2):
            signed = steps[0, k, side]
            if signed == 0.0:
                continue
            turns = settings.margin > 0.0 and (u[j] + signed > 0.0) != (u[j] > 0.0)
            # One that turns, as what it adds is rounded.
            step = u[j] + signed - u[j] if turns else signed
            way = 0 if step > 0.0 else 1
            if step != level_space.placed[way]:
                place_edges(levels, step, way, level_space)
            if step != level_space.scored[way]:
                score_steps(step, way, level_space)
            score = level_space.scores[way, lane]
            if turns:
                bounds[1, k, side] = max(bar, score)
            elif score > bar:
                bar, best, best_step = score, j, signed
    # The steps whose bounds beat what was found.
    moved, n, n_positive = scratch.shifted, samples.n, samples.n_positive
    for k in range(n_units):
        for side in range(2):
            if bounds[1, k, side] > bar:
                j, step = units[k], steps[0, k, side]
                write_values_after(
                    j, step, u[j], samples.rows, samples.values, n, fires, moved
                )
                score, _, _ = best_threshold(moved, samples.gains, n_positive, n, space)
                if score > bar:
                    bar, best, best_step = score, j, step
    return best, best_step
