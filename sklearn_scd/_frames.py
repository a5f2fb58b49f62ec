"""Arrays as an estimator knows them that was fitted on a data frame."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline


def that_knows_its_features(estimator: Any) -> Any:
    """The estimator or, of a pipeline that begins by ``'passthrough'``, its next step.

    A pipeline has `n_features_in_` and `feature_names_in_` from its first step, and
    none where that is no estimator, as in a search over steps and ``'passthrough'``.
    """
    if hasattr(estimator, "n_features_in_"):
        return estimator
    inner = getattr(estimator, "best_estimator_", None)
    if inner is None and isinstance(estimator, FrozenEstimator):
        inner = estimator.estimator
    if inner is None and isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps if hasattr(step, "fit")]
        inner = steps[0] if steps else None
    return estimator if inner is None else that_knows_its_features(inner)


def as_known(estimator: Any, X: NDArray[Any]) -> Any:
    """A data frame with the names that the estimator knows, or `X` if it knows none.

    An estimator that picks columns by name refuses arrays. The frame is one of pandas,
    or of polars where there is no pandas.
    """
    names = getattr(that_knows_its_features(estimator), "feature_names_in_", None)
    if names is None:
        return X
    try:
        import pandas as pd
    except ImportError:
        import polars as pl

        return pl.DataFrame(X, schema=list(names))
    return pd.DataFrame(X, columns=names)
