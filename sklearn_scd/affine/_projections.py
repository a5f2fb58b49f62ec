"""Rules for linear projections: scikit-learn's decompositions and their kin, and ours.

A product of n features takes n operations, whatever the order of its sum. It is
computed in float32 only if samples and components are; other attributes have dtypes of
their own. That is true of every BLAS that multiplies and adds in the dtype it is given,
or in a wider one; not of fast matrix multiplication, as Strassen's, which none of those
that NumPy is built with does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from sklearn.cross_decomposition import CCA, PLSSVD, PLSCanonical, PLSRegression
from sklearn.decomposition import (
    PCA,
    FactorAnalysis,
    FastICA,
    IncrementalPCA,
    TruncatedSVD,
)
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.random_projection import (
    GaussianRandomProjection,
    SparseRandomProjection,
)

from sklearn_scd._active_subspace import ActiveSubspace
from sklearn_scd._pixel_means import PixelMeans
from sklearn_scd._rounding import (
    UNIT_ROUNDOFF,
    rounding_factor,
    smallest_normal,
)
from sklearn_scd.affine._compose import compose
from sklearn_scd.affine._map import AffineMap
from sklearn_scd.affine._registry import NotAffineError, Rule
from sklearn_scd.affine._scalers import centred_and_scaled, usable

_LAPACK = 16  # the constant in the bound on its inverse, on the safe side


def _pca(pca: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    """``x @ components_.T - mean_ @ components_.T``, divided by a scale if it whitens.

    The two products are rounded, each in its dtype, before they cancel: their sizes at
    the mean are in the floor. Versions that centre first do better.
    """
    components = np.asarray(pca.components_)
    mean = np.asarray(pca.mean_)
    working = np.result_type(dtype, components)
    scale = np.ones(len(components))
    if pca.whiten:
        scale = np.sqrt(pca.explained_variance_)
        scale = np.maximum(scale, np.finfo(scale.dtype).eps)
        scale = usable(scale, working)
    matrix = components.astype(np.float64) / scale[:, np.newaxis]
    at_mean = np.abs(matrix) @ np.abs(mean.astype(np.float64))
    # Both products, the difference, the scale's root, cast and quotient, and the
    # quotient stored here.
    n_operations = n_features + 8
    plain = AffineMap.computed(
        matrix,
        centre=mean,
        n_operations=n_operations,
        magnitude=2 * at_mean,
        amplification=1 / scale,
        working_dtype=working,
    )
    of_mean = np.result_type(mean, components)
    more = rounding_factor(n_operations, of_mean) * at_mean * (of_mean != working)
    return plain.with_more_rounding(floor=2 * more)


def _product(name: str) -> Rule:
    """The rule of what computes ``x @ components.T``."""

    def rule(step: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
        components = getattr(step, name)
        working = np.result_type(dtype, components.dtype)
        return AffineMap.computed(components, working_dtype=working)

    return rule


def _active_subspace(step: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    """``x @ components_.T`` in float64, and the result cast to the dtype of x."""
    components = np.asarray(step.components_)
    plain = AffineMap.computed(components, working_dtype=np.float64, dtype=dtype)
    if dtype == np.float64:
        return plain
    return plain.with_more_rounding(
        coef=2 * rounding_factor(1, dtype) * np.abs(components),
        floor=smallest_normal(dtype),
    )


def _pixel_means(step: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    """``x @ components_.T`` in float64, and the result cast to the dtype of x.

    All that is rounded in float64 is less than one operation in float32.
    """
    n_operations = None if dtype == np.float64 else 2
    return AffineMap.computed(
        step.components_, n_operations=n_operations, working_dtype=dtype
    )


def _fast_ica(step: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    product = _after(np.asarray(step.components_), dtype)
    if not step.whiten:
        return product
    return compose(centred_and_scaled(step.mean_, None, n_features, dtype), product)


def _pls(name: str) -> Rule:
    """The rule of ``(x - mean) / std @ rotations``."""

    def rule(step: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
        if isinstance(step, PLSSVD):
            dtype = np.dtype(np.float64)
        scaled = centred_and_scaled(step._x_mean, step._x_std, n_features, dtype)
        return compose(scaled, _after(np.asarray(getattr(step, name)).T, dtype))

    return rule


def _discriminants(step: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    if step.solver == "lsqr":
        raise NotAffineError(
            "solver='lsqr' of a discriminant analysis has no transform"
        )
    rows = np.asarray(step.scalings_).T[: step._max_components]
    if step.solver == "eigen":
        return _after(rows, dtype)
    working = np.result_type(dtype, step.xbar_)
    return compose(
        centred_and_scaled(step.xbar_, None, n_features, working),
        _after(rows, working),
    )


def _factors(step: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    """``(x - mean_) @ weighted.T @ inv(I + weighted @ components_.T)``.

    With ``weighted = components_ / noise_variance_``. scikit-learn inverts at each
    call: the inverse is part of what is rounded.
    """
    components = np.asarray(step.components_)
    weighted = components / step.noise_variance_
    inverse, off = _inverse(weighted, components)
    working = np.result_type(dtype, step.mean_)
    centred = centred_and_scaled(step.mean_, None, n_features, working)
    turned = AffineMap.computed(inverse.T)
    turned = turned.with_more_rounding(coef=np.full(inverse.shape, off))
    return compose(compose(centred, _after(weighted, working)), turned)


def _inverse(
    weighted: NDArray[Any], components: NDArray[Any]
) -> tuple[NDArray[Any], float]:
    """``inv(I + weighted @ components.T)``, and how far two of them may be apart.

    The matrix A is computed up to ``D``; that changes its inverse, in any norm, by at
    most ``2 |A^-1|^2 |D|`` if ``|A^-1| |D| <= 1/2``. LAPACK's inverse is off by n^2 u
    ``|A| |A^-1|^2`` times a small constant (Higham 2002, section 14.3): for this one
    step the proof leans on the library. Ours has both errors, and scikit-learn's.
    """
    n = len(weighted)
    product = np.dot(weighted, components.T)
    gram = np.eye(n) + product
    inverse = linalg.inv(gram)
    size = np.abs(inverse).sum(axis=1).max()
    factor = rounding_factor(weighted.shape[1] + 3, product.dtype)
    terms = np.abs(weighted.astype(np.float64)) @ np.abs(components.T)
    change = factor * (terms.sum(axis=1).max() + 1.0)
    if size * change > 0.5:
        raise ValueError(
            "The factors' weights are too large to be inverted: fit in float64."
        )
    lapack = _LAPACK * n**2 * UNIT_ROUNDOFF * np.abs(gram).sum(axis=1).max()
    return inverse, 2 * size**2 * (2 * change + lapack)


def _after(matrix: Any, dtype: np.dtype[Any]) -> AffineMap:
    """A product alone, of samples of `dtype`."""
    working = np.result_type(dtype, matrix.dtype)
    if sparse.issparse(matrix):
        return AffineMap.computed(matrix, working_dtype=working)
    return AffineMap.computed(np.asarray(matrix), working_dtype=working)


RULES: dict[type, Rule] = {
    ActiveSubspace: _active_subspace,
    CCA: _pls("x_rotations_"),
    FactorAnalysis: _factors,
    FastICA: _fast_ica,
    GaussianRandomProjection: _product("components_"),
    IncrementalPCA: _pca,
    LinearDiscriminantAnalysis: _discriminants,
    NeighborhoodComponentsAnalysis: _product("components_"),
    PCA: _pca,
    PixelMeans: _pixel_means,
    PLSCanonical: _pls("x_rotations_"),
    PLSRegression: _pls("x_rotations_"),
    PLSSVD: _pls("x_weights_"),
    SparseRandomProjection: _product("components_"),
    TruncatedSVD: _product("components_"),
}
