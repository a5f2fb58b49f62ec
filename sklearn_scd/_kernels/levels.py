"""The exact score of each step on many units, from one sorting of the values.

A step on an output weight moves the values of those samples on which its unit is
active, all by the same. Let the *levels* be the distinct values in ascending order. For
a unit, sum up from each level on the gains of the samples on which it is active, and
those of the others. What a threshold scores after a step is then a sum of two entries:
of the others from the first level above it on, and of those on which it is active from
the first level on that is above it once moved. Which levels these are depends on the
step, not on the unit, so that several units are scored at a time.
"""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.contenders import RUNS
from sklearn_scd._kernels.lanes import LANES, raise_to_sums
from sklearn_scd._kernels.network import firing_mask
from sklearn_scd._kernels.threshold import extent

_MOST_BITS = 11  # of a radix sort's two digits
_AHEAD = 8  # levels compared at a time
_NO_SCORE = np.int64(-(2**62))


class LevelSpace(NamedTuple):
    """Scratch arrays for levels, made once a network by :func:`level_space`."""

    keys: np.ndarray  # (n_rows,) uint32
    first: np.ndarray  # (n_rows,) uint32, samples sorted by one digit
    second: np.ndarray  # (n_rows,) uint32, samples sorted by both
    counts: np.ndarray  # (2**_MOST_BITS,) uint32
    rows: np.ndarray  # (n_rows,) uint32, in the order of the samples' values
    row_gains: np.ndarray  # (n_rows,) int64
    level: np.ndarray  # (n_rows,) uint32
    values: np.ndarray  # (n_rows + _AHEAD,) float64, of the levels; infinite beyond
    gains: np.ndarray  # (n_rows + 1,) int64, of all samples from a level on
    firing: np.ndarray  # (n_rows + 1, LANES) int64, of those on which a unit is active
    above: np.ndarray  # (n_rows,) uint32, edges: levels above one with negative gains
    places: np.ndarray  # (2, 3, n_rows) uint32, of two steps: see :func:`place_edges`
    ends: np.ndarray  # (2, 4) int64
    placed: np.ndarray  # (2,) float64, the steps that edges are placed for; 0 for none
    scored: np.ndarray  # (2,) float64, those that units are scored for
    scores: np.ndarray  # (2, LANES) int64


class Levels(NamedTuple):
    """Distinct values of some samples, which are in a :class:`LevelSpace`."""

    n_samples: int
    number: int
    n_edges: int
    low: float  # the window, as contenders have it
    high: float


def level_space(n_rows):
    """Make the scratch arrays for at most `n_rows` samples."""
    return LevelSpace(
        np.empty(n_rows, dtype=np.uint32),
        np.empty(n_rows, dtype=np.uint32),
        np.empty(n_rows, dtype=np.uint32),
        np.empty(1 << _MOST_BITS, dtype=np.uint32),
        np.empty(n_rows, dtype=np.uint32),
        np.empty(n_rows, dtype=np.int64),
        np.empty(n_rows, dtype=np.uint32),
        np.empty(n_rows + _AHEAD),
        np.empty(n_rows + 1, dtype=np.int64),
        np.empty((n_rows + 1, LANES), dtype=np.int64),
        np.empty(n_rows, dtype=np.uint32),
        np.empty((2, 3, n_rows), dtype=np.uint32),
        np.empty((2, 4), dtype=np.int64),
        np.zeros(2),
        np.zeros(2),
        np.empty((2, LANES), dtype=np.int64),
    )


@kernel
def _sort_by_digit(keys, n, shift, n_digits, order, counts, out):
    """Write n places of `order` to `out`, stably sorted by a digit of the keys."""
    for digit in range(n_digits):
        counts[digit] = 0
    for i in range(n):
        counts[(keys[i] >> shift) & (n_digits - 1)] += 1
    start = np.uint32(0)
    for digit in range(n_digits):
        count = counts[digit]
        counts[digit] = start
        start += count
    for i in range(n):
        digit = (keys[order[i]] >> shift) & (n_digits - 1)
        out[counts[digit]] = order[i]
        counts[digit] += 1


