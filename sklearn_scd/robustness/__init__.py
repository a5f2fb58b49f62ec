"""Certify and attack: how large a perturbation changes a prediction.

Certificates and white-box attacks are for :class:`SCDClassifier`. Decision-based
(black-box) attacks are for any classifier; HopSkipJump and the boundary attack come
from the Adversarial Robustness Toolbox (ART), which the extra ``art`` installs. It is
imported where it is needed, not before.
"""

from sklearn_scd.robustness._accuracy import RobustAccuracy, robust_accuracy
from sklearn_scd.robustness._attacks.bridge import as_art_classifier
from sklearn_scd.robustness._attacks.line_search import line_search
from sklearn_scd.robustness._attacks.minimum_distortion import minimum_distortion
from sklearn_scd.robustness._attacks.nearest_flip import nearest_flip
from sklearn_scd.robustness._attacks.run_attack import run_attack
from sklearn_scd.robustness._attacks.sample import AttackedSample
from sklearn_scd.robustness._attacks.surrogate import surrogate_attack
from sklearn_scd.robustness._certificates.certified import certified_distortion
from sklearn_scd.robustness._certificates.exact import exact_distance
from sklearn_scd.robustness._detector import AgreementDetector
from sklearn_scd.robustness._evaluation import evaluate_robustness
from sklearn_scd.robustness._results import DistortionResult
from sklearn_scd.robustness._scorer import certified_accuracy_scorer
from sklearn_scd.robustness._smoothing.smoothed_classifier import SmoothedClassifier
from sklearn_scd.robustness._summary import RobustnessEvaluation
from sklearn_scd.robustness._transfer import TransferResult, transfer_matrix

__all__ = [
    "AgreementDetector",
    "AttackedSample",
    "DistortionResult",
    "RobustAccuracy",
    "RobustnessEvaluation",
    "SmoothedClassifier",
    "TransferResult",
    "as_art_classifier",
    "certified_accuracy_scorer",
    "certified_distortion",
    "evaluate_robustness",
    "exact_distance",
    "line_search",
    "minimum_distortion",
    "nearest_flip",
    "robust_accuracy",
    "run_attack",
    "surrogate_attack",
    "transfer_matrix",
]
