"""Adversarial points that enough votes must agree on: attacks on a detector, too."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_scd.robustness._attacks.problem import AttackProblem
from sklearn_scd.robustness._attacks.sample import AttackedModel, is_adversarial
from sklearn_scd.robustness._hyperplanes.networks import SignNetworks
from sklearn_scd.robustness._inputs import ask
from sklearn_scd.robustness._results import ATTACKED, IS_TARGET, MISCLASSIFIED

_ROUNDING = 1e-9  # of a share times the number of votes


@dataclass(frozen=True)
class DemandingModel(AttackedModel):
    """A vote between two classes whose decision counts if enough votes agree.

    Attributes
    ----------
    n_votes : int
    needed : tuple of (int, int)
        Votes that each class needs; a majority at least.
    """

    n_votes: int
    needed: tuple[int, int]

    def predict(self, points: NDArray[Any]) -> NDArray[np.intp]:
        """Class codes of points, shape (n,); -1 where too few votes agree."""
        shares = ask(self.estimator, "predict_proba", points)
        counts = np.rint(shares * self.n_votes)
        return np.where((counts >= self.needed).any(axis=1), counts.argmax(axis=1), -1)


def demand_agreement(
    problem: AttackProblem, networks: SignNetworks, agreement: float
) -> AttackProblem:
    """The same problem, in which a share of the votes must name the other class.

    Parameters
    ----------
    problem : AttackProblem
    networks : SignNetworks
    agreement : float
        The share.

    Returns
    -------
    problem : AttackProblem
        Every sample has a target.

    Raises
    ------
    ValueError
        If votes are not hard ones between two classes.
    """
    if networks.n_classes != 2 or networks.voting != "hard":
        raise ValueError(
            "agreement needs hard votes between two classes, got "
            f"voting={networks.voting!r} and {networks.n_classes} classes."
        )
    n = networks.n_votes
    share = math.ceil(agreement * n - _ROUNDING)
    # Of equally many votes the first class is predicted.
    needed = max(share, (n + 1) // 2), max(share, n // 2 + 1)
    parts = {
        part.name: getattr(problem.model, part.name) for part in fields(AttackedModel)
    }
    model = DemandingModel(**parts, n_votes=n, needed=needed)
    targets = np.where(problem.targets < 0, 1 - problem.codes, problem.targets)
    predicted = model.predict(problem.X)
    done = is_adversarial(predicted, problem.codes, targets)
    status = np.where(done, MISCLASSIFIED, ATTACKED).astype("<U13")
    status[problem.codes == targets] = IS_TARGET
    return replace(
        problem, model=model, targets=targets, predicted=predicted, status=status
    )


def with_head_start(
    networks: SignNetworks, target: int, model: DemandingModel
) -> SignNetworks:
    """The networks, and votes for the other class: the target wins with enough alone.

    With h of them and n votes the target needs ``2 k > n + h``, or as much where it
    wins a tie.
    """
    head_start = np.zeros(2, dtype=np.intp)
    head_start[1 - target] = 2 * model.needed[target] - networks.n_votes - target
    return replace(networks, head_start=head_start)
