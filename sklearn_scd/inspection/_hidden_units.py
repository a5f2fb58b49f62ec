"""Weights of hidden units as images."""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from sklearn_scd.affine._fold import fold
from sklearn_scd.inspection._axes import axes_of
from sklearn_scd.inspection._images import check_image_shape, in_colours
from sklearn_scd.robustness._hyperplanes.networks import scd_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from typing_extensions import Self  # of typing from Python 3.11 on

    from sklearn_scd._typing import FittedClassifier


class HiddenUnitsDisplay:
    """Weights of hidden units as images, side by side in one axes.

    A brighter pixel of positive weight brings a unit closer to being active.
    After a PCA or other affine steps, weights are brought back to the pixels.

    It is recommended to use :meth:`from_estimator` to create a display. All parameters
    are stored as attributes.

    Parameters
    ----------
    weights : ndarray of shape (n_shown, n_features)
        Weights of the units to show.

    image_shape : tuple of int
        Height and width, or height, width and 3 for colors.

    units : ndarray of shape (n_shown, 2), default=None
        Network and unit that each row is of, as in `hidden_coef_`.

    name : str, default=None
        Title. None: no title.

    Attributes
    ----------
    im_ : matplotlib AxesImage
        The units, left to right and top to bottom.

    colorbar_ : matplotlib Colorbar or None
        What the colors say. None where it is not drawn, and for units in color.

    ax_ : matplotlib Axes
        Axes with the units.

    figure_ : matplotlib Figure
        Figure containing them.

    See Also
    --------
    VoteDisplay : What the networks vote.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_scd import make_robust_scd
    >>> from sklearn_scd.inspection import HiddenUnitsDisplay
    >>> X, y = load_digits(n_class=2, return_X_y=True)
    >>> model = make_robust_scd(n_estimators=2, random_state=0)
    >>> model = model.fit(X / 16, y)
    >>> display = HiddenUnitsDisplay.from_estimator(model, (8, 8), units=6)
    >>> display.weights.shape
    (6, 64)
    """

    def __init__(
        self,
        weights: NDArray[Any],
        image_shape: Sequence[int],
        *,
        units: NDArray[Any] | None = None,
        name: str | None = None,
    ) -> None:
        self.weights = weights
        self.image_shape = image_shape
        self.units = units
        self.name = name

    def plot(
        self,
        ax: Axes | None = None,
        *,
        name: str | None = None,
        n_columns: int | None = None,
        colorbar: bool = True,
        **kwargs: Any,
    ) -> Self:
        """Draw the units.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None: a new figure and axes.

        name : str, default=None
            Title. None: `name` of the display.

        n_columns : int, default=None
            Units in a row. None: about as many as there are rows.

        colorbar : bool, default=True
            Whether to draw a color bar. Units in color have none.

        **kwargs : dict
            Keyword arguments of :meth:`matplotlib.axes.Axes.imshow`. The colors go, by
            default, from minus to plus the largest absolute weight, the same for all
            units.

        Returns
        -------
        display : HiddenUnitsDisplay
            With the artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `image_shape` or `n_columns` doesn't suit the weights.
        """
        weights = np.asarray(self.weights, dtype=np.float64)
        image_shape = check_image_shape(self.image_shape, weights.shape[1])
        if n_columns is None:
            n_columns = ceil(sqrt(len(weights)))
        elif not (isinstance(n_columns, (int, np.integer)) and n_columns >= 1):
            raise ValueError(
                f"n_columns must be a whole number from 1 on, got {n_columns!r}."
            )
        self.ax_, self.figure_ = axes_of(self, ax)
        images = weights.reshape(-1, *image_shape)
        largest = np.abs(weights).max(initial=0.0) or 1.0
        style: dict[str, Any] = {"cmap": "RdBu_r"}
        if "norm" not in kwargs:
            style.update(vmin=-largest, vmax=largest)
        if images.ndim == 4:  # colors: gray for 0, and gaps that are transparent
            images = in_colours(images, largest)
            images = np.concatenate([images, np.ones_like(images[..., :1])], axis=3)
        gap = 0.0 if images.ndim == 4 else np.nan
        self.im_ = self.ax_.imshow(
            _montage(images, n_columns, gap), **{**style, **kwargs}
        )
        self.ax_.set_axis_off()
        self.colorbar_ = None
        if colorbar and images.ndim == 3:
            self.colorbar_ = self.figure_.colorbar(
                self.im_, ax=self.ax_, label="Weight", fraction=0.046, pad=0.04,
                shrink=_share_of_height(self.ax_, self.im_.get_array().shape),
            )  # fmt: skip
        name = self.name if name is None else name
        if name is not None:
            self.ax_.set_title(name)
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: FittedClassifier,
        image_shape: Sequence[int],
        *,
        units: int | ArrayLike = 16,
        name: str | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw hidden units of a fitted estimator.

        Parameters
        ----------
        estimator : SCDClassifier, or Pipeline of affine steps and an SCDClassifier
            Or a search over them, fitted on images as rows of pixels. Weights are
            brought back to the pixels and have, there, unit L2 norm, so that
            ``weights @ x`` changes as the distance to the unit's hyperplane.

        image_shape : tuple of int
            Height and width, or height, width and 3 for colors, of the images.

        units : int or array-like of shape (n_shown, 2), default=16
            A number: so many units, or all there are, of the largest absolute output
            weight. Otherwise network and unit of each, as in `hidden_coef_`.

        name : str, default=None
            Title. None: the estimator's class.

        ax : matplotlib Axes, default=None
            Axes to draw on. None: a new figure and axes.

        **kwargs : dict
            `n_columns` and `colorbar` of :meth:`plot`, and keyword arguments of
            :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        display : HiddenUnitsDisplay
            With the artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it does not end with an SCDClassifier.
        ValueError
            If a step before the classifier is not affine, `image_shape` has not as many
            entries as there are features, or `units` names one that is not there.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        transformer, classifier = scd_steps(estimator)
        image_shape = check_image_shape(image_shape, estimator.n_features_in_)
        units = _check_units(units, classifier.output_coef_)
        weights = classifier.hidden_coef_[tuple(units.T)].astype(np.float64)
        if transformer is not None:
            weights = fold(transformer, weights, np.zeros(len(weights))).normals
        norms = np.linalg.norm(weights, axis=1, keepdims=True)
        display = cls(
            weights / np.where(norms > 0, norms, 1.0),
            image_shape,
            units=units,
            name=type(estimator).__name__ if name is None else name,
        )
        return display.plot(ax, **kwargs)


