"""Certified lower bounds of the perturbation that changes a vote's decision."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal
from warnings import warn

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
)
from threadpoolctl import threadpool_limits

from sklearn_scd._typing import FittedClassifier, Floats, Norm, validated
from sklearn_scd.exceptions import ConstantModelWarning
from sklearn_scd.robustness._certificates.branch_and_bound import nearest_cell
from sklearn_scd.robustness._certificates.deciding import check_decides_by_weights
from sklearn_scd.robustness._certificates.order_statistic import OrderBound
from sklearn_scd.robustness._certificates.spectral import spectral_bound
from sklearn_scd.robustness._certificates.split import split_bound
from sklearn_scd.robustness._hyperplanes.geometry import SLACK, Geometry
from sklearn_scd.robustness._hyperplanes.located_sample import LocatedSample, locate
from sklearn_scd.robustness._hyperplanes.model_setup import set_up
from sklearn_scd.robustness._hyperplanes.networks import SignNetworks
from sklearn_scd.robustness._inputs import as_numbers, check_norm
from sklearn_scd.robustness._labels import LabelCodes

_BATCH = 64  # samples handled by one job


@validated(
    {
        "estimator": [HasMethods("predict")],
        "X": ["array-like"],
        "y": ["array-like", None],
        "method": [
            StrOptions({"best", "order", "spectral", "split", "branch_and_bound"})
        ],
        "time_limit": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
    }
)
def certified_distortion(
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    norm: Norm = 2,
    method: Literal["best", "order", "spectral", "split", "branch_and_bound"] = "best",
    time_limit: float | None = None,
    n_jobs: int | None = None,
) -> Floats:
    """Certified radii: sizes below which no perturbation changes the prediction.

    Certified radii are proofs, not estimates: whatever an attack finds is at least as
    far. They hold for what the estimator computes: a unit nearer to its hyperplane than
    rounding may reach, in the estimator and here, counts as undecided, and every bound
    is lowered by a millionth for the arithmetic of the bound itself. Where rounding
    leaves nothing, the radius is 0. The user guide has the proof
    (:ref:`rounding_budget`).

    Parameters
    ----------
    estimator : SCDClassifier, or Pipeline of affine steps and an SCDClassifier
        Or a search over them. Steps before the classifier (scalers, PCA and others, see
        :mod:`sklearn_scd.affine`) are folded into the first layer.

    X : array-like of shape (n_samples, n_features)
        Samples.

    y : array-like of shape (n_samples,), default=None
        True labels: a sample that is misclassified has the bound 0. None: every sample
        has the class that is predicted for it.

    norm : {1, 2, numpy.inf}, default=2
        Norm of perturbations.

    method : {'best', 'order', 'spectral', 'split', 'branch_and_bound'}, default='best'
        How the bound is found; see Notes. ``'best'`` is the largest of the first three.

    time_limit : float, default=None
        Seconds a sample: ``'split'`` goes on along further directions, and
        ``'branch_and_bound'`` stops. None: no further directions, and no stop until the
        distance is exact, which takes for ever but with a few units.

    n_jobs : int or None, default=None
        Threads, or what :func:`joblib.parallel_config` says.

    Returns
    -------
    bounds : ndarray of shape (n_samples,), float64
        In the norm, in the units of `X`; inf where nothing changes the class, which is
        to say that the estimator predicts one class only. Distances below
        1e-140 count as 0 and none above 1e150, as their squares are no numbers.

    Raises
    ------
    TypeError
        If the classifier is no SCDClassifier, or of a subclass that decides otherwise.
    ValueError
        If a step before it is not known to be affine, or a method needs another norm or
        voting.

    Warns
    -----
    ConstantModelWarning
        If the estimator predicts one class only: that is no robustness.

    See Also
    --------
    exact_distance : Distances of linear models and of single networks.
    nearest_flip : A white-box attack: upper bounds on the same distances.

    Notes
    -----
    A unit's distance t to its hyperplane is what it takes to switch it. A vote changes
    only with a set of units that moves its network's output to the other side, and the
    decision only with some number k of votes.

    ``'order'``
        For each vote the largest distance in the set that keeps it smallest, and the
        root of the least sum of squares over the largest eigenvalue of that network's
        Gram matrix, whichever is larger; of the votes, the k-th smallest. All norms.
    ``'spectral'``
        All votes together. With weights D and lambda, the largest eigenvalue of
        ``sum_i D_i a_i a_i^T`` over the unit normals a, no perturbation that changes k
        votes is smaller than the root of their cheapest ``sum_i D_i t_i^2`` over
        lambda. Weights fall where a unit is too expensive to matter. L2, hard votes.
    ``'split'``
        The same, sharper where the normals span at most 256 dimensions, say after a
        PCA: units that are too far to switch at all are left out, and the space is
        split along the directions that most normals share.
    ``'branch_and_bound'``
        Searches the cells between hyperplanes, by least-distance problems. It ends with
        the exact distance, or at `time_limit` with what is proven by then. L2, hard
        votes.

    Soft votes have the bound ``'order'`` alone: the units within it can't move the mean
    probability far enough.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import minmax_scale
    >>> from sklearn_scd import SCDClassifier
    >>> from sklearn_scd.robustness import certified_distortion, nearest_flip
    >>> X, y = load_iris(return_X_y=True)
    >>> X = minmax_scale(X)
    >>> model = SCDClassifier(n_estimators=5, max_iter=50, random_state=0).fit(X, y)
    >>> proven = certified_distortion(model, X[:5], y[:5])
    >>> found = nearest_flip(model, X[:5], y[:5], random_state=0).distances
    >>> bool((proven > 0).all() and (proven <= found).all())
    True
    """
    labels = LabelCodes(estimator)
    bounds, codes = certify(estimator, labels, X, y, norm, method, time_limit, n_jobs)
    if np.isinf(bounds).any():
        constant = labels.classes.tolist()[codes[np.isinf(bounds)][0]]
        warn(
            f"{type(estimator).__name__} predicts the class {constant!r} whatever the "
            "input is. No perturbation changes that, but it is no robustness: look at "
            "the accuracy of each class.",
            ConstantModelWarning,
            stacklevel=3,
        )
    return bounds


def certify(
    estimator: FittedClassifier,
    labels: LabelCodes,
    X: ArrayLike,
    y: ArrayLike | None,
    norm: Norm,
    method: str,
    time_limit: float | None = None,
    n_jobs: int | None = None,
    *,
    real: bool = False,
) -> tuple[Floats, NDArray[np.intp]]:
    """Bounds, and the codes of the classes predicted.

    Parameters are those of :func:`certified_distortion`, and `real`: whether rounding
    that grows with the perturbation is left out, as of a model in real arithmetic.
    """
    norm = check_norm(norm)
    X = as_numbers(X, "X", estimator, small_as=np.float64)
    codes = labels.predict(estimator, X)
    right = np.ones(len(X), dtype=bool)
    if y is not None:
        check_consistent_length(X, y)
        right = codes == labels.encode(y, "y")
    setup = set_up(estimator, X)
    check_decides_by_weights(estimator)
    networks = setup.networks
    geometry = setup.geometry if norm == 2 else None
    methods = _methods(networks, geometry, method)
    order = setup.once(("order", norm), lambda: OrderBound(networks, norm))
    bound = _Certifier(networks, order, geometry, norm, methods, time_limit, real)
    rows = np.flatnonzero(right)
    jobs = (
        delayed(bound)(X[part], codes[part])
        for part in np.split(rows, range(_BATCH, rows.size, _BATCH))
    )
    bounds = np.zeros(len(X))
    # One BLAS thread each: limits of the jobs' own would be lifted by the first to end.
    with threadpool_limits(limits=1, user_api="blas"):
        found = Parallel(n_jobs=n_jobs, prefer="threads")(jobs)
    bounds[rows] = np.concatenate(found)
    return bounds, codes


def _methods(
    networks: SignNetworks, geometry: Geometry | None, method: str
) -> list[str]:
    """Names of the methods to take the best of."""
    together = (
        geometry is not None
        and networks.voting == "hard"
        and not networks.distances_are_outputs
        and geometry.is_known
    )
    if method != "best":
        if method != "order" and not together:
            raise ValueError(
                f"method={method!r} needs norm=2, hard votes of sign networks, and not "
                "too many units or features; method='order' has a bound for every "
                "model and norm."
            )
        return [method]
    return ["order", "spectral", "split"] if together else ["order"]


@dataclass(frozen=True)
class _Certifier:
    """Bounds of some samples, of the classes predicted for them."""

    networks: SignNetworks
    order: OrderBound
    geometry: Geometry | None
    norm: float
    methods: list[str]
    time_limit: float | None
    real: bool

    def __call__(self, X: NDArray[Any], codes: NDArray[np.intp]) -> Floats:
        """Certified radii, shape (n_samples,)."""
        networks = self.networks
        slopes = networks.rounding_slopes(self.norm) * (not self.real)
        residual = 0.0 if self.geometry is None else self.geometry.residual
        rounding = networks.rounding_bound(X)
        bounds = np.empty(len(X))
        located_samples = locate(networks, X, self.norm, rounding, slopes, residual)
        for i, located in enumerate(located_samples):
            if located.winner(networks.voting) != codes[i]:
                bounds[i] = 0.0  # rounding decides: the sample lies on the boundary
                continue
            bounds[i] = self._nearest_class(located, int(codes[i]))
        return bounds * (1 - SLACK)

    def _nearest_class(self, located: LocatedSample, winner: int) -> float:
        """The least bound over all other classes, for each by the best method."""
        methods = self.methods
        targets = [code for code in range(located.counts.size) if code != winner]
        order, geometry = self.order, self.geometry
        bounds = np.zeros(len(targets))
        if "order" in methods:
            bounds = np.array([order(located, winner, target) for target in targets])
        if geometry is None:
            return float(bounds.min())
        if "branch_and_bound" in methods:
            return nearest_cell(order, geometry, located, winner, self.time_limit)
        # Without a small basis there is nothing to split.
        splits = "split" in methods and geometry.has_small_basis
        if "spectral" in methods or ("split" in methods and not splits):
            spectral = [spectral_bound(located, geometry, winner, t) for t in targets]
            bounds = np.maximum(bounds, spectral)
        if not splits:
            return float(bounds.min())
        # It is dear, and the classes that are far away don't matter.
        least = np.inf
        for place in np.argsort(bounds):
            if bounds[place] >= least:
                break
            bound = split_bound(
                located, geometry, winner, targets[place], bounds[place],
                self.time_limit,
            )  # fmt: skip
            least = min(least, bound)
        return least
