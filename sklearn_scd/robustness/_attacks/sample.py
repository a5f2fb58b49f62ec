"""One sample under attack: ask the model, keep the nearest adversarial point.

What is adversarial, how far a point is, how the boundary is found on the way to it and
how it is kept off the boundary is decided here, for all attacks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from sklearn_scd._rounding import row_norms
from sklearn_scd._typing import FittedClassifier, Floats
from sklearn_scd.robustness._labels import LabelCodes

HAIR = 2.0**-12  # of the distance, by which points are kept outside
_SQUARES_FIT = 1e-280, 1e280  # float64 holds them with all digits
_TOLERANCE = 1e-6  # of the distance, to which the boundary is searched


@dataclass(frozen=True)
class AttackedModel:
    """A model, and what may be done to its samples.

    Attributes
    ----------
    estimator : fitted classifier
    labels : LabelCodes
    norm : float
        1, 2 or inf.
    clip_values : tuple of (float, float)
        Smallest and largest value of a feature.
    """

    estimator: FittedClassifier
    labels: LabelCodes
    norm: float
    clip_values: tuple[float, float]

    def predict(self, points: NDArray[Any]) -> NDArray[np.intp]:
        """Class codes of points, shape (n,)."""
        return self.labels.predict(self.estimator, points)

    def clip(self, points: NDArray[Any]) -> NDArray[Any]:
        """Points within the clip values."""
        clipped: NDArray[Any] = np.clip(points, *self.clip_values)
        return clipped


@dataclass(frozen=True)
class Attempt:
    """What one attempt at a sample gave.

    Attributes
    ----------
    best : ndarray of shape (n_features,), or None
        The nearest adversarial point.
    distance : float
        Its distance; inf where there is none.
    n_queries : int
    history : list of float
        Distances after 0, 1, ... iterations, of attacks that keep them.
    stopped : bool
        Whether it could not go on to its end.
    spare : ndarray of shape (n_features,), or None
        An adversarial point farther out, for where `best` does not hold.
    """

    best: NDArray[Any] | None
    distance: float
    n_queries: int
    history: list[float]
    stopped: bool
    spare: NDArray[Any] | None = None


class AttackedSample:
    """A sample under attack, and the nearest adversarial point so far.

    Attacks of your own get it from :func:`run_attack` and ask it about points; it
    counts them and remembers the best.

    Parameters
    ----------
    model : AttackedModel
        The model that is asked, norm and range of values.

    x : ndarray of shape (n_features,), float32 or float64
        The sample. Points are asked in its dtype.

    code : int
        Place of its label in the classes.

    target : int, default=-1
        Place of the class that points must get to be adversarial; -1 for any other
        class than the label.

    Attributes
    ----------
    x : ndarray of shape (n_features,), float64
        The sample.

    clip_values : tuple of (float, float)
        Smallest and largest value of a feature; points are clipped to them.

    norm : float
        1, 2 or inf.

    code : int
        Place of its label in the classes.

    dtype : dtype
        That of points when the model is asked.

    best : ndarray of shape (n_features,), or None
        The nearest adversarial point that was asked about.

    distance : float
        Its distance from the sample; inf before one is found.

    n_queries : int
        Points asked about. An attack that asks the model in its own way adds to it.
    """

    def __init__(
        self, model: AttackedModel, x: NDArray[Any], code: int, target: int = -1
    ) -> None:
        self.model, self.code, self.target = model, code, target
        self.norm, self.clip_values = model.norm, model.clip_values
        self.dtype: DTypeLike = x.dtype
        self.x: Floats = x.astype(np.float64)
        self.origin = x  # in its own dtype
        self.best: NDArray[Any] | None = None
        self.spare: NDArray[Any] | None = None
        self.distance, self.n_queries = np.inf, 0

    def ask(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Ask the model about points, and keep the nearest adversarial one.

        Parameters
        ----------
        points : array-like of shape (n_points, n_features)
            They are clipped to the clip values.

        Returns
        -------
        adversarial : ndarray of shape (n_points,), bool
            Which of them are adversarial.
        """
        points = self.model.clip(np.asarray(points)).astype(self.dtype, copy=False)
        self.n_queries += len(points)
        adversarial = self._is_adversarial(self.model.predict(points))
        found = np.flatnonzero(adversarial)
        if found.size > 1:
            # Roughly first: in float64 this would take as long as a prediction.
            rough = _sizes(points - self.origin, self.norm, squared=True)
            found = found[[rough[found].argmin()]]
        for i in found:
            distance = self.distances(points[i : i + 1])[0]
            if 0 < distance < self.distance:
                self.best, self.distance = points[i].copy(), float(distance)
        return adversarial

    def ask_one(self, point: ArrayLike) -> bool:
        """Ask the model about a point; keep it if it is the nearest adversarial one.

        Parameters
        ----------
        point : array-like of shape (n_features,)
            It is clipped to the clip values.

        Returns
        -------
        adversarial : bool
            Whether it is adversarial.
        """
        return bool(self.ask(np.asarray(point)[np.newaxis])[0])

    def distances(self, points: NDArray[Any]) -> Floats:
        """Distances of points from the sample.

        Parameters
        ----------
        points : ndarray of shape (n_points, n_features)
            The points.

        Returns
        -------
        distances : ndarray of shape (n_points,), float64
            In the norm of the attack.
        """
        return _sizes(points.astype(np.float64) - self.x, self.norm)

    def _is_adversarial(self, codes: NDArray[np.intp]) -> NDArray[np.bool_]:
        return codes != self.code if self.target < 0 else codes == self.target


