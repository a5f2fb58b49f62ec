"""The spectral certificate, sharper where the normals span a small space.

Two things are added to :mod:`.spectral`. Units that are too far to switch within a
radius are left out. And the space is split into boxes along the directions that most
normals share: in a box the perturbation moves every hyperplane by a known amount at
most, and only the rest of it obeys the spectral bound.
"""

from __future__ import annotations

from time import monotonic

import numpy as np

from sklearn_scd._typing import Floats
from sklearn_scd.robustness._certificates.spectral import weigh
from sklearn_scd.robustness._hyperplanes.geometry import (
    SLACK,
    Geometry,
    is_eigenvalue_bound,
)
from sklearn_scd.robustness._hyperplanes.located_sample import LocatedSample

# Directions that are split, and how often a box is halved at most. With more of them
# the bound rises slowly and the work grows fast: the first alone without a time limit.
_SPLITS = (1, 6), (2, 10), (3, 13), (4, 16)
_REACH = 4.0  # times the bound without splitting: no more is tried
_HALVINGS = 7  # of the range in which the bound is looked for
_POWERS = 4  # of a matrix, to get near its largest eigenvalue


def split_bound(
    located: LocatedSample,
    geometry: Geometry,
    winner: int,
    target: int,
    start: float = 0.0,
    time_limit: float | None = None,
) -> float:
    """Least L2 size of a perturbation that can bring about another class.

    Below a radius r, units farther than r can't switch at all:
    votes that need them are dearer, and r is proven if even so the bound is not below
    it. And along the direction that most normals share the perturbation is taken to lie
    in an interval, which moves every hyperplane by a known amount at most; only the
    rest, which is shorter by as much, obeys the spectral bound. Intervals are halved
    where they can't be proven.

    Parameters
    ----------
    located : LocatedSample
    geometry : Geometry
        With coordinates, at least two.
    winner, target : int
        Class codes.
    start : float, default=0.0
        A bound that is known.
    time_limit : float, default=None
        Seconds for splitting along further directions.

    Returns
    -------
    bound : float
    """
    cost, weights = weigh(located, winner, target, located.distances)
    if cost in (0.0, np.inf):
        return cost
    assert geometry.coordinates is not None
    sizes, vectors = np.linalg.eigh(geometry.second_moment(weights.ravel()))
    slope = located.slopes.max() * np.sqrt(weights.sum())
    largest = np.sqrt(sizes[-1] * (1 + SLACK)) + slope
    proven = max(start, float(np.sqrt(cost)) / largest)
    end = monotonic() + (time_limit or 0.0)
    for n_along, depth in _SPLITS:
        if n_along >= len(sizes) or (n_along > 1 and monotonic() > end):
            break
        space = _Space(
            located, winner, target, geometry.coordinates, vectors, sizes, n_along,
            np.inf if n_along == 1 else end,
        )  # fmt: skip
        low, high = proven, _REACH * proven
        # As a rule nothing is gained, which a look at the smallest gain tells.
        least = _smallest_gain(low, high)
        if not space.is_free(least, depth):
            continue
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            if space.is_free(middle, depth):
                low = middle
            else:
                high = middle
        proven = max(low, least)
    return proven


def _smallest_gain(low: float, high: float) -> float:
    """The radius next to the lower end of a range that is halved so often."""
    for _ in range(_HALVINGS):
        high = 0.5 * (low + high)
    return high


class _Space:
    """The space as a few directions and the rest, around a sample."""

    def __init__(
        self,
        located: LocatedSample,
        winner: int,
        target: int,
        coordinates: Floats,
        vectors: Floats,
        sizes: Floats,
        n_along: int,
        end: float,
    ) -> None:
        self.located, self.winner, self.target = located, winner, target
        along = coordinates @ vectors[:, -n_along:]
        self.along = along * located.signs.reshape(-1, 1)  # of the way to switching
        self.rest = coordinates @ vectors[:, :-n_along]
        self.rest_sizes = np.linalg.norm(self.rest, axis=1)
        self.buffer = np.empty_like(self.rest)
        # The direction of the rest in which a box failed last, and squares along it.
        self.direction = np.ones(self.rest.shape[1])
        self.witness = np.zeros(len(self.rest))
        self.widths = np.sqrt(sizes[-n_along:])
        self.end = end
        corner = np.ones(n_along)
        self.boxes = [(-corner, corner, 0)]  # of the last proof, in shares of a radius
        self.hardest: tuple[Floats, Floats] | None = None

    def is_free(self, radius: float, depth: int) -> bool:
        """Whether it is proven that no perturbation within a radius will do.

        The boxes in which it was proven last cover the space at any scale, and the one
        in which it failed last is the likeliest to fail again: both save boxes.
        """
        if self.hardest is not None:
            low, high = self.hardest
            if not self._is_box_free(low, high, radius):
                return False
        boxes = [(low, high, left + depth) for low, high, left in self.boxes]
        done = []
        while boxes:
            low, high, left = boxes.pop()
            if self._is_box_free(low, high, radius):
                done.append((low, high, left - depth))
                continue
            if left <= 0:
                self.hardest = low, high
                return False
            if monotonic() > self.end:
                return False
            axis = np.argmax((high - low) * self.widths)
            middle = 0.5 * (low[axis] + high[axis])
            below, above = high.copy(), low.copy()
            below[axis] = above[axis] = middle
            boxes.append((low, below, left - 1))
            boxes.append((above, high, left - 1))
        self.boxes = done
        return True

    def _is_box_free(self, low: Floats, high: Floats, radius: float) -> bool:
        """The same in a box, whose corners are given in shares of the radius."""
        low, high = low * radius, high * radius
        nearest = np.maximum(np.maximum(low, -high), 0.0)
        left = radius**2 - np.square(nearest).sum()
        if left <= 0:
            return True
        if self.along.shape[1] == 1:
            nearer = np.maximum(self.along[:, 0] * low, self.along[:, 0] * high)
        else:
            nearer = np.maximum(self.along * low, self.along * high).sum(axis=1)
        distances = self.located.distances.ravel() - nearer
        distances -= radius * self.located.slopes.ravel()
        reached = distances < np.sqrt(left) * self.rest_sizes
        distances = np.where(reached | (distances <= 0), distances, np.inf)
        distances = np.maximum(distances, 0.0).reshape(self.located.distances.shape)
        cost, weights = weigh(self.located, self.winner, self.target, distances)
        if cost in (0.0, np.inf):
            return cost == np.inf
        weights = weights.ravel()
        most = cost / left / (1 + SLACK)
        # One direction along which it is more is enough, and costs next to nothing.
        if (self.witness * weights).sum() > most * (1 + SLACK):
            return False
        used = np.flatnonzero(weights)
        rows = np.take(
            self.rest, used, axis=0, out=self.buffer[: used.size], mode="clip"
        )
        rows *= np.sqrt(weights[used])[:, np.newaxis]
        moment = rows.T @ rows
        if is_eigenvalue_bound(most, moment):
            return True
        for _ in range(_POWERS):
            self.direction = moment @ self.direction
            self.direction /= np.linalg.norm(self.direction)
        self.witness = np.square(self.rest @ self.direction)
        return False
