"""What certificates and attacks are given: samples, range of values, norm.

Each is read and checked here, once, with the same words for all. Labels are read
by :class:`~sklearn_scd.robustness._labels.LabelCodes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn import config_context
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_array, check_random_state
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import _check_feature_names

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._frames import as_known, that_knows_its_features
from sklearn_scd._typing import FittedClassifier, RandomState

NORMS = (1.0, 2.0, np.inf)
# Of the parameters that attacks share; those left open have checks of their own.
ATTACK_CONSTRAINTS: dict[str, list[Any]] = {
    "estimator": [HasMethods("predict")],
    "X": ["array-like"],
    "y": ["array-like"],
    "clip_values": ["array-like"],
    "random_state": ["random_state"],
    "n_jobs": [Integral, None],
    "verbose": ["verbose"],
}


def check_norm(norm: Any, known: Sequence[float] = NORMS, hint: str = "") -> float:
    """The order of a norm as a float.

    Parameters
    ----------
    norm : float or 'inf'
    known : sequence of float, default=(1, 2, inf)
        Orders that the caller knows.
    hint : str, default=''
        Goes into the error: what else to do.

    Returns
    -------
    norm : float

    Raises
    ------
    ValueError
        If it is none of those known.
    """
    if isinstance(norm, str) and norm == "inf":
        norm = np.inf
    is_number = isinstance(norm, Real) and not isinstance(norm, bool)
    if not is_number or float(norm) not in known:
        names = ["numpy.inf" if k == np.inf else f"{k:g}" for k in known]
        listed = " or ".join([", ".join(names[:-1]), names[-1]])
        raise ValueError(f"norm must be {listed}, got {norm!r}{hint}.")
    return float(norm)


def check_clip_values(clip_values: ArrayLike) -> tuple[float, float]:
    """Two finite numbers, the first one smaller.

    Raises
    ------
    ValueError
        If they are not.
    """
    values = np.asarray(clip_values, dtype=np.float64)
    if values.shape != (2,) or not np.isfinite(values).all() or values[0] >= values[1]:
        raise ValueError(
            "clip_values must be two finite numbers, the smallest and the largest "
            f"value of any feature, got {clip_values!r}."
        )
    return float(values[0]), float(values[1])


def check_samples(
    X: ArrayLike,
    name: str,
    estimator: FittedClassifier,
    clip_values: tuple[float, float],
) -> NDArray[Any]:
    """Floats of the estimator's features, within the clip values.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
    name : str
        What the samples are called in an error.
    estimator : fitted classifier
    clip_values : tuple of (float, float)

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float32 or float64
    """
    X = as_numbers(X, name, estimator)
    check_range(X, name, clip_values)
    return X


def check_range(X: NDArray[Any], name: str, clip_values: tuple[float, float]) -> None:
    """Refuse values outside the clip values; NaN is none."""
    low, high = clip_values
    outside = X[(X < low) | (X > high)]
    if outside.size:
        raise ValueError(
            f"{name} has the value {outside[0]:g} outside clip_values=({low:g}, "
            f"{high:g}); give the range of the data as clip_values."
        )


def check_starts(
    X_start: ArrayLike | None, X: NDArray[Any], clip_values: tuple[float, float]
) -> NDArray[Any] | None:
    """Samples to start from: one for each of `X`, NaN in rows that have none."""
    if X_start is None:
        return None
    X_start = _as_floats(
        X_start, np.float32, ensure_all_finite="allow-nan", input_name="X_start"
    )
    if X_start.shape != X.shape:
        raise ValueError(
            f"X_start must have the shape of X, {X.shape}, got {X_start.shape}."
        )
    check_range(X_start, "X_start", clip_values)
    return X_start


def draw_seed(random_state: RandomState) -> int:
    """A seed for all that follows, the same for the same random state."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def as_numbers(
    X: ArrayLike,
    name: str,
    estimator: FittedClassifier,
    *,
    small_as: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Floats of the estimator's features, out of an array or a data frame.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The columns of a data frame must be those that the estimator was fitted on.
    name : str
        What the samples are called in an error.
    estimator : fitted classifier
        With `n_features_in_`.
    small_as : {'float32', 'float64'} or dtype, default='float32'
        What arrays become whose dtype float32 holds exactly, such as uint8. All others
        but float32 become float64, also lists of numbers: distances are measured from
        the samples that are given, not from those rounded.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float32 or float64

    Raises
    ------
    TypeError
        If the estimator has no `n_features_in_`.
    ValueError
        If columns or their number are not those of the estimator.
    """
    knowing = that_knows_its_features(estimator)
    if hasattr(X, "columns") and hasattr(knowing, "feature_names_in_"):
        _check_feature_names(knowing, X, reset=False)
    if hasattr(X, "columns") and not hasattr(X, "iloc"):
        X = np.asarray(X)  # check_array would make float32 of any frame of polars
    X = _as_floats(X, small_as, order="C", input_name=name)
    n_features = n_features_of(estimator)
    if X.shape[1] != n_features:
        raise ValueError(
            f"{name} has {X.shape[1]} features, but the estimator is expecting "
            f"{n_features} features."
        )
    return X


def _as_floats(X: ArrayLike, small_as: DTypeLike, **options: Any) -> NDArray[Any]:
    """Floats as :func:`as_numbers` has them, checked by scikit-learn."""
    given = getattr(X, "dtype", None)
    # Comparisons with NaN are false: what is proven of it would be of something else.
    with config_context(assume_finite=False):
        checked: NDArray[Any] = check_array(
            X, dtype=[np.float64, np.float32], **options
        )
    is_small = isinstance(given, np.dtype) and np.can_cast(given, np.float32)
    if is_small and checked.dtype != np.float32:
        checked = checked.astype(small_as, copy=False)
    return checked


def n_features_of(estimator: Any) -> int:
    """Number of features of a classifier, also behind a step that passes them on."""
    n_features: int = known_of(that_knows_its_features(estimator), "n_features_in_")
    return n_features


def known_of(estimator: Any, attribute: str) -> Any:
    """An attribute that fitted classifiers have, and wrappers of networks may lack.

    Raises
    ------
    NotFittedError
        If the estimator says that it has none yet.
    TypeError
        If it has no such attribute.
    """
    try:
        return getattr(estimator, attribute)
    except NotFittedError:  # an AttributeError, too
        raise
    except AttributeError as error:
        raise TypeError(
            f"{type(estimator).__name__} has no {attribute}: attacks and certificates "
            "need predict, classes_ and n_features_in_, which fitted classifiers of "
            "scikit-learn have."
        ) from error


def ask(estimator: Any, method: str, X: Any) -> Any:
    """What an estimator says of samples, also one that was fitted on a data frame.

    Attacks make arrays. An estimator that knows its features by names would warn of
    each, and one that picks columns by name would refuse them: it gets a data frame,
    of pandas, or of polars where there is no pandas. An SCDClassifier only checks
    names, so a copy without any does; it is asked often, and a frame takes its time.

    Parameters
    ----------
    estimator : fitted estimator
    method : str
        Name of the method that is called.
    X : ndarray of shape (n_samples, n_features)

    Returns
    -------
    answer : what the method returns
    """
    names = getattr(that_knows_its_features(estimator), "feature_names_in_", None)
    if names is not None and not hasattr(X, "columns"):
        if type(estimator) is SCDClassifier:
            estimator = _without_names(estimator)
        else:
            X = as_known(estimator, X)
    return getattr(estimator, method)(X)


def _without_names(estimator: SCDClassifier) -> SCDClassifier:
    """A copy that shares the arrays."""
    bare = object.__new__(type(estimator))
    bare.__dict__.update(estimator.__dict__)
    del bare.feature_names_in_
    return bare
