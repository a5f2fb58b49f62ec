"""A white-box attack on the hyperplanes: cross the fewest that change the vote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import Interval

from sklearn_scd._progress import ProgressLine
from sklearn_scd._typing import FittedClassifier, Norm, RandomState, validated
from sklearn_scd.robustness._attacks.cell_search import CellSearch
from sklearn_scd.robustness._attacks.crossing_search import CrossingSearch
from sklearn_scd.robustness._attacks.demanding import (
    DemandingModel,
    demand_agreement,
    with_head_start,
)
from sklearn_scd.robustness._attacks.harness import AttackRun
from sklearn_scd.robustness._attacks.interruption import results_left_on, set_results
from sklearn_scd.robustness._attacks.line_search import (
    LineSearch,
    points_of_classes,
)
from sklearn_scd.robustness._attacks.problem import AttackProblem, read_problem
from sklearn_scd.robustness._attacks.sample import (
    AttackedSample,
    Attempt,
    attempt_at,
    take_over,
    to_boundary,
)
from sklearn_scd.robustness._attacks.surrogate import surrogate_attack
from sklearn_scd.robustness._hyperplanes.model_setup import set_up
from sklearn_scd.robustness._hyperplanes.networks import SignNetworks
from sklearn_scd.robustness._inputs import ATTACK_CONSTRAINTS, draw_seed
from sklearn_scd.robustness._results import DistortionResult

_ROUNDS = 9  # of directions around the best one, where lines are searched


@validated(
    {
        **ATTACK_CONSTRAINTS,
        "agreement": [Interval(Real, 0, 1, closed="both"), None],
        "X_start": ["array-like", None],
        "time_limit": [Interval(Real, 0, None, closed="neither"), None],
    }
)
def nearest_flip(
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike,
    *,
    norm: Norm = 2,
    clip_values: tuple[float, float] = (0.0, 1.0),
    target: Any = None,
    agreement: float | None = None,
    X_start: ArrayLike | None = None,
    time_limit: float | None = None,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> DistortionResult:
    """Find adversarial samples of a vote of sign networks by its hyperplanes.

    A white-box attack: votes are added, the cheapest first, each with units that make
    it change; the shortest step across all of their hyperplanes solves a least-distance
    problem. Then votes are exchanged for others as long as the step gets shorter, it is
    fitted into the range of values, and the estimator's own predictions are asked.

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

    agreement : float, default=None
        Share of the votes that must name the wrong class: a point with fewer is not
        adversarial, and a sample that is misclassified with fewer is attacked. For
        attacks on what tells adversarial samples by the disagreement of votes, see
        :class:`AgreementDetector`. None: a majority.

    X_start : array-like of shape (n_samples, n_features), default=None
        Adversarial samples that another attack found, to start from; NaN in rows that
        have none. Nothing worse is returned.

    time_limit : float, default=None
        Seconds of exchanging votes, a sample. None: a fixed number of exchanges, so
        that results do not depend on the machine.

    random_state : int, RandomState instance or None, default=None
        Seed of the exchanges.

    n_jobs : int or None, default=None
        Threads, or what :func:`joblib.parallel_config` says.

    verbose : int, default=0
        1 shows a line with samples done, mean distance and time left.

    Returns
    -------
    result : DistortionResult
        As of :func:`minimum_distortion`. `queries` counts predictions asked of the
        estimator; `history` is empty.

    Raises
    ------
    TypeError
        If the classifier is no SCDClassifier.
    ValueError
        If a step before it is not affine, a weight is not finite, a label is unknown,
        or a value lies outside `clip_values`. If `agreement` is given and votes are
        soft, or between more than two classes.

    See Also
    --------
    certified_distortion : Certified radii, lower bounds on what is found here.

    Notes
    -----
    Soft votes, and linear classifiers under 0/1 loss with more than two classes, have
    no set of hyperplanes to cross: for them the step comes from
    :func:`surrogate_attack` and from lines, as of :func:`line_search`. So does a start
    for other norms than L2, for more than two classes, and for samples for which votes
    could not be added. Where units have up to 640 weights together, the nearest cell
    is searched by branch and bound as well, within the range of values.

    What ends the attack early has an attribute `attack_results`, as of
    :func:`minimum_distortion`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import minmax_scale
    >>> from sklearn_scd import SCDClassifier
    >>> from sklearn_scd.robustness import nearest_flip
    >>> X, y = load_iris(return_X_y=True)
    >>> X = minmax_scale(X)
    >>> model = SCDClassifier(n_estimators=5, max_iter=50, random_state=0).fit(X, y)
    >>> nearest_flip(model, X[:3], y[:3], random_state=0).status.tolist()
    ['attacked', 'attacked', 'attacked']
    """
    problem = read_problem(
        estimator, X, y, norm=norm, clip_values=clip_values, target=target
    )
    seed = draw_seed(random_state)
    setup = set_up(estimator, problem.X)
    networks, geometry = setup.networks, setup.geometry
    if agreement is not None:
        problem = demand_agreement(problem, networks, agreement)
    run = AttackRun(problem, "nearest_flip", X_start=X_start)
    with run:
        for rows, chosen in _parts(problem, networks):
            methods = _Methods(
                CrossingSearch(problem.model, chosen, geometry, time_limit),
                LineSearch(*points_of_classes(problem, None), _ROUNDS),
                CellSearch(chosen, problem.model.norm),
            )
            _Search(run, methods, seed, n_jobs, verbose).search(rows)
        return run.result()


def _parts(
    problem: AttackProblem, networks: SignNetworks
) -> Iterator[tuple[NDArray[np.intp], SignNetworks]]:
    """Samples to attack, with the networks whose votes decide about them."""
    model = problem.model
    if not isinstance(model, DemandingModel):
        yield problem.rows, networks
        return
    for target in (0, 1):
        rows = problem.rows[problem.targets[problem.rows] == target]
        if rows.size:
            yield rows, with_head_start(networks, target, model)


@dataclass(frozen=True)
class _Methods:
    """What one sample is searched by, one after the other."""

    crossing: CrossingSearch
    lines: LineSearch
    cells: CellSearch

    @property
    def needs_starts(self) -> bool:
        """Whether crossing hyperplanes one by one is not enough.

        With many classes votes added one by one came a quarter too far on digits.
        """
        crossing = self.crossing
        return (
            not crossing.has_hyperplanes
            or crossing.model.norm != 2
            or crossing.networks.n_classes > 2
        )

    def run(
        self,
        sample: AttackedSample,
        started: AttackedSample,
        starts: list[NDArray[Any]],
        seed: tuple[int, int],
    ) -> list[Attempt]:
        """Attack one sample, by itself first and then from the starts."""
        self.crossing.run(sample, np.random.default_rng((*seed, 0)))
        if starts:
            for start in starts:
                started.ask_one(start)
            self.crossing.run(started, np.random.default_rng((*seed, 1)))
            take_over(sample, started)
        is_hard = not self.crossing.has_hyperplanes or sample.best is None
        if is_hard or self.cells.is_possible:
            self.lines(sample, np.random.default_rng((*seed, 2)))
        self.cells.run(sample)
        to_boundary(sample)
        return [attempt_at(sample)]


def _add_surrogates(run: AttackRun, rows: NDArray[np.intp], seed: int) -> None:
    """Give samples a start from a gradient, where hyperplanes alone give none."""
    if rows.size == 0:
        return
    problem = run.problem
    model, classes = problem.model, problem.model.labels.classes
    has_targets = (problem.targets[rows] >= 0).all()

    def keep(found: DistortionResult) -> None:
        for i, row in zip(rows, found.adversarials, strict=True):
            if not np.isnan(row).any():
                run.starts[i].append(row)

    try:
        found = surrogate_attack(
            model.estimator, problem.X[rows], classes[problem.codes[rows]],
            norm=model.norm, clip_values=model.clip_values,
            target=classes[problem.targets[rows]] if has_targets else None,
            random_state=seed,
        )  # fmt: skip
    except BaseException as error:
        # Its rows are some of those here: what it leaves is no result of these.
        for part in results_left_on(error).values():
            keep(part)
        set_results(error, {})
        raise
    keep(found)


@dataclass(frozen=True)
class _Search:
    """The search for samples that the same networks decide about."""

    run: AttackRun
    methods: _Methods
    seed: int
    n_jobs: int | None
    verbose: int

    def search(self, rows: NDArray[np.intp]) -> None:
        """Attack some samples, with starts from a gradient where they are needed."""
        attempts, needs_starts = self.run.attempts, self.methods.needs_starts
        if needs_starts:
            _add_surrogates(self.run, rows, self.seed)
        self._attack(rows)
        lost = np.array([i for i in rows if attempts[i][0].best is None], dtype=int)
        if not needs_starts and lost.size:
            _add_surrogates(self.run, lost, self.seed)
            self._attack(lost)

    def _attack(self, rows: NDArray[np.intp]) -> None:
        """Attack some samples, anew where they were attacked before."""
        run, problem = self.run, self.run.problem
        for i in rows:
            run.attempts[i].clear()
        jobs = (
            delayed(self.methods.run)(
                problem.sample(i), problem.sample(i), run.starts[i], (self.seed, i)
            )
            for i in rows
        )
        line = ProgressLine("nearest_flip", "samples", rows.size, "distance")
        run.run(
            jobs, rows, n_jobs=self.n_jobs, prefer="threads",
            line=line if self.verbose else None,
        )  # fmt: skip
