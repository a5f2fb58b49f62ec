"""An attack that knows the hyperplanes: cross the fewest that change the vote."""

from __future__ import annotations

from numbers import Integral, Real
from time import monotonic

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
)
from threadpoolctl import threadpool_limits

from sklearn_scd._progress import ProgressLine
from sklearn_scd._typing import FittedClassifier, Norm, RandomState, validated
from sklearn_scd.robustness._attacks import minimum_distortion as distortion
from sklearn_scd.robustness._attacks.bridge import check_clip_values
from sklearn_scd.robustness._attacks.crossing import Crossing, Sample
from sklearn_scd.robustness._attacks.interruption import (
    collect_part,
    hang_results,
    keep_results,
    results_kept_by,
)
from sklearn_scd.robustness._attacks.surrogate import surrogate_attack
from sklearn_scd.robustness._hyperplanes.geometry import geometry_of
from sklearn_scd.robustness._hyperplanes.least_distance import (
    cube_in_box,
    least_distance_in_box,
)
from sklearn_scd.robustness._hyperplanes.networks import sign_networks
from sklearn_scd.robustness._hyperplanes.standing import stand
from sklearn_scd.robustness._labels import LabelCodes

_TRIALS = 40  # exchanges of votes, where there is no time limit
_FEWEST_TARGETS = 3  # classes tried a sample, the most promising first
_ROUNDS = 3  # with the features left out that the last one pressed against an end
_DIRECTIONS, _SIZES, _PROBES = 200, 40, 5  # of lines looked along, and starts on them
_REPAIRS = 20  # votes added because the range of values undid others
_HALVINGS = 40


