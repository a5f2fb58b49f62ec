"""Try a step on each of several weights of a node, each with its own exact threshold.

Both nodes of the network search this way: a hidden node over features of the data,
the output node under 0/1 loss over hidden units.
"""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.contenders import find_contenders
from sklearn_scd._kernels.threshold import (
    SearchSpace,
    bin_scale,
    clear_bins,
    extent,
    fill_bins,
    open_bins,
    scan_bins,
    search_space,
)

# Squared norm that a step must leave of a unit row. Below it the row is cancelled, and
# what is left is rounding.
CANCELLED = 0.01


class Buffers(NamedTuple):
    """Room for samples, each array of shape (n_rows + 1,).

    The spare entry lets loops store first and count afterwards.
    """

    rows: np.ndarray  # uint32
    values: np.ndarray  # float
    gains: np.ndarray  # int64


class Scratch(NamedTuple):
    """Scratch arrays of a network in training, for one node after the other."""

    samples: Buffers  # of the node
    contenders: Buffers  # of them those that decide on a step
    x: np.ndarray  # (n_rows,) a feature's values on the contenders
    shifted: np.ndarray  # (n_rows,) values after a step
    space: SearchSpace


@kernel
def _buffers(template):
    n = template.shape[0] + 1
    return Buffers(
        np.empty(n, dtype=np.uint32),
        np.empty(n, dtype=template.dtype),
        np.empty(n, dtype=np.int64),
    )


@kernel
def make_scratch(projections, columns):
    """Make the scratch arrays for training on `columns`."""
    template = projections[0]
    return Scratch(
        _buffers(template),
        _buffers(template),
        np.empty_like(columns[0]),
        np.empty_like(template),
        search_space(template.shape[0]),
    )


@kernel
def shift_values(column, samples, step, out):
    """Write the samples' values after a step on `column`'s weight; return them."""
    dtype = samples.values.dtype.type
    step = dtype(step)
    shifted = out[: samples.rows.shape[0]]
    for i in range(shifted.shape[0]):
        shifted[i] = samples.values[i] + step * dtype(column[samples.rows[i]])
    return shifted


@kernel
def _shift_part(contenders, x, step, start, stop, out):
    dtype = out.dtype.type
    for i in range(start, stop):
        out[i] = contenders.values[i] + step * dtype(x[i])


@kernel
def _gather_part(column, contenders, start, stop, out):
    for i in range(start, stop):
        out[i] = column[contenders.rows[i]]


@kernel
def _reach(lowest, highest, features, size, values):
    """How far steps of some size move a value, once their centre is taken off.

    With room for rounding, which matters where values are large beside their spread.
    """
    dtype = values.dtype.type
    reach, shift = 0.0, 0.0
    for f in features:
        low, high = np.float64(lowest[f]), np.float64(highest[f])
        reach = max(reach, 0.5 * size * (high - low))
        shift = max(shift, size * max(abs(low), abs(high)))
    low, high = extent(values)
    magnitude = max(abs(np.float64(low)), abs(np.float64(high))) + shift
    unit = np.float64(np.nextafter(dtype(1.0), dtype(2.0))) - 1.0
    return reach + 8.0 * unit * magnitude


@kernel
def best_step(
    columns, lowest, highest, weights, features, step, binary, samples, bar, scratch
):
    """Find the step that beats `bar` by most; the first of equals.

    Parameters
    ----------
    columns : ndarray of shape (n_features, n_rows)
    lowest, highest : ndarray of shape (n_features,)
        Extent of each column, in the dtype of the samples' values.
    weights : ndarray of shape (n_features,)
        Present weights.
    features : ndarray of int
        Candidates, tried in this order, the step up before the step down.
    step : float
        Steps that would cancel the row are not tried. With binary weights the sign is
        flipped instead.
    binary : bool
    samples : Samples
    bar : int
        Score without a step.
    scratch : Scratch
        Its `samples` are left alone.

    Returns
    -------
    score : int
        `bar` if no step beats it.
    feature : int
        -1 if no step beats the bar.
    step : float
    """
    if features.shape[0] == 0:
        return bar, -1, 0.0
    dtype = samples.values.dtype.type
    reach = _reach(lowest, highest, features, 2.0 if binary else step, samples.values)
    best_feature, best_signed = -1, 0.0
    space = scratch.space
    contenders = find_contenders(samples, bar, reach, scratch.contenders, space)
    n, n_heavy = contenders.rows.shape[0], contenders.heavy
    if n == 0:
        return bar, best_feature, best_signed
    x, shifted = scratch.x[:n], scratch.shifted[:n]
    first = np.int64(0)
    for f in features:
        if lowest[f] == highest[f]:
            continue  # a constant feature moves every value alike
        centre = 0.5 * np.float64(lowest[f]) + 0.5 * np.float64(highest[f])
        _gather_part(columns[f], contenders, first, n_heavy, x)
        all_gathered = False
        for side in range(1 if binary else 2):
            if binary:
                signed = dtype(-2.0 * weights[f])
            else:
                signed = dtype(step) if side == 0 else dtype(-step)
                s = np.float64(signed)
                if 1.0 + s * (2.0 * np.float64(weights[f]) + s) < CANCELLED:
                    continue
            low = dtype(contenders.low + signed * centre)
            high = dtype(contenders.high + signed * centre)
            n_bins, scale = bin_scale(low, high, n_heavy)
            clear_bins(n_bins, space)
            _shift_part(contenders, x, signed, first, n_heavy, shifted)
            fill_bins(
                shifted, contenders.gains, first, contenders.heavy_positive, n_heavy,
                low, scale, n_bins, space,
            )  # fmt: skip
            if n_heavy < n:
                _, bound = scan_bins(n_bins, contenders.on_gain, bar, space)
                if bound + contenders.light_gain <= bar:
                    continue
                if not all_gathered:
                    _gather_part(columns[f], contenders, n_heavy, n, x)
                    all_gathered = True
                _shift_part(contenders, x, signed, n_heavy, n, shifted)
                fill_bins(
                    shifted, contenders.gains, n_heavy, contenders.light_positive, n,
                    low, scale, n_bins, space,
                )  # fmt: skip
            score, bound = scan_bins(n_bins, contenders.on_gain, bar, space)
            if bound > score:
                score = open_bins(
                    shifted, contenders.gains, n_bins, contenders.on_gain, score, space
                )
            if score > bar:
                bar, best_feature, best_signed = score, f, np.float64(signed)
    return bar, best_feature, best_signed
