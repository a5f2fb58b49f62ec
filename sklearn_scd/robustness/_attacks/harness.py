"""What all attacks share: what they are given, what they find, and how it is kept.

An attack only searches. The harness reads and checks the inputs, gives it one
:class:`AttackedSample` after another, keeps the nearest point of each, makes sure that
the estimator misclassifies it, and leaves what was found on whatever ends it early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from types import TracebackType
from typing import Any, Literal

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length
from threadpoolctl import threadpool_limits

from sklearn_scd._progress import ProgressLine
from sklearn_scd._typing import FittedClassifier, Floats, Norm, RandomState, validated
from sklearn_scd.robustness._attacks.collecting import collect
from sklearn_scd.robustness._attacks.interruption import leave_results
from sklearn_scd.robustness._attacks.sample import (
    AttackedModel,
    AttackedSample,
    Attempt,
    attempt_at,
    distance_between,
    is_adversarial,
    push_outwards,
    to_boundary,
)
from sklearn_scd.robustness._inputs import (
    ATTACK_CONSTRAINTS,
    NORMS,
    check_clip_values,
    check_norm,
    check_samples,
    check_starts,
    draw_seed,
)
from sklearn_scd.robustness._labels import LabelCodes
from sklearn_scd.robustness._results import (
    ATTACKED,
    IS_TARGET,
    MISCLASSIFIED,
    NOT_ATTACKED,
    STOPPED,
    DistortionResult,
)

Attack = Callable[[AttackedSample, np.random.Generator], Any]


@dataclass(frozen=True)
class AttackProblem:
    """Samples to attack, checked.

    Attributes
    ----------
    model : AttackedModel
    X : ndarray of shape (n_samples, n_features), float32 or float64
    codes : ndarray of shape (n_samples,), intp
        Places of the true labels in the classes.
    targets : ndarray of shape (n_samples,), intp
        Places of the classes that count as success; -1 for any other than the label.
    predicted : ndarray of shape (n_samples,), intp
        Places of the classes that the model predicts.
    status : ndarray of shape (n_samples,), str
        Why a sample is not attacked, ``'attacked'`` where it is.
    """

    model: AttackedModel
    X: NDArray[Any]
    codes: NDArray[np.intp]
    targets: NDArray[np.intp]
    predicted: NDArray[np.intp]
    status: NDArray[np.str_]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which samples are classified correctly."""
        right: NDArray[np.bool_] = self.predicted == self.codes
        return right

    @property
    def sizes(self) -> Floats:
        """Norms of the samples."""
        X = self.X.astype(np.float64)
        return np.linalg.norm(X, ord=self.model.norm, axis=1)

    @property
    def rows(self) -> NDArray[np.intp]:
        """Places of the samples that are attacked."""
        return np.flatnonzero(self.status == ATTACKED)

    def sample(self, i: int) -> AttackedSample:
        """One of the samples."""
        return AttackedSample(
            self.model, self.X[i], int(self.codes[i]), int(self.targets[i])
        )


def read_problem(
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike,
    *,
    norm: Norm,
    clip_values: tuple[float, float],
    target: Any = None,
    norms: Sequence[float] = NORMS,
    norm_hint: str = "",
) -> AttackProblem:
    """Check what an attack is given.

    Parameters
    ----------
    estimator, X, y, norm, clip_values, target
        As of :func:`run_attack`.
    norms : sequence of float, default=(1, 2, inf)
        Those that the attack knows.
    norm_hint : str, default=''
        What the error says of other norms.

    Returns
    -------
    problem : AttackProblem

    Raises
    ------
    ValueError
        If something is not what the attack can use.
    """
    norm = check_norm(norm, norms, norm_hint)
    labels = LabelCodes(estimator)
    clip_values = check_clip_values(clip_values)
    X = check_samples(X, "X", estimator, clip_values)
    check_consistent_length(X, y)
    codes = labels.encode(y, "y")
    model = AttackedModel(estimator, labels, norm, clip_values)
    targets = _read_targets(labels, target, len(X))
    predicted = model.predict(X)
    done = is_adversarial(predicted, codes, targets)
    status = np.where(done, MISCLASSIFIED, ATTACKED).astype("<U13")
    status[codes == targets] = IS_TARGET
    return AttackProblem(model, X, codes, targets, predicted, status)


def _read_targets(labels: LabelCodes, target: Any, n_samples: int) -> NDArray[np.intp]:
    """Codes of the target, one a sample; -1 without any."""
    if target is None:
        return np.full(n_samples, -1, dtype=np.intp)
    targets = labels.encode(np.atleast_1d(np.asarray(target)), "target")
    if np.ndim(target) == 0:
        return np.repeat(targets, n_samples)
    if len(targets) != n_samples:
        raise ValueError(
            f"target has {len(targets)} labels for {n_samples} samples; give one class "
            "for all, or one a sample."
        )
    return targets