@kernel
def _sort(values, n, space):
    """Write the places of the values in ascending order to ``space.second``.

    A radix sort by whole numbers of two digits that grow with the values: of some
    thousand it takes half to a third of the time that numpy's argsort takes in a
    kernel.
    """
    bits = 4
    while bits < _MOST_BITS and (1 << bits) < n:
        bits += 1
    keys, first, second = space.keys, space.first, space.second
    low, high = extent(values, n)
    top = np.float64((1 << (2 * bits)) - 1)
    scale = top / (high - low) if high > low else 0.0
    if not scale < np.inf:
        scale = 0.0
    for i in range(n):
        keys[i] = np.uint32(np.int32(min((values[i] - low) * scale, top)))
        second[i] = i
    none = np.int64(0)
    _sort_by_digit(keys, n, none, 1 << bits, second, space.counts, first)
    _sort_by_digit(keys, n, bits, 1 << bits, first, space.counts, second)
    # Different values of one key, if any, are next to each other.
    for i in range(1, n):
        place, k = second[i], i
        value = values[place]
        while k > 0 and values[second[k - 1]] > value:
            second[k] = second[k - 1]
            k -= 1
        second[k] = place


@kernel
def find_levels(contenders, window, space):
    """Find the levels of contenders' values."""
    n, order = contenders.ends[RUNS], space.second
    _sort(contenders.values, n, space)
    source_rows, source_gains = contenders.rows, contenders.gains
    source_values, gains = contenders.values, space.gains
    rows, row_gains, level = space.rows, space.row_gains, space.level
    values, above = space.values, space.above
    last, value = np.int64(0), source_values[order[0]]
    for i in range(n):
        sample = order[i]
        rows[i], row_gains[i] = source_rows[sample], source_gains[sample]
        before, value = value, source_values[sample]
        last += value != before
        values[last] = value
        level[i] = last
    for k in range(_AHEAD):
        values[last + 1 + k] = np.inf
    gain = window.on_gain
    gains[last + 1] = gain
    for i in range(n - 1, -1, -1):
        gain += row_gains[i]
        gains[level[i]] = gain
    n_edges, past = np.int64(0), np.int64(-1)
    for i in range(n):
        if row_gains[i] < 0 and level[i] != past:
            past = np.int64(level[i])
            above[n_edges] = past + 1
            n_edges += 1
    space.placed[0] = space.placed[1] = 0.0
    return Levels(n, last + 1, n_edges, window.low, window.high)


@kernel
def sum_firing(levels, u, units, first, n_units, fires, space):
    """Sum up the gains from each level on of the samples on which units are active.

    Parameters
    ----------
    levels : Levels
    u : ndarray of shape (hidden_units,)
        Their output weights tell what counts as active.
    units : ndarray of int
    first, n_units : int
        The LANES units from the first on, of n; beyond the last it is taken again.
    fires : ndarray of shape (hidden_units, n_rows), dtype uint8
    space : LevelSpace
        Its ``firing`` is written.
    """
    last = n_units - 1
    a, b = units[first], units[min(first + 1, last)]
    c, d = units[min(first + 2, last)], units[min(first + 3, last)]
    e, f = units[min(first + 4, last)], units[min(first + 5, last)]
    g, h = units[min(first + 6, last)], units[min(first + 7, last)]
    _sum_eight(
        a, b, c, d, e, f, g, h, firing_mask(u[a]), firing_mask(u[b]),
        firing_mask(u[c]), firing_mask(u[d]), firing_mask(u[e]), firing_mask(u[f]),
        firing_mask(u[g]), firing_mask(u[h]), fires, levels.n_samples, space.rows,
        space.row_gains, space.level, space.firing,
    )  # fmt: skip
    for lane in range(LANES):
        space.firing[levels.number, lane] = 0
    space.scored[0] = space.scored[1] = 0.0


