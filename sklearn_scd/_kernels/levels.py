"""The exact score of each step on many units, from one sorting of the values.

A step on an output weight moves the values of those samples on which its unit is
active, all by the same. Let the *levels* be the distinct values in ascending order. For
a unit, sum up from each level on the gains of the samples on which it is active, and
those of the others. What a threshold scores after a step is then a sum of two entries:
of the others from the first level above it on, and of those on which it is active from
the first level on that is above it once moved. Which levels these are depends on the
step, not on the unit.
"""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.contenders import RUNS
from sklearn_scd._kernels.threshold import extent

_MOST_BITS = 11  # of a radix sort's two digits


class LevelSpace(NamedTuple):
    """Scratch arrays for levels, made once a network by :func:`level_space`."""

    keys: np.ndarray  # (n_rows,) uint32
    first: np.ndarray  # (n_rows,) uint32, samples sorted by one digit
    second: np.ndarray  # (n_rows,) uint32, samples sorted by both
    counts: np.ndarray  # (2**_MOST_BITS,) uint32
    rows: np.ndarray  # (n_rows,) uint32, in the order of the samples' values
    row_gains: np.ndarray  # (n_rows,) int64
    level: np.ndarray  # (n_rows,) uint32
    values: np.ndarray  # (n_rows,) float64, of the levels
    gains: np.ndarray  # (n_rows + 1,) int64, of all samples from a level on
    firing: np.ndarray  # (n_rows + 1,) int64, of those on which a unit fires
    resting: np.ndarray  # (n_rows + 1,) int64, of the others
    edges: np.ndarray  # (n_rows,) uint32, levels with negative gains
    places: np.ndarray  # (2, 3, n_rows) uint32, of two steps: see :func:`place_edges`
    ends: np.ndarray  # (2, 4) int64


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
        np.empty(n_rows),
        np.empty(n_rows + 1, dtype=np.int64),
        np.empty(n_rows + 1, dtype=np.int64),
        np.empty(n_rows + 1, dtype=np.int64),
        np.empty(n_rows, dtype=np.uint32),
        np.empty((2, 3, n_rows), dtype=np.uint32),
        np.empty((2, 4), dtype=np.int64),
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
    values, edges = space.values, space.edges
    last, value = np.int64(0), source_values[order[0]]
    for i in range(n):
        sample = order[i]
        rows[i], row_gains[i] = source_rows[sample], source_gains[sample]
        before, value = value, source_values[sample]
        last += value != before
        values[last] = value
        level[i] = last
    gain = window.on_gain
    gains[last + 1] = gain
    for i in range(n - 1, -1, -1):
        gain += row_gains[i]
        gains[level[i]] = gain
    n_edges, past = np.int64(0), np.int64(-1)
    for i in range(n):
        if row_gains[i] < 0 and level[i] != past:
            past = np.int64(level[i])
            edges[n_edges] = past
            n_edges += 1
    return Levels(n, last + 1, n_edges, window.low, window.high)


@kernel
def sum_firing(
    n, n_levels, rows, row_gains, level, gains, j, mask, fires, firing, resting
):
    """Sum up the gains from each level on by whether a unit is active.

    Parameters
    ----------
    n, n_levels : int
        Samples, and their levels.
    rows, row_gains, level, gains : ndarray
        As a :class:`LevelSpace` has them.
    j : int
        The unit.
    mask : int
        The unit is active where `fires` has this bit.
    fires : ndarray of shape (n_units, n_rows), dtype uint8
    firing : ndarray of shape (> n_levels,), dtype int64
        Overwritten with the gains of the samples on which the unit is active.
    resting : ndarray of shape (> n_levels,), dtype int64
        Overwritten with those of the others and of all that is on above the levels.
    """
    firing[n_levels], resting[n_levels] = 0, gains[n_levels]
    total = np.int64(0)
    for i in range(n - 1, -1, -1):
        # Multiplied, for a branch could not be predicted.
        total += row_gains[i] * ((fires[j, rows[i]] & mask) != 0)
        firing[level[i]] = total
    for d in range(n_levels):
        resting[d] = gains[d] - firing[d]


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
    values, edges, n = space.values, space.edges, levels.number
    places, ends = space.places, space.ends
    low, high = levels.low + 0.5 * step, levels.high + 0.5 * step
    for e in range(4):
        ends[way, e] = 0
    i = j = k = 0
    for e in range(levels.n_edges):
        value = values[edges[e]]
        moved = value + step
        while i < n and values[i] + step <= value:
            i += 1
        while j < n and values[j] + step <= moved:
            j += 1
        while k < n and values[k] <= moved:
            k += 1
        places[way, 0, e], places[way, 1, e], places[way, 2, e] = i, j, k
        ends[way, 0] += value < low
        ends[way, 1] += value <= high
        ends[way, 2] += moved < low
        ends[way, 3] += moved <= high


@kernel
def score_step(edges, firing, resting, way, places, ends, bar):
    """Best score of the thresholds that may beat `bar` after a step; `bar` at least.

    Parameters
    ----------
    edges : ndarray of shape (>= n_edges,), dtype uint32
    firing, resting : ndarray of shape (> n_levels,), dtype int64
        What :func:`sum_firing` wrote.
    way, places, ends
        What :func:`place_edges` wrote for this step.
    bar : int

    Returns
    -------
    score : int
    """
    for e in range(ends[way, 0], ends[way, 1]):
        bar = max(bar, resting[edges[e] + 1] + firing[places[way, 0, e]])
    for e in range(ends[way, 2], ends[way, 3]):
        bar = max(bar, resting[places[way, 2, e]] + firing[places[way, 1, e]])
    return bar
