"""The shortest step across hyperplanes within the range of values, in any norm."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from sklearn_scd._typing import Floats
from sklearn_scd.robustness._hyperplanes.least_distance import (
    cube_in_box,
    least_distance_in_box,
)


def shortest_step(
    norm: float, rows: Floats, levels: Floats, low: Floats, high: Floats
) -> Floats | None:
    """Shortest d with ``rows @ d >= levels`` and ``low <= d <= high``.

    Parameters
    ----------
    norm : float
        1, 2 or inf.
    rows : ndarray of shape (n, n_features), float64
    levels : ndarray of shape (n,), float64
    low, high : ndarray of shape (n_features,), float64
        Not above and not below 0.

    Returns
    -------
    step : ndarray of shape (n_features,), or None
        None where none was found.
    """
    shortest = {1: diamond_in_box, 2: least_distance_in_box, np.inf: cube_in_box}
    step: Floats | None = shortest[norm](rows, levels, low, high)
    return step


def diamond_in_box(
    rows: Floats, levels: Floats, low: Floats, high: Floats
) -> Floats | None:
    """The same in the L1 norm: a linear programme over its positive and negative parts.

    Parameters
    ----------
    rows, levels, low, high
        As of :func:`shortest_step`.

    Returns
    -------
    step : ndarray of shape (n_features,), or None
        None where there is none.
    """
    n_features = rows.shape[1]
    result = linprog(
        np.ones(2 * n_features),
        A_ub=np.hstack([-rows, rows]),
        b_ub=-levels,
        bounds=np.column_stack(
            [np.zeros(2 * n_features), np.concatenate([high, -low])]
        ),
        method="highs",
    )
    if result.status != 0:
        return None
    up, down = np.split(result.x, 2)
    step: Floats = up - down
    return step
