"""The step that makes images smaller, for models that are told their shape."""

import numpy as np

from sklearn_scd import PixelMeans


def pixel_means(
    image_shape: tuple[int, ...] | None, side: int
) -> tuple[PixelMeans, tuple[int, ...]]:
    """Return the step that makes images smaller, and their shape.

    Parameters
    ----------
    image_shape : tuple of int or None
    side : int
        As of `PixelMeans`.

    Raises
    ------
    ValueError
        If there is no shape.
    """
    if image_shape is None:
        raise ValueError("image_shape=None: there are no pixels to take means of")
    laid_out = PixelMeans(image_shape, side).fit(np.zeros((1, np.prod(image_shape))))
    return PixelMeans(image_shape, side), laid_out.image_shape_
