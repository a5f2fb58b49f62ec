"""Arrays as an estimator knows them that was fitted on a data frame."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


def as_known(estimator: Any, X: NDArray[Any]) -> Any:
    """A data frame with the names that the estimator knows, or `X` if it knows none.

    An estimator that picks columns by name refuses arrays. The frame is one of pandas,
    or of polars where there is no pandas.
    """
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        return X
    try:
        import pandas as pd
    except ImportError:
        import polars as pl

        return pl.DataFrame(X, schema=list(names))
    return pd.DataFrame(X, columns=names)
