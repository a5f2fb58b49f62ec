"""A white-box attack by gradients of smooth surrogates of sign networks."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import Interval

from sklearn_scd._progress import ProgressLine
from sklearn_scd._typing import FittedClassifier, Norm, RandomState, validated
from sklearn_scd.robustness._attacks.gradient_search import (
    GradientSearch,
    Plan,
    make_plan,
)
from sklearn_scd.robustness._attacks.harness import AttackRun
from sklearn_scd.robustness._attacks.line_search import (
    LineSearch,
    points_of_classes,
)
from sklearn_scd.robustness._attacks.problem import AttackProblem, read_problem
from sklearn_scd.robustness._attacks.sample import Attempt, attempt_at, to_boundary
from sklearn_scd.robustness._attacks.smooth_networks import SmoothNetworks
from sklearn_scd.robustness._hyperplanes.model_setup import set_up
from sklearn_scd.robustness._inputs import ATTACK_CONSTRAINTS, draw_seed
from sklearn_scd.robustness._results import DistortionResult

# Samples attacked side by side: a product with few rows takes as long as with one.
_TOGETHER = 4
_ROUNDS = 9  # of directions around the best one, where lines are searched
_NUDGES = 22  # doubled each time, from a hair on


@validated(
    {
        **ATTACK_CONSTRAINTS,
        "temperatures": ["array-like"],
        "n_restarts": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }
)
def surrogate_attack(
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike,
    *,
    norm: Norm = 2,
    clip_values: tuple[float, float] = (0.0, 1.0),
    target: Any = None,
    temperatures: ArrayLike = (0.03, 0.1, 0.3),
    n_restarts: int = 4,
    max_iter: int = 200,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> DistortionResult:
    """Find adversarial samples of sign networks by gradients of smooth surrogates.

    A white-box attack: sign networks have no gradient, so it takes that of the same
    networks with smooth steps. Whether a sample is adversarial the real ones say.
    Distances are **upper bounds** on the minimal adversarial perturbation.

    Parameters
    ----------
    estimator : SCDClassifier, or Pipeline of affine steps and an SCDClassifier
        Or a search over them.

    X : array-like of shape (n_samples, n_features)
        Samples to attack, within `clip_values`.

    y : array-like of shape (n_samples,)
        Their true labels. Samples that are misclassified are not attacked.

    norm : {1, 2, numpy.inf}, default=2
        Norm of distances.

    clip_values : tuple of (float, float), default=(0.0, 1.0)
        Smallest and largest value a feature may take.

    target : label or array-like of shape (n_samples,), default=None
        The class that a sample must get to be adversarial, one for all or one a sample.
        None: any other than the true one. Samples whose label it is are not attacked.

    temperatures : array-like of shape (n_temperatures,), default=(0.03, 0.1, 0.3)
        Widths of the sigmoids that replace the units' steps, at the start of an
        attempt, in three times the root mean square of the units' movements along their
        normals; until something adversarial is found, in their median distance if that
        is more.

    n_restarts : int, default=4
        Attempts a temperature, from different starts: by turns through the smooth
        networks and, "straight through", with the real networks' outputs and the smooth
        ones' slopes.

    max_iter : int, default=200
        Gradient steps of an attempt.

    random_state : int, RandomState instance or None, default=None
        Seed of the starts.

    n_jobs : int or None, default=None
        Threads, or what :func:`joblib.parallel_config` says. Each has one BLAS thread:
        results do not depend on `n_jobs`.

    verbose : int, default=0
        1 shows a line with samples done, mean distance and time left.

    Returns
    -------
    result : DistortionResult
        As of :func:`minimum_distortion`. `queries` counts evaluations of the real
        networks; `history` has the smallest distance of all attempts, inf before one is
        adversarial, and ends after the last binary search.

    Raises
    ------
    TypeError
        If the classifier is no SCDClassifier.
    ValueError
        If a step before it is not affine, a weight is not finite, a label of `y` is
        none of the estimator's classes, a value of `X` lies outside `clip_values`, or a
        temperature is not positive.

    See Also
    --------
    nearest_flip : The attack that crosses hyperplanes; the nearer one on most models.
    minimum_distortion : Attacks that see predictions alone, for any classifier.

    Notes
    -----
    Each attempt looks for the smallest perturbation as DDN [1]_ and FMN [2]_ do: a step
    along the gradient, back to a sphere around the sample (for the norms inf and 1 into
    a ball) and into the range of values; then the radius shrinks if the point is
    adversarial, and grows if not. What is followed is the lead of another class over
    the true one: that of the strongest, and from the third restart on of others, too.
    For hard votes it is a sum of sigmoids of the outputs, so narrow towards the end
    that votes count only while they are about to change: the median vote decides, and
    no other need move. The straight-through gradient is that of [3]_.

    Temperatures and widths fall while an attempt goes on. Half way the best quarter of
    a sample's attempts takes the place of all, and they fall once more, from less;
    where nothing adversarial was found by then, it is looked for in noise, and at last
    along lines as by :func:`line_search`.
    All attempts at a sample are one batch, so that an iteration is two products of
    matrices.

    What ends the attack early has an attribute `attack_results`, as of
    :func:`minimum_distortion`.

    References
    ----------
    .. [1] Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger, "Decoupling Direction
       and Norm for Efficient Gradient-Based L2 Adversarial Attacks and Defenses", CVPR
       2019.
    .. [2] Pintor, Roli, Brendel, Biggio, "Fast Minimum-norm Adversarial Attacks through
       Adaptive Norm Constraints", NeurIPS 2021.
    .. [3] Bengio, Léonard, Courville, "Estimating or Propagating Gradients Through
       Stochastic Neurons for Conditional Computation", arXiv:1308.3432, 2013.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import minmax_scale
    >>> from sklearn_scd import SCDClassifier
    >>> from sklearn_scd.robustness import surrogate_attack
    >>> X, y = load_iris(return_X_y=True)
    >>> X = minmax_scale(X)
    >>> model = SCDClassifier(n_estimators=5, max_iter=50, random_state=0).fit(X, y)
    >>> surrogate_attack(model, X[:3], y[:3], random_state=0).status.tolist()
    ['attacked', 'attacked', 'attacked']
    """
    temperatures = _check_temperatures(temperatures)
    problem = read_problem(
        estimator, X, y, norm=norm, clip_values=clip_values, target=target
    )
    seed = draw_seed(random_state)
    smooth = SmoothNetworks(set_up(estimator, problem.X).networks)
    n_classes = problem.model.labels.classes.size
    plan = make_plan(temperatures, n_restarts, n_classes, max_iter)
    rows = problem.rows
    jobs = (
        delayed(_attack)(problem, smooth, plan, part, seed)
        for part in np.split(rows, range(_TOGETHER, rows.size, _TOGETHER))
        if part.size
    )
    line = ProgressLine("surrogate_attack", "samples", rows.size, "distance")
    run = AttackRun(problem, "surrogate", max_iter=max_iter, n_nudges=_NUDGES)
    with run:
        run.run(
            jobs, rows, n_jobs=n_jobs, prefer="threads", line=line if verbose else None
        )
        _search_lines(run, seed)
        return run.result()


def _search_lines(run: AttackRun, seed: int) -> None:
    """Try lines from samples for which gradients have led to nothing."""
    search = LineSearch(*points_of_classes(run.problem, None), _ROUNDS)
    for i, (attempt,) in run.attempts.items():
        if attempt.best is None:
            sample = run.problem.sample(i)
            search(sample, np.random.default_rng((seed, i)))
            to_boundary(sample)
            history = [*attempt.history[:-1], sample.distance]
            run.attempts[i].append(attempt_at(sample, history))


def _check_temperatures(temperatures: ArrayLike) -> NDArray[np.float32]:
    values = np.asarray(temperatures, dtype=np.float32)
    if values.ndim != 1 or values.size == 0 or not (values > 0).all():
        raise ValueError(
            f"temperatures must be one or more positive numbers, got {temperatures!r}."
        )
    if not np.isfinite(values).all():
        raise ValueError(f"temperatures must be finite, got {temperatures!r}.")
    return values


def _attack(
    problem: AttackProblem,
    smooth: SmoothNetworks,
    plan: Plan,
    rows: NDArray[np.intp],
    seed: int,
) -> list[Attempt]:
    """Attack some samples side by side; an attempt for each."""
    generators = [np.random.default_rng((seed, i)) for i in rows]
    samples = [problem.sample(i) for i in rows]
    search = GradientSearch(
        smooth, plan, samples, problem.X[rows], problem.predicted[rows], generators
    )
    return search.run()
