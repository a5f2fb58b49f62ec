"""Try a step on each of several weights of a node, each with its own exact threshold.

A hidden node searches this way over features of the data. The output node under 0/1
loss lists its steps here too, and scores them by :mod:`.levels`.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.contenders import find_contenders
from sklearn_scd._kernels.levels import LevelSpace, level_space
from sklearn_scd._kernels.threshold import (
    SearchSpace,
    bin_scale,
    clear_bins,
    extent,
    fill_bins,
    open_bins,
    scan_bins,
    search_space,
)

# Squared norm that a step must leave of a unit row. Below it the row is cancelled, and
# what is left is rounding.
CANCELLED = 0.01


class Buffers(NamedTuple):
    """Room for samples, each array of shape (n_rows + 1,).

    The spare entry lets loops store first and count afterwards.
    """

    rows: np.ndarray  # uint32
    values: np.ndarray  # float
    gains: np.ndarray  # int64


class Scratch(NamedTuple):
    """Scratch arrays of a network in training, for one node after the other."""

    samples: Buffers  # of the node
    contenders: Buffers  # of them those that decide on a step
    x: np.ndarray  # (n_rows,) a feature's values on the contenders
    shifted: np.ndarray  # (n_rows,) values after a step
    space: SearchSpace
    move: np.ndarray  # (n_rows,) what a step on an output weight adds to outputs
    levels: LevelSpace


@kernel
def _buffers(template):
    n = template.shape[0] + 1
    return Buffers(
        np.empty(n, dtype=np.uint32),
        np.empty(n, dtype=template.dtype),
        np.empty(n, dtype=np.int64),
    )


@kernel
def make_scratch(projections, columns):
    """Make the scratch arrays for training on `columns`."""
    template = projections[0]
    return Scratch(
        _buffers(template),
        _buffers(template),
        np.empty_like(columns[0]),
        np.empty_like(template),
        search_space(template.shape[0]),
        np.empty_like(template),
        level_space(template),
    )


@kernel
def cancels(weight, step):
    """Whether a step leaves next to nothing of a unit row."""
    step = np.float64(step)
    return 1.0 + step * (2.0 * np.float64(weight) + step) < CANCELLED


@kernel
def norm_growth(weight, step):
    """How much a step on a weight adds to the norm of a unit row."""
    step, weight = np.float64(step), np.float64(weight)
    return math.sqrt(1.0 + step * (2.0 * weight + step)) - 1.0


@kernel
def list_steps(weights, features, step, binary, margin, steps, growths):
    """List the steps to try on a row's weights, the step up before the step down.

    Parameters
    ----------
    weights : ndarray of shape (n_features,)
        A row of unit norm, or of binary weights.
    features : ndarray of shape (n_candidates,), int
    step : float
        A step that would cancel the row is left out. Of binary weights the sign is
        flipped instead.
    binary : bool
    margin : float
    steps, growths : ndarray of shape (n_candidates, 1 if binary else 2)
        Written; see :func:`best_step`.
    """
    dtype = steps.dtype.type
    for k in range(features.shape[0]):
        w = weights[features[k]]
        if binary:
            steps[k, 0], growths[k, 0] = dtype(-2.0 * w), dtype(0)
            continue
        for side in range(2):
            signed = dtype(step if side == 0 else -step)
            steps[k, side] = dtype(0) if cancels(w, signed) else signed
            growths[k, side] = dtype(0)
            if margin > 0.0 and steps[k, side] != 0:
                growths[k, side] = dtype(margin * norm_growth(w, signed))


@kernel
def shift_values(column, samples, step, growth, out):
    """Write the samples' values after a step on `column`'s weight; return them.

    By `growth`, that of the margin, values of samples that firing helps fall and those
    of the others rise.
    """
    dtype = samples.values.dtype.type
    step = dtype(step)
    shifted = out[: samples.rows.shape[0]]
    for i in range(shifted.shape[0]):
        shifted[i] = samples.values[i] + step * dtype(column[samples.rows[i]])
    for i in range(samples.n_positive):
        shifted[i] -= growth
    for i in range(samples.n_positive, shifted.shape[0]):
        shifted[i] += growth
    return shifted


@kernel
def _shift_part(contenders, x, step, growth, start, stop, out):
    dtype = out.dtype.type
    values, x, out = contenders.values[start:stop], x[start:stop], out[start:stop]
    for i in range(values.shape[0]):
        out[i] = values[i] + step * dtype(x[i]) - growth


@kernel
def _gather_part(column, contenders, start, stop, out):
    for i in range(start, stop):
        out[i] = column[contenders.rows[i]]


@kernel
def reach_of(lowest, highest, features, steps, growths, values):
    """How far steps move a value, once their centre is taken off.

    With room for rounding, which matters where values are large beside their spread.
    """
    dtype = values.dtype.type
    reach, shift = 0.0, 0.0
    for k in range(features.shape[0]):
        low = np.float64(lowest[features[k]])
        high = np.float64(highest[features[k]])
        for side in range(steps.shape[1]):
            size = abs(np.float64(steps[k, side]))
            growth = abs(np.float64(growths[k, side]))
            reach = max(reach, 0.5 * size * (high - low) + growth)
            shift = max(shift, size * max(abs(low), abs(high)) + growth)
    low, high = extent(values)
    magnitude = max(abs(np.float64(low)), abs(np.float64(high))) + shift
    unit = np.float64(np.nextafter(dtype(1.0), dtype(2.0))) - 1.0
    return reach + 8.0 * unit * magnitude


@kernel
def best_step(
    columns, lowest, highest, features, steps, growths, samples, bar, scratch
):
    """Find the step that beats `bar` by most; the first of equals.

    Parameters
    ----------
    columns : ndarray of shape (n_features, n_rows)
    lowest, highest : ndarray of shape (n_features,)
        Extent of each column, in the dtype of the samples' values.
    features : ndarray of shape (n_candidates,), int
        Tried in this order.
    steps : ndarray of shape (n_candidates, n_sides), in the dtype of the values
        Steps on each candidate's weight, in the order in which they are tried; those of
        0 are not.
    growths : ndarray of shape (n_candidates, n_sides), in the dtype of the values
        What a step adds to the margin, by which values of samples that firing helps
        fall and those of the others rise.
    samples : Samples
        With the values of no step.
    bar : int
        Score without a step.
    scratch : Scratch
        Its `samples` are left alone.

    Returns
    -------
    score : int
        `bar` if no step beats it.
    candidate : int
        Its place in `features`; -1 if no step beats the bar.
    side : int
    """
    if features.shape[0] == 0:
        return bar, -1, 0
    dtype = samples.values.dtype.type
    reach = reach_of(lowest, highest, features, steps, growths, samples.values)
    best, best_side = -1, 0
    space = scratch.space
    contenders = find_contenders(samples, bar, reach, scratch.contenders, space)
    n, n_heavy = contenders.rows.shape[0], contenders.heavy
    a, b = contenders.heavy_positive, contenders.light_positive
    if n == 0:
        return bar, best, best_side
    x, shifted = scratch.x[:n], scratch.shifted[:n]
    first = np.int64(0)
    for k in range(features.shape[0]):
        f = features[k]
        centre = 0.5 * np.float64(lowest[f]) + 0.5 * np.float64(highest[f])
        constant = lowest[f] == highest[f]
        gathered, all_gathered = False, False
        for side in range(steps.shape[1]):
            step, growth = steps[k, side], growths[k, side]
            # A constant feature moves every value alike.
            if step == 0 or (constant and growth == 0):
                continue
            if not gathered:
                _gather_part(columns[f], contenders, first, n_heavy, x)
                gathered = True
            low = dtype(contenders.low + step * centre)
            high = dtype(contenders.high + step * centre)
            n_bins, scale = bin_scale(low, high, n_heavy)
            clear_bins(n_bins, space)
            _shift_part(contenders, x, step, growth, first, a, shifted)
            _shift_part(contenders, x, step, -growth, a, n_heavy, shifted)
            fill_bins(
                shifted, contenders.gains, first, a, n_heavy, low, scale, n_bins, space
            )
            if n_heavy < n:
                _, bound = scan_bins(n_bins, contenders.on_gain, bar, space)
                if bound + contenders.light_gain <= bar:
                    continue
                if not all_gathered:
                    _gather_part(columns[f], contenders, n_heavy, n, x)
                    all_gathered = True
                _shift_part(contenders, x, step, growth, n_heavy, b, shifted)
                _shift_part(contenders, x, step, -growth, b, n, shifted)
                fill_bins(
                    shifted, contenders.gains, n_heavy, b, n, low, scale, n_bins, space
                )
            score, bound = scan_bins(n_bins, contenders.on_gain, bar, space)
            if bound > score:
                score = open_bins(
                    shifted, contenders.gains, n_bins, contenders.on_gain, score, space
                )
            if score > bar:
                bar, best, best_side = score, k, side
    return bar, best, best_side
