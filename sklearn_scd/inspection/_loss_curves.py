"""How the loss fell in training, over all networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from sklearn_scd.inspection._axes import axes_of, with_defaults
from sklearn_scd.robustness._hyperplanes.networks import scd_steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from typing_extensions import Self  # of typing from Python 3.11 on

    from sklearn_scd._typing import FittedClassifier, Floats

_LOSSES = {
    "01": "Mean 0/1 loss",
    "ce": "Mean cross-entropy",
    "radius": "Mean loss of radii",
}


class LossCurveDisplay:
    """Training loss over iterations: median and quartiles of the networks.

    A network that stopped early keeps its last loss, as it keeps its weights; a mark
    tells where it stopped.

    It is recommended to use :meth:`from_estimator` to create a display. All parameters
    are stored as attributes.

    Parameters
    ----------
    loss_curves : ndarray of shape (n_networks, max_iter)
        Mean loss after each iteration, NaN after an early stop, as `loss_curve_` of
        :class:`~sklearn_scd.SCDClassifier`.

    loss : {'01', 'ce', 'radius'}, default=None
        Loss, told beside the axis. None: it is just called loss.

    name : str, default=None
        What the legend calls the model. None: there is no legend.

    Attributes
    ----------
    line_ : matplotlib Line2D
        Median over the networks.

    band_ : matplotlib PolyCollection or None
        From the lower to the upper quartile. None for a single network.

    stops_ : matplotlib PathCollection or None
        Last iteration and loss of the networks that stopped early. None where none did.

    ax_ : matplotlib Axes
        Axes with the curve.

    figure_ : matplotlib Figure
        Figure containing it.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores over the number of samples.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_scd import SCDClassifier
    >>> from sklearn_scd.inspection import LossCurveDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = SCDClassifier(n_estimators=5, max_iter=50, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(model)
    >>> display.ax_.get_ylabel()
    'Mean cross-entropy'
    """

    def __init__(
        self,
        loss_curves: NDArray[Any],
        *,
        loss: str | None = None,
        name: str | None = None,
    ) -> None:
        self.loss_curves = loss_curves
        self.loss = loss
        self.name = name

    def plot(
        self, ax: Axes | None = None, *, name: str | None = None, **kwargs: Any
    ) -> Self:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; curves of several models go well together. None: a new
            figure and axes.

        name : str, default=None
            What the legend calls the model. None: `name` of the display.

        **kwargs : dict
            Keyword arguments of :meth:`matplotlib.axes.Axes.plot`, for the median. Band
            and marks take its color.

        Returns
        -------
        display : LossCurveDisplay
            With the artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `loss_curves` are no curves.
        """
        curves, n_iter = _check_curves(self.loss_curves)
        self.ax_, self.figure_ = axes_of(self, ax)
        from matplotlib.lines import Line2D

        name = self.name if name is None else name
        style = with_defaults(kwargs, {"label": name}, Line2D)
        iterations = np.arange(1, curves.shape[1] + 1)
        low, median, high = np.quantile(curves, [0.25, 0.5, 0.75], axis=0)
        (self.line_,) = self.ax_.plot(iterations, median, **style)
        color = self.line_.get_color()
        self.band_, self.stops_ = None, None
        if len(curves) > 1:
            self.band_ = self.ax_.fill_between(
                iterations, low, high, color=color, alpha=0.2, linewidth=0
            )
        early = np.flatnonzero(n_iter < curves.shape[1])
        if early.size:
            self.stops_ = self.ax_.scatter(
                n_iter[early], curves[early, -1], s=60, marker="|", color=color
            )
        self.ax_.set(xlabel="Iteration", ylabel=_LOSSES.get(self.loss or "", "Loss"))
        if style["label"] is not None:
            self.ax_.legend()
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: FittedClassifier,
        *,
        name: str | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the loss curve of a fitted estimator.

        Parameters
        ----------
        estimator : SCDClassifier, or Pipeline that ends with one
            Or a search over them, fitted.

        name : str, default=None
            What the legend calls the model. None: the estimator's class.

        ax : matplotlib Axes, default=None
            Axes to draw on. None: a new figure and axes.

        **kwargs : dict
            Keyword arguments of :meth:`matplotlib.axes.Axes.plot`, for the median.

        Returns
        -------
        display : LossCurveDisplay
            With the artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it does not end with an SCDClassifier.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        _, classifier = scd_steps(estimator)
        display = cls(
            classifier.loss_curve_,
            loss=classifier._loss,
            name=type(estimator).__name__ if name is None else name,
        )
        return display.plot(ax, **kwargs)


def _check_curves(curves: NDArray[Any]) -> tuple[Floats, NDArray[np.intp]]:
    """Curves that go on at their last loss, and how many iterations each ran."""
    curves = np.array(curves, dtype=np.float64)
    if curves.ndim != 2 or not curves.size or not np.isfinite(curves[:, 0]).all():
        raise ValueError(
            "loss_curves must be of shape (n_networks, max_iter), each with a loss at "
            f"the first iteration, got shape {curves.shape}."
        )
    n_iter = np.isfinite(curves).sum(axis=1)
    last = np.take_along_axis(curves, n_iter[:, np.newaxis] - 1, axis=1)
    return np.where(np.isfinite(curves), curves, last), n_iter
