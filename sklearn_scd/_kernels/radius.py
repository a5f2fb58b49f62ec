"""Training by the certified radius: stochastic subgradient descent on unit rows.

All output weights are alike, and a network names the positive class where more than
`rank` of its units are active. With rows of unit norm that is where the order statistic

    F(x) = the distance w_j . x + b_j that `rank` units exceed

is positive, and F is 1-Lipschitz: no perturbation below ``|F(x)|`` changes what the
network says. The loss is the logistic loss of ``F / margin``. Its subgradient at a
sample is that of one unit, whose distance F is: the deciding unit.

That unit alone learns in the end. Before, a step is shared with units whose distances
are near F, the nearer the more: within a width of `NEAR` margins, which shrinks to zero
as training goes on. Else most of many units would learn next to nothing.

Samples are centred and scaled to a norm of `SPREAD` in the mean square, so that a row
and its bias learn at the same pace.

Rows may be measured by another norm, see :mod:`.input_norm`: then that is 1, and F is
1-Lipschitz in the dual one.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.input_norm import (
    GROUP,
    Measured,
    measure_rows,
    move_measured,
)
from sklearn_scd._kernels.losses import sample_loss, sigmoid
from sklearn_scd._kernels.random import random_below, shuffle_front
from sklearn_scd._kernels.rows import Columns, copy_values, gather_column, read_column

SPREAD = 4.0
WARM_UP = 0.25  # of all samples drawn: the rate rises, then it falls to zero
NEAR = 2.0  # margins about F within which units share a step, at first
FEW_UNITS = 10  # that a rate is for: of more each has fewer samples, and learns faster
_BLOCK = 64  # samples read at a time
_DRAWS = 2**31


class RadiusSettings(NamedTuple):
    """Parameters of the training of one network."""

    rank: int  # units that may be active beside a negative answer
    margin: float  # scale of radii in the loss, in the units of the data
    step: float
    max_iter: int  # passes over the samples
    tol: float
    n_iter_no_change: int  # more than max_iter: never stop early
    alike: bool  # whether both sides are to have the same weight


class Rows(NamedTuple):
    """Samples as they are learned from or judged by."""

    columns: Columns
    weight: np.ndarray  # (n_rows,) int64, fixed-point
    start: int  # rows in [start, stop) are of the positive class
    stop: int


class Scaling(NamedTuple):
    """How samples are brought to the middle and to a common spread."""

    centre: np.ndarray  # (n_features,) weighted mean
    towards: np.ndarray  # (n_features,) mean of the positive rows less the others'
    scale: float  # that centred samples are multiplied with


class Planes(NamedTuple):
    """Hyperplanes of a network, of centred and scaled samples."""

    weights: np.ndarray  # (n_features, n_units) float64, columns of norm 1
    biases: np.ndarray  # (n_units,)


@kernel
def write_means(rows, x, centre, towards):
    """Write the mean and the way from the other class to the positive one.

    Parameters
    ----------
    rows : Rows
    x : ndarray of shape (n_rows,), float64
        Overwritten.
    centre, towards : ndarray of shape (n_features,), float64
        Written.

    Returns
    -------
    spread : float
        Root of the weighted mean of squared distances to the mean.
    """
    weight, start, stop = rows.weight, rows.start, rows.stop
    total, positive = 0.0, 0.0
    for i in range(weight.shape[0]):
        total += weight[i]
        positive += weight[i] if start <= i < stop else 0
    squares = 0.0
    for f in range(centre.shape[0]):
        read_column(rows.columns, f, np.int64(0), x)
        sum_all, sum_positive = 0.0, 0.0
        for i in range(weight.shape[0]):
            sum_all += weight[i] * x[i]
            sum_positive += weight[i] * x[i] if start <= i < stop else 0.0
        mean = sum_all / total
        centre[f], towards[f] = mean, 0.0
        if 0.0 < positive < total:
            other = (sum_all - sum_positive) / (total - positive)
            towards[f] = sum_positive / positive - other
        for i in range(weight.shape[0]):
            squares += weight[i] * (x[i] - mean) ** 2
    return math.sqrt(squares / total)


@kernel
def draw_pass(weight, state, out):
    """Draw as many rows as there are, in random order, by their weights.

    Systematic sampling: a row of weight w is drawn ``n w / total`` times, rounded up or
    down. Rows of equal weight are drawn once each.

    Parameters
    ----------
    weight : ndarray of shape (n_rows,), dtype int64
    state : ndarray of shape (1,), dtype uint64
        Advanced.
    out : ndarray of shape (n_rows + 1,), dtype uint32
        Filled.

    Returns
    -------
    n : int
        Rows drawn.
    """
    n_rows, total, below, n = weight.shape[0], np.int64(0), np.int64(0), 0
    for i in range(n_rows):
        total += weight[i]
    ratio = n_rows / np.float64(total)
    first = random_below(_DRAWS, state) / _DRAWS
    place = np.int64(0)
    for i in range(n_rows):
        below += weight[i]
        last = min(np.int64(below * ratio + first), n_rows)
        for _ in range(place, last):
            out[n] = i
            n += 1
        place = last
    shuffle_front(out[:n], n, state)
    return n


@kernel
def read_block(columns, rows, scaling, x):
    """Write centred and scaled samples, one feature after the other."""
    centre, scale = scaling.centre, scaling.scale
    n = rows.shape[0]
    for f in range(centre.shape[0]):
        out = x[f]
        gather_column(
            columns.whole, columns.single, columns.double, columns.values, f, rows,
            np.int64(0), n, out,
        )  # fmt: skip
        for i in range(n):
            out[i] = (out[i] - centre[f]) * scale


@kernel
def _write_distances(x, i, planes, out):
    """Signed distances of a sample of the block to each hyperplane."""
    copy_values(planes.biases, out)
    for f in range(x.shape[0]):
        value, weights = x[f, i], planes.weights[f]
        for j in range(out.shape[0]):
            out[j] += weights[j] * value


@kernel
def deciding_unit(distances, rank):
    """The unit whose distance `rank` others exceed; of equals the first is larger."""
    n = distances.shape[0]
    for j in range(n):
        distance, before = distances[j], 0
        for i in range(n):
            other = distances[i]
            before += (other > distance) | ((other == distance) & (i < j))
        if before == rank:
            return j
    return 0


@kernel
def write_shares(distances, j, width, shares):
    """Write the share that each unit has of a sample's step.

    Parameters
    ----------
    distances : ndarray of shape (n_units,), float64
    j : int
        The deciding unit.
    width : float
        Distance from that of the deciding unit at which the share is zero.
    shares : ndarray of shape (n_units,), float64
        Written; they sum to 1.
    """
    decides, total = distances[j], 0.0
    shares[j] = 1.0
    for i in range(distances.shape[0]):
        away = abs(distances[i] - decides)
        if i != j:
            near = 1.0 - away / width if away < width else 0.0
            shares[i] = near * near * near
        total += shares[i]
    for i in range(distances.shape[0]):
        shares[i] /= total


@kernel
def _move(planes, x, i, steps, squares):
    """Add a sample of the block, times a step each, to the rows; back to unit norm."""
    weights, biases = planes.weights, planes.biases
    n_units = steps.shape[0]
    for j in range(n_units):
        biases[j] += steps[j]
        squares[j] = 0.0
    for f in range(weights.shape[0]):
        value, row = x[f, i], weights[f]
        for j in range(n_units):
            w = row[j] + steps[j] * value
            row[j] = w
            squares[j] += w * w
    for j in range(n_units):
        squares[j] = 1.0 / math.sqrt(squares[j]) if steps[j] != 0.0 else 1.0
    for f in range(weights.shape[0]):
        row = weights[f]
        for j in range(n_units):
            row[j] *= squares[j]


@kernel
def _learn(
    rows, drawn, planes, norm, measured, scaling, settings, paces, x, distances, steps,
    squares,
):  # fmt: skip
    """Take the subgradient step of each sample drawn.

    Parameters
    ----------
    paces : tuple of (float, float, float, float)
        Rate and width of the first sample, and what each adds to them.
    """
    columns = rows.columns
    rate, width, change, narrowing = paces
    slope = 1.0 / (scaling.scale * settings.margin)
    for first in range(0, drawn.shape[0], _BLOCK):
        block = drawn[first : first + _BLOCK]
        read_block(columns, block, scaling, x)
        for i in range(block.shape[0]):
            place = first + i
            if norm is not None and place > 0 and place % norm.every == 0:
                measure_rows(norm, planes.weights, measured)
            _write_distances(x, i, planes, distances)
            j = deciding_unit(distances, settings.rank)
            positive = rows.start <= block[i] < rows.stop
            output = distances[j] * slope
            right = output if positive else -output
            pull = sigmoid(right) if right >= 0.0 else 1.0 - sigmoid(-right)
            write_shares(distances, j, width, steps)
            step = rate * pull if positive else -rate * pull
            for k in range(steps.shape[0]):
                steps[k] *= step
            if norm is not None:
                for k in range(steps.shape[0]):
                    distances[k] -= planes.biases[k]
                move_measured(planes, x, i, distances, steps, measured, squares)
            else:
                _move(planes, x, i, steps, squares)
            rate += change
            width += narrowing


@kernel
def radius_loss(rows, order, planes, scaling, settings, x, distances):
    """Fixed-point loss over all rows.

    Parameters
    ----------
    rows : Rows
    order : ndarray of shape (>= n_rows,), dtype uint32
        0, 1, 2, ...
    planes : Planes
    scaling : Scaling
    settings : RadiusSettings
    x : ndarray of shape (n_features, >= 64), float64
        Overwritten.
    distances : ndarray of shape (n_units,), float64
        Overwritten.
    """
    total, n_rows = np.int64(0), rows.weight.shape[0]
    slope = 1.0 / (scaling.scale * settings.margin)
    for first in range(0, n_rows, _BLOCK):
        block = order[first : min(first + _BLOCK, n_rows)]
        read_block(rows.columns, block, scaling, x)
        for i in range(block.shape[0]):
            _write_distances(x, i, planes, distances)
            row = block[i]
            output = distances[deciding_unit(distances, settings.rank)] * slope
            total += sample_loss(
                rows.start <= row < rows.stop, rows.weight[row], output, True
            )
    return total


@kernel
def rate_at(share, step):
    """Rate of learning when a share of all samples has been drawn."""
    return step * min(share / WARM_UP, (1.0 - share) / (1.0 - WARM_UP))


@kernel
def width_at(share, margin):
    """Width within which units share a step when a share of all samples is drawn."""
    return NEAR * margin * (1.0 - share)


@kernel
def _keep(planes, best):
    for f in range(planes.weights.shape[0]):
        copy_values(planes.weights[f], best.weights[f])
    copy_values(planes.biases, best.biases)


@kernel
def _train(
    rows, held_out, scaling, planes, best, norm, measured, settings, state, loss_curve,
    held_out_curve, drawn, order, x, distances, steps, squares,
):  # fmt: skip
    """Train one network; see :func:`train_by_radius`."""
    holds_out = held_out.weight.shape[0] > 0
    best_loss = lowest = np.int64(0)
    total = 0.0
    judges = held_out.weight if holds_out else rows.weight
    for i in range(judges.shape[0]):
        total += judges[i]
    tolerance = settings.tol * total
    reference, last_gain, n_iter = np.inf, 0, 0
    # The longer the margin beside the spread, the further the hyperplanes have to go.
    margin = settings.margin * scaling.scale
    n_units = max(distances.shape[0], FEW_UNITS)
    step = settings.step * margin / SPREAD * n_units / FEW_UNITS
    if norm is not None:
        measure_rows(norm, planes.weights, measured)
    for n_iter in range(1, settings.max_iter + 1):
        n = draw_pass(rows.weight, state, drawn)
        start = rate_at((n_iter - 1) / settings.max_iter, step)
        stop = rate_at(n_iter / settings.max_iter, step)
        widest = width_at((n_iter - 1) / settings.max_iter, margin)
        narrowest = width_at(n_iter / settings.max_iter, margin)
        paces = start, widest, (stop - start) / n, (narrowest - widest) / n
        _learn(
            rows, drawn[:n], planes, norm, measured, scaling, settings, paces, x,
            distances, steps, squares,
        )  # fmt: skip
        if norm is not None:
            measure_rows(norm, planes.weights, measured)
        loss = judged = radius_loss(
            rows, order, planes, scaling, settings, x, distances
        )
        if holds_out:
            judged = radius_loss(
                held_out, order, planes, scaling, settings, x, distances
            )
        if judged < lowest or n_iter == 1:
            lowest, best_loss = judged, loss
            _keep(planes, best)
        loss_curve[n_iter - 1] = best_loss
        if holds_out:
            held_out_curve[n_iter - 1] = lowest
        if lowest < reference - tolerance:
            reference, last_gain = np.float64(lowest), n_iter
        elif n_iter - last_gain >= settings.n_iter_no_change:
            break
    return n_iter


def train_by_radius(
    rows, held_out, scaling, planes, norm, settings, state, loss_curve, held_out_curve
):
    """Train one network.

    Parameters
    ----------
    rows : Rows
    held_out : Rows
        If it has rows, their loss says which iterate is kept, and when to stop.
    scaling : Scaling
    planes : Planes
        The start; overwritten.
    norm : InputNorm or None
        By which rows are measured; None for L2.
    settings : RadiusSettings
    state : ndarray of shape (1,), dtype uint64
        Advanced.
    loss_curve, held_out_curve : ndarray of shape (max_iter,), float32
        Filled with the fixed-point loss of the best iterate so far, after each pass.

    Returns
    -------
    best : Planes
        Those of the least loss, of equal ones the first.
    n_iter : int
    """
    best = Planes(*(array.copy() for array in planes))
    n_features, n_units = planes.weights.shape
    n_rows = rows.weight.size
    # None is a type of its own: what is for the other norm is not compiled then.
    measured = None
    if norm is not None:
        measured = Measured(
            np.empty((n_features, n_units)),
            np.empty(n_units),
            np.empty((GROUP, n_units)),
        )
    n_iter = _train(
        rows, held_out, scaling, planes, best, norm, measured, settings, state,
        loss_curve, held_out_curve, np.empty(n_rows + 1, dtype=np.uint32),
        np.arange(max(n_rows, held_out.weight.size), dtype=np.uint32),
        np.empty((n_features, _BLOCK)), np.empty(n_units), np.empty(n_units),
        np.empty(n_units),
    )  # fmt: skip
    return best, n_iter
