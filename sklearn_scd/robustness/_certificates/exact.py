"""Exact distances, for the models that have them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import HasMethods, Options

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._typing import FittedClassifier, Floats, Norm, validated
from sklearn_scd.robustness._affine import fold, split_pipeline
from sklearn_scd.robustness._certificates.certified import (
    certified_distortion,
)
from sklearn_scd.robustness._hyperplanes.networks import sign_networks
from sklearn_scd.robustness._labels import LabelCodes
from sklearn_scd.robustness._samples import as_numbers


@validated(
    {
        "estimator": [HasMethods("predict")],
        "X": ["array-like"],
        "y": ["array-like", None],
        "norm": [Options(object, {2, np.inf, "inf"})],
    }
)
def exact_distance(
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    norm: Norm = 2,
) -> Floats:
    """Distance to the nearest point of another class.

    Yardsticks for attacks and certificates: linear classifiers have it in closed form,
    one vote of sign networks by branch and bound over its cells. The range of values is
    not looked at.

    Parameters
    ----------
    estimator : fitted classifier
        A linear classifier of scikit-learn (logistic regression, linear SVM, linear
        discriminant analysis, ...), an SCDClassifier with ``n_estimators=1``, or a
        Pipeline of affine steps and one of them.

    X : array-like of shape (n_samples, n_features)
        Samples.

    y : array-like of shape (n_samples,), default=None
        True labels: a sample that is misclassified has the distance 0. None: every
        sample has the class that is predicted for it.

    norm : {2, numpy.inf}, default=2
        Norm of distances. With hidden units only L2.

    Returns
    -------
    distances : ndarray of shape (n_samples,), float64
        In the units of `X`; inf where every point has the same class.

    Raises
    ------
    TypeError
        If the classifier is none of those.
    ValueError
        If a step before it is not affine, or the norm is not known for the model.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_scd.robustness import exact_distance
    >>> model = LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> exact_distance(model, [[0.5], [2.0]]).round(2).tolist()
    [1.0, 0.5]
    """
    transformer, classifier = split_pipeline(estimator)
    norm = np.inf if norm == "inf" else float(norm)
    if isinstance(classifier, SCDClassifier):
        return _of_one_vote(estimator, classifier, X, y, norm)
    if not isinstance(classifier, LinearClassifierMixin):
        raise TypeError(
            "Exact distances are known of linear classifiers and of one vote of sign "
            f"networks, not of {type(classifier).__name__}."
        )
    labels = LabelCodes(estimator)
    X = as_numbers(X, "X", estimator, dtype=(np.float64, np.float32))
    rows = np.atleast_2d(np.asarray(classifier.coef_, dtype=np.float64))
    offsets = np.broadcast_to(classifier.intercept_, len(rows)).astype(np.float64)
    if transformer is not None:
        rows, shift = fold(transformer, rows, X)
        offsets = offsets + shift
    if len(rows) == 1:  # the second class where it is positive
        rows, offsets = np.vstack([0 * rows, rows]), np.append(0.0, offsets)
    codes = labels.predict(estimator, X)
    distances = _to_other_classes(X @ rows.T + offsets, rows, codes, norm)
    if y is not None:
        check_consistent_length(X, y)
        distances[codes != labels.encode(y, "y")] = 0.0
    return distances


def _to_other_classes(
    scores: Floats, rows: Floats, codes: NDArray[np.intp], norm: float
) -> Floats:
    """Distances to where another class's score reaches the predicted one's."""
    dual = 2 if norm == 2 else 1
    distances = np.full(len(scores), np.inf)
    for code in range(len(rows)):
        leads = scores[np.arange(len(scores)), codes] - scores[:, code]
        sizes = np.linalg.norm(rows[codes] - rows[code], ord=dual, axis=1)
        other = (codes != code) & (sizes > 0)
        distances[other] = np.minimum(
            distances[other], np.maximum(leads[other], 0.0) / sizes[other]
        )
    return distances


def _of_one_vote(
    estimator: FittedClassifier,
    classifier: SCDClassifier,
    X: ArrayLike,
    y: ArrayLike | None,
    norm: float,
) -> Floats:
    X = as_numbers(X, "X", estimator, dtype=(np.float64, np.float32))
    networks = sign_networks(estimator, X)
    if networks.n_votes > 1:
        raise TypeError(
            "Exact distances are known of one vote, n_estimators=1, not of "
            f"{networks.n_votes}; certified_distortion has bounds for them."
        )
    alone = networks.n_units == 1 and networks.n_rivals == 1
    if networks.distances_are_outputs or alone:
        return certified_distortion(estimator, X, y, norm=norm, method="order")
    if norm != 2 or networks.voting != "hard":
        raise ValueError(
            "norm=inf and voting='soft' have an exact distance for linear models only; "
            "certified_distortion has bounds for them."
        )
    return certified_distortion(estimator, X, y, method="branch_and_bound")
