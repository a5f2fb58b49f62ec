"""The step of the output node under CE: the best bias for each step that may help."""

import math

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.losses import (
    BIAS_BITS,
    WEIGHT_BITS,
    loss_by_softplus,
    to_bias_grid,
    write_sigmoids,
    write_softplus,
)
from sklearn_scd._kernels.network import (
    firing_mask,
    set_output_weight,
    write_values_after,
)
from sklearn_scd._kernels.threshold import extent

_NEWTON_STEPS = 100
_NEWTON_TOLERANCE = 2.0**-26
_FINE = 2.0 ** (62 - WEIGHT_BITS)  # what is left of an int64 for fractions
_SATURATED = 39.0  # outputs so large have no loss or slope left
_BIAS_GRID = 2.0**BIAS_BITS

# A step under CE counts when it lowers the mean loss by more than this: far below
# what matters, far above what rounding the bias to its grid can change.
MIN_DECREASE = 2.0**-24


@kernel
def slope(values, weight, n_positive, n, c, space):
    """First and second derivative of the logistic loss with respect to ``c``.

    Summed in fixed-point, with as many bits as float64 has: whole numbers may be added
    in any order, so the loop becomes vector instructions.
    """
    first, second = np.int64(0), np.int64(0)
    write_sigmoids(values, c, n, space)
    for i in range(n):
        f, w, p = values[i] + c, weight[i], space[i]
        excess = (1.0 - p if f > 0.0 else p) - (1.0 if i < n_positive else 0.0)
        first += np.int64(np.rint(_FINE * w * excess))
        second += np.int64(np.rint(_FINE * w * (p * (1.0 - p))))
    return first / _FINE, second / _FINE


@kernel
def _is_settled(c, error):
    """Whether ``c`` rounds to the same point of the bias's grid within an error."""
    place = c * _BIAS_GRID
    return abs(abs(place - np.rint(place)) - 0.5) > error * _BIAS_GRID


@kernel
def refit_bias(values, weight, n_positive, n, c, space):
    """Bias that minimizes the logistic loss, by Newton steps inside a bracket.

    Parameters
    ----------
    values : ndarray of shape (>= n,), float64
        Outputs without the bias; the first `n_positive` are of the positive class.
    weight : ndarray of shape (>= n,), float64
    n_positive, n : int
    c : float
        Where to start.
    space : ndarray of shape (>= n,), float64
        Overwritten.

    Returns
    -------
    c : float
        On its grid.
    """
    low, high = extent(values, n)
    left, right = -high - _SATURATED, -low + _SATURATED
    c = min(max(c, left), right)
    for _ in range(_NEWTON_STEPS):
        first, second = slope(values, weight, n_positive, n, c, space)
        if second <= 0.0:
            step, second = np.inf, 1.0
        else:
            step = first / second
        # The last step is Newton's, whatever the bracket: it squares the error.
        if abs(step) < _NEWTON_TOLERANCE:
            c -= step
            break
        # The third derivative is at most the second in size, so that the error left by
        # a short step is below its square. Sums are rounded, the table is not exact.
        error = step * step + 2.0**-30 + n / (_FINE * second)
        if abs(step) < 2.0**-6 and _is_settled(c - step, error):
            c -= step
            break
        if first > 0.0:
            right = c
        else:
            left = c
        new = c - step
        c = new if left < new < right else 0.5 * (left + right)
        if right - left < _NEWTON_TOLERANCE:
            break
    return to_bias_grid(c)


@kernel
def subset_loss(values, weight, n_positive, n, c, space):
    """Fixed-point logistic loss of outputs ``values + c``."""
    total = np.int64(0)
    write_softplus(values, c, n, space)
    for i in range(n):
        loss = loss_by_softplus(i < n_positive, values[i] + c, space[i])
        total += np.int64(np.rint(weight[i] * loss))
    return total


@kernel
def write_derivatives(values, weight, n_positive, n, c, residual, curvature, space):
    """Write the first and second derivative of each sample's loss.

    Rounded to whole numbers: sums of those are exact in any order and so need not wait
    for each other.
    """
    write_sigmoids(values, c, n, space)
    for i in range(n):
        f, w, p = values[i] + c, weight[i], space[i]
        above = 1.0 - p if f > 0.0 else p
        residual[i] = np.int64(np.rint(w * (above - (1.0 if i < n_positive else 0.0))))
        curvature[i] = np.int64(np.rint(w * (p * (1.0 - p))))


@kernel
def _sums_where(j, mask, wanted, firing, residual, curvature):
    """Sums of two whole-number arrays over the rows whose bits are the wanted ones."""
    first, second = np.int64(0), np.int64(0)
    for i in range(firing.shape[1]):
        fires = (firing[j, i] & mask) == wanted
        first += residual[i] if fires else np.int64(0)
        second += curvature[i] if fires else np.int64(0)
    return np.float64(first), np.float64(second)


