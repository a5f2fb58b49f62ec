"""What floating-point arithmetic may add to a result, and sums without rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sklearn_scd._typing import Floats

UNIT_ROUNDOFF = 2.0**-53  # of float64
# Norms whose squares, and those of what matters beside them, are normal numbers.
_SQUARES_FIT = (1e-140, 1e140), (1e-12, 1e15)  # of float64, float32
TINY = 2.0**-1022  # smallest normal float64; covers what underflows, flushed or not


def rounding_factor(n_operations: int, dtype: DTypeLike) -> float:
    """Relative error of a term that went through some rounded operations.

    Each operation multiplies its exact result by ``1 + d`` with ``|d| <= u``. A
    product of n of such factors, or of their inverses, lies within ``1 + g`` and
    ``1 - g`` with ``g = n u / (1 - n u)`` (Higham, "Accuracy and Stability of Numerical
    Algorithms", 2002, lemma 3.1), whatever the order of a sum, with and without fused
    multiply-add.

    Parameters
    ----------
    n_operations : int
        Operations on the longest way from an input to the result. A sum of n products
        has n.

    dtype : {'float32', 'float64'} or dtype
        In which is computed: ``u = 2**-24`` or ``u = 2**-53``.

    Returns
    -------
    factor : float
        The g above.

    Raises
    ------
    ValueError
        If there are so many operations that nothing is left of the precision.

    Examples
    --------
    >>> from sklearn_scd.affine import rounding_factor
    >>> round(rounding_factor(1000, "float32") / 2**-24, 3)  # in units of u
    1000.06
    """
    roundoff = n_operations * float(np.finfo(dtype).eps) / 2
    if roundoff > 0.25:
        raise ValueError(
            f"{n_operations} operations in {np.dtype(dtype)} leave no precision: pass "
            "samples and fit in float64."
        )
    # The quotient is rounded itself.
    return float(np.nextafter(roundoff / (1 - roundoff), 1)) if roundoff else 0.0


def smallest_normal(dtype: DTypeLike) -> float:
    """Bound on what an operation may lose to underflow, subnormals flushed or not."""
    return float(np.finfo(dtype).tiny)


def row_norms(rows: NDArray[Any], order: float) -> Floats:
    """Norms of rows, in the dtype of these, also where squares leave its range.

    Of rows of 1e-170 the squares are 0, and those of 1e-160 have lost digits: a norm
    by them would be nothing, or a little too small. They are brought to about 1 by a
    power of two, which rounds nothing.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
    order : float
        1, 2 or inf.

    Returns
    -------
    norms : ndarray of shape (n_rows,)
    """
    if order != 2:
        norms: Floats = np.linalg.norm(rows, ord=order, axis=1)
        return norms
    with np.errstate(over="ignore", under="ignore"):
        norms = np.linalg.norm(rows, axis=1)
    low, high = _SQUARES_FIT[rows.dtype == np.float32]
    odd = np.flatnonzero(~((norms > low) & (norms < high)))
    if odd.size:
        part = rows[odd]
        largest = np.abs(part).max(axis=1, initial=0.0)
        # NaN and infinity stay what they are.
        _, exponents = np.frexp(np.where(np.isfinite(largest), largest, 1.0))
        scaled = np.ldexp(part, -exponents[:, np.newaxis])
        norms[odd] = np.ldexp(np.linalg.norm(scaled, axis=1), exponents)
    return norms


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """``a + b`` rounded, and what the rounding left over, exactly (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def two_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """``a * b`` rounded, and what the rounding left over (Dekker).

    Exactly, where neither a factor is above 1e300 nor the product below 1e-290; what
    underflows is smaller than :data:`TINY`.
    """
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    rest = a_high * b_high - product
    return product, a_low * b_low + (a_low * b_high + (a_high * b_low + rest))


def _halves(a: Floats) -> tuple[Floats, Floats]:
    high = a * 134217729.0  # 2**27 + 1
    high = high - (high - a)
    return high, a - high


def cast_error(values: NDArray[Any], dtype: DTypeLike) -> Floats:
    """What each value loses where it is cast to `dtype`.

    Raises
    ------
    ValueError
        If a value is too large for `dtype`.
    """
    wide = np.asarray(values, dtype=np.float64)
    with np.errstate(over="ignore", under="ignore"):
        cast = wide.astype(dtype).astype(np.float64)
    if not np.isfinite(cast).all():
        raise ValueError(
            f"{np.abs(wide).max()!r} is too large for {np.dtype(dtype)}: pass samples "
            "in float64."
        )
    return np.abs(cast - wide)