@validated(
    {
        "estimator": [HasMethods("predict")],
        "X": ["array-like"],
        "y": ["array-like"],
        "norm": [Options(object, {2, np.inf, "inf"})],
        "clip_values": ["array-like"],
        "X_start": ["array-like", None],
        "time_limit": [Interval(Real, 0, None, closed="neither"), None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }
)
def nearest_flip(
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike,
    *,
    norm: Norm = 2,
    clip_values: tuple[float, float] = (0.0, 1.0),
    X_start: ArrayLike | None = None,
    time_limit: float | None = None,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> distortion.DistortionResult:
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

    norm : {2, numpy.inf}, default=2
        Norm of distances.

    clip_values : tuple of (float, float), default=(0.0, 1.0)
        Smallest and largest value a feature may take.

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
        or a value lies outside `clip_values`.

    See Also
    --------
    certified_distortion : The other end: what no perturbation gets below.

    Notes
    -----
    Soft votes, and linear classifiers under 0/1 loss with more than two classes, have
    no set of hyperplanes to cross: for them the step comes from
    :func:`surrogate_attack`, and so does a start for L-infinity, for more than two
    classes, and for samples for which votes could not be added.

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
    labels = LabelCodes(estimator)
    clip_values = check_clip_values(clip_values)
    norm = np.inf if norm == "inf" else float(norm)
    X = distortion.check_samples(X, "X", estimator, clip_values)
    check_consistent_length(X, y)
    codes = labels.encode(y, "y")
    starts = _check_starts(X_start, X, clip_values)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    networks = sign_networks(estimator, X)
    attack = _Attack(
        estimator, labels, networks, geometry_of(networks.normals), norm, clip_values,
        time_limit,
    )  # fmt: skip
    right = np.flatnonzero(labels.predict(estimator, X) == codes)
    attempts: dict[np.intp, list[distortion.Attempt]] = {}

    def found(attempts):
        problem = distortion.Problem(
            estimator, labels, "nearest_flip", norm, clip_values, 0, 0, {}
        )
        result = distortion.collect(problem, X, codes, attempts)
        if X_start is not None:
            rows = np.array(list(attempts), dtype=int)
            _keep_better_starts(problem, result, X, codes, rows, X_start)
        return result

    def found_so_far():
        tried = {i: [attack.try_starts(X[i], codes[i], starts[i])] for i in right}
        # Two attempts a sample: one that was not crossed from has the first alone.
        for i, made in attempts.items():
            tried[i] += made
        return {"nearest_flip": collect_part(found, tried, right, 2)}

    with keep_results(found_so_far):
        # With many classes votes added one by one came a quarter too far on digits.
        if not attack.has_hyperplanes or norm == np.inf or networks.n_classes > 2:
            attack.add_surrogates(X, y, right, starts, seed)
        attack.run_all(X, codes, right, starts, seed, n_jobs, verbose, attempts)
        lost = np.array(
            [i for i in right if attempts[i][0].best is None], dtype=np.intp
        )
        if attack.has_hyperplanes and norm == 2 and lost.size:
            attack.add_surrogates(X, y, lost, starts, seed)
            attack.run_all(X, codes, lost, starts, seed, n_jobs, verbose, attempts)
        return found(attempts)


def _keep_better_starts(problem, result, X, codes, rows, X_start):
    """Put starts back that are nearer by the hair that results are kept outside."""
    X_start = np.asarray(X_start).astype(X.dtype)
    rows = rows[~np.isnan(X_start[rows]).any(axis=1)]
    if rows.size == 0:
        return

    def predict(samples):
        return problem.labels.predict(problem.estimator, samples)

    for i in rows[predict(X_start[rows]) != codes[rows]]:
        distance = distortion.distance_between(X_start[i], X[i], problem.norm)
        is_nearer = 0 < distance < result.distances[i]
        if is_nearer and predict(X_start[i : i + 1])[0] != codes[i]:
            result.adversarials[i], result.distances[i] = X_start[i], distance
            result.status[i] = distortion.ATTACKED


def _check_starts(X_start, X, clip_values):
    """Starts of each sample, none where a row is NaN."""
    if X_start is None:
        return [[] for _ in X]
    X_start = check_array(
        X_start, dtype=[np.float32, np.float64], ensure_all_finite="allow-nan",
        input_name="X_start",
    )  # fmt: skip
    if X_start.shape != X.shape:
        raise ValueError(
            f"X_start must have the shape of X, {X.shape}, got {X_start.shape}."
        )
    distortion.check_range(X_start, "X_start", clip_values)
    return [[] if np.isnan(row).any() else [row] for row in X_start]


class _Attack:
    """What is the same for all samples."""

    def __init__(
        self, estimator, labels, networks, geometry, norm, clip_values, time_limit
    ):
        self.estimator, self.labels = estimator, labels
        self.networks, self.geometry = networks, geometry
        self.norm, self.clip_values, self.time_limit = norm, clip_values, time_limit
        self.has_hyperplanes = (
            networks.voting == "hard"
            and not networks.distances_are_outputs
            and geometry.is_known
        )

    def add_surrogates(self, X, y, rows, starts, seed):
        """Give samples a start from a gradient, where hyperplanes alone give none."""
        if rows.size == 0:
            return

        def keep(found):
            for i, row in zip(rows, found.adversarials, strict=True):
                if not np.isnan(row).any():
                    starts[i].append(row)

        try:
            found = surrogate_attack(
                self.estimator, X[rows], np.asarray(y)[rows], norm=self.norm,
                clip_values=self.clip_values, random_state=seed,
            )  # fmt: skip
        except BaseException as error:
            # Its rows are some of those here: what it leaves is no result of these.
            for part in results_kept_by(error).values():
                keep(part)
            hang_results(error, {})
            raise
        keep(found)

    def try_starts(self, x, code, starts):
        """The nearest of a sample's starts as an attempt, without crossing from it."""
        hunt = _Hunt(self, x, code)
        for start in starts:
            hunt.try_point(start)
        return hunt.attempt()

    def run_all(self, X, codes, rows, starts, seed, n_jobs, verbose, attempts):
        """Attack some samples; write the attempts at each into a dict by its row."""
        jobs = (delayed(self.run)(X[i], codes[i], starts[i], (seed, i)) for i in rows)
        line = ProgressLine("nearest_flip", "samples", rows.size, "distance")
        # One BLAS thread each; limits of their own the first to end would lift.
        with threadpool_limits(limits=1, user_api="blas"):
            found = Parallel(n_jobs, prefer="threads", return_as="generator")(jobs)
            for i, attempt in zip(rows, found, strict=True):
                attempts[i] = [attempt]
                if verbose:
                    line(attempt.distance)

    def run(self, x, code, starts, seed):
        """Attack one sample, by itself first and then from the starts."""
        hunt = _Hunt(self, x, code)
        if self.has_hyperplanes:
            self._cross(hunt, np.random.default_rng((*seed, 0)))
        if starts:
            other = _Hunt(self, x, code)
            for start in starts:
                other.try_point(start)
            if self.has_hyperplanes:
                self._cross(other, np.random.default_rng((*seed, 1)))
            hunt.take_over(other)
        hunt.search_boundary()
        return hunt.attempt()

    def _cross(self, hunt, rng):
        """Cross hyperplanes towards the most promising classes."""
        standing = next(stand(self.networks, hunt.x[np.newaxis], 2.0))
        winner = int(standing.counts.argmax())
        targets = np.argsort(-standing.counts, kind="stable")
        for target in targets[targets != winner][:_FEWEST_TARGETS]:
            geometry = self.geometry
            for _ in range(_ROUNDS):
                sample = Sample(geometry, standing)
                crossing = self._shortest_crossing(sample, hunt, winner, target, rng)
                if crossing is None:
                    break
                step = self._fit_in(hunt, crossing, winner, target)
                if step is None or geometry.gram is not None or self.norm == np.inf:
                    break
                geometry = self._movable(hunt, step)
                if geometry is None:
                    break

    def _movable(self, hunt, step):
        """The geometry in the features that a step does not press against an end."""
        low, high = self.clip_values
        pressed = ((hunt.x <= low) & (step <= 0)) | ((hunt.x >= high) & (step >= 0))
        if self.geometry.basis is None or not pressed.any():
            return None
        return self.geometry.of_features(~pressed)

    def _shortest_crossing(self, sample, hunt, winner, target, rng):
        """The best crossing from the sample, and from the best point so far."""
        best = None
        standing = sample.standing
        starts = [None, *self._moves_to(hunt, standing, target)]
        if self.geometry.has_small_basis:
            starts += self._probe(sample, hunt, target, rng)
        for moves in starts:
            crossing = Crossing(sample)
            if moves is not None:
                crossing.vote_towards(winner, target, moves)
                crossing.solve()
            done = crossing.feasible and crossing.complete(winner, target)
            if done and (best is None or crossing.length < best.length):
                best = crossing
        return None if best is None else self._exchange(best, winner, target, rng)

    def _probe(self, sample, hunt, target, rng):
        """Moves to the nearest points of a class along random directions.

        In few dimensions the boundary has many local minima and directions are cheap.
        """
        coordinates = sample.geometry.coordinates
        directions = rng.standard_normal((_DIRECTIONS, coordinates.shape[1]))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        moves = (directions @ coordinates.T) * sample.signs
        reachable = sample.beyond[np.isfinite(sample.beyond)]
        if reachable.size == 0:
            return []
        reach = np.median(reachable)
        found = np.full(_DIRECTIONS, np.inf)
        for size in reach * np.geomspace(16, 1 / 16, _SIZES):
            turned = size * moves > sample.before
            outputs = self.networks.outputs(np.where(turned, -1.0, 1.0) * -sample.signs)
            counts = self.networks.counts(outputs)
            found[counts.argmax(axis=1) == target] = size
        nearest = np.argsort(found, kind="stable")[:_PROBES]
        nearest = nearest[np.isfinite(found[nearest])]
        if sample.geometry is self.geometry:
            basis = self.geometry.basis
            steps = found[nearest, np.newaxis] * directions[nearest]
            for step in steps if basis is None else steps @ basis:
                hunt.try_point(hunt.x + step)
        return [found[i] * moves[i] for i in nearest]

    def _moves_to(self, hunt, standing, target):
        """Moves to the best point so far, if it is of the class."""
        if hunt.best is None:
            return []
        step = hunt.best.astype(np.float64) - hunt.x
        moves = (self.networks.normals @ step) * standing.signs.ravel()
        predicted = self.labels.predict(self.estimator, hunt.best[np.newaxis])[0]
        return [moves] if predicted == target else []

    def _exchange(self, best, winner, target, rng):
        """Exchange votes for others while the step gets shorter."""
        end = np.inf if self.time_limit is None else monotonic() + self.time_limit
        trial = 0
        while monotonic() < end and (self.time_limit is not None or trial < _TRIALS):
            trial += 1
            votes, places = np.unique(best.votes, return_inverse=True)
            shares = np.zeros(votes.size)
            np.add.at(shares, places, best.multipliers * best.sides * best.levels)
            shares = np.maximum(shares, 0.0)
            if not shares.any():
                break
            most = int(np.count_nonzero(shares))
            n_out = min(int(rng.choice([1, 1, 2, 3, 5])), most)
            out = rng.choice(votes, size=n_out, replace=False, p=shares / shares.sum())
            other = best.copy()
            other.remove(np.isin(other.votes, out))
            other.solve()
            if (
                other.feasible
                and other.complete(winner, target)
                and other.length < best.length
            ):
                best = other
        return best

    def _fit_in(self, hunt, crossing, winner, target):
        """Make the step one within the range of values, and add votes that it loses.

        Returns
        -------
        step : ndarray of shape (n_features,), or None
            None where there is none.
        """
        sample = crossing.sample
        for _ in range(_REPAIRS):
            if crossing.rows.size == 0:
                return None
            towards = crossing.sides * sample.signs[crossing.rows]
            rows = self.networks.normals[crossing.rows] * towards[:, np.newaxis]
            levels = crossing.sides * crossing.levels
            low, high = (end - hunt.x for end in self.clip_values)
            shortest = cube_in_box if self.norm == np.inf else least_distance_in_box
            step = shortest(rows, levels, low, high)
            if step is None or hunt.try_point(hunt.x + step):
                return step
            crossing.moves = (self.networks.normals @ step) * sample.signs
            if crossing.add_cheapest(winner, target) is None:
                break
        return None


class _Hunt:
    """The nearest adversarial point so far of a sample."""

    def __init__(self, attack, x, code):
        self.attack, self.code = attack, code
        self.dtype = x.dtype
        self.x = x.astype(np.float64)
        self.best, self.distance, self.n_queries = None, np.inf, 0
        self.spare = None

    def attempt(self):
        """What it has found."""
        return distortion.Attempt(
            self.best, self.distance, self.n_queries, [], False, self.spare
        )

    def is_other(self, point):
        """Whether the estimator gives a point another class."""
        self.n_queries += 1
        labels, estimator = self.attack.labels, self.attack.estimator
        return labels.predict(estimator, point[np.newaxis])[0] != self.code

    def try_point(self, point):
        """Keep a point if it is adversarial and the nearest; say whether it is."""
        point = np.clip(point, *self.attack.clip_values).astype(self.dtype)
        if not self.is_other(point):
            return False
        distance = distortion.distance_between(point, self.x, self.attack.norm)
        if 0 < distance < self.distance:
            self.best, self.distance = point, distance
        return True

    def take_over(self, other):
        """Keep another hunt's best point where it is nearer."""
        self.n_queries += other.n_queries
        if other.distance < self.distance:
            self.best, self.distance = other.best, other.distance

    def search_boundary(self):
        """Move the best point towards the sample as far as it stays adversarial."""
        if self.best is None:
            return
        self.spare = self.best
        near, far, step = 0.0, 1.0, self.best - self.x
        for _ in range(_HALVINGS):
            middle = 0.5 * (near + far)
            if self.try_point(self.x + middle * step):
                far = middle
            else:
                near = middle
            if far - near < 1e-6:
                break
