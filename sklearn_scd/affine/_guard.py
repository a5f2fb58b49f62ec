"""A guard against wrong rules: what steps compute is compared with what rules say.

It is no evidence that a step is affine, and nothing is concluded from it but that a
rule is wrong.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from sklearn_scd._frames import as_known
from sklearn_scd._typing import Floats
from sklearn_scd.affine._map import AffineMap
from sklearn_scd.affine._registry import NotAffineError

_N_SAMPLES = 16
_GENEROUS = 8.0  # times the bound: what differs by more is no rounding
_EVALUATION = 2.0**-44  # of the map here, in float64, relative to its terms


def check_map(
    transformer: Any,
    affine_map: AffineMap,
    dtype: DTypeLike,
    samples: NDArray[Any] | None,
) -> None:
    """Compare at some samples, and at the centre.

    Parameters
    ----------
    transformer : fitted transformer
    affine_map : AffineMap
    dtype : dtype
        Of the samples that the map is for.
    samples : ndarray of shape (n_samples, n_features) or None

    Raises
    ------
    NotAffineError
        If they differ by more than rounding explains, or in the number of features.
    """
    points = affine_map.centre[np.newaxis]
    if samples is not None and len(samples):
        some = np.unique(np.linspace(0, len(samples) - 1, _N_SAMPLES).astype(int))
        points = np.concatenate([points, np.asarray(samples)[some]])
    points = points.astype(dtype)
    got = transformed(transformer, points)
    if got.shape != (len(points), affine_map.n_out):
        raise NotAffineError(
            f"a rule says that {affine_map.n_out} features come out, but there are "
            f"{got.shape[1]}: the rule is wrong"
        )
    steps = np.abs(points.astype(np.float64) - affine_map.centre)
    terms = (abs(affine_map.matrix) @ steps.T).T + np.abs(affine_map.value)
    allowed = _GENEROUS * affine_map.rounding(points) + _EVALUATION * terms
    off = np.nan_to_num(np.abs(got - affine_map(points)) - allowed, nan=np.inf)
    if (off > 0).any():
        sample, feature = np.unravel_index(off.argmax(), off.shape)
        said = affine_map(points)[sample, feature]
        raise NotAffineError(
            f"a rule says {said!r} for feature {feature} of what comes out, but it is "
            f"{got[sample, feature]!r}: the rule is wrong"
        )


def transformed(transformer: Any, X: NDArray[Any]) -> Floats:
    """Transform samples to a dense array, whatever goes in and comes out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = transformer.transform(as_known(transformer, X))
    out = out.toarray() if sparse.issparse(out) else np.asarray(out)
    return out.astype(np.float64)
