"""Certificate from the spectrum of the hyperplanes' normals.

Say that a perturbation of size r makes enough votes change their minds, and that it
moves the sample by ``y_i`` along the unit normal ``a_i`` of each hyperplane. For any
weights ``D_i``, ``sum_i D_i y_i^2 <= lambda r^2`` with the largest eigenvalue lambda of
``sum_i D_i a_i a_i^T``. The units that switch have ``y_i >= t_i``, their distance, so
that the sum is at least ``sum_i D_i t_i^2`` over them, and that is at least what the
cheapest sets of units cost that change enough votes: r is at least the root of that
cost over lambda.

Rounding may switch a unit that lacks s r of t_i, with a small slope s: then the root of
``sum_i D_i y_i^2`` is smaller by at most s r times the root of ``sum_i D_i``, which
joins the root of lambda in the denominator.

With weights of one this is sharp only where all normals are orthogonal. Most units are
too expensive to be in any cheap set; lowering their weights until they are hardly so
leaves the cost as it is and makes lambda much smaller.
"""

from __future__ import annotations

import numpy as np

from sklearn_scd._typing import Floats
from sklearn_scd.robustness._hyperplanes.geometry import Geometry
from sklearn_scd.robustness._hyperplanes.knapsack import cap_costs
from sklearn_scd.robustness._hyperplanes.located_sample import (
    PRICE,
    SET,
    LocatedSample,
    steps_of,
)

_FACTOR = 1.5  # of what a unit's gain is worth, up to which it keeps its cost


def spectral_bound(
    located: LocatedSample, geometry: Geometry, winner: int, target: int
) -> float:
    """Least L2 size of a perturbation that can bring about another class.

    Parameters
    ----------
    located : LocatedSample
    geometry : Geometry
    winner, target : int
        Class codes.

    Returns
    -------
    bound : float
    """
    cost, weights = weigh(located, winner, target, located.distances)
    if cost in (0.0, np.inf):
        return cost
    slope = located.slopes.max() * np.sqrt(weights.sum())
    largest = geometry.largest_eigenvalue(weights.ravel())
    return float(np.sqrt(cost) / (np.sqrt(largest) + slope))


def weigh(
    located: LocatedSample, winner: int, target: int, distances: Floats
) -> tuple[float, Floats]:
    """Weights of the units, and what it costs then to bring about another class.

    Parameters
    ----------
    located : LocatedSample
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
    prices = located.vote_costs(PRICE, costs)
    third = (located.named != winner)[:, np.newaxis]
    prices[third & (np.arange(prices.shape[1]) != target)] = 0.0
    cap_costs(prices, np.float64(_FACTOR), located.changes, located.named, costs)
    steps = steps_of(
        located.vote_costs(SET, costs), located.named, winner, target, summed=True
    )
    n_steps = located.needed(winner, target)
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
