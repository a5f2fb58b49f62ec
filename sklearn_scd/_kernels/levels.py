"""The exact score of each step on many units, from one sorting of the values.

A step on an output weight moves the values of those samples on which its unit fires,
all by the same. Let the *levels* be the distinct values in ascending order. For a unit,
sum up from each level on the gains of the samples on which it fires, and those of the
others. What a threshold scores after a step is then a sum of two entries: of the others
from the first level above it on, and of those that fire from the first level on that is
above it once moved. Which levels these are depends on the step, not on the unit.
"""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.threshold import extent

_DIGIT_BITS = 11  # of a radix sort's two digits
_DIGITS = 1 << _DIGIT_BITS


class LevelSpace(NamedTuple):
    """Scratch arrays for levels, made once a network by :func:`level_space`."""

    keys: np.ndarray  # (n_rows,) uint32
    marks: np.ndarray  # (n_rows,) uint8, of levels with negative gains; of firing
    order: np.ndarray  # (2, n_rows) uint32, samples sorted by one digit and by both
    counts: np.ndarray  # (_DIGITS,) uint32
    level: np.ndarray  # (n_rows,) uint32, each sample's
    values: np.ndarray  # (n_rows,) float, of the levels
    gains: np.ndarray  # (n_rows + 1,) int64, of all samples from a level on
    firing: np.ndarray  # (n_rows + 1,) int64, of those on which a unit fires
    resting: np.ndarray  # (n_rows + 1,) int64, of the others
    edges: np.ndarray  # (n_rows,) uint32, levels with negative gains
    places: np.ndarray  # (2, 3, n_rows) uint32, of two steps: see :func:`place_edges`
    ends: np.ndarray  # (2, 4) int64


class Levels(NamedTuple):
    """Distinct values of some samples; views of a :class:`LevelSpace`."""

    of: np.ndarray  # (n_samples,) uint32, each sample's level
    values: np.ndarray  # (n_levels,) ascending
    gains: np.ndarray  # (n_levels + 1,) int64, of what is on from a level on
    edges: np.ndarray  # (n_edges,) uint32, the levels with negative gains
    low: float  # the window, as contenders have it
    high: float


@kernel
def level_space(template):
    """Make the scratch arrays for at most as many samples as `template` has."""
    n = template.shape[0]
    return LevelSpace(
        np.empty(n, dtype=np.uint32),
        np.empty(n, dtype=np.uint8),
        np.empty((2, n), dtype=np.uint32),
        np.empty(_DIGITS, dtype=np.uint32),
        np.empty(n, dtype=np.uint32),
        np.empty_like(template),
        np.empty(n + 1, dtype=np.int64),
        np.empty(n + 1, dtype=np.int64),
        np.empty(n + 1, dtype=np.int64),
        np.empty(n, dtype=np.uint32),
        np.empty((2, 3, n), dtype=np.uint32),
        np.empty((2, 4), dtype=np.int64),
    )


@kernel
def _write_keys(values, keys):
    """Write a whole number of two digits for each value, which grows with it."""
    dtype = values.dtype.type
    low, high = extent(values)
    top = dtype(_DIGITS * _DIGITS - 1)
    scale = top / (high - low) if high > low else dtype(0)
    if not scale < np.inf:
        scale = dtype(0)
    for i in range(values.shape[0]):
        keys[i] = np.uint32(np.int32(min((values[i] - low) * scale, top)))


@kernel
def _sort_by_digit(keys, shift, order, counts, out):
    """Write `order` to `out`, stably sorted by a digit of the keys."""
    counts[:] = 0
    for i in range(keys.shape[0]):
        counts[(keys[i] >> shift) & (_DIGITS - 1)] += 1
    start = np.uint32(0)
    for digit in range(_DIGITS):
        count = counts[digit]
        counts[digit] = start
        start += count
    for i in range(order.shape[0]):
        digit = (keys[order[i]] >> shift) & (_DIGITS - 1)
        out[counts[digit]] = order[i]
        counts[digit] += 1


