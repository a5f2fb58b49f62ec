"""An attack that asks for predictions along lines, and knows nothing of the model."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import Interval

from sklearn_scd._rounding import row_norms
from sklearn_scd._typing import FittedClassifier, Floats, Norm, RandomState, validated
from sklearn_scd.robustness._attacks.directions import (
    choose_points,
    normalised,
    unit_steps,
)
from sklearn_scd.robustness._attacks.harness import AttackRun
from sklearn_scd.robustness._attacks.problem import AttackProblem, read_problem
from sklearn_scd.robustness._attacks.run_attack import run_each
from sklearn_scd.robustness._attacks.sample import (
    AttackedSample,
    bisect,
    is_adversarial,
)
from sklearn_scd.robustness._inputs import (
    ATTACK_CONSTRAINTS,
    check_samples,
    draw_seed,
)
from sklearn_scd.robustness._results import DistortionResult

# Of the largest step within the range of values; later of the nearest distance so far.
_SIZES: Floats = np.exp2(-np.arange(0.0, 10.0))
_SHORTER: Floats = 0.98 * np.array([1.0, 0.8, 0.64, 0.512])
_N_BISECTED = 4  # lines on which the boundary is searched
_HALVINGS = 12
# Among more features than these lines are dear: they are left after some sizes that
# gave nothing, and fewer are tried.
_FEW_FEATURES, _PATIENCE = 256, 2
# Where no line leads to another class: points from anywhere, in some blocks.
_ANYWHERE, _MOST_BLOCKS, _NUMBERS = 128, 16, 2**16
_N_NEIGHBOURS = 16  # directions around the best one, in each round
_SPREADS: Floats = np.exp2(-np.arange(0.0, 9.0))  # of them, one a round


@validated(
    {
        **ATTACK_CONSTRAINTS,
        "X_train": ["array-like", None],
        "X_start": ["array-like", None],
        "n_rounds": [Interval(Integral, 0, None, closed="left")],
    }
)
def line_search(
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike,
    *,
    norm: Norm = 2,
    clip_values: tuple[float, float] = (0.0, 1.0),
    target: Any = None,
    X_train: ArrayLike | None = None,
    X_start: ArrayLike | None = None,
    n_rounds: int = 9,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> DistortionResult:
    """Find adversarial samples along lines, by predictions alone (black-box).

    A decision-based attack that needs no other package: it shares nothing with
    certificates or white-box attacks, so that it can contradict them.
    It looks along lines towards samples of other classes, along axes and at random, at
    sizes of a geometric grid, finds the boundary on the best of them, and tries
    directions around the best one. In few dimensions it comes near; among thousands of
    pixels it finds little more than the way to the nearest sample of another class.

    Parameters
    ----------
    estimator : fitted classifier
        With `predict`, `classes_` and `n_features_in_`.

    X : array-like of shape (n_samples, n_features)
        Samples to attack, within `clip_values`. Those of another class are also points
        to go towards.

    y : array-like of shape (n_samples,)
        Their true labels. Samples that are misclassified are not attacked.

    norm : {1, 2, numpy.inf}, default=2
        Norm of distances.

    clip_values : tuple of (float, float), default=(0.0, 1.0)
        Smallest and largest value a feature may take.

    target : label or array-like of shape (n_samples,), default=None
        The class that a sample must get to be adversarial, one for all or one a sample.
        None: any other than the true one. Samples whose label it is are not attacked.

    X_train : array-like of shape (n_train, n_features), default=None
        Further samples to go towards.

    X_start : array-like of shape (n_samples, n_features), default=None
        Adversarial samples that another attack found; NaN in rows that have none.
        Nothing worse is returned.

    n_rounds : int, default=9
        Rounds of directions around the best one, each half as wide as the last.

    random_state : int, RandomState instance or None, default=None
        Seed of the directions.

    n_jobs : int or None, default=None
        Processes, or what :func:`joblib.parallel_config` says. Results do not depend on
        it.

    verbose : int, default=0
        1 shows a line with samples done, mean distance and time left.

    Returns
    -------
    result : DistortionResult
        As of :func:`minimum_distortion`; `history` is empty.

    Raises
    ------
    ValueError
        If the estimator has a single class, a label of `y`, of `target` or of its
        predictions is none of its classes, or a value lies outside `clip_values`.

    See Also
    --------
    minimum_distortion : HopSkipJump, which comes nearer in many dimensions.
    run_attack : For attacks of your own.

    Notes
    -----
    What ends the attack early has an attribute `attack_results`, as of
    :func:`minimum_distortion`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import minmax_scale
    >>> from sklearn_scd.robustness import exact_distance, line_search
    >>> X, y = load_iris(return_X_y=True)
    >>> X = minmax_scale(X)
    >>> model = LogisticRegression().fit(X, y)
    >>> found = line_search(model, X[:3], y[:3], X_train=X, random_state=0)
    >>> bool((found.distances < 1.1 * exact_distance(model, X[:3])).all())
    True
    """
    problem = read_problem(
        estimator, X, y, norm=norm, clip_values=clip_values, target=target
    )
    if X_train is not None:
        X_train = check_samples(
            X_train, "X_train", estimator, problem.model.clip_values
        )
    attack = LineSearch(*points_of_classes(problem, X_train), n_rounds)
    with AttackRun(problem, "line_search", X_start=X_start) as run:
        run_each(
            run, attack, draw_seed(random_state), "line_search", n_jobs=n_jobs,
            verbose=verbose,
        )  # fmt: skip
        return run.result()


def points_of_classes(
    problem: AttackProblem, X_train: NDArray[Any] | None
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Samples to go towards, and the codes of the classes predicted for them."""
    if X_train is None:
        return problem.X, problem.predicted
    codes = problem.model.predict(X_train)
    return (
        np.concatenate([problem.X, X_train.astype(problem.X.dtype, copy=False)]),
        np.concatenate([problem.predicted, codes]),
    )


