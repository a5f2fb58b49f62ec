"""Measure what an image can stand before a classifier takes it for another class.

Attacks come from the Adversarial Robustness Toolbox (ART), which the extra ``art``
installs; it is imported where it is needed, not before.
"""

from sklearn_scd.robustness._accuracy import RobustAccuracy, robust_accuracy
from sklearn_scd.robustness._bridge import as_art_classifier
from sklearn_scd.robustness._distortion import DistortionResult, minimum_distortion
from sklearn_scd.robustness._transfer import TransferResult, transfer_matrix

__all__ = [
    "DistortionResult",
    "RobustAccuracy",
    "TransferResult",
    "as_art_classifier",
    "minimum_distortion",
    "robust_accuracy",
    "transfer_matrix",
]
