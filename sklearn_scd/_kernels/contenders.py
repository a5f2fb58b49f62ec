"""The samples that decide whether a step beats the bar; see :mod:`.threshold`."""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.threshold import bin_scale, clear_bins, extent, fill_bins

_LIGHT_SHARE = 0.01  # of the samples' total gains, in absolute value
_EXPONENTS = 64  # bit lengths of gains


class Contenders(NamedTuple):
    """Samples that thresholds inside the window tell apart, the heavy ones first."""

    rows: np.ndarray  # (n,) uint32
    values: np.ndarray  # (n,) float
    gains: np.ndarray  # (n,) int64
    heavy_positive: int  # samples [0, heavy_positive) are heavy with positive gains
    heavy: int  # [heavy_positive, heavy) are heavy with negative gains
    light_positive: int  # [heavy, light_positive) are light with positive gains
    light_gain: int  # sum of the light samples' positive gains
    on_gain: int  # sum of the gains of the samples above the window
    low: float  # the window: only thresholds in it can beat the bar,
    high: float  # relative to the centre of a step's shift


@kernel
def _window(samples, bar, reach, space):
    """Range of thresholds that may beat `bar` once values moved by up to `reach`.

    A threshold in bin k scores at most the gains of the samples surely above it, plus
    the positive gains of those that `reach` can bring to either side.

    Returns
    -------
    low, high : float
        low > high if no threshold can beat the bar.
    """
    n = samples.values.shape[0]
    low, high = extent(samples.values)
    n_bins, scale = bin_scale(low, high, n)
    # Between values that are hardly numbers, the scale may be infinite.
    if not 0.0 < scale < np.inf or not reach * scale < n_bins:
        return np.float64(low) - reach, np.float64(high) + reach
    clear_bins(n_bins, space)
    fill_bins(
        samples.values, samples.gains, np.int64(0), samples.n_positive, n, low, scale,
        n_bins, space,
    )  # fmt: skip
    # Sums over bins below k, with bins out of range empty.
    below_positive = np.zeros(n_bins + 1, dtype=np.int64)
    below = np.zeros(n_bins + 1, dtype=np.int64)
    for k in range(n_bins):
        below_positive[k + 1] = below_positive[k] + space.positive[k + 1]
        below[k + 1] = below[k] + space.positive[k + 1] + space.negative[k + 1]
    # Two bins more than needed: whatever rounding does, the window is wide enough.
    spread = int(reach * scale) + 3
    first, last = n_bins + spread, -spread - 1
    for k in range(-spread, n_bins + spread):
        start = min(max(k - spread, 0), n_bins)
        stop = min(max(k + spread + 1, 0), n_bins)
        surely_on = below[n_bins] - below[stop]
        if surely_on + below_positive[stop] - below_positive[start] > bar:
            first, last = min(first, k), max(last, k)
    width = 1.0 / np.float64(scale)
    return low + (first - 1) * width, low + (last + 2) * width


@kernel
def _light_limit(gains):
    """Gains below this limit are light: together at most `_LIGHT_SHARE`.

    0 if none is light.
    """
    masses = np.zeros(_EXPONENTS)
    for i in range(gains.shape[0]):
        size = np.float64(abs(gains[i]))
        masses[(size.view(np.int64) >> 52) - 1022] += size  # as math.frexp counts
    share = _LIGHT_SHARE * masses.sum()
    exponent, light = 0, 0.0
    while exponent < _EXPONENTS - 1 and light + masses[exponent] <= share:
        light += masses[exponent]
        exponent += 1
    return np.int64(1) << np.int64(exponent - 1) if light > 0.0 else np.int64(0)


@kernel
def _pick(samples, start, stop, limits, done, work):
    """Append to `work` those of some samples whose value and gain are in the limits."""
    low, high, least, most = limits
    for i in range(start, stop):
        value, gain = samples.values[i], samples.gains[i]
        # Stored in any case, kept where it counts: no branch to be mispredicted.
        work.rows[done] = samples.rows[i]
        work.values[done] = value
        work.gains[done] = gain
        size = abs(gain)
        done += (low <= value) & (value <= high) & (least <= size) & (size < most)
    return done


@kernel
def find_contenders(samples, bar, reach, work, space):
    """Samples that decide whether a step can beat the bar.

    Parameters
    ----------
    samples : Samples
    bar : int
        Best score without a step.
    reach : float
        No step moves a value by more, once the centre of its shift is taken off.
    work : Buffers
    space : SearchSpace

    Returns
    -------
    contenders : Contenders
        Views of `work`; none if no step can beat the bar.
    """
    low, high = _window(samples, bar, reach, space)
    n, n_positive = samples.rows.shape[0], samples.n_positive
    limit, zero = _light_limit(samples.gains), np.int64(0)
    lowest, highest = low - reach, high + reach
    heavy = (lowest, highest, limit, np.int64(1) << np.int64(_EXPONENTS - 2))
    light = (lowest, highest, zero, limit)
    a = b = c = d = zero
    on_gain, light_gain = zero, zero
    if low <= high:
        a = _pick(samples, zero, n_positive, heavy, zero, work)
        b = _pick(samples, n_positive, n, heavy, a, work)
        c = d = b
        if limit > 0:
            c = _pick(samples, zero, n_positive, light, b, work)
            d = _pick(samples, n_positive, n, light, c, work)
        for i in range(b, c):
            light_gain += work.gains[i]
        for i in range(n):
            if samples.values[i] > highest:
                on_gain += samples.gains[i]
    return Contenders(
        work.rows[:d], work.values[:d], work.gains[:d], a, b, c, light_gain, on_gain,
        low, high,
    )  # fmt: skip
