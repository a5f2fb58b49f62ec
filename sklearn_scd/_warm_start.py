"""Adding votes to those of the last fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._ensemble import Networks

if TYPE_CHECKING:
    from sklearn_scd._classifier import SCDClassifier


def votes_to_keep(estimator: SCDClassifier, classes: NDArray[Any]) -> int:
    """Number of votes of the last fit that a warm start goes on from.

    Parameters
    ----------
    estimator : SCDClassifier
        Fitted.
    classes : ndarray of shape (n_classes,)
        Of the data now.

    Returns
    -------
    n_votes : int

    Raises
    ------
    ValueError
        If the networks that are kept could not vote with those to come.
    """
    if not np.array_equal(classes, estimator.classes_):
        raise ValueError(
            "warm_start needs the classes of the last fit, "
            f"{estimator.classes_.tolist()}, got {classes.tolist()}."
        )
    loss = estimator._loss_for(classes.size)
    same_loss = loss == estimator._loss
    n_units = estimator.hidden_coef_.shape[1]
    binary = estimator.hidden_coef_.dtype == np.int8
    kept = {
        "loss": same_loss,
        "hidden_units": max(estimator.hidden_units, 1) == n_units
        and (not same_loss or estimator._is_linear(loss) == estimator._linear),
        "binary_weights": estimator.binary_weights == binary,
    }
    for name, same in kept.items():
        if not same:
            raise ValueError(
                f"warm_start keeps the networks of the last fit, which had another "
                f"{name} than {getattr(estimator, name)!r}."
            )
    n_votes = estimator._n_votes
    if estimator.n_estimators < n_votes:
        raise ValueError(
            f"n_estimators={estimator.n_estimators} must be larger or equal to "
            f"{n_votes}, the number of votes that warm_start keeps."
        )
    if estimator.n_estimators == n_votes:
        warn(
            "Warm-start fitting without increasing n_estimators does not train new "
            "networks.",
            stacklevel=4,
        )
    return n_votes


def stack_networks(old: Networks, new: Networks) -> Networks:
    """Networks of the last fit, and after them those that were added.

    Parameters
    ----------
    old, new : Networks

    Returns
    -------
    both : Networks
        Curves of unequal length, or that one of the two lacks, are filled with NaN.
    """
    sizes = len(old.n_iter), len(new.n_iter)
    fields: Any = [_stack(*pair, *sizes) for pair in zip(old, new, strict=True)]
    return Networks(*fields)


def _stack(
    old: NDArray[Any] | None, new: NDArray[Any] | None, n_old: int, n_new: int
) -> NDArray[Any] | None:
    """Stack arrays of all networks."""
    if old is None and new is None:
        return None
    old = np.empty((n_old, 0), dtype=np.float32) if old is None else old
    new = np.empty((n_new, 0), dtype=np.float32) if new is None else new
    if old.ndim == 2 and old.shape[1] != new.shape[1]:
        width = max(old.shape[1], new.shape[1])
        old, new = (
            np.pad(a, [(0, 0), (0, width - a.shape[1])], constant_values=np.nan)
            for a in (old, new)
        )
    return np.concatenate([old, new])
