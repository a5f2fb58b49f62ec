"""How large a margin, and noise, the data can do with: ``margin='auto'``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from sklearn_scd._range import exponent_of
from sklearn_scd._stratified import draw_some
from sklearn_scd._typing import Floats

# Measured on chest X-rays, digits and tables: see docs/robust_training.
_OF_NEAREST = 0.14
_OF_PLANE = 0.4

# In training by radii: see docs/notebook/2026-11-27-radii.
_NOISE_OF_SPREAD = 0.1

_MAX_ROWS = 2000  # that are looked at
_MAX_DIRECTIONS = 64  # in which planes are sought
_RIDGE = 1e-3  # times the number of samples, of features of unit variance


def automatic_size(
    X: NDArray[Any], labels: NDArray[np.intp], rows: NDArray[np.intp], seed: int
) -> float:
    """L2 size of perturbations that hardly mixes the classes.

    Two distances bound it, each a median over samples. One is that to the nearest
    sample of another class. In it lie also differences that tell nothing of the class;
    the other, to the hyperplane by which a linear classifier tells a sample's class
    from the rest, leaves them out, but means little where classes are not linear. The
    size is the smaller of a fraction of each.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    labels : ndarray of shape (n_samples,), int
    rows : ndarray of shape (n_rows,), int
        Distinct samples of at least two classes, in an order that depends on them
        alone.
    seed : int
        Of the rows that are drawn where there are many.

    Returns
    -------
    size : float
        0 where equal samples of different classes leave nothing.
    """
    rng = np.random.RandomState(seed)
    rows = rows[draw_some(labels[rows], _MAX_ROWS, rng)]
    X, labels, exponent = _centred(X, labels, rows)
    nearest = _median(_distances_to_others(X, labels))
    if min(X.shape) > _MAX_DIRECTIONS:
        pca = PCA(_MAX_DIRECTIONS, svd_solver="randomized", random_state=rng)
        X = pca.fit_transform(X)
    to_planes = _median(_distances_to_planes(X, labels))
    return math.ldexp(min(_OF_NEAREST * nearest, _OF_PLANE * to_planes), exponent)


def sizes_of_radii(
    X: NDArray[Any], labels: NDArray[np.intp], rows: NDArray[np.intp]
) -> dict[str, float]:
    """Margin and noise for a training by radii, by the spread of the samples.

    The margin is smaller, by the square of the overlap, where two classes overlap
    little along the line between their means.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    labels : ndarray of shape (n_samples,), int
    rows : ndarray of shape (n_rows,), int
        Distinct samples of at least two classes.

    Returns
    -------
    sizes : dict
        With the keys 'margin' and 'noise'. The spread is the root of the mean squared
        distance to the mean, or 1 where samples are all alike.
    """
    X, labels, exponent = _centred(X, labels, rows)
    spread = math.sqrt(float((X**2).sum(axis=1).mean()))
    spread = math.ldexp(spread, exponent) or 1.0
    overlap = _overlap(X, labels) if np.unique(labels).size == 2 else 1.0
    return {
        "margin": spread * overlap**2,
        "noise": _NOISE_OF_SPREAD * spread,
    }


def _centred(
    X: NDArray[Any], labels: NDArray[np.intp], rows: NDArray[np.intp]
) -> tuple[Floats, NDArray[np.intp], int]:
    """Rows about their mean, in units of a power of two in which squares are sound."""
    samples: Floats = X[rows].astype(np.float64)
    exponent = exponent_of(samples)
    if exponent:
        samples = np.ldexp(samples, -exponent)
    samples -= samples.mean(axis=0)
    return samples, labels[rows], exponent


def _overlap(X: Floats, labels: NDArray[np.intp]) -> float:
    """Variance along the line between two means over their squared distance, or 1."""
    second = labels == labels.max()
    between = X[second].mean(axis=0) - X[~second].mean(axis=0)
    distance = math.sqrt(float(between @ between))
    if not distance > 0:
        return 1.0
    deviation = float((X @ (between / distance)).std())
    return min(deviation / distance, 1.0) ** 2


def _median(distances: Floats) -> float:
    """Median of those that are not zero."""
    apart = distances[distances > 0]
    return float(np.median(apart)) if apart.size else 0.0


def _distances_to_others(X: Floats, labels: NDArray[np.intp]) -> Floats:
    """Distance of each sample to the nearest one of another class."""
    distances = np.empty(len(X))
    for k in np.unique(labels):
        inside = labels == k
        others = NearestNeighbors(n_neighbors=1).fit(X[~inside])
        found, places = others.kneighbors(X[inside])
        # By products of many features equal samples have a distance of about 1e-8.
        apart = (X[inside] != X[~inside][places[:, 0]]).any(axis=1)
        distances[inside] = np.where(apart, found[:, 0], 0.0)
    return distances


def _distances_to_planes(X: Floats, labels: NDArray[np.intp]) -> Floats:
    """Distance of each sample to the hyperplane between its class and the rest."""
    scaler = StandardScaler().fit(X)
    scaled = scaler.transform(X)
    planes = RidgeClassifier(alpha=_RIDGE * len(X)).fit(scaled, labels)
    weights = np.atleast_2d(planes.coef_)  # of two classes, some versions have one axis
    norms = np.linalg.norm(weights / scaler.scale_, axis=1)
    outputs = planes.decision_function(scaled).reshape(len(X), -1)
    distances: Floats = np.abs(outputs) / np.where(norms > 0, norms, np.inf)
    if distances.shape[1] > 1:
        codes = np.searchsorted(planes.classes_, labels)
        distances = distances[np.arange(len(X)), codes]
    return distances.ravel()
