"""Smaller images by an orthonormal projection: what is certified behind it holds."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_scd._doc_link import DocumentedHere
from sklearn_scd._image_shape import checked_image_shape
from sklearn_scd._typing import Floats, validated_fit

if TYPE_CHECKING:
    from sklearn.utils import Tags
    from typing_extensions import Self  # of typing from Python 3.11 on

_FLOATS = [np.float64, np.float32]
_ROWS_CONVERTED = 128  # at a time, in place of a float64 copy of all of them


class PixelMeans(
    DocumentedHere, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Smaller images, of means over blocks of pixels.

    A block's value is the mean of its pixels times the root of their number, channel by
    channel. So scaled, the projection is orthonormal. No distance grows, and what is
    certified behind it holds before it, in the same units. Gaussian noise in the pixels
    is noise of the same standard deviation in the values, while what the pixels of a
    block have in common grows by the root of their number: with blocks of four pixels
    noise is half as large beside it.

    Parameters
    ----------
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) that rows were flattened from,
        channels last. None: rows are signals, images of a height of 1.

    side : int, default=24
        Blocks along either side of the image, as many as pixels where those are fewer.
        Where it does not divide the side, blocks are larger and smaller by a pixel.

    Attributes
    ----------
    components_ : sparse array of shape (n_values, n_features), float64
        A block and channel a row, by row, column and channel of the smaller image.
        Orthonormal.

    image_shape_ : tuple of int or None
        Shape of the smaller image, with channels last if `image_shape` has them. None:
        values are signals.

    n_features_in_ : int
        Number of features seen in fit.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of features seen in fit, where all of them are strings.

    See Also
    --------
    SignConvolution : A layer of sign units over patches, of smaller images for example.
    ActiveSubspace : A linear projection chosen by the labels.
    sklearn_scd.robustness.SmoothedClassifier : Draws noise behind this, in fewer
        dimensions.
    sklearn.cluster.FeatureAgglomeration : Means of features that are alike.

    Notes
    -----
    A perturbation that is the same all over each block keeps its L2 size; one of mean
    zero in each block changes nothing.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_scd import PixelMeans
    >>> X, y = load_digits(return_X_y=True)  # images of 8 x 8 pixels
    >>> means = PixelMeans((8, 8), side=4).fit(X)
    >>> means.image_shape_, means.transform(X).shape
    ((4, 4), (1797, 16))

    A value is the mean of four pixels times two, the root of four:

    >>> X[0].reshape(8, 8)[2:4, 2:4]  # the second block in the second row of blocks
    array([[15.,  2.],
           [12.,  0.]])
    >>> float(means.transform(X[:1])[0, 5].round(6))
    14.5
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "image_shape": [tuple, list, None],
        "side": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        image_shape: tuple[int, int] | tuple[int, int, int] | None = None,
        side: int = 24,
    ) -> None:
        self.image_shape = image_shape
        self.side = side

    @validated_fit
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Lay out the blocks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Images, flattened; only their number of features matters.

        y : Ignored
            There by convention.

        Returns
        -------
        self : PixelMeans
            The fitted transformer.

        Raises
        ------
        ValueError
            If `image_shape` does not make n_features.
        """
        X = validate_data(self, X, dtype=_FLOATS)
        height, width, channels = checked_image_shape(self.image_shape, X.shape[1])
        row, row_weights = _blocks(height, self.side)
        column, column_weights = _blocks(width, self.side)
        n_rows, n_columns = int(row[-1]) + 1, int(column[-1]) + 1
        block = n_columns * row[:, None] + column
        value = channels * block[..., None] + np.arange(channels)
        weights = np.repeat(np.outer(row_weights, column_weights), channels)
        self.components_ = sparse.csr_array(
            (weights, (value.ravel(), np.arange(X.shape[1]))),
            shape=(n_rows * n_columns * channels, X.shape[1]),
        )
        self.image_shape_ = None
        if self.image_shape is not None:
            self.image_shape_ = (n_rows, n_columns, channels)[: len(self.image_shape)]
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Project images onto the blocks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Images, flattened.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_values)
            ``X @ components_.T``, computed in float64, in the dtype of X.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=_FLOATS, reset=False)
        projected = np.empty((len(X), self._n_features_out), dtype=X.dtype)
        for rows in gen_batches(len(X), _ROWS_CONVERTED):
            columns = X[rows].T.astype(np.float64, copy=False)
            projected[rows] = (self.components_ @ columns).T
        return projected

    def __getstate__(self) -> dict[str, Any]:
        # Plain arrays: a file of skops then asks to trust this class and no other.
        state = dict(super().__getstate__())
        if "components_" in state:
            rows = state.pop("components_")
            state["_rows"] = rows.data, rows.indices, rows.indptr
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "_rows" in state:
            rows, n_features = tuple(state.pop("_rows")), state["n_features_in_"]
            shape = (len(rows[-1]) - 1, n_features)
            state["components_"] = sparse.csr_array(rows, shape=shape)
        super().__setstate__(state)

    @property
    def _n_features_out(self) -> int:
        n_values: int = self.components_.shape[0]
        return n_values

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _blocks(length: int, side: int) -> tuple[NDArray[np.intp], Floats]:
    """Block of each pixel along a line, and its weight, of unit norm in each block."""
    block = np.arange(length) * min(side, length) // length
    weights = 1 / np.sqrt(np.bincount(block))
    return block, weights[block]
