"""The steps before a classifier."""

from __future__ import annotations

from sklearn.pipeline import Pipeline

from sklearn_scd._typing import FittedClassifier


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
