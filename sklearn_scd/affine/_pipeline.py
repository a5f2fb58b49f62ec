"""The steps before a classifier, and whether what holds both predicts as it does."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline

from sklearn_scd._typing import FittedClassifier

PREDICTING = "predict", "predict_proba", "decision_function"
# Their pipelines, searches and frozen estimators pass on what the last step predicts.
_KNOWN = "sklearn", "sklearn_scd", "imblearn"


def redefined(estimator: Any, names: tuple[str, ...] = PREDICTING) -> str | None:
    """A method of an estimator that comes from elsewhere than the libraries.

    Parameters
    ----------
    estimator : fitted estimator
    names : tuple of str
        Of the methods.

    Returns
    -------
    name : str or None
        The first one that its class redefines, or that was put into it by hand.
    """
    for name in names:
        if name in vars(estimator):
            return name
        definer = next((k for k in type(estimator).__mro__ if name in vars(k)), None)
        if definer is not None and definer.__module__.split(".")[0] not in _KNOWN:
            return name
    return None


def passes_on(estimator: FittedClassifier) -> bool:
    """Whether a pipeline or search predicts what the classifier in it does."""
    inner = getattr(estimator, "best_estimator_", None)
    if inner is None and isinstance(estimator, Pipeline):
        inner = estimator[-1]
    if inner is None:  # the classifier, whatever it does
        return True
    return redefined(estimator) is None and passes_on(inner)


def split_pipeline(
    estimator: FittedClassifier,
) -> tuple[Pipeline | None, FittedClassifier]:
    """The steps before the classifier, and the classifier.

    Parameters
    ----------
    estimator : fitted estimator
        A classifier, a `Pipeline`, or a search with its `best_estimator_`.

    Returns
    -------
    transformer : Pipeline or None
        None where there are no steps before the classifier.
    classifier : fitted estimator
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    if not isinstance(estimator, Pipeline):
        return None, estimator
    classifier = estimator[-1]
    transformer = estimator[:-1]
    inner, classifier = split_pipeline(classifier)
    if inner is not None:
        transformer = Pipeline([*transformer.steps, ("inner", inner)])
    return (transformer if len(transformer) else None), classifier