@kernel
def _sort(values, space):
    """Return the places of the values in ascending order.

    A radix sort: of some thousand values it takes half to a third of the time that
    numpy's argsort takes in a kernel.
    """
    n = values.shape[0]
    keys, first, second = space.keys[:n], space.order[0, :n], space.order[1, :n]
    _write_keys(values, keys)
    for i in range(n):
        second[i] = i
    _sort_by_digit(keys, np.uint32(0), second, space.counts, first)
    _sort_by_digit(keys, np.uint32(_DIGIT_BITS), first, space.counts, second)
    # Different values of one key, if any, are next to each other.
    for i in range(1, n):
        place, k = second[i], i
        value = values[place]
        while k > 0 and values[second[k - 1]] > value:
            second[k] = second[k - 1]
            k -= 1
        second[k] = place
    return second


@kernel
def sum_from(sums):
    """Turn entries into sums of all from each on."""
    for k in range(sums.shape[0] - 2, -1, -1):
        sums[k] += sums[k + 1]


@kernel
def _find_edges(gains, level, n_levels, space):
    """List the levels with negative gains."""
    marks, edges, n_edges = space.marks, space.edges, np.int64(0)
    marks[:n_levels] = 0
    for i in range(gains.shape[0]):
        marks[level[i]] |= gains[i] < 0
    for d in range(n_levels):
        edges[n_edges] = d
        n_edges += marks[d]
    return edges[:n_edges]


@kernel
def find_levels(contenders, space):
    """Find the levels of contenders' values."""
    order = _sort(contenders.values, space)
    n = order.shape[0]
    level, values, gains = space.level[:n], space.values, space.gains
    last, value = np.int64(0), contenders.values[order[0]]
    for i in range(n):
        before, value = value, contenders.values[order[i]]
        last += value != before
        values[last] = value
        level[order[i]] = last
    n_levels = last + 1
    gain = np.int64(contenders.on_gain)
    gains[n_levels] = gain
    for i in range(n - 1, -1, -1):
        gain += contenders.gains[order[i]]
        gains[level[order[i]]] = gain
    edges = _find_edges(contenders.gains, level, n_levels, space)
    return Levels(
        level, values[:n_levels], gains[: n_levels + 1], edges,
        contenders.low, contenders.high,
    )  # fmt: skip


@kernel
def place_edges(levels, step, places, ends):
    """Find out how levels lie to edges once some of their samples moved by a step.

    The best threshold can be had just above a sample of negative gain, so that those at
    edges, moved and not, are enough.

    Parameters
    ----------
    levels : Levels
    step : float, in the dtype of the levels' values
    places : ndarray of shape (3, n_rows), dtype uint32
        Written, for each edge: the first level that is above it if it moves and the
        edge does not; if both do, for moved values may round to the same; if the edge
        does.
    ends : ndarray of shape (4,), dtype int64
        Written: the first edge in the window and the first beyond it, of those that
        do not move and of those that do.
    """
    values, n = levels.values, levels.values.shape[0]
    low, high = levels.low + 0.5 * step, levels.high + 0.5 * step
    reaching, beside, above = places[0], places[1], places[2]
    ends[:] = 0
    i = j = k = 0
    for e in range(levels.edges.shape[0]):
        value = values[levels.edges[e]]
        moved = value + step
        while i < n and values[i] + step <= value:
            i += 1
        while j < n and values[j] + step <= moved:
            j += 1
        while k < n and values[k] <= moved:
            k += 1
        reaching[e], beside[e], above[e] = i, j, k
        ends[0] += value < low
        ends[1] += value <= high
        ends[2] += moved < low
        ends[3] += moved <= high


@kernel
def score_step(edges, firing, resting, places, ends, bar):
    """Best score of the thresholds that may beat `bar` after a step; `bar` at least.

    Parameters
    ----------
    edges : ndarray of shape (n_edges,), dtype uint32
    firing, resting : ndarray of shape (n_levels + 1,), dtype int64
        Gains, summed up from each level on, of the samples that the step moves, and of
        the others with all that is on above the levels.
    places, ends
        What :func:`place_edges` wrote for this step.
    bar : int

    Returns
    -------
    score : int
    """
    reaching, beside, above = places[0], places[1], places[2]
    for e in range(ends[0], ends[1]):
        bar = max(bar, resting[edges[e] + 1] + firing[reaching[e]])
    for e in range(ends[2], ends[3]):
        bar = max(bar, resting[above[e]] + firing[beside[e]])
    return bar
