"""Rules for what leaves numbers as they are: selectors, imputers, no step at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.impute._iterative import IterativeImputer  # public only once enabled
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures

from sklearn_scd.affine._compose import diagonal, selection
from sklearn_scd.affine._map import AffineMap
from sklearn_scd.affine._registry import NotAffineError, Rule


def identity(step: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    """Features as they are."""
    return AffineMap.exact(diagonal(np.ones(n_features)), dtype=dtype)


def _selector(selector: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    return _of_columns(selector.get_support(indices=True), n_features, dtype)


def _function(step: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    if step.func is not None:
        raise NotAffineError(
            f"FunctionTransformer(func={_name(step.func)}) may do anything; write a "
            "transformer of its own for it, with the method "
            "__sklearn_scd_affine_map__"
        )
    return identity(step, n_features, dtype)


def _polynomial(step: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    highest = step._max_degree  # of the fit, whatever `degree` was set to since
    if highest > 1:
        raise NotAffineError(
            f"PolynomialFeatures(degree={highest}) has products of features"
        )
    powers = np.asarray(step.powers_)
    constant = (powers.sum(axis=1) == 0).astype(np.float64)
    return AffineMap.exact(sparse.csr_array(powers), constant, dtype=dtype)


def _simple_imputer(imputer: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    """The identity on the columns that are kept, as samples with NaN are refused."""
    _refuse_sentinel(imputer)
    statistics = imputer.statistics_
    dropped = np.array([_is_nan(value) for value in statistics], dtype=bool)
    if imputer.keep_empty_features:
        dropped[:] = False
    return _imputed(imputer, np.flatnonzero(~dropped), n_features, dtype)


def _knn_imputer(imputer: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    _refuse_sentinel(imputer)
    known = np.asarray(imputer._valid_mask, dtype=bool)
    if imputer.keep_empty_features:  # they become zero, whatever comes in
        plain = AffineMap.exact(_kept(known), dtype=dtype)
        return _with_zeros(plain, _n_indicators(imputer))
    return _imputed(imputer, np.flatnonzero(known), n_features, dtype)


def _iterative(imputer: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    _refuse_sentinel(imputer)
    _refuse_sentinel(imputer.initial_imputer_)  # as it was in `fit`
    kept = ~np.asarray(imputer._is_empty_feature, dtype=bool)
    if imputer.keep_empty_features:
        kept[:] = True
    return _imputed(imputer, np.flatnonzero(kept), n_features, dtype)


def _indicator(step: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    _refuse_sentinel(step)
    nothing = sparse.csr_array((len(step.features_), n_features), dtype=np.float64)
    return AffineMap.exact(nothing, dtype=dtype)


def _imputed(
    imputer: Any, columns: NDArray[np.intp], n_features: int, dtype: np.dtype[Any]
) -> AffineMap:
    plain = _of_columns(columns, n_features, dtype)
    return _with_zeros(plain, _n_indicators(imputer))


def _of_columns(
    columns: NDArray[np.intp], n_features: int, dtype: np.dtype[Any]
) -> AffineMap:
    return AffineMap.exact(selection(columns, n_features), dtype=dtype)


def _kept(mask: NDArray[np.bool_]) -> Any:
    """A diagonal of ones where columns are kept, and of nothing where they are not."""
    kept = np.flatnonzero(mask)
    starts = np.concatenate([[0], np.cumsum(mask)])
    shape = (len(mask), len(mask))
    return sparse.csr_array((np.ones(len(kept)), kept, starts), shape=shape)


def _n_indicators(imputer: Any) -> int:
    """Columns that say what was missing: all zero, as nothing is."""
    return len(imputer.indicator_.features_) if imputer.add_indicator else 0


def _with_zeros(plain: AffineMap, n_zeros: int) -> AffineMap:
    if not n_zeros:
        return plain
    nothing = sparse.csr_array((n_zeros, plain.n_in), dtype=np.float64)
    matrix = sparse.vstack([plain.matrix, nothing], format="csr")
    return AffineMap.exact(matrix, dtype=plain.dtype)


def _refuse_sentinel(imputer: Any) -> None:
    """Refuse a value that is a number: the identity but at one point jumps there."""
    missing = imputer.missing_values
    if _is_nan(missing) or type(missing).__name__ == "NAType":
        return
    raise NotAffineError(
        f"{type(imputer).__name__}(missing_values={missing!r}) jumps where a feature "
        f"is {missing!r}; mark what is missing by NaN"
    )


def _is_nan(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def _name(function: Any) -> str:
    return getattr(function, "__name__", repr(function))


RULES: dict[type, Rule] = {
    FunctionTransformer: _function,
    IterativeImputer: _iterative,
    KNNImputer: _knn_imputer,
    MissingIndicator: _indicator,
    PolynomialFeatures: _polynomial,
    SelectorMixin: _selector,
    SimpleImputer: _simple_imputer,
}
