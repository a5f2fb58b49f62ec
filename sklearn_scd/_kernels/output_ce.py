"""The step of the output node under CE: the best bias for each step that may help."""

import math

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.losses import (
    WEIGHT_BITS,
    sample_loss,
    sigmoid,
    to_bias_grid,
)
from sklearn_scd._kernels.network import handicap, runs, set_output_weight
from sklearn_scd._kernels.threshold import extent

_NEWTON_STEPS = 100
_NEWTON_TOLERANCE = 2.0**-26
_FINE = 2.0 ** (62 - WEIGHT_BITS)  # what is left of an int64 for fractions
_SATURATED = 39.0  # outputs so large have no loss or slope left

# A step under CE counts when it lowers the mean loss by more than this: far below
# what matters, far above what rounding the bias to its grid can change.
MIN_DECREASE = 2.0**-24


@kernel
def slope(values, weight, rows, n_positive, c):
    """First and second derivative of the logistic loss with respect to ``c``.

    Summed in fixed-point, with as many bits as float64 has: whole numbers may be added
    in any order, so the loop becomes vector instructions.
    """
    first, second = np.int64(0), np.int64(0)
    for i in range(rows.shape[0]):
        f, w = values[i] + c, np.float64(weight[rows[i]])
        p = sigmoid(abs(f))
        excess = (1.0 - p if f > 0.0 else p) - (1.0 if i < n_positive else 0.0)
        first += np.int64(np.rint(_FINE * w * excess))
        second += np.int64(np.rint(_FINE * w * (p * (1.0 - p))))
    return first / _FINE, second / _FINE


@kernel
def refit_bias(values, weight, rows, n_positive, c):
    """Bias that minimises the logistic loss, by Newton steps inside a bracket.

    Parameters
    ----------
    values : ndarray of shape (n,), float64
        Outputs without the bias; the first `n_positive` are of the positive class.
    weight : ndarray of shape (n_rows,), dtype int64
    rows : ndarray of shape (n,), dtype uint32
        Whose outputs these are.
    n_positive : int
    c : float
        Where to start.

    Returns
    -------
    c : float
        On its grid.
    """
    low, high = extent(values)
    left, right = -high - _SATURATED, -low + _SATURATED
    c = min(max(c, left), right)
    for _ in range(_NEWTON_STEPS):
        first, second = slope(values, weight, rows, n_positive, c)
        if second > 0.0 and abs(first) < _NEWTON_TOLERANCE * second:
            # The last step is Newton's, whatever the bracket: it squares the error.
            c -= first / second
            break
        if first > 0.0:
            right = c
        else:
            left = c
        new = c - first / second if second > 0.0 else left
        c = new if left < new < right else 0.5 * (left + right)
        if right - left < _NEWTON_TOLERANCE:
            break
    return to_bias_grid(c)


@kernel
def subset_loss(values, weight, rows, n_positive, c):
    """Fixed-point logistic loss of outputs ``values + c``."""
    total = np.int64(0)
    for i in range(rows.shape[0]):
        total += sample_loss(i < n_positive, weight[rows[i]], values[i] + c, True)
    return total


@kernel
def step_bounds(data, rows, n_positive, network, steps, residual, curvature):
    """Lower bound of the change in logistic loss for each step on an output weight.

    A step s on ``u_j`` and the best bias after it move every output by at most |s|,
    and within |s| the logistic loss stays above its tangent by at least
    ``kappa = (exp(-|s|) + |s| - 1) / s**2`` times its curvature times the move
    squared (self-concordance; Bach, Electronic Journal of Statistics 4, 2010).
    Minimised over the bias, that is a bound for the pair.

    Parameters
    ----------
    data : Data
    rows : ndarray of shape (n,), dtype uint32
        The first `n_positive` are of the positive class.
    n_positive : int
    network : Network
        Its bias ``c`` the best one.
    steps : ndarray of shape (hidden_units, n_steps)
    residual, curvature : ndarray of shape (n_rows,), dtype int64
        Overwritten with the first and second derivatives of each row's loss, rounded
        to whole numbers: sums of those are exact in any order and so need not wait
        for each other. Rows that are not in `rows` get 0.

    Returns
    -------
    bounds : ndarray of shape (hidden_units, n_steps)
        In fixed-point; too high by ``4 n max(1, |step|)`` at most, from rounding.
    shifts : ndarray of shape (hidden_units, n_steps)
        The change of the bias that a quadratic model expects.
    """
    residual[:] = 0
    curvature[:] = 0
    for i in range(rows.shape[0]):
        row = rows[i]
        f, w = network.drive[row] + network.c[0], np.float64(data.weight[row])
        p = sigmoid(abs(f))
        above = 1.0 - p if f > 0.0 else p
        residual[row] = np.rint(w * (above - (1.0 if i < n_positive else 0.0)))
        curvature[row] = np.rint(w * (p * (1.0 - p)))
    first, second = np.float64(residual.sum()), np.float64(curvature.sum())
    bounds, shifts = np.zeros(steps.shape), np.zeros(steps.shape)
    if second <= 0.0:
        bounds[:] = -np.inf
        return bounds, shifts
    for j in range(steps.shape[0]):
        u = network.u[j]
        shift = handicap(u, network)
        first_j, second_j = _sums_where_firing(
            j, shift, -shift, network, residual, curvature
        )
        for k in range(steps.shape[1]):
            s = steps[j, k]
            # Of the move of each row: times its slope, times its curvature, squared.
            tilt, curved, square = s * first_j, s * second_j, s * s * second_j
            new_shift = handicap(u + s, network)
            if new_shift != shift:
                first_new, second_new = _sums_where_firing(
                    j, new_shift, -new_shift, network, residual, curvature
                )
                margin = network.margin[0]
                _, second_both = _sums_where_firing(
                    j, margin, margin, network, residual, curvature
                )
                tilt = (u + s) * first_new - u * first_j
                curved = (u + s) * second_new - u * second_j
                square = (u + s) * (u + s) * second_new + u * u * second_j
                square -= 2.0 * u * (u + s) * second_both
            kappa = (math.exp(-abs(s)) + abs(s) - 1.0) / (s * s)
            slant = first + 2.0 * kappa * curved
            bounds[j, k] = (
                tilt + kappa * square - slant * slant / (4.0 * kappa * second)
            )
            shifts[j, k] = -curved / second
    return bounds, shifts


