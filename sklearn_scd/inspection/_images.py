"""Rows of pixels as images."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_image_shape(image_shape: Sequence[int], n_features: int) -> tuple[int, ...]:
    """The shape as a tuple, if it is that of images of so many features.

    Parameters
    ----------
    image_shape : tuple of int
        Height and width, or height, width and 3 for colors.
    n_features : int

    Returns
    -------
    shape : tuple of int

    Raises
    ------
    ValueError
        If it is not.
    """
    try:
        shape: tuple[int, ...] = tuple(image_shape)
    except TypeError:
        shape = ()
    whole = all(isinstance(size, (int, np.integer)) and size >= 1 for size in shape)
    if not whole or len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] != 3):
        raise ValueError(
            "image_shape must be (height, width), or (height, width, 3) for colors, "
            f"got {image_shape!r}."
        )
    if prod(shape) != n_features:
        raise ValueError(
            f"image_shape={shape} has {prod(shape)} entries, but there are "
            f"{n_features} features: give the shape of the images that were flattened."
        )
    return shape


def in_colours(values: NDArray[Any], largest: float) -> NDArray[Any]:
    """Signed values of three channels as colors: gray for 0.

    Parameters
    ----------
    values : ndarray of shape (..., 3)
    largest : float
        The absolute value that a channel is full or empty at.

    Returns
    -------
    colours : ndarray of shape (..., 3)
    """
    return 0.5 + 0.5 * values / largest
