"""The shortest step that crosses chosen hyperplanes and so changes chosen votes."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._typing import Floats
from sklearn_scd.robustness._hyperplanes.geometry import Geometry
from sklearn_scd.robustness._hyperplanes.knapsack import dual_ascent, greedy_set
from sklearn_scd.robustness._hyperplanes.least_distance import least_distance
from sklearn_scd.robustness._hyperplanes.located_sample import (
    SET,
    LocatedSample,
    steps_of,
)

_SWEEPS, _TOLERANCE = 30, 1e-5  # of ascent while votes are added,
_LAST_SWEEPS, _LAST_TOLERANCE = 2_000, 1e-10  # and at the end


class Surroundings:
    """A sample's hyperplanes, and the votes at any point near it.

    Parameters
    ----------
    geometry : Geometry
    located : LocatedSample
        Of the sample, L2.
    """

    def __init__(self, geometry: Geometry, located: LocatedSample) -> None:
        self.geometry, self.located = geometry, located
        self.signs: Floats = located.signs.ravel()
        distances = located.distances.ravel()
        rounding = located.rounding.ravel()
        # Far enough beyond or before a hyperplane that rounding does not matter.
        self.beyond: Floats = distances + 3 * rounding
        self.before: Floats = distances - rounding
        self.products: Floats | None = None
        if not geometry.has_small_basis:
            products = geometry.inner_products(np.arange(self.signs.size))
            self.products = products * self.signs[:, np.newaxis] * self.signs

    def at(self, moves: Floats) -> LocatedSample:
        """The sample located at a point, from its moves towards each hyperplane."""
        located: LocatedSample = self.located.switched(moves > self.before)
        return located


class Crossing:
    """Hyperplanes to cross and not to cross, and the shortest step that does so.

    Parameters
    ----------
    around : Surroundings
    """

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.sides: Floats = np.empty(0)
        self.votes: NDArray[np.int64] = np.empty(0, dtype=np.int64)  # for whose sake
        self.multipliers: Floats = np.empty(0)
        self.moves: Floats = np.zeros(around.signs.size)
        self.feasible = True

    def copy(self) -> Crossing:
        """A crossing that can be changed by itself."""
        other = Crossing(self.around)
        other._become(self)
        return other

    def _become(self, other: Crossing) -> None:
        """Take over another crossing's state."""
        for name in ("rows", "sides", "votes", "multipliers", "moves"):
            setattr(self, name, getattr(other, name).copy())
        self.feasible = True

    @property
    def levels(self) -> Floats:
        """Where the step must get to, or stay below, at each row."""
        around = self.around
        return np.where(
            self.sides > 0, around.beyond[self.rows], around.before[self.rows]
        )

    @property
    def length(self) -> float:
        """L2 norm of the step."""
        squared = (self.multipliers * self.sides) @ self.moves[self.rows]
        return math.sqrt(max(float(squared), 0.0))

    def add(self, rows: NDArray[np.int64], sides: Floats, vote: int) -> None:
        """Decide about further hyperplanes."""
        new = ~np.isin(rows, self.rows)
        self.rows = np.append(self.rows, rows[new])
        self.sides = np.append(self.sides, sides[new])
        self.votes = np.append(self.votes, np.full(new.sum(), vote))
        self.multipliers = np.append(self.multipliers, np.zeros(new.sum()))

    def remove(self, chosen: NDArray[np.bool_]) -> None:
        """Forget the hyperplanes that a mask chooses."""
        for name in ("rows", "sides", "votes", "multipliers"):
            setattr(self, name, getattr(self, name)[~chosen])

    def solve(self, last: bool = False) -> None:
        """Find the shortest step."""
        around = self.around
        if self.rows.size == 0:
            self.moves[:] = 0.0
        elif around.products is None:
            self._solve_exactly()
        else:
            sides = self.multipliers * self.sides
            self.moves = sides @ around.products[self.rows]
            dual_ascent(
                around.products, self.rows, self.sides, self.levels, self.multipliers,
                self.moves, np.int64(_LAST_SWEEPS if last else _SWEEPS),
                np.float64(_LAST_TOLERANCE if last else _TOLERANCE),
            )  # fmt: skip
            lack = self.sides * (self.levels - self.moves[self.rows])
            self.feasible = lack.max() < 1e-6 * max(self.length, 1e-9) or not last

    def _solve_exactly(self) -> None:
        around = self.around
        coordinates = around.geometry.coordinates
        assert coordinates is not None
        towards = self.sides * around.signs[self.rows]
        turned = coordinates[self.rows] * towards[:, np.newaxis]
        try:
            multipliers = least_distance(turned, self.sides * self.levels)
        except RuntimeError:
            multipliers = None
        self.feasible = multipliers is not None
        if multipliers is not None:
            self.multipliers = multipliers
            self.moves = (coordinates @ (multipliers @ turned)) * around.signs

    def complete(self, winner: int, target: int) -> bool:
        """Add votes, the cheapest first, until another class wins.

        Returns
        -------
        done : bool
            Whether it does.
        """
        banned: set[int] = set()
        n_votes = self.around.located.named.size
        for _ in range(4 * n_votes):
            located = self.around.at(self.moves)
            if located.counts.argmax() == target:
                self.solve(last=True)
                located = self.around.at(self.moves)
                if self.feasible and located.counts.argmax() != winner:
                    return True
                if not self.feasible:
                    return False
            before = self.copy()
            vote = self.add_cheapest(winner, target, banned)
            if vote is None:
                return False
            self.solve()
            if not self.feasible:
                self._become(before)
                banned.add(vote)
        return False

    def add_cheapest(
        self, winner: int, target: int, banned: Collection[int] = ()
    ) -> int | None:
        """Decide about hyperplanes of the vote that changes for the least.

        Parameters
        ----------
        winner, target : int
        banned : collection of int, default=()
            Votes that are left alone.

        Returns
        -------
        vote : int or None
            None where no vote can change.
        """
        located = self.around.at(self.moves)
        costs = self._costs()
        by_vote = located.vote_costs(SET, costs)
        steps = steps_of(by_vote, located.named, winner, target, summed=False)
        over = np.where(located.named == winner, steps.second, steps.first)
        over[list(banned)] = np.inf
        vote = int(over.argmin())
        if over[vote] == np.inf:
            return None
        self._add_vote(located, costs, vote, target)
        return vote

    def _costs(self) -> Floats:
        """Squared way to the other side of each hyperplane that is not decided."""
        around = self.around
        ways = np.where(
            self.moves > around.before,
            self.moves - around.before,
            around.beyond - self.moves,
        )
        costs = np.square(np.where(np.isfinite(ways), ways, np.inf))
        costs[self.rows] = np.inf
        return costs.reshape(around.located.changes.shape)

    def _add_vote(
        self, located: LocatedSample, costs: Floats, vote: int, target: int
    ) -> None:
        """Decide about a set of hyperplanes that makes a vote name the target."""
        n_rivals, n_units = located.outputs.shape[1], costs.shape[1]
        named = located.named[vote]
        if n_rivals == 1:
            networks, signs = [vote], [1.0 if target == 1 else -1.0]
            need = -signs[0] * located.outputs[vote, 0]
        else:
            networks = [vote * n_rivals + target, vote * n_rivals + named]
            signs = [1.0, -1.0]
            need = located.outputs[vote, named] - located.outputs[vote, target]
        if target > named:
            need = np.nextafter(need, np.inf)
        gains = np.concatenate(
            [s * located.changes[n] for n, s in zip(networks, signs, strict=True)]
        )
        members = np.zeros(gains.size, dtype=bool)
        greedy_set(costs[networks].ravel(), gains, np.float64(need), members)
        units = np.concatenate([n * n_units + np.arange(n_units) for n in networks])
        # What has helped so far must not be undone.
        on = self.moves[units] > self.around.before[units]
        helps = members | (on & (gains < 0))
        rows = units[helps]
        sides = np.where(on[helps] & members[helps], -1.0, 1.0)
        self.add(rows, sides, vote)

    def vote_towards(self, winner: int, target: int, moves: Floats) -> None:
        """Decide so as the point at some moves does, for as many votes as are needed.

        Parameters
        ----------
        winner, target : int
        moves : ndarray of shape (n_rows,), float64
            Of a point at which the target wins.
        """
        around = self.around
        start, there = around.located, around.at(moves)
        won = np.flatnonzero((there.named == target) & (start.named != target))
        shape = (start.named.size, start.outputs.shape[1], -1)
        changes = start.changes.reshape(shape)
        if shape[1] == 1:
            roles = np.full(shape[:2], 1.0 if target == 1 else -1.0)
        else:
            roles = np.zeros(shape[:2])
            roles[:, target] = 1.0
            roles[np.arange(len(roles)), start.named] = -1.0
        on = (moves > around.before).reshape(changes.shape)
        helps = on & (changes * roles[:, :, np.newaxis] > 0)
        units = np.arange(on.size).reshape(on.shape)
        chosen = [units[vote][helps[vote]] for vote in won]
        costs = [np.square(around.beyond[units]).sum() for units in chosen]
        lead = start.needed(winner, target)
        for place in np.argsort(costs):
            if lead <= 0:
                break
            vote = int(won[place])
            self.add(chosen[place], np.ones(chosen[place].size), vote)
            lead -= 2 if start.named[vote] == winner else 1
