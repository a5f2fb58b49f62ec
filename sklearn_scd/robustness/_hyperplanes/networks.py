"""A fitted SCDClassifier as hyperplanes in the units of its input, and their votes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sklearn import config_context
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._rounding import (
    TINY,
    rounding_factor,
    row_norms,
    smallest_normal,
)
from sklearn_scd._typing import FittedClassifier, Floats
from sklearn_scd._vote_rule import count_votes, named_classes
from sklearn_scd.affine._fold import FoldedLayer, fold_into
from sklearn_scd.affine._map import AffineMap
from sklearn_scd.affine._pipeline import split_pipeline

# Attacks keep this share of |x| + |b| away from hyperplanes: what float32 and float64
# lose as a rule. It is no bound; certificates have their own.
_USUAL_ROUNDING = {4: 2.0**-20, 8: 2.0**-49}
_UNIT = 1.005  # norm up to which a classifier takes rows for unit rows
_GRID = 2.0**20  # outputs on it, or on a coarser one, are exact sums
_LARGEST = 2.0**32  # up to there
_BLOCK = 32  # rows at a time: an array of all would be large, one of more leave caches
_RANGE = 1e-34, 1e34  # of float32, with room to spare
_UPWARDS = 1 + 2.0**-40  # more than a bound's own arithmetic may lose

DUAL = {1.0: np.inf, 2.0: 2.0, np.inf: 1.0}  # norm of a row that a step of norm 1 moves


@dataclass(frozen=True)
class SignNetworks:
    """The networks of an ensemble, their first layer as hyperplanes.

    Row ``n * n_units + j`` is unit j of network n; with more than two classes network
    ``v * n_rivals + k`` is that of class k in vote v. A unit is active where
    ``normals @ (x - centre) + offsets > 0``, the signed L2 distance to its hyperplane.

    Attributes
    ----------
    normals : ndarray of shape (n_rows, n_features), float64
        Rows of unit L2 norm, or all zero for a unit that no input changes.

    centre : ndarray of shape (n_features,), float64
        Where the steps before the classifier have the data, else zero.

    offsets : ndarray of shape (n_rows,), float64

    output_coef : ndarray of shape (n_networks, n_units), float64

    output_intercept : ndarray of shape (n_networks,), float64

    n_classes : int

    voting : {'hard', 'soft'}

    distances_are_outputs : bool
        Whether an output is the one unit's signed distance (linear classifiers under
        0/1 loss) and not a sum over active units; `scales` has the rows' norms then.

    scales : ndarray of shape (n_rows,), float64
        L2 norms that the rows had.

    rounding_coef : ndarray of shape (n_rows, n_features), float32 or float64
        What model and positions compute differs from the real signed distance by no
        more than ``rounding_coef @ |x - centre| + rounding_floor``.

    rounding_floor : ndarray of shape (n_rows,), float64

    output_rounding : ndarray of shape (n_networks,), float64
        Bound on what is rounded in an output; 0 where sums are exact.

    usual_rounding : float
        Share of the terms of a signed distance that rounding takes as a rule.

    span : ndarray of shape (n_vectors, n_features), float64, or None
        Vectors that span the normals but for rounding, where steps before the
        classifier tell.

    head_start : ndarray of shape (n_classes,), intp, or None
        Votes that each class has beside those of the networks.
    """

    normals: Floats
    centre: Floats
    offsets: Floats
    output_coef: Floats
    output_intercept: Floats
    n_classes: int
    voting: Literal["hard", "soft"]
    distances_are_outputs: bool
    scales: Floats
    rounding_coef: NDArray[np.floating[Any]]
    rounding_floor: Floats
    output_rounding: Floats
    usual_rounding: float
    span: Floats | None = None
    head_start: NDArray[np.intp] | None = None

    @property
    def n_rivals(self) -> int:
        """Networks a vote is made of."""
        return 1 if self.n_classes == 2 else self.n_classes

    @property
    def n_units(self) -> int:
        """Hidden units of a network."""
        return self.output_coef.shape[1]

    @property
    def n_votes(self) -> int:
        """Votes of the ensemble."""
        return self.output_coef.shape[0] // self.n_rivals

    def dual_norms(self, norm: float) -> Floats:
        """How far a step of size 1 can move along each normal, shape (n_rows,)."""
        if ("move", norm) not in self._sizes:
            if norm == 2:
                sizes = np.where(self.normals.any(axis=1), 1.0, 0.0)
            else:
                sizes = np.linalg.norm(self.normals, ord=DUAL[norm], axis=1)
            self._sizes["move", norm] = sizes
        return self._sizes["move", norm]

    def positions(self, X: NDArray[Any]) -> Floats:
        """Signed distances to the hyperplanes, shape (n_samples, n_rows)."""
        return self._from_centre(X) @ self.normals.T + self.offsets

    def rounding(self, X: NDArray[Any]) -> Floats:
        """How near to a hyperplane a side is rounded as a rule, (n_samples, n_rows).

        For attacks, which ask the model in the end.
        """
        steps = np.abs(self._from_centre(X))
        sizes = np.empty((len(X), len(self.normals)))
        for start in range(0, len(self.normals), _BLOCK):
            rows = slice(start, start + _BLOCK)
            sizes[:, rows] = steps @ np.abs(self.normals[rows]).T
        return self.usual_rounding * (sizes + np.abs(self.offsets))

    def rounding_bound(self, X: NDArray[Any]) -> Floats:
        """How near to a hyperplane a side may ever be rounded, (n_samples, n_rows).

        For certificates. At a distance r from a sample it may be nearer by r times
        :meth:`rounding_slopes`.
        """
        steps = np.abs(self._from_centre(X))
        bound = np.empty((len(X), len(self.normals)))
        for start in range(0, len(self.normals), _BLOCK):
            rows = slice(start, start + _BLOCK)
            coef = self.rounding_coef[rows].astype(np.float64, copy=False)
            bound[:, rows] = steps @ coef.T
        return (bound + self.rounding_floor) * _UPWARDS

    def rounding_slopes(self, norm: float) -> Floats:
        """How fast that grows with the size of a perturbation, shape (n_rows,).

        Parameters
        ----------
        norm : float
            1, 2 or inf.
        """
        if ("round", norm) not in self._sizes:
            slopes = np.empty(len(self.normals))
            for start in range(0, len(slopes), _BLOCK):
                rows = slice(start, start + _BLOCK)
                coef = self.rounding_coef[rows].astype(np.float64, copy=False)
                slopes[rows] = row_norms(coef, DUAL[norm])
            self._sizes["round", norm] = slopes * _UPWARDS
        return self._sizes["round", norm]

    def outputs(self, positions: NDArray[Any]) -> Floats:
        """Outputs of the networks, shape (n_samples, n_votes, n_rivals).

        Parameters
        ----------
        positions : ndarray of shape (n_samples, n_rows)
            As :meth:`positions` gives them; units are active where they are above 0.
        """
        shape = (len(positions), self.n_votes, self.n_rivals)
        if self.distances_are_outputs:
            return (positions * self.scales).reshape(shape)
        active = (positions > 0).reshape(len(positions), *self.output_coef.shape)
        outputs = np.einsum("inj,nj->in", active, self.output_coef)
        return (outputs + self.output_intercept).reshape(shape)

    def counts(self, outputs: Floats) -> NDArray[np.intp]:
        """Votes for each class, shape (n_samples, n_classes)."""
        counts = count_votes(named_classes(outputs), self.n_classes)
        return counts if self.head_start is None else counts + self.head_start

    @cached_property
    def _sizes(self) -> dict[tuple[str, float], Floats]:
        """Norms that were asked for: each takes a look at all normals."""
        return {}

    def _from_centre(self, X: NDArray[Any]) -> Floats:
        return X.astype(np.float64, copy=False) - self.centre


def scd_steps(estimator: FittedClassifier, hint: str = "") -> tuple[Any, SCDClassifier]:
    """The steps before a fitted SCDClassifier, and the SCDClassifier.

    Parameters
    ----------
    estimator : SCDClassifier, or Pipeline that ends with one
        Or a search over them.
    hint : str, default=""
        Ends the error: what else there is.

    Returns
    -------
    transformer : Pipeline or None
        None where there are no steps before the classifier.
    classifier : SCDClassifier

    Raises
    ------
    TypeError
        If the classifier is no SCDClassifier.
    NotFittedError
        If it is not fitted.
    """
    transformer, classifier = split_pipeline(estimator)
    if not isinstance(classifier, SCDClassifier):
        raise TypeError(
            "The networks' weights are needed: estimator must be a fitted "
            "SCDClassifier or a Pipeline that ends with one, got "
            f"{type(classifier).__name__}.{hint}"
        )
    check_is_fitted(classifier)
    return transformer, classifier


def sign_networks(
    steps: AffineMap | None,
    classifier: SCDClassifier,
    n_features: int,
    dtype: np.dtype[Any],
) -> SignNetworks:
    """Read the networks off a fitted classifier.

    Parameters
    ----------
    steps : AffineMap or None
        Before the classifier.
    classifier : SCDClassifier
    n_features : int
        Of what comes in.
    dtype : dtype
        The same.

    Returns
    -------
    networks : SignNetworks

    Raises
    ------
    ValueError
        If a weight is NaN or infinite.
    """
    with config_context(assume_finite=False):
        for name in ("hidden_coef_", "hidden_intercept_", "output_coef_",
                     "output_intercept_"):  # fmt: skip
            # Comparisons with NaN are false: bounds would be those of another model.
            assert_all_finite(getattr(classifier, name), input_name=f"estimator.{name}")
    layer = _first_layer(steps, classifier, n_features)
    normals = layer.normals
    scales = np.concatenate(
        [row_norms(normals[start : start + _BLOCK], 2)
         for start in range(0, len(normals), _BLOCK)]
    )  # fmt: skip
    divisors = np.where(scales > 0, scales, 1.0)
    normals /= divisors[:, np.newaxis]
    linear = classifier._linear
    u = classifier.output_coef_.astype(np.float64)
    c = classifier.output_intercept_.astype(np.float64)
    if linear:  # says class 1 where its unit is active
        u, c = np.ones_like(u), np.zeros_like(c)
    usual = _USUAL_ROUNDING[
        min(classifier.hidden_intercept_.dtype.itemsize, dtype.itemsize)
    ]
    return SignNetworks(
        normals=normals,
        centre=layer.centre,
        offsets=layer.offsets / divisors,
        output_coef=u,
        output_intercept=c,
        n_classes=classifier.classes_.size,
        voting=classifier.voting,
        distances_are_outputs=linear and classifier.classes_.size > 2,
        scales=divisors,
        rounding_coef=_scaled_up(layer.rounding_coef, divisors),
        rounding_floor=layer.rounding_floor / divisors * _UPWARDS,
        output_rounding=_output_rounding(u, c),
        usual_rounding=usual,
        span=steps.matrix if steps is not None and _is_dense(steps.matrix) else None,
    )


def _is_dense(matrix: Any) -> bool:
    return isinstance(matrix, np.ndarray)


def _first_layer(
    steps: AffineMap | None, classifier: SCDClassifier, n_incoming: int
) -> FoldedLayer:
    """Hidden units in the units of the input, with all that is rounded on the way.

    The classifier decides as if it computed projections in float64 (see
    :mod:`sklearn_scd._outputs`), where its rows have unit norm. What is computed here
    from the result is rounded once more.
    """
    n_features = classifier.hidden_coef_.shape[2]
    rows = classifier.hidden_coef_.reshape(-1, n_features)
    dtype: DTypeLike = classifier.hidden_intercept_.dtype
    if rows.dtype == np.int8 or np.linalg.norm(rows, axis=1).max() < _UNIT:
        dtype = np.float64
    rows = rows.astype(np.float64)
    offsets = classifier.hidden_intercept_.astype(np.float64).ravel()
    roundoff = rounding_factor(n_features + 3, dtype)
    underflow = (n_features + 2) * smallest_normal(dtype)
    own = rounding_factor(n_incoming + 4, np.float64)
    if steps is None:
        total = (roundoff + own) * _UPWARDS
        return FoldedLayer(
            rows,
            np.zeros(n_features),
            offsets,
            _scaled_up(np.abs(rows), np.full(len(rows), 1 / total)),
            total * np.abs(offsets) + underflow,
        )
    layer = fold_into(steps, rows, offsets, roundoff=roundoff, underflow=underflow)
    coef = layer.rounding_coef
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        coef[block] += _rounded_up(own * np.abs(layer.normals[block]), coef.dtype)
        coef[block] *= np.asarray(1.0 + 2.0**-20, dtype=coef.dtype)  # of the sum itself
    floor = layer.rounding_floor + own * np.abs(layer.offsets) + TINY * n_incoming
    return FoldedLayer(layer.normals, layer.centre, layer.offsets, coef, floor)


def _scaled_up(coef: NDArray[Any], divisors: Floats) -> NDArray[np.floating[Any]]:
    """Rows over their divisors, rounded up; in float32, where its range suffices."""
    out: NDArray[Any] = np.zeros(coef.shape, dtype=np.float32)
    for start in range(0, len(coef), _BLOCK):
        rows = slice(start, start + _BLOCK)
        wide = coef[rows].astype(np.float64)
        wide /= divisors[rows, np.newaxis]
        wide *= _UPWARDS
        least = wide.min(initial=np.inf)
        if least == 0:  # a masked minimum takes ten times as long
            least = wide.min(where=wide > 0, initial=np.inf)
        fits = least > _RANGE[0] and wide.max(initial=0.0) < _RANGE[1]
        if out.dtype == np.float32 and not fits:
            out = out.astype(np.float64)
        out[rows] = _rounded_up(wide, out.dtype)
    return out


def _rounded_up(values: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Bounds, not negative, in a dtype that may be narrower, none of them smaller."""
    narrow = values.astype(dtype)
    narrow *= np.asarray(1 + 2 * np.finfo(dtype).eps, dtype=dtype)
    return narrow


def _output_rounding(u: Floats, c: Floats) -> Floats:
    """Bound on what is rounded in the outputs of each network, here and in the model.

    Nothing where output weights and biases lie on a grid, as those of a fit do; other
    numbers may have been put in their place.
    """
    sizes = np.abs(u).sum(axis=1) + np.abs(c)
    terms = np.column_stack([u, c]) * _GRID
    exact = (terms == np.rint(terms)).all(axis=1) & (sizes < _LARGEST)
    rounded = 4 * rounding_factor(u.shape[1] + 2, np.float64) * sizes
    return np.where(exact, 0.0, rounded)
