"""A detector of adversarial samples by the disagreement of votes."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin, _fit_context
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.validation import check_is_fitted

from sklearn_scd._doc_link import DocumentedHere
from sklearn_scd._frames import that_knows_its_features
from sklearn_scd._typing import FittedClassifier, Floats
from sklearn_scd.robustness._inputs import ask, n_features_of

_ROUNDED_UP = 1 + 2.0**-50  # 0.29 of 100 is 29, though 28.999999999999996 in floats


class AgreementDetector(DocumentedHere, OutlierMixin, BaseEstimator):
    """Flag samples on which the votes of a classifier agree less than on clean ones.

    Adversarial samples next to the decision boundary split the votes. The threshold is
    chosen on clean samples so that a further clean one is flagged with a stated
    probability at most. An attacker who knows of the detector can go farther, until
    enough votes agree: measure that with ``nearest_flip(..., agreement=threshold_)``.

    Parameters
    ----------
    estimator : fitted classifier
        With `predict_proba`, such as an :class:`~sklearn_scd.SCDClassifier` or a
        `Pipeline` that ends with one. It is not fitted again. Where the detector is
        cloned, as in cross-validation, wrap it in
        :class:`~sklearn.frozen.FrozenEstimator`: clones of others are not fitted.

    false_alarm_rate : float, default=0.05
        Largest probability with which a clean sample is flagged.

    Attributes
    ----------
    threshold_ : float
        Agreement below which a sample is flagged.

    offset_ : float
        The same, as scikit-learn's outlier detectors name it.

    n_features_in_ : int
        Number of features that the classifier was fitted on.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of features that it was fitted on, where all of them are strings.

    See Also
    --------
    nearest_flip : Attack with a demanded agreement.
    sklearn_scd.SCDClassifier.agreement : Share of votes for the predicted class.

    Notes
    -----
    With n clean samples the threshold is the k-th smallest agreement,
    ``k = floor(false_alarm_rate * (n + 1))``. If a new clean sample is exchangeable
    with them, its agreement is strictly below that with probability ``k / (n + 1)`` at
    most [1]_, over samples for the threshold and new one together. Clean samples must
    not be those that the classifier was trained on: it agrees on them too well.

    References
    ----------
    .. [1] Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World", 2005,
       section 2.2.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_scd import make_robust_scd
    >>> from sklearn_scd.robustness import AgreementDetector
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = (X - X.min(axis=0)) / (X.max(axis=0) - X.min(axis=0))
    >>> model = make_robust_scd(n_estimators=20, random_state=0)
    >>> model = model.fit(X[:300], y[:300])
    >>> detector = AgreementDetector(model, false_alarm_rate=0.1).fit(X[300:450])
    >>> bool((detector.predict(X[450:]) == -1).mean() < 0.2)
    True
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["predict", "predict_proba"])],
        "false_alarm_rate": [Interval(Real, 0, 1, closed="neither")],
    }

    threshold_: float
    offset_: float
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self, estimator: FittedClassifier, *, false_alarm_rate: float = 0.05
    ) -> None:
        self.estimator = estimator
        self.false_alarm_rate = false_alarm_rate

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: ArrayLike, y: Any = None) -> AgreementDetector:
        """Choose the threshold on clean samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Clean samples that the classifier was not trained on.
        y : None
            Ignored.

        Returns
        -------
        self : AgreementDetector
            The detector, with its threshold.

        Raises
        ------
        ValueError
            If there are too few samples for so low a rate.
        """
        if hasattr(self.estimator, "fit"):  # or it came trained
            check_is_fitted(self.estimator)
        scores = self._scores(X)
        rank = math.floor(self.false_alarm_rate * (scores.size + 1) * _ROUNDED_UP)
        rank = min(rank, scores.size)  # rates are below 1
        if rank == 0:
            raise ValueError(
                f"false_alarm_rate={self.false_alarm_rate} needs "
                f"{math.ceil(1 / self.false_alarm_rate / _ROUNDED_UP) - 1} clean "
                f"samples at least, got {scores.size}."
            )
        self.threshold_ = self.offset_ = float(np.sort(scores)[rank - 1])
        self.n_features_in_ = n_features_of(self.estimator)
        knowing = that_knows_its_features(self.estimator)
        names = getattr(knowing, "feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):  # of an earlier fit
            del self.feature_names_in_
        return self

    def score_samples(self, X: ArrayLike) -> Floats:
        """Agreement of the votes: the largest probability of a class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            In [0, 1]; with hard votes the share that names the predicted class.
        """
        check_is_fitted(self)
        return self._scores(X)

    def decision_function(self, X: ArrayLike) -> Floats:
        """Agreement minus the threshold: negative for samples that are flagged.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Below 0 for samples that are flagged.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: ArrayLike) -> NDArray[np.intp]:
        """Flag samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        flags : ndarray of shape (n_samples,)
            -1 for samples that are flagged, 1 for the others.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _scores(self, X: ArrayLike) -> Floats:
        scores: Floats = np.max(ask(self.estimator, "predict_proba", X), axis=1)
        return scores
