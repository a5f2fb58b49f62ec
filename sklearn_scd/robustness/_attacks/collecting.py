"""From attempts at samples to a result that is true in any batch of predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._typing import Floats
from sklearn_scd.robustness._attacks.sample import (
    HAIR,
    Attempt,
    distance_between,
    is_adversarial,
)
from sklearn_scd.robustness._results import (
    ATTACKED,
    IS_TARGET,
    MISCLASSIFIED,
    NO_START,
    STOPPED,
    DistortionResult,
)

if TYPE_CHECKING:
    from sklearn_scd.robustness._attacks.problem import AttackProblem

_NUDGES = 8  # doubled each time, from a hair on


def collect(
    problem: AttackProblem,
    by_sample: Mapping[int, Sequence[Attempt]],
    name: str,
    max_iter: int = 0,
) -> DistortionResult:
    """Keep the nearest point of each sample that is what it says.

    On the boundary a point may be of another class by itself and not among others; in a
    thin cell no move outwards helps. The next nearest is taken then.

    Parameters
    ----------
    problem : AttackProblem
    by_sample : mapping of int to sequence of Attempt
        Attempts at the samples attacked, by their rows.
    name : str
        The attack's.
    max_iter : int, default=0
        Length of the history, less one.

    Returns
    -------
    result : DistortionResult
    """
    X, norm = problem.X, problem.model.norm
    distances = np.zeros(len(X))
    adversarials = X.copy()
    queries = np.zeros(len(X), dtype=np.int64)
    status = np.where(problem.status == ATTACKED, MISCLASSIFIED, problem.status)
    history = np.full((len(X), max_iter + 1), np.nan)
    is_target = status == IS_TARGET
    distances[is_target], adversarials[is_target] = np.nan, np.nan
    points: dict[int, list[NDArray[Any]]] = {}
    for i, attempts in by_sample.items():
        queries[i] = sum(attempt.n_queries for attempt in attempts)
        points[i] = _points_of(attempts, X[i], norm)
        status[i] = STOPPED if all(a.stopped for a in attempts) else ATTACKED
        if not points[i]:
            distances[i], adversarials[i] = np.inf, np.nan
            status[i] = NO_START
            continue
        history[i] = _best_history(attempts, max_iter + 1)
    found = np.array([i for i in by_sample if status[i] != NO_START], dtype=int)
    lost = _choose_points(problem, adversarials, points, found)
    distances[lost], adversarials[lost], status[lost] = np.inf, np.nan, STOPPED
    for i in np.setdiff1d(found, lost):
        distances[i] = distance_between(adversarials[i], X[i], norm)
    return DistortionResult(
        distances, adversarials, queries, status, history, norm, name
    )


def in_dtype(
    problem: AttackProblem, result: DistortionResult, dtype: np.dtype[Any]
) -> DistortionResult:
    """The same samples in a wider dtype, outwards where the cast has cost them.

    A model that computes in the dtype of its input may see a sample on the boundary on
    another side once it is cast.

    Parameters
    ----------
    problem : AttackProblem
    result : DistortionResult
    dtype : dtype

    Returns
    -------
    result : DistortionResult
        With the distances of the samples that were moved.

    Raises
    ------
    ValueError
        If moving a sample outwards makes it no adversarial one.
    """
    if result.adversarials.dtype == dtype:
        return result
    adversarials = result.adversarials.astype(dtype)
    cast, distances = adversarials.copy(), result.distances.copy()
    found = np.flatnonzero(problem.right & np.isfinite(distances))
    lost = _settle(problem, adversarials, found)
    if lost.size:
        raise ValueError(
            f"{result.attack!r} has a sample {lost[0]} that is adversarial in "
            f"{result.adversarials.dtype}, but not in {dtype}, which others are in: "
            "give samples and results of one dtype."
        )
    for i in found[(adversarials[found] != cast[found]).any(axis=1)]:
        distances[i] = distance_between(
            adversarials[i], problem.X[i], problem.model.norm
        )
    return replace(result, distances=distances, adversarials=adversarials)


def _choose_points(
    problem: AttackProblem,
    adversarials: NDArray[Any],
    points: Mapping[int, list[NDArray[Any]]],
    open_: NDArray[np.intp],
) -> list[int]:
    """Write the nearest points that hold; return the rows without any."""
    lost: list[int] = []
    while open_.size:
        for i in open_:
            adversarials[i] = problem.model.clip(points[i].pop(0))
        open_ = _settle(problem, adversarials, open_)
        lost += [i for i in open_ if not points[i]]
        open_ = np.array([i for i in open_ if points[i]], dtype=int)
    return lost


def _points_of(
    attempts: Sequence[Attempt], x: NDArray[Any], norm: float
) -> list[NDArray[Any]]:
    """Adversarial points found for a sample, the nearest first."""
    points = [p for a in attempts for p in (a.best, a.spare) if p is not None]
    return sorted(points, key=lambda point: distance_between(point, x, norm))


def _best_history(attempts: Sequence[Attempt], length: int) -> Floats:
    """Smallest distance after each number of iterations, over the attempts."""
    curves = np.full((len(attempts), length), np.nan)
    for curve, attempt in zip(curves, attempts, strict=True):
        n = len(attempt.history)
        if n:
            curve[:n] = attempt.history
            curve[n:] = attempt.history[-1]  # an attack that stopped keeps its best
    found = ~np.isnan(curves).all(axis=0)
    best = np.full(length, np.nan)
    best[found] = np.nanmin(curves[:, found], axis=0)
    return best


def _settle(
    problem: AttackProblem, adversarials: NDArray[Any], rows: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Move samples outwards until they are adversarial in any batch.

    A matrix product may round a sample on the boundary otherwise than a product with
    that sample alone. What is left is adversarial by a prediction of all samples and by
    one of each alone; rows for which that can't be had are returned.
    """
    X = problem.X

    def fails(rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        codes = problem.model.predict(adversarials[rows])
        return ~is_adversarial(codes, problem.codes[rows], problem.targets[rows])

    if rows.size == 0:
        return rows
    for k in range(_NUDGES):
        alone = np.array([fails(rows[j : j + 1])[0] for j in range(rows.size)])
        failing = rows[fails(rows) | alone]
        if failing.size == 0:
            break
        outwards = adversarials[failing].astype(np.float64) - X[failing]
        moved = X[failing] + (1.0 + HAIR * 2.0**k) * outwards
        adversarials[failing] = problem.model.clip(moved)
    return failing
