"""Try a step on each of several weights of a node, each with its own exact threshold.

A hidden node searches this way over features of the data. The output node under 0/1
loss lists its steps here too, and scores them by :mod:`.levels`.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.contenders import (
    GROUPS,
    RUNS,
    Contenders,
    bound_light,
    contender_space,
    find_contenders,
    group_by_weight,
    narrow,
)
from sklearn_scd._kernels.rows import fetch_column, gather_column
from sklearn_scd._kernels.threshold import (
    MAX_BINS,
    SearchSpace,
    bin_scale,
    clear_bins,
    fill_bins,
    place_in_bins,
    search_bins,
    search_space,
)

# Squared norm that a step must leave of a unit row. Below it the row is cancelled, and
# what is left is rounding.
CANCELLED = 0.01

_LIGHT_PER_HEAVY = 4  # lighter samples that deserve as many bins as one
_SAME_REACH = 0.5  # of the furthest of some steps: they share a window


class Buffers(NamedTuple):
    """Room for samples, each array of shape (n_rows + 1,).

    The spare entry lets loops store first and count afterwards.
    """

    rows: np.ndarray  # uint32
    values: np.ndarray  # float64
    gains: np.ndarray  # int64


class Scratch(NamedTuple):
    """Scratch arrays of a network in training, for one node after the other."""

    samples: Buffers  # of the node
    contenders: Contenders  # of them those that decide on a step
    x: np.ndarray  # (n_rows + 1,) float64, a feature's values on the contenders
    shifted: np.ndarray  # (n_rows + 1,) float64, values after a step
    unordered: np.ndarray  # (n_rows + 1,) int64, gains of contenders in no order yet
    space: SearchSpace
    light: np.ndarray  # (GROUPS - 1, MAX_BINS + 2) int64, see :func:`.bound_light`
    masses: np.ndarray  # (64,) float64, see :func:`.group_by_weight`
    steps: np.ndarray  # (2, n_candidates, 2) float64, see :func:`best_step`
    growths: np.ndarray  # (2, n_candidates, 2) float64
    reaches: np.ndarray  # (n_candidates,) float64
    opposite: np.ndarray  # (n_rows + 1,) float64, values with the opposite weights


def make_scratch(n_rows, n_candidates):
    """Make the scratch arrays for a network.

    Parameters
    ----------
    n_rows : int
        Of the training set.
    n_candidates : int
        Most weights of a node that are tried at a time.
    """
    return Scratch(
        Buffers(
            np.empty(n_rows + 1, dtype=np.uint32),
            np.empty(n_rows + 1),
            np.empty(n_rows + 1, dtype=np.int64),
        ),
        contender_space(n_rows),
        np.empty(n_rows + 1),
        np.empty(n_rows + 1),
        np.empty(n_rows + 1, dtype=np.int64),
        search_space(n_rows),
        np.empty((GROUPS - 1, MAX_BINS + 2), dtype=np.int64),
        np.empty(64),
        np.empty((2, n_candidates, 2)),
        np.empty((2, n_candidates, 2)),
        np.empty(n_candidates),
        np.empty(n_rows + 1),
    )


@kernel
def cancels(weight, step):
    """Whether a step leaves next to nothing of a unit row."""
    return 1.0 + step * (2.0 * weight + step) < CANCELLED


@kernel
def norm_growth(weight, step):
    """How much a step on a weight adds to the norm of a unit row."""
    return math.sqrt(1.0 + step * (2.0 * weight + step)) - 1.0


@kernel
def list_steps(weights, features, n, step, binary, margin, face, steps, growths):
    """List the steps to try on a row's weights, the step up before the step down.

    Parameters
    ----------
    weights : ndarray of shape (n_features,)
        A row of unit norm, or of binary weights.
    features : ndarray of shape (>= n,), int
    n : int
        Candidates.
    step : float
        A step that would cancel the row is left out. Of binary weights the sign is
        flipped instead.
    binary : bool
    margin : float
    face : int
        1 for the opposite weights.
    steps, growths : ndarray of shape (2, >= n, 2)
        Those of the face are written; see :func:`best_step`.
    """
    sign = -1.0 if face == 1 else 1.0
    for k in range(n):
        w = sign * weights[features[k]]
        for side in range(2):
            signed = step if side == 0 else -step
            if binary:
                signed = -2.0 * w if side == 0 else 0.0
            elif cancels(w, signed):
                signed = 0.0
            growth = 0.0
            if margin > 0.0 and signed != 0.0:
                growth = margin * norm_growth(w, signed)
            steps[face, k, side], growths[face, k, side] = signed, growth


@kernel
def reaches_of(lowest, highest, features, n, steps, growths, face, magnitude, reaches):
    """How far the steps on each feature move a value, once their centre is taken off.

    With room for rounding, which matters where values are large beside their spread. A
    feature whose steps move all values alike has 0.

    Parameters
    ----------
    lowest, highest, features, n, steps, growths, face
        As in :func:`best_step`.
    magnitude : float
        No value is larger in size.
    reaches : ndarray of shape (>= n,)
        Written.

    Returns
    -------
    reach : float
        The furthest.
    """
    furthest = 0.0
    for k in range(n):
        low, high = lowest[features[k]], highest[features[k]]
        reach, shift = 0.0, 0.0
        for side in range(2):
            size, growth = abs(steps[face, k, side]), abs(growths[face, k, side])
            if size > 0.0 and (high > low or growth > 0.0):
                reach = max(reach, 0.5 * size * (high - low) + growth)
                shift = max(shift, size * max(abs(low), abs(high)) + growth)
        if reach > 0.0:
            reach += 2.0**-49 * (magnitude + shift)
        reaches[k] = reach
        furthest = max(furthest, reach)
    return furthest


@kernel
def _shift(values, x, step, growth, start, middle, stop, out):
    """Write values after a step; those from `middle` on are hurt by its activity."""
    for i in range(np.uint64(start), np.uint64(middle)):
        out[i] = values[i] + step * x[i] - growth
    for i in range(np.uint64(middle), np.uint64(stop)):
        out[i] = values[i] + step * x[i] + growth


@kernel
def _may_beat(n_bins, suffix, bar, light, group, positive, negative):
    """Whether a threshold may beat `bar`, with what lighter samples add at most."""
    for k in range(n_bins + 1, 0, -1):
        gain = positive[k]
        if suffix + (gain + light[group, k]) > bar:
            return True
        suffix += gain + negative[k]  # one addition to wait for, not two
    return False


@kernel
def _score_step(
    whole, single, double, table, feature, step, growth, low, n_bins, scale, on_gain,
    bar, gathered, rows, values, gains, ends, light, x, shifted, bins, positive,
    negative, above, opens, opened,
):  # fmt: skip
    """Score one step: the best over its thresholds if that beats `bar`, else `bar`.

    Group by group, the heaviest first: most steps are given up before the last.

    Parameters
    ----------
    whole, single, double, table
        Those of Columns, whose last are the values of codes.
    feature : int
    step, growth : float
    low : float
        Where bins begin.
    n_bins : int
    scale : float
        Bins per unit.
    on_gain : int
    bar : int
    gathered : int
        Contenders of which `x` has the feature's values.
    rows, values, gains, ends
        Contenders.
    light, x, shifted
        As a Scratch has them.
    bins, positive, negative, above, opens, opened
        As a SearchSpace has them.

    Returns
    -------
    score : int
    gathered : int
    """
    clear_bins(n_bins, positive, negative)
    for group in range(GROUPS):
        a, b, c = ends[2 * group], ends[2 * group + 1], ends[2 * group + 2]
        if gathered < c:
            gather_column(whole, single, double, table, feature, rows, a, c, x)
            gathered = c
        _shift(values, x, step, growth, a, b, c, shifted)
        place_in_bins(shifted, a, c, low, scale, n_bins, bins)
        fill_bins(gains, a, b, c, bins, positive, negative)
        if c == ends[RUNS]:
            bar = search_bins(
                shifted, gains, c, n_bins, on_gain, bar, bins, positive, negative,
                above, opens, opened,
            )  # fmt: skip
            break
        if not _may_beat(n_bins, on_gain, bar, light, group, positive, negative):
            break
    return bar, gathered


@kernel
def best_step(
    columns, lowest, highest, features, n_candidates, face, samples, grid, bar, scratch
):
    """Find the step that beats `bar` by most; the first of equals.

    Parameters
    ----------
    columns : Columns
    lowest, highest : ndarray of shape (n_features,)
        Extent of each column.
    features : ndarray of shape (>= n_candidates,), int
    n_candidates : int
        Those in front are tried.
    face : int
        1 for the opposite weights. Of the scratch arrays ``steps`` and ``growths``,
        each of shape (2, n_candidates, 2), that row counts: steps on each candidate's
        weight, of which those of 0 are not tried, and what they add to the margin, by
        which values of samples that its activity helps fall and those of the others
        rise.
    samples : Samples
        With the values of no step.
    grid : Bins
        Of the samples, which are in `scratch.space`.
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
    best, best_side = -1, 0
    space, contenders, light = scratch.space, scratch.contenders, scratch.light
    steps, growths, reaches = scratch.steps, scratch.growths, scratch.reaches
    reach = reaches_of(
        lowest, highest, features, n_candidates, steps, growths, face,
        max(abs(grid.low), abs(grid.high)), reaches,
    )  # fmt: skip
    if reach == 0.0:
        return bar, best, best_side
    # What is not needed yet has room for contenders that are in no order yet.
    x, shifted, ends = scratch.x, scratch.shifted, contenders.ends
    found = Contenders(space.opened, shifted, scratch.unordered, ends)
    window = find_contenders(samples, grid, bar, reach, space, found)
    group_by_weight(found, scratch.masses, contenders)
    rows, values, gains = contenders.rows, contenders.values, contenders.gains
    bins, positive, negative = space.bins, space.positive, space.negative
    above, opens, opened = space.above, space.opens, space.opened
    whole, single, double = columns.whole, columns.single, columns.double
    table = columns.values
    # Those that reach furthest first: the others have a smaller window.
    while reach > 0.0 and ends[RUNS] > 0:
        n, least, following = ends[RUNS], _SAME_REACH * reach, 0.0
        # The lighter groups are not looked at for most steps.
        heavy = ends[2] + (n - ends[2]) // _LIGHT_PER_HEAVY
        n_bins, scale = bin_scale(window.low, window.high, heavy)
        for group in range(GROUPS - 1):
            if ends[2 * group + 2] < n:
                bound_light(contenders, group, window.low, scale, n_bins, reach, light)
        for k in range(n_candidates):
            if reaches[k] <= least:
                following = max(following, reaches[k])
                continue
            if reaches[k] > reach:
                continue
            if k + 1 < n_candidates:
                fetch_column(whole, single, double, features[k + 1], rows, ends[2])
            f, gathered = features[k], np.int64(0)
            centre = 0.5 * lowest[f] + 0.5 * highest[f]
            for side in range(2):
                step, growth = steps[face, k, side], growths[face, k, side]
                # A constant feature moves every value alike.
                if step == 0.0 or (lowest[f] == highest[f] and growth == 0.0):
                    continue
                beaten = bar - (k < best)  # of equals the first
                score, gathered = _score_step(
                    whole, single, double, table, f, step, growth,
                    window.low + step * centre, n_bins, scale, window.on_gain, beaten,
                    gathered, rows, values, gains, ends, light, x, shifted, bins,
                    positive, negative, above, opens, opened,
                )  # fmt: skip
                if score > beaten:
                    bar, best, best_side = score, k, side
        reach = following
        if reach > 0.0:
            window = narrow(contenders, window, bar - (best >= 0), reach, space)
    return bar, best, best_side