@kernel
def step_bounds(u, firing, steps, residual, curvature, bounds):
    """Lower bound of the change in logistic loss for each step on an output weight.

    A step s on ``u_j`` and the best bias after it move every output by at most |s|,
    and within |s| the logistic loss stays above its tangent by at least
    ``kappa = (exp(-|s|) + |s| - 1) / s**2`` times its curvature times the move
    squared (self-concordance; Bach, Electronic Journal of Statistics 4, 2010).
    Minimized over the bias, that is a bound for the pair.

    Parameters
    ----------
    u : ndarray of shape (hidden_units,)
    firing : ndarray of shape (hidden_units, n_rows), dtype uint8
        As in a Network, whose bias ``c`` is the best one.
    steps : ndarray of shape (2, >= hidden_units, 2)
        The first row counts; steps of 0 are left out.
    residual, curvature : ndarray of shape (>= n_rows,), dtype int64
        What :func:`write_derivatives` gives for the rows drawn, 0 for the others.
    bounds : ndarray of shape (2, >= hidden_units, 2)
        The first row is written, in fixed-point; too high by ``4 n max(1, |step|)`` at
        most for n rows drawn, from rounding. So is the second: the change of the bias
        that a quadratic model expects.
    """
    first = second = np.int64(0)
    for i in range(firing.shape[1]):
        first += residual[i]
        second += curvature[i]
    total, curve = np.float64(first), np.float64(second)
    for j in range(u.shape[0]):
        mask, both = firing_mask(u[j]), np.uint8(3)
        first_j, second_j = _sums_where(j, mask, mask, firing, residual, curvature)
        for k in range(2):
            s = steps[0, j, k]
            bounds[0, j, k], bounds[1, j, k] = np.inf, 0.0
            if s == 0.0:
                continue
            if curve <= 0.0:
                bounds[0, j, k] = -np.inf
                continue
            # Of the move of each row: times its slope, times its curvature, squared.
            tilt, curved, square = s * first_j, s * second_j, s * s * second_j
            new, new_mask = u[j] + s, firing_mask(u[j] + s)
            if new_mask != mask:
                first_new, second_new = _sums_where(
                    j, new_mask, new_mask, firing, residual, curvature
                )
                _, second_both = _sums_where(j, both, both, firing, residual, curvature)
                tilt = new * first_new - u[j] * first_j
                curved = new * second_new - u[j] * second_j
                square = new * new * second_new + u[j] * u[j] * second_j
                square -= 2.0 * u[j] * new * second_both
            kappa = (math.exp(-abs(s)) + abs(s) - 1.0) / (s * s)
            slant = total + 2.0 * kappa * curved
            bounds[0, j, k] = (
                tilt + kappa * square - slant * slant / (4.0 * kappa * curve)
            )
            bounds[1, j, k] = -curved / curve


@kernel
def output_step_ce(n_units, data, rows, n_positive, n, settings, network, scratch):
    """Output step under CE: exact bias for every step that its bound lets through.

    Parameters are those of :func:`.output_step_01`, whose units come in order here.
    """
    # Arrays of the search for hidden units, which are free here.
    work, moved, values = scratch.samples, scratch.shifted, scratch.samples.values
    drawn_weight, total_weight = scratch.contenders.values, 0.0
    drive, weight, u, space = network.drive, data.weight, network.u, scratch.x
    for i in range(n):
        values[i], drawn_weight[i] = drive[rows[i]], weight[rows[i]]
        total_weight += drawn_weight[i]
    c = refit_bias(values, drawn_weight, n_positive, n, network.c[0], space)
    network.c[0] = c
    if n_units == 0:
        return
    steps, bounds = scratch.steps, scratch.growths
    for j in range(n_units):
        steps[0, j, 0], steps[0, j, 1] = settings.output_step, -settings.output_step
        if settings.binary:
            steps[0, j, 0], steps[0, j, 1] = -2.0 * u[j], 0.0
    slopes, curves = scratch.unordered, scratch.contenders.gains
    write_derivatives(values, drawn_weight, n_positive, n, c, slopes, curves, space)
    _scatter(slopes, rows, n, drive.shape[0], work.gains)
    _scatter(curves, rows, n, drive.shape[0], slopes)
    step_bounds(u, network.firing, steps, work.gains, slopes, bounds)
    # What rounding can take from a bound: that of a step's own loss, less than half
    # the least decrease, and that of the bound's terms.
    slack = 0.5 * MIN_DECREASE * total_weight + 4.0 * n * max(1.0, abs(steps[0, 0, 0]))
    # Change of the loss by the best step. The loss itself is needed if any may help.
    best, present = -np.int64(MIN_DECREASE * total_weight), np.int64(0)
    best_j, best_k, best_c = -1, 0, c
    for turn in range(2 * n_units):
        j, k = 0, 0
        for i in range(n_units):  # of equal ones the first
            for side in range(2):
                if bounds[0, i, side] < bounds[0, j, k]:
                    j, k = i, side
        if not bounds[0, j, k] - slack <= best:
            break
        if turn == 0:
            present = subset_loss(values, drawn_weight, n_positive, n, c, space)
        bounds[0, j, k] = np.inf
        write_values_after(
            j, steps[0, j, k], u[j], rows, values, n, network.firing, moved
        )
        new_c = c + bounds[1, j, k]
        new_c = refit_bias(moved, drawn_weight, n_positive, n, new_c, space)
        loss = subset_loss(moved, drawn_weight, n_positive, n, new_c, space) - present
        # The least loss; of equal ones the first, whatever order they are tried in.
        earlier = 2 * j + k < 2 * best_j + best_k
        if loss < best or (loss == best and earlier):
            best, best_j, best_k, best_c = loss, j, k, new_c
    if best_j >= 0:
        set_output_weight(best_j, u[best_j] + steps[0, best_j, best_k], network)
        network.c[0] = best_c


@kernel
def _scatter(values, rows, n, n_rows, out):
    """Write values of some rows to their places, 0 to the others."""
    for i in range(n_rows):
        out[i] = 0
    for i in range(n):
        out[rows[i]] = values[i]
