"""Exact search over every threshold of a node, without sorting what can't win.

A node turns sample i on where ``values[i] > t``; being on is worth ``gains[i]``.
The best threshold maximizes ``sum of gains[i] over values[i] > t``. It lies between
two different values, at their midpoint; all-on and all-off are candidates. Scores are
whole numbers (fixed-point), so they are exact and ties are ties.

Four bounds spare the work, none of them the exactness:

bins
    Values are spread over bins. With ``suffix`` the sum of the gains above a bin, no
    threshold inside it scores more than ``suffix + the bin's positive gains``; only
    bins whose bound beats the best score so far are opened, all in one go, and sorted.
window
    A step moves values by at most some reach, so a threshold far from the present
    best ones can't become the best: samples above the window of thresholds that can
    are on, those below are off, and only the others are looked at again.
reach
    Steps are tried in the order of their reach, and where it has become clearly
    smaller, so have the window and what is in it.
light samples
    Samples with small gains (a hundredth, and some more hundredths, of the total) are
    left out of a first and of a second pass. Those within reach of a bin count there
    with their positive gains, the others as they are; a step whose bins don't beat the
    bar even so is done.

Source: the search over all thresholds of the paper's section 2.1.
"""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel

MAX_BINS = 1024
_MIN_BINS = 8
_ROWS_PER_BIN = 4
_CHEAP_BINS = 128  # so many cost less than what they save, of one value each
_GAPS = np.array([701, 301, 132, 57, 23, 10, 4, 1])  # of Shell sort (Ciura 2001)


_SIGN, _BUT_SIGN = np.int64(63), np.int64(2**63 - 1)  # of a float's bits
HIGHEST = np.float64(np.inf).view(np.int64)  # of orders
LOWEST = np.int64(~HIGHEST)


class Samples(NamedTuple):
    """Samples that a node's activity helps or hurts."""

    rows: np.ndarray  # (>= n,) uint32, rows of the training set
    values: np.ndarray  # (>= n,) float64, the node's input without its bias
    gains: np.ndarray  # (>= n,) int64, what firing is worth; not 0
    n_positive: int  # the samples with positive gains come first
    n: int


class SearchSpace(NamedTuple):
    """Scratch arrays of a search, made once a network by :func:`search_space`."""

    bins: np.ndarray  # (n_rows + 1,) uint16, bin of each value
    positive: np.ndarray  # (MAX_BINS + 2,) int64, each bin's sum of positive gains
    negative: np.ndarray  # (MAX_BINS + 2,) int64, each bin's sum of negative gains
    above: np.ndarray  # (MAX_BINS + 2,) int64, sum of the gains above an opened bin
    opens: np.ndarray  # (MAX_BINS + 2,) uint8, whether a bin is opened
    opened: np.ndarray  # (n_rows + 1,) uint32, samples of the opened bins


class Bins(NamedTuple):
    """Where the bins are that a search's space holds sums of."""

    low: float  # smallest and
    high: float  # largest value
    number: int
    scale: float  # bins per unit


def search_space(n_rows):
    """Make the scratch arrays for at most `n_rows` samples."""
    return SearchSpace(
        np.empty(n_rows + 1, dtype=np.uint16),
        np.empty(MAX_BINS + 2, dtype=np.int64),
        np.empty(MAX_BINS + 2, dtype=np.int64),
        np.empty(MAX_BINS + 2, dtype=np.int64),
        np.empty(MAX_BINS + 2, dtype=np.uint8),
        np.empty(n_rows + 1, dtype=np.uint32),
    )


@kernel
def order_of(value):
    """Whole number that grows with the value; -0.0 comes before 0.0.

    The least of whole numbers is found many at a time, that of floats is not, as
    compilers mind what is no number.
    """
    bits = np.float64(value).view(np.int64)
    return bits ^ ((bits >> _SIGN) & _BUT_SIGN)


