"""Images, their adversarial ones, and what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from sklearn_scd.inspection._images import check_image_shape, in_colours
from sklearn_scd.inspection._robustness_curve import norm_name
from sklearn_scd.inspection._vote_shares import changed_rows
from sklearn_scd.robustness._inputs import ask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from typing_extensions import Self  # of typing from Python 3.11 on

    from sklearn_scd._typing import FittedClassifier
    from sklearn_scd.robustness import DistortionResult, RobustnessEvaluation


class AdversarialDisplay:
    """Images, adversarial images and their difference, a row an image.

    All differences have one scale, from minus to plus the largest: red where a pixel
    grew brighter, blue where it grew darker. Their titles tell the distance.

    It is recommended to use :meth:`from_estimator` or :meth:`from_result` to create a
    display. All parameters are stored as attributes.

    Parameters
    ----------
    originals : ndarray of shape (n_images, n_features)
        Images as rows of pixels.

    adversarials : ndarray of shape (n_images, n_features)
        The adversarial image of each.

    image_shape : tuple of int
        Height and width, or height, width and 3 for colors.

    labels : ndarray of shape (n_images,), default=None
        Titles of the images: their classes. None: they are called original.

    adversarial_labels : ndarray of shape (n_images,), default=None
        Titles of the adversarial images: the classes that they are taken for. None:
        they are called adversarial.

    norm : {1, 2, numpy.inf}, default=2
        Norm of the distances in the titles.

    Attributes
    ----------
    ims_ : ndarray of shape (n_images, 3), of matplotlib AxesImage
        Original, adversarial image, difference.

    colorbar_ : matplotlib Colorbar or None
        Scale of the differences. None where it is not drawn, and for colors.

    axes_ : ndarray of shape (n_images, 3), of matplotlib Axes
        Axes with the images.

    bounding_ax_ : matplotlib Axes or None
        The axes that were divided. None where no single one was given.

    figure_ : matplotlib Figure
        Figure containing them.

    See Also
    --------
    VoteDisplay : What the networks vote for such images.
    sklearn_scd.robustness.nearest_flip : Finds adversarial images.
    sklearn_scd.robustness.minimum_distortion : Finds them by decision-based attacks.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_scd import SCDClassifier
    >>> from sklearn_scd.inspection import AdversarialDisplay
    >>> from sklearn_scd.robustness import nearest_flip
    >>> X, y = load_digits(n_class=2, return_X_y=True)
    >>> X = X / 16
    >>> model = SCDClassifier(n_estimators=5, max_iter=50, random_state=0)
    >>> result = nearest_flip(model.fit(X[9:], y[9:]), X[:3], y[:3])
    >>> display = AdversarialDisplay.from_result(result, X[:3], (8, 8), estimator=model)
    >>> display.axes_.shape
    (3, 3)
    """

    def __init__(
        self,
        originals: NDArray[Any],
        adversarials: NDArray[Any],
        image_shape: Sequence[int],
        *,
        labels: ArrayLike | None = None,
        adversarial_labels: ArrayLike | None = None,
        norm: float = 2,
    ) -> None:
        self.originals = originals
        self.adversarials = adversarials
        self.image_shape = image_shape
        self.labels = labels
        self.adversarial_labels = adversarial_labels
        self.norm = norm

    def plot(
        self,
        ax: Axes | ArrayLike | None = None,
        *,
        colorbar: bool = True,
        difference_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of shape (n_images, 3), default=None
            Axes to draw on. A single one is divided. None: a new figure and axes.

        colorbar : bool, default=True
            Whether to draw a color bar of the differences. Those in color have none.

        difference_kwargs : dict, default=None
            Keyword arguments of :meth:`matplotlib.axes.Axes.imshow` for the
            differences.

        **kwargs : dict
            Keyword arguments of :meth:`matplotlib.axes.Axes.imshow` for the images. By
            default they are gray, from their smallest to their largest value.

        Returns
        -------
        display : AdversarialDisplay
            With the artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is no image, `image_shape` does not suit them, or there are not
            three axes an image.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        originals, adversarials = self._images()
        differences = adversarials - originals
        n_images = len(originals)
        self._prepare_axes(ax, n_images)
        low = min(originals.min(), adversarials.min())
        high = max(originals.max(), adversarials.max())
        style = {"cmap": "gray", "vmin": low, "vmax": high, **kwargs}
        largest = np.abs(differences).max() or 1.0
        changed = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
        changed.update(difference_kwargs or {})
        in_grey = originals.ndim == 3
        self.ims_ = np.empty((n_images, 3), dtype=object)
        for row, axes in enumerate(self.axes_):
            shown = differences[row]
            if not in_grey:
                shown = in_colours(shown, largest)
            self.ims_[row] = [
                axes[0].imshow(originals[row], **style),
                axes[1].imshow(adversarials[row], **style),
                axes[2].imshow(shown, **changed),
            ]
            for panel, title in zip(axes, self._titles(row, differences), strict=True):
                panel.set(xticks=[], yticks=[], title=title)
        self.colorbar_ = None
        if colorbar and in_grey:
            self.colorbar_ = self.figure_.colorbar(
                self.ims_[0, 2], ax=self.axes_[:, 2].tolist(), label="Change"
            )
        return self

    def _images(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Both as images, (n_images, *image_shape)."""
        originals = np.asarray(self.originals, dtype=np.float64)
        adversarials = np.asarray(self.adversarials, dtype=np.float64)
        if originals.ndim != 2 or originals.shape != adversarials.shape:
            raise ValueError(
                "originals and adversarials must be of one shape (n_images, "
                f"n_features), got {originals.shape} and {adversarials.shape}."
            )
        if not len(originals):
            raise ValueError("There is no adversarial image to draw.")
        shape = check_image_shape(self.image_shape, originals.shape[1])
        return originals.reshape(-1, *shape), adversarials.reshape(-1, *shape)

    def _prepare_axes(self, ax: Any, n_images: int) -> None:
        """Set the axes, (n_images, 3): new ones, those given, or a part of one each."""
        import matplotlib.pyplot as plt
        from matplotlib.axes import Axes
        from matplotlib.gridspec import GridSpecFromSubplotSpec

        self.bounding_ax_: Axes | None = None
        if ax is None:
            _, ax = plt.subplots(
                n_images, 3, figsize=(6.4, 2.2 * n_images), layout="constrained"
            )
        elif isinstance(ax, Axes):
            self.bounding_ax_ = ax
            ax.set_axis_off()
            place: Any = ax.get_subplotspec()
            if place is None:  # axes that stand by themselves
                box: Any = ax.get_position()
                place = ax.figure.add_gridspec(
                    1, 1, left=box.x0, right=box.x1, bottom=box.y0, top=box.y1
                )[0]
            grid = GridSpecFromSubplotSpec(n_images, 3, subplot_spec=place)
            ax = [ax.figure.add_subplot(grid[k]) for k in range(3 * n_images)]
        axes = np.asarray(ax, dtype=object)
        if axes.size != 3 * n_images:
            raise ValueError(
                f"ax must be a single Axes or {3 * n_images} of them, three an image, "
                f"got {axes.size}."
            )
        self.axes_ = axes.reshape(n_images, 3)
        self.figure_ = self.axes_[0, 0].figure

    def _titles(self, row: int, differences: NDArray[Any]) -> tuple[str, str, str]:
        labels = ["Original", "Adversarial"]
        for place, given in enumerate([self.labels, self.adversarial_labels]):
            if given is not None:
                labels[place] = f"{np.asarray(given)[row]}"
        distance = np.linalg.norm(differences[row].ravel(), self.norm)
        return labels[0], labels[1], f"{norm_name(self.norm)} = {distance:.3g}"

    @classmethod
    def from_estimator(
        cls,
        estimator: FittedClassifier,
        X: ArrayLike,
        X_adversarial: ArrayLike,
        image_shape: Sequence[int],
        *,
        norm: float = 2,
        max_images: int = 5,
        ax: Axes | ArrayLike | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw images with the classes that an estimator predicts.

        Parameters
        ----------
        estimator : fitted classifier
            Any, with `predict`.

        X : array-like of shape (n_samples, n_features)
            Images as rows of pixels.

        X_adversarial : array-like of shape (n_samples, n_features)
            The adversarial image of each. Rows with NaN, and those that equal the
            image, are left out.

        image_shape : tuple of int
            Height and width, or height, width and 3 for colors.

        norm : {1, 2, numpy.inf}, default=2
            Norm of the distances in the titles.

        max_images : int, default=5
            Draw so many, the first.

        ax : matplotlib Axes or array-like of shape (n_images, 3), default=None
            Axes to draw on. A single one is divided. None: a new figure and axes.

        **kwargs : dict
            `colorbar` and `difference_kwargs` of :meth:`plot`, and keyword arguments of
            :meth:`matplotlib.axes.Axes.imshow`, for the images.

        Returns
        -------
        display : AdversarialDisplay
            With the artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If there is no adversarial image, there are not as many as there are images,
            or `image_shape` does not suit them.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        if hasattr(estimator, "fit"):  # or it came trained
            check_is_fitted(estimator)
        originals, adversarials = _pairs(X, X_adversarial, max_images)
        labels, adversarial_labels = None, None
        if len(originals):
            labels = ask(estimator, "predict", originals)
            adversarial_labels = ask(estimator, "predict", adversarials)
        display = cls(
            originals,
            adversarials,
            image_shape,
            labels=labels,
            adversarial_labels=adversarial_labels,
            norm=norm,
        )
        return display.plot(ax, **kwargs)

    @classmethod
    def from_result(
        cls,
        result: DistortionResult | RobustnessEvaluation,
        X: ArrayLike,
        image_shape: Sequence[int],
        *,
        estimator: FittedClassifier | None = None,
        max_images: int = 5,
        ax: Axes | ArrayLike | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw what an attack found.

        Parameters
        ----------
        result : DistortionResult or RobustnessEvaluation
            Of :func:`~sklearn_scd.robustness.nearest_flip`,
            :func:`~sklearn_scd.robustness.surrogate_attack`,
            :func:`~sklearn_scd.robustness.minimum_distortion` or
            :func:`~sklearn_scd.robustness.evaluate_robustness`. Images that nothing was
            found for, and those that are misclassified as they are, are left out.

        X : array-like of shape (n_samples, n_features)
            The images that were attacked, as rows of pixels.

        image_shape : tuple of int
            Height and width, or height, width and 3 for colors.

        estimator : fitted classifier, default=None
            The model that was attacked: titles tell what it predicts. None: they tell
            original and adversarial.

        max_images : int, default=5
            Draw so many, the first.

        ax : matplotlib Axes or array-like of shape (n_images, 3), default=None
            Axes to draw on. A single one is divided. None: a new figure and axes.

        **kwargs : dict
            `colorbar` and `difference_kwargs` of :meth:`plot`, and keyword arguments of
            :meth:`matplotlib.axes.Axes.imshow`, for the images.

        Returns
        -------
        display : AdversarialDisplay
            With the artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If nothing was found, `X` is of another number of images than the result, or
            `image_shape` does not suit them.
        """
        check_matplotlib_support(f"{cls.__name__}.from_result")
        if estimator is not None:
            return cls.from_estimator(
                estimator,
                X,
                result.adversarials,
                image_shape,
                norm=result.norm,
                max_images=max_images,
                ax=ax,
                **kwargs,
            )
        pairs = _pairs(X, result.adversarials, max_images)
        return cls(*pairs, image_shape, norm=result.norm).plot(ax, **kwargs)


def _pairs(
    X: ArrayLike, X_adversarial: ArrayLike, max_images: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The first images with an adversarial one that is another image, and those."""
    if not (isinstance(max_images, (int, np.integer)) and max_images >= 1):
        raise ValueError(
            f"max_images must be a whole number from 1 on, got {max_images!r}."
        )
    check_consistent_length(X, X_adversarial)
    X, X_adversarial = np.asarray(X), np.asarray(X_adversarial)
    rows = changed_rows(X, X_adversarial)[:max_images]
    return X[rows], X_adversarial[rows]
