"""Projections of samples on the normals of hyperplanes, and their rounding errors."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._range import highest_number
from sklearn_scd._rounding import rounding_factor, smallest_normal
from sklearn_scd._typing import Floats

_BLOCK = 256  # features in one product
_FEW_SAMPLES = 48  # attacks ask about so few at a time
_BLOCK_UNITS = 64  # in one product of few samples: their weights stay in the cache
_LONGEST = 100_000  # sum of squares in float32, good to a percent
_SQUARES_FIT = 1e15  # float32 holds squares of numbers between this and its inverse
_LARGE = 2**20  # weights: below, all products are as fast as the choice of some
_UNIT = 1.005  # L2 norm up to which a row counts as a unit row
_PROBES = 64  # units that tell whether a choice is worth while
_MOST_CROSSED = 0.6  # of the units: with more the choice costs what it saves


class _Centre(NamedTuple):
    """A point that samples lie around."""

    point: NDArray[Any]  # (1, n_features)
    length: float  # its L2 norm, an upper bound
    sides: Floats  # (n_units,) what ``w . x + b`` is there, good to the slack
    slack: Floats  # (n_units,)
    normals: Floats  # (n_units,) bounds of their L2 norms: some may be put in by hand


class Hyperplanes:
    """Hyperplanes ``w . x + b = 0`` on which samples are projected.

    Parameters
    ----------
    coef : ndarray of shape (n_units, n_features)
        Normals w; of unit norm, or int8 with entries -1 and 1, if a fit made them.
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
        self.norm = 1.0
        if coef.dtype == np.int8:
            largest = max(int(coef.max()), -int(coef.min()), 1)
            self.norm = largest * math.sqrt(n_features)
        operations = _n_operations(n_features, dtype)
        self._factor = rounding_factor(operations, dtype) * self.norm
        self._centre: _Centre | None = None

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

    def project(
        self, X: NDArray[Any], largest: float, uncast: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """Products ``X @ coef.T`` in the dtype.

        Attacks ask about hundreds of samples around one point at a time. A unit whose
        hyperplane is farther from the point than any of the samples has all of them on
        one side: its products need not be computed.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features) of the dtype
        largest : float
            Their largest absolute value.
        uncast : ndarray of shape (n_samples, n_features), default=None
            The samples in the dtype that they came in, whose sides are told where an
            intercept is given. None: that is `X`.

        Returns
        -------
        projections : ndarray of shape (n_samples, n_units)
        """
        many = len(X) >= _FEW_SAMPLES and self.coef.size >= _LARGE
        if self.intercept is not None and many:
            around = self._project_around(X, largest, uncast)
            if around is not None:
                return around
        return _product(X, self.coef)

    def _project_around(
        self, X: NDArray[Any], largest: float, uncast: NDArray[Any] | None = None
    ) -> NDArray[Any] | None:
        """Projections of samples that lie around a point, None if they don't."""
        if self._centre is None and self._is_near(X, largest):
            self._centre = self._find_centre(X, largest)
        if self._centre is None:
            return None
        # What a cast loses is as large as the samples are, not as the way to them.
        samples = X if uncast is None else uncast
        differences = (samples - self._centre.point).astype(self.dtype, copy=False)
        apart = _norms(differences, largest)
        distances = np.abs(self._centre.sides)
        reach = self._centre.normals * apart.max()
        crossed = np.flatnonzero(distances <= reach + self._centre.slack)
        if crossed.size > _MOST_CROSSED * len(distances):
            return None
        projections = np.empty((len(X), len(distances)), dtype=self.dtype)
        projections[:] = np.where(self._centre.sides > 0, np.inf, -np.inf)
        if self.dtype == np.float32:
            projections[:, crossed] = self._cross(differences, apart, crossed)
        else:
            projections[:, crossed] = _product(X, self.coef[crossed])
        return projections

    def _is_near(self, X: NDArray[Any], largest: float) -> bool:
        """Guess from two samples and some units whether most units needn't be asked."""
        assert self.intercept is not None
        apart = float(_norms(X[-1:] - X[:1], largest)[0])
        probes = slice(None, None, math.ceil(len(self.coef) / _PROBES))
        sides = _product(X[:1], self.coef[probes])[0] + self.intercept[probes]
        crossed = np.abs(sides) <= self.norm * apart / 2
        fits = len(X) * largest < highest_number(self.dtype)  # the mean's sum
        return fits and bool(np.mean(crossed) <= _MOST_CROSSED)

    def _find_centre(self, X: NDArray[Any], largest: float) -> _Centre:
        assert self.intercept is not None
        point = X.mean(axis=0, keepdims=True)
        sides, normals = np.empty(len(self.coef)), np.empty(len(self.coef))
        for start in range(0, len(sides), _BLOCK_UNITS):
            units = slice(start, start + _BLOCK_UNITS)
            rows = self.coef[units]
            sides[units] = _product(point, rows)[0]
            normals[units] = self._norms_of(rows)  # while they are in the cache
        sides += self.intercept
        # Errors of these projections, and of those computed once more for a sample.
        tolerance = float(self.tolerance(point, largest)[0])
        slack = 2 * tolerance * np.maximum(normals / self.norm, 1.0)
        return _Centre(point, float(_norms(point, largest)[0]), sides, slack, normals)

    def _norms_of(self, rows: NDArray[Any]) -> float | Floats:
        """L2 norms of normals, but for what :func:`_norms` has to spare."""
        if rows.dtype == np.int8:
            return self.norm
        # Faster than sums along an axis, or of einsum.
        squares = np.matmul(rows[:, np.newaxis], rows[:, :, np.newaxis]).ravel()
        return np.maximum(np.sqrt(squares.astype(np.float64)) / _UNIT, 1.0)

    def _cross(
        self, differences: NDArray[Any], apart: Floats, units: NDArray[np.intp]
    ) -> Floats:
        """Sides of some units as projections: infinite, or ``-b`` where it is too near.

        The centre's in float64, and what the short way from there adds: its rounding
        errors are as short.
        """
        assert self._centre is not None
        assert self.intercept is not None
        n_features = self.coef.shape[1]
        coef, intercept = self.coef[units], self.intercept[units]
        moved = _product(differences, coef).astype(np.float64)
        point = self._centre.point[0].astype(np.float64)
        sides = moved + (coef.astype(np.float64) @ point + intercept)
        operations = _n_operations(n_features, self.dtype) + 1  # the difference
        near = rounding_factor(operations, self.dtype) * apart
        length = self._centre.length + apart.max()
        near += rounding_factor(n_features + 4, np.float64) * length
        near = near[:, np.newaxis] * self._centre.normals[units]
        near += n_features * smallest_normal(self.dtype)
        far = np.where(sides > 0, np.inf, -np.inf)
        return np.where(np.abs(sides) > near, far, -intercept)


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
