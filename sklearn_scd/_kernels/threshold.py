"""Exact search over every threshold of a node, without sorting what can't win.

A node turns sample i on where ``values[i] > t``; being on is worth ``gains[i]``.
The best threshold maximises ``sum of gains[i] over values[i] > t``. Samples with
positive gains come first, ``n_positive`` of them, then those with negative gains;
samples without a gain are not passed in.

Values are spread over bins. With ``suffix`` the sum of the gains above a bin, no
threshold inside the bin scores more than ``suffix + the bin's positive gains``; only
bins whose bound beats the best score so far are opened and sorted. Thresholds lie
between different values, at their midpoint; all-on and all-off are candidates.
Scores are whole numbers (fixed-point), so they are exact and ties are ties.

Source: the search over all thresholds of the paper's section 2.1, made exact in one
pass.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

MAX_BINS = 1024
_MIN_BINS = 8
_ROWS_PER_BIN = 8
_INSERTION_SORT = 32


class SearchSpace(NamedTuple):
    """Scratch arrays of a search, made once a network by :func:`search_space`."""

    bins: np.ndarray  # (n_rows,) uint32, bin of each value
    positive: np.ndarray  # (MAX_BINS,) int64, each bin's sum of positive gains
    negative: np.ndarray  # (MAX_BINS,) int64, each bin's sum of negative gains
    bin_values: np.ndarray  # (n_rows,) values of an opened bin
    bin_gains: np.ndarray  # (n_rows,) int64, gains of an opened bin


@njit(nogil=True, cache=True)
def search_space(template):
    """Make the scratch arrays for values like `template`, (n_rows,) floats."""
    n = template.shape[0]
    return SearchSpace(
        np.empty(n, dtype=np.uint32),
        np.empty(MAX_BINS, dtype=np.int64),
        np.empty(MAX_BINS, dtype=np.int64),
        np.empty_like(template),
        np.empty(n, dtype=np.int64),
    )


@njit(nogil=True, cache=True)
def fill_bins(values, gains, n_positive, low, high, work):
    """Spread values in [low, high] over bins, sum each bin's gains by sign.

    The bin is a monotone function of the value, so every value of a higher bin is
    larger than every value of a lower one, and equal values share a bin.

    Returns
    -------
    n_bins : int
    """
    n_bins = min(max(values.shape[0] // _ROWS_PER_BIN, _MIN_BINS), MAX_BINS)
    # Half a bin short of n_bins: rounding can't reach past the last bin.
    width = np.float64(high) - np.float64(low)
    scale = values.dtype.type((n_bins - 0.5) / width if width > 0.0 else 0.0)
    if not scale < np.inf:
        scale = values.dtype.type(0)
    bins, positive, negative = work.bins, work.positive, work.negative
    for i in range(values.shape[0]):
        bins[i] = np.uint32(np.int32((values[i] - low) * scale))
    positive[:n_bins] = 0
    negative[:n_bins] = 0
    for i in range(n_positive):
        positive[bins[i]] += gains[i]
    for i in range(n_positive, values.shape[0]):
        negative[bins[i]] += gains[i]
    return n_bins


@njit(nogil=True, cache=True)
def _open_bin(k, values, gains, bins, bin_values, bin_gains):
    """Gather bin k's samples, sorted by descending value; return their number."""
    n = 0
    for i in range(values.shape[0]):
        if bins[i] == k:
            bin_values[n] = values[i]
            bin_gains[n] = gains[i]
            n += 1
    if n <= _INSERTION_SORT:
        for i in range(1, n):
            value, gain = bin_values[i], bin_gains[i]
            j = i
            while j > 0 and bin_values[j - 1] < value:
                bin_values[j] = bin_values[j - 1]
                bin_gains[j] = bin_gains[j - 1]
                j -= 1
            bin_values[j] = value
            bin_gains[j] = gain
    else:
        order = np.argsort(bin_values[:n])[::-1]
        bin_values[:n] = bin_values[:n][order]
        bin_gains[:n] = bin_gains[:n][order]
    return n