class AttackRun:
    """Attempts at samples as they come, and the result that they make.

    As a context manager it leaves the result so far on what ends it early, as
    `attack_results`.

    Parameters
    ----------
    problem : AttackProblem
    name : str
        The attack's.
    n_attempts : int, default=1
        At each sample.
    max_iter : int, default=0
        Of each attempt, if its history is kept.
    n_nudges : int, default=None
        Of attacks that do not ask the estimator: how often a point is moved outwards,
        twice as far each time, until the estimator misclassifies it.
    X_start : array-like of shape (n_samples, n_features), default=None
        Adversarial samples that are known, NaN in rows without. Nothing worse is
        returned.
    """

    def __init__(
        self,
        problem: AttackProblem,
        name: str,
        *,
        n_attempts: int = 1,
        max_iter: int = 0,
        n_nudges: int | None = None,
        X_start: ArrayLike | None = None,
    ) -> None:
        self.problem, self.name = problem, name
        self.n_attempts, self.max_iter = n_attempts, max_iter
        self.n_nudges = n_nudges
        clip_values = problem.model.clip_values
        self.X_start = check_starts(X_start, problem.X, clip_values)
        self.starts: list[list[NDArray[Any]]] = [[] for _ in problem.X]
        if self.X_start is not None:
            for points, row in zip(self.starts, self.X_start, strict=True):
                if not np.isnan(row).any():
                    points.append(row)
        self.attempts: dict[int, list[Attempt]] = {int(i): [] for i in problem.rows}

    def run(
        self,
        jobs: Iterable[Any],
        rows: NDArray[np.intp],
        *,
        n_jobs: int | None,
        prefer: Literal["threads", "processes"],
        line: ProgressLine | None = None,
    ) -> None:
        """Run jobs and keep their attempts.

        Parameters
        ----------
        jobs : iterable of calls, as :func:`joblib.delayed` makes them
            Each returns a list of attempts.
        rows : ndarray of int
            Of which samples the attempts are, in their order.
        n_jobs : int or None
        prefer : {'threads', 'processes'}
        line : ProgressLine, default=None
        """
        # One BLAS thread each. Threads must not set limits of their own: the first one
        # to end would lift those of all.
        if prefer == "processes":
            jobs = (delayed(_with_one_thread)(*job) for job in jobs)
        with threadpool_limits(limits=1, user_api="blas"):
            groups = Parallel(n_jobs, prefer=prefer, return_as="generator")(jobs)
            attempts = chain.from_iterable(groups)
            for i in rows:
                attempt = next(attempts)
                if self.n_nudges is not None:
                    attempt = self._confirm(int(i), attempt, self.n_nudges)
                self.attempts[int(i)].append(attempt)
                if line is not None:
                    line(attempt.distance)

    def _confirm(self, i: int, attempt: Attempt, n_nudges: int) -> Attempt:
        """Move an attempt's point outwards until the estimator misclassifies it.

        The estimator may compute in float32: where an attack has a point on the
        boundary, or one as near to it as float32 can tell, it may see it on the other
        side.
        """
        if attempt.best is None:
            return attempt
        sample = self.problem.sample(i)
        push_outwards(sample, attempt.best, n_nudges)
        if sample.best is None:
            return replace(attempt, best=None, distance=np.inf, stopped=True)
        distance = distance_between(sample.best, self.problem.X[i], sample.norm)
        history = [*attempt.history[:-1], distance]
        return replace(attempt, best=sample.best, distance=distance, history=history)

    def result(self) -> DistortionResult:
        """What was found."""
        return self._result(self.attempts)

    def _result(self, attempts: dict[int, list[Attempt]]) -> DistortionResult:
        result = collect(self.problem, attempts, self.name, self.max_iter)
        if self.X_start is not None:
            self._keep_better_starts(result, list(attempts))
        return result

    def _keep_better_starts(self, result: DistortionResult, rows: list[int]) -> None:
        """Put starts back that are nearer by the hair that results are kept outside."""
        assert self.X_start is not None
        problem = self.problem
        X_start = self.X_start.astype(problem.X.dtype)
        rows = [i for i in rows if not np.isnan(X_start[i]).any()]
        if not rows:
            return
        adversarial = _are_adversarial(problem, X_start, np.array(rows))
        for i in np.array(rows)[adversarial]:
            distance = distance_between(X_start[i], problem.X[i], problem.model.norm)
            is_nearer = 0 < distance < result.distances[i]
            if is_nearer and _are_adversarial(problem, X_start, np.array([i]))[0]:
                result.adversarials[i], result.distances[i] = X_start[i], distance
                result.status[i] = ATTACKED

    def result_so_far(self) -> DistortionResult:
        """What is known when not all attempts were made.

        ``'stopped'`` where something was found and attempts are missing,
        ``'not_attacked'`` where nothing is known.
        """
        known = {}
        for i, made in self.attempts.items():
            sample = self.problem.sample(i)
            for start in self.starts[i]:
                sample.ask_one(start)
            whole = len(made) == self.n_attempts
            started = [] if sample.best is None else [attempt_at(sample)]
            if whole or started or any(a.best is not None for a in made):
                known[i] = [*started, *made]
        result = self._result(known)
        for i in known:
            if len(self.attempts[i]) < self.n_attempts:
                result.status[i] = STOPPED
        missing = np.array([i for i in self.attempts if i not in known], dtype=int)
        result.status[missing] = NOT_ATTACKED
        result.distances[missing], result.adversarials[missing] = np.nan, np.nan
        return result

    def __enter__(self) -> AttackRun:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            leave_results(error, lambda: {self.name: self.result_so_far()})


def _are_adversarial(
    problem: AttackProblem, points: NDArray[Any], rows: NDArray[np.intp]
) -> NDArray[np.bool_]:
    codes = problem.model.predict(points[rows])
    return is_adversarial(codes, problem.codes[rows], problem.targets[rows])


# threadpoolctl comes without type hints.
@threadpool_limits.wrap(limits=1, user_api="blas")  # type: ignore[untyped-decorator]
def _with_one_thread(function: Callable[..., Any], arguments: Any, options: Any) -> Any:
    return function(*arguments, **options)


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
    """Run an attack of one's own on samples that are classified correctly.

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
