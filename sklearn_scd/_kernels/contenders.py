"""The samples that decide whether a step beats the bar; see :mod:`.threshold`."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

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


@njit(nogil=True, cache=True)
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
    if scale == 0 or not reach * scale < n_bins:
        return np.float64(low) - reach, np.float64(high) + reach
    clear_bins(n_bins, space)
    fill_bins(
        samples.values, samples.gains, 0, samples.n_positive, n, low, scale, n_bins,
        space,
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


@njit(nogil=True, cache=True)
def _light_limit(gains):
    """Gains below this limit are light: together at most `_LIGHT_SHARE`."""
    masses = np.zeros(_EXPONENTS)
    for i in range(gains.shape[0]):
        size = np.float64(abs(gains[i]))
        masses[math.frexp(size)[1]] += size
    left = _LIGHT_SHARE * masses.sum()
    exponent = 0
    while exponent < _EXPONENTS - 1 and masses[exponent] <= left:
        left -= masses[exponent]
        exponent += 1
    return np.int64(1) << np.int64(max(exponent - 1, 0))


@njit(nogil=True, cache=True)
def _pick(samples, start, stop, limits, light, done, work):
    """Append to `work` the heavy or light ones of some samples inside the limits."""
    low, high, limit = limits
    for i in range(start, stop):
        if (abs(samples.gains[i]) < limit) == light and (
            low <= samples.values[i] <= high
        ):
            work.rows[done] = samples.rows[i]
            work.values[done] = samples.values[i]
            work.gains[done] = samples.gains[i]
            done += 1
    return done


@njit(nogil=True, cache=True)
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
    limits = (low - reach, high + reach, _light_limit(samples.gains))
    a = b = c = d = 0
    on_gain, light_gain = np.int64(0), np.int64(0)
    if low <= high:
        a = _pick(samples, 0, n_positive, limits, False, 0, work)
        b = _pick(samples, n_positive, n, limits, False, a, work)
        c = _pick(samples, 0, n_positive, limits, True, b, work)
        d = _pick(samples, n_positive, n, limits, True, c, work)
        light_gain += work.gains[b:c].sum()
        for i in range(n):
            if samples.values[i] > limits[1]:
                on_gain += samples.gains[i]
    return Contenders(
        work.rows[:d], work.values[:d], work.gains[:d], a, b, c, light_gain, on_gain,
        low, high,
    )  # fmt: skip
