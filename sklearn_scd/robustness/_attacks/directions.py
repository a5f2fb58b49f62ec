"""Directions in which to look for another class, of unit size, whatever the model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._rounding import row_norms
from sklearn_scd._typing import Floats

# Of axes, both ways, and of random directions; among many features they find little.
_MOST, _FEWEST = 32, 2
_NUMBERS = 4096  # in all of them
_N_NEAREST, _N_OTHERS = 8, 4  # of the points gone towards


def choose_points(
    x: Floats, points: NDArray[Any], norm: float, rng: np.random.Generator
) -> NDArray[Any]:
    """The nearest points and a few others, to go towards.

    Parameters
    ----------
    x : ndarray of shape (n_features,), float64
    points : ndarray of shape (n_points, n_features)
        Of other classes.
    norm : float
        1, 2 or inf.
    rng : numpy.random.Generator

    Returns
    -------
    chosen : ndarray of shape (n_chosen, n_features)
    """
    if len(points) == 0:
        return points
    distances = row_norms(points.astype(np.float64) - x, norm)
    order = np.argsort(distances, kind="stable")
    chosen, left = order[:_N_NEAREST], order[_N_NEAREST:]
    others = rng.choice(left, size=min(_N_OTHERS, left.size), replace=False)
    return points[np.append(chosen, others)]


def unit_steps(
    x: Floats, chosen: NDArray[Any], norm: float, rng: np.random.Generator
) -> Floats:
    """Steps towards chosen points, along axes and at random.

    Parameters
    ----------
    x : ndarray of shape (n_features,), float64
    chosen : ndarray of shape (n_chosen, n_features)
    norm : float
        1, 2 or inf.
    rng : numpy.random.Generator

    Returns
    -------
    steps : ndarray of shape (n_directions, n_features), float64
        Of size 1 in the norm.
    """
    n = int(np.clip(_NUMBERS // x.size, _FEWEST, _MOST))
    steps = [
        chosen.astype(np.float64) - x,
        _axes(x.size, n, rng),
        rng.standard_normal((n, x.size)),
        np.sign(rng.standard_normal((n, x.size))),
    ]
    return normalised(np.concatenate(steps), norm)


def normalised(steps: Floats, norm: float) -> Floats:
    """Steps of size 1, those of size 0 left out."""
    sizes = row_norms(steps, norm)
    kept = sizes > 0
    scaled: Floats = steps[kept] / sizes[kept, np.newaxis]
    return scaled


def _axes(n_features: int, most: int, rng: np.random.Generator) -> Floats:
    features = np.arange(n_features)
    if n_features > most:
        features = rng.choice(n_features, size=most, replace=False)
    steps = np.zeros((2 * features.size, n_features))
    steps[np.arange(features.size), features] = 1.0
    steps[features.size + np.arange(features.size), features] = -1.0
    return steps
