"""Exact search over every threshold of a node, without sorting what can't win.

A node turns sample i on where ``values[i] > t``; being on is worth ``gains[i]``.
The best threshold maximises ``sum of gains[i] over values[i] > t``. It lies between
two different values, at their midpoint; all-on and all-off are candidates. Scores are
whole numbers (fixed-point), so they are exact and ties are ties.

Three bounds spare the work, none of them the exactness:

bins
    Values are spread over bins. With ``suffix`` the sum of the gains above a bin, no
    threshold inside it scores more than ``suffix + the bin's positive gains``; only
    bins whose bound beats the best score so far are opened and sorted.
window
    A step moves values by at most some reach, so a threshold far from the present
    best ones can't become the best: samples above the window of thresholds that can
    are on, those below are off, and only the others are looked at again.
light samples
    Samples with small gains (1% of the total) are left out of a first pass; if the
    bound does not beat the bar even with all their positive gains, the step is done.

Source: the search over all thresholds of the paper's section 2.1.
"""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel

MAX_BINS = 1024
_MIN_BINS = 8
_ROWS_PER_BIN = 4
_GAPS = np.array([701, 301, 132, 57, 23, 10, 4, 1])  # of Shell sort (Ciura 2001)


class Samples(NamedTuple):
    """Samples that a node's firing helps or hurts."""

    rows: np.ndarray  # (n,) uint32, rows of the training set
    values: np.ndarray  # (n,) float, the node's input without its bias
    gains: np.ndarray  # (n,) int64, what firing is worth; not 0
    n_positive: int  # the samples with positive gains come first


class SearchSpace(NamedTuple):
    """Scratch arrays of a search, made once a network by :func:`search_space`."""

    bins: np.ndarray  # (n_rows,) uint16, bin of each value
    positive: np.ndarray  # (MAX_BINS + 2,) int64, each bin's sum of positive gains
    negative: np.ndarray  # (MAX_BINS + 2,) int64, each bin's sum of negative gains
    opened: np.ndarray  # (n_rows + 1,) uint32, samples of an opened bin


@kernel
def search_space(n_rows):
    """Make the scratch arrays for at most `n_rows` samples."""
    return SearchSpace(
        np.empty(n_rows, dtype=np.uint16),
        np.empty(MAX_BINS + 2, dtype=np.int64),
        np.empty(MAX_BINS + 2, dtype=np.int64),
        np.empty(n_rows + 1, dtype=np.uint32),
    )


@kernel
def extent(values):
    """Smallest and largest value."""
    # Two at a time: a comparison need not wait for the last one.
    low = high = low_too = high_too = values[0]
    last = values.shape[0] - 1
    for i in range(0, last, 2):
        low = min(low, values[i])
        high = max(high, values[i])
        low_too = min(low_too, values[i + 1])
        high_too = max(high_too, values[i + 1])
    return min(low, low_too, values[last]), max(high, high_too, values[last])


@kernel
def neighbours(values, shift, threshold):
    """Largest of ``values - shift`` up to a threshold, or -inf; next one, or inf."""
    dtype = values.dtype.type
    lowest, highest = dtype(-np.inf), dtype(np.inf)
    below, above = lowest, highest
    for i in range(values.shape[0]):
        value = values[i] - shift
        off = value <= threshold
        below = max(below, value if off else lowest)
        above = min(above, highest if off else value)
    return below, above


