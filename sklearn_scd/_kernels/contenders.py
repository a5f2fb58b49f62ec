"""The samples that decide whether a step beats the bar; see :mod:`.threshold`."""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.threshold import (
    Bins,
    bin_scale,
    clear_bins,
    extent,
    fill_bins,
    place_in_bins,
)

GROUPS = 3
RUNS = 2 * GROUPS
# What the groups after the first, and after the second, hold at most of all gains in
# absolute value.
_LIGHT_SHARES = (0.1, 0.01)
_EXPONENTS = 64  # bit lengths of gains


class Contenders(NamedTuple):
    """Samples that thresholds inside a window tell apart, the heaviest group first.

    A group is of two runs, samples of positive gains and of negative ones.
    """

    rows: np.ndarray  # (n_rows + 1,) uint32; the spare entry lets loops store first
    values: np.ndarray  # (n_rows + 1,) float64
    gains: np.ndarray  # (n_rows + 1,) int64
    ends: np.ndarray  # (RUNS + 1,) int64: run r is samples ends[r] to ends[r + 1] - 1


class Window(NamedTuple):
    """What is known of the thresholds that may beat the bar."""

    low: float  # only thresholds in it can beat the bar,
    high: float  # relative to the centre of a step's shift
    on_gain: int  # sum of the gains of the samples surely above it


def contender_space(n_rows):
    """Make room for the contenders among at most `n_rows` samples."""
    return Contenders(
        np.empty(n_rows + 1, dtype=np.uint32),
        np.empty(n_rows + 1),
        np.empty(n_rows + 1, dtype=np.int64),
        np.zeros(RUNS + 1, dtype=np.int64),
    )


@kernel
def _window_in(grid, on_gain, bar, reach, positive, negative):
    """Range of thresholds that may beat `bar` once values moved by up to `reach`.

    A threshold in bin k scores at most the gains of the samples surely above it, plus
    the positive gains of those that `reach` can bring to either side. The sums of the
    bins are overwritten.

    Returns
    -------
    low, high : float
        low > high if no threshold can beat the bar.
    """
    n_bins = grid.number
    if not grid.scale > 0.0 or not reach * grid.scale < n_bins:
        return grid.low - reach, grid.high + reach
    # Sums over bins below k, with bins out of range empty.
    below = below_positive = np.int64(0)
    for k in range(n_bins + 1):
        gain, loss = positive[k + 1], negative[k + 1]
        positive[k], negative[k] = below_positive, below
        below_positive += gain
        below += gain + loss
    total = negative[n_bins] + on_gain
    # Two bins more than needed: whatever rounding does, the window is wide enough.
    spread = np.int64(reach * grid.scale) + 3
    first, last = n_bins + spread, -spread - 1
    for k in range(-spread, n_bins + spread):
        start = min(max(k - spread, 0), n_bins)
        stop = min(max(k + spread + 1, 0), n_bins)
        if total - negative[stop] + positive[stop] - positive[start] > bar:
            first, last = min(first, k), max(last, k)
    width = 1.0 / grid.scale
    return grid.low + (first - 1) * width, grid.low + (last + 2) * width


@kernel
def _keep(rows, values, gains, start, stop, lowest, highest, done, out):
    """Append the samples from `start` to `stop` between two values to `out`.

    Returns
    -------
    done : int
        Where they end.
    on_gain : int
        Sum of the gains of those above.
    """
    out_rows, out_values, out_gains = out.rows, out.values, out.gains
    on_gain = np.int64(0)
    for i in range(start, stop):
        value, gain = values[i], gains[i]
        # Stored in any case, kept where it counts: no branch to be mispredicted.
        out_rows[done], out_values[done], out_gains[done] = rows[i], value, gain
        done += (lowest <= value) & (value <= highest)
        on_gain += gain if value > highest else np.int64(0)
    return done, on_gain


@kernel
def find_contenders(samples, grid, bar, reach, space, out):
    """Keep the samples that decide whether a step can beat `bar`, in one group.

    Parameters
    ----------
    samples : Samples
    grid : Bins
        Of these samples; the sums in `space` are overwritten.
    bar : int
    reach : float
        No step moves a value by more, once the centre of its shift is taken off.
    space : SearchSpace
    out : Contenders
        Written; none if no step can beat the bar.

    Returns
    -------
    window : Window
    """
    low, high = _window_in(
        grid, np.int64(0), bar, reach, space.positive, space.negative
    )
    n, on_gain, start = np.int64(0), np.int64(0), np.int64(0)
    out.ends[0] = 0
    if low <= high:
        stop = samples.n_positive
        for run in range(2):
            n, above = _keep(
                samples.rows, samples.values, samples.gains, start, stop, low - reach,
                high + reach, n, out,
            )  # fmt: skip
            on_gain += above
            start, stop = stop, samples.n
            out.ends[run + 1] = n
    else:
        out.ends[1] = 0
    for run in range(2, RUNS + 1):
        out.ends[run] = n
    return Window(low, high, on_gain)


