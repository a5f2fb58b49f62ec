"""One map after another, and maps side by side, with the rounding of both.

Let A and then B compute ``z = A(x)`` and ``y = B(z)``, with ``|z - Z(x)| <= e(x)``,
``e(x) = K_A |x - c_A| + f_A``, for the map ``Z(x) = M_A (x - c_A) + v_A``, and the same
for B. Then, with ``|Z(x) - c_B| <= |M_A| |x - c_A| + |v_A - c_B|``,

``|y - (M_B (Z(x) - c_B) + v_B)|
<= |M_B| e(x) + K_B (|Z(x) - c_B| + e(x)) + f_B
<= [|M_B| K_A + K_B (|M_A| + K_A)] |x - c_A|
+ |M_B| f_A + K_B (|v_A - c_B| + f_A) + f_B``,

errors of A that pass through the rounding of B included. The composite is stored as
``M = M_B M_A`` and ``v = M_B (v_A - c_B) + v_B``, both rounded to float64: what that
loses, at most ``g |M_B| |M_A|`` and ``g |M_B| |v_A - c_B|``, is added.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_scd._rounding import (
    TINY,
    rounding_factor,
    two_product,
    two_sum,
)
from sklearn_scd._typing import Floats
from sklearn_scd.affine._map import (
    AffineMap,
    Matrix,
    as_matrix,
    most_in_a_column,
    most_in_a_row,
    upwards,
)

_DENSE = 0.25  # share of entries from which a stack of maps is dense


def compose(first: AffineMap, second: AffineMap) -> AffineMap:
    """The map of `second` after that of `first`."""
    if first.n_out != second.n_in:
        raise ValueError(
            f"A step returns {first.n_out} features, but the next expects "
            f"{second.n_in}."
        )
    first = _aligned(first, second.centre)
    sizes, outer = abs(first.matrix), abs(second.matrix)
    inner = min(most_in_a_row(second.matrix), most_in_a_column(first.matrix))
    stored = first.rounding_coef + rounding_factor(inner, np.float64) * sizes
    coef = _times(outer, stored)
    coef = coef + _times(second.rounding_coef, sizes + first.rounding_coef)
    shift, lost = two_sum(first.value, -second.centre)
    image, image_lost = _product(second.matrix, shift)
    value, value_lost = two_sum(image, second.value)
    apart = np.abs(shift) + np.abs(lost) + first.rounding_floor
    floor = (
        outer @ (first.rounding_floor + np.abs(lost))
        + second.rounding_coef @ apart
        + second.rounding_floor
        + image_lost
        + np.abs(value_lost)
    )
    n_terms = most_in_a_row(second.matrix)
    return AffineMap(
        _times(second.matrix, first.matrix),
        first.centre,
        value,
        _never_less(coef, inner),
        upwards(floor, n_terms) + n_terms * TINY,
        second.dtype,
    )


def recentred(affine_map: AffineMap, centre: Floats) -> AffineMap:
    """The same map, written from another centre.

    ``|x - c| <= |x - c'| + |c' - c|``, so that the bound gets ``K |c' - c|`` more, and
    what the new value loses.
    """
    shift, lost = two_sum(centre, -affine_map.centre)
    image, image_lost = _product(affine_map.matrix, shift)
    value, value_lost = two_sum(affine_map.value, image)
    floor = (
        affine_map.rounding_floor
        + affine_map.rounding_coef @ (np.abs(shift) + np.abs(lost))
        + abs(affine_map.matrix) @ np.abs(lost)
        + image_lost
        + np.abs(value_lost)
    )
    n_terms = most_in_a_row(affine_map.matrix)
    return AffineMap(
        affine_map.matrix,
        centre,
        value,
        affine_map.rounding_coef,
        upwards(floor, n_terms),
        affine_map.dtype,
    )


def stack(maps: Sequence[AffineMap]) -> AffineMap:
    """Maps of the same features, their results side by side.

    All get one centre: feature by feature that of the first map that uses the feature
    and knows one.
    """
    centre = np.zeros(maps[0].n_in)
    for affine_map in maps:
        used = _used(affine_map.matrix) & (centre == 0)
        centre[used] = affine_map.centre[used]
    maps = [recentred(affine_map, centre) for affine_map in maps]
    return AffineMap(
        _stacked([affine_map.matrix for affine_map in maps]),
        centre,
        np.concatenate([affine_map.value for affine_map in maps]),
        _stacked([affine_map.rounding_coef for affine_map in maps]),
        np.concatenate([affine_map.rounding_floor for affine_map in maps]),
        np.result_type(*[affine_map.dtype for affine_map in maps]),
    )


def diagonal(factors: Floats) -> Matrix:
    """A sparse matrix with these on its diagonal."""
    n = len(factors)
    return sparse.csr_array((factors, np.arange(n), np.arange(n + 1)), shape=(n, n))


def selection(columns: NDArray[np.intp], n_features: int) -> Matrix:
    """A sparse matrix that takes these columns, in this order."""
    n = len(columns)
    return sparse.csr_array(
        (np.ones(n), np.asarray(columns), np.arange(n + 1)), shape=(n, n_features)
    )


def _aligned(first: AffineMap, target: Floats) -> AffineMap:
    """Centered where the next map is, if `first` has no centre and only scales.

    The mean of a scaler behind a selector is known in the selector's input, too:
    written from there, nothing cancels.
    """
    matrix = first.matrix
    if not sparse.issparse(matrix) or most_in_a_row(matrix) > 1 or not target.any():
        return first
    rows = np.flatnonzero(np.diff(matrix.indptr))
    columns = matrix.indices
    factors = matrix.data
    free = (first.centre[columns] == 0) & (factors != 0) & (target[rows] != 0)
    rows, columns, factors = rows[free], columns[free], factors[free]
    with np.errstate(over="ignore"):
        there = (target[rows] - first.value[rows]) / factors
    finite = np.isfinite(there)
    centre = first.centre.copy()
    centre[columns[finite]] = there[finite]
    return recentred(first, centre)


def _times(left: Matrix, right: Matrix) -> Matrix:
    """Product of matrices; thousands of rows behind a scaler are not worth a loop."""
    if sparse.issparse(left) or not sparse.issparse(right):
        return left @ right
    n = right.shape[0]
    one_each = right.shape[1] == right.nnz == n
    one_each = one_each and (np.diff(right.indptr) == 1).all()
    if one_each and (right.indices == np.arange(n)).all():
        return left * right.data
    return left @ right


def _product(matrix: Matrix, vector: Floats) -> tuple[Floats, Floats]:
    """Product, and a bound on its error, which is 0 where nothing is rounded."""
    if sparse.issparse(matrix) and most_in_a_row(matrix) == 1:
        product, error = np.zeros(matrix.shape[0]), np.zeros(matrix.shape[0])
        rows = np.flatnonzero(np.diff(matrix.indptr))
        product[rows], lost = two_product(matrix.data, vector[matrix.indices])
        scaled = (matrix.data != 1) & (vector[matrix.indices] != 0)
        error[rows] = np.abs(lost) + 4 * TINY * scaled
        return product, error
    n_terms = most_in_a_row(matrix)
    sizes = abs(matrix) @ np.abs(vector)
    error = upwards(rounding_factor(n_terms, np.float64) * sizes, n_terms)
    return matrix @ vector, error + (sizes > 0) * n_terms * TINY


def _never_less(coef: Matrix, inner: int) -> Matrix:
    """A sum of products of bounds, rounded and underflowed, as a bound."""
    coef = upwards(coef, 2 * inner)
    if sparse.issparse(coef):  # its entries are too large to underflow
        return coef
    coef += 4 * inner * TINY
    return coef


def _used(matrix: Matrix) -> NDArray[np.bool_]:
    """Features that some entry is not zero for."""
    if sparse.issparse(matrix):
        return np.bincount(matrix.indices, matrix.data != 0, matrix.shape[1]) > 0
    return (matrix != 0).any(axis=0)


def _stacked(matrices: Sequence[Matrix]) -> Matrix:
    n_rows = sum(matrix.shape[0] for matrix in matrices)
    n_stored = sum(
        matrix.nnz if sparse.issparse(matrix) else matrix.size for matrix in matrices
    )
    if n_stored >= _DENSE * n_rows * matrices[0].shape[1]:
        return np.concatenate(
            [m.toarray() if sparse.issparse(m) else m for m in matrices]
        )
    return as_matrix(sparse.vstack([sparse.csr_array(m) for m in matrices]), "stack")
