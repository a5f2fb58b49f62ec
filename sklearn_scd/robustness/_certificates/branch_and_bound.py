"""The nearest cell between hyperplanes in which another class is predicted."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from time import monotonic

import numpy as np

from sklearn_scd._typing import Floats
from sklearn_scd.robustness._certificates.order_statistic import OrderBound
from sklearn_scd.robustness._hyperplanes.geometry import Geometry
from sklearn_scd.robustness._hyperplanes.least_distance import distance_bound
from sklearn_scd.robustness._hyperplanes.located_sample import (
    LEAST,
    MOST,
    SET,
    LocatedSample,
    steps_of,
)


@dataclass(frozen=True)
class _Node:
    """A part of the space: some units must have switched, some must not have."""

    bound: float
    switched: tuple[int, ...]
    kept: tuple[int, ...]
    moves: Floats  # of its nearest point towards each hyperplane, (n_rows,)


def nearest_cell(
    order: OrderBound,
    geometry: Geometry,
    located: LocatedSample,
    winner: int,
    time_limit: float | None = None,
) -> float:
    """Least L2 size of a perturbation that changes the class, by branch and bound.

    A node of the search says of some units that they have switched, of others that they
    have not; its nearest point solves a least-distance problem. Where the votes at that
    point predict another class, that is the node's answer; elsewhere a unit that would
    help is decided both ways. The node with the lowest bound is next, so that the first
    answer is the nearest one.

    Parameters
    ----------
    order : OrderBound
        Its bounds prune.
    geometry : Geometry
    located : LocatedSample
        Of hard votes of sign networks.
    winner : int
        Code of the class predicted.
    time_limit : float, default=None
        Seconds.

    Returns
    -------
    distance : float
        Exact but for rounding; at the time limit a lower bound. inf where nothing
        changes the class.
    """
    search = _Search(order, geometry, located, winner)
    end = np.inf if time_limit is None else monotonic() + time_limit
    ticket = count()  # nodes of equal bounds can't be compared
    root = _Node(0.0, (), (), np.zeros(located.signs.size))
    nodes = [(0.0, next(ticket), root)]
    while nodes:
        bound, _, node = heapq.heappop(nodes)
        unit = search.unit_to_decide(node)
        if unit is None or monotonic() > end:
            return bound
        for child in search.decide(node, unit):
            heapq.heappush(nodes, (child.bound, next(ticket), child))
    return np.inf


class _Search:
    """What nodes of one search share."""

    def __init__(
        self, order: OrderBound, geometry: Geometry, located: LocatedSample, winner: int
    ) -> None:
        self.order, self.geometry = order, geometry
        self.located, self.winner = located, winner
        self.n_classes = located.counts.size
        self.targets = [code for code in range(self.n_classes) if code != winner]
        self.signs = located.signs.ravel()
        self.distances = located.distances.ravel()
        self.slopes = located.slopes.ravel()
        # A unit that stays may look as if it had switched by as much as is rounded.
        self.ends = self.distances + 2 * located.rounding.ravel()
        self.ends = np.maximum(self.ends, LEAST)

    def unit_to_decide(self, node: _Node) -> int | None:
        """A unit whose switching would help at the node's point.

        None where another class is predicted there; -1 where no unit that is not
        decided could bring that about.
        """
        located = self._at(node)
        if located.counts.argmax() != self.winner:
            return None
        best, unit = np.inf, -1
        costs = self._remaining(node)
        by_vote = located.vote_costs(SET, costs)
        for target in self.targets:
            steps = steps_of(by_vote, located.named, self.winner, target, summed=True)
            cost = steps.cheapest(located.needed(self.winner, target))[-1]
            if cost < best:
                best = cost
                unit = self._helper(located, costs, int(steps.first.argmin()))
        return unit

    def decide(self, node: _Node, unit: int) -> Iterator[_Node]:
        """The node's two parts, those that can be empty left out."""
        if unit < 0:
            return
        for switched, kept in (
            ((*node.switched, unit), node.kept),
            (node.switched, (*node.kept, unit)),
        ):
            moves = node.moves
            reached = moves[unit] >= self.distances[unit]
            if (len(switched) > len(node.switched)) != reached or not switched:
                moves, bound = self._nearest(switched, kept)
            else:
                bound = node.bound
            bound = max(bound, node.bound, self._bound(switched, kept))
            if bound < np.inf:
                yield _Node(bound, switched, kept, moves)

    def _nearest(
        self, switched: tuple[int, ...], kept: tuple[int, ...]
    ) -> tuple[Floats, float]:
        """Moves at the nearest point with these units decided, and its distance."""
        # Units that are farther than they count as may switch: that proves no less.
        kept = tuple(unit for unit in kept if self.ends[unit] < MOST)
        rows = np.array([*switched, *kept], dtype=np.intp)
        if rows.size == 0:
            return np.zeros(self.signs.size), 0.0
        towards = self.signs[rows] * np.repeat([1.0, -1.0], [len(switched), len(kept)])
        levels = np.concatenate(
            [self.distances[list(switched)], -self.ends[list(kept)]]
        )
        turned = self.geometry.vectors(rows) * towards[:, np.newaxis]
        bound, step, multipliers = distance_bound(turned, levels, self.slopes[rows])
        if self.geometry.coordinates is not None:
            moves = self.geometry.coordinates @ step
        else:
            along = self.geometry.inner_products(rows, slice(None))
            moves = (multipliers * towards) @ along
        moves *= self.signs
        moves[list(switched)] = np.maximum(
            moves[list(switched)], self.distances[list(switched)]
        )
        return moves, bound

    def _bound(self, switched: tuple[int, ...], kept: tuple[int, ...]) -> float:
        """The bound of single votes, with the decided units free or out of reach."""
        distances = self.distances.copy()
        distances[list(switched)] = 0.0
        distances[list(kept)] = np.inf
        distances = distances.reshape(self.located.distances.shape)
        return min(
            self.order(self.located, self.winner, target, distances)
            for target in self.targets
        )

    def _at(self, node: _Node) -> LocatedSample:
        """The sample located at a node's nearest point."""
        on = node.moves >= self.distances
        on[list(node.switched)] = True
        on[list(node.kept)] = False
        return self.located.switched(on)

    def _remaining(self, node: _Node) -> Floats:
        """Squared way to each hyperplane from the node's point; decided ones can't."""
        costs = np.square(self.distances - node.moves)
        costs[list(node.switched)] = np.inf
        costs[list(node.kept)] = np.inf
        return costs.reshape(self.located.distances.shape)

    def _helper(self, located: LocatedSample, costs: Floats, vote: int) -> int:
        """The unit of a vote that brings it nearest to another class for its cost."""
        n_rivals = located.outputs.shape[1]
        gains = np.zeros_like(located.changes)
        named = located.named[vote]
        if n_rivals == 1:
            gains[vote] = located.changes[vote] * (1.0 if named == 0 else -1.0)
        else:
            first = vote * n_rivals
            # Whatever class it may go over to.
            gains[first : first + n_rivals] = located.changes[first : first + n_rivals]
            gains[first + named] *= -1.0
        useful = (gains > 0) & np.isfinite(costs)
        ratios = np.where(useful, costs / np.where(useful, gains, 1.0), np.inf)
        return int(ratios.argmin()) if useful.any() else -1
