"""The model that stands most: a linear front without scales, a margin, and noise."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import Interval

from sklearn_scd._active_subspace import ActiveSubspace
from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._typing import RandomState, validated


@validated(
    {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }
)
def make_robust_scd(
    n_components: int = 16, *, random_state: RandomState = None, **parameters: Any
) -> Pipeline:
    """Make a Pipeline of a linear front and networks trained to stand perturbations.

    Weights of noise in thousands of pixels bring every hyperplane near every image. An
    :class:`ActiveSubspace` leaves a few directions, those in which the classes change,
    without scaling, so that a distance there is one in the input; in them the networks
    train with a margin and on noisy copies of the samples. What it stands is told by
    :func:`~sklearn_scd.robustness.certified_distortion`.

    Parameters
    ----------
    n_components : int, default=16
        Directions that are kept.

    random_state : int, RandomState instance or None, default=None
        For the front and the networks.

    **parameters : dict
        Of the :class:`SCDClassifier`, in place of these defaults: ``loss='01'``,
        ``hidden_units=10``, ``margin=1.0``, ``noise=1.0``. `margin` and `noise` are L2
        sizes in the input's units, these defaults for images with pixels in [0, 1]:
        choose them by the perturbations to be withstood, or by a grid search with
        :func:`~sklearn_scd.robustness.certified_accuracy_scorer`.

    Returns
    -------
    pipeline : Pipeline
        With the steps ``'activesubspace'`` and ``'scdclassifier'``.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_scd import make_robust_scd
    >>> X, y = load_digits(n_class=2, return_X_y=True)
    >>> model = make_robust_scd(
    ...     margin=0.5, n_estimators=5, max_iter=100, random_state=0
    ... )
    >>> model.fit(X / 16, y).score(X / 16, y) > 0.95
    True
    """
    defaults = {"loss": "01", "hidden_units": 10, "margin": 1.0, "noise": 1.0}
    return Pipeline(
        [
            (
                "activesubspace",
                ActiveSubspace(n_components, random_state=random_state),
            ),
            (
                "scdclassifier",
                SCDClassifier(**{**defaults, **parameters}, random_state=random_state),
            ),
        ]
    )
