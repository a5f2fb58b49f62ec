"""ART's decision-based attacks, made repeatable and unable to hang. Imports ART.

Both keep what they ask for in a :class:`Record`: the nearest adversarial sample is that
of all samples ever asked for, however the attack ends.
"""

from __future__ import annotations

import numpy as np
from art.attacks.evasion import BoundaryAttack, HopSkipJump

from sklearn_scd.robustness._attacks.art_classifier import ArtClassifier

# Single samples asked for between two batches: the binary search takes about 20, the
# search for a step length twice as many until its steps are below float32's resolution.
_MOST_SINGLE_QUERIES = 200


class AttackStoppedError(Exception):
    """The attack can't go on; what it has found is in its record."""


class Record:
    """Queries of an attack on one sample, and the nearest adversarial one.

    Parameters
    ----------
    x : ndarray of shape (n_features,), float32
        The sample attacked.
    code : int
        The class that the classifier gives it.
    predict : callable
        From (n, n_features) samples to (n,) class codes.
    norm : {2, numpy.inf}

    Attributes
    ----------
    n_queries : int
    best : ndarray of shape (n_features,) or None
        The nearest adversarial sample so far.
    distance : float
        Its distance, inf before one is found.
    history : list of float
        The distance after 0, 1, ... iterations of HopSkipJump.
    """

    def __init__(self, x, code, predict, norm):
        self.x, self.code, self.norm = x, code, norm
        self.n_queries = 0
        self.best, self.distance = None, np.inf
        self.history = []
        self._predict = predict
        self._n_single = 0

    def restart_guard(self):
        """Count single queries anew: a search begins that has an end."""
        self._n_single = 0

    def keep(self, sample):
        """Take an adversarial sample for the nearest one."""
        self.best = sample
        self.distance = distances_between(sample[np.newaxis], self.x, self.norm)[0]

    def ask(self, samples):
        """Class codes of samples, shape (n,).

        Raises
        ------
        AttackStoppedError
            If only single samples were asked for many times: neither search of
            HopSkipJump has an end of its own where a sample lies within float32's
            resolution of the boundary.
        """
        self._n_single = self._n_single + 1 if len(samples) == 1 else 0
        if self._n_single > _MOST_SINGLE_QUERIES:
            raise AttackStoppedError
        # ART's steps are float64 at times; what is kept must be what was asked.
        samples = np.asarray(samples, dtype=np.float32)
        self.n_queries += len(samples)
        codes = self._predict(samples)
        wrong = np.flatnonzero(codes != self.code)
        if wrong.size:
            # Roughly first: in float64 this would take as long as a prediction.
            rough = _rough_distances(samples, self.x, self.norm)
            nearest = samples[wrong[rough[wrong].argmin()]]
            if distances_between(nearest[np.newaxis], self.x, self.norm) < (
                self.distance
            ):
                self.keep(nearest.copy())
        return codes


def distances_between(samples, x, norm):
    """Distances of samples to one sample, in float64, shape (n,)."""
    difference = samples.astype(np.float64) - x.astype(np.float64)
    if norm == 2:
        return np.sqrt(np.einsum("ij,ij->i", difference, difference))
    return np.abs(difference).max(axis=1, initial=0.0)


def _rough_distances(samples, x, norm):
    """Squared L2 or Linf distances in float32, to tell which is smallest."""
    difference = samples - x
    if norm == 2:
        return np.einsum("ij,ij->i", difference, difference)
    return np.abs(difference, out=difference).max(axis=1, initial=0.0)


class AskedClassifier(ArtClassifier):
    """The classifier that an attack asks: answers come from a record."""

    record: Record  # set before anything is asked

    def predict(self, x, **kwargs):
        """1 for the class predicted, 0 for the others, (n_samples, n_classes)."""
        return np.eye(self.nb_classes, dtype=np.float32)[self.record.ask(x)]


class RepeatableHopSkipJump(HopSkipJump):
    """HopSkipJump [1]_ whose random directions come from a generator.

    Parameters
    ----------
    classifier : AskedClassifier
    **parameters : dict
        Those of ART's attack.

    References
    ----------
    .. [1] Chen, Jordan, Wainwright, "HopSkipJumpAttack: A Query-Efficient
       Decision-Based Attack", IEEE Symposium on Security and Privacy 2020.
    """

    def run(self, start, generator):
        """Attack the record's sample from an adversarial one.

        Parameters
        ----------
        start : ndarray of shape (n_features,), float32
        generator : numpy.random.Generator

        Raises
        ------
        AttackStoppedError
            If the attack can't go on.
        """
        record = self.estimator.record
        low, high = self.estimator.clip_values
        self.curr_iter, self._generator = 0, generator
        self._attack(start, record.x, record.code, None, low, high)

    def _compute_update(
        self, current_sample, num_eval, delta, target, mask, clip_min, clip_max
    ):
        """Estimate the boundary's normal by a Monte Carlo sum ([1], section III)."""
        record = self.estimator.record
        record.history.append(record.distance)
        shape = num_eval, current_sample.size
        if self.norm == 2:
            noise = self._generator.standard_normal(shape, dtype=np.float32)
        else:
            noise = self._generator.random(shape, dtype=np.float32)
            noise *= 2
            noise -= 1
        lengths = np.sqrt(np.einsum("ij,ij->i", noise, noise))
        noise *= (delta / lengths).astype(np.float32)[:, np.newaxis]
        noise += current_sample
        np.clip(noise, clip_min, clip_max, out=noise)
        votes = np.where(record.ask(noise) != record.code, 1.0, -1.0)
        if abs(votes.mean()) < 1.0:
            votes -= votes.mean()
        noise -= current_sample
        normal = votes.astype(np.float32) @ noise
        length = np.linalg.norm(normal)
        if not (np.isfinite(length) and length > 0):
            raise AttackStoppedError
        return normal / length if self.norm == 2 else np.sign(normal)


class RepeatableBoundaryAttack(BoundaryAttack):
    """The boundary attack [1]_ whose random directions come from a generator.

    Parameters
    ----------
    estimator : AskedClassifier
    **parameters : dict
        Those of ART's attack.

    References
    ----------
    .. [1] Brendel, Rauber, Bethge, "Decision-Based Adversarial Attacks: Reliable
       Attacks Against Black-Box Machine Learning Models", ICLR 2018.
    """

    def run(self, start, generator):
        """Attack the record's sample from an adversarial one; as above."""
        record = self.estimator.record
        low, high = self.estimator.clip_values
        self._generator = generator
        self._attack(
            start, record.x, record.code, record.code, self.delta, self.epsilon, low,
            high,
        )  # fmt: skip

    def _orthogonal_perturb(self, delta, current_sample, original_sample):
        """Draw a step along the sphere around the sample ([1], section 2.2)."""
        outwards = current_sample - original_sample
        distance = np.linalg.norm(outwards)
        if not distance > 0:
            raise AttackStoppedError
        direction = outwards / distance
        step = self._generator.standard_normal(direction.size, dtype=np.float32)
        step -= (step @ direction) * direction
        step *= delta * distance / np.linalg.norm(step)
        moved = outwards + step
        return moved * (distance / np.linalg.norm(moved)) - outwards
