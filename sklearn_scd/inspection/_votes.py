"""How many votes samples have, class by class, clean and adversarial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from sklearn_scd.inspection._axes import axes_of, with_defaults
from sklearn_scd.inspection._vote_shares import (
    bin_edges,
    changed_rows,
    counted,
    histograms,
    votes_of,
)
from sklearn_scd.robustness._labels import LabelCodes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from typing_extensions import Self  # of typing from Python 3.11 on

    from sklearn_scd._typing import FittedClassifier, Floats

_HEIGHT = 0.45  # of the tallest bar; classes are 1 apart


class VoteDisplay:
    """Distribution of the share of votes, a row a class.

    The share of votes for the true class tells how near a sample is to being taken for
    another; that for the predicted class is the agreement. Bars of clean samples point
    up, those of adversarial samples down. Each histogram adds up to 1, and all have one
    scale.

    It is recommended to use :meth:`from_estimator` or :meth:`from_predictions` to
    create a display. All parameters are stored as attributes.

    Parameters
    ----------
    shares : ndarray of shape (n_samples,)
        Share of votes for the class in `y`, in [0, 1].

    y : ndarray of shape (n_samples,)
        Class of each sample.

    n_votes : int
        Votes that shares are of.

    adversarial_shares : ndarray of shape (n_adversarial,), default=None
        The same of adversarial samples. None: there are none.

    adversarial_y : ndarray of shape (n_adversarial,), default=None
        Their classes.

    classes : ndarray of shape (n_classes,), default=None
        Classes in their order, from bottom to top. None: those in `y` and
        `adversarial_y`, sorted.

    voted_class : {'true', 'predicted'}, default='true'
        Whether the classes in `y` are true or predicted ones; told beside the axis.

    name : str, default=None
        Title. None: no title.

    Attributes
    ----------
    bars_ : list of matplotlib StepPatch
        Clean samples, one histogram a class.

    adversarial_bars_ : list of matplotlib StepPatch or None
        Adversarial samples.

    half_line_ : matplotlib Line2D or None
        Half of the votes, where two classes change places. None with more classes.

    ax_ : matplotlib Axes
        Axes with the histograms.

    figure_ : matplotlib Figure
        Figure containing them.

    See Also
    --------
    sklearn_scd.SCDClassifier.votes : The class that each vote names.
    sklearn_scd.SCDClassifier.agreement : Share of votes for the predicted class.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_scd import SCDClassifier
    >>> from sklearn_scd.inspection import VoteDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SCDClassifier(n_estimators=5, max_iter=50, random_state=0).fit(X, y)
    >>> display = VoteDisplay.from_estimator(model, X, y)
    >>> len(display.bars_)
    3
    """

    def __init__(
        self,
        shares: Floats,
        y: NDArray[Any],
        *,
        n_votes: int,
        adversarial_shares: Floats | None = None,
        adversarial_y: NDArray[Any] | None = None,
        classes: ArrayLike | None = None,
        voted_class: Literal["true", "predicted"] = "true",
        name: str | None = None,
    ) -> None:
        self.shares = shares
        self.y = y
        self.n_votes = n_votes
        self.adversarial_shares = adversarial_shares
        self.adversarial_y = adversarial_y
        self.classes = classes
        self.voted_class = voted_class
        self.name = name

    def plot(
        self,
        ax: Axes | None = None,
        *,
        name: str | None = None,
        max_bins: int = 22,
        adversarial_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the histograms.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None: a new figure and axes.

        name : str, default=None
            Title. None: `name` of the display.

        max_bins : int, default=22
            Most bars a class, at least 2. Each bar is of equally many numbers of votes,
            all of them less than half of the votes or none; the outermost bars end at 0
            and 1, and may be of fewer.

        adversarial_kwargs : dict, default=None
            Keyword arguments for the bars of adversarial samples, over `kwargs`.

        **kwargs : dict
            Keyword arguments of :meth:`matplotlib.axes.Axes.stairs`, for all bars.

        Returns
        -------
        display : VoteDisplay
            With the artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `max_bins` is less than 2.
        """
        edges = bin_edges(self.n_votes, max_bins)
        self.ax_, self.figure_ = axes_of(self, ax)
        classes = self._classes()
        clean = histograms(self.shares, self.y, classes, edges)
        groups = {"clean": (clean, kwargs, "C0")}
        if self.adversarial_shares is not None and self.adversarial_y is not None:
            adversarial = histograms(
                self.adversarial_shares, self.adversarial_y, classes, edges
            )
            style = {**kwargs, **(adversarial_kwargs or {})}
            groups["adversarial"] = (-adversarial, style, "C3")
        tallest = max(np.abs(heights).max() for heights, *_ in groups.values()) or 1.0
        drawn = {
            label: self._bars(_HEIGHT / tallest * heights, edges, label, given, color)
            for label, (heights, given, color) in groups.items()
        }
        self.bars_, self.adversarial_bars_ = drawn["clean"], drawn.get("adversarial")
        self.half_line_ = None
        if len(classes) == 2:
            self.half_line_ = self.ax_.axvline(0.5, color="0.5", ls=":", lw=1, zorder=0)
        self._label(classes, name)
        return self

    def _classes(self) -> NDArray[Any]:
        if self.classes is not None:
            return np.asarray(self.classes)
        others = [] if self.adversarial_y is None else [self.adversarial_y]
        return np.unique(np.concatenate([self.y, *others]))

    def _bars(
        self,
        heights: Floats,
        edges: Floats,
        label: str,
        given: Mapping[str, Any],
        color: str,
    ) -> list[Any]:
        """Draw a histogram a class, based at the class's place."""
        from matplotlib.patches import StepPatch

        own = {"fill": True, "label": label}
        style = with_defaults(given, own, StepPatch)
        if "color" not in style:
            style.setdefault("facecolor", color)
        bars = []
        for k, values in enumerate(heights):
            bars.append(self.ax_.stairs(k + values, edges, baseline=k, **style))
            style["label"] = None  # one entry in the legend
        return bars

    def _label(self, classes: NDArray[Any], name: str | None) -> None:
        self.ax_.set_yticks(np.arange(len(classes)), labels=classes.tolist())
        self.ax_.set_ylim(-0.6, len(classes) - 0.4)
        self.ax_.set_xlim(-0.02, 1.02)
        self.ax_.set(
            xlabel=f"Share of votes for the {self.voted_class} class",
            ylabel=f"{self.voted_class.capitalize()} class",
        )
        if self.adversarial_bars_ is not None:
            self.ax_.legend()
        name = self.name if name is None else name
        if name is not None:
            self.ax_.set_title(name)

    @classmethod
    def from_estimator(
        cls,
        estimator: FittedClassifier,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        X_adversarial: ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Let an estimator vote, and draw the histograms.

        Parameters
        ----------
        estimator : SCDClassifier, or Pipeline that ends with one
            Or a search over them, fitted.

        X : array-like of shape (n_samples, n_features)
            Samples.

        y : array-like of shape (n_samples,), default=None
            Their true labels. None: the predicted ones, so that the shares are the
            agreement, and adversarial samples are shown with what they are taken for.

        X_adversarial : array-like of shape (n_samples, n_features), default=None
            For each sample its adversarial one, as `adversarials` of a
            :class:`~sklearn_scd.robustness.RobustnessEvaluation` or
            :class:`~sklearn_scd.robustness.DistortionResult`. Rows with NaN, and those
            that equal the sample, are left out: they are none.

        name : str, default=None
            Title. None: the estimator's class.

        ax : matplotlib Axes, default=None
            Axes to draw on. None: a new figure and axes.

        **kwargs : dict
            `max_bins` and `adversarial_kwargs` of :meth:`plot`, and keyword arguments
            of :meth:`matplotlib.axes.Axes.stairs`, for all bars.

        Returns
        -------
        display : VoteDisplay
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
            If a label of `y` is none of the estimator's classes, or `y` or
            `X_adversarial` is not of as many samples as `X`.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        check_consistent_length(X, y, X_adversarial)
        labels = LabelCodes(estimator)
        if y is not None:
            labels.encode(y, "y")
        clean_y, votes = votes_of(estimator, X, y)
        adversarial_y, adversarial_votes = None, None
        if X_adversarial is not None:
            adversarial_y, adversarial_votes = clean_y[:0], votes[:0]
            found = changed_rows(X, X_adversarial)
            if found.size:
                adversarial_y, adversarial_votes = votes_of(
                    estimator,
                    _safe_indexing(X_adversarial, found),
                    None if y is None else np.asarray(y)[found],
                )
        display = cls(
            **counted(clean_y, votes, adversarial_y, adversarial_votes),
            classes=labels.classes,
            voted_class="predicted" if y is None else "true",
            name=type(estimator).__name__ if name is None else name,
        )
        return display.plot(ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_votes: ArrayLike,
        *,
        y_true_adversarial: ArrayLike | None = None,
        y_votes_adversarial: ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the histograms of votes that are there, of any model that votes.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels, or any others whose shares of votes are wanted.

        y_votes : array-like of shape (n_samples, n_votes)
            Class that each vote names, as :meth:`sklearn_scd.SCDClassifier.votes` gives
            it.

        y_true_adversarial : array-like of shape (n_adversarial,), default=None
            True labels of adversarial samples.

        y_votes_adversarial : array-like of shape (n_adversarial, n_votes), \
                default=None
            Their votes.

        name : str, default=None
            Title. None: no title.

        ax : matplotlib Axes, default=None
            Axes to draw on. None: a new figure and axes.

        **kwargs : dict
            `max_bins` and `adversarial_kwargs` of :meth:`plot`, and keyword arguments
            of :meth:`matplotlib.axes.Axes.stairs`, for all bars.

        Returns
        -------
        display : VoteDisplay
            With the artists as attributes.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If votes are no table of a row a label, or of adversarial samples there are
            labels without votes, votes without labels, or another number of votes.
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        display = cls(
            **counted(y_true, y_votes, y_true_adversarial, y_votes_adversarial),
            name=name,
        )
        return display.plot(ax, **kwargs)
