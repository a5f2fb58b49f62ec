"""Shapes of images that rows were flattened from: one check for all that take them."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import numpy as np


def checked_image_shape(
    image_shape: Sequence[int] | None, n_features: int
) -> tuple[int, int, int]:
    """Height, width and channels of the images in rows of so many features.

    Parameters
    ----------
    image_shape : sequence of int or None
        (height, width) or (height, width, channels). None: signals, which have a height
        of 1.

    n_features : int
        Values in a row.

    Returns
    -------
    height, width, channels : int
        Gray images have one channel.

    Raises
    ------
    ValueError
        If it is no shape of an image, or not of n_features values.
    """
    if image_shape is None:
        return 1, n_features, 1
    shape = tuple(image_shape)
    if len(shape) not in (2, 3) or not all(
        isinstance(side, Integral) and side > 0 for side in shape
    ):
        raise ValueError(
            f"image_shape={image_shape!r} must be (height, width) or (height, "
            "width, channels), or None where rows are no images."
        )
    if np.prod(shape) != n_features:
        raise ValueError(
            f"image_shape={image_shape!r} does not make the {n_features} "
            "features of X; give the shape that its rows were flattened from."
        )
    height, width, channels = (*map(int, shape), 1)[:3]
    return height, width, channels
