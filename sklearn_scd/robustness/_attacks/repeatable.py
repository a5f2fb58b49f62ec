"""ART's decision-based attacks, made repeatable and unable to hang. Imports ART.

Both ask a :class:`GuardedSample`: the nearest adversarial point is that of all points
ever asked about, however the attack ends. They are untargeted to ART: what counts as
adversarial the sample says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from art.attacks.evasion import BoundaryAttack, HopSkipJump
from numpy.typing import ArrayLike, NDArray

from sklearn_scd.robustness._attacks.art_classifier import ArtClassifier
from sklearn_scd.robustness._attacks.sample import AttackedModel, AttackedSample
from sklearn_scd.robustness._attacks.sphere import draw_around

# Single samples asked for between two batches: the binary search takes about 20, the
# search for a step length twice as many until its steps are below float32's resolution.
_MOST_SINGLE_QUERIES = 200


class AttackStoppedError(Exception):
    """The attack can't go on; what it has found its sample keeps."""


class GuardedSample(AttackedSample):
    """A sample that an attack can't ask about single points for ever.

    Attributes
    ----------
    history : list of float
        The distance after 0, 1, ... iterations of HopSkipJump.
    """

    def __init__(
        self, model: AttackedModel, x: NDArray[Any], code: int, target: int = -1
    ) -> None:
        super().__init__(model, x, code, target)
        self.history: list[float] = []
        self._n_single = 0

    def restart_guard(self) -> None:
        """Count single queries anew: a search begins that has an end."""
        self._n_single = 0

    def ask(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Whether points are adversarial.

        Raises
        ------
        AttackStoppedError
            If only single points were asked for many times: neither search of
            HopSkipJump has an end of its own where a sample lies within float32's
            resolution of the boundary.
        """
        points = np.asarray(points)
        self._n_single = self._n_single + 1 if len(points) == 1 else 0
        if self._n_single > _MOST_SINGLE_QUERIES:
            raise AttackStoppedError
        return super().ask(points)


class AskedClassifier(ArtClassifier):
    """The classifier that an attack asks: answers come from a sample under attack."""

    sample: GuardedSample  # set before anything is asked

    def predict(self, x: NDArray[Any], **kwargs: Any) -> NDArray[np.float32]:
        """1 for the sample's class, or where x is adversarial for the next one."""
        codes = (self.sample.code + self.sample.ask(x)) % self.nb_classes
        return np.eye(self.nb_classes, dtype=np.float32)[codes]


def attack_on(
    sample: GuardedSample, name: str, max_iter: int
) -> RepeatableHopSkipJump | RepeatableBoundaryAttack:
    """ART's attack of that name, ready to run on a sample."""
    model = sample.model
    asked = AskedClassifier(model.estimator, model.labels, model.clip_values, "predict")
    asked.sample = sample
    if name == "hop_skip_jump":
        return RepeatableHopSkipJump(
            asked, norm=sample.norm, max_iter=max_iter, verbose=False
        )
    return RepeatableBoundaryAttack(
        asked, targeted=False, max_iter=max_iter, verbose=False
    )


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

    def run(self, start: NDArray[np.float32], generator: np.random.Generator) -> None:
        """Attack the sample from an adversarial one.

        Parameters
        ----------
        start : ndarray of shape (n_features,), float32
        generator : numpy.random.Generator

        Raises
        ------
        AttackStoppedError
            If the attack can't go on.
        """
        sample = self.estimator.sample
        low, high = self.estimator.clip_values
        self.curr_iter, self._generator = 0, generator
        x = sample.x.astype(np.float32)
        self._attack(start, x, sample.code, None, low, high)

    def _compute_update(
        self,
        current_sample: NDArray[Any],
        num_eval: int,
        delta: float,
        target: int,
        mask: Any,
        clip_min: float,
        clip_max: float,
    ) -> NDArray[Any]:
        """Estimate the boundary's normal by a Monte Carlo sum ([1], section III)."""
        sample = self.estimator.sample
        sample.history.append(sample.distance)
        points = draw_around(
            current_sample.astype(np.float32, copy=False), delta, num_eval,
            self.norm, (clip_min, clip_max), self._generator,
        )  # fmt: skip
        votes = np.where(sample.ask(points), 1.0, -1.0)
        if abs(votes.mean()) < 1.0:
            votes -= votes.mean()
        points -= current_sample
        normal = votes.astype(np.float32) @ points
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

    def run(self, start: NDArray[np.float32], generator: np.random.Generator) -> None:
        """Attack the sample from an adversarial one; as above."""
        sample = self.estimator.sample
        low, high = self.estimator.clip_values
        self._generator = generator
        x = sample.x.astype(np.float32)
        self._attack(
            start, x, sample.code, sample.code, self.delta, self.epsilon, low, high
        )

    def _orthogonal_perturb(
        self,
        delta: float,
        current_sample: NDArray[Any],
        original_sample: NDArray[Any],
    ) -> NDArray[Any]:
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
