"""What follows from bounds and attacks: nearest samples, curves, detection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import auc, roc_curve

from sklearn_scd._typing import Floats
from sklearn_scd.affine._pipeline import split_pipeline
from sklearn_scd.robustness._accuracy import RobustAccuracy, robust_accuracy
from sklearn_scd.robustness._attacks.collecting import in_dtype
from sklearn_scd.robustness._attacks.problem import AttackProblem
from sklearn_scd.robustness._inputs import ask
from sklearn_scd.robustness._results import (
    DistortionResult,
    as_html,
    frame_of,
    in_one_line,
    median_of,
    norm_name,
)

if TYPE_CHECKING:
    import pandas as pd

_N_EPSILONS = 101


@dataclass(frozen=True, repr=False)
class RobustnessEvaluation:
    """What is known of the robustness of a classifier on some samples.

    Attributes
    ----------
    clean_accuracy : float
        Share of the samples that are classified correctly as they are.

    certified : ndarray of shape (n_samples,), float64
        No perturbation below this changes the prediction: 0 for a sample that is
        misclassified as it is, NaN where the model can't be certified.

    attacks : dict of str to DistortionResult
        What each attack found, by its name.

    nearest : ndarray of shape (n_samples,), float64
        Distance to the nearest adversarial sample over all attacks: 0 for a sample that
        is misclassified as it is, inf where none was found.

    adversarials : ndarray of shape (n_samples, n_features)
        The nearest adversarial samples; NaN where none was found and where the sample
        is misclassified as it is. All are of the widest dtype of the samples and of
        what attacks found: one that is adversarial in a narrower dtype only is moved
        outwards by a hair, and `nearest` is its distance then.

    gap : ndarray of shape (n_samples,), float64
        `nearest` minus `certified`: what is not known. NaN without a certificate.

    epsilons : ndarray of shape (n_epsilons,), float64
        Sizes of perturbations that both curves are of.

    certified_accuracy : RobustAccuracy or None
        Share of samples with a certificate above each epsilon: no attack leaves less of
        these samples. None where the model can't be certified.

    attacked_accuracy : RobustAccuracy
        Share of samples that no attack changed within each epsilon: what is left is not
        more than this.

    agreement_clean : ndarray of shape (n_samples,), or None
        Share of votes for the predicted class. None for a model without `agreement`.

    agreement_adversarial : ndarray of shape (n_samples,), or None
        The same of the nearest adversarial samples; NaN where there is none.

    roc_fpr : ndarray of shape (n_thresholds,), or None
        Share of samples that are taken for adversarial, of those that have an
        adversarial one, when agreement below a threshold is. None where nothing was
        found, or the model has no `agreement`.

    roc_tpr : ndarray of shape (n_thresholds,), or None
        Share of their nearest adversarial samples that are.

    roc_auc : float or None
        Area under that curve: 0.5 for what can't be told apart.

    norm : float
        1, 2 or inf.

    is_constant : bool
        Whether a certificate is infinite: the model names one class whatever the
        sample, and certificates say nothing else.
    """

    clean_accuracy: float
    certified: Floats
    attacks: Mapping[str, DistortionResult]
    nearest: Floats
    adversarials: NDArray[Any]
    gap: Floats
    epsilons: Floats
    certified_accuracy: RobustAccuracy | None
    attacked_accuracy: RobustAccuracy
    agreement_clean: Floats | None
    agreement_adversarial: Floats | None
    roc_fpr: Floats | None
    roc_tpr: Floats | None
    roc_auc: float | None
    norm: float
    is_constant: bool = False

    def to_frame(self) -> pd.DataFrame:
        """Bounds of each sample, and what each attack found, as a data frame.

        Returns
        -------
        frame : pandas.DataFrame
            A row a sample: `certified`, `nearest`, `gap`, `agreement_clean` and
            `agreement_adversarial` where the model has votes, and a column
            ``distance_NAME`` for each attack.
        """
        columns = {
            "certified": self.certified, "nearest": self.nearest, "gap": self.gap
        }  # fmt: skip
        if self.agreement_clean is not None:
            columns["agreement_clean"] = self.agreement_clean
        if self.agreement_adversarial is not None:
            columns["agreement_adversarial"] = self.agreement_adversarial
        for name, result in self.attacks.items():
            columns[f"distance_{name}"] = result.distances
        return frame_of("RobustnessEvaluation", columns)

    def _facts(self) -> dict[str, str]:
        right = self.nearest > 0
        facts = {
            "norm": norm_name(self.norm),
            "samples": str(self.nearest.size),
            "clean accuracy": f"{self.clean_accuracy:.3g}",
            "median certified": median_of(self.certified[right]),
            "median nearest": median_of(self.nearest[right]),
            "attacked": str(int(right.sum())) if self.attacks else "none",
            "attacks": ", ".join(self.attacks) or "none",
        }
        if self.is_constant:
            facts["constant"] = "the model names one class only"
        return facts

    def __repr__(self) -> str:
        return in_one_line("RobustnessEvaluation", self._facts())

    def _repr_html_(self) -> str:
        return as_html("RobustnessEvaluation", self._facts())


def summarise(
    problem: AttackProblem,
    certified: Floats,
    results: Mapping[str, DistortionResult],
    epsilons: Floats | None,
    is_constant: bool,
) -> RobustnessEvaluation:
    """All that follows from the bounds."""
    nearest, adversarials = nearest_of(problem, list(results.values()))
    if epsilons is None:
        epsilons = _default_epsilons(certified, nearest)
    has_certificates = not np.isnan(certified).any()
    clean, adversarial = _agreements(problem, adversarials)
    fpr, tpr, area = _detection(clean, adversarial)
    return RobustnessEvaluation(
        clean_accuracy=float(problem.right.mean()),
        certified=certified,
        attacks=results,
        nearest=nearest,
        adversarials=adversarials,
        gap=_gap(certified, nearest),
        epsilons=epsilons,
        certified_accuracy=(
            robust_accuracy(certified, epsilons) if has_certificates else None
        ),
        attacked_accuracy=robust_accuracy(nearest, epsilons),
        agreement_clean=clean,
        agreement_adversarial=adversarial,
        roc_fpr=fpr,
        roc_tpr=tpr,
        roc_auc=area,
        norm=problem.model.norm,
        is_constant=is_constant,
    )


def nearest_of(
    problem: AttackProblem, results: Sequence[DistortionResult]
) -> tuple[Floats, NDArray[Any]]:
    """Smallest distances over results, and the adversarial samples at them.

    In the widest dtype of samples and results, in which each is adversarial.
    """
    nearest = np.where(problem.right, np.inf, 0.0)
    dtype = np.result_type(problem.X, *(r.adversarials for r in results))
    adversarials = np.full(problem.X.shape, np.nan, dtype=dtype)
    for result in results:
        result = in_dtype(problem, result, dtype)
        nearer = result.distances < nearest
        nearest[nearer] = result.distances[nearer]
        adversarials[nearer] = result.adversarials[nearer]
    return nearest, adversarials


def _gap(certified: Floats, nearest: Floats) -> Floats:
    gap = np.zeros(len(nearest))
    open_ = certified != nearest  # both may be inf: a constant model
    gap[open_] = nearest[open_] - certified[open_]
    return gap


def _default_epsilons(certified: Floats, nearest: Floats) -> Floats:
    known = np.concatenate([certified, nearest])
    known = known[np.isfinite(known) & (known > 0)]
    return np.linspace(0.0, 1.05 * known.max() if known.size else 1.0, _N_EPSILONS)


def _agreements(
    problem: AttackProblem, adversarials: NDArray[Any]
) -> tuple[Floats, Floats] | tuple[None, None]:
    """Agreement on the samples and on adversarial ones, or None."""
    transformer, classifier = None, problem.model.estimator
    if not hasattr(classifier, "agreement"):
        transformer, classifier = split_pipeline(problem.model.estimator)
    if not hasattr(classifier, "agreement"):
        return None, None

    def agreement(samples: NDArray[Any]) -> Floats:
        if transformer is not None:
            samples = ask(transformer, "transform", samples)
        return ask(classifier, "agreement", samples)

    adversarial = np.full(len(problem.X), np.nan)
    found = ~np.isnan(adversarials).any(axis=1)
    if found.any():
        adversarial[found] = agreement(adversarials[found])
    return agreement(problem.X), adversarial


def _detection(
    clean: Floats | None, adversarial: Floats | None
) -> tuple[Floats | None, Floats | None, float | None]:
    """ROC of telling adversarial samples from clean ones by low agreement."""
    if clean is None or adversarial is None or np.isnan(adversarial).all():
        return None, None, None
    found = ~np.isnan(adversarial)
    disagreement = 1.0 - np.concatenate([clean[found], adversarial[found]])
    is_adversarial = np.repeat([0, 1], found.sum())
    fpr, tpr, _ = roc_curve(is_adversarial, disagreement)
    return fpr, tpr, float(auc(fpr, tpr))
