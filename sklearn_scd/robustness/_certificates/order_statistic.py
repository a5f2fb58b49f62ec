"""Certificate from single votes: the k-th of them that must change."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from sklearn_scd._rounding import row_norms
from sklearn_scd._typing import Floats
from sklearn_scd.robustness._hyperplanes.located_sample import (
    BOTTLENECK,
    SET,
    LocatedSample,
    steps_of,
)
from sklearn_scd.robustness._hyperplanes.networks import DUAL, SignNetworks


class OrderBound:
    """Lower bounds from the certified radius of each vote by itself.

    Parameters
    ----------
    networks : SignNetworks
    norm : float
        1, 2 or inf.
    """

    def __init__(self, networks: SignNetworks, norm: float) -> None:
        self.voting = networks.voting
        self.linear = networks.distances_are_outputs
        self.scales = networks.scales.reshape(networks.output_coef.shape)
        by_network = networks.normals.reshape(*networks.output_coef.shape, -1)
        if self.linear:
            rows = by_network[:, 0] * self.scales
            rows = rows.reshape(networks.n_votes, networks.n_classes, -1)
            self.pairs = np.stack(
                [_pair_norms(rows - rows[:, [k]], norm)
                 for k in range(networks.n_classes)], axis=2,
            )  # fmt: skip
            slopes = networks.rounding_slopes(norm) * networks.scales
            self.slopes = slopes.reshape(networks.n_votes, networks.n_classes)
        self.spectra = None
        if norm == 2 and self.voting == "hard":
            self.spectra = np.array(
                [np.linalg.eigvalsh(rows @ rows.T)[-1] for rows in by_network]
            ).reshape(networks.n_votes, networks.n_rivals)

    def __call__(
        self,
        located: LocatedSample,
        winner: int,
        target: int,
        distances: Floats | None = None,
    ) -> float:
        """Least size of a perturbation that can bring about another class.

        Parameters
        ----------
        located : LocatedSample
        winner, target : int
            Class codes.
        distances : ndarray of shape (n_networks, n_units), default=None
            Other distances than those located.

        Returns
        -------
        bound : float
        """
        if distances is None:
            distances = located.distances
        # A unit within reach of rounding lacks `slopes` times the size at the most.
        within = distances / (1.0 + located.slopes)
        if self.voting == "soft":
            return _soft_bound(located, winner, target, within)
        by_vote = (
            self._linear_votes(located)
            if self.linear
            else self._votes(located, distances, within)
        )
        steps = steps_of(by_vote, located.named, winner, target, summed=False)
        return steps.cheapest(located.needed(winner, target))[-1]

    def _votes(
        self, located: LocatedSample, distances: Floats, within: Floats
    ) -> Floats:
        """Distance at which each vote could name each class."""
        by_vote = located.vote_costs(BOTTLENECK, within)
        if self.spectra is None:
            return by_vote
        spectra = self.spectra
        if spectra.shape[1] > 1:  # two of its networks take part
            named = located.named[:, np.newaxis]
            spectra = spectra + np.take_along_axis(spectra, named, axis=1)
        sets = located.vote_costs(SET, np.square(distances))
        n_units = distances.shape[1] * min(2, spectra.shape[1])
        sizes = np.sqrt(spectra) + located.slopes.max() * np.sqrt(n_units)
        # Without any normal nothing switches, whatever the size.
        roots = np.where(sets > 0, np.inf, 0.0)
        np.divide(np.sqrt(sets), sizes, where=sizes > 0, out=roots)
        return np.maximum(by_vote, roots)

    def _linear_votes(self, located: LocatedSample) -> Floats:
        """Distances at which linear classifiers' largest output is another one."""
        outputs = located.outputs
        places = np.arange(len(outputs)), located.named
        slack = (located.rounding * self.scales).reshape(outputs.shape)
        leads = outputs[places][:, np.newaxis] - outputs
        leads = leads - slack - slack[places][:, np.newaxis]
        sizes = self.pairs[places[0], :, places[1]]
        sizes = sizes + self.slopes + self.slopes[places][:, np.newaxis]
        distances = np.where(leads > 0, np.inf, 0.0)
        np.divide(leads, sizes, where=(leads > 0) & (sizes > 0), out=distances)
        distances[places] = 0.0
        return distances


def _pair_norms(rows: Floats, norm: float) -> Floats:
    """How far a step of size 1 can move each difference, (n_votes, n_classes)."""
    return row_norms(rows.reshape(-1, rows.shape[2]), DUAL[norm]).reshape(
        rows.shape[:2]
    )


def _soft_bound(
    located: LocatedSample, winner: int, target: int, distances: Floats
) -> float:
    """Size within which no units can move the mean probabilities far enough."""
    n_units = distances.shape[1]
    outputs = located.outputs.ravel().copy()
    n_votes, n_rivals = located.outputs.shape
    roles: Floats = np.zeros((n_votes, n_rivals))
    if n_rivals == 1:
        roles[:] = 1.0 if target == 1 else -1.0
        lead = roles[0, 0] * (0.5 * n_votes - expit(outputs).sum())
    else:
        roles[:, target], roles[:, winner] = 1.0, -1.0
        lead = -(roles * expit(located.outputs)).sum()
    roles = roles.ravel()
    lead -= 1e-9 * outputs.size  # of sums that are computed otherwise in the model
    # And of outputs, here and in the model, where weights were put in by hand: no
    # probability moves by more than its output, in each of the steps.
    lead -= (n_units + 2) * located.output_rounding.sum()
    gains = roles[:, np.newaxis] * located.changes
    order = np.argsort(distances, axis=None)
    previous = 0.0
    for place in order[np.isfinite(distances.ravel()[order])]:
        if lead <= 0:
            return previous
        network, unit = divmod(int(place), n_units)
        previous = distances[network, unit]
        if gains[network, unit] > 0:
            before = expit(outputs[network])
            outputs[network] += located.changes[network, unit]
            lead -= abs(expit(outputs[network]) - before)
    return previous if lead <= 0 else np.inf
