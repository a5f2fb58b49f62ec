"""Certified and empirical robust accuracy over the radius."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from sklearn_scd.inspection._axes import axes_of, with_defaults
from sklearn_scd.robustness import evaluate_robustness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from typing_extensions import Self  # of typing from Python 3.11 on

    from sklearn_scd._typing import FittedClassifier, Norm, RandomState
    from sklearn_scd.robustness import (
        DistortionResult,
        RobustAccuracy,
        RobustnessEvaluation,
    )
    from sklearn_scd.robustness._attacks.run_attack import Attack


class RobustnessCurveDisplay:
    """Robustness curve: certified and empirical robust accuracy over the radius.

    Certified accuracy is a lower bound on the robust accuracy, empirical robust
    accuracy an upper bound. The exact share lies in the shaded band between them.

    It is recommended to use :meth:`from_estimator` or :meth:`from_evaluation` to create
    a display. All parameters are stored as attributes.

    Parameters
    ----------
    certified_accuracy : RobustAccuracy, default=None
        Of certificates: a lower bound. None: not drawn.

    attacked_accuracy : RobustAccuracy, default=None
        Of the distances that attacks found: an upper bound. None: not drawn.

    norm : {1, 2, numpy.inf}, default=2
        Norm of the perturbations.

    name : str, default=None
        What the legend calls the model.

    Attributes
    ----------
    certified_line_ : matplotlib Line2D or None
        Certified accuracy.

    attacked_line_ : matplotlib Line2D or None
        Empirical robust accuracy.

    band_ : matplotlib PolyCollection or None
        What is not known: the area between both curves, where both are there, of the
        same sizes.

    ax_ : matplotlib Axes
        Axes with the curves.

    figure_ : matplotlib Figure
        Figure containing them.

    See Also
    --------
    sklearn_scd.robustness.evaluate_robustness : What the curves are taken from.
    sklearn_scd.robustness.robust_accuracy : A curve from distances.

    Notes
    -----
    Between two sizes the certified curve is drawn as at the larger one and the attacked
    curve as at the smaller one, so that the band has the truth there too.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import minmax_scale
    >>> from sklearn_scd import SCDClassifier
    >>> from sklearn_scd.inspection import RobustnessCurveDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = minmax_scale(X)
    >>> model = SCDClassifier(n_estimators=5, max_iter=100, random_state=0)
    >>> model = model.fit(X[100:], y[100:])
    >>> display = RobustnessCurveDisplay.from_estimator(
    ...     model, X[:10], y[:10], attacks=["nearest_flip"], random_state=0)
    >>> display.ax_.get_xlabel()
    'L2 size of the perturbation'
    """

    def __init__(
        self,
        *,
        certified_accuracy: RobustAccuracy | None = None,
        attacked_accuracy: RobustAccuracy | None = None,
        norm: float = 2,
        name: str | None = None,
    ) -> None:
        self.certified_accuracy = certified_accuracy
        self.attacked_accuracy = attacked_accuracy
        self.norm = norm
        self.name = name

    def plot(
        self, ax: Axes | None = None, *, name: str | None = None, **kwargs: Any
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; curves of several models go well together. None: a new
            figure and axes.

        name : str, default=None
            What the legend calls the model. None: `name` of the display.

        **kwargs : dict
            Keyword arguments of :meth:`matplotlib.axes.Axes.plot`, for both curves. The
            band takes their color.

        Returns
        -------
        display : RobustnessCurveDisplay
            With the artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is no curve.
        """
        if self.certified_accuracy is None and self.attacked_accuracy is None:
            raise ValueError(
                "There is no curve to draw: certified_accuracy and attacked_accuracy "
                "are both None."
            )
        self.ax_, self.figure_ = axes_of(self, ax)
        self._name = self.name if name is None else name
        self.certified_line_ = self._line(
            self.certified_accuracy, "certified", {"drawstyle": "steps-pre"}, kwargs
        )
        beside = {"drawstyle": "steps-post", "linestyle": "--"}
        if self.certified_line_ is not None:
            beside["color"] = self.certified_line_.get_color()
        self.attacked_line_ = self._line(
            self.attacked_accuracy, "attacked", beside, kwargs
        )
        self.band_ = self._band()
        size = f"{norm_name(self.norm)} size of the perturbation"
        self.ax_.set(xlabel=size, ylabel="Accuracy")
        self.ax_.set_ylim(0.0, 1.03)
        self.ax_.legend()
        return self

    def _line(
        self,
        curve: RobustAccuracy | None,
        what: str,
        defaults: Mapping[str, Any],
        given: Mapping[str, Any],
    ) -> Any:
        """Draw one curve, if it is there."""
        if curve is None:
            return None
        from matplotlib.lines import Line2D

        label = what if self._name is None else f"{self._name}, {what}"
        style = with_defaults(given, {"label": label, **defaults}, Line2D)
        order = np.argsort(curve.epsilons)
        (line,) = self.ax_.plot(curve.epsilons[order], curve.accuracies[order], **style)
        return line

    def _band(self) -> Any:
        """Shade what lies between the curves, if both are there, of the same sizes."""
        low, high = self.certified_accuracy, self.attacked_accuracy
        if low is None or high is None:
            return None
        if not np.array_equal(low.epsilons, high.epsilons):
            return None
        order = np.argsort(low.epsilons)
        return self.ax_.fill_between(
            np.repeat(low.epsilons[order], 2)[1:-1],
            np.repeat(low.accuracies[order][1:], 2),
            np.repeat(high.accuracies[order][:-1], 2),
            color=self.certified_line_.get_color(),
            alpha=0.15,
            linewidth=0,
        )

    @classmethod
    def from_evaluation(
        cls,
        evaluation: RobustnessEvaluation,
        *,
        name: str | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the curves of an evaluation that is there.

        Parameters
        ----------
        evaluation : RobustnessEvaluation
            Of :func:`~sklearn_scd.robustness.evaluate_robustness`. Without certificates
            or without attacks, their curve is left out.

        name : str, default=None
            What the legend calls the model. None: nothing.

        ax : matplotlib Axes, default=None
            Axes to draw on. None: a new figure and axes.

        **kwargs : dict
            Keyword arguments of :meth:`matplotlib.axes.Axes.plot`, for both curves.

        Returns
        -------
        display : RobustnessCurveDisplay
            With the artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the evaluation has neither certificates nor attacks.
        """
        check_matplotlib_support(f"{cls.__name__}.from_evaluation")
        display = cls(
            certified_accuracy=evaluation.certified_accuracy,
            attacked_accuracy=(
                evaluation.attacked_accuracy if evaluation.attacks else None
            ),
            norm=evaluation.norm,
            name=name,
        )
        return display.plot(ax, **kwargs)

    @classmethod
    def from_estimator(
        cls,
        estimator: FittedClassifier,
        X: ArrayLike,
        y: ArrayLike,
        *,
        attacks: (
            str | Sequence[str] | Mapping[str, DistortionResult | Attack | None]
        ) = ("surrogate", "nearest_flip"),
        certify: bool | ArrayLike = True,
        norm: Norm = 2,
        clip_values: tuple[float, float] = (0.0, 1.0),
        epsilons: ArrayLike | None = None,
        X_train: ArrayLike | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        name: str | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Certify and attack samples, and draw the curves.

        Parameters
        ----------
        estimator : fitted classifier
            As in :func:`~sklearn_scd.robustness.evaluate_robustness`: with the default
            attacks an `SCDClassifier`, or a `Pipeline` of affine steps and one. For a
            linear classifier of scikit-learn give ``attacks=()``: its certificate is
            exact.

        X : array-like of shape (n_samples, n_features)
            Samples, within `clip_values`.

        y : array-like of shape (n_samples,)
            Their true labels.

        attacks : str, sequence of str, or mapping of str to DistortionResult, \
                callable or None, default=('surrogate', 'nearest_flip')
            Attacks to run, or their results.

        certify : bool or array-like of shape (n_samples,), default=True
            Whether to compute certificates. Or what is proven of each sample already.

        norm : {1, 2, numpy.inf}, default=2
            Norm of distances.

        clip_values : tuple of (float, float), default=(0.0, 1.0)
            Smallest and largest value a feature may take.

        epsilons : array-like of shape (n_epsilons,), default=None
            Sizes of perturbations. None: 101 from 0 to a little above all distances
            found.

        X_train : array-like of shape (n_train, n_features), default=None
            Samples that decision-based attacks start from.

        random_state : int, RandomState instance or None, default=None
            Seed of the attacks.

        n_jobs : int or None, default=None
            As in the attacks; results do not depend on it.

        verbose : int, default=0
            1 shows how far each attack is.

        name : str, default=None
            What the legend calls the model. None: the estimator's class.

        ax : matplotlib Axes, default=None
            Axes to draw on. None: a new figure and axes.

        **kwargs : dict
            Keyword arguments of :meth:`matplotlib.axes.Axes.plot`, for both curves.

        Returns
        -------
        display : RobustnessCurveDisplay
            With the artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed, or ART where a decision-based attack is
            named.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If a white-box attack is named for a model that it is not for.
        ValueError
            If there is neither a certificate nor an attack, or what
            :func:`~sklearn_scd.robustness.evaluate_robustness` is given is invalid.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        from matplotlib.figure import Figure

        # A misspelled name is an error here: attacks may take hours.
        Figure().add_subplot().plot([], [], **kwargs)
        evaluation = evaluate_robustness(
            estimator, X, y, attacks=attacks, certify=certify, norm=norm,
            clip_values=clip_values, epsilons=epsilons, X_train=X_train,
            random_state=random_state, n_jobs=n_jobs, verbose=verbose,
        )  # fmt: skip
        name = type(estimator).__name__ if name is None else name
        return cls.from_evaluation(evaluation, name=name, ax=ax, **kwargs)


def norm_name(norm: float) -> str:
    """What a norm is called beside an axis."""
    return "L-infinity" if np.isinf(norm) else f"L{norm:g}"
