"""Random points around a point, as HopSkipJump asks about them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_BLOCK = 2**16  # values that stay in the cache from one step to the next
_SHORTEST = 1e-20


def draw_around(
    centre: NDArray[np.float32],
    radius: float,
    n_points: int,
    norm: float,
    clip_values: tuple[float, float],
    generator: np.random.Generator,
) -> NDArray[np.float32]:
    """Draw points at one L2 distance from a centre, in random directions.

    Parameters
    ----------
    centre : ndarray of shape (n_features,), float32
    radius : float
        The distance, but for points that are clipped.
    n_points : int
    norm : {2, inf}
        2: all directions are as likely, as those of normally distributed vectors are.
        inf: they are those of vectors uniform in a cube.
    clip_values : tuple of (float, float)
        Smallest and largest value of a feature.
    generator : numpy.random.Generator

    Returns
    -------
    points : ndarray of shape (n_points, n_features), float32
    """
    points = np.empty((n_points, centre.size), dtype=np.float32)
    n_rows = max(1, _BLOCK // centre.size)
    for start in range(0, n_points, n_rows):
        rows = points[start : start + n_rows]
        if norm == 2:
            _fill_normal(rows.reshape(-1), generator)
        else:
            generator.random(out=rows, dtype=np.float32)
            rows *= 2
            rows -= 1
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        lengths = np.maximum(lengths, _SHORTEST)  # all of a row may be 0
        rows *= (radius / lengths).astype(np.float32)[:, np.newaxis]
        rows += centre
        np.clip(rows, *clip_values, out=rows)
    return points


def _fill_normal(out: NDArray[np.float32], generator: np.random.Generator) -> None:
    """Write numbers of a standard normal distribution, by Box and Muller's method.

    NumPy's own numbers have longer tails than 5.8 and take three times as long, more
    than all else that an attack does with them.
    """
    n_pairs = math.ceil(out.size / 2)
    lengths, angles = generator.random((2, n_pairs), dtype=np.float32)
    np.subtract(1, lengths, out=lengths)  # above 0
    np.log(lengths, out=lengths)
    lengths *= -2
    np.sqrt(lengths, out=lengths)
    angles *= np.float32(2 * math.pi)
    first, second = out[:n_pairs], out[n_pairs:]
    np.multiply(lengths, np.cos(angles), out=first)
    np.multiply(lengths[: second.size], np.sin(angles[: second.size]), out=second)