@kernel
def value_at(order):
    """Value of an order, see :func:`order_of`."""
    return np.int64(order ^ ((order >> _SIGN) & _BUT_SIGN)).view(np.float64)


@kernel
def extent(values, n):
    """Smallest and largest of the first n values."""
    low = high = order_of(values[0])
    for i in range(n):
        order = order_of(values[i])
        low, high = min(low, order), max(high, order)
    return value_at(low), value_at(high)


@kernel
def bin_scale(low, high, n_values):
    """Number of bins for values in [low, high], and bins per unit."""
    n_bins = max(n_values // _ROWS_PER_BIN, min(n_values, _CHEAP_BINS))
    n_bins = min(max(n_bins, _MIN_BINS), MAX_BINS)
    # Half a bin short of n_bins: rounding can't reach past the last bin.
    width = high - low
    scale = (n_bins - 0.5) / width if width > 0.0 else 0.0
    return n_bins, scale if scale < np.inf else 0.0


@kernel
def clear_bins(n_bins, positive, negative):
    """Empty bins 0 to n_bins + 1."""
    for k in range(n_bins + 2):
        positive[k] = 0
        negative[k] = 0


@kernel
def place_in_bins(values, first, last, low, scale, n_bins, bins):
    """Write the bins of the values from `first` to `last`.

    Values from `low` on fall into bins 1 to n_bins, those below into bin 0, those
    beyond the last bin into bin n_bins + 1. The bin is a monotone function of the
    value: every value of a higher bin is larger than every value of a lower one, and
    equal values share a bin.
    """
    # Unsigned: a loop over places that may be negative, for all that the compiler
    # knows, does not become vector instructions.
    top = n_bins + 1.5
    for i in range(np.uint64(first), np.uint64(last)):
        place = (values[i] - low) * scale + 1.0
        bins[i] = np.uint16(np.int32(min(max(place, 0.0), top)))


@kernel
def fill_bins(gains, first, middle, last, bins, positive, negative):
    """Add samples to their bins, those from `first` to `middle` with positive gains."""
    for i in range(np.uint64(first), np.uint64(middle)):
        positive[bins[i]] += gains[i]
    for i in range(np.uint64(middle), np.uint64(last)):
        negative[bins[i]] += gains[i]


@kernel
def bin_samples(values, gains, n_positive, n, space):
    """Spread n samples over bins of their own; the first `n_positive` gain."""
    bins, positive, negative = space.bins, space.positive, space.negative
    low, high = extent(values, n)
    n_bins, scale = bin_scale(low, high, n)
    clear_bins(n_bins, positive, negative)
    place_in_bins(values, 0, n, low, scale, n_bins, bins)
    fill_bins(gains, 0, n_positive, n, bins, positive, negative)
    return Bins(low, high, n_bins, scale)


@kernel
def _sort_opened(values, n, opened):
    """Sort the first n opened samples by descending value."""
    for gap in _GAPS:
        for i in range(gap, n):
            sample = opened[i]
            value = values[sample]
            j = i
            while j >= gap and values[opened[j - gap]] < value:
                opened[j] = opened[j - gap]
                j -= gap
            opened[j] = sample


@kernel
def _open_bins(values, n, bins, opens, opened):
    """List the samples of the bins to be opened by descending value.

    Returns
    -------
    n_opened : int
    """
    n_opened = np.uint64(0)
    for i in range(np.uint64(n)):
        opened[n_opened] = i
        n_opened += opens[bins[i]]
    _sort_opened(values, np.int64(n_opened), opened)
    return np.int64(n_opened)


@kernel
def search_bins(
    values, gains, n, n_bins, suffix, best, bins, positive, negative, above, opens,
    opened,
):  # fmt: skip
    """Best score of all thresholds, `best` at least.

    Parameters
    ----------
    values, gains : ndarray of shape (>= n,)
    n : int
    n_bins : int
    suffix : int
        What is on above all the samples.
    best : int
    bins, positive, negative, above, opens, opened
        As a :class:`SearchSpace` has them.

    Returns
    -------
    score : int
    """
    suffix += positive[n_bins + 1] + negative[n_bins + 1]
    best = max(best, suffix)
    bound, top = suffix, suffix
    for k in range(n_bins, 0, -1):
        bound = max(bound, suffix + positive[k])
        suffix += positive[k] + negative[k]
        best = max(best, suffix)
    if bound <= best:
        return best
    suffix = top
    opens[0] = opens[n_bins + 1] = 0
    for k in range(n_bins, 0, -1):
        above[k] = suffix
        opens[k] = (suffix + positive[k] > best) & (negative[k] != 0)
        suffix += positive[k] + negative[k]
    n_opened = _open_bins(values, n, bins, opens, opened)
    score, present = np.int64(0), 0
    for i in range(n_opened):
        sample = opened[i]
        if bins[sample] != present:
            present = np.int64(bins[sample])
            score = above[present]
        score += gains[sample]
        last = i == n_opened - 1 or values[sample] != values[opened[i + 1]]
        if last and score > best:
            best = score
    return best


@kernel
def _find_cut(values, gains, n, n_bins, score, space):
    """Smallest value that is on at the highest threshold reaching `score`.

    Of samples in their bins. Infinite where all off is as good.
    """
    positive, negative, opened = space.positive, space.negative, space.opened
    bins, opens = space.bins, space.opens
    suffix = np.int64(0)
    for k in range(n_bins + 2):
        opens[k] = 0
    for k in range(n_bins if score != 0 else 0, 0, -1):
        if suffix + positive[k] >= score:
            opens[k] = 1
            n_opened = _open_bins(values, n, bins, opens, opened)
            opens[k] = 0
            running = suffix
            for i in range(n_opened):
                running += gains[opened[i]]
                last = i == n_opened - 1 or values[opened[i]] != values[opened[i + 1]]
                if last and running == score:
                    return values[opened[i]]
        suffix += positive[k] + negative[k]
    return np.inf


@kernel
def midpoint(below, above):
    """Midpoint of two floats; the lower one if no float lies between them."""
    middle = 0.5 * below + 0.5 * above
    return middle if middle < above else below


@kernel
def _next_below(values, n, cut):
    """Largest of the first n values below `cut`; -inf if none is."""
    below = LOWEST
    for i in range(n):
        value = values[i]
        below = max(below, order_of(value) if value < cut else LOWEST)
    return value_at(below)


@kernel
def _threshold_at(values, n, cut, low, high):
    """Threshold midway between a value and the next one below it.

    Beyond the outermost value it lies half a mean gap away. `low` and `high` are the
    smallest and the largest value.
    """
    pad = (high - low) / (2 * n)
    if cut == np.inf:
        return high + pad
    if cut == low:
        threshold = low - pad
        return threshold if threshold < low else np.nextafter(low, -np.inf)
    return midpoint(_next_below(values, n, cut), cut)


@kernel
def best_threshold(values, gains, n_positive, n, space):
    """Best score over all thresholds, and the threshold that attains it.

    Parameters
    ----------
    values : ndarray of shape (>= n,), float64
    gains : ndarray of shape (>= n,), dtype int64
        Positive for the first `n_positive`, negative for the others.
    n_positive, n : int
    space : SearchSpace

    Returns
    -------
    score : int
    threshold : float
        The highest one, midway between two values.
    bins : Bins
        Filled with the samples.
    """
    grid = bin_samples(values, gains, n_positive, n, space)
    nothing = np.int64(0)  # the score of all off
    score = search_bins(
        values, gains, n, grid.number, nothing, nothing, space.bins, space.positive,
        space.negative, space.above, space.opens, space.opened,
    )  # fmt: skip
    cut = _find_cut(values, gains, n, grid.number, score, space)
    return score, _threshold_at(values, n, cut, grid.low, grid.high), grid