@dataclass(frozen=True)
class LineSearch:
    """The attack on one sample.

    Attributes
    ----------
    points : ndarray of shape (n_points, n_features)
    codes : ndarray of shape (n_points,), intp
        Of the classes predicted for the points.
    n_rounds : int
    """

    points: NDArray[Any]
    codes: NDArray[np.intp]
    n_rounds: int

    def __call__(self, sample: AttackedSample, rng: np.random.Generator) -> None:
        """Search a sample's nearest adversarial point."""
        other = is_adversarial(self.codes, sample.code, sample.target)
        chosen = choose_points(sample.x, self.points[other], sample.norm, rng)
        _look_on_the_way(sample, chosen)
        steps = unit_steps(sample.x, chosen, sample.norm, rng)
        low, high = sample.clip_values
        diagonal = np.full(sample.x.size, high - low)
        widest = float(row_norms(diagonal[np.newaxis], sample.norm)[0])
        _look(sample, steps, widest * _SIZES)
        if sample.best is None:
            _look_anywhere(sample, rng)
        for spread in _SPREADS[: self.n_rounds]:
            if sample.best is None:
                break
            steps = _around(sample, spread, rng)
            _look(sample, steps, sample.distance * _SHORTER, give_up=True)


def _look_on_the_way(sample: AttackedSample, points: NDArray[Any]) -> None:
    """Ask about points, and search the boundary on the ways to the nearest ones."""
    found = points[sample.ask(points)] if len(points) else points
    if len(found):
        distances = sample.distances(found)
        steps = found[np.argsort(distances, kind="stable")[:_N_BISECTED]] - sample.x
        _bisect_lines(sample, steps, np.zeros(len(steps)), np.ones(len(steps)))


def _look(
    sample: AttackedSample, steps: Floats, sizes: Floats, give_up: bool = False
) -> None:
    """Ask along lines, and search the boundary on those that it is nearest on.

    Parameters
    ----------
    sample : AttackedSample
    steps : ndarray of shape (n_lines, n_features)
    sizes : ndarray of shape (n_sizes,)
        In falling order, by equal factors.
    give_up : bool, default=False
        Whether a line is left where a size gives nothing. Elsewhere all sizes are
        tried: cells may be thin.
    """
    nearest = np.full(len(steps), np.inf)
    left = np.arange(len(steps))
    patience = len(sizes) if sample.x.size <= _FEW_FEATURES else _PATIENCE
    n_empty = 0
    for size in sizes:
        adversarial = sample.ask(sample.x + size * steps[left])
        nearest[left[adversarial]] = size
        if give_up:
            left = left[adversarial]
        n_empty = 0 if adversarial.any() or sample.best is None else n_empty + 1
        if left.size == 0 or n_empty == patience:
            break
    best = np.argsort(nearest, kind="stable")[:_N_BISECTED]
    best = best[np.isfinite(nearest[best])]
    if best.size:
        shorter = sizes[1] / sizes[0]
        _bisect_lines(sample, steps[best], shorter * nearest[best], nearest[best])


def _bisect_lines(
    sample: AttackedSample, steps: Floats, near: Floats, far: Floats
) -> None:
    """Search the boundary between two parts of each step."""

    def is_beyond(parts: Floats) -> NDArray[np.bool_]:
        return sample.ask(sample.x + parts[:, np.newaxis] * steps)

    bisect(is_beyond, near, far, _HALVINGS)


def _look_anywhere(sample: AttackedSample, rng: np.random.Generator) -> None:
    """Ask about points from all over the range of values until one is adversarial."""
    low, high = sample.clip_values
    n_blocks = np.clip(_NUMBERS // (sample.x.size * _ANYWHERE), 1, _MOST_BLOCKS)
    for _ in range(int(n_blocks)):
        points = rng.random((_ANYWHERE, sample.x.size))
        if sample.ask(low + (high - low) * points).any():
            break


def _around(sample: AttackedSample, spread: float, rng: np.random.Generator) -> Floats:
    """Directions like that to the best point: with noise, or without some features."""
    assert sample.best is not None
    step = sample.best - sample.x
    n = _N_NEIGHBOURS if step.size <= _FEW_FEATURES else _N_NEIGHBOURS // 2
    noise = rng.standard_normal((n // 2, step.size))
    noise *= spread * row_norms(step[np.newaxis], 2)[0] / np.sqrt(step.size)
    kept = rng.random((n // 2, step.size)) > 0.5 * spread
    return normalised(np.concatenate([step + noise, step * kept]), sample.norm)