@kernel
def _sum_eight(
    a, b, c, d, e, f, g, h, mask_a, mask_b, mask_c, mask_d, mask_e, mask_f, mask_g,
    mask_h, fires, n, rows, row_gains, level, firing,
):  # fmt: skip
    """Write sums of eight units, whose running totals stay in registers."""
    s = t = v = w = x = y = z = q = np.int64(0)
    for i in range(n - 1, -1, -1):
        row, gain, k = rows[i], row_gains[i], level[i]
        # Multiplied, for a branch could not be predicted.
        s += gain * ((fires[a, row] & mask_a) != 0)
        t += gain * ((fires[b, row] & mask_b) != 0)
        v += gain * ((fires[c, row] & mask_c) != 0)
        w += gain * ((fires[d, row] & mask_d) != 0)
        x += gain * ((fires[e, row] & mask_e) != 0)
        y += gain * ((fires[f, row] & mask_f) != 0)
        z += gain * ((fires[g, row] & mask_g) != 0)
        q += gain * ((fires[h, row] & mask_h) != 0)
        firing[k, 0], firing[k, 1], firing[k, 2], firing[k, 3] = s, t, v, w
        firing[k, 4], firing[k, 5], firing[k, 6], firing[k, 7] = x, y, z, q


@kernel
def _first_above(values, step, value, k):
    """First place from `k` on of values that are above one once they moved by a step.

    No branch for each, which could not be predicted.
    """
    passed = _AHEAD
    while passed == _AHEAD:
        passed = 0
        for ahead in range(_AHEAD):
            passed += values[k + ahead] + step <= value
        k += passed
    return k


@kernel
def _first_above_near(values, step, value, k):
    """The same with a guess that hardly ever fails."""
    while k > 0 and values[k - 1] + step > value:
        k -= 1
    while values[k] + step <= value:
        k += 1
    return k


@kernel
def place_edges(levels, step, way, space):
    """Find out how levels lie to edges once some of their samples moved by a step.

    The best threshold can be had just above a sample of negative gain, so that those at
    edges, moved and not, are enough.

    Parameters
    ----------
    levels : Levels
    step : float
    way : int
        The place in the space's arrays.
    space : LevelSpace
        Its ``places[way]``, of shape (3, n_rows), is written for each edge: the first
        level that is above it if it moves and the edge does not; if both do, for moved
        values may round to the same; if the edge does. Its ``ends[way]``, of shape
        (4,), too: the first edge in the window and the first beyond it, of those that
        do not move and of those that do.
    """
    values, above, n = space.values, space.above, levels.number
    places, ends, placed = space.places, space.ends, space.placed
    low, high = levels.low + 0.5 * step, levels.high + 0.5 * step
    # A step down finds levels where the same step up does, but for what is rounded.
    known = placed[1 - way] == -step
    placed[way] = step
    for e in range(4):
        ends[way, e] = 0
    i = k = np.int64(0)
    for e in range(levels.n_edges):
        j = np.int64(above[e])
        value = values[j - 1]
        moved = value + step
        while j < n and values[j] + step <= moved:
            j += 1
        if known:
            i, k = np.int64(places[1 - way, 2, e]), np.int64(places[1 - way, 0, e])
            i = _first_above_near(values, step, value, i)
            k = _first_above_near(values, 0.0, moved, k)
        else:
            i = _first_above(values, step, value, i)
            k = _first_above(values, 0.0, moved, k)
        places[way, 0, e], places[way, 1, e], places[way, 2, e] = i, j, k
        ends[way, 0] += value < low
        ends[way, 1] += value <= high
        ends[way, 2] += moved < low
        ends[way, 3] += moved <= high


@kernel
def score_steps(step, way, space):
    """Score a step on each unit that was summed up for.

    Parameters
    ----------
    step : float
    way : int
        :func:`place_edges` wrote there for this step.
    space : LevelSpace
        Its ``scores[way]``, of shape (LANES,), are written: the best of the thresholds
        inside the window.
    """
    gains, firing, above = space.gains, space.firing, space.above
    places, ends, scores = space.places[way], space.ends[way], space.scores[way]
    for lane in range(LANES):
        scores[lane] = _NO_SCORE
    raise_to_sums(gains, firing, above, places[0], ends[0], ends[1], scores)
    raise_to_sums(gains, firing, places[2], places[1], ends[2], ends[3], scores)
    space.scored[way] = step
