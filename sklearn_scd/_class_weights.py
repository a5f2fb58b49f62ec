"""Class code and weight of each sample, from labels and two kinds of weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import _check_sample_weight

from sklearn_scd._typing import Floats


def codes_and_weights(
    name: str,
    X: NDArray[Any],
    y: NDArray[Any],
    classes: NDArray[Any],
    class_weight: dict[Any, float] | str | None,
    sample_weight: ArrayLike | None,
) -> tuple[NDArray[np.intp], Floats]:
    """Class codes, and weights of samples times those of their classes.

    Parameters
    ----------
    name : str
        Of the estimator, for messages.
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
        The labels in `y`, sorted.
    class_weight : dict, 'balanced' or None
    sample_weight : array-like of shape (n_samples,) or None

    Returns
    -------
    labels : ndarray of shape (n_samples,), intp
        Places in `classes`.
    weights : ndarray of shape (n_samples,), float64

    Raises
    ------
    ValueError
        If a product is negative, the sum is not finite, or fewer than two classes have
        positive weight.
    """
    labels = np.searchsorted(classes, y)
    weights = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    with np.errstate(over="ignore"):
        finite = np.isfinite(weights.sum())
    if isinstance(class_weight, str) and finite:
        factors = _balancing(labels, weights, classes.size)
    else:
        factors = compute_class_weight(class_weight, classes=classes, y=y)
    with np.errstate(over="ignore", invalid="ignore"):
        weights = weights * factors[labels]
        total = weights.sum()
    if not np.isfinite(total) or weights.min() < 0:
        raise ValueError(
            "The products of sample_weight and class_weight must not be negative "
            f"and their sum must be finite, got the weights {factors.tolist()} of "
            f"the classes and the sum {total}."
        )
    present = np.unique(labels[weights > 0])
    if present.size < 2:
        raise ValueError(
            f"{name} needs samples of at least 2 classes with positive weight, but "
            f"sample_weight and class_weight leave {present.size} of the "
            f"{classes.size} classes."
        )
    return labels, weights


def _balancing(labels: NDArray[np.intp], weights: Floats, n_classes: int) -> Floats:
    """Factors by which all classes weigh the same.

    By the weights of samples, not by their number as scikit-learn 1.6 has it: a sample
    of weight 2 is then the same as two copies of it. A class without weight has none.
    """
    # Rounded once, so that the order of the samples does not show.
    totals = np.array([math.fsum(weights[labels == k]) for k in range(n_classes)])
    factors = np.zeros(n_classes)
    present = totals > 0
    with np.errstate(over="ignore"):
        factors[present] = math.fsum(totals) / (n_classes * totals[present])
    return factors
