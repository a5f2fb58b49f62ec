"""A linear layer in the coordinates before the affine steps in front of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from sklearn_scd._rounding import smallest_normal
from sklearn_scd._typing import Floats
from sklearn_scd.affine._compose import compose
from sklearn_scd.affine._guard import check_map
from sklearn_scd.affine._map import AffineMap, Matrix
from sklearn_scd.affine._registry import NotAffineError, affine_map, n_features_in

_BLOCK = 32  # rows at a time: bounds in float64 need no array, nor new memory each time
_SAFE = (1e-36, 1e36)  # what float32 holds with relative precision, and room to spare
_NOTHING = 1e-290  # a bound of no more stands for what underflows


@dataclass(frozen=True, eq=False)
class FoldedLayer:
    """A linear layer behind affine steps, in the units of what comes in.

    What the layer computes in row j for any x, through all the steps, differs from the
    real number ``normals[j] @ (x - centre) + offsets[j]`` by at most
    ``rounding_coef[j] @ |x - centre| + rounding_floor[j]``, unless something overflows.

    Attributes
    ----------
    normals : ndarray of shape (n_rows, n_features), float64
        Rows of the layer times the matrix of the steps.

    centre : ndarray of shape (n_features,), float64
        A point where the data are; zero where the steps know none.

    offsets : ndarray of shape (n_rows,), float64
        What the layer gives at the centre.

    rounding_coef : ndarray of shape (n_rows, n_features), float32 or float64
        Not negative. float32, rounded up, wherever its range suffices.

    rounding_floor : ndarray of shape (n_rows,), float64
        Not negative.
    """

    normals: Floats
    centre: Floats
    offsets: Floats
    rounding_coef: NDArray[np.floating[Any]]
    rounding_floor: Floats


def fold(
    transformer: Any,
    rows: ArrayLike,
    offsets: ArrayLike,
    *,
    dtype: DTypeLike = np.float64,
    samples: NDArray[Any] | None = None,
    roundoff: float = 0.0,
    underflow: ArrayLike | None = None,
) -> FoldedLayer:
    """Fold a linear layer, ``rows @ z + offsets``, into the affine steps before it.

    Parameters
    ----------
    transformer : fitted transformer or None
        The steps; None where there are none.

    rows : array-like of shape (n_rows, n_transformed)
        As the layer has them; float32 is exact in float64.

    offsets : array-like of shape (n_rows,)

    dtype : {'float32', 'float64'} or dtype, default='float64'
        Of the samples that go in.

    samples : ndarray of shape (n_samples, n_features), default=None
        Where rules are compared with what the steps compute. None: at the centre only.

    roundoff : float, default=0
        Relative error of the layer's own arithmetic: it computes ``rows @ z + offsets``
        up to ``roundoff * (|rows| @ |z| + |offsets|)``. As for steps,
        ``rounding_factor(n + 2, dtype)`` is right for n terms and a cast of z.

    underflow : float or array-like of shape (n_rows,), default=None
        What the layer may lose beside. None: what float32 may lose, in each product,
        but nothing with ``roundoff=0``.

    Returns
    -------
    folded : FoldedLayer

    Raises
    ------
    NotAffineError
        If a step is not affine, or a rule is wrong.

    ValueError
        If a normal is too large, or not finite.

    Notes
    -----
    Rounding of float64 in the folding itself is in the bounds, too: see
    :mod:`sklearn_scd.affine._compose` for the proof.
    """
    steps = None
    if transformer is not None:
        steps = steps_map(transformer, np.shape(rows)[1], dtype, samples)
    return fold_into(steps, rows, offsets, roundoff=roundoff, underflow=underflow)


def fold_into(
    steps: AffineMap | None,
    rows: ArrayLike,
    offsets: ArrayLike,
    *,
    roundoff: float = 0.0,
    underflow: ArrayLike | None = None,
) -> FoldedLayer:
    """Fold a linear layer into the map of the steps before it.

    Parameters
    ----------
    steps : AffineMap or None
        As :func:`steps_map` makes it; None where there are none.

    rows, offsets, roundoff, underflow
        As in :func:`fold`.

    Returns
    -------
    folded : FoldedLayer
    """
    rows = np.asarray(rows, dtype=np.float64)
    offsets = np.asarray(offsets, dtype=np.float64)
    if underflow is None:
        per_product = smallest_normal(np.float32) if roundoff else 0.0
        underflow = per_product * (rows.shape[1] + 2)
    floor = roundoff * np.abs(offsets) * (1 + 2.0**-50) + np.asarray(underflow)
    n_rows, n_transformed = rows.shape
    nowhere = np.zeros(n_transformed)
    out = _Rows(n_rows, n_transformed if steps is None else steps.n_in)
    for start in range(0, n_rows, _BLOCK):
        block = slice(start, start + _BLOCK)
        coef = roundoff * (1 + 2.0**-50) * np.abs(rows[block])
        part = AffineMap(rows[block], nowhere, offsets[block], coef, floor[block])
        out.put(block, part if steps is None else compose(steps, part))
    # Products with zeros are zero, whatever the steps have rounded.
    out.coef[~rows.any(axis=1)] = 0.0
    centre = nowhere if steps is None else steps.centre
    return FoldedLayer(out.normals, centre, out.offsets, out.coef, out.floor)


def steps_map(
    transformer: Any,
    n_transformed: int,
    dtype: DTypeLike,
    samples: NDArray[Any] | None,
) -> AffineMap:
    """The map of the steps before a classifier, checked at samples.

    Raises
    ------
    NotAffineError
        As told to a user: with the names of all steps, and what to do.
    """
    try:
        if samples is not None:
            n_features = samples.shape[1]
        else:  # steps that are all 'passthrough' know none
            n_features = n_features_in(transformer) or n_transformed
        steps = affine_map(transformer, n_features, dtype)
        check_map(transformer, steps, dtype, samples)
    except NotAffineError as error:
        raise NotAffineError(
            f"The steps before the classifier, {_names(transformer)}, are not affine: "
            f"{error}. Only scalers, projections and other affine steps keep a "
            "distance that can be computed; put other steps outside the pipeline."
        ) from None
    return steps


def _names(transformer: Any) -> str:
    steps = getattr(transformer, "steps", [("", transformer)])
    return ", ".join(type(step).__name__ for _, step in steps)


class _Rows:
    """Results, block by block; bounds in float32 until it is too narrow."""

    def __init__(self, n_rows: int, n_features: int) -> None:
        self.normals = np.empty((n_rows, n_features))
        self.offsets = np.empty(n_rows)
        self.floor = np.empty(n_rows)
        self.coef: NDArray[Any] = np.zeros((n_rows, n_features), dtype=np.float32)

    def put(self, block: slice, part: AffineMap) -> None:
        self.normals[block] = _dense(part.matrix)
        self.offsets[block] = part.value
        self.floor[block] = part.rounding_floor
        coef = _dense(part.rounding_coef)
        least = coef.min(initial=np.inf)
        if least <= _NOTHING:  # a masked minimum takes ten times as long
            least = coef.min(where=coef > _NOTHING, initial=np.inf)
        narrow = least >= _SAFE[0] and coef.max(initial=0.0) <= _SAFE[1]
        if self.coef.dtype == np.float32 and not narrow:
            self.coef = self.coef.astype(np.float64)
        self.coef[block] = _rounded_up(coef, self.coef.dtype)


def _rounded_up(bound: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The bound in `dtype`, not less anywhere."""
    if dtype == np.float64:
        return bound
    rounded = (bound * (1 + 2.0**-22)).astype(dtype)
    lost = (rounded == 0) & (bound > 0)
    rounded[lost] = np.finfo(dtype).smallest_subnormal
    return rounded


def _dense(matrix: Matrix) -> Floats:
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
