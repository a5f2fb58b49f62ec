"""Whether what predicts is what is certified, and not a subclass of its own mind."""

from __future__ import annotations

from sklearn.pipeline import Pipeline

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._typing import FittedClassifier

_METHODS = "predict", "predict_proba", "decision_function"
_OF_VOTES = "_probabilities", "_outputs", "_evaluate"
# Their pipelines and searches pass on what the last step predicts.
_KNOWN = "sklearn", "sklearn_scd", "imblearn"


def check_decides_by_weights(estimator: FittedClassifier) -> None:
    """Refuse subclasses whose predictions may be others than their weights' decision.

    Parameters
    ----------
    estimator : fitted classifier, Pipeline or search

    Raises
    ------
    TypeError
        If it, its best estimator or its last step redefines a method that predicts.
    """
    names = _METHODS + (_OF_VOTES if isinstance(estimator, SCDClassifier) else ())
    for name in names:
        definer = _definer(type(estimator), name)
        if definer is not None and definer.__module__.split(".")[0] not in _KNOWN:
            kind = type(estimator).__name__
            raise TypeError(
                f"{kind} redefines {name}: what is certified is what the weights say, "
                "which may be another class than it predicts. Certify what it is "
                "derived from, or attack it."
            )
    if hasattr(estimator, "best_estimator_"):
        check_decides_by_weights(estimator.best_estimator_)
    elif isinstance(estimator, Pipeline):
        check_decides_by_weights(estimator[-1])


def _definer(kind: type, name: str) -> type | None:
    """The class that a method comes from."""
    return next((base for base in kind.__mro__ if name in vars(base)), None)
