"""Samples as numbers for the attacks, and as the estimator knows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import _check_feature_names

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._typing import FittedClassifier


def as_numbers(
    X: ArrayLike,
    name: str,
    estimator: FittedClassifier,
    *,
    dtype: Sequence[DTypeLike] = (np.float32, np.float64),
) -> NDArray[Any]:
    """Floats of the estimator's features, out of an array or a data frame.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The columns of a data frame must be those that the estimator was fitted on.
    name : str
        What the samples are called in an error.
    estimator : fitted classifier
        With `n_features_in_`.
    dtype : sequence of dtypes, default=(float32, float64)
        What is kept as it is; all others become the first.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)

    Raises
    ------
    ValueError
        If columns or their number are not those of the estimator.
    """
    if hasattr(X, "columns") and hasattr(estimator, "feature_names_in_"):
        _check_feature_names(estimator, X, reset=False)
    if hasattr(X, "columns") and not hasattr(X, "iloc"):
        X = np.asarray(X)  # check_array would make float32 of any frame of polars
    X = check_array(X, dtype=list(dtype), order="C", input_name=name)
    if X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"{name} has {X.shape[1]} features, but the estimator is expecting "
            f"{estimator.n_features_in_} features."
        )
    return X


def ask(estimator: Any, method: str, X: Any) -> Any:
    """What an estimator says of samples, also one that was fitted on a data frame.

    Attacks make arrays. An estimator that knows its features by names would warn of
    each, and one that picks columns by name would refuse them: it gets a data frame,
    of pandas, or of polars where there is no pandas. An SCDClassifier only checks
    names, so a copy without any does; it is asked often, and a frame takes its time.

    Parameters
    ----------
    estimator : fitted estimator
    method : str
        Name of the method that is called.
    X : ndarray of shape (n_samples, n_features)

    Returns
    -------
    answer : what the method returns
    """
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None and not hasattr(X, "columns"):
        if type(estimator) is SCDClassifier:
            estimator = _without_names(estimator)
        else:
            X = _frame(X, names)
    return getattr(estimator, method)(X)


def _without_names(estimator: SCDClassifier) -> SCDClassifier:
    """A copy that shares the arrays."""
    bare = object.__new__(type(estimator))
    bare.__dict__.update(estimator.__dict__)
    del bare.feature_names_in_
    return bare


def _frame(X: NDArray[Any], names: NDArray[Any]) -> Any:
    try:
        import pandas as pd
    except ImportError:
        import polars as pl

        return pl.DataFrame(X, schema=list(names))
    return pd.DataFrame(X, columns=names)
