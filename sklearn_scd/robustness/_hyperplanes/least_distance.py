"""The point of a polyhedron that is nearest to the origin."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import linprog, nnls

from sklearn_scd._typing import Floats

_INFEASIBLE = 1e-10  # of the residual; the squared distance would be its inverse
_DEPENDENT = 1e-12  # smallest singular value of rows, of the largest
_REACHED = 1e-3  # of levels, by a vector at which rounding is large
_ROUNDED = 2.0**-48  # of each term of a sum of some dozen
_PINNINGS = 30  # rounds in which values are found that stay at an end of their range


def rows_of(products: Floats) -> Floats:
    """Rows with given inner products, in as few dimensions as they need.

    Parameters
    ----------
    products : ndarray of shape (n, n), float64

    Returns
    -------
    rows : ndarray of shape (n, rank), float64
    """
    sizes, vectors = np.linalg.eigh(products)
    kept = sizes > 1e-12 * max(sizes[-1], 1e-300)
    return vectors[:, kept] * np.sqrt(sizes[kept])


def least_distance(rows: Floats, levels: Floats) -> Floats | None:
    """Shortest vector d with ``rows @ d >= levels``.

    It is ``multipliers @ rows`` with multipliers, not negative, that are found by
    nonnegative least squares (Lawson and Hanson, "Solving Least Squares Problems",
    1974, chapter 23).

    Parameters
    ----------
    rows : ndarray of shape (n, n_dimensions), float64
    levels : ndarray of shape (n,), float64

    Returns
    -------
    multipliers : ndarray of shape (n,), or None
        None where no vector does, or only one too far away to be computed.

    Raises
    ------
    RuntimeError
        If the least squares do not converge: rows are all but parallel.
    """
    if not (levels > 0).any():
        return np.zeros(levels.size)
    weights, rest = _balance(rows, levels)
    if rest < _INFEASIBLE:
        found = _of_support(rows, levels, weights)
        return None if found is None else found[0]
    return weights / rest * np.abs(levels).max()


def distance_bound(
    rows: Floats, levels: Floats, slopes: Floats
) -> tuple[float, Floats, Floats]:
    """Proven lower bound of the length of any vector d that reaches some levels.

    They are reached where ``rows @ d >= levels - slopes |d|``: rounding grows with d.
    For multipliers m, not negative, ``m @ levels <= m @ rows @ d + m @ slopes |d|``, so
    that d is at least as long as ``m @ levels`` over the norm of ``m @ rows`` plus
    ``m @ slopes``, whatever m is: how well the least squares converged says how sharp
    it is, not whether it holds. Where no vector does, some m makes the norm all but 0
    and the bound very large.

    Parameters
    ----------
    rows : ndarray of shape (n, n_dimensions), float64
    levels, slopes : ndarray of shape (n,), float64

    Returns
    -------
    bound : float
        Lowered for rounding, and so never infinite.
    step : ndarray of shape (n_dimensions,)
        The shortest vector, as near as it was found; 0 where it was not.
    multipliers : ndarray of shape (n,)
        That make it. Large ones, of rows almost parallel, say less of it than it does.
    """
    step, multipliers = np.zeros(rows.shape[1]), np.zeros(levels.size)
    if not (levels > 0).any():
        return 0.0, step, multipliers
    try:
        weights, rest = _balance(rows, levels)
    except RuntimeError:
        return 0.0, step, multipliers
    if rest > _INFEASIBLE:
        multipliers = weights / rest * np.abs(levels).max()
        step = multipliers @ rows
    else:
        found = _of_support(rows, levels, weights)
        if found is not None:
            multipliers, step = found
    bound = max(_dual_bound(rows, levels, slopes, m) for m in (weights, multipliers))
    return bound, step, multipliers


def _balance(rows: Floats, levels: Floats) -> tuple[Floats, float]:
    """Multiples of the rows that cancel as well as can be, and what is left.

    The nonnegative w, with levels l scaled to at most 1, that minimize
    ``|w @ rows|^2 + (1 - w @ l)^2``; what is left is ``1 - w @ l``, the inverse of one
    plus the squared distance.
    """
    scaled = levels / np.abs(levels).max()
    system = np.vstack([rows.T, scaled])
    aim = np.zeros(len(system))
    aim[-1] = 1.0
    weights, _ = nnls(system, aim, maxiter=30 * max(system.shape))
    return weights, 1.0 - weights @ scaled


def _of_support(
    rows: Floats, levels: Floats, weights: Floats
) -> tuple[Floats, Floats] | None:
    """Multipliers and shortest vector where it is long: of equations, by the support.

    None where there is no such vector.
    """
    support = np.flatnonzero(weights > 0)
    left, sizes, right = np.linalg.svd(rows[support], full_matrices=False)
    if sizes.size == 0 or sizes[-1] <= _DEPENDENT * sizes[0]:
        return None
    turned = left.T @ levels[support]
    step = (turned / sizes) @ right
    multipliers = np.zeros(levels.size)
    multipliers[support] = left @ (turned / sizes**2)
    slack = _REACHED * np.abs(levels).max()
    reached = (rows @ step >= levels - slack).all()
    return (multipliers, step) if reached and (multipliers >= 0).all() else None


def _dual_bound(
    rows: Floats, levels: Floats, slopes: Floats, multipliers: Floats
) -> float:
    """``m @ levels / (|m @ rows| + m @ slopes)``, less what is rounded in it."""
    size = np.linalg.norm(multipliers @ rows) + multipliers @ slopes
    terms = multipliers @ np.linalg.norm(rows, axis=1)
    gain = multipliers @ levels - _ROUNDED * (multipliers @ np.abs(levels))
    return max(gain, 0.0) / (size + _ROUNDED * terms) if terms > 0 else 0.0


def least_distance_in_box(
    rows: Floats, levels: Floats, low: Floats, high: Floats
) -> Floats | None:
    """Shortest vector d with ``rows @ d >= levels`` and ``low <= d <= high``.

    Values that would leave their range are pinned to its end, and set free again where
    they want back: when nothing changes any more, the conditions of Kuhn and Tucker
    hold.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features), float64
    levels : ndarray of shape (n,), float64
    low, high : ndarray of shape (n_features,), float64
        Not above and not below 0.

    Returns
    -------
    step : ndarray of shape (n_features,), or None
        None where none was found.
    """
    pinned = np.zeros(rows.shape[1], dtype=bool)
    step = np.zeros(rows.shape[1])
    for _ in range(_PINNINGS):
        free = rows[:, ~pinned]
        left = levels - rows[:, pinned] @ step[pinned]
        try:
            multipliers = least_distance(rows_of(free @ free.T), left)
        except RuntimeError:
            return None
        if multipliers is None:
            return None
        wish = multipliers @ rows
        step = np.clip(wish, low, high)
        outside = (wish < low) | (wish > high)
        if (outside == pinned).all():
            break
        pinned = outside
    return step


def cube_in_box(
    rows: Floats, levels: Floats, low: Floats, high: Floats
) -> Floats | None:
    """Vector d of least largest entry, so constrained: a linear programme.

    Parameters
    ----------
    rows, levels, low, high
        As of :func:`least_distance_in_box`.

    Returns
    -------
    step : ndarray of shape (n_features,), or None
        None where there is none.
    """
    n_rows, n_features = rows.shape
    entries = sparse.eye_array(n_features)
    size = np.ones((n_features, 1))
    result = linprog(
        np.append(np.zeros(n_features), 1.0),
        A_ub=sparse.block_array(
            [[-rows, np.zeros((n_rows, 1))], [entries, -size], [-entries, -size]],
            format="csr",
        ),
        b_ub=np.concatenate([-levels, np.zeros(2 * n_features)]),
        bounds=[*zip(low, high, strict=True), (0, None)],
        method="highs",
    )
    return result.x[:n_features] if result.status == 0 else None
