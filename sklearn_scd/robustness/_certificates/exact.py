"""Exact distances, for the models that have them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import HasMethods

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._rounding import rounding_factor, row_norms
from sklearn_scd._typing import FittedClassifier, Floats, Norm, validated
from sklearn_scd.affine._fold import FoldedLayer, fold_into, steps_map
from sklearn_scd.affine._pipeline import split_pipeline
from sklearn_scd.robustness._certificates.certified import certify
from sklearn_scd.robustness._certificates.deciding import check_decides_by_weights
from sklearn_scd.robustness._hyperplanes.model_setup import set_up
from sklearn_scd.robustness._hyperplanes.networks import DUAL
from sklearn_scd.robustness._inputs import as_numbers, check_norm
from sklearn_scd.robustness._labels import LabelCodes


@validated(
    {
        "estimator": [HasMethods("predict")],
        "X": ["array-like"],
        "y": ["array-like", None],
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

    norm : {1, 2, numpy.inf}, default=2
        Norm of distances. With hidden units only L2.

    Returns
    -------
    distances : ndarray of shape (n_samples,), float64
        In the units of `X`; inf where no units that switch change the class, a large
        number where those that would can't switch together, which floating point can't
        tell from far away. Those of linear classifiers are of real numbers, whatever
        the classifier rounds, which in ``float32`` may be much of them. One vote's are
        lowered as those of :func:`certified_distortion`, by what may be rounded.

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
    norm = check_norm(norm)
    if isinstance(split_pipeline(estimator)[1], SCDClassifier):
        return _of_one_vote(estimator, X, y, norm)
    return _of_linear(estimator, X, y, norm, proven=False)


def certified_linear(
    estimator: FittedClassifier, X: ArrayLike, y: ArrayLike | None, norm: float
) -> Floats:
    """Distances of a linear classifier, less what it and its steps may have rounded.

    Parameters
    ----------
    estimator : fitted linear classifier, or Pipeline of affine steps and one
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or None
    norm : {1, 2, numpy.inf}

    Returns
    -------
    bounds : ndarray of shape (n_samples,), float64
    """
    return _of_linear(estimator, X, y, norm, proven=True)


def _of_linear(
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike | None,
    norm: float,
    proven: bool,
) -> Floats:
    transformer, classifier = split_pipeline(estimator)
    if not isinstance(classifier, LinearClassifierMixin):
        raise TypeError(
            "Exact distances are known of linear classifiers and of one vote of sign "
            f"networks, not of {type(classifier).__name__}."
        )
    check_decides_by_weights(estimator)
    labels = LabelCodes(estimator)
    X = as_numbers(X, "X", estimator, small_as=np.float64)
    layer = _scores(transformer, classifier, X)
    codes = labels.predict(estimator, X)
    distances = _to_other_classes(layer, X, codes, norm, proven)
    if y is not None:
        check_consistent_length(X, y)
        distances[codes != labels.encode(y, "y")] = 0.0
    return distances


def _scores(
    transformer: Any, classifier: LinearClassifierMixin, X: NDArray[Any]
) -> FoldedLayer:
    """The classifier's scores in the units of the input; the largest one is predicted.

    With two classes it has one, and predicts the second class where it is positive.
    """
    rows = classifier.coef_
    rows = rows.toarray() if issparse(rows) else np.asarray(rows)
    steps = None
    if transformer is not None:
        steps = steps_map(transformer, rows.shape[-1], X.dtype, X)
    # That of what comes out of the steps, not of what goes in.
    dtype = np.result_type(rows.dtype, X.dtype if steps is None else steps.dtype)
    rows = np.atleast_2d(rows).astype(np.float64)
    offsets = np.broadcast_to(classifier.intercept_, len(rows)).astype(np.float64)
    if len(rows) == 1:
        rows, offsets = np.vstack([0 * rows, rows]), np.append(0.0, offsets)
    roundoff = rounding_factor(rows.shape[1] + 2, dtype)
    return fold_into(steps, rows, offsets, roundoff=roundoff)


def _to_other_classes(
    layer: FoldedLayer,
    X: NDArray[Any],
    codes: NDArray[np.intp],
    norm: float,
    proven: bool,
) -> Floats:
    """Distances to where another class's score reaches the predicted one's.

    At a distance r a lead may be rounded by as much as at the sample, and r times a
    slope beside: what is proven is where the lead is still above that.
    """
    steps = X.astype(np.float64, copy=False) - layer.centre
    scores = steps @ layer.normals.T + layer.offsets
    coef = layer.rounding_coef.astype(np.float64) if proven else 0 * layer.normals
    # What is computed from the scores here is rounded, too.
    coef += (proven * rounding_factor(X.shape[1] + 4, np.float64)) * np.abs(
        layer.normals
    )
    rounding = np.abs(steps) @ coef.T + proven * (
        layer.rounding_floor + 2.0**-50 * np.abs(layer.offsets)
    )
    distances = np.full(len(X), np.inf)
    here = np.arange(len(X))
    for code in range(len(layer.normals)):
        leads = scores[here, codes] - scores[:, code]
        leads -= rounding[here, codes] + rounding[:, code]
        rows = layer.normals[codes] - layer.normals[code]
        sizes = row_norms(rows, DUAL[norm])
        # Where rows are equal, rounding alone may change the lead.
        sizes += row_norms(coef[codes] + coef[code], DUAL[norm])
        other = (codes != code) & (sizes > 0)
        distances[other] = np.minimum(
            distances[other], np.maximum(leads[other], 0.0) / sizes[other]
        )
    return distances * (1 - 2.0**-40) if proven else distances


def _of_one_vote(
    estimator: FittedClassifier, X: ArrayLike, y: ArrayLike | None, norm: float
) -> Floats:
    X = as_numbers(X, "X", estimator, small_as=np.float64)
    networks = set_up(estimator, X).networks
    if networks.n_votes > 1:
        raise TypeError(
            "Exact distances are known of one vote, n_estimators=1, not of "
            f"{networks.n_votes}; certified_distortion has bounds for them."
        )
    alone = networks.n_units == 1 and networks.n_rivals == 1
    if networks.distances_are_outputs or alone:
        return certify(estimator, LabelCodes(estimator), X, y, norm, "order")[0]
    if norm != 2 or networks.voting != "hard":
        raise ValueError(
            "norm=1, norm=inf and voting='soft' have an exact distance for linear "
            "models only; certified_distortion has bounds for them."
        )
    labels = LabelCodes(estimator)
    return certify(estimator, labels, X, y, 2, "branch_and_bound", real=True)[0]
