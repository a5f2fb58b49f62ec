"""The step of the output node: refit its bias, then try steps on its weights."""

import math

import numpy as np
from numba import njit

from sklearn_scd._kernels.losses import sample_loss, sigmoid, to_bias_grid, to_grid
from sklearn_scd._kernels.steps import best_step, shift_values
from sklearn_scd._kernels.threshold import (
    Samples,
    best_score,
    extent,
    place_threshold,
)

_NEWTON_STEPS = 100
_NEWTON_TOLERANCE = 2.0**-26
_SATURATED = 39.0  # outputs so large have no loss or slope left

# A step under CE counts when it lowers the mean loss by more than this: far below
# what matters, far above what rounding the bias to its grid can change.
MIN_DECREASE = 2.0**-24


@njit(nogil=True, cache=True)
def add_to_weight(j, step, network):
    """Change ``u_j`` and the drive of every row."""
    network.u[j] += step
    hidden, drive = network.hidden[j], network.drive
    for i in range(drive.shape[0]):
        drive[i] += step * hidden[i]


@njit(nogil=True, cache=True)
def _normalise_output(network):
    """Bring ``u`` back to unit norm, on its grid; return the factor."""
    shrink = 1.0 / math.sqrt((network.u**2).sum())
    network.drive[:] = 0.0
    for j in range(network.u.shape[0]):
        network.u[j] = to_grid(network.u[j] * shrink)
        for i in range(network.drive.shape[0]):
            network.drive[i] += network.u[j] * network.hidden[j, i]
    return shrink


@njit(nogil=True, cache=True)
def output_step_01(
    units, data, rows, n_positive, settings, network, work, trial, space
):
    """Output step under 0/1 loss: the threshold search, with hidden units as features.

    Parameters are those of :func:`sklearn_scd._kernels.hidden.hidden_step`, `units`
    the hidden units whose output weights are tried.
    """
    n = rows.shape[0]
    for i in range(n):
        work.rows[i] = rows[i]
        work.values[i] = network.drive[rows[i]]
        work.gains[i] = data.weight[rows[i]] * (1 if i < n_positive else -1)
    samples = Samples(work.rows[:n], work.values[:n], work.gains[:n], n_positive)
    values, gains = samples.values, samples.gains
    bar = best_score(values, gains, n_positive, space)
    score, j, step = best_step(
        network.hidden, np.zeros(network.u.shape[0]), np.ones(network.u.shape[0]),
        network.u, units, settings.output_step, settings.binary, samples, bar,
        trial, space,
    )  # fmt: skip
    if j >= 0:
        values = shift_values(network.hidden[j], samples, step, work.shifted)
    threshold = place_threshold(values, gains, n_positive, score, space)
    shrink = 1.0
    if j >= 0:
        add_to_weight(j, step, network)
        if not settings.binary:
            shrink = _normalise_output(network)
    network.c[0] = -threshold * shrink


@njit(nogil=True, cache=True)
def slope(values, weights, n_positive, c):
    """First and second derivative of the logistic loss with respect to ``c``."""
    first, second = 0.0, 0.0
    for i in range(values.shape[0]):
        f = values[i] + c
        p = sigmoid(abs(f))
        second += weights[i] * (p * (1.0 - p))
        if i < n_positive:
            first -= weights[i] * (p if f > 0.0 else 1.0 - p)
        else:
            first += weights[i] * (1.0 - p if f > 0.0 else p)
    return first, second


