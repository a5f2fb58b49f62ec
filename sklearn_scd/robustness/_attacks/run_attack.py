"""Attacks of your own, and others that take one sample after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike, NDArray

from sklearn_scd._progress import ProgressLine
from sklearn_scd._typing import FittedClassifier, Norm, RandomState, validated
from sklearn_scd.robustness._attacks.harness import AttackRun
from sklearn_scd.robustness._attacks.problem import read_problem
from sklearn_scd.robustness._attacks.sample import (
    AttackedSample,
    Attempt,
    attempt_at,
    to_boundary,
)
from sklearn_scd.robustness._inputs import ATTACK_CONSTRAINTS, draw_seed
from sklearn_scd.robustness._results import DistortionResult

Attack = Callable[[AttackedSample, np.random.Generator], Any]


@validated({"attack": [callable], **ATTACK_CONSTRAINTS})
def run_attack(
    attack: Attack,
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike,
    *,
    norm: Norm = 2,
    clip_values: tuple[float, float] = (0.0, 1.0),
    target: ArrayLike | None = None,
    X_start: ArrayLike | None = None,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> DistortionResult:
    """Run an attack of your own on samples that are classified correctly.

    The attack gets one sample after another and asks about points, as many as it likes.
    What is checked, kept and returned is the same as of all attacks here: the nearest
    point that it asked about, moved to the boundary on its way to the sample, confirmed
    by the estimator.

    Parameters
    ----------
    attack : callable
        Called as ``attack(sample, rng)`` with an :class:`AttackedSample` and a
        :class:`numpy.random.Generator` of its own for each sample. What it returns is
        not looked at. With more than one job it runs in another process.

    estimator : fitted classifier
        With `predict`, `classes_` and `n_features_in_`.

    X : array-like of shape (n_samples, n_features)
        Samples to attack, within `clip_values`.

    y : array-like of shape (n_samples,)
        Their true labels. Samples that are misclassified are not attacked.

    norm : {1, 2, numpy.inf}, default=2
        Norm of distances.

    clip_values : tuple of (float, float), default=(0.0, 1.0)
        Smallest and largest value a feature may take.

    target : label or array-like of shape (n_samples,), default=None
        The class that a point must get to be adversarial, one for all or one a sample.
        None: any other than the true one. Samples whose label it is are not attacked.

    X_start : array-like of shape (n_samples, n_features), default=None
        Adversarial samples that another attack found; NaN in rows that have none.
        Nothing worse is returned. The attack finds a start in ``sample.best``.

    random_state : int, RandomState instance or None, default=None
        Seed of the generators.

    n_jobs : int or None, default=None
        Processes, or what :func:`joblib.parallel_config` says. Results do not depend on
        it.

    verbose : int, default=0
        1 shows a line with samples done, mean distance and time left.

    Returns
    -------
    result : DistortionResult
        One entry a sample: distance, adversarial sample, queries, status.

    Raises
    ------
    ValueError
        If the estimator has a single class, a label of `y`, of `target` or of its
        predictions is none of its classes, or a value lies outside `clip_values`.

    See Also
    --------
    evaluate_robustness : Takes results of any attack, and attacks as callables.

    Notes
    -----
    What ends the attack early has an attribute `attack_results`, as of
    :func:`minimum_distortion`.

    Examples
    --------
    Random directions, farther and farther:

    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import minmax_scale
    >>> from sklearn_scd.robustness import run_attack
    >>> def random_directions(sample, rng):
    ...     steps = rng.standard_normal((100, sample.x.size))
    ...     steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    ...     for size in np.geomspace(0.01, 1, 20):
    ...         if sample.ask(sample.x + size * steps).any():
    ...             break
    >>> X, y = load_iris(return_X_y=True)
    >>> X = minmax_scale(X)
    >>> model = LogisticRegression().fit(X, y)
    >>> found = run_attack(random_directions, model, X[:3], y[:3], random_state=0)
    >>> found.status.tolist()
    ['attacked', 'attacked', 'attacked']
    """
    problem = read_problem(
        estimator, X, y, norm=norm, clip_values=clip_values, target=target
    )
    name = getattr(attack, "__name__", type(attack).__name__)
    seed = draw_seed(random_state)
    with AttackRun(problem, name, X_start=X_start) as run:
        run_each(run, attack, seed, name, n_jobs=n_jobs, verbose=verbose)
        return run.result()


def run_each(
    run: AttackRun,
    attack: Attack,
    seed: int,
    title: str,
    *,
    n_jobs: int | None,
    verbose: int,
) -> None:
    """Attack all samples of a run one by one, each with a generator of its own.

    Parameters
    ----------
    run : AttackRun
    attack : callable
    seed : int
    title : str
        Of the line that shows how far it is.
    n_jobs : int or None
    verbose : int
    """
    rows = run.problem.rows
    jobs = (
        delayed(_attack_one)(run.problem.sample(i), attack, run.starts[i], (seed, i))
        for i in rows
    )
    line = ProgressLine(title, "samples", rows.size, "distance") if verbose else None
    run.run(jobs, rows, n_jobs=n_jobs, prefer="processes", line=line)


def _attack_one(
    sample: AttackedSample,
    attack: Attack,
    starts: Sequence[NDArray[Any]],
    seed: tuple[int, int],
) -> list[Attempt]:
    for start in starts:
        sample.ask_one(start)
    attack(sample, np.random.default_rng(seed))
    to_boundary(sample)
    return [attempt_at(sample)]
