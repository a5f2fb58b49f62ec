"""The point of a polyhedron that is nearest to the origin."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import linprog, nnls

_INFEASIBLE = 1e-10  # of the residual; the squared distance would be its inverse
_PINNINGS = 30  # rounds in which values are found that stay at an end of their range


def rows_of(products):
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


def least_distance(rows, levels):
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
        None where no vector does.

    Raises
    ------
    RuntimeError
        If the least squares do not converge: rows are all but parallel.
    """
    if not (levels > 0).any():
        return np.zeros(levels.size)
    scale = np.abs(levels).max()
    system = np.vstack([rows.T, levels / scale])
    aim = np.zeros(len(system))
    aim[-1] = 1.0
    solution, _ = nnls(system, aim, maxiter=30 * max(system.shape))
    rest = 1.0 - solution @ (levels / scale)
    if rest < _INFEASIBLE:
        return None
    return solution / rest * scale


def least_distance_in_box(rows, levels, low, high):
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


def cube_in_box(rows, levels, low, high):
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
