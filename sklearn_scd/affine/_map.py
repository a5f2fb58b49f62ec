"""An affine map, and how far what is computed may be from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy import sparse

from sklearn_scd._rounding import TINY, rounding_factor, smallest_normal
from sklearn_scd._typing import Floats

Matrix: TypeAlias = Any  # ndarray, or a csr_array of scipy, of float64

LARGEST = 1e100  # entry of a matrix: products of three of them are finite
_UPWARDS = 1 + 2.0**-30  # more than sums of a million terms of a bound may lose
_MARGIN = 6  # operations beside the product that any sensible order takes


@dataclass(frozen=True, eq=False)
class AffineMap:
    """An affine map and a bound on the rounding of what computes it.

    A transformer with this map returns, for a sample x of the dtype the map was asked
    for, numbers z with, entry by entry,

    ``|z - (matrix @ (x - centre) + value)|
    <= rounding_coef @ |x - centre| + rounding_floor``

    where the right side and the map on the left are real numbers, without rounding. It
    holds for all x for which nothing overflows.

    Parameters
    ----------
    matrix : array-like or sparse array of shape (n_out, n_in)
        Sparse where most entries are zero, as those of scalers and selectors: a
        diagonal of 9,216 features is not made dense. No entry is above 1e100 in size,
        none that a sparse one stores below 1e-100.

    centre : array-like of shape (n_in,)
        A point where the data are, such as their mean; zero where none is known.

    value : array-like of shape (n_out,)
        Image of the centre.

    rounding_coef : array-like or sparse array of shape (n_out, n_in)
        Not negative.

    rounding_floor : array-like of shape (n_out,)
        Not negative.

    dtype : {'float32', 'float64'} or dtype, default='float64'
        Of what the transformer returns, for samples of the dtype the map was asked for.

    Raises
    ------
    ValueError
        If shapes don't fit, or a number is not finite, out of range, or negative where
        it must not be.

    See Also
    --------
    AffineMap.computed : The map with the bounds of the usual ways to compute it.

    Notes
    -----
    Rounding is kept feature by feature: features may have scales from 1e-30 to 1e30
    side by side, and one norm of them all would say nothing of the small ones.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_scd.affine import affine_map
    >>> X = np.array([[1e12], [1e12 + 2], [1e12 + 4]])
    >>> scaler = StandardScaler().fit(X)
    >>> of_scaler = affine_map(scaler)
    >>> of_scaler(X).round(3).tolist()
    [[-1.225], [0.0], [1.225]]
    >>> bool(of_scaler.rounding(X).max() < 1e-14)
    True
    """

    matrix: Matrix
    centre: Floats
    value: Floats
    rounding_coef: Matrix
    rounding_floor: Floats
    dtype: DTypeLike = np.float64

    def __post_init__(self) -> None:
        for name in ("matrix", "rounding_coef"):
            object.__setattr__(self, name, as_matrix(getattr(self, name), name))
        n_out, n_in = self.matrix.shape
        sizes = {"centre": n_in, "value": n_out, "rounding_floor": n_out}
        for name, size in sizes.items():
            vector = _vector(getattr(self, name), size, name)
            object.__setattr__(self, name, vector)
            if not np.isfinite(vector).all():
                raise ValueError(f"{name} has entries that are NaN or infinite.")
        object.__setattr__(self, "dtype", np.dtype(self.dtype))
        if self.rounding_coef.shape != (n_out, n_in):
            raise ValueError(
                f"rounding_coef must have the shape ({n_out}, {n_in}), got "
                f"{self.rounding_coef.shape}."
            )
        if (entries(self.rounding_coef) < 0).any() or (self.rounding_floor < 0).any():
            raise ValueError("Bounds on rounding must not be negative.")

    @property
    def n_in(self) -> int:
        """Features that come in."""
        return self.matrix.shape[1]

    @property
    def n_out(self) -> int:
        """Features that go out."""
        return self.matrix.shape[0]

    def __call__(self, X: NDArray[Any]) -> Floats:
        """The map of samples, shape (n_samples, n_out), in float64."""
        steps = np.asarray(X, dtype=np.float64) - self.centre
        return (self.matrix @ steps.T).T + self.value

    def rounding(self, X: NDArray[Any]) -> Floats:
        """Bound on the rounding at samples.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_in)
            Samples.

        Returns
        -------
        bound : ndarray of shape (n_samples, n_out), float64
            By how much each number that is computed may be off, at most.
        """
        steps = np.abs(np.asarray(X, dtype=np.float64) - self.centre)
        return ((self.rounding_coef @ steps.T).T + self.rounding_floor) * _UPWARDS

    @classmethod
    def computed(
        cls,
        matrix: ArrayLike,
        *,
        centre: ArrayLike | None = None,
        value: ArrayLike | None = None,
        n_operations: int | None = None,
        magnitude: ArrayLike | None = None,
        amplification: ArrayLike = 1.0,
        working_dtype: DTypeLike = np.float64,
        dtype: DTypeLike | None = None,
    ) -> AffineMap:
        """A map computed by rounded sums and products, with the bounds that follow.

        Each product of an entry of `matrix` and a feature, and each other term of the
        sum, goes through at most `n_operations` rounded operations. So the result is
        off by at most ``g (|matrix| |x - centre| + magnitude)``,
        ``g = rounding_factor(n_operations, working_dtype)``, where `magnitude` is the
        sum of the sizes of all terms at the centre, those that cancel included.

        Parameters
        ----------
        matrix : array-like or sparse array of shape (n_out, n_in)
            What multiplies the samples.

        centre : array-like of shape (n_in,), default=None
            A point where the data are. None is zero.

        value : array-like of shape (n_out,), default=None
            Image of the centre. None is zero. If it was rounded, `n_operations` and
            `magnitude` allow for it.

        n_operations : int, default=None
            Rounded operations that a term goes through. None is the most entries of a
            row that are not zero, and 6 more, in which are the representation of an
            entry, the subtraction of a centre before or after the product, an offset, a
            scale and a cast.

        magnitude : array-like of shape (n_out,), default=None
            Size of all terms at the centre. None is
            ``2 (|matrix| |centre| + |value|)``: right for
            ``(x - centre) @ matrix.T + value`` and for
            ``x @ matrix.T + (value - centre @ matrix.T)`` alike.

        amplification : float or array-like of shape (n_out,), default=1
            Largest factor by which an intermediate result is multiplied on its way,
            and with it what it lost to underflow.

        working_dtype : {'float32', 'float64'} or dtype, default='float64'
            In which is computed: float32 only if samples and fitted arrays are.

        dtype : {'float32', 'float64'} or dtype, default=None
            Of the result. None is `working_dtype`.

        Returns
        -------
        affine_map : AffineMap
            The map and its bounds.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_scd.affine import AffineMap
        >>> half = AffineMap.computed(0.5 * np.eye(2), centre=[1e6, 1e6])
        >>> half(np.array([[1e6 + 2, 1e6 + 4]]))
        array([[1., 2.]])
        """
        matrix = as_matrix(matrix, "matrix")
        n_out, n_in = matrix.shape
        centre = _vector(centre, n_in, "centre")
        value = _vector(value, n_out, "value")
        sizes = abs(matrix)
        if magnitude is None:
            magnitude = 2 * (sizes @ np.abs(centre) + np.abs(value))
        if n_operations is None:
            n_operations = most_in_a_row(matrix) + _MARGIN
        factor = rounding_factor(n_operations, working_dtype) * _UPWARDS
        tiny = smallest_normal(working_dtype)
        underflow = n_operations * np.maximum(1.0, amplification)
        underflow = underflow + sizes @ np.ones(n_in)
        coef = factor * sizes
        if not sparse.issparse(coef):
            coef[(sizes > 0) & (sizes < 1 / LARGEST)] += TINY  # where it underflows
        return cls(
            matrix,
            centre,
            value,
            coef,
            factor * np.asarray(magnitude) + tiny * underflow,
            working_dtype if dtype is None else dtype,
        )

    def with_more_rounding(
        self, *, coef: ArrayLike = 0.0, floor: ArrayLike = 0.0
    ) -> AffineMap:
        """The same map with larger bounds: for fitted arrays that are cast, say.

        Parameters
        ----------
        coef : float or array-like of shape (n_out, n_in), default=0
            Added to `rounding_coef`; 0 or an array where that is dense.

        floor : float or array-like of shape (n_out,), default=0
            Added to `rounding_floor`.

        Returns
        -------
        affine_map : AffineMap
            The map and its bounds.
        """
        coefs = self.rounding_coef
        if np.any(coef):
            coefs = upwards(coefs + np.asarray(coef))
        floors = upwards(self.rounding_floor + np.asarray(floor))
        return replace(self, rounding_coef=coefs, rounding_floor=floors)

    @classmethod
    def exact(
        cls, matrix: ArrayLike, value: ArrayLike | None = None, *, dtype: DTypeLike
    ) -> AffineMap:
        """A map without any rounding: features that are selected, or are constant.

        Parameters
        ----------
        matrix : array-like or sparse array of shape (n_out, n_in)
            Of zeros and ones, at most one in a row.

        value : array-like of shape (n_out,), default=None
            Image of zero. None is zero.

        dtype : {'float32', 'float64'} or dtype
            Of the result.

        Returns
        -------
        affine_map : AffineMap
            The map, with bounds of zero.
        """
        matrix = as_matrix(matrix, "matrix")
        n_out, n_in = matrix.shape
        value = _vector(value, n_out, "value")
        nothing = sparse.csr_array(matrix.shape, dtype=np.float64)
        return cls(matrix, np.zeros(n_in), value, nothing, np.zeros(n_out), dtype)


def as_matrix(matrix: Any, name: str) -> Matrix:
    """A float64 array, or csr_array, with entries of which products are finite.

    Raises
    ------
    ValueError
        If an entry is NaN, infinite or out of range.
    """
    if sparse.issparse(matrix):
        matrix = sparse.csr_array(matrix, dtype=np.float64)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
    else:
        matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"{name} must have 2 dimensions, got {matrix.ndim}.")
    values = entries(matrix)
    # Without an array of sizes: matrices may be large.
    largest = max(values.max(initial=0.0), -values.min(initial=0.0))
    if not np.isfinite(largest):
        raise ValueError(f"{name} has entries that are NaN or infinite.")
    if name == "matrix" and largest > LARGEST:
        raise ValueError(
            f"An entry of the matrix is {largest!r}, more than {LARGEST:g}: scale "
            "the data to units in which they are not so small."
        )
    if name == "matrix" and sparse.issparse(matrix):
        sizes = np.abs(values)
        if ((sizes > 0) & (sizes < 1 / LARGEST)).any():
            raise ValueError(
                f"An entry of the matrix is {sizes[sizes > 0].min()!r}, less than "
                f"{1 / LARGEST:g}: scale the data to units in which they are not so "
                "large."
            )
    return matrix


def entries(array: Any) -> Floats:
    """The numbers that are stored."""
    return array.data if sparse.issparse(array) else array


def most_in_a_row(matrix: Matrix) -> int:
    """Most entries of a row that a product may not skip, at least 1."""
    if sparse.issparse(matrix):
        return max(1, int(np.diff(matrix.indptr).max(initial=1)))
    return max(1, matrix.shape[1])


def most_in_a_column(matrix: Matrix) -> int:
    """Most entries of a column that a product may not skip, at least 1."""
    if sparse.issparse(matrix):
        counts = np.bincount(matrix.indices, minlength=1)
        return max(1, int(counts.max(initial=1)))
    return max(1, matrix.shape[0])


def upwards(bound: Any, n_operations: int = 0) -> Any:
    """A bound that its own rounding, of sums of some terms, has not made too small."""
    return bound * (1 + 2 * (n_operations + 8) * 2.0**-53)


def _vector(values: ArrayLike | None, size: int, name: str) -> Floats:
    vector = np.zeros(size) if values is None else np.asarray(values, dtype=np.float64)
    if vector.shape != (size,):
        raise ValueError(f"{name} must have the shape ({size},), got {vector.shape}.")
    return vector