@njit(nogil=True, cache=True)
def best_score(values, gains, n_positive, low, high, bar, work):
    """Best score over all thresholds, or `bar` if none is above it.

    Parameters
    ----------
    values : ndarray of shape (n,), float32 or float64
    gains : ndarray of shape (n,), dtype int64
        Positive for the first `n_positive`, negative for the others.
    n_positive : int
    low, high : float
        Bounds of `values`.
    bar : int
        Score to beat: bins that can't are not opened.
    work : SearchSpace

    Returns
    -------
    score : int
    """
    n_bins = fill_bins(values, gains, n_positive, low, high, work)
    bins, positive, negative = work.bins, work.positive, work.negative

    best = max(bar, np.int64(0))  # 0: all off
    bound = np.int64(0)
    suffix = np.int64(0)
    for k in range(n_bins - 1, -1, -1):
        bound = max(bound, suffix + positive[k])
        suffix += positive[k] + negative[k]
        best = max(best, suffix)
    if bound <= best:
        return best

    suffix = np.int64(0)
    for k in range(n_bins - 1, -1, -1):
        if suffix + positive[k] > best and negative[k] != 0:
            n = _open_bin(k, values, gains, bins, work.bin_values, work.bin_gains)
            score = suffix
            for i in range(n):
                score += work.bin_gains[i]
                last = i == n - 1 or work.bin_values[i] != work.bin_values[i + 1]
                if last and score > best:
                    best = score
        suffix += positive[k] + negative[k]
    return best


@njit(nogil=True, cache=True)
def _find_cut(values, gains, n_positive, low, high, score, work):
    """Smallest value that is on at the highest threshold reaching `score`."""
    if score == 0:
        return np.inf
    n_bins = fill_bins(values, gains, n_positive, low, high, work)
    bins, positive, negative = work.bins, work.positive, work.negative
    suffix = np.int64(0)
    for k in range(n_bins - 1, -1, -1):
        if suffix + positive[k] >= score:
            n = _open_bin(k, values, gains, bins, work.bin_values, work.bin_gains)
            running = suffix
            for i in range(n):
                running += work.bin_gains[i]
                last = i == n - 1 or work.bin_values[i] != work.bin_values[i + 1]
                if last and running == score:
                    return np.float64(work.bin_values[i])
        suffix += positive[k] + negative[k]
    return np.inf


@njit(nogil=True, cache=True)
def place_threshold(values, gains, n_positive, low, high, score, work):
    """Threshold that attains `score`: the highest one, midway between two values.

    Beyond the outermost value it lies half a mean gap away.

    Parameters
    ----------
    values, gains, n_positive, low, high, work
        As in :func:`best_score`.
    score : int
        What :func:`best_score` returned for them with no bar.

    Returns
    -------
    threshold : float, of the dtype of `values`
    """
    cut = _find_cut(values, gains, n_positive, low, high, score, work)
    below, above = -np.inf, np.inf
    smallest, largest = np.inf, -np.inf
    for i in range(values.shape[0]):
        v = np.float64(values[i])
        smallest = min(smallest, v)
        largest = max(largest, v)
        if v < cut:
            below = max(below, v)
        else:
            above = min(above, v)
    pad = (largest - smallest) / (2 * values.shape[0])
    if pad == 0.0:
        pad = 0.5 * max(1.0, abs(largest))
    dtype = values.dtype.type
    if above == np.inf:
        return dtype(largest + pad)
    if below == -np.inf:
        threshold = dtype(smallest - pad)
        if not threshold < smallest:
            threshold = np.nextafter(dtype(smallest), dtype(-np.inf))
        return threshold
    threshold = dtype(0.5 * below + 0.5 * above)
    if not threshold < above:  # neighbouring floats: the midpoint rounded up
        threshold = dtype(below)
    return threshold
