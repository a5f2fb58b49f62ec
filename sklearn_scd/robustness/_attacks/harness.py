"""What all attacks share: how they run, and how what they find is kept.

An attack only searches. The harness gives it one :class:`AttackedSample` after another,
keeps the nearest point of each, makes sure that the estimator misclassifies it, and
leaves what was found on whatever ends it early.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from types import TracebackType
from typing import Any, Literal

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from sklearn_scd._progress import ProgressLine
from sklearn_scd.robustness._attacks.collecting import collect
from sklearn_scd.robustness._attacks.interruption import attempts_left_on, leave_results
from sklearn_scd.robustness._attacks.problem import AttackProblem
from sklearn_scd.robustness._attacks.sample import (
    Attempt,
    attempt_at,
    distance_between,
    is_adversarial,
    push_outwards,
)
from sklearn_scd.robustness._inputs import check_starts
from sklearn_scd.robustness._results import (
    ATTACKED,
    NOT_ATTACKED,
    STOPPED,
    DistortionResult,
)


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

    def result_so_far(self, error: BaseException) -> DistortionResult:
        """What is known when an error ends the run before all attempts were made.

        ``'stopped'`` where something was found and attempts are missing,
        ``'not_attacked'`` where nothing is known.
        """
        known, unfinished = {}, defaultdict(list)
        for i, to_its_end, attempt in attempts_left_on(error):
            if to_its_end:
                self.attempts[i].append(attempt)
            elif attempt.best is not None:
                unfinished[i].append(attempt)
        for i, made in self.attempts.items():
            sample = self.problem.sample(i)
            for start in self.starts[i]:
                sample.ask_one(start)
            whole = len(made) == self.n_attempts
            parts = unfinished[i]
            started = [] if sample.best is None else [attempt_at(sample)]
            if whole or started or any(a.best is not None for a in [*made, *parts]):
                known[i] = [*started, *parts, *made]
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
            leave_results(error, lambda: {self.name: self.result_so_far(error)})


def _are_adversarial(
    problem: AttackProblem, points: NDArray[Any], rows: NDArray[np.intp]
) -> NDArray[np.bool_]:
    codes = problem.model.predict(points[rows])
    return is_adversarial(codes, problem.codes[rows], problem.targets[rows])


# threadpoolctl comes without type hints.
@threadpool_limits.wrap(limits=1, user_api="blas")  # type: ignore[untyped-decorator]
def _with_one_thread(function: Callable[..., Any], arguments: Any, options: Any) -> Any:
    return function(*arguments, **options)
