"""The distance to the nearest adversarial sample that a decision-based attack finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
)
from threadpoolctl import threadpool_limits

from sklearn_scd._progress import ProgressLine
from sklearn_scd._typing import (
    FittedClassifier,
    Floats,
    Norm,
    RandomState,
    validated,
)
from sklearn_scd.robustness._attacks.bridge import check_clip_values, require_art
from sklearn_scd.robustness._attacks.interruption import collect_part, keep_results
from sklearn_scd.robustness._labels import LabelCodes
from sklearn_scd.robustness._samples import as_numbers

if TYPE_CHECKING:
    from sklearn_scd.robustness._attacks.repeatable import Record

ATTACKED, MISCLASSIFIED, NO_START, STOPPED = (
    "attacked",
    "misclassified",
    "no_start",
    "stopped",
)
_HALVINGS = 12  # of the last binary search
_HAIR = 2.0**-12  # of the distance
_NUDGES = 8  # doubled each time, from a hair on
_NOISE_ROWS = 100  # random samples asked for at a time


@dataclass(frozen=True)
class DistortionResult:
    """What an attack found for each sample.

    Attributes
    ----------
    distances : ndarray of shape (n_samples,), float64
        Distance to the nearest adversarial sample found, in the units of X: an upper
        bound of what the sample can stand. 0 where it is misclassified as it is, inf
        where nothing was found, NaN where an attack that was ended did not get to.

    adversarials : ndarray of shape (n_samples, n_features)
        The adversarial samples; the sample itself where it is misclassified, NaN where
        nothing was found.

    queries : ndarray of shape (n_samples,), int64
        Samples that the classifier was asked about, all restarts together.

    status : ndarray of shape (n_samples,), str
        ``'attacked'``; ``'misclassified'``: there is nothing to attack; ``'no_start'``:
        no sample of another class was found to start from; ``'stopped'``: no restart
        could go on to its last iteration, the best found until then is kept;
        ``'not_attacked'``: the attack was ended before this sample.

    history : ndarray of shape (n_samples, max_iter + 1), float64
        The smallest distance, over the restarts, after 0, 1, ... iterations of
        HopSkipJump. NaN where it did not run.

    norm : float
        2 or inf.

    attack : str
        Its name.
    """

    distances: Floats
    adversarials: NDArray[Any]
    queries: NDArray[np.int64]
    status: NDArray[np.str_]
    history: Floats = field(repr=False)
    norm: float = 2.0
    attack: str = "hop_skip_jump"


@dataclass(frozen=True)
class Problem:
    """What is the same for all samples and restarts."""

    estimator: FittedClassifier
    labels: LabelCodes
    attack: str
    norm: float
    clip_values: tuple[float, float]
    max_iter: int
    init_size: int
    starts: Mapping[int, NDArray[np.float32]]  # class code: samples predicted otherwise


@dataclass(frozen=True)
class Attempt:
    """What one restart gave.

    `spare` is an adversarial point farther out, for where `best` does not hold.
    """

    best: NDArray[Any] | None
    distance: float
    n_queries: int
    history: list[float]
    stopped: bool
    spare: NDArray[Any] | None = None


@validated(
    {
        "estimator": [HasMethods("predict")],
        "X": ["array-like"],
        "y": ["array-like"],
        "attack": [StrOptions({"hop_skip_jump", "boundary"})],
        "norm": [Options(object, {2, np.inf, "inf"})],
        "clip_values": ["array-like"],
        "n_restarts": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "init_size": [Interval(Integral, 1, None, closed="left")],
        "X_train": ["array-like", None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
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
    n_restarts: int = 10,
    max_iter: int = 100,
    init_size: int = 1000,
    X_train: ArrayLike | None = None,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> DistortionResult:
    """Search each sample's nearest adversarial sample by an attack on decisions alone.

    The attacks are those of the Adversarial Robustness Toolbox (ART); they see nothing
    of the model but the class it predicts. What they find is an **upper bound**: on a
    vote of sign networks an attack that knows the weights can find samples many times
    nearer. Samples that the estimator gets wrong are not attacked.

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
        Norm of distances. The boundary attack minimises the L2 norm whatever this is.

    clip_values : tuple of (float, float), default=(0.0, 1.0)
        Smallest and largest value a feature may take.

    n_restarts : int, default=10
        Attacks a sample, from different starts; the best is kept.

    max_iter : int, default=100
        Iterations of an attack.

    init_size : int, default=1000
        Most samples of uniform noise tried for a start.

    X_train : array-like of shape (n_train, n_features), default=None
        Samples to start from: those that the estimator gives another class, the
        nearest one first, then random ones. Without any, the start is noise.

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
        If the estimator has a single class, a label of `y` or of its predictions is
        none of its classes, it does not predict one label a sample, or a value of `X`
        or `X_train` lies outside `clip_values`.

    Notes
    -----
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
    labels = LabelCodes(estimator)
    clip_values = check_clip_values(clip_values)
    norm = np.inf if norm == "inf" else float(norm)
    X = check_samples(X, "X", estimator, clip_values)
    check_consistent_length(X, y)
    codes = labels.encode(y, "y")
    if X_train is not None:
        X_train = check_samples(X_train, "X_train", estimator, clip_values)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    right = np.flatnonzero(labels.predict(estimator, X) == codes)
    problem = Problem(
        estimator, labels, attack, norm, clip_values, max_iter, init_size,
        _starts(estimator, labels, X_train, np.unique(codes[right])),
    )  # fmt: skip
    jobs = (
        delayed(_attempt)(problem, X[i], codes[i], restart, (seed, i, restart))
        for i in right
        for restart in range(n_restarts)
    )
    # Processes: not every estimator's predict may run in two threads at once.
    attempts = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    attempts = _watched(attempts, right.size * n_restarts, verbose)
    by_sample: dict[np.intp, list[Attempt]] = {i: [] for i in right}

    def found(by_sample: dict[np.intp, list[Attempt]]) -> DistortionResult:
        return collect(problem, X, codes, by_sample)

    def found_so_far() -> dict[str, DistortionResult]:
        return {attack: collect_part(found, by_sample, right, n_restarts)}

    with keep_results(found_so_far):
        for i in np.repeat(right, n_restarts):
            by_sample[i].append(next(attempts))
        return found(by_sample)


