"""Numbers so large, or so small, that sums or squares leave the range of floats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SQUARES_FIT = 1e-100, 1e100  # of many features, and of what they are multiplied with


def largest_entry(X: NDArray[Any]) -> float:
    """Largest absolute value."""
    return max(abs(float(X.max())), abs(float(X.min())))


def highest_number(dtype: np.dtype[Any]) -> float:
    """Highest number of a dtype, as one that compares with others without a cast."""
    return float(np.finfo(dtype).max)


def exponent_of(X: NDArray[Any]) -> int:
    """Power of two in units of which squares of samples are sound; 0 in most units.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64

    Returns
    -------
    exponent : int
        ``numpy.ldexp(X, -exponent)`` rounds nothing and has numbers of up to 1.
    """
    largest = largest_entry(X)
    low, high = _SQUARES_FIT
    return 0 if largest == 0 or low < largest < high else int(np.frexp(largest)[1])


def check_range(
    largest: float,
    n_features: int,
    dtype: np.dtype[Any],
    room: float = 1.0,
    name: str = "Input X",
) -> None:
    """Refuse samples whose projections the model's dtype can't hold.

    Parameters
    ----------
    largest : float
        Largest absolute value of the samples.
    n_features : int
    dtype : dtype
        Of projections.
    room : float, default=1.0
        How much larger than a projection numbers may get.
    name : str, default='Input X'
        Of the samples, for the message.

    Raises
    ------
    ValueError
    """
    if not room * n_features * largest < highest_number(dtype):
        raise ValueError(
            f"{name} contains infinity or a value too large for sums over "
            f"{n_features} features in {dtype!r}: {largest:.3g}."
        )
