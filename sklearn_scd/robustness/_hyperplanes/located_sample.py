"""One sample located among an ensemble's hyperplanes, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._typing import Floats
from sklearn_scd._vote_rule import mean_probabilities, named_classes
from sklearn_scd.robustness._hyperplanes.knapsack import vote_costs
from sklearn_scd.robustness._hyperplanes.networks import SignNetworks

SET, BOTTLENECK, PRICE = np.int64(0), np.int64(1), np.int64(2)

LEAST, MOST = 1e-140, 1e150  # distances below count as 0, those above as that much


@dataclass(frozen=True)
class LocatedSample:
    """One sample seen by the networks.

    Attributes
    ----------
    distances : ndarray of shape (n_networks, n_units), float64
        Size of the perturbation that switches a unit, less what may be rounded, 0 if it
        is below 1e-140 and no more than 1e150; inf for units that none switches.

    signs : ndarray of shape (n_networks, n_units), float64
        1 where a unit would have to become active, -1 where inactive.

    changes : ndarray of shape (n_networks, n_units), float64
        Of the network's output by switching a unit.

    outputs : ndarray of shape (n_votes, n_rivals), float64

    named : ndarray of shape (n_votes,), intp

    counts : ndarray of shape (n_classes,), int64
        Votes for each class.

    rounding : ndarray of shape (n_networks, n_units), float64
        L2 distance from a hyperplane within which its side may be rounded.

    slopes : ndarray of shape (n_networks, n_units), float64
        How much nearer rounding may bring a hyperplane, per size of the perturbation.

    output_rounding : ndarray of shape (n_networks,), float64
        What may be rounded in each output.
    """

    distances: Floats
    signs: Floats
    changes: Floats
    outputs: Floats
    named: NDArray[np.intp]
    counts: NDArray[np.intp]
    rounding: Floats
    slopes: Floats
    output_rounding: Floats

    def winner(self, voting: str) -> int:
        """Code of the class predicted."""
        if voting == "hard":
            return int(self.counts.argmax())
        return int(mean_probabilities(self.outputs[np.newaxis])[0].argmax())

    def switched(self, turned: NDArray[np.bool_]) -> LocatedSample:
        """The sample after some units have switched; its distances stay as they are.

        Parameters
        ----------
        turned : ndarray of shape (n_rows,), bool
        """
        turned = turned.reshape(self.changes.shape)
        moved = (self.changes * turned).sum(axis=1)
        outputs = self.outputs + moved.reshape(self.outputs.shape)
        named = named_classes(outputs[np.newaxis])[0]
        n_classes = self.counts.size
        before = np.bincount(self.named, minlength=n_classes)
        return replace(
            self,
            changes=np.where(turned, -self.changes, self.changes),
            outputs=outputs,
            named=named,
            # The rest are votes of a head start.
            counts=self.counts - before + np.bincount(named, minlength=n_classes),
        )

    def vote_costs(self, measure: np.int64, costs: Floats) -> Floats:
        """What it takes to make each vote name each class, (n_votes, n_classes).

        Parameters
        ----------
        measure : {SET, BOTTLENECK, PRICE}
        costs : ndarray of shape (n_networks, n_units), float64
        """
        out = np.empty((self.named.size, self.counts.size))
        vote_costs(
            measure, costs, self.changes, self.outputs, self.output_rounding,
            self.named, out,
        )  # fmt: skip
        return out

    def needed(self, winner: int, target: int) -> int:
        """Steps by which the winner's lead over another class must shrink.

        A vote that goes from the one to the other is two steps. Of classes with equally
        many votes the first is predicted.
        """
        return int(self.counts[winner] - self.counts[target]) + (winner < target)


def locate(
    networks: SignNetworks,
    X: NDArray[Any],
    norm: float,
    rounding: Floats | None = None,
    slopes: Floats | None = None,
    residual: float = 0.0,
) -> Iterator[LocatedSample]:
    """Locate samples among the hyperplanes.

    Parameters
    ----------
    networks : SignNetworks
    X : ndarray of shape (n_samples, n_features)
    norm : float
        1, 2 or inf.
    rounding : ndarray of shape (n_samples, n_rows), default=None
        L2 distances from hyperplanes within which sides may be rounded. None: those
        within which they are as a rule.
    slopes : ndarray of shape (n_rows,), default=None
        By how much more, per size of the perturbation. None: by nothing.
    residual : float, default=0
        By how much more still, of any unit, for normals that are known no better.

    Yields
    ------
    located : LocatedSample
        Of each sample.

    Notes
    -----
    A unit without a normal, where weights cancel in the steps before the classifier, is
    switched by rounding alone: a perturbation of size r may if its slope times r is at
    least its distance from 0. Any unit of length will do for it, as nothing moves along
    its normal; ours gives it the largest slope that others have.
    """
    shape = networks.output_coef.shape
    positions = networks.positions(X)
    if rounding is None:
        rounding = networks.rounding(X)
    if slopes is None:
        slopes = np.zeros(len(networks.normals))
    sizes = networks.dual_norms(norm)
    movable = sizes > 0
    steepest = (slopes[movable] / sizes[movable]).max(initial=0.0) or 1.0
    divisors = np.where(movable, sizes, slopes / steepest)
    divisors[divisors == 0] = 1.0
    distances = np.maximum(np.abs(positions) - rounding, 0.0)
    never = ~movable & (distances >= slopes * MOST)
    # Bounds square them: one that is infinite would be taken for never, and one that
    # underflows may be rounded up.
    distances = np.minimum(distances / divisors, MOST)
    distances[distances < LEAST] = 0.0
    distances[never] = np.inf
    outputs = networks.outputs(positions)
    named = named_classes(outputs)
    counts = networks.counts(outputs)
    for i in range(len(X)):
        signs = np.where(positions[i] > 0, -1.0, 1.0).reshape(shape)
        yield LocatedSample(
            distances[i].reshape(shape), signs, signs * networks.output_coef,
            outputs[i], named[i], counts[i], rounding[i].reshape(shape),
            (slopes / divisors + residual).reshape(shape), networks.output_rounding,
        )  # fmt: skip


@dataclass(frozen=True)
class Steps:
    """Single steps by which votes take a winner's lead over another class away.

    A vote for the winner can take two, by leaving it and by going over to the other
    class, any third vote one. Costs are never above what a step really costs.

    Attributes
    ----------
    first : ndarray of shape (n_votes,), float64
        inf for votes that name the other class already.
    second : ndarray of shape (n_votes,), float64
        inf but for the winner's votes.
    """

    first: Floats
    second: Floats

    def cheapest(self, n: int) -> Floats:
        """Costs of the `n` cheapest steps, the dearest one last."""
        costs = np.concatenate([self.first, self.second])
        if n > costs.size:
            return np.full(n, np.inf)
        costs = np.partition(costs, n - 1)[:n]
        return np.append(np.delete(costs, costs.argmax()), costs.max())


def steps_of(
    costs: Floats,
    named: NDArray[np.intp],
    winner: int,
    target: int,
    *,
    summed: bool,
) -> Steps:
    """Costs of single steps, from those of changing votes.

    Parameters
    ----------
    costs : ndarray of shape (n_votes, n_classes)
        What it takes to make each vote name each class.
    named : ndarray of shape (n_votes,)
    winner, target : int
        Class codes.
    summed : bool
        Whether costs add up: going over is then paid in two steps.

    Returns
    -------
    steps : Steps
    """
    backing = named == winner
    over = costs[:, target]
    first = np.where(named == target, np.inf, over)
    second = np.full(first.size, np.inf)
    others = np.delete(costs[backing], winner, axis=1)
    leave = others.min(axis=1)
    if not summed:
        first[backing], second[backing] = leave, over[backing]
        return Steps(first, second)
    # Where going over costs less than twice leaving, half of it for each step.
    first[backing] = np.minimum(leave, over[backing] / 2)
    possible = backing & (over < np.inf)
    second[possible] = over[possible] - first[possible]
    return Steps(first, second)