@kernel
def bin_scale(low, high, n_values):
    """Number of bins for values in [low, high], and bins per unit."""
    n_bins = min(max(n_values // _ROWS_PER_BIN, _MIN_BINS), MAX_BINS)
    # Half a bin short of n_bins: rounding can't reach past the last bin.
    width = np.float64(high) - np.float64(low)
    return n_bins, (n_bins - 0.5) / width if width > 0.0 else 0.0


@kernel
def clear_bins(n_bins, space):
    """Empty bins 0 to n_bins + 1."""
    space.positive[: n_bins + 2] = 0
    space.negative[: n_bins + 2] = 0


@kernel
def fill_bins(values, gains, first, middle, last, low, scale, n_bins, space):
    """Add samples to the bins, those from `first` to `middle` with positive gains.

    Values from `low` on fall into bins 1 to n_bins, those below into bin 0, those
    beyond the last bin into bin n_bins + 1. The bin is a monotone function of the
    value: every value of a higher bin is larger than every value of a lower one, and
    equal values share a bin.
    """
    bins, positive, negative = space.bins, space.positive, space.negative
    dtype = values.dtype.type
    low, scale = dtype(low), dtype(scale)
    if not scale < np.inf:
        scale = dtype(0)
    zero, one, top = dtype(0), dtype(1), dtype(n_bins + 1.5)
    for i in range(first, last):
        place = (values[i] - low) * scale + one
        bins[i] = np.uint16(np.int32(min(max(place, zero), top)))
    for i in range(first, middle):
        positive[bins[i]] += gains[i]
    for i in range(middle, last):
        negative[bins[i]] += gains[i]


@kernel
def scan_bins(n_bins, suffix, best, space):
    """Scan bins from the top.

    Returns
    -------
    best : int
        Best score of the thresholds between bins, `best` at least.
    bound : int
        No threshold inside a bin scores more.
    """
    positive, negative = space.positive, space.negative
    suffix += positive[n_bins + 1] + negative[n_bins + 1]
    best = max(best, suffix)
    bound = suffix
    for k in range(n_bins, 0, -1):
        bound = max(bound, suffix + positive[k])
        suffix += positive[k] + negative[k]
        best = max(best, suffix)
    return best, bound


@kernel
def _open_bin(k, values, space):
    """List bin k's samples by descending value; return their number."""
    bins, opened = space.bins, space.opened
    n = 0
    for i in range(values.shape[0]):
        opened[n] = i
        n += bins[i] == k
    for gap in _GAPS:
        for i in range(gap, n):
            sample = opened[i]
            value = values[sample]
            j = i
            while j >= gap and values[opened[j - gap]] < value:
                opened[j] = opened[j - gap]
                j -= gap
            opened[j] = sample
    return n


@kernel
def open_bins(values, gains, n_bins, suffix, best, space):
    """Best score of all thresholds, `best` at least; opens what may hold a better."""
    positive, negative, opened = space.positive, space.negative, space.opened
    suffix += positive[n_bins + 1] + negative[n_bins + 1]
    for k in range(n_bins, 0, -1):
        if suffix + positive[k] > best and negative[k] != 0:
            n = _open_bin(k, values, space)
            score = suffix
            for i in range(n):
                score += gains[opened[i]]
                last = i == n - 1 or values[opened[i]] != values[opened[i + 1]]
                if last and score > best:
                    best = score
        suffix += positive[k] + negative[k]
    return best


@kernel
def best_score(values, gains, n_positive, space):
    """Best score over all thresholds.

    Parameters
    ----------
    values : ndarray of shape (n,), float32 or float64
    gains : ndarray of shape (n,), dtype int64
        Positive for the first `n_positive`, negative for the others.
    n_positive : int
    space : SearchSpace

    Returns
    -------
    score : int
    """
    nothing = np.int64(0)  # the score of all off
    return beat_score(nothing, values, gains, n_positive, space)


@kernel
def beat_score(bar, values, gains, n_positive, space):
    """Best score over all thresholds, `bar` at least; see :func:`best_score`."""
    n = values.shape[0]
    low, high = extent(values)
    n_bins, scale = bin_scale(low, high, n)
    clear_bins(n_bins, space)
    first = np.int64(0)
    fill_bins(values, gains, first, n_positive, n, low, scale, n_bins, space)
    best, bound = scan_bins(n_bins, first, bar, space)
    if bound > best:
        best = open_bins(values, gains, n_bins, first, best, space)
    return best


@kernel
def _find_cut(values, gains, n_positive, score, space):
    """Smallest value that is on at the highest threshold reaching `score`."""
    if score == 0:
        return np.inf
    opened = space.opened
    n = values.shape[0]
    low, high = extent(values)
    n_bins, scale = bin_scale(low, high, n)
    clear_bins(n_bins, space)
    first = np.int64(0)
    fill_bins(values, gains, first, n_positive, n, low, scale, n_bins, space)
    suffix = np.int64(0)
    for k in range(n_bins, 0, -1):
        if suffix + space.positive[k] >= score:
            n = _open_bin(k, values, space)
            running = suffix
            for i in range(n):
                running += gains[opened[i]]
                last = i == n - 1 or values[opened[i]] != values[opened[i + 1]]
                if last and running == score:
                    return np.float64(values[opened[i]])
        suffix += space.positive[k] + space.negative[k]
    return np.inf


@kernel
def midpoint(below, above):
    """Midpoint of two floats; the lower one if no float lies between them."""
    dtype = np.asarray(below).dtype.type
    middle = dtype(0.5 * np.float64(below) + 0.5 * np.float64(above))
    return middle if middle < above else below


@kernel
def place_threshold(values, gains, n_positive, score, space):
    """Threshold that attains `score`: the highest one, midway between two values.

    Beyond the outermost value it lies half a mean gap away.

    Parameters
    ----------
    values, gains, n_positive, space
        As in :func:`best_score`.
    score : int
        What :func:`best_score` returned for them.

    Returns
    -------
    threshold : float, of the dtype of `values`
    """
    cut = _find_cut(values, gains, n_positive, score, space)
    dtype = values.dtype.type
    low, high = extent(values)
    smallest, largest = np.float64(low), np.float64(high)
    # What is up to the float before the cut is below it.
    under = np.nextafter(dtype(cut), dtype(-np.inf))
    off, on = neighbours(values, dtype(0), under)
    below, above = np.float64(off), np.float64(on)
    pad = (largest - smallest) / (2 * values.shape[0])
    if above == np.inf:
        return dtype(largest + pad)
    if below == -np.inf:
        threshold = dtype(smallest - pad)
        if not threshold < smallest:
            threshold = np.nextafter(dtype(smallest), dtype(-np.inf))
        return threshold
    return midpoint(off, on)
