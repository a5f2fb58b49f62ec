"""The search for the shortest step across hyperplanes that changes the decision."""

from __future__ import annotations

from time import monotonic

import numpy as np

from sklearn_scd._typing import Floats
from sklearn_scd.robustness._attacks.crossing import Crossing, Surroundings
from sklearn_scd.robustness._attacks.sample import AttackedModel, AttackedSample
from sklearn_scd.robustness._attacks.shortest_step import shortest_step
from sklearn_scd.robustness._hyperplanes.geometry import Geometry
from sklearn_scd.robustness._hyperplanes.located_sample import LocatedSample, locate
from sklearn_scd.robustness._hyperplanes.networks import SignNetworks

_TRIALS = 40  # exchanges of votes, where there is no time limit
_FEWEST_TARGETS = 3  # classes tried a sample, the most promising first
_ROUNDS = 3  # with the features left out that the last one pressed against an end
_DIRECTIONS, _SIZES, _PROBES = 200, 40, 5  # of lines looked along, and starts on them
_REPAIRS = 20  # votes added because the range of values undid others


class CrossingSearch:
    """Adds votes, the cheapest first, and exchanges them; what all samples share.

    Parameters
    ----------
    model : AttackedModel
    networks : SignNetworks
    geometry : Geometry
        Of the networks' normals.
    time_limit : float or None
        Seconds of exchanges, a sample; None: a fixed number.

    Attributes
    ----------
    has_hyperplanes : bool
        Whether votes change by crossing hyperplanes, whose geometry is known.
    """

    def __init__(
        self,
        model: AttackedModel,
        networks: SignNetworks,
        geometry: Geometry,
        time_limit: float | None,
    ) -> None:
        self.model, self.networks, self.geometry = model, networks, geometry
        self.time_limit = time_limit
        self.has_hyperplanes = (
            networks.voting == "hard"
            and not networks.distances_are_outputs
            and geometry.is_known
        )

    def run(self, hunt: AttackedSample, rng: np.random.Generator) -> None:
        """Cross hyperplanes towards the most promising classes."""
        if not self.has_hyperplanes:
            return
        located = next(locate(self.networks, hunt.x[np.newaxis], 2.0))
        winner = int(located.counts.argmax())
        for target in _promising(located, winner, hunt.target):
            geometry = self.geometry
            for _ in range(_ROUNDS):
                around = Surroundings(geometry, located)
                crossing = self._shortest_crossing(around, hunt, winner, target, rng)
                if crossing is None:
                    break
                step = self._fit_in(hunt, crossing, winner, target)
                if step is None or geometry.gram is not None or hunt.norm != 2:
                    break
                movable = self._movable(hunt, step)
                if movable is None:
                    break
                geometry = movable

    def _movable(self, hunt: AttackedSample, step: Floats) -> Geometry | None:
        """The geometry in the features that a step does not press against an end."""
        low, high = hunt.clip_values
        pressed = ((hunt.x <= low) & (step <= 0)) | ((hunt.x >= high) & (step >= 0))
        if self.geometry.basis is None or not pressed.any():
            return None
        return self.geometry.of_features(~pressed)

    def _shortest_crossing(
        self,
        around: Surroundings,
        hunt: AttackedSample,
        winner: int,
        target: int,
        rng: np.random.Generator,
    ) -> Crossing | None:
        """The best crossing from the sample, and from the best point so far."""
        best: Crossing | None = None
        starts = [None, *self._moves_to(hunt, around.located, target)]
        if self.geometry.has_small_basis:
            starts += self._probe(around, hunt, target, rng)
        for moves in starts:
            crossing = Crossing(around)
            if moves is not None:
                crossing.vote_towards(winner, target, moves)
                crossing.solve()
            done = crossing.feasible and crossing.complete(winner, target)
            if done and (best is None or crossing.length < best.length):
                best = crossing
        return None if best is None else self._exchange(best, winner, target, rng)

    def _probe(
        self,
        around: Surroundings,
        hunt: AttackedSample,
        target: int,
        rng: np.random.Generator,
    ) -> list[Floats]:
        """Moves to the nearest points of a class along random directions.

        In few dimensions the boundary has many local minima and directions are cheap.
        """
        coordinates = around.geometry.coordinates
        assert coordinates is not None
        directions = rng.standard_normal((_DIRECTIONS, coordinates.shape[1]))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        moves = (directions @ coordinates.T) * around.signs
        reachable = around.beyond[np.isfinite(around.beyond)]
        if reachable.size == 0:
            return []
        reach = np.median(reachable)
        found = np.full(_DIRECTIONS, np.inf)
        for size in reach * np.geomspace(16, 1 / 16, _SIZES):
            turned = size * moves > around.before
            outputs = self.networks.outputs(np.where(turned, -1.0, 1.0) * -around.signs)
            counts = self.networks.counts(outputs)
            found[counts.argmax(axis=1) == target] = size
        nearest = np.argsort(found, kind="stable")[:_PROBES]
        nearest = nearest[np.isfinite(found[nearest])]
        if around.geometry is self.geometry:
            basis = self.geometry.basis
            steps = found[nearest, np.newaxis] * directions[nearest]
            for step in steps if basis is None else steps @ basis:
                hunt.ask_one(hunt.x + step)
        return [found[i] * moves[i] for i in nearest]

    def _moves_to(
        self, hunt: AttackedSample, located: LocatedSample, target: int
    ) -> list[Floats]:
        """Moves to the best point so far, if it is of the class."""
        if hunt.best is None:
            return []
        step = hunt.best.astype(np.float64) - hunt.x
        moves = (self.networks.normals @ step) * located.signs.ravel()
        predicted = self.model.predict(hunt.best[np.newaxis])[0]
        return [moves] if predicted == target else []

    def _exchange(
        self, best: Crossing, winner: int, target: int, rng: np.random.Generator
    ) -> Crossing:
        """Exchange votes for others while the step gets shorter."""
        end = np.inf if self.time_limit is None else monotonic() + self.time_limit
        trial = 0
        while monotonic() < end and (self.time_limit is not None or trial < _TRIALS):
            trial += 1
            votes, places = np.unique(best.votes, return_inverse=True)
            shares = np.zeros(votes.size)
            np.add.at(shares, places, best.multipliers * best.sides * best.levels)
            shares = np.maximum(shares, 0.0)
            if not shares.any():
                break
            most = int(np.count_nonzero(shares))
            n_out = min(int(rng.choice([1, 1, 2, 3, 5])), most)
            out = rng.choice(votes, size=n_out, replace=False, p=shares / shares.sum())
            other = best.copy()
            other.remove(np.isin(other.votes, out))
            other.solve()
            if (
                other.feasible
                and other.complete(winner, target)
                and other.length < best.length
            ):
                best = other
        return best

    def _fit_in(
        self, hunt: AttackedSample, crossing: Crossing, winner: int, target: int
    ) -> Floats | None:
        """Make the step one within the range of values, and add votes that it loses.

        Returns
        -------
        step : ndarray of shape (n_features,), or None
            None where there is none.
        """
        around = crossing.around
        for _ in range(_REPAIRS):
            if crossing.rows.size == 0:
                return None
            towards = crossing.sides * around.signs[crossing.rows]
            rows = self.networks.normals[crossing.rows] * towards[:, np.newaxis]
            levels = crossing.sides * crossing.levels
            low, high = (end - hunt.x for end in hunt.clip_values)
            step = shortest_step(hunt.norm, rows, levels, low, high)
            if step is None or hunt.ask_one(hunt.x + step):
                return step
            crossing.moves = (self.networks.normals @ step) * around.signs
            if crossing.add_cheapest(winner, target) is None:
                break
        return None


def _promising(located: LocatedSample, winner: int, wanted: int) -> list[int]:
    """Classes to get to, those with most votes first; the one that is wanted alone."""
    if wanted >= 0:
        return [wanted]
    targets = np.argsort(-located.counts, kind="stable")
    return [int(target) for target in targets if target != winner][:_FEWEST_TARGETS]