def check_samples(
    X: ArrayLike,
    name: str,
    estimator: FittedClassifier,
    clip_values: tuple[float, float],
) -> NDArray[Any]:
    """Floats of the estimator's features, within the clip values."""
    X = as_numbers(X, name, estimator)
    check_range(X, name, clip_values)
    return X


def check_range(X: NDArray[Any], name: str, clip_values: tuple[float, float]) -> None:
    """Refuse values outside the clip values; NaN is none."""
    low, high = clip_values
    outside = X[(X < low) | (X > high)]
    if outside.size:
        raise ValueError(
            f"{name} has the value {outside[0]:g} outside clip_values=({low:g}, "
            f"{high:g}); give the range of the data as clip_values."
        )


def _starts(
    estimator: FittedClassifier,
    labels: LabelCodes,
    X_train: NDArray[Any] | None,
    codes: NDArray[np.intp],
) -> dict[int, NDArray[np.float32]]:
    """For each class, the training samples that are predicted otherwise."""
    if X_train is None:
        return {}
    predicted = labels.predict(estimator, X_train)
    return {code: X_train[predicted != code].astype(np.float32) for code in codes}


def _watched(
    attempts: Iterable[Attempt], n_attempts: int, verbose: int
) -> Iterator[Attempt]:
    """Pass attempts on, and show how far they are."""
    line = ProgressLine("minimum_distortion", "attacks", n_attempts, "distance")
    for attempt in attempts:
        if verbose:
            line(attempt.distance)
        yield attempt


# threadpoolctl comes without type hints.
@threadpool_limits.wrap(limits=1, user_api="blas")  # type: ignore[untyped-decorator]
def _attempt(
    problem: Problem,
    x: NDArray[Any],
    code: int,
    restart: int,
    seed: tuple[int, int, int],
) -> Attempt:
    """Attack one sample once."""
    from sklearn_scd.robustness._attacks import repeatable

    generator = np.random.Generator(np.random.PCG64(seed))

    def predict(samples: NDArray[Any]) -> NDArray[np.intp]:
        return problem.labels.predict(problem.estimator, samples)

    x = x.astype(np.float32)
    record = repeatable.Record(x, code, predict, problem.norm)
    asked = repeatable.AskedClassifier(
        problem.estimator, problem.labels, problem.clip_values, "predict"
    )
    asked.record = record
    if problem.attack == "hop_skip_jump":
        attack = repeatable.RepeatableHopSkipJump(
            asked, norm=problem.norm, max_iter=int(problem.max_iter), verbose=False
        )
    else:
        attack = repeatable.RepeatableBoundaryAttack(
            asked, targeted=False, max_iter=int(problem.max_iter), verbose=False
        )
    stopped = False
    try:
        start = _find_start(problem, record, restart, generator)
        if start is not None:
            attack.run(start, generator)
    except repeatable.AttackStoppedError:
        stopped = True
    if record.best is not None:
        _search_boundary(record, problem.clip_values)
        if problem.attack == "hop_skip_jump":
            record.history.append(record.distance)
    return Attempt(
        record.best, record.distance, record.n_queries, record.history, stopped
    )


def _find_start(
    problem: Problem, record: Record, restart: int, generator: np.random.Generator
) -> NDArray[np.float32] | None:
    """A sample of another class, or None if there is none.

    The nearest one of the training set for the first restart; then noise, if there is
    any in a few tries, and random ones of the training set by turns: the boundary has
    local minima, and the way from a start leads into one.
    """
    candidates = problem.starts.get(record.code)
    if candidates is None or not len(candidates):
        return _find_noise(problem, record, problem.init_size, generator)
    start = None
    if restart % 2 == 1:
        n_tries = min(problem.init_size, _NOISE_ROWS)
        start = _find_noise(problem, record, n_tries, generator)
    if start is None:
        start = _find_candidate(candidates, record, restart == 0, generator)
    return start


