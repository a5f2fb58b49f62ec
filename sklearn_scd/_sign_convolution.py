"""A layer of sign units over patches of images: a transformer that is not trained."""

from __future__ import annotations

from itertools import pairwise, product
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_scd._doc_link import DocumentedHere
from sklearn_scd._image_shape import checked_image_shape
from sklearn_scd._kernels.convolution import LANES, active_shares, in_lanes
from sklearn_scd._range import check_range, largest_entry
from sklearn_scd._typing import Floats, RandomState, validated_fit

if TYPE_CHECKING:
    from sklearn.utils import Tags
    from typing_extensions import Self  # of typing from Python 3.11 on

_PAIRS = 4  # drawn for each filter: many of a black background are of equal patches
_PATCHES = 5000  # that thresholds are quantiles over
_LEVELS = 0.02, 0.98  # of these quantiles


class SignConvolution(
    DocumentedHere, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """A layer of sign units over patches of images, averaged over regions.

    Each unit looks at all patches of an image and is active on those on one side of its
    hyperplane. The image's features are the shares of patches on which the units are
    active. Shares are hardly changed by noise, and where a pattern lies in a region
    does not matter: a classifier behind this, trained on noisy copies, suits
    randomized smoothing of textures.

    Nothing is trained: a unit's weights are the difference of two patches drawn from
    the training images, its threshold lies just above a random quantile of its sums
    over patches, halfway to the next sum. Random patches as filters are as in [1]_,
    counting signs of differences over an image as in [2]_.

    Parameters
    ----------
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) that rows were flattened from,
        channels last. None: rows are signals, images of a height of 1, and so are
        patches and regions.

    n_filters : int, default=200
        Units.

    kernel_size : int, default=3
        Side of a patch. Patches begin at each pixel from which they lie in the image.

    n_regions : int, default=1
        Regions on each side of the image over which activity is averaged:
        ``n_regions ** 2`` in all, of a signal `n_regions`.

    random_state : int, RandomState instance or None, default=None
        Draws patches and the quantiles that are thresholds.

    Attributes
    ----------
    coef_ : ndarray of shape (n_filters, n_taps), float32
        Weights of the units, of unit L2 norm, for a patch flattened by row, column and
        channel: ``n_taps = kernel_size * kernel_size * channels``, of a signal
        `kernel_size`.

    intercept_ : ndarray of shape (n_filters,), float32
        A unit is active on a patch x where ``coef_ @ x + intercept_ > 0``.

    n_features_in_ : int
        Number of features seen in fit.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of features seen in fit, where all of them are strings.

    See Also
    --------
    ActiveSubspace : A linear projection, behind which sign networks are certified
        without noise.
    PixelMeans : A smaller image, before this, where noise is less beside the image.
    sklearn_scd.robustness.SmoothedClassifier : Certifies a classifier behind this.
    sklearn.feature_extraction.image.PatchExtractor : Patches themselves.

    Notes
    -----
    The weighted sum of a patch is computed in float32 and in a fixed order: what an
    image is transformed to does not depend on the images beside it. A unit whose sum is
    as near to 0 as rounding errors may be active on one kind of processor and not on
    another. Thresholds keep away from the sums of training patches, so that this is
    rare, also where many patches are the same.

    References
    ----------
    .. [1] Coates, Lee, Ng, "An Analysis of Single-Layer Networks in Unsupervised
       Feature Learning", AISTATS 2011.
    .. [2] Ojala, Pietikäinen, Mäenpää, "Multiresolution Gray-Scale and Rotation
       Invariant Texture Classification with Local Binary Patterns", IEEE Transactions
       on Pattern Analysis and Machine Intelligence 24, 2002.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_scd import SignConvolution
    >>> X, y = load_digits(return_X_y=True)  # images of 8 x 8 pixels
    >>> layer = SignConvolution((8, 8), n_filters=50, n_regions=2, random_state=0)
    >>> layer.fit_transform(X).shape
    (1797, 200)
    >>> model = make_pipeline(layer, StandardScaler(), LogisticRegression())
    >>> model.fit(X[:900], y[:900]).score(X[900:], y[900:]) > 0.9
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "image_shape": [tuple, list, None],
        "n_filters": [Interval(Integral, 1, None, closed="left")],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "n_regions": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        image_shape: tuple[int, int] | tuple[int, int, int] | None = None,
        n_filters: int = 200,
        kernel_size: int = 3,
        *,
        n_regions: int = 1,
        random_state: RandomState = None,
    ) -> None:
        self.image_shape = image_shape
        self.n_filters = n_filters
        self.kernel_size = kernel_size
        self.n_regions = n_regions
        self.random_state = random_state

    @validated_fit
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Draw the units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Images, flattened.

        y : Ignored
            There by convention.

        Returns
        -------
        self : SignConvolution
            The fitted transformer.

        Raises
        ------
        ValueError
            If `image_shape` does not make n_features, the image is too small for
            `kernel_size` or `n_regions`, or numbers are too large for float32.
        """
        X = validate_data(self, X, dtype=np.float32)
        # What `transform` needs, whatever becomes of the parameters.
        self._shape = self._checked_shape(X.shape[1])
        n_down = 1 if self.image_shape is None else self.kernel_size
        self._patch = n_down, self.kernel_size
        self._offsets, self._starts, self._borders = self._places()
        self._check_sums(X)
        rng = check_random_state(self.random_state)
        self.coef_ = self._draw_filters(X, rng)
        self.intercept_ = self._draw_thresholds(X, rng)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Compute the shares of patches on which the units are active.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Images, flattened; other dtypes than float32 are converted.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_all_regions * n_filters), float32
            In [0, 1]: the shares of all units in the first region, then in the one
            right of it, and so on, row after row of regions.

        Raises
        ------
        ValueError
            If numbers are too large for float32.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, order="C", reset=False)
        self._check_sums(X)
        n_all_regions = len(self._borders) - 1
        shares = np.empty((len(X), n_all_regions, len(self.coef_)), dtype=np.float32)
        active_shares(
            X, self._offsets, self._starts, self._borders,
            *in_lanes(self.coef_, self.intercept_), np.empty(LANES, np.int32), shares,
        )  # fmt: skip
        return shares.reshape(len(X), -1)

    def _check_sums(self, X: NDArray[np.float32]) -> None:
        """Refuse numbers so large that sums over a patch and a threshold overflow."""
        check_range(largest_entry(X), len(self._offsets), X.dtype, room=2.0)

    def _places(self) -> tuple[NDArray[np.int64], ...]:
        """Where values of a patch are in a row, patches by region, and regions.

        Returns
        -------
        offsets, starts, borders : ndarray of int64
            As of :func:`sklearn_scd._kernels.convolution.active_shares`.
        """
        (height, width, channels), (n_down, n_across) = self._shape, self._patch
        n_rows, n_columns = height - n_down + 1, width - n_across + 1
        most = n_columns if self.image_shape is None else min(n_rows, n_columns)
        if self.n_regions > most:
            raise ValueError(
                f"n_regions={self.n_regions} is larger than {most}, the places of a "
                "patch along a side; give at most as many."
            )
        pixels = channels * np.arange(height * width).reshape(height, width)
        offsets = pixels[:n_down, :n_across, None] + np.arange(channels)
        starts = pixels[:n_rows, :n_columns]
        n_bands = 1 if self.image_shape is None else self.n_regions
        regions = [
            starts[top:bottom, left:right].ravel()
            for (top, bottom), (left, right) in product(
                _cut(n_rows, n_bands), _cut(n_columns, self.n_regions)
            )
        ]
        borders = np.cumsum([0, *map(len, regions)])
        return tuple(
            places.astype(np.int64)
            for places in (offsets.ravel(), np.concatenate(regions), borders)
        )

    def _checked_shape(self, n_features: int) -> tuple[int, int, int]:
        """Height, width and channels, if patches have room."""
        height, width, channels = checked_image_shape(self.image_shape, n_features)
        if self.image_shape is None and self.kernel_size > n_features:
            raise ValueError(
                f"kernel_size={self.kernel_size} is larger than a signal of "
                f"n_features={n_features}; give at most as much."
            )
        if self.image_shape is not None and self.kernel_size > min(height, width):
            raise ValueError(
                f"kernel_size={self.kernel_size} is larger than a side of "
                f"image_shape={self.image_shape!r}; give at most {min(height, width)}."
            )
        return height, width, channels

    def _draw_filters(
        self, X: NDArray[np.float32], rng: np.random.RandomState
    ) -> NDArray[np.float32]:
        """Differences of two patches, of unit norm; random directions if too few."""
        n_pairs = _PAIRS * self.n_filters
        patches = self._draw_patches(X, 2 * n_pairs, rng)
        differences = patches[:n_pairs] - patches[n_pairs:]
        differences = differences[differences.any(axis=1)][: self.n_filters]
        n_missing = self.n_filters - len(differences)
        directions = rng.standard_normal((n_missing, differences.shape[1]))
        filters = np.concatenate([differences, directions])
        filters /= np.linalg.norm(filters, axis=1, keepdims=True)
        return filters.astype(np.float32)

    def _draw_thresholds(
        self, X: NDArray[np.float32], rng: np.random.RandomState
    ) -> NDArray[np.float32]:
        """Just above a random quantile of each unit's sums, with the sign of a bias."""
        patches = self._draw_patches(X, _PATCHES, rng)
        # Four times what rounding moves a sum by, whatever the order of adding.
        rounding = np.finfo(np.float32).eps * (len(self._offsets) + 2)
        least_gap = 4 * rounding * np.linalg.norm(patches, axis=1).max()
        levels = rng.uniform(*_LEVELS, size=self.n_filters)
        thresholds = [
            _threshold(np.sort(patches @ weights.astype(np.float64)), level, least_gap)
            for weights, level in zip(self.coef_, levels, strict=True)
        ]
        return -np.array(thresholds, dtype=np.float32)

    def _draw_patches(
        self, X: NDArray[np.float32], n_patches: int, rng: np.random.RandomState
    ) -> Floats:
        """Patches of any rows, at any places."""
        rows = rng.randint(len(X), size=(n_patches, 1))
        starts = self._starts[rng.randint(len(self._starts), size=(n_patches, 1))]
        return X[rows, starts + self._offsets].astype(np.float64)

    @property
    def _n_features_out(self) -> int:
        return len(self.coef_) * (len(self._borders) - 1)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _threshold(sums: Floats, level: float, least_gap: float) -> float:
    """Halfway from a quantile of sorted sums to the next, where that is far enough.

    Where many patches are the same, as those of a black background are, a threshold at
    their sum would leave it to rounding on which side they are.
    """
    gaps = np.flatnonzero(np.diff(sums) > least_gap)
    if not len(gaps):  # all sums are the same: the unit is inactive
        return float(sums[-1]) + max(least_gap, 1.0)
    place = int(np.searchsorted(gaps, int(level * len(sums))))
    before = gaps[min(place, len(gaps) - 1)]
    return float(sums[before] + sums[before + 1]) / 2


def _cut(n_places: int, n_parts: int) -> list[tuple[int, int]]:
    """First and last places, exclusive, of parts of a side."""
    return list(pairwise(np.linspace(0, n_places, n_parts + 1).astype(int).tolist()))
