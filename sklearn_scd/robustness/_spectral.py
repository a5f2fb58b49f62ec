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

import heapq
from itertools import count

import numpy as np

from sklearn_scd.robustness._kernels import cap_costs
from sklearn_scd.robustness._standing import BOTTLENECK, PRICE, SET, steps_of

_FACTOR = 1.5  # of what a unit's gain is worth, up to which it keeps its cost
# A third direction gained a hundredth of the bound and needed ten times the boxes.
_DIRECTIONS = 2  # that are split
_BOXES = 128  # that are looked at
_REACH = 3.0  # times the bound without splitting, beyond which nothing is split


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


def split_bound(standing, geometry, winner, target):
    """The same, with the space split along the directions that most normals share.

    The part of a perturbation along those directions is taken to lie in a box, which
    moves every hyperplane by a known amount at most; the rest obeys the spectral bound
    and that of the bottlenecks, in the space that is left. The box with the lowest
    bound is halved again and again.

    Parameters
    ----------
    standing : Standing
    geometry : Geometry
        With coordinates, at least two.
    winner, target : int
        Class codes.

    Returns
    -------
    bound : float
    """
    cost, weights = _weigh(standing, winner, target, standing.distances)
    if cost in (0.0, np.inf):
        return cost
    sizes, vectors = np.linalg.eigh(geometry.second_moment(weights.ravel()))
    n_along = min(_DIRECTIONS, len(sizes) - 1)
    along = geometry.coordinates @ vectors[:, -n_along:]
    slab = _Slab(
        standing, winner, target, along * standing.signs.reshape(-1, 1),
        geometry.coordinates @ vectors[:, :-n_along],
    )  # fmt: skip
    widths = np.sqrt(sizes[-n_along:])
    reach = _REACH * np.sqrt(cost / sizes[-1])
    low = np.full(n_along, -reach)
    order = count()  # boxes of equal bounds can't be compared
    boxes = [(slab.bound(low, -low), next(order), low, -low)]
    for _ in range(_BOXES // 2):
        bound, _, low, high = boxes[0]
        if bound >= reach:
            break
        heapq.heappop(boxes)
        axis = np.argmax((high - low) * widths)
        middle = 0.5 * (low[axis] + high[axis])
        for side in (low, high):
            halves = low.copy(), high.copy()
            halves[1 if side is low else 0][axis] = middle
            # A part of a box is never worse than the box.
            part = max(bound, slab.bound(*halves))
            heapq.heappush(boxes, (part, next(order), *halves))
    return min(boxes[0][0], reach)  # outside of all boxes is beyond reach


class _Slab:
    """The space as a few directions and the rest."""

    def __init__(self, standing, winner, target, along, rest):
        self.standing, self.winner, self.target = standing, winner, target
        self.along = along  # of the way to a unit's switching
        self.rest = rest
        self.rest_sizes = np.linalg.norm(rest, axis=1)

    def bound(self, low, high):
        """Least size of a perturbation whose part along the directions is in a box."""
        standing = self.standing
        shape = standing.distances.shape
        nearer = np.maximum(self.along * low, self.along * high).sum(axis=1)
        distances = np.maximum(standing.distances - nearer.reshape(shape), 0.0)
        nearest = np.maximum(np.maximum(low, -high), 0.0)
        rest = max(self._spectral(distances), self._order(distances))
        return np.sqrt(np.square(nearest).sum() + rest**2)

    def _spectral(self, distances):
        cost, weights = _weigh(self.standing, self.winner, self.target, distances)
        if cost in (0.0, np.inf):
            return cost
        moment = (self.rest.T * weights.ravel()) @ self.rest
        largest = np.linalg.eigvalsh(moment)[-1]
        return np.sqrt(cost / largest) if largest > 0 else np.inf

    def _order(self, distances):
        sizes = self.rest_sizes.reshape(distances.shape)
        reached = np.where(distances > 0, np.inf, 0.0)
        reached = np.divide(distances, sizes, where=sizes > 0, out=reached)
        by_vote = self.standing.vote_costs(BOTTLENECK, reached)
        steps = steps_of(
            by_vote, self.standing.named, self.winner, self.target, summed=False
        )
        return steps.cheapest(self.standing.needed(self.winner, self.target))[-1]


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
