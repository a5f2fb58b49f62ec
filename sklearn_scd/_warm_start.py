"""Adding votes to those of the last fit."""

from __future__ import annotations

from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._ensemble import Networks
from sklearn_scd._voting_networks import VotingNetworks


def votes_to_keep(
    fitted: VotingNetworks,
    classes: NDArray[Any],
    *,
    loss: str,
    linear: bool,
    hidden_units: int,
    binary_weights: bool,
    n_estimators: int,
) -> int:
    """Number of votes of the last fit that a warm start goes on from.

    Parameters
    ----------
    fitted : VotingNetworks
    classes : ndarray of shape (n_classes,)
        Of the data now.
    loss : {'01', 'ce', 'radius'}
        Of the networks to come, as what follows.
    linear : bool
    hidden_units : int
    binary_weights : bool
    n_estimators : int
        Of the votes that are kept and those to come.

    Returns
    -------
    n_votes : int

    Raises
    ------
    ValueError
        If the networks that are kept could not vote with those to come.
    """
    if not np.array_equal(classes, fitted.classes_):
        raise ValueError(
            "warm_start needs the classes of the last fit, "
            f"{fitted.classes_.tolist()}, got {classes.tolist()}."
        )
    same_loss = loss == fitted._loss
    same_units = max(hidden_units, 1) == fitted.hidden_coef_.shape[1]
    was_binary = fitted.hidden_coef_.dtype == np.int8
    kept = {
        "loss": (loss, same_loss),
        "hidden_units": (
            hidden_units,
            same_units and (not same_loss or linear == fitted._linear),
        ),
        "binary_weights": (binary_weights, binary_weights == was_binary),
    }
    for name, (value, same) in kept.items():
        if not same:
            raise ValueError(
                f"warm_start keeps the networks of the last fit, which had another "
                f"{name} than {value!r}."
            )
    n_votes = fitted._n_votes
    if n_estimators < n_votes:
        raise ValueError(
            f"n_estimators={n_estimators} must be larger or equal to "
            f"{n_votes}, the number of votes that warm_start keeps."
        )
    if n_estimators == n_votes:
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
