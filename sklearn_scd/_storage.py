"""The state that pickle, joblib and skops store of an estimator, and reading it.

A state is a dict of parameters and fitted arrays, with the version of the package that
wrote it and the number of its format:

0. Attributes as they are; neither version nor format are named.
1. As 0, but weights of +1 and -1 are bits: uint8 in place of int8, each unit's padded
   to whole bytes.

The number grows with any change that an earlier version would misread. A parameter that
a state doesn't have was added later, and takes its default: the default of a new
parameter is what was done before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import sklearn_scd

FORMAT = 1

_FORMAT_KEY = "_sklearn_scd_format"
_VERSION_KEY = "_sklearn_scd_version"


def write_state(attributes: dict[str, Any]) -> dict[str, Any]:
    """State to be stored.

    Parameters
    ----------
    attributes : dict
        Of the estimator; left as it is.

    Returns
    -------
    state : dict
    """
    state = {
        **attributes,
        _FORMAT_KEY: FORMAT,
        _VERSION_KEY: sklearn_scd.__version__,
    }
    coef = state.get("hidden_coef_")
    if coef is not None and coef.dtype == np.int8 and (np.abs(coef) == 1).all():
        state["hidden_coef_"] = np.packbits(coef > 0, axis=2)
    return state


def read_state(state: dict[str, Any]) -> dict[str, Any]:
    """Attributes of the estimator, from a stored state.

    Parameters
    ----------
    state : dict
        Of this format or an earlier one; left as it is.

    Returns
    -------
    attributes : dict

    Raises
    ------
    ValueError
        If the state is of a later format, or its arrays do not fit together.
    """
    attributes = dict(state)
    written = attributes.pop(_FORMAT_KEY, 0)
    version = attributes.pop(_VERSION_KEY, None)
    if written > FORMAT:
        raise ValueError(
            f"The model was stored by sklearn-scd {version}, in format {written}. This "
            f"is sklearn-scd {sklearn_scd.__version__}, which reads formats up to "
            f"{FORMAT}: load the model with version {version} or later."
        )
    if "_seed" in attributes:  # fitted; before format 1 with the loss that it names
        attributes.setdefault("_loss", attributes["loss"])
    coef = attributes.get("hidden_coef_")
    if coef is not None and coef.dtype == np.uint8:
        attributes["hidden_coef_"] = _signs(coef, attributes["n_features_in_"])
    return attributes


def _signs(bits: NDArray[np.uint8], n_features: int) -> NDArray[np.int8]:
    """Unpack bits to +1 and -1, int8."""
    n_bytes = -(-n_features // 8)
    if bits.ndim != 3 or bits.shape[2] != n_bytes:
        raise ValueError(
            f"The stored model is damaged: weights of {n_features} features take "
            f"{n_bytes} bytes a hidden unit, got an array of shape {bits.shape}."
        )
    signs = np.unpackbits(bits, axis=2, count=n_features).view(np.int8)
    signs *= 2
    signs -= 1
    return signs