def _check_units(units: int | ArrayLike, output_coef: NDArray[Any]) -> NDArray[Any]:
    """Rows of network and unit, (n_shown, 2): those given, or those that count most."""
    shape = output_coef.shape
    if isinstance(units, (int, np.integer)):
        if units < 1:
            raise ValueError(f"units must be at least 1, got {units!r}.")
        sizes = np.abs(output_coef.astype(np.float64)).ravel()
        chosen = np.argsort(-sizes, kind="stable")[:units]
        return np.stack(np.unravel_index(chosen, shape), axis=1)
    rows = np.asarray(units)
    if rows.ndim != 2 or rows.shape[1] != 2 or rows.dtype.kind not in "iu":
        raise ValueError(
            "units must be a number of units, or whole numbers of shape (n_shown, 2), "
            f"network and unit of each, got {units!r}."
        )
    outside = rows[((rows < 0) | (rows >= shape)).any(axis=1)]
    if len(outside):
        raise ValueError(
            f"units has {tuple(outside[0].tolist())}, but there are {shape[0]} "
            f"networks of {shape[1]} units, counted from 0."
        )
    return rows


def _montage(images: NDArray[Any], n_columns: int, gap: float) -> NDArray[Any]:
    """Images in rows, left to right and top to bottom, a pixel of `gap` between."""
    n_rows = ceil(len(images) / n_columns)
    spare = [(0, n_rows * n_columns - len(images)), (0, 1), (0, 1)]
    spare += [(0, 0)] * (images.ndim - 3)
    tiles = np.pad(images, spare, constant_values=gap)
    height, width = tiles.shape[1:3]
    tiles = tiles.reshape(n_rows, n_columns, height, width, *tiles.shape[3:])
    sheet = tiles.swapaxes(1, 2).reshape(
        n_rows * height, n_columns * width, *tiles.shape[4:]
    )
    return sheet[:-1, :-1]


def _share_of_height(ax: Axes, shape: tuple[int, ...]) -> float:
    """Share of the height of axes that an image of square pixels takes."""
    box = ax.get_window_extent()
    return min(1.0, shape[0] / shape[1] * box.width / box.height)
