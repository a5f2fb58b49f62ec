"""Whether what predicts is what is certified, and nothing of its own mind."""

from __future__ import annotations

from sklearn.pipeline import Pipeline

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._typing import FittedClassifier
from sklearn_scd.affine._pipeline import PREDICTING, redefined

_OF_VOTES = (
    "_probabilities",
    "_outputs",
    "_evaluate",
    "_networks",
    "_is_valid_row",
    "_n_votes",
    "_n_rivals",
)


def check_decides_by_weights(estimator: FittedClassifier) -> None:
    """Refuse classifiers whose predictions may be others than their weights' decision.

    Parameters
    ----------
    estimator : fitted classifier, Pipeline or search

    Raises
    ------
    TypeError
        If it, its best estimator or its last step redefines a method that predicts, in
        its class or by an attribute of its own.
    """
    is_vote = isinstance(estimator, SCDClassifier)
    name = redefined(estimator, PREDICTING + (_OF_VOTES if is_vote else ()))
    if name is not None:
        raise TypeError(
            f"{type(estimator).__name__} redefines {name}: what is certified is what "
            "the weights say, which may be another class than it predicts. Certify "
            "what it is derived from, or attack it."
        )
    if hasattr(estimator, "best_estimator_"):
        check_decides_by_weights(estimator.best_estimator_)
    elif isinstance(estimator, Pipeline):
        check_decides_by_weights(estimator[-1])
