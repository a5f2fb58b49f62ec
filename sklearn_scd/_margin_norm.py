"""The norm of ``margin_norm``: rows measured in the input, and how long they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.special import gammaln

from sklearn_scd._kernels.input_norm import GROUP, InputNorm
from sklearn_scd._training_set import read_only

# Rows are measured as often as makes training some four times as long, a product of the
# map for so many of a sample's projections, and after so many samples at the latest.
_PRODUCTS = 16
_EVERY = 512

InputMap: TypeAlias = ArrayLike | Callable[[], Any] | None


class MarginNorm(NamedTuple):
    """How rows are measured in a training by radii."""

    norm: InputNorm | None  # None for L2
    typical: float  # length of a row of unit L2 norm


def _arrays(starts: Any, features: Any, entries: Any, every: int) -> InputNorm:
    return InputNorm(
        read_only(np.asarray(starts, dtype=np.int64)),
        read_only(np.asarray(features, dtype=np.int64)),
        read_only(np.asarray(entries, dtype=np.float64)),
        every,
    )


L2 = MarginNorm(None, 1.0)


def margin_norm_of(
    loss: str, margin_norm: Any, n_features: int, input_map: InputMap
) -> MarginNorm:
    """Check parameters, and prepare what rows are measured by.

    Parameters
    ----------
    loss : {'01', 'ce', 'radius'}
    margin_norm : {2, inf, 'inf'}
    n_features : int
    input_map : array-like or sparse array of shape (n_features, n_inputs), callable \
or None
        As in the estimator's `fit`.

    Returns
    -------
    margin_norm : MarginNorm

    Raises
    ------
    ValueError
        If the loss has no such margin, or the map is not one of finite numbers from
        inputs to these features.
    """
    if margin_norm == 2:
        if input_map is not None:
            raise ValueError("input_map has no use with margin_norm=2; give inf.")
        return L2
    if loss != "radius":
        raise ValueError(
            "margin_norm=inf needs loss='radius', which 'auto' is for two classes and "
            f"margin='auto', got loss={loss!r}; give margin_norm=2."
        )
    if callable(input_map):
        input_map = input_map()
    if input_map is None:
        matrix = sparse.csc_array(sparse.identity(n_features))
    else:
        matrix = sparse.csc_array(input_map, dtype=np.float64)
    if matrix.shape[0] != n_features:
        raise ValueError(
            f"input_map must have a row for each of the {n_features} features, got "
            f"{matrix.shape[0]}."
        )
    if not np.isfinite(matrix.data).all():
        raise ValueError("input_map has entries that are NaN or infinite.")
    typical = _typical_length(matrix)
    # Rows of the start, of unit L2 norm, are then of about norm 1 as well.
    return MarginNorm(_in_groups(matrix / typical), typical)


def _in_groups(matrix: Any) -> InputNorm:
    """Lay a sparse array of shape (n_features, n_inputs) out as kernels read it."""
    by_input = sparse.csr_array(matrix.T)
    by_input.resize(*(-(-size // GROUP) * GROUP for size in by_input.shape))
    blocks = by_input.tobsr(blocksize=(GROUP, GROUP))
    features = blocks.indices[:, np.newaxis] * GROUP + np.arange(GROUP)
    features[features >= matrix.shape[0]] = 0
    entries = blocks.data.transpose(0, 2, 1).reshape(-1, GROUP)
    entries = np.ascontiguousarray(entries)
    every = len(entries) * GROUP // (_PRODUCTS * matrix.shape[0])
    every = min(max(every, 1), _EVERY)
    return _arrays(blocks.indptr * GROUP, features.ravel(), entries, every)


def _typical_length(matrix: Any) -> float:
    """Mean L1 norm of ``matrix.T @ w`` over all directions w of unit L2 norm, or 1."""
    half = matrix.shape[0] / 2
    share = math.exp(gammaln(half) - gammaln(half + 0.5)) / math.sqrt(math.pi)
    columns = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=0)))
    return float(share * columns.sum()) or 1.0
