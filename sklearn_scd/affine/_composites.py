"""Rules for what is made of other transformers: one after another, or side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline

from sklearn_scd.affine._compose import compose, diagonal, selection, stack
from sklearn_scd.affine._map import AffineMap
from sklearn_scd.affine._registry import NotAffineError, Rule, affine_map


def _pipeline(pipeline: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    """Each step's map for what comes out of the one before, in its dtype."""
    whole = affine_map("passthrough", n_features, dtype)
    for name, step in pipeline.steps:
        if step is not None and not isinstance(step, str):
            after = _of_step(name, step, whole.n_out, np.dtype(whole.dtype))
            whole = compose(whole, after)
    return whole


def _columns(step: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    """Columns as they were resolved in fit: by name, place, mask, slice or function."""
    weights = step.transformer_weights or {}
    parts = []
    for name, inner, _ in step.transformers_:
        columns = np.asarray(step._transformer_to_input_indices[name], dtype=np.intp)
        if (isinstance(inner, str) and inner == "drop") or not len(columns):
            continue
        taken = AffineMap.exact(selection(columns, n_features), dtype=dtype)
        part = _of_step(name, inner, len(columns), dtype)
        parts.append(_weighted(compose(taken, part), weights.get(name)))
    return _side_by_side(parts, n_features)


def _union(union: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    weights = union.transformer_weights or {}
    parts = [
        _weighted(_of_step(name, inner, n_features, dtype), weights.get(name))
        for name, inner in union.transformer_list
        if not (isinstance(inner, str) and inner == "drop")
    ]
    return _side_by_side(parts, n_features)


def _inside(name: str) -> Rule:
    """The rule of what hands over to a fitted transformer that it holds."""

    def rule(holder: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
        return affine_map(getattr(holder, name), n_features, dtype)

    return rule


def _of_step(name: str, step: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    try:
        return affine_map(step, n_features, dtype)
    except NotAffineError as error:
        raise NotAffineError(f"step {name!r}: {error}") from None


def _weighted(part: AffineMap, weight: float | None) -> AffineMap:
    """Results times a number, which may be cast to their dtype, or they to its."""
    if weight is None:
        return part
    dtype = (np.ones(1, dtype=part.dtype) * weight).dtype
    if dtype not in (np.float32, np.float64):
        dtype = np.dtype(np.float64)
    factors = np.full(part.n_out, float(weight))
    times = AffineMap.computed(
        diagonal(factors), n_operations=3, working_dtype=part.dtype, dtype=dtype
    )
    return compose(part, times)


def _side_by_side(parts: Iterable[AffineMap], n_features: int) -> AffineMap:
    parts = list(parts)
    if parts:
        return stack(parts)
    nothing = sparse.csr_array((0, n_features), dtype=np.float64)
    return AffineMap.exact(nothing, dtype=np.float64)


RULES: dict[type, Rule] = {
    ColumnTransformer: _columns,
    FeatureUnion: _union,
    FrozenEstimator: _inside("estimator"),
    GridSearchCV: _inside("best_estimator_"),
    Pipeline: _pipeline,
    RandomizedSearchCV: _inside("best_estimator_"),
}