def to_boundary(sample: AttackedSample) -> None:
    """Move the best point towards the sample as far as it stays adversarial."""
    if sample.best is None:
        return
    sample.spare, step = sample.best, sample.best - sample.x

    def is_beyond(parts: NDArray[Any]) -> NDArray[np.bool_]:
        return sample.ask(sample.x + parts[:, np.newaxis] * step)

    bisect(is_beyond, np.zeros(1), np.ones(1), 40, _TOLERANCE)


def to_just_outside(sample: AttackedSample, n_halvings: int) -> None:
    """The same in the points' own dtype, and a hair farther out than that.

    So it does not depend on how a matrix product is rounded whether the point is
    adversarial.
    """
    if sample.best is None:
        return
    origin = sample.origin[np.newaxis]
    far = bisect(sample.ask, origin, sample.best[np.newaxis], n_halvings)
    outside = origin + np.asarray(1 + HAIR, sample.dtype) * (far - origin)
    outside = sample.model.clip(outside)
    sample.best = (outside if sample.ask(outside)[0] else far)[0]
    sample.distance = float(sample.distances(sample.best[np.newaxis])[0])


def push_outwards(sample: AttackedSample, point: NDArray[Any], n_nudges: int) -> bool:
    """Ask about a point, then farther and farther out until it is adversarial.

    Parameters
    ----------
    sample : AttackedSample
    point : ndarray of shape (n_features,)
    n_nudges : int
        The first is by a hair, and each next one twice as far.

    Returns
    -------
    adversarial : bool
    """
    outwards = point.astype(np.float64) - sample.x
    factors = np.append(1.0, 1.0 + HAIR * 2.0 ** np.arange(n_nudges))
    return any(sample.ask_one(sample.x + factor * outwards) for factor in factors)


def take_over(sample: AttackedSample, other: AttackedSample) -> None:
    """Keep the best point of another attack on the sample where it is nearer."""
    sample.n_queries += other.n_queries
    if other.distance < sample.distance:
        sample.best, sample.distance = other.best, other.distance


def attempt_at(
    sample: AttackedSample, history: list[float] | None = None, stopped: bool = False
) -> Attempt:
    """What was found for a sample."""
    return Attempt(
        sample.best, sample.distance, sample.n_queries, history or [], stopped,
        sample.spare,
    )  # fmt: skip


def is_adversarial(codes: Any, code: Any, target: Any) -> NDArray[np.bool_]:
    """Whether predicted classes are what an attack is after.

    Parameters
    ----------
    codes : ndarray of shape (n,), int
        Predicted.
    code : int, or ndarray of shape (n,)
        Of the true labels.
    target : int, or ndarray of shape (n,)
        The class to get to; -1 for any but the true one.

    Returns
    -------
    adversarial : ndarray of shape (n,), bool
    """
    return np.where(np.less(target, 0), codes != code, codes == target)


def bisect(
    is_beyond: Callable[[NDArray[Any]], NDArray[np.bool_]],
    near: NDArray[Any],
    far: NDArray[Any],
    n_halvings: int,
    tolerance: float = 0.0,
) -> NDArray[Any]:
    """Halve the ways from near to far, keeping the far ends beyond the boundary.

    Parameters
    ----------
    is_beyond : callable
        From ends between the two to whether they are beyond it, shape (n,).
    near, far : ndarray of shape (n,) or (n, n_features)
        Parts of a way, or points.
    n_halvings : int
        At most: it stops where nothing lies in between, or all ways are no longer than
        `tolerance`.
    tolerance : float, default=0.0

    Returns
    -------
    far : ndarray of the same shape
    """
    for _ in range(n_halvings):
        middle = 0.5 * near + 0.5 * far
        if (_same_rows(middle, near) | _same_rows(middle, far)).all():
            break
        beyond = is_beyond(middle).reshape(-1, *[1] * (middle.ndim - 1))
        near, far = np.where(beyond, near, middle), np.where(beyond, middle, far)
        if tolerance and (far - near < tolerance).all():
            break
    return far


def _same_rows(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    return (a == b).reshape(len(a), -1).all(axis=1)


def _sizes(steps: NDArray[Any], norm: float, squared: bool = False) -> NDArray[Any]:
    """Norms of steps, or what puts them in the same order, shape (n,)."""
    if norm == 2:
        squares: NDArray[Any] = np.einsum("ij,ij->i", steps, steps)
        return squares if squared else _roots(squares, steps)
    if norm == 1:
        return np.abs(steps).sum(axis=1)
    return np.abs(steps).max(axis=1, initial=0.0)


def _roots(squares: Floats, steps: Floats) -> Floats:
    """Roots of sums of squares, those anew that have lost digits, or all of them."""
    sizes: Floats = np.sqrt(squares)
    odd = ~((squares > _SQUARES_FIT[0]) & (squares < _SQUARES_FIT[1]))
    if odd.any():
        sizes[odd] = row_norms(steps[odd], 2)
    return sizes


def distance_between(a: NDArray[Any], b: NDArray[Any], norm: float) -> float:
    """Distance of two points, computed in float64."""
    difference = a.astype(np.float64) - b.astype(np.float64)
    return float(row_norms(difference[np.newaxis], norm)[0])