@kernel
def _sums_where_firing(j, shift, other_shift, network, residual, curvature):
    """Sums of two whole-number arrays over the rows on which node j fires.

    Projections of positive rows lose `shift` first, those of the others `other_shift`.
    """
    projections, threshold = network.projections[j], network.thresholds[j]
    first, second = np.int64(0), np.int64(0)
    for start, stop, is_positive in runs(1, network):
        worse = shift if is_positive > 0 else other_shift
        values = projections[start:stop]
        slopes, curves = residual[start:stop], curvature[start:stop]
        for i in range(values.shape[0]):
            fires = values[i] - worse > threshold
            first += slopes[i] if fires else np.int64(0)
            second += curves[i] if fires else np.int64(0)
    return np.float64(first), np.float64(second)


@kernel
def _values_after(j, step, rows, n_positive, network, out):
    """Outputs of some rows without the bias, after a step on ``u_j``."""
    projections, threshold = network.projections[j], network.thresholds[j]
    u, new = network.u[j], network.u[j] + step
    before, after = handicap(u, network), handicap(new, network)
    values = out[: rows.shape[0]]
    for i in range(rows.shape[0]):
        p, is_positive = projections[rows[i]], i < n_positive
        fired = u if p - (before if is_positive else -before) > threshold else 0.0
        fires = new if p - (after if is_positive else -after) > threshold else 0.0
        values[i] = network.drive[rows[i]] + (fires - fired)
    return values


@kernel
def output_step_ce(units, data, rows, n_positive, settings, network, scratch):
    """Output step under CE: exact bias for every step that its bound lets through.

    Parameters are those of :func:`output_step_01`.
    """
    n, weight = rows.shape[0], data.weight
    # The arrays for gains are free here; outputs are float64 whatever projections are.
    residual, curvature = scratch.samples.gains[:-1], scratch.contenders.gains[:-1]
    out = scratch.samples.gains.view(np.float64)
    values = _values_after(np.int64(0), 0.0, rows, n_positive, network, out)  # no step
    c = refit_bias(values, weight, rows, n_positive, network.c[0])
    network.c[0] = c
    if units.shape[0] == 0:
        return
    best = subset_loss(values, weight, rows, n_positive, c)
    present = np.float64(best)
    total_weight = 0.0
    for i in rows:
        total_weight += weight[i]
    steps = np.empty((network.u.shape[0], 1 if settings.binary else 2))
    for j in range(steps.shape[0]):
        if settings.binary:
            steps[j, 0] = -2.0 * network.u[j]
        else:
            steps[j, 0], steps[j, 1] = settings.output_step, -settings.output_step
    bounds, shifts = step_bounds(
        data, rows, n_positive, network, steps, residual, curvature
    )
    # What rounding can take from a bound: that of a step's own loss, less than half
    # the least decrease, and that of the bound's terms.
    slack = 0.5 * MIN_DECREASE * total_weight + 4.0 * n * max(1.0, abs(steps[0, 0]))
    best -= np.int64(MIN_DECREASE * total_weight)
    best_index, best_c = -1, c
    for _ in range(bounds.size):
        index = np.argmin(bounds)  # of equal ones the first
        j, k = index // steps.shape[1], index % steps.shape[1]
        if present + bounds[j, k] - slack > best:
            break
        bounds[j, k] = np.inf
        shifted = _values_after(j, steps[j, k], rows, n_positive, network, out)
        new_c = refit_bias(shifted, weight, rows, n_positive, c + shifts[j, k])
        loss = subset_loss(shifted, weight, rows, n_positive, new_c)
        # The least loss; of equal ones the first, whatever order they are tried in.
        if loss < best or (loss == best and index < best_index):
            best, best_index, best_c = loss, index, new_c
    if best_index >= 0:
        j, k = best_index // steps.shape[1], best_index % steps.shape[1]
        set_output_weight(j, network.u[j] + steps[j, k], network)
        network.c[0] = best_c