@njit(nogil=True, cache=True)
def refit_bias(values, weights, n_positive, c):
    """Bias that minimises the logistic loss, by Newton steps inside a bracket.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Outputs without the bias; the first `n_positive` are of the positive class.
    weights : ndarray of shape (n,), float64
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
        first, second = slope(values, weights, n_positive, c)
        if first > 0.0:
            right = c
        else:
            left = c
        new = c - first / second if second > 0.0 else left
        if not left < new < right:
            new = 0.5 * (left + right)
        converged = abs(new - c) < _NEWTON_TOLERANCE
        c = new
        if converged:
            break
    return to_bias_grid(c)


@njit(nogil=True, cache=True)
def subset_loss(values, weights, n_positive, c):
    """Fixed-point logistic loss of outputs ``values + c``."""
    total = np.int64(0)
    for i in range(values.shape[0]):
        total += sample_loss(i < n_positive, weights[i], values[i] + c, True)
    return total


@njit(nogil=True, cache=True)
def step_bounds(hidden, rows, values, weights, n_positive, c, steps):
    """Lower bound of the change in logistic loss for each step on an output weight.

    A step s on ``u_j`` and the best bias after it move every output by at most |s|,
    and within |s| the logistic loss stays above its tangent by at least
    ``kappa = (exp(-|s|) + |s| - 1) / s**2`` times its curvature times the move
    squared (self-concordance; Bach, Electronic Journal of Statistics 4, 2010).
    Minimised over the bias, that is a bound for the pair.

    Parameters
    ----------
    hidden : ndarray of shape (hidden_units, n_rows), dtype uint8
    rows : ndarray of shape (n,), dtype uint32
    values, weights, n_positive
        As in :func:`refit_bias`.
    c : float
        The present bias.
    steps : ndarray of shape (hidden_units, n_steps)

    Returns
    -------
    bounds : ndarray of shape (hidden_units, n_steps)
    shifts : ndarray of shape (hidden_units, n_steps)
        The change of the bias that a quadratic model expects.
    """
    n, n_units = values.shape[0], hidden.shape[0]
    residual, curvature = np.empty(n), np.empty(n)
    for i in range(n):
        f = values[i] + c
        p = sigmoid(abs(f))
        residual[i] = weights[i] * (
            (1.0 - p if f > 0.0 else p) - (1.0 if i < n_positive else 0.0)
        )
        curvature[i] = weights[i] * (p * (1.0 - p))
    first, second = residual.sum(), curvature.sum()
    bounds, shifts = np.zeros(steps.shape), np.zeros(steps.shape)
    if second <= 0.0:
        bounds[:] = -np.inf
        return bounds, shifts
    for j in range(n_units):
        unit = hidden[j]
        first_j, second_j = 0.0, 0.0
        for i in range(n):
            fires = np.float64(unit[rows[i]])
            first_j += residual[i] * fires
            second_j += curvature[i] * fires
        for k in range(steps.shape[1]):
            s = steps[j, k]
            kappa = (math.exp(-abs(s)) + abs(s) - 1.0) / (s * s)
            slant = first + 2.0 * kappa * second_j * s
            bounds[j, k] = (
                s * first_j
                + kappa * second_j * s * s
                - slant * slant / (4.0 * kappa * second)
            )
            shifts[j, k] = -s * second_j / second
    return bounds, shifts


@njit(nogil=True, cache=True)
def output_step_ce(units, data, rows, n_positive, settings, network, work):
    """Output step under CE: exact bias for every step that its bound lets through.

    Parameters are those of :func:`output_step_01`.
    """
    n = rows.shape[0]
    values, weights = work.values[:n], np.empty(n)
    for i in range(n):
        work.rows[i] = rows[i]
        values[i] = network.drive[rows[i]]
        weights[i] = data.weight[rows[i]]
    c = refit_bias(values, weights, n_positive, network.c[0])
    network.c[0] = c
    if units.shape[0] == 0:
        return
    best = subset_loss(values, weights, n_positive, c)
    present = np.float64(best)
    total_weight = weights.sum()
    steps = np.empty((network.u.shape[0], 1 if settings.binary else 2))
    for j in range(steps.shape[0]):
        if settings.binary:
            steps[j, 0] = -2.0 * network.u[j]
        else:
            steps[j, 0], steps[j, 1] = settings.output_step, -settings.output_step
    bounds, shifts = step_bounds(
        network.hidden, rows, values, weights, n_positive, c, steps
    )
    # What rounding can take from a bound: far less than half the least decrease.
    slack = 0.5 * MIN_DECREASE * total_weight
    best -= np.int64(MIN_DECREASE * total_weight)
    best_index, best_c = -1, c
    samples = Samples(work.rows[:n], values, work.gains[:n], n_positive)
    order = np.argsort(bounds.ravel(), kind="mergesort")
    for index in order:
        j, k = index // steps.shape[1], index % steps.shape[1]
        if present + bounds[j, k] - slack > best:
            break
        shifted = shift_values(network.hidden[j], samples, steps[j, k], work.shifted)
        new_c = refit_bias(shifted, weights, n_positive, c + shifts[j, k])
        loss = subset_loss(shifted, weights, n_positive, new_c)
        # The least loss; of equal ones the first, whatever order they are tried in.
        if loss < best or (loss == best and index < best_index):
            best, best_index, best_c = loss, index, new_c
    if best_index >= 0:
        j, k = best_index // steps.shape[1], best_index % steps.shape[1]
        add_to_weight(j, steps[j, k], network)
        network.c[0] = best_c
