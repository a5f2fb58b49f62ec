"""Attempts that follow gradients of smooth networks, on shrinking spheres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_scd._typing import Floats
from sklearn_scd.robustness._attacks.sample import (
    AttackedSample,
    Attempt,
    bisect,
    is_adversarial,
)
from sklearn_scd.robustness._attacks.smooth_networks import SmoothNetworks

_NOISE = 0.01  # size of the steps to start from, of the first radius

# All that follows was tuned on SCDCE, 100 votes on chest X-rays, in pixels and in 32
# principal components. Pairs are values at the start and at the end of a round.
_SPREADS = 3.0  # a temperature of 1, in root mean squares of movements
_COOLING = (1.0, 0.1)  # factor of temperatures
_WIDTH = (1.0, 0.02)  # of the votes' sigmoids, in mean output weights
_REAL_WIDTH = 2.0  # factor of it where outputs are real: those move in leaps
_LENGTH = (0.105, 0.005)  # of gradient steps, of the radius
_CHANGE = (0.1, 0.005)  # of the radius
_GROWTH = 0.25  # of the radius, until something adversarial is found
_COOLER = 0.3  # factor of temperatures and widths in the second round
_ELITE = 0.25  # share of the attempts that the second round starts from
_N_LOOKS = 1000  # random samples asked for where the first round finds nothing
_SQUARES_FIT = 1e-15, 1e15  # float32 holds squares of numbers between these
_HALVINGS = 20  # of the last binary search


@dataclass(frozen=True)
class Plan:
    """What tells the attempts at a sample apart.

    Attributes
    ----------
    temperatures : ndarray of shape (n_attempts,), float32
    straight : ndarray of shape (n_attempts,), bool
        Whether the gradient is taken at the real networks' outputs.
    ranks : ndarray of shape (n_attempts,), intp
        0: towards the class that is the strongest other one at each step; k: towards
        the one that is k-th after the strongest where the attempt starts.
    max_iter : int
        Steps of each.
    """

    temperatures: NDArray[np.float32]
    straight: NDArray[np.bool_]
    ranks: NDArray[np.intp]
    max_iter: int


def make_plan(
    temperatures: NDArray[np.float32], n_restarts: int, n_classes: int, max_iter: int
) -> Plan:
    """Attempts of all restarts; from the third restart on other classes have a turn."""
    restarts = np.repeat(np.arange(n_restarts), temperatures.size)
    ranks = np.zeros(restarts.size, dtype=np.intp)
    if n_classes > 2:
        turns = (restarts // 2 - 1) * temperatures.size
        turns += np.tile(np.arange(temperatures.size), n_restarts)
        ranks = np.where(restarts < 2, 0, 1 + turns % (n_classes - 2))
    return Plan(np.tile(temperatures, n_restarts), restarts % 2 == 1, ranks, max_iter)


class GradientSearch:
    """Attempts at some samples, side by side.

    Row ``s * n_attempts + a`` of all arrays is attempt a at sample s.

    Parameters
    ----------
    smooth : SmoothNetworks
    plan : Plan
    samples : list of AttackedSample
        They are not asked about anything.
    X : ndarray of shape (n_samples, n_features)
        The same in their own dtype.
    codes : ndarray of shape (n_samples,), intp
        The classes predicted, which the attempts are to get away from.
    generators : list of numpy.random.Generator
    """

    def __init__(
        self,
        smooth: SmoothNetworks,
        plan: Plan,
        samples: list[AttackedSample],
        X: NDArray[Any],
        codes: NDArray[np.intp],
        generators: list[np.random.Generator],
    ) -> None:
        self.smooth, self.max_iter = smooth, plan.max_iter
        self.norm, self.clip_values = samples[0].norm, samples[0].clip_values
        self.X, self.generators = X, generators
        n_attempts = plan.temperatures.size
        self.shape = len(X), n_attempts
        positions = smooth.networks.positions(X)
        self.codes = self._by_row(codes)
        self.temperatures = np.tile(plan.temperatures, len(X))
        self.straight = np.tile(plan.straight, len(X))
        self.labels = self._by_row([sample.code for sample in samples])
        self.wanted = self._by_row([sample.target for sample in samples])
        others = smooth.others(smooth.networks.outputs(positions), codes)
        targets = np.where(plan.ranks > 0, others[:, plan.ranks], -1).ravel()
        self.targets = np.where(self.wanted < 0, targets, self.wanted)
        self.origin = np.repeat(positions.astype(np.float32), n_attempts, axis=0)
        low, high = self.clip_values
        self.room = (
            (low - X[:, np.newaxis]).astype(np.float32),
            (high - X[:, np.newaxis]).astype(np.float32),
        )
        self._measure(X, positions)
        shape = n_attempts, X.shape[1]
        self.steps = np.concatenate(
            [rng.standard_normal(shape, dtype=np.float32) for rng in generators]
        )
        self._to_radius()
        self.steps *= np.float32(_NOISE)
        self.best_steps = np.zeros_like(self.steps)
        self.best = np.full(len(self.steps), np.inf)
        self.n_queries = np.zeros(len(X), dtype=np.int64)
        self.history: list[Floats] = []

    def _measure(self, X: NDArray[Any], positions: Floats) -> None:
        """Scales of the samples: radii, distances to hyperplanes, outputs."""
        networks, n_features = self.smooth.networks, X.shape[1]
        low, high = self.clip_values
        distances = np.abs(positions)
        self.distances = self._by_row(np.median(distances, axis=1))
        # Below this float32 can't tell on which side of a hyperplane a sample is.
        least = networks.rounding(X).max(axis=1)
        self.widest = high - low
        if self.norm != 2:
            dual = 1 if self.norm == np.inf else np.inf
            sizes = np.linalg.norm(networks.normals, ord=dual, axis=1)
            distances = distances / np.where(sizes > 0, sizes, 1.0)
        if self.norm == np.inf:
            least = least / np.sqrt(n_features)
        else:
            self.widest *= n_features if self.norm == 1 else np.sqrt(n_features)
        self.least = self._by_row(np.minimum(least, self.widest))
        radii = self._by_row(np.median(distances, axis=1))
        self.radii = np.clip(radii, self.least, self.widest).astype(np.float32)
        if networks.distances_are_outputs:
            outputs = np.abs(networks.outputs(self.origin)).mean(axis=(1, 2))
        else:
            outputs = np.abs(networks.output_coef).mean()
        factors = np.where(self.straight, _REAL_WIDTH, 1.0)
        self.widths = np.maximum(outputs, 1e-6) * factors

    def _by_row(self, values: ArrayLike) -> NDArray[Any]:
        return np.repeat(values, self.shape[1])

    def run(self) -> list[Attempt]:
        """Attack; returns an `Attempt` for each sample."""
        max_iter = self.max_iter
        first = max_iter // 2
        for k in range(max_iter):
            if k == first:
                self._start_again()
            second = k >= first
            done = (k - first) / (max_iter - first) if second else k / first
            adversarial, near = self._look()
            self._keep_history()
            self._step(done, _COOLER if second else 1.0)
            self._change_radii(adversarial, near, done)
            self._to_radius()
        self._look()
        return self._finish()

    def _look(self) -> list[NDArray[np.bool_]]:
        """Ask the networks; which rows are adversarial, and which half as far as well.

        Half the way costs no product: movements are linear.
        """
        self.movements = self.smooth.movements(self.steps)
        self.sizes = _sizes(self.steps, self.norm)
        networks = self.smooth.networks
        seen = []
        for share in (1.0, 0.5):
            self.n_queries += self.shape[1]
            positions = self.origin + np.float32(share) * self.movements
            outputs = networks.outputs(positions)
            if share == 1.0:
                self.positions, self.outputs = positions, outputs
            adversarial = self._are_adversarial(outputs)
            sizes = share * self.sizes
            # Nearer ones may be the sample itself, once they are rounded.
            better = adversarial & (sizes < self.best) & (sizes >= self.least / 2)
            self.best[better] = sizes[better]
            self.best_steps[better] = np.float32(share) * self.steps[better]
            seen.append(adversarial)
        return seen

    def _are_adversarial(
        self, outputs: NDArray[Any], rows: Any = slice(None)
    ) -> NDArray[np.bool_]:
        codes = self.smooth.predict(outputs)
        return is_adversarial(codes, self.labels[rows], self.wanted[rows])

    def _step(self, done: float, cooler: float) -> None:
        """Follow the gradient."""
        found = np.isfinite(self.best)
        spreads = np.sqrt(np.square(self.movements).mean(axis=1))
        scales = _SPREADS * spreads
        scales = np.where(found, scales, np.maximum(scales, self.distances))
        cooling = cooler * _between(_COOLING, done)
        temperatures = np.maximum(cooling * self.temperatures * scales, 1e-20)
        gradient = self.smooth.gradient(
            self.positions, self.outputs, self.codes, self.targets, self.straight,
            temperatures.astype(np.float32),
            (cooler * _between(_WIDTH, done) * self.widths).astype(np.float32),
        )  # fmt: skip
        if self.norm == np.inf:
            gradient = np.sign(gradient, out=gradient)
        else:
            # In L1 a step by the largest entry, of which few others are left.
            by = np.inf if self.norm == 1 else 2.0
            sizes = _sizes(gradient, by)
            gradient /= np.where(sizes > 0, sizes, 1.0)[:, np.newaxis]
        length = _LENGTH[0] + done * (_LENGTH[1] - _LENGTH[0])
        gradient *= (length * self.radii).astype(np.float32)[:, np.newaxis]
        self.steps += gradient

    def _change_radii(
        self, adversarial: NDArray[np.bool_], near: NDArray[np.bool_], done: float
    ) -> None:
        """Shrink the spheres of adversarial rows, and grow the others."""
        change = _between(_CHANGE, done)
        grown = np.where(np.isfinite(self.best), 1.0 + change, 1.0 + _GROWTH)
        shrunk = np.minimum(self.radii, self.sizes) * np.where(near, 0.5, 1.0 - change)
        radii = np.where(adversarial | near, shrunk, self.radii * grown)
        self.radii = np.clip(radii, self.least, self.widest).astype(np.float32)

    def _to_radius(self) -> None:
        """Bring the steps back to their spheres or cubes, and into the clip values."""
        steps, radii = self.steps, self.radii[:, np.newaxis]
        if self.norm == np.inf:
            np.clip(steps, -radii, radii, out=steps)
        elif self.norm == 1:
            _project_on_diamond(steps, self.radii)
        else:
            sizes = _sizes(steps, 2.0)
            steps *= radii / np.where(sizes > 0, sizes, 1.0)[:, np.newaxis]
        by_sample = steps.reshape(*self.shape, -1)
        np.clip(by_sample, *self.room, out=by_sample)

    def _start_again(self) -> None:
        """Give all attempts at a sample the places of the best ones."""
        n_attempts = self.shape[1]
        n_elite = int(np.ceil(_ELITE * n_attempts))
        for s in range(self.shape[0]):
            rows = np.arange(s * n_attempts, (s + 1) * n_attempts)
            if np.isinf(self.best[rows]).all():
                self._look_around(s, rows)
            order = rows[np.argsort(self.best[rows], kind="stable")]
            n_found = np.isfinite(self.best[rows]).sum()
            if n_found == 0:
                continue
            elite = np.resize(order[: min(n_elite, n_found)], n_attempts)
            self.steps[order] = self.best_steps[order] = self.best_steps[elite]
            self.best[order] = self.radii[order] = self.best[elite]
            self.targets[order] = self.targets[elite]

    def _look_around(self, s: int, rows: NDArray[np.intp]) -> None:
        """Take the nearest adversarial samples on the ways to uniform noise.

        Gradients may have led an attempt into a corner of the range of values.
        """
        rng, (low, high) = self.generators[s], self.clip_values
        shape = _N_LOOKS, self.X.shape[1]
        noise = low + (high - low) * rng.random(shape, dtype=np.float32)
        steps = rng.random((_N_LOOKS, 1), dtype=np.float32) * (noise - self.X[s])
        steps = steps.astype(np.float32, copy=False)
        positions = self.origin[rows[0]] + self.smooth.movements(steps)
        outputs = self.smooth.networks.outputs(positions)
        self.n_queries[s] += _N_LOOKS
        found = self._are_adversarial(outputs, rows[0])
        steps, sizes = steps[found], _sizes(steps[found], self.norm)
        nearest = np.argsort(sizes, kind="stable")[: rows.size]
        self.best[rows[: nearest.size]] = sizes[nearest]
        self.best_steps[rows[: nearest.size]] = steps[nearest]
        self.targets[rows] = self.wanted[rows]

    def _finish(self) -> list[Attempt]:
        """Search the boundary on the way to each row's best step, in float64."""
        networks = self.smooth.networks
        n_attempts = self.shape[1]
        found = np.flatnonzero(np.isfinite(self.best))
        steps = self.best_steps[found].astype(np.float64)
        origin = networks.positions(self.X)[found // n_attempts]
        movements = steps @ networks.normals.T
        near = np.ones(found.size)  # where the sample itself is on a hyperplane
        sizes = self.best[found]
        np.divide(self.least[found], sizes, where=sizes > 0, out=near)
        near = np.minimum(near, 1.0)

        def is_beyond(parts: Floats) -> NDArray[np.bool_]:
            outputs = networks.outputs(origin + parts[:, np.newaxis] * movements)
            return self._are_adversarial(outputs, found)

        far = np.ones(found.size)
        if found.size:
            far = bisect(is_beyond, near, far, _HALVINGS)
        self.best[found] *= far
        self.best_steps[found] = far[:, np.newaxis] * steps
        self.n_queries += _HALVINGS * n_attempts
        self._keep_history()
        return [self._attempt(s) for s in range(self.shape[0])]

    def _attempt(self, s: int) -> Attempt:
        """The best attempt at a sample."""
        n_attempts = self.shape[1]
        k = s * n_attempts + self.best[s * n_attempts : (s + 1) * n_attempts].argmin()
        history = [distances[s] for distances in self.history]
        best = None
        if np.isfinite(self.best[k]):
            best = (self.X[s] + self.best_steps[k].astype(np.float64)).astype(
                self.X.dtype
            )
        return Attempt(best, self.best[k], int(self.n_queries[s]), history, False)

    def _keep_history(self) -> None:
        self.history.append(self.best.reshape(self.shape).min(axis=1))


def _sizes(steps: NDArray[Any], norm: float) -> NDArray[Any]:
    if norm == 2:
        largest = np.abs(steps).max(initial=0.0)
        if not _SQUARES_FIT[0] < largest < _SQUARES_FIT[1]:
            steps = steps.astype(np.float64)
        return np.sqrt(np.einsum("ij,ij->i", steps, steps))
    sizes = np.abs(steps)
    return sizes.sum(axis=1) if norm == 1 else sizes.max(axis=1)


def _project_on_diamond(steps: NDArray[Any], radii: NDArray[Any]) -> None:
    """Move steps to the nearest point of an L1 ball, in place.

    Duchi, Shalev-Shwartz, Singer, Chandra, "Efficient Projections onto the l1-Ball for
    Learning in High Dimensions", ICML 2008: entries shrink by a threshold, to 0 at
    most.
    """
    sizes = np.abs(steps)
    outside = np.flatnonzero(sizes.sum(axis=1) > radii)
    if outside.size == 0:
        return
    ordered = -np.sort(-sizes[outside], axis=1)
    excess = np.cumsum(ordered, axis=1, dtype=np.float64) - radii[outside, np.newaxis]
    places = np.arange(1, ordered.shape[1] + 1)
    # At least one: of a radius of 0, or one lost in rounding, none would count.
    last = np.maximum((ordered * places > excess).sum(axis=1) - 1, 0)
    thresholds = excess[np.arange(outside.size), last] / (last + 1)
    shrunk = np.maximum(sizes[outside] - thresholds[:, np.newaxis], 0.0)
    steps[outside] = np.copysign(shrunk, steps[outside])


def _between(ends: tuple[float, float], done: float) -> float:
    """Go from one positive number to another by equal factors."""
    return ends[0] * (ends[1] / ends[0]) ** done