def _find_candidate(
    candidates: NDArray[np.float32],
    record: Record,
    nearest: bool,
    generator: np.random.Generator,
) -> NDArray[np.float32] | None:
    from sklearn_scd.robustness._attacks.repeatable import distances_between

    if nearest:
        k = distances_between(candidates, record.x, record.norm).argmin()
    else:
        k = generator.integers(len(candidates))
    found = candidates[k]
    # The record is to know it. Alone a sample may be rounded to its other side.
    return found if record.ask(found[np.newaxis])[0] != record.code else None


def _find_noise(
    problem: Problem, record: Record, n_tries: int, generator: np.random.Generator
) -> NDArray[np.float32] | None:
    low, high = problem.clip_values
    for done in range(0, n_tries, _NOISE_ROWS):
        n = min(_NOISE_ROWS, n_tries - done)
        noise = generator.random((n, record.x.size), dtype=np.float32)
        noise = np.clip(low + (high - low) * noise, low, high).astype(np.float32)
        wrong = np.flatnonzero(record.ask(noise) != record.code)
        if wrong.size:
            return noise[wrong[0]]
    return None


def _search_boundary(record: Record, clip_values: tuple[float, float]) -> None:
    """Move the record's best sample to the boundary: attacks end after a step.

    It stays a hair outside, so that it does not depend on how a matrix product is
    rounded whether it is misclassified.
    """
    record.restart_guard()
    assert record.best is not None
    outer, inner = record.best, record.x
    for _ in range(_HALVINGS):
        middle = (0.5 * inner + 0.5 * outer).astype(np.float32)
        if (middle == inner).all() or (middle == outer).all():
            break
        if record.ask(middle[np.newaxis])[0] != record.code:
            outer = middle
        else:
            inner = middle
    outside = record.x + np.float32(1 + _HAIR) * (outer - record.x)
    outside = np.clip(outside, *clip_values)
    if record.ask(outside[np.newaxis])[0] != record.code:
        outer = outside
    record.keep(outer)


def collect(
    problem: Problem,
    X: NDArray[Any],
    codes: NDArray[np.intp],
    by_sample: Mapping[np.intp, Sequence[Attempt]],
) -> DistortionResult:
    """Keep the nearest point of each sample that is what it says.

    On the boundary a point may be of another class by itself and not among others; in a
    thin cell no move outwards helps. The next nearest is taken then.
    """
    n_samples = len(X)
    distances = np.zeros(n_samples)
    adversarials = X.copy()
    queries = np.zeros(n_samples, dtype=np.int64)
    status = np.full(n_samples, MISCLASSIFIED, dtype="<U13")
    history = np.full((n_samples, problem.max_iter + 1), np.nan)
    points: dict[np.intp, list[NDArray[Any]]] = {}
    for i, attempts in by_sample.items():
        queries[i] = sum(attempt.n_queries for attempt in attempts)
        points[i] = _points_of(attempts, X[i], problem.norm)
        status[i] = STOPPED if all(a.stopped for a in attempts) else ATTACKED
        if not points[i]:
            distances[i], adversarials[i] = np.inf, np.nan
            status[i] = NO_START
            continue
        history[i] = _best_history(attempts, problem.max_iter + 1)
    found = np.array([i for i in by_sample if status[i] != NO_START], dtype=int)
    lost, open_ = [], found
    while open_.size:
        for i in open_:
            adversarials[i] = np.clip(points[i].pop(0), *problem.clip_values)
        open_ = _settle(problem, X, codes, adversarials, open_)
        lost += [i for i in open_ if not points[i]]
        open_ = np.array([i for i in open_ if points[i]], dtype=int)
    distances[lost], adversarials[lost], status[lost] = np.inf, np.nan, STOPPED
    for i in np.setdiff1d(found, lost):
        distances[i] = distance_between(adversarials[i], X[i], problem.norm)
    return DistortionResult(
        distances, adversarials, queries, status, history, problem.norm, problem.attack
    )


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
    problem: Problem,
    X: NDArray[Any],
    codes: NDArray[np.intp],
    adversarials: NDArray[Any],
    rows: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Move samples outwards until they are misclassified whoever asks.

    A matrix product may round a sample on the boundary otherwise than a product with
    that sample alone. What is left is misclassified by a prediction of all samples and
    by one of each alone; rows for which that can't be had are returned.
    """

    def is_right(rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        return (
            problem.labels.predict(problem.estimator, adversarials[rows])
            == (codes[rows])
        )

    if rows.size == 0:
        return rows
    for k in range(_NUDGES):
        alone = np.array([is_right(rows[j : j + 1])[0] for j in range(rows.size)])
        failing = rows[is_right(rows) | alone]
        if failing.size == 0:
            break
        outwards = adversarials[failing].astype(np.float64) - X[failing]
        moved = X[failing] + (1.0 + _HAIR * 2.0**k) * outwards
        adversarials[failing] = np.clip(moved, *problem.clip_values)
    return failing


def distance_between(a: NDArray[Any], b: NDArray[Any], norm: float) -> float:
    difference = a.astype(np.float64) - b.astype(np.float64)
    return float(np.linalg.norm(difference, ord=norm))
