"""A robust model: a projection that keeps distances, a margin, and noise."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal

from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_scd._active_subspace import ActiveSubspace
from sklearn_scd._classifier import SCDClassifier, trains_by_radii
from sklearn_scd._robust_pipeline import RobustPipeline
from sklearn_scd._typing import RandomState, validated


@validated(
    {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "random_state": ["random_state"],
    }
)
def make_robust_scd(
    n_components: int | Literal["auto"] = "auto",
    *,
    random_state: RandomState = None,
    **parameters: Any,
) -> RobustPipeline:
    """Make a Pipeline of a projection and networks trained to be robust.

    Weights of noise in thousands of pixels bring every hyperplane near every image. An
    :class:`ActiveSubspace` leaves a few directions, those in which the classes change,
    without scaling, so that a distance there is one in the input; in them the networks
    train for large certified radii and on noisy copies of the samples. The radii come
    from :func:`~sklearn_scd.robustness.certified_distortion`.

    Parameters
    ----------
    n_components : int or 'auto', default='auto'
        Directions that are kept. ``'auto'`` is 64 for two classes and training by
        certified radii, else 16, or as many as there are features or samples if those
        are fewer.

    random_state : int, RandomState instance or None, default=None
        For the projection and the networks.

    **parameters : dict
        Of the :class:`SCDClassifier`, in place of these defaults: ``loss='auto'``,
        ``hidden_units='auto'``, ``margin='auto'``, ``noise='auto'``. For two classes
        that is training by certified radii, ``loss='radius'``; with a number as
        `margin` it is 0/1 loss with that margin. The last two are L2 sizes that a fit
        takes from the data after the projection, and keeps as ``margin_`` and
        ``noise_`` of the step ``'scdclassifier'``. Where the perturbation budget is
        known, choose the margin by a grid search with
        :func:`~sklearn_scd.robustness.certified_accuracy_scorer`. With
        ``margin_norm=numpy.inf`` networks train against perturbations that change no
        pixel by more than some size, and the margin is one of pixels.

    Returns
    -------
    pipeline : RobustPipeline
        With the steps ``'activesubspace'`` and ``'scdclassifier'``.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_scd import make_robust_scd
    >>> X, y = load_digits(n_class=2, return_X_y=True)
    >>> model = make_robust_scd(n_estimators=5, random_state=0)
    >>> model.fit(X / 16, y).score(X / 16, y) > 0.95
    True
    >>> 0.1 < model["scdclassifier"].margin_ < 1
    True
    """
    defaults = dict.fromkeys(("loss", "hidden_units", "margin", "noise"), "auto")
    classifier = SCDClassifier(**{**defaults, **parameters}, random_state=random_state)
    directions: int | Literal["auto", "radius"] = n_components
    if directions == "auto" and trains_by_radii(classifier.loss, classifier.margin):
        directions = "radius"
    return RobustPipeline(
        [
            (
                "activesubspace",
                ActiveSubspace(directions, random_state=random_state),
            ),
            ("scdclassifier", classifier),
        ]
    )
