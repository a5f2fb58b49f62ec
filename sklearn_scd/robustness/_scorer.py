"""Certified accuracy as a score, for model selection."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.utils._param_validation import Interval

from sklearn_scd._typing import FittedClassifier, Floats, validated
from sklearn_scd.affine._pipeline import split_pipeline
from sklearn_scd.robustness._certificates.certified import certified_distortion
from sklearn_scd.robustness._certificates.exact import certified_linear
from sklearn_scd.robustness._inputs import check_norm


@validated({"epsilon": [Interval(Real, 0, None, closed="left"), "array-like"]})
def certified_accuracy_scorer(
    epsilon: ArrayLike, **options: Any
) -> CertifiedAccuracyScorer:
    """Make a scorer: certified accuracy at a radius.

    For ``scoring`` in :class:`~sklearn.model_selection.GridSearchCV` and the like. It
    scores what :func:`certified_distortion` knows, and linear classifiers by
    :func:`exact_distance` less what they may round, so that both can be searched beside
    each other.

    Parameters
    ----------
    epsilon : float or array-like of shape (n_sizes,)
        Radius of perturbations, in the units of X. 0 is the accuracy, but for samples
        on a boundary. Of several sizes the score is the mean.

    **options : dict
        For :func:`certified_distortion`: `norm`, `method`, `time_limit`, `n_jobs`.
        ``method='order'`` is fast.

    Returns
    -------
    scorer : CertifiedAccuracyScorer
        Called with (estimator, X, y, sample_weight=None), it returns the share.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_scd import SCDClassifier
    >>> from sklearn_scd.robustness import certified_accuracy_scorer
    >>> X, y = load_iris(return_X_y=True)
    >>> search = GridSearchCV(
    ...     SCDClassifier(n_estimators=5, max_iter=100, random_state=0),
    ...     {"margin": [0.0, 0.2]}, cv=3,
    ...     scoring=certified_accuracy_scorer(0.2, method="order"))
    >>> search.fit(X, y).best_params_
    {'margin': 0.2}
    """
    epsilons = np.atleast_1d(np.asarray(epsilon, dtype=np.float64))
    if epsilons.ndim > 1 or epsilons.size == 0 or not (epsilons >= 0).all():
        raise ValueError(
            f"epsilon must be sizes of at least 0, got {epsilon!r}; give one or a list."
        )
    return CertifiedAccuracyScorer(epsilons, options)


class CertifiedAccuracyScorer:
    """Scorer made by :func:`certified_accuracy_scorer`."""

    def __init__(self, epsilons: Floats, options: dict[str, Any]) -> None:
        self.epsilons = epsilons
        self.options = options

    def __call__(
        self,
        estimator: FittedClassifier,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return the weighted certified accuracy at epsilon."""
        _, classifier = split_pipeline(estimator)
        if isinstance(classifier, LinearClassifierMixin):
            norm = check_norm(self.options.get("norm", 2))
            distances = certified_linear(estimator, X, y, norm)
        else:
            distances = certified_distortion(estimator, X, y, **self.options)
        beyond = (distances[:, np.newaxis] > self.epsilons).mean(axis=1)
        weights = None if sample_weight is None else np.asarray(sample_weight)
        return float(np.average(beyond, weights=weights))

    def __repr__(self) -> str:
        given = "".join(f", {name}={value!r}" for name, value in self.options.items())
        sizes = self.epsilons.tolist()
        sizes = sizes[0] if len(sizes) == 1 else sizes
        return f"certified_accuracy_scorer({sizes}{given})"
