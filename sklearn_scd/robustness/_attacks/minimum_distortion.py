"""The distance to the nearest adversarial sample that a decision-based attack finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_scd._progress import ProgressLine
from sklearn_scd._typing import FittedClassifier, Norm, RandomState, validated
from sklearn_scd.robustness._attacks.bridge import require_art
from sklearn_scd.robustness._attacks.harness import AttackRun
from sklearn_scd.robustness._attacks.interruption import leave_attempts
from sklearn_scd.robustness._attacks.lockstep import AbandonedError, run_together
from sklearn_scd.robustness._attacks.problem import AttackProblem, read_problem
from sklearn_scd.robustness._attacks.sample import (
    AttackedModel,
    AttackedSample,
    Attempt,
    attempt_at,
    is_adversarial,
    to_just_outside,
)
from sklearn_scd.robustness._inputs import (
    ATTACK_CONSTRAINTS,
    check_samples,
    draw_seed,
)
from sklearn_scd.robustness._results import DistortionResult

if TYPE_CHECKING:
    from sklearn_scd.robustness._attacks.repeatable import GuardedSample

_HALVINGS = 12  # of the last binary search
_NOISE_ROWS = 100  # random samples asked for at a time
_LEAST_GROUPS = 2  # of attempts side by side: for two processes
_MOST_TOGETHER = 10  # attempts in one
_NORM_HINT = (
    ": ART's attacks know no others; nearest_flip, surrogate_attack and line_search do"
)


@dataclass(frozen=True)
class _Plan:
    """What is the same for all samples and restarts."""

    attack: str
    max_iter: int
    init_size: int


@validated(
    {
        **ATTACK_CONSTRAINTS,
        "attack": [StrOptions({"hop_skip_jump", "boundary"})],
        "n_restarts": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "init_size": [Interval(Integral, 1, None, closed="left")],
        "X_train": ["array-like", None],
    }
)
def minimum_distortion(
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike,
    *,
    attack: Literal["hop_skip_jump", "boundary"] = "hop_skip_jump",
    norm: Norm = 2,
    clip_values: tuple[float, float] = (0.0, 1.0),
    target: Any = None,
    n_restarts: int = 10,
    max_iter: int = 100,
    init_size: int = 1000,
    X_train: ArrayLike | None = None,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> DistortionResult:
    """Find small adversarial perturbations by a decision-based (black-box) attack.

    The attacks are those of the Adversarial Robustness Toolbox (ART); they see nothing
    of the model but the class it predicts. What they find is an **upper bound**: on a
    vote of sign networks a white-box attack can find perturbations many times smaller.
    Samples that the estimator gets wrong are not attacked.

    Parameters
    ----------
    estimator : fitted classifier
        With `predict`, `classes_` and `n_features_in_`: a :class:`SCDClassifier`, a
        classifier of scikit-learn, a `Pipeline`; labels of any kind.

    X : array-like of shape (n_samples, n_features)
        Samples to attack, within `clip_values`.

    y : array-like of shape (n_samples,)
        Their true labels.

    attack : {'hop_skip_jump', 'boundary'}, default='hop_skip_jump'
        HopSkipJump [1]_ or the boundary attack [2]_.

    norm : {2, numpy.inf}, default=2
        Norm of distances. ART's HopSkipJump knows no other; the boundary attack
        minimizes the L2 norm whatever this is.

    clip_values : tuple of (float, float), default=(0.0, 1.0)
        Smallest and largest value a feature may take.

    target : label or array-like of shape (n_samples,), default=None
        The class that a sample must get to be adversarial, one for all or one a sample.
        None: any other than the true one. Samples whose label it is are not attacked;
        those that the estimator gives a third class are.

    n_restarts : int, default=10
        Attacks a sample, from different starts; the best is kept.

    max_iter : int, default=100
        Iterations of an attack.

    init_size : int, default=1000
        Most samples of uniform noise tried for a start.

    X_train : array-like of shape (n_train, n_features), default=None
        Samples to start from: those that the estimator gives another class, or the
        target, the nearest one first, then random ones. Without any, the start is
        noise.

    random_state : int, RandomState instance or None, default=None
        Seed of starts and directions.

    n_jobs : int or None, default=None
        Processes, or what :func:`joblib.parallel_config` says. Each attack runs with
        one BLAS thread: results do not depend on `n_jobs`.

    verbose : int, default=0
        1 shows a line with attacks done, mean distance and time left.

    Returns
    -------
    result : DistortionResult
        One entry a sample: distance, adversarial sample, queries, status.

    Raises
    ------
    ImportError
        If ART is not installed.
    ValueError
        If the estimator has a single class, a label of `y`, of `target` or of its
        predictions is none of its classes, it does not predict one label a sample, or a
        value of `X` or `X_train` lies outside `clip_values`.

    Notes
    -----
    Restarts, and samples, run side by side, and the model answers what they ask in one
    batch. Where its predictions depend on the batch, as those of networks in float32
    may in the last bit, results depend on which samples are attacked together.

    Each attempt ends after a number of predictions that `max_iter` and `init_size`
    limit, whatever the estimator answers. How long one of them takes is the
    estimator's affair: there is no time limit.

    Whatever ends the attack early, an error of the model's or Ctrl-C, passes on with an
    attribute `attack_results`: a dict with what was found until then, by the attack's
    name. A sample that was not reached has the status ``'not_attacked'`` and the
    distance NaN.

    References
    ----------
    .. [1] Chen, Jordan, Wainwright, "HopSkipJumpAttack: A Query-Efficient
       Decision-Based Attack", IEEE Symposium on Security and Privacy 2020.
    .. [2] Brendel, Rauber, Bethge, "Decision-Based Adversarial Attacks: Reliable
       Attacks Against Black-Box Machine Learning Models", ICLR 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import minmax_scale
    >>> from sklearn_scd.robustness import exact_distance, minimum_distortion
    >>> X, y = load_iris(return_X_y=True)
    >>> X = minmax_scale(X)
    >>> model = LogisticRegression().fit(X, y)
    >>> found = minimum_distortion(
    ...     model, X[:3], y[:3], n_restarts=1, max_iter=5, X_train=X, random_state=0)
    >>> found.status.tolist()
    ['attacked', 'attacked', 'attacked']
    >>> bool((found.distances > exact_distance(model, X[:3])).all())
    True
    """
    require_art()
    problem = read_problem(
        estimator, X, y, norm=norm, clip_values=clip_values, target=target,
        norms=(2.0, np.inf), norm_hint=_NORM_HINT,
    )  # fmt: skip
    if X_train is not None:
        clip_values = problem.model.clip_values
        X_train = check_samples(X_train, "X_train", estimator, clip_values)
    seed = draw_seed(random_state)
    plan = _Plan(attack, int(max_iter), init_size)
    starts = _starts(problem, X_train)
    rows = np.repeat(problem.rows, n_restarts)
    attempts = [
        partial(
            _attempt, plan=plan, x=problem.X[i], code=int(problem.codes[i]),
            target=int(problem.targets[i]), candidates=starts[i], restart=restart,
            seed=(seed, i, restart),
        )
        for i in problem.rows
        for restart in range(n_restarts)
    ]  # fmt: skip
    # By the number of attempts alone, so that results do not depend on `n_jobs`.
    n_together = min(-(-len(attempts) // _LEAST_GROUPS), _MOST_TOGETHER)
    jobs = (
        delayed(_side_by_side)(
            attempts[k : k + n_together], rows[k : k + n_together], problem.model
        )
        for k in range(0, len(attempts), max(n_together, 1))
    )
    line = ProgressLine("minimum_distortion", "attacks", rows.size, "distance")
    with AttackRun(problem, attack, n_attempts=n_restarts, max_iter=max_iter) as run:
        # Processes: not every estimator's predict may run in two threads at once.
        run.run(
            jobs, rows, n_jobs=n_jobs, prefer="processes",
            line=line if verbose else None,
        )  # fmt: skip
        return run.result()


def _starts(
    problem: AttackProblem, X_train: NDArray[Any] | None
) -> dict[int, NDArray[np.float32]]:
    """For each sample, the training samples that would be adversarial ones."""
    if X_train is None:
        none = np.empty((0, problem.X.shape[1]), dtype=np.float32)
        return dict.fromkeys(problem.rows, none)
    predicted = problem.model.predict(X_train)
    by_kind: dict[tuple[int, int], NDArray[np.float32]] = {}
    starts = {}
    for i in problem.rows:
        code, target = kind = int(problem.codes[i]), int(problem.targets[i])
        if kind not in by_kind:
            wanted = is_adversarial(predicted, code, target)
            by_kind[kind] = X_train[wanted].astype(np.float32)
        starts[i] = by_kind[kind]
    return starts


def _side_by_side(
    attempts: Sequence[Callable[[AttackedModel], Attempt]],
    rows: NDArray[np.intp],
    model: AttackedModel,
) -> list[Attempt]:
    """Run attempts in lockstep; on an error leave what they have found."""
    try:
        return run_together(attempts, model)
    except BaseException as error:
        so_far = getattr(error, "results_so_far", [])
        leave_attempts(error, [(int(rows[k]), *found) for k, *found in so_far])
        raise


def _attempt(
    model: AttackedModel,
    plan: _Plan,
    x: NDArray[Any],
    code: int,
    target: int,
    candidates: NDArray[np.float32],
    restart: int,
    seed: tuple[int, int, int],
) -> Attempt:
    """Attack one sample once."""
    from sklearn_scd.robustness._attacks import repeatable

    generator = np.random.Generator(np.random.PCG64(seed))
    sample = repeatable.GuardedSample(model, x.astype(np.float32), code, target)
    attack = repeatable.attack_on(sample, plan.attack, plan.max_iter)
    stopped = False
    try:
        try:
            start = _find_start(plan, sample, candidates, restart, generator)
            if start is not None:
                attack.run(start, generator)
        except repeatable.AttackStoppedError:
            stopped = True
        if sample.best is not None:
            sample.restart_guard()
            to_just_outside(sample, _HALVINGS)
            if plan.attack == "hop_skip_jump":
                sample.history.append(sample.distance)
    except AbandonedError:
        stopped = True
    return attempt_at(sample, sample.history, stopped)


def _find_start(
    plan: _Plan,
    sample: GuardedSample,
    candidates: NDArray[np.float32],
    restart: int,
    generator: np.random.Generator,
) -> NDArray[np.float32] | None:
    """An adversarial sample, or None if there is none.

    The nearest one of the training set for the first restart; then noise, if there is
    any in a few tries, and random ones of the training set by turns: the boundary has
    local minima, and the way from a start leads into one.
    """
    if not len(candidates):
        return _find_noise(sample, plan.init_size, generator)
    start = None
    if restart % 2 == 1:
        n_tries = min(plan.init_size, _NOISE_ROWS)
        start = _find_noise(sample, n_tries, generator)
    if start is None:
        start = _find_candidate(candidates, sample, restart == 0, generator)
    return start


def _find_candidate(
    candidates: NDArray[np.float32],
    sample: AttackedSample,
    nearest: bool,
    generator: np.random.Generator,
) -> NDArray[np.float32] | None:
    if nearest:
        k = sample.distances(candidates).argmin()
    else:
        k = generator.integers(len(candidates))
    # Alone a sample may be rounded to its other side.
    return candidates[k] if sample.ask_one(candidates[k]) else None


def _find_noise(
    sample: AttackedSample, n_tries: int, generator: np.random.Generator
) -> NDArray[np.float32] | None:
    low, high = sample.clip_values
    for done in range(0, n_tries, _NOISE_ROWS):
        n = min(_NOISE_ROWS, n_tries - done)
        noise = generator.random((n, sample.x.size), dtype=np.float32)
        noise = np.clip(low + (high - low) * noise, low, high).astype(np.float32)
        wrong = np.flatnonzero(sample.ask(noise))
        if wrong.size:
            found: NDArray[np.float32] = noise[wrong[0]]
            return found
    return None
