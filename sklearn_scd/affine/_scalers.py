"""Rules for scikit-learn's scalers: one factor a feature.

Each goes for all of scikit-learn from 1.6 on. Where a version casts a fitted attribute
to the dtype of the samples and another doesn't, the bound allows for both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from sklearn_scd._rounding import cast_error, two_product, two_sum
from sklearn_scd._typing import Floats
from sklearn_scd.affine._compose import diagonal
from sklearn_scd.affine._map import AffineMap
from sklearn_scd.affine._registry import NotAffineError, Rule

# Cast of the scale, subtraction (in float64, then cast), quotient (likewise), and the
# reciprocal that is stored; or, of sparse samples, reciprocal, its cast and product.
_SCALED = 7


def _standard(scaler: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    return centred_and_scaled(
        scaler.mean_ if scaler.with_mean else None,
        scaler.scale_ if scaler.with_std else None,
        n_features,
        dtype,
    )


def _robust(scaler: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    return centred_and_scaled(
        scaler.center_ if scaler.with_centering else None,
        scaler.scale_ if scaler.with_scaling else None,
        n_features,
        dtype,
    )


def _max_abs(scaler: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    _refuse_clip(scaler)
    return centred_and_scaled(None, scaler.scale_, n_features, dtype)


def _min_max(scaler: Any, n_features: int, dtype: np.dtype[Any]) -> AffineMap:
    """``x * scale_ + min_``, seen from the least of the data.

    With ``c = data_min_`` the terms are ``(x - c) scale_``, ``c scale_`` and ``min_``.
    The last two cancel but for the lower end of the range: their sum is computed here
    without rounding, and their sizes are in the bound of what scikit-learn computes.
    """
    _refuse_clip(scaler)
    factors = np.asarray(scaler.scale_, dtype=np.float64)
    offsets = np.asarray(scaler.min_, dtype=np.float64)
    centre = np.asarray(scaler.data_min_, dtype=np.float64)
    product, rest = two_product(centre, factors)
    total, more = two_sum(product, offsets)
    value = total + (more + rest)
    size = np.abs(product) + np.abs(offsets)
    return AffineMap.computed(
        diagonal(factors),
        centre=centre,
        value=value,
        n_operations=5,  # product and sum, each in float64 and then cast, and `value`
        magnitude=size,
        working_dtype=dtype,
    )


def centred_and_scaled(
    centre: ArrayLike | None,
    scale: ArrayLike | None,
    n_features: int,
    dtype: np.dtype[Any],
) -> AffineMap:
    """``(x - centre) / scale``, in place.

    In float32 the centre may be cast first: what that loses is as large as the centre
    is, not as the difference, and is in the floor, divided by the scale.
    """
    factors = np.ones(n_features) if scale is None else 1.0 / usable(scale, dtype)
    lost: Floats = np.zeros(n_features)
    if centre is not None:
        lost = cast_error(np.asarray(centre), dtype)
    return AffineMap.computed(
        diagonal(factors),
        centre=centre,
        n_operations=_SCALED,
        magnitude=np.zeros(n_features),
        working_dtype=dtype,
    ).with_more_rounding(floor=2 * np.abs(factors) * lost)


def usable(scale: ArrayLike, dtype: np.dtype[Any]) -> Floats:
    """A scale in float64, if it is one in `dtype`, too.

    Raises
    ------
    ValueError
        If it is not finite, or so small or large that `dtype` holds it less exactly.
    """
    scale = np.asarray(scale, dtype=np.float64)
    sizes = np.abs(scale)
    limits = np.finfo(dtype)
    usable = (sizes >= float(limits.tiny)) & (sizes <= float(limits.max))
    if not usable.all():
        feature = int(np.flatnonzero(~usable)[0])
        raise ValueError(
            f"The scale of feature {feature} is {scale[feature]!r}, which is not a "
            f"normal number of {dtype}: fit and pass samples in other units"
            + (", or in float64." if dtype == np.float32 else ".")
        )
    return scale


def _refuse_clip(scaler: Any) -> None:
    if getattr(scaler, "clip", False):
        raise NotAffineError(
            f"{type(scaler).__name__}(clip=True) cuts off what lies outside the range "
            "of the training data, where it is not affine; use clip=False"
        )


RULES: dict[type, Rule] = {
    MaxAbsScaler: _max_abs,
    MinMaxScaler: _min_max,
    RobustScaler: _robust,
    StandardScaler: _standard,
}
