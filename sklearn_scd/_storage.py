"""The state that pickle, joblib and skops store of an estimator, and reading it.

A state is a dict of parameters and fitted arrays, with the version of the package that
wrote it and the number of its format:

0. Attributes as they are; neither version nor format are named.
1. As 0, but weights of +1 and -1 are bits: uint8 in place of int8, each unit's padded
   to whole bytes.
2. As 1, but loss curves, where each network has one, are runs of equal entries: uint8
   of shape (8, n_runs) in place of float32. Four rows are the bytes of the values of
   runs, four those of their lengths, the lowest first; a row of bytes that hardly
   differ is next to nothing compressed.
3. As 2, but what predictions need is all fitted (earlier versions would read it from
   the parameters, which may have been set since), and output biases are multiples of
   ``2**-17``, as output weights were before, so that outputs are exact sums (see
   :mod:`sklearn_scd._vote_rule`). Those of earlier formats are rounded to that grid
   when they are read: rivals whose outputs differed by rounding errors tie then, and
   the first class is named, as the rule says.

The number grows with any change that an earlier version would misread. A parameter that
a state doesn't have was added later, and takes its default: the default of a new
parameter is what was done before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import sklearn_scd
from sklearn_scd._kernels.losses import BIAS_BITS

FORMAT = 3

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
    curves = state.get("loss_curve_")
    if (
        coef is not None
        and curves is not None
        and curves.dtype == np.float32
        and curves.ndim == 2
        and curves.shape[0] == coef.shape[0]  # which tells a reader where each ends
    ):
        state["loss_curve_"] = _runs(curves)
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
    biases = attributes.get("output_intercept_")
    if biases is not None and written < 3:
        attributes["output_intercept_"] = np.ldexp(
            np.rint(np.ldexp(biases, BIAS_BITS)), -BIAS_BITS
        )
    if "_seed" in attributes:
        _add_fitted(attributes)
    coef = attributes.get("hidden_coef_")
    if coef is not None and coef.dtype == np.uint8:
        attributes["hidden_coef_"] = _signs(coef, attributes["n_features_in_"])
    runs = attributes.get("loss_curve_")
    if runs is not None and runs.dtype == np.uint8:
        n_networks = attributes["hidden_coef_"].shape[0]
        attributes["loss_curve_"] = _curves(runs, n_networks)
    return attributes


def _add_fitted(attributes: dict[str, Any]) -> None:
    """Add what fits of earlier versions left to be read from the parameters."""
    attributes.setdefault("_loss", attributes["loss"])
    one_unit = attributes["hidden_coef_"].shape[1] == 1
    attributes.setdefault(
        "_linear",
        attributes["_loss"] == "01" and one_unit and attributes["hidden_units"] == 0,
    )
    attributes.setdefault("margin_", attributes.get("margin", 0.0))
    attributes.setdefault("noise_", attributes.get("noise", 0.0))
    attributes.setdefault("validation_scores_", None)


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


def _runs(curves: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Pack curves, one after the other, as runs of entries of the same bits."""
    bits = np.ascontiguousarray(curves, dtype="<f4").view("<u4").ravel()
    starts = np.flatnonzero(np.diff(bits, prepend=~bits[:1]))
    lengths = np.diff(starts, append=bits.size)
    pairs = np.stack([bits[starts], lengths.astype("<u4")])
    by_byte = pairs.view(np.uint8).reshape(2, -1, 4).swapaxes(1, 2)
    return by_byte.reshape(8, -1)


def _curves(runs: NDArray[np.uint8], n_networks: int) -> NDArray[np.float32]:
    """Unpack runs to curves, (n_networks, n_iter)."""
    n_entries = -1
    if runs.ndim == 2 and runs.shape[0] == 8:
        by_run = np.ascontiguousarray(runs.T).reshape(-1, 2, 4)
        values, lengths = by_run.view("<u4")[:, :, 0].T
        n_entries = lengths.sum(dtype=np.int64)
    if n_entries < 0 or n_entries % n_networks:
        raise ValueError(
            f"The stored model is damaged: got an array of shape {runs.shape} for the "
            f"loss curves of {n_networks} networks."
        )
    curves = np.repeat(values, lengths).view("<f4").reshape(n_networks, -1)
    return curves.astype(np.float32, copy=False)
