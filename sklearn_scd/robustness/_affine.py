"""Affine steps before a classifier, folded into rows: see :mod:`sklearn_scd.affine`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from sklearn_scd._typing import Floats
from sklearn_scd.affine._fold import fold as fold_layer
from sklearn_scd.affine._steps import split_pipeline

__all__ = ["fold", "split_pipeline"]


def fold(transformer: Pipeline, rows: Floats, X: NDArray[Any]) -> tuple[Floats, Floats]:
    """Rows of a linear layer in the coordinates before an affine transformer.

    With ``transform(x) = T x + s``, ``rows @ transform(x)`` is
    ``(rows @ T) @ x + rows @ s``.

    Parameters
    ----------
    transformer : fitted transformer
    rows : ndarray of shape (n_rows, n_transformed)
    X : ndarray of shape (n_samples, n_features)
        Samples at which rules are compared with what the transformer computes.

    Returns
    -------
    folded : ndarray of shape (n_rows, n_features), float64
    offsets : ndarray of shape (n_rows,), float64

    Raises
    ------
    ValueError
        If the transformer is not known to be affine.
    """
    layer = fold_layer(transformer, rows, np.zeros(len(rows)), dtype=X.dtype, samples=X)
    return layer.normals, layer.offsets - layer.normals @ layer.centre
