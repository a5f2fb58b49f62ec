"""The nearest cell between few hyperplanes that has another class, by branch and bound.

A node says of some units that they have switched and of others that they have not; its
nearest point within the range of values solves a least-distance problem. Where the
model names another class there, no other node is nearer. Elsewhere a unit that would
help is decided both ways. Nodes beyond the best point that is known are left out.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from sklearn_scd._typing import Floats
from sklearn_scd.robustness._attacks.sample import AttackedSample, is_adversarial
from sklearn_scd.robustness._attacks.shortest_step import shortest_step
from sklearn_scd.robustness._hyperplanes.located_sample import (
    BOTTLENECK,
    SET,
    LocatedSample,
    locate,
    steps_of,
)
from sklearn_scd.robustness._hyperplanes.networks import SignNetworks

_MOST_WEIGHTS = 640  # of all units: 20 of them on 32 features
_MOST_NODES, _MOST_PROGRAMMES = 160, 40  # opened, a sample
_NEARER = 1 - 1e-4  # of the best distance known: what is not nearer is not looked for


@dataclass(frozen=True)
class _Node:
    """A part of the space, and the step to its nearest point."""

    rows: tuple[int, ...]
    sides: tuple[
        float, ...
    ]  # 1 for units that have switched, -1 for those that haven't
    step: Floats


class CellSearch:
    """What is the same for all samples.

    Parameters
    ----------
    networks : SignNetworks
    norm : float

    Attributes
    ----------
    is_possible : bool
        Whether the networks are small enough, and have units that switch.
    """

    def __init__(self, networks: SignNetworks, norm: float) -> None:
        self.networks, self.norm = networks, norm
        n_rows, n_features = networks.normals.shape
        self.is_possible = (
            not networks.distances_are_outputs and n_rows * n_features <= _MOST_WEIGHTS
        )

    def run(self, sample: AttackedSample) -> None:
        """Search one sample's nearest cell, for each class that counts."""
        if not self.is_possible:
            return
        located = next(locate(self.networks, sample.x[np.newaxis], self.norm))
        winner = located.winner(self.networks.voting)
        targets = [sample.target]
        if sample.target < 0:
            targets = [k for k in range(self.networks.n_classes) if k != winner]
        most = _MOST_NODES if self.norm == 2 else _MOST_PROGRAMMES
        for target in targets:
            if target != winner:
                tree = _Tree(self.networks, sample, located, winner, target)
                tree.search(most // len(targets))


class _Tree:
    """The search for one class from one sample."""

    def __init__(
        self,
        networks: SignNetworks,
        sample: AttackedSample,
        located: LocatedSample,
        winner: int,
        target: int,
    ) -> None:
        self.networks, self.sample, self.located = networks, sample, located
        self.winner, self.target = winner, target
        self.signs: Floats = located.signs.ravel()
        euclidean = next(locate(networks, sample.x[np.newaxis], 2.0))
        rounding = euclidean.rounding.ravel()
        self.beyond: Floats = euclidean.distances.ravel() + 3 * rounding
        self.before: Floats = euclidean.distances.ravel() - rounding
        self.distances: Floats = located.distances.ravel()
        self.room = tuple(end - sample.x for end in sample.clip_values)
        self.roles = _roles(located, target)

    def search(self, n_nodes: int) -> None:
        """Open nodes, the nearest first, until one has the class."""
        ticket = count()  # nodes of equal bounds can't be compared
        root = _Node((), (), np.zeros(self.sample.x.size))
        nodes = [(0.0, next(ticket), root)]
        for _ in range(n_nodes):
            if not nodes:
                return
            bound, _, node = heapq.heappop(nodes)
            if bound >= _NEARER * self.sample.distance:
                return
            state, moves = self._state(node)
            code = state.winner(self.networks.voting)
            if is_adversarial(code, self.sample.code, self.sample.target):
                if self.sample.ask_one(self.sample.x + node.step):
                    return
                continue
            unit = self._unit_to_decide(node, state, moves)
            if unit is None:
                continue
            for side in (1.0, -1.0):
                child, bound_of_child = self._decide(node, bound, unit, side)
                if child is not None:
                    heapq.heappush(nodes, (bound_of_child, next(ticket), child))

    def _state(self, node: _Node) -> tuple[LocatedSample, Floats]:
        """The networks at a node's nearest point, and the moves that lead to it."""
        moves = (self.networks.normals @ node.step) * self.signs
        on = moves > self.before
        on[list(node.rows)] = np.array(node.sides) > 0
        return self.located.switched(on), moves

    def _unit_to_decide(
        self, node: _Node, state: LocatedSample, moves: Floats
    ) -> int | None:
        """A unit that helps for little; None where none that is undecided would."""
        on = moves > self.before
        ways = np.where(on, moves - self.before, self.beyond - moves)
        ways[list(node.rows)] = np.inf
        costs = np.square(ways).reshape(state.changes.shape)
        gains = self.roles * state.changes
        if self.networks.voting == "soft":
            outputs = state.outputs.reshape(-1, 1)
            gains = np.sign(gains) * np.abs(
                expit(outputs + state.changes) - expit(outputs)
            )
        else:
            by_vote = state.vote_costs(SET, costs)[:, self.target]
            by_vote[state.named == self.target] = np.inf
            if np.isinf(by_vote).all():
                return None
            others = np.ones(len(by_vote), dtype=bool)
            others[by_vote.argmin()] = False
            gains[np.repeat(others, len(gains) // len(by_vote))] = 0.0
        useful = (gains > 0) & np.isfinite(costs)
        if not useful.any():
            return None
        ratios = np.where(useful, gains, 0.0) / np.maximum(costs, 1e-300)
        return int(ratios.argmax())

    def _decide(
        self, node: _Node, bound: float, unit: int, side: float
    ) -> tuple[_Node | None, float]:
        """A part of a node, or None where it is empty or too far."""
        rows, sides = (*node.rows, unit), (*node.sides, side)
        bound = max(bound, self._bound_of_votes(rows, sides))
        if bound >= _NEARER * self.sample.distance:
            return None, bound
        chosen, turned = np.array(rows), np.array(sides)
        normals = self.networks.normals[chosen]
        normals = normals * (turned * self.signs[chosen])[:, np.newaxis]
        levels = np.where(turned > 0, self.beyond[chosen], -self.before[chosen])
        step: Floats | None = node.step
        if normals[-1] @ node.step < levels[-1]:
            step = shortest_step(self.sample.norm, normals, levels, *self.room)
        if step is None or (normals @ step < levels - 1e-9).any():
            return None, np.inf
        size = float(np.linalg.norm(step, ord=self.sample.norm))
        return _Node(rows, sides, step), max(bound, size)

    def _bound_of_votes(self, rows: tuple[int, ...], sides: tuple[float, ...]) -> float:
        """Least distance at which enough hard votes can change, one by one."""
        if self.networks.voting == "soft":
            return 0.0
        distances = self.distances.copy()
        distances[list(rows)] = np.where(np.array(sides) > 0, 0.0, np.inf)
        by_vote = self.located.vote_costs(
            BOTTLENECK, distances.reshape(self.located.distances.shape)
        )
        steps = steps_of(
            by_vote, self.located.named, self.winner, self.target, summed=False
        )
        needed = self.located.needed(self.winner, self.target)
        return float(steps.cheapest(needed)[-1])


def _roles(located: LocatedSample, target: int) -> NDArray[np.float64]:
    """1 for networks whose output should rise, -1 for the others; shape (n, 1)."""
    n_votes, n_rivals = located.outputs.shape
    if n_rivals == 1:
        return np.full((n_votes, 1), 1.0 if target == 1 else -1.0)
    roles = np.full((n_votes, n_rivals), -1.0)
    roles[:, target] = 1.0
    return roles.reshape(-1, 1)
