"""Certificate from the spectrum of the hyperplanes' normals.

Say that a perturbation of size r makes enough votes change their minds, and that it
moves the sample by ``y_i`` along the unit normal ``a_i`` of each hyperplane. For any
weights ``D_i``, ``sum_i D_i y_i^2 <= lambda r^2`` with the largest eigenvalue lambda of
``sum_i D_i a_i a_i^T``. The units that switch have ``y_i >= t_i``, their distance, so
that the sum is at least ``sum_i D_i t_i^2`` over them, and that is at least what the
cheapest sets of units cost that change enough votes: r is at least the root of that
cost over lambda.

With weights of one this is sharp only where all normals are orthogonal. Most units are
too expensive to be in any cheap set; lowering their weights until they are hardly so
leaves the cost as it is and makes lambda much smaller.
"""

from __future__ import annotations

from time import monotonic

import numpy as np

from sklearn_scd.robustness._hyperplanes.geometry import SLACK, is_eigenvalue_bound
from sklearn_scd.robustness._hyperplanes.knapsack import cap_costs
from sklearn_scd.robustness._hyperplanes.standing import PRICE, SET, steps_of

_FACTOR = 1.5  # of what a unit's gain is worth, up to which it keeps its cost
# Directions that are split, and how often a box is halved at most. With more of them
# the bound rises slowly and the work grows fast: the first alone without a time limit.
_SPLITS = (1, 6), (2, 10), (3, 13), (4, 16)
_REACH = 4.0  # times the bound without splitting: no more is tried
_HALVINGS = 7  # of the range in which the bound is looked for


def spectral_bound(standing, geometry, winner, target):
    """Least L2 size of a perturbation that can bring about another class.

    Parameters
    ----------
    standing : Standing
    geometry : Geometry
    winner, target : int
        Class codes.

    Returns
    -------
    bound : float
    """
    cost, weights = _weigh(standing, winner, target, standing.distances)
    if cost in (0.0, np.inf):
        return cost
    return np.sqrt(cost / geometry.largest_eigenvalue(weights.ravel()))


def split_bound(standing, geometry, winner, target, start=0.0, time_limit=None):
    """The same, sharper where the normals span a small space.

    Two things are added. Below a radius r, units farther than r can't switch at all:
    votes that need them are dearer, and r is proven if even so the bound is not below
    it. And along the direction that most normals share the perturbation is taken to lie
    in an interval, which moves every hyperplane by a known amount at most; only the
    rest, which is shorter by as much, obeys the spectral bound. Intervals are halved
    where they can't be proven.

    Parameters
    ----------
    standing : Standing
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
    cost, weights = _weigh(standing, winner, target, standing.distances)
    if cost in (0.0, np.inf):
        return cost
    sizes, vectors = np.linalg.eigh(geometry.second_moment(weights.ravel()))
    proven = max(start, np.sqrt(cost / (sizes[-1] * (1 + SLACK))))
    end = monotonic() + (time_limit or 0.0)
    for n_along, depth in _SPLITS:
        if n_along >= len(sizes) or (n_along > 1 and monotonic() > end):
            break
        space = _Space(
            standing, winner, target, geometry.coordinates, vectors, sizes, n_along,
            np.inf if n_along == 1 else end,
        )  # fmt: skip
        low, high = proven, _REACH * proven
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            if space.is_free(middle, depth):
                low = middle
            else:
                high = middle
        proven = low
    return proven


class _Space:
    """The space as a few directions and the rest, around a sample."""

    def __init__(
        self, standing, winner, target, coordinates, vectors, sizes, n_along, end
    ):
        self.standing, self.winner, self.target = standing, winner, target
        along = coordinates @ vectors[:, -n_along:]
        self.along = along * standing.signs.reshape(-1, 1)  # of the way to switching
        self.rest = coordinates @ vectors[:, :-n_along]
        self.rest_sizes = np.linalg.norm(self.rest, axis=1)
        self.widths = np.sqrt(sizes[-n_along:])
        self.end = end
        corner = np.ones(n_along)
        self.boxes = [(-corner, corner, 0)]  # of the last proof, in shares of a radius
        self.hardest = None

    def is_free(self, radius, depth):
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

    def _is_box_free(self, low, high, radius):
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
        distances = self.standing.distances.ravel() - nearer
        reached = distances < np.sqrt(left) * self.rest_sizes
        distances = np.where(reached | (distances <= 0), distances, np.inf)
        distances = np.maximum(distances, 0.0).reshape(self.standing.distances.shape)
        cost, weights = _weigh(self.standing, self.winner, self.target, distances)
        if cost in (0.0, np.inf):
            return cost == np.inf
        weights = weights.ravel()
        used = np.flatnonzero(weights)
        rows = self.rest[used] * np.sqrt(weights[used])[:, np.newaxis]
        return is_eigenvalue_bound(cost / left / (1 + SLACK), rows.T @ rows)


def _weigh(standing, winner, target, distances):
    """Weights of the units, and what it costs then to bring about another class.

    Parameters
    ----------
    standing : Standing
    winner, target : int
    distances : ndarray of shape (n_networks, n_units), float64
        Not negative; the sample's, or those that are left in a part of the space.

    Returns
    -------
    cost : float
        Least ``sum_i weights_i distances_i^2`` over sets of units that may do.
    weights : ndarray of shape (n_networks, n_units)
    """
    squares = np.square(distances)
    costs = squares.copy()
    prices = standing.vote_costs(PRICE, costs)
    third = (standing.named != winner)[:, np.newaxis]
    prices[third & (np.arange(prices.shape[1]) != target)] = 0.0
    cap_costs(prices, np.float64(_FACTOR), standing.changes, standing.named, costs)
    steps = steps_of(
        standing.vote_costs(SET, costs), standing.named, winner, target, summed=True
    )
    n_steps = standing.needed(winner, target)
    dearest = steps.cheapest(n_steps)[-1]
    if dearest in (0.0, np.inf):
        return dearest, np.zeros_like(costs)
    # No vote needs to be dearer than the dearest of those needed.
    dear = (steps.first > dearest) & (steps.first < np.inf)
    factors = np.divide(dearest, steps.first, where=dear, out=np.ones(dear.size))
    scaled = type(steps)(steps.first * factors, steps.second * factors)
    usable = (squares > 0) & (squares < np.inf)
    weights = np.divide(costs, squares, where=usable, out=np.zeros_like(costs))
    weights *= np.repeat(factors, len(weights) // factors.size)[:, np.newaxis]
    return scaled.cheapest(n_steps).sum(), weights
