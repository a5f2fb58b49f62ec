"""What an attack is given: samples, labels and targets, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length

from sklearn_scd._rounding import row_norms
from sklearn_scd._typing import FittedClassifier, Floats, Norm
from sklearn_scd.robustness._attacks.sample import (
    AttackedModel,
    AttackedSample,
    is_adversarial,
)
from sklearn_scd.robustness._inputs import (
    NORMS,
    check_clip_values,
    check_norm,
    check_samples,
)
from sklearn_scd.robustness._labels import LabelCodes
from sklearn_scd.robustness._results import ATTACKED, IS_TARGET, MISCLASSIFIED


@dataclass(frozen=True)
class AttackProblem:
    """Samples to attack, checked.

    Attributes
    ----------
    model : AttackedModel
    X : ndarray of shape (n_samples, n_features), float32 or float64
    codes : ndarray of shape (n_samples,), intp
        Places of the true labels in the classes.
    targets : ndarray of shape (n_samples,), intp
        Places of the classes that count as success; -1 for any other than the label.
    predicted : ndarray of shape (n_samples,), intp
        Places of the classes that the model predicts.
    status : ndarray of shape (n_samples,), str
        Why a sample is not attacked, ``'attacked'`` where it is.
    """

    model: AttackedModel
    X: NDArray[Any]
    codes: NDArray[np.intp]
    targets: NDArray[np.intp]
    predicted: NDArray[np.intp]
    status: NDArray[np.str_]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which samples are classified correctly."""
        right: NDArray[np.bool_] = self.predicted == self.codes
        return right

    @property
    def sizes(self) -> Floats:
        """Norms of the samples."""
        X = self.X.astype(np.float64)
        return row_norms(X, self.model.norm)

    @property
    def rows(self) -> NDArray[np.intp]:
        """Places of the samples that are attacked."""
        return np.flatnonzero(self.status == ATTACKED)

    def sample(self, i: int) -> AttackedSample:
        """One of the samples."""
        return AttackedSample(
            self.model, self.X[i], int(self.codes[i]), int(self.targets[i])
        )


def read_problem(
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike,
    *,
    norm: Norm,
    clip_values: tuple[float, float],
    target: Any = None,
    norms: Sequence[float] = NORMS,
    norm_hint: str = "",
) -> AttackProblem:
    """Check what an attack is given.

    Parameters
    ----------
    estimator, X, y, norm, clip_values, target
        As of :func:`run_attack`.
    norms : sequence of float, default=(1, 2, inf)
        Those that the attack knows.
    norm_hint : str, default=''
        What the error says of other norms.

    Returns
    -------
    problem : AttackProblem

    Raises
    ------
    ValueError
        If something is not what the attack can use.
    """
    norm = check_norm(norm, norms, norm_hint)
    labels = LabelCodes(estimator)
    clip_values = check_clip_values(clip_values)
    X = check_samples(X, "X", estimator, clip_values)
    check_consistent_length(X, y)
    codes = labels.encode(y, "y")
    model = AttackedModel(estimator, labels, norm, clip_values)
    targets = _read_targets(labels, target, len(X))
    predicted = model.predict(X)
    done = is_adversarial(predicted, codes, targets)
    status = np.where(done, MISCLASSIFIED, ATTACKED).astype("<U13")
    status[codes == targets] = IS_TARGET
    return AttackProblem(model, X, codes, targets, predicted, status)


def _read_targets(labels: LabelCodes, target: Any, n_samples: int) -> NDArray[np.intp]:
    """Codes of the target, one a sample; -1 without any."""
    if target is None:
        return np.full(n_samples, -1, dtype=np.intp)
    targets = labels.encode(np.atleast_1d(np.asarray(target)), "target")
    if np.ndim(target) == 0:
        return np.repeat(targets, n_samples)
    if len(targets) != n_samples:
        raise ValueError(
            f"target has {len(targets)} labels for {n_samples} samples; give one class "
            "for all, or one a sample."
        )
    return targets
