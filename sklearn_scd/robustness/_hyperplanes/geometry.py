"""How the hyperplanes of an ensemble lie to one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr
from scipy.linalg.lapack import dpotrf
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from sklearn_scd._typing import Floats
from sklearn_scd.robustness._hyperplanes.knapsack import weigh_products

_LOW_RANK = 256  # up to this rank, rows are kept in coordinates of the space they span
_RESIDUAL = 1e-9  # of rows of unit norm, outside that space
_SMALL = 128  # matrices up to this size are solved whole
_LARGEST_GRAM = 6_000  # rows
_BLOCK = 32  # rows at a time, of arrays that are large
SLACK = 1e-6  # of every bound, for what is computed in float64


@dataclass(frozen=True)
class Geometry:
    """Inner products of unit normals, by whichever is smaller.

    Attributes
    ----------
    coordinates : ndarray of shape (n_rows, rank), float64, or None
        The rows in an orthonormal basis of the space they span, where that is small.

    basis : ndarray of shape (rank, n_features), float64, or None
        The basis; None also where it is the features themselves.

    gram : ndarray of shape (n_rows, n_rows), float64, or None
        Inner products, where there is no small basis. None also where there are too
        many rows for it.

    normals : ndarray of shape (n_rows, n_features), float64, or None
        The rows themselves, where they have no coordinates.

    residual : float
        Largest L2 norm of what a row has outside the space of the basis.
    """

    coordinates: Floats | None
    basis: Floats | None
    gram: Floats | None
    normals: Floats | None = None
    residual: float = 0.0

    @property
    def is_known(self) -> bool:
        """Whether there is anything."""
        return self.coordinates is not None or self.gram is not None

    @property
    def has_small_basis(self) -> bool:
        """Whether rows have few coordinates, but more than one."""
        return self.coordinates is not None and (
            1 < self.coordinates.shape[1] <= _LOW_RANK
        )

    def inner_products(
        self, rows: NDArray[np.intp], others: NDArray[np.intp] | slice | None = None
    ) -> Floats:
        """Inner products of some rows with one another, or with others.

        Parameters
        ----------
        rows : ndarray of int, shape (n,)
        others : ndarray of int, shape (m,), or slice, default=None

        Returns
        -------
        products : ndarray of shape (n, n) or (n, m)
        """
        others = rows if others is None else others
        if self.coordinates is not None:
            return self.coordinates[rows] @ self.coordinates[others].T
        assert self.gram is not None
        return self.gram[rows][:, others]

    def vectors(self, rows: NDArray[np.intp]) -> Floats:
        """Some rows in as few coordinates as they take.

        Unlike a root of their inner products, they have the angle between rows that are
        almost parallel to full precision.

        Parameters
        ----------
        rows : ndarray of int, shape (n,)

        Returns
        -------
        vectors : ndarray of shape (n, n_coordinates), float64
        """
        if self.coordinates is not None:
            return self.coordinates[rows]
        assert self.normals is not None
        if rows.size >= self.normals.shape[1]:
            return self.normals[rows]
        return qr(self.normals[rows].T, mode="r")[0][: rows.size].T

    def of_features(self, chosen: NDArray[np.bool_]) -> Geometry:
        """The geometry of the rows' parts in some features.

        Parameters
        ----------
        chosen : ndarray of shape (n_features,), bool

        Returns
        -------
        geometry : Geometry
            Only for a geometry with a basis.
        """
        assert self.coordinates is not None
        assert self.basis is not None
        sizes, vectors = np.linalg.eigh(self.basis[:, chosen] @ self.basis[:, chosen].T)
        roots = np.sqrt(np.maximum(sizes, 0.0))
        return Geometry(self.coordinates @ (vectors * roots), None, None)

    def largest_eigenvalue(self, weights: Floats) -> float:
        """Upper bound of the largest eigenvalue of ``sum_i weights_i a_i a_i^T``.

        Parameters
        ----------
        weights : ndarray of shape (n_rows,), not negative

        Returns
        -------
        bound : float
            Never below it; at most some percent above.
        """
        rows = np.flatnonzero(weights)
        if rows.size == 0:
            return 0.0
        if self.coordinates is not None:
            return np.linalg.eigvalsh(self.second_moment(weights))[-1] * (1 + SLACK)
        roots = np.sqrt(weights[rows])
        matrix = np.empty((rows.size, rows.size))
        weigh_products(self.gram, rows, roots, matrix)
        return _largest_eigenvalue(matrix)

    def second_moment(self, weights: Floats) -> Floats:
        """``sum_i weights_i a_i a_i^T`` in coordinates, shape (rank, rank)."""
        assert self.coordinates is not None
        return (self.coordinates.T * weights) @ self.coordinates


def geometry_of(normals: Floats, span: Floats | None = None) -> Geometry:
    """Work out the geometry of unit rows.

    Parameters
    ----------
    normals : ndarray of shape (n_rows, n_features), float64
    span : ndarray of shape (n_vectors, n_features), default=None
        As in :func:`small_basis`.

    Returns
    -------
    geometry : Geometry
    """
    n_rows, n_features = normals.shape
    basis, residual = _basis_and_residual(normals, span)
    if basis is not None:
        # Beside what is left, the basis is orthonormal but for rounding.
        return Geometry(normals @ basis.T, basis, None, None, residual + 1e-13)
    if n_features <= n_rows and n_features <= _LARGEST_GRAM:
        return Geometry(normals, None, None)
    if n_rows <= _LARGEST_GRAM:
        return Geometry(None, None, normals @ normals.T, normals)
    return Geometry(None, None, None, normals)


def small_basis(normals: Floats, span: Floats | None = None) -> Floats | None:
    """Orthonormal basis of the rows' span, None where it is large.

    Parameters
    ----------
    normals : ndarray of shape (n_rows, n_features), float64
    span : ndarray of shape (n_vectors, n_features), default=None
        Vectors that are said to span the rows. Where they are few and do, the basis is
        found from them, else from random combinations of the rows.

    Returns
    -------
    basis : ndarray of shape (rank, n_features) or None
    """
    return _basis_and_residual(normals, span)[0]


def _basis_and_residual(
    normals: Floats, span: Floats | None
) -> tuple[Floats | None, float]:
    """The basis, and the largest norm of what a row has outside its span."""
    n_rows, n_features = normals.shape
    if min(n_rows, n_features) <= _LOW_RANK:
        return None, 0.0
    if span is not None and len(span) <= _LOW_RANK:
        basis = _basis_of(span)
        residual = _residual(normals, basis)
        if residual is not None:
            return basis, residual
    if _spans_much(normals[: _LOW_RANK + 16]):
        return None, 0.0
    mix = np.random.RandomState(0).standard_normal((_LOW_RANK + 16, n_rows))
    basis = _basis_of(mix @ normals)
    residual = _residual(normals, basis) if len(basis) <= _LOW_RANK else None
    return (None, 0.0) if residual is None else (basis, residual)


def _basis_of(vectors: Floats) -> Floats:
    _, sizes, basis = np.linalg.svd(vectors, full_matrices=False)
    return basis[: int((sizes > 1e-9 * sizes[0]).sum())]


def _residual(normals: Floats, basis: Floats) -> float | None:
    """Largest norm outside the basis, None where an entry of a row is not small.

    Some rows at a time: an array of all of them takes longer to get than to fill.
    """
    largest = 0.0
    for start in range(0, len(normals), _BLOCK):
        rows = normals[start : start + _BLOCK]
        outside = rows - (rows @ basis.T) @ basis
        if not np.abs(outside).max() < _RESIDUAL:
            return None
        largest = max(largest, float(np.linalg.norm(outside, axis=1).max()))
    return largest


def _spans_much(rows: Floats) -> bool:
    """Whether some rows alone have no small basis, which is soon seen as a rule."""
    sizes = np.linalg.eigvalsh(rows @ rows.T)
    return int((sizes > 1e-10 * sizes[-1]).sum()) > _LOW_RANK


def _largest_eigenvalue(matrix: Floats) -> float:
    """Upper bound of a positive matrix's largest eigenvalue.

    The Lanczos method gives a lower one; a Cholesky factorization tells that a number
    above is an upper one.
    """
    n = len(matrix)
    if n <= _SMALL:
        return np.linalg.eigvalsh(matrix)[-1] * (1 + SLACK)
    start = np.random.RandomState(0).standard_normal(n).astype(np.float32)
    try:
        value = eigsh(
            matrix.astype(np.float32), k=1, which="LA", ncv=12, tol=1e-2, v0=start,
            return_eigenvectors=False,
        )[0]  # fmt: skip
    except ArpackNoConvergence:
        return np.linalg.eigvalsh(matrix)[-1] * (1 + SLACK)
    for excess in (0.005, 0.02, 0.08):
        candidate = float(value) * (1 + excess)
        if is_eigenvalue_bound(candidate, matrix):
            return candidate * (1 + SLACK)
    return np.linalg.eigvalsh(matrix)[-1] * (1 + SLACK)


def is_eigenvalue_bound(candidate: float, matrix: Floats) -> bool:
    """Whether a number is proven to be no less than a matrix's largest eigenvalue.

    A Cholesky factorization of ``candidate I - matrix`` that comes to its end says so,
    but for rounding errors much smaller than `SLACK`, in a small part of the time of
    eigenvalues.

    Parameters
    ----------
    candidate : float
    matrix : ndarray of shape (n, n), float64
        Symmetric.

    Returns
    -------
    proven : bool
    """
    shifted = -matrix
    shifted[np.diag_indices(len(matrix))] += candidate
    # The transpose is the same matrix in LAPACK's order, so that nothing is copied.
    return dpotrf(shifted.T, lower=1, clean=0, overwrite_a=1)[1] == 0