@kernel
def _extent_of_sizes(gains, n):
    """Smallest and largest absolute value."""
    least = most = abs(gains[0])
    for i in range(n):
        least, most = min(least, abs(gains[i])), max(most, abs(gains[i]))
    return least, most


@kernel
def _light_limits(gains, n, masses):
    """Gains below these limits are in the groups after the first and the second."""
    first = second = np.int64(0)
    least, most = _extent_of_sizes(gains, n)
    if least > _LIGHT_SHARES[0] * most:  # alike
        return first, second
    for exponent in range(_EXPONENTS):
        masses[exponent] = 0.0
    for i in range(n):
        size = np.float64(abs(gains[i]))
        masses[(size.view(np.int64) >> 52) - 1022] += size  # as math.frexp counts
    total = 0.0
    for exponent in range(_EXPONENTS):
        total += masses[exponent]
    light = 0.0
    for exponent in range(_EXPONENTS - 1):
        light += masses[exponent]
        limit = np.int64(1) << exponent
        if light <= _LIGHT_SHARES[0] * total:
            first = limit
        if light <= _LIGHT_SHARES[1] * total:
            second = limit
    return first, second


@kernel
def _group_of(gain, first, second):
    size = abs(gain)
    return np.int64(size < first) + np.int64(size < second)


@kernel
def group_by_weight(source, masses, out):
    """Write contenders that are in one group to `out`, in a group by their weight."""
    n, middle, ends = source.ends[2], source.ends[1], out.ends
    rows, values, gains = source.rows, source.values, source.gains
    out_rows, out_values, out_gains = out.rows, out.values, out.gains
    first, second = np.int64(0), np.int64(0)
    if n > 0:
        first, second = _light_limits(gains, n, masses)
    for run in range(RUNS + 1):
        ends[run] = 0
    for i in range(n):
        ends[2 * _group_of(gains[i], first, second) + (i >= middle) + 1] += 1
    for run in range(RUNS):
        ends[run + 1] += ends[run]
    for i in range(n):
        run = 2 * _group_of(gains[i], first, second) + (i >= middle)
        place = ends[run]
        out_rows[place], out_values[place] = rows[i], values[i]
        out_gains[place] = gains[i]
        ends[run] = place + 1
    for run in range(RUNS, 0, -1):
        ends[run] = ends[run - 1]
    ends[0] = 0


@kernel
def narrow(contenders, window, bar, reach, space):
    """Drop contenders that don't decide whether a step of a smaller reach beats `bar`.

    Parameters
    ----------
    contenders : Contenders
        Changed in place.
    window : Window
    bar, reach, space
        As in :func:`find_contenders`.

    Returns
    -------
    window : Window
    """
    ends, values, gains = contenders.ends, contenders.values, contenders.gains
    bins, positive, negative = space.bins, space.positive, space.negative
    n = ends[RUNS]
    low, high = extent(values, n)
    n_bins, scale = bin_scale(low, high, n)
    clear_bins(n_bins, positive, negative)
    place_in_bins(values, np.int64(0), n, low, scale, n_bins, bins)
    for run in range(0, RUNS, 2):
        fill_bins(
            gains, ends[run], ends[run + 1], ends[run + 2], bins, positive, negative
        )
    low, high = _window_in(
        Bins(low, high, n_bins, scale), window.on_gain, bar, reach, positive, negative
    )
    low, high = max(low, window.low), min(high, window.high)
    on_gain, done, start = window.on_gain, np.int64(0), np.int64(0)
    for run in range(RUNS):
        stop = ends[run + 1] if low <= high else start
        done, above = _keep(
            contenders.rows, values, gains, start, stop, low - reach, high + reach,
            done, contenders,
        )  # fmt: skip
        on_gain += above
        start, ends[run + 1] = stop, done
    return Window(low, high, on_gain)


@kernel
def bound_light(contenders, group, low, scale, n_bins, reach, bounds):
    """Write what the samples of lighter groups may add to the score of each bin.

    Parameters
    ----------
    contenders : Contenders
    group : int
        The groups after it count.
    low, scale, n_bins
        Bins of a step whose centre is 0.
    reach : float
        As in :func:`find_contenders`.
    bounds : ndarray of shape (GROUPS - 1, >= n_bins + 2), dtype int64
        The group's row is written: for a threshold in bin k, the gains of the samples
        surely above it whatever the step, plus the positive gains of those that may be.
    """
    ends, top = contenders.ends, n_bins + 1.5
    values, gains = contenders.values, contenders.gains
    for k in range(n_bins + 2):
        bounds[group, k] = 0
    # A bin more than needed: whatever rounding does, the bounds are high enough.
    up, down = (reach - low) * scale + 2.0, (-reach - low) * scale - 1.0
    for run in range(2 * group + 2, RUNS):
        offset = up if run % 2 == 0 else down
        for i in range(ends[run], ends[run + 1]):
            place = values[i] * scale + offset
            bounds[group, np.int32(min(max(place, 0.0), top))] += gains[i]
    for k in range(n_bins, -1, -1):
        bounds[group, k] += bounds[group, k + 1]
