"""A smaller image, as a projection that keeps L2: what is certified behind it holds."""

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_scd.affine import AffineMap


class PixelMeans(TransformerMixin, BaseEstimator):
    """Means over blocks of pixels, scaled so that the projection is orthonormal.

    A block's value is the sum of its pixels over the root of their number: no distance
    grows, and a perturbation that is the same all over a block keeps its L2 size.

    Parameters
    ----------
    image_shape : tuple of int
        Height and width, for color also the number of channels.
    side : int, default=24
        Blocks along either side, fewer where there are fewer pixels.

    Attributes
    ----------
    components_ : sparse array of shape (n_blocks, n_features), float64
        Orthonormal.
    image_shape_ : tuple of int
        Of the smaller image.
    n_features_in_ : int
        Number of features seen in `fit`.
    """

    def __init__(self, image_shape, side=24):
        self.image_shape = image_shape
        self.side = side

    def fit(self, X, y=None):
        """Lay out the blocks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of pixels; only their number matters.
        y : None
            Ignored.

        Returns
        -------
        self : PixelMeans
        """
        validate_data(self, X, dtype=[np.float64, np.float32])
        height, width, *channels = self.image_shape
        sums = sparse.kron(_blocks(height, self.side), _blocks(width, self.side))
        identity = sparse.eye_array(channels[0] if channels else 1)
        self.components_ = sparse.csr_array(sparse.kron(sums, identity))
        self.image_shape_ = smaller_shape(self.image_shape, self.side)
        return self

    def transform(self, X):
        """Project rows of pixels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_blocks), in the dtype of X
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        projected = (self.components_ @ X.T.astype(np.float64, copy=False)).T
        return np.ascontiguousarray(projected, dtype=X.dtype)

    def __sklearn_scd_affine_map__(
        self, n_features: int, dtype: DTypeLike
    ) -> AffineMap:
        """Return the map, for certificates and for noise behind it."""
        return AffineMap.computed(self.components_, working_dtype=dtype)


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
    return PixelMeans(image_shape, side), smaller_shape(image_shape, side)


def smaller_shape(image_shape: tuple[int, ...], side: int) -> tuple[int, ...]:
    """Return the shape of the image of blocks."""
    height, width, *channels = image_shape
    return (min(side, height), min(side, width), *channels)


def _blocks(length: int, side: int) -> sparse.csr_array:
    """Return the orthonormal rows that sum a line of pixels, block by block."""
    block = np.arange(length) * min(side, length) // length
    weights = 1 / np.sqrt(np.bincount(block))
    return sparse.csr_array((weights[block], (block, np.arange(length))))
