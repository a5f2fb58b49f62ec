"""Projections of samples on the normals of hyperplanes, and their rounding errors."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._rounding import rounding_factor, smallest_normal
from sklearn_scd._typing import Floats

_BLOCK = 256  # features in one product
_FEW_SAMPLES = 48  # attacks ask about so few at a time
_BLOCK_UNITS = 64  # in one product of few samples: their weights stay in the cache
_LONGEST = 100_000  # sum of squares in float32, good to a percent
_SQUARES_FIT = 1e15  # float32 holds squares of numbers between this and its inverse
_LARGE = 2**20  # weights: below, all products are as fast as the choice of some
_PROBES = 64  # units that tell whether a choice is worth while
_MOST_CROSSED = 0.6  # of the units: with more the choice costs what it saves


class _Crossed(NamedTuple):
    """Units whose hyperplane may lie between some samples, and the others' sides."""

    units: NDArray[np.intp]
    sides: Floats  # (n_units,) -inf or inf; of no use for units that are crossed


class Hyperplanes:
    """Hyperplanes ``w . x + b = 0`` on which samples are projected.

    Parameters
    ----------
    coef : ndarray of shape (n_units, n_features)
        Normals w; of unit norm, or int8 with entries -1 and 1.
    intercept : ndarray of shape (n_units,) or None
        The b. None: projections are to be exact but for rounding. If given, they need
        to tell sides alone, and are infinite where a side is known without a product.
    dtype : dtype
        float32 or float64: in which products are computed.
    """

    def __init__(
        self,
        coef: NDArray[Any],
        intercept: NDArray[Any] | None,
        dtype: np.dtype[Any],
    ) -> None:
        self.coef, self.intercept, self.dtype = coef, intercept, dtype
        n_features = coef.shape[1]
        self.norm = math.sqrt(n_features) if coef.dtype == np.int8 else 1.0
        operations = _n_operations(n_features, dtype)
        self._factor = rounding_factor(operations, dtype) * self.norm

    def tolerance(self, X: NDArray[Any], largest: float) -> Floats:
        """Bounds of the rounding errors of each sample's projections.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features) of the dtype
        largest : float
            Their largest absolute value.

        Returns
        -------
        tolerance : ndarray of shape (n_samples,)
        """
        underflow = X.shape[1] * smallest_normal(self.dtype)
        return self._factor * _norms(X, largest) + underflow

    def project(self, X: NDArray[Any], largest: float) -> NDArray[Any]:
        """Products ``X @ coef.T`` in the dtype.

        Attacks ask about hundreds of samples around one point at a time. A unit whose
        hyperplane is farther from the point than any of the samples is on the same
        side of all of them: its products need not be computed.
        """
        many = len(X) >= _FEW_SAMPLES and self.coef.size >= _LARGE
        if self.intercept is None or not many:
            return _product(X, self.coef)
        crossed = self._crossed(X, largest)
        if crossed is None:
            return _product(X, self.coef)
        projections = np.empty((len(X), len(self.coef)), dtype=self.dtype)
        projections[:] = crossed.sides
        projections[:, crossed.units] = _product(X, self.coef[crossed.units])
        return projections

    def _crossed(self, X: NDArray[Any], largest: float) -> _Crossed | None:
        """Units that may not be on one side of all samples; None if they are many."""
        assert self.intercept is not None
        # Two of the samples, and some of the units, tell whether it is worth while.
        apart = float(_norms(X[-1:] - X[:1], largest)[0])
        probes = slice(None, None, math.ceil(len(self.coef) / _PROBES))
        sides = _product(X[:1], self.coef[probes])[0] + self.intercept[probes]
        if np.mean(np.abs(sides) <= self.norm * apart / 2) > _MOST_CROSSED:
            return None
        centre = X.mean(axis=0, dtype=np.float64, keepdims=True).astype(self.dtype)
        sides = _product(centre, self.coef)[0].astype(np.float64) + self.intercept
        # Errors of these projections, and of those computed once more for a sample.
        slack = 2 * float(self.tolerance(centre, largest)[0])
        reach = self.norm * float(_norms(X - centre, largest).max())
        crossed = np.flatnonzero(np.abs(sides) <= reach + slack)
        if crossed.size > _MOST_CROSSED * len(sides):
            return None
        return _Crossed(crossed, np.where(sides > 0, np.inf, -np.inf))


def _in_blocks(n_features: int, dtype: np.dtype[Any]) -> bool:
    """Whether products are sums over blocks of features.

    Such sums have shorter chains of rounding errors: fewer products lie so near 0 that
    they are computed once more.
    """
    return n_features > 2 * _BLOCK and dtype == np.float32


def _n_operations(n_features: int, dtype: np.dtype[Any]) -> int:
    """Rounding errors that a term of a product has gone through; one is the cast's."""
    if _in_blocks(n_features, dtype):
        return _BLOCK + math.ceil(n_features / _BLOCK) + 2
    return n_features + 2


def _product(X: NDArray[Any], coef: NDArray[Any]) -> NDArray[Any]:
    """``X @ coef.T``."""
    n_features = X.shape[1]
    if not _in_blocks(n_features, X.dtype):
        return X @ coef.T.astype(X.dtype, copy=False)
    if len(X) < _FEW_SAMPLES:
        return _product_of_few(X, coef)
    columns = coef.T.astype(X.dtype, copy=False)
    product = X[:, :_BLOCK] @ columns[:_BLOCK]
    term = np.empty_like(product)
    for start in range(_BLOCK, n_features, _BLOCK):
        block = slice(start, start + _BLOCK)
        product += np.matmul(X[:, block], columns[block], out=term)
    return product


def _product_of_few(X: NDArray[Any], coef: NDArray[Any]) -> NDArray[Any]:
    """The product unit block after unit block, which goes through the weights once.

    For few samples BLAS would copy all weights before it multiplies.
    """
    n_samples, n_features = X.shape
    n_blocks = n_features // _BLOCK
    whole = n_blocks * _BLOCK
    blocks = X[:, :whole].reshape(n_samples, n_blocks, _BLOCK).transpose(1, 2, 0)
    blocks = np.ascontiguousarray(blocks)
    product = np.empty((n_samples, len(coef)), dtype=X.dtype)
    for start in range(0, len(coef), _BLOCK_UNITS):
        units = slice(start, start + _BLOCK_UNITS)
        rows = coef[units].astype(X.dtype, copy=False)
        by_block = rows[:, :whole].reshape(-1, n_blocks, _BLOCK).transpose(1, 0, 2)
        part = np.matmul(by_block, blocks).sum(axis=0)
        part += rows[:, whole:] @ X[:, whole:].T
        product[:, units] = part.T
    return product


def _norms(X: NDArray[np.float32], largest: float) -> Floats:
    """Upper bounds of the samples' L2 norms."""
    least = math.sqrt(X.shape[1]) * 2e-19  # of squares that underflow in float32
    fit = 1 / _SQUARES_FIT < largest < _SQUARES_FIT and X.shape[1] <= _LONGEST
    if not fit:
        X, least = X.astype(np.float64), 0.0
    squares = np.einsum("ij,ij->i", X, X).astype(np.float64)
    return 1.01 * np.sqrt(squares) + least
