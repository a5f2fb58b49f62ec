"""Any fitted scikit-learn classifier as a classifier of ART."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from sklearn_scd._image_shape import checked_image_shape
from sklearn_scd._typing import FittedClassifier
from sklearn_scd.robustness._inputs import check_clip_values, n_features_of
from sklearn_scd.robustness._labels import LabelCodes

if TYPE_CHECKING:
    from sklearn_scd.robustness._attacks.art_classifier import ArtClassifier


def require_art() -> ModuleType:
    """Import ART.

    Raises
    ------
    ImportError
        If it is not installed; the message says how to install it.
    """
    try:
        import art
    except ImportError as error:
        raise ImportError(
            "Attacks need the Adversarial Robustness Toolbox: "
            "pip install 'sklearn-scd[art]'"
        ) from error
    return art


def as_art_classifier(
    estimator: FittedClassifier,
    clip_values: tuple[float, float] | None = (0.0, 1.0),
    *,
    response_method: Literal["auto", "predict_proba", "predict"] = "auto",
    image_shape: Sequence[int] | None = None,
) -> ArtClassifier:
    """Wrap a fitted classifier for the Adversarial Robustness Toolbox (ART).

    ART's own wrapper takes classes of scikit-learn's module only, and labels 0 to K-1.
    This one takes any fitted classifier with `classes_`: :class:`SCDClassifier`,
    scikit-learn's, a `Pipeline` or `GridSearchCV` of them, with labels of any kind.
    Column k of a prediction belongs to ``estimator.classes_[k]``.

    Parameters
    ----------
    estimator : fitted classifier
        With `predict`, `classes_` and `n_features_in_`.

    clip_values : tuple of (float, float) or None, default=(0.0, 1.0)
        Smallest and largest value that a feature of an adversarial sample may take.

    response_method : {'auto', 'predict_proba', 'predict'}, default='auto'
        What ART gets to see: probabilities, or the predicted class as 0 and 1.
        ``'auto'`` is ``'predict_proba'`` where the estimator has it. Attacks that need
        the decision alone should see ``'predict'``, which is what users of the
        estimator see.

    image_shape : tuple of int, default=None
        Height and width, or height, width and channels, of images that are the rows of
        the estimator's. The classifier then takes images of shape (n_samples, height,
        width, channels), which some attacks ask for, and counts as one of ART's neural
        networks. None: it takes rows.

    Returns
    -------
    classifier : art.estimators.classification.SklearnClassifier
        A subclass of ART's `ScikitlearnClassifier`. Its method `encode_labels` gives
        labels as ART's attacks take them. Its `fit` trains a copy: `estimator` stays as
        it is.

    Raises
    ------
    ImportError
        If ART is not installed.
    ValueError
        If `response_method`, `clip_values` or `image_shape` are invalid, or the
        estimator has a single class.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import minmax_scale
    >>> from sklearn_scd import SCDClassifier
    >>> from sklearn_scd.robustness import as_art_classifier
    >>> X, y = load_iris(return_X_y=True)
    >>> X = minmax_scale(X)
    >>> model = SCDClassifier(n_estimators=5, max_iter=50, random_state=0).fit(X, y)
    >>> classifier = as_art_classifier(model)
    >>> classifier.predict(X[:1]).shape
    (1, 3)
    """
    require_art()
    from sklearn_scd.robustness._attacks.art_classifier import (
        ArtClassifier,
        ArtImageClassifier,
    )

    if response_method not in ("auto", "predict_proba", "predict"):
        raise ValueError(
            "response_method must be 'auto', 'predict_proba' or 'predict', got "
            f"{response_method!r}."
        )
    if clip_values is not None:
        clip_values = check_clip_values(clip_values)
    labels = LabelCodes(estimator)
    if response_method == "auto":
        has_proba = hasattr(estimator, "predict_proba")
        response_method = "predict_proba" if has_proba else "predict"
    wrapped = estimator, labels, clip_values, response_method
    if image_shape is None:
        return ArtClassifier(*wrapped)
    shape = checked_image_shape(image_shape, n_features_of(estimator))
    return ArtImageClassifier(*wrapped, shape)
