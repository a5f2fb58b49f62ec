"""Whether bounds, attacks and the model agree: what contradicts itself is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._rounding import row_norms
from sklearn_scd._typing import Floats
from sklearn_scd.robustness._attacks.directions import choose_points, unit_steps
from sklearn_scd.robustness._attacks.line_search import points_of_classes
from sklearn_scd.robustness._attacks.problem import AttackProblem
from sklearn_scd.robustness._results import DistortionResult

_BELOW = 1e-6  # of a certificate, by which points lie below it
_ROUNDING = 2.0**-20  # of a sample's size
_SAME_DISTANCE = 1e-5  # relative, beside that: a result may be of float32 samples


def check_result(problem: AttackProblem, name: str, result: DistortionResult) -> None:
    """Raise unless every sample of a result is what it says, for this estimator."""
    if np.shape(result.adversarials) != problem.X.shape:
        raise ValueError(
            f"attacks[{name!r}] has adversarial samples of shape "
            f"{np.shape(result.adversarials)}, but X has {problem.X.shape}."
        )
    if result.norm != problem.model.norm:
        raise ValueError(
            f"attacks[{name!r}] has distances in norm {result.norm:g}, not "
            f"{problem.model.norm:g}."
        )
    faults = {
        "has a distance that is none": ~(result.distances >= 0),
        "is misclassified as it is, or not, unlike in the result": (
            (result.distances == 0) != ~problem.right
        ),
        "is not at the distance stated": _is_elsewhere(problem, result),
        "has an adversarial sample outside clip_values": _is_outside(problem, result),
        "has an adversarial sample that is classified correctly": (
            _is_harmless(problem, result)
        ),
    }
    for fault, rows in faults.items():
        if rows.any():
            raise ValueError(
                f"attacks[{name!r}]: sample {np.flatnonzero(rows)[0]} {fault}; give "
                "results of this estimator on these samples."
            )


def _is_elsewhere(
    problem: AttackProblem, result: DistortionResult
) -> NDArray[np.bool_]:
    found = _found(problem, result)
    steps = result.adversarials.astype(np.float64) - problem.X
    distances = row_norms(steps, problem.model.norm)
    slack = _SAME_DISTANCE * distances + _ROUNDING * problem.sizes
    return found & ~(np.abs(result.distances - distances) <= slack)


def _is_outside(problem: AttackProblem, result: DistortionResult) -> NDArray[np.bool_]:
    low, high = problem.model.clip_values
    outside = (result.adversarials < low) | (result.adversarials > high)
    return _found(problem, result) & outside.any(axis=1)


def _is_harmless(problem: AttackProblem, result: DistortionResult) -> NDArray[np.bool_]:
    """Whether a sample found is classified correctly, among others and alone."""
    harmless = np.zeros(len(problem.X), dtype=bool)
    found = np.flatnonzero(_found(problem, result))
    if found.size:
        harmless[found] = _is_right(problem, result.adversarials, found)
    # Beside other samples one on the boundary may be rounded to its other side.
    for i in np.flatnonzero(harmless):
        harmless[i] = _is_right(problem, result.adversarials, np.array([i]))[0]
    return harmless


def _is_right(
    problem: AttackProblem, samples: NDArray[Any], rows: NDArray[np.intp]
) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (
        problem.model.predict(samples[rows]) == problem.codes[rows]
    )
    return same


def _found(problem: AttackProblem, result: DistortionResult) -> NDArray[np.bool_]:
    return problem.right & np.isfinite(result.distances)


def check_order(certified: Floats, results: Mapping[str, DistortionResult]) -> None:
    """Raise if an adversarial sample is nearer than a certificate allows."""
    for name, result in results.items():
        wrong = np.flatnonzero(certified > result.distances)
        if wrong.size:
            i = wrong[0]
            raise RuntimeError(
                f"Sample {i} has a certificate of {certified[i]:.9g}, but {name!r} has "
                f"an adversarial sample at {result.distances[i]:.9g}: one of them is "
                "wrong; please report it."
            )


def check_certificates(
    problem: AttackProblem,
    certified: Floats,
    results: Sequence[DistortionResult],
    X_train: NDArray[Any] | None,
    seed: int,
) -> None:
    """Raise if a point below a certificate has another class.

    Points lie along lines: towards adversarial samples, samples of other classes, along
    axes and at random. What they are asked shares nothing with what is certified.

    Parameters
    ----------
    problem : AttackProblem
    certified : ndarray of shape (n_samples,)
    results : sequence of DistortionResult
    X_train : ndarray of shape (n_train, n_features), or None
    seed : int
        Of the directions.
    """
    points, codes = points_of_classes(problem, X_train)
    for i in np.flatnonzero(problem.right & (certified > 0) & np.isfinite(certified)):
        rng = np.random.default_rng((seed, int(i)))
        x = problem.X[i].astype(np.float64)
        found = [r.adversarials[i] for r in results if np.isfinite(r.distances[i])]
        others = [points[codes != problem.codes[i]], *(p[np.newaxis] for p in found)]
        norm = problem.model.norm
        chosen = choose_points(x, np.concatenate(others), norm, rng)
        steps = unit_steps(x, chosen, norm, rng)
        lines = x + certified[i] * steps
        _check_points(problem, int(i), float(certified[i]), lines)


def _check_points(
    problem: AttackProblem, i: int, certified: float, points: Floats
) -> None:
    """The same of some points, after they are rounded to what the model is asked."""
    x = problem.X[i].astype(np.float64)
    points = problem.model.clip(x + (1.0 - _BELOW) * (points - x))
    asked = points.astype(problem.X.dtype)
    distances = row_norms(asked.astype(np.float64) - x, problem.model.norm)
    changed = problem.model.predict(asked) != problem.codes[i]
    wrong = np.flatnonzero(changed & (distances < certified))
    if wrong.size:
        k = wrong[distances[wrong].argmin()]
        raise RuntimeError(
            f"Sample {i} has a certificate of {certified:.9g}, but a point at "
            f"{distances[k]:.9g} has another class: one of them is "
            "wrong; please report it."
        )
