"""An attack by gradients, through smooth stand-ins for the steps of sign networks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from scipy.special import expit, softmax
from sklearn.utils import check_consistent_length, check_random_state
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
from sklearn_scd.robustness._attacks.interruption import collect_part, keep_results
from sklearn_scd.robustness._hyperplanes.geometry import small_basis
from sklearn_scd.robustness._hyperplanes.networks import SignNetworks, sign_networks
from sklearn_scd.robustness._labels import LabelCodes

# Samples attacked side by side: a product with few rows takes as long as with one.
_TOGETHER = 4
_NOISE = 0.01  # size of the steps to start from, of the first radius

# All that follows was tuned on SCDCE, 100 votes on chest X-rays, in pixels and in 32
# principal components. Pairs are values at the start and at the end of a round.
_SPREADS = 3.0  # a temperature of 1, in root mean squares of movements
_COOLING = (1.0, 0.1)  # factor of temperatures
_WIDTH = (1.0, 0.02)  # of the votes' sigmoids, in mean output weights
_REAL_WIDTH = 2.0  # factor of it where outputs are real: those move in leaps
_LENGTH = (0.105, 0.005)  # of gradient steps, of the radius
_CHANGE = (0.1, 0.005)  # of the radius
_GROWTH = 0.25  # of the radius, until something adversarial is found
_COOLER = 0.3  # factor of temperatures and widths in the second round
_ELITE = 0.25  # share of the attempts that the second round starts from
_N_LOOKS = 1000  # random samples asked for where the first round finds nothing

_LEAST = 1e-4  # weight of votes out of reach: without it some gradients would be 0
_STEEPEST = 15.0  # sigmoids are cut off there, while float32 still has their slopes
_HALVINGS = 20  # of the last binary search
_HAIR = 2.0**-12  # of the distance
_NUDGES = 22  # doubled each time, from a hair on


@validated(
    {
        "estimator": [HasMethods("predict")],
        "X": ["array-like"],
        "y": ["array-like"],
        "norm": [Options(object, {2, np.inf, "inf"})],
        "clip_values": ["array-like"],
        "temperatures": ["array-like"],
        "n_restarts": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }
)
def surrogate_attack(
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike,
    *,
    norm: Norm = 2,
    clip_values: tuple[float, float] = (0.0, 1.0),
    temperatures: ArrayLike = (0.03, 0.1, 0.3),
    n_restarts: int = 4,
    max_iter: int = 200,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> distortion.DistortionResult:
    """Find adversarial samples of a vote of sign networks by gradients of stand-ins.

    A white-box attack: sign networks have no gradient, so it takes that of the same
    networks with smooth steps. Whether a sample is adversarial the real ones say.
    Distances are **upper bounds** of what a sample can stand.

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

    temperatures : array-like of shape (n_temperatures,), default=(0.03, 0.1, 0.3)
        Widths of the sigmoids that stand in for the units' steps, at the start of an
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
    along the gradient, back to a sphere (a cube for the norm inf) around the sample and
    into the range of values; then the radius shrinks if the point is adversarial, and
    grows if not. What is followed is the lead of another class over the true one: that
    of the strongest, and from the third restart on of others, too. For hard votes it is
    a sum of sigmoids of the outputs, so narrow towards the end that votes count only
    while they are about to change: the median vote decides, and no other need move. The
    straight-through gradient is that of [3]_.

    Temperatures and widths fall while an attempt goes on. Half way the best quarter of
    a sample's attempts takes the place of all, and they fall once more, from less;
    where nothing adversarial was found by then, it is looked for in noise.
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
    labels = LabelCodes(estimator)
    clip_values = check_clip_values(clip_values)
    norm = np.inf if norm == "inf" else float(norm)
    temperatures = _check_temperatures(temperatures)
    X = distortion.check_samples(X, "X", estimator, clip_values)
    check_consistent_length(X, y)
    codes = labels.encode(y, "y")
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    problem = distortion.Problem(
        estimator, labels, "surrogate", norm, clip_values, max_iter, 0, {}
    )
    stand_in = _StandIn(sign_networks(estimator, X))
    plan = _make_plan(temperatures, n_restarts, labels.classes.size)
    right = np.flatnonzero(labels.predict(estimator, X) == codes)
    jobs = (
        delayed(_attack)(problem, stand_in, plan, X[part], codes[part], part, seed)
        for part in np.split(right, range(_TOGETHER, right.size, _TOGETHER))
        if part.size
    )
    line = ProgressLine("surrogate_attack", "samples", right.size, "distance")
    attempts: dict[np.intp, list[distortion.Attempt]] = {}

    def all_found(attempts):
        return distortion.collect(problem, X, codes, attempts)

    def found_so_far():
        return {"surrogate": collect_part(all_found, attempts, right, 1)}

    # Set here for all threads, whose own limits would be lifted by the first to end.
    with keep_results(found_so_far), threadpool_limits(limits=1, user_api="blas"):
        groups = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(jobs)
        found = (attempt for group in groups for attempt in group)
        for i, attempt in zip(right, found, strict=True):
            attempts[i] = [_confirm(problem, attempt, X[i], codes[i])]
            if verbose:
                line(attempt.distance)
        return all_found(attempts)


def _check_temperatures(temperatures):
    values = np.asarray(temperatures, dtype=np.float32)
    if values.ndim != 1 or values.size == 0 or not (values > 0).all():
        raise ValueError(
            f"temperatures must be one or more positive numbers, got {temperatures!r}."
        )
    if not np.isfinite(values).all():
        raise ValueError(f"temperatures must be finite, got {temperatures!r}.")
    return values


@threadpool_limits.wrap(limits=1, user_api="blas")
def _attack(problem, stand_in, plan, X, codes, places, seed):
    """Attack some samples; an `Attempt` for each."""
    generators = [np.random.default_rng((seed, place)) for place in places]
    return _Search(problem, stand_in, plan, X, codes, generators).run()


def _confirm(problem, attempt, x, code):
    """Move an attempt's sample outwards until the estimator misclassifies it.

    It computes in float32: where the networks have a sample on the boundary, or one as
    near to it as float32 can tell, it may see it on the other side.
    """
    if attempt.best is None:
        return attempt
    outwards = attempt.best.astype(np.float64) - x
    for k in range(-1, _NUDGES):
        factor = 1.0 if k < 0 else 1.0 + _HAIR * 2.0**k
        point = np.clip(x + factor * outwards, *problem.clip_values).astype(x.dtype)
        if problem.labels.predict(problem.estimator, point[np.newaxis])[0] != code:
            break
    distance = distortion.distance_between(point, x, problem.norm)
    return replace(
        attempt, best=point, distance=distance,
        history=[*attempt.history[:-1], distance],
    )  # fmt: skip


@dataclass(frozen=True)
class _Plan:
    """What tells the attempts at a sample apart.

    Attributes
    ----------
    temperatures : ndarray of shape (n_attempts,), float32
    straight : ndarray of shape (n_attempts,), bool
        Whether the gradient is taken at the real networks' outputs.
    ranks : ndarray of shape (n_attempts,), intp
        0: towards the class that is the strongest other one at each step; k: towards
        the one that is k-th after the strongest where the attempt starts.
    """

    temperatures: np.ndarray
    straight: np.ndarray
    ranks: np.ndarray


def _make_plan(temperatures, n_restarts, n_classes):
    """Attempts of all restarts; from the third restart on other classes have a turn."""
    restarts = np.repeat(np.arange(n_restarts), temperatures.size)
    ranks = np.zeros(restarts.size, dtype=np.intp)
    if n_classes > 2:
        turns = (restarts // 2 - 1) * temperatures.size
        turns += np.tile(np.arange(temperatures.size), n_restarts)
        ranks = np.where(restarts < 2, 0, 1 + turns % (n_classes - 2))
    return _Plan(np.tile(temperatures, n_restarts), restarts % 2 == 1, ranks)


class _StandIn:
    """The networks, and the gradient of what stands in for them. All in float32.

    Parameters
    ----------
    networks : SignNetworks
    """

    def __init__(self, networks: SignNetworks):
        self.networks = networks
        rows, basis = networks.normals, small_basis(networks.normals)
        self._basis = None
        if basis is not None:  # two thin products instead of a thick one
            rows, self._basis = rows @ basis.T, basis.astype(np.float32)
        self._rows = rows.astype(np.float32)
        self._coef = networks.output_coef.astype(np.float32)
        self._intercept = networks.output_intercept.astype(np.float32)

    def movements(self, steps):
        """How far steps move along the normals, (n, n_rows)."""
        if self._basis is not None:
            steps = steps @ self._basis.T
        return steps @ self._rows.T

    def shares(self, outputs):
        """Shares of the votes, or mean probabilities, that decide: (n, n_classes)."""
        networks = self.networks
        if networks.voting == "hard":
            return networks.counts(outputs) / networks.n_votes
        means = expit(outputs).mean(axis=1)
        return np.hstack([1.0 - means, means]) if networks.n_rivals == 1 else means

    def predict(self, outputs):
        """Class codes, shape (n,); of equal shares the first class is predicted."""
        return self.shares(outputs).argmax(axis=1)

    def gradient(
        self, positions, outputs, codes, targets, straight, temperatures, widths
    ):
        """Gradient of another class's lead over the true one, up to a factor.

        Parameters
        ----------
        positions : ndarray of shape (n, n_rows)
        outputs : ndarray of shape (n, n_votes, n_rivals)
            Of the real networks.
        codes : ndarray of shape (n,)
            The classes to get away from.
        targets : ndarray of shape (n,)
            Those to get to; -1 for whichever is the strongest.
        straight : ndarray of shape (n,), bool
        temperatures, widths : ndarray of shape (n,), float32
            Of the sigmoids of units and votes.

        Returns
        -------
        gradient : ndarray of shape (n, n_features)
        """
        sides = self._sides(outputs, codes, targets)
        if self.networks.distances_are_outputs:
            weights = self._vote_weights(outputs, sides, widths)
            weights = weights.reshape(positions.shape) * self.networks.scales
        else:
            slopes, smooth = self._fire(positions, temperatures)
            smooth = smooth.reshape(outputs.shape)
            smooth[straight] = outputs[straight]
            weights = self._vote_weights(smooth, sides, widths)
            slopes *= self._coef
            slopes *= weights.reshape(len(positions), -1, 1)
            weights = slopes.reshape(positions.shape)
        gradient = weights.astype(np.float32, copy=False) @ self._rows
        return gradient if self._basis is None else gradient @ self._basis

    def _fire(self, positions, temperatures):
        """Slopes of smooth units, and the outputs of networks of them."""
        z = positions / temperatures[:, np.newaxis]
        np.clip(z, -_STEEPEST, _STEEPEST, out=z)
        firing = expit(z, out=z).reshape(len(z), *self._coef.shape)
        outputs = np.einsum("inj,nj->in", firing, self._coef) + self._intercept
        return firing * (1.0 - firing), outputs

    def _vote_weights(self, outputs, sides, widths):
        """Gradient of the lead by the outputs, shape (n, n_votes, n_rivals)."""
        if self.networks.voting == "soft":
            shares = expit(outputs)
        else:
            # Where all votes are far from changing, so far must the sigmoids reach.
            lag = -np.median((outputs * sides).sum(axis=2), axis=1)
            widths = np.maximum(widths, lag)[:, np.newaxis, np.newaxis]
            z = outputs / widths
            if self.networks.n_rivals > 1:
                shares = softmax(z, axis=2)
                lead = (shares * sides).sum(axis=2, keepdims=True)
                return shares * (sides - lead) + _LEAST * sides
            shares = expit(np.clip(z, -_STEEPEST, _STEEPEST))
        return (shares * (1.0 - shares) + _LEAST) * sides

    def _sides(self, outputs, codes, targets):
        """1 for the outputs of the other class, -1 for those of the true one."""
        if self.networks.n_rivals == 1:
            return np.where(codes == 1, -1.0, 1.0)[:, np.newaxis, np.newaxis]
        rows = np.arange(len(codes))
        strongest = self.others(outputs, codes)[:, 0]
        sides = np.zeros((len(codes), 1, self.networks.n_classes))
        sides[rows, 0, codes] = -1.0
        sides[rows, 0, np.where(targets < 0, strongest, targets)] = 1.0
        return sides

    def others(self, outputs, codes):
        """The other classes, the strongest first: shape (n, n_classes - 1)."""
        # Of equal shares, that with larger outputs.
        shares = self.shares(outputs)
        if self.networks.n_rivals > 1:
            shares += 1e-6 * expit(outputs).mean(axis=1)
        shares[np.arange(len(codes)), codes] = -np.inf
        return np.argsort(-shares, axis=1, kind="stable")[:, :-1]


class _Search:
    """Attempts at some samples, side by side.

    Row ``s * n_attempts + a`` of all arrays is attempt a at sample s.
    """

    def __init__(self, problem, stand_in, plan, X, codes, generators):
        self.problem, self.stand_in = problem, stand_in
        self.X, self.generators = X, generators
        n_attempts = plan.temperatures.size
        self.shape = len(X), n_attempts
        positions = stand_in.networks.positions(X)
        self.codes = self._by_row(codes)
        self.temperatures = np.tile(plan.temperatures, len(X))
        self.straight = np.tile(plan.straight, len(X))
        others = stand_in.others(stand_in.networks.outputs(positions), codes)
        self.targets = np.where(plan.ranks > 0, others[:, plan.ranks], -1).ravel()
        self.origin = np.repeat(positions.astype(np.float32), n_attempts, axis=0)
        low, high = problem.clip_values
        self.room = (
            (low - X[:, np.newaxis]).astype(np.float32),
            (high - X[:, np.newaxis]).astype(np.float32),
        )
        self._measure(X, positions)
        shape = n_attempts, X.shape[1]
        self.steps = np.concatenate(
            [rng.standard_normal(shape, dtype=np.float32) for rng in generators]
        )
        self._to_radius()
        self.steps *= np.float32(_NOISE)
        self.best_steps = np.zeros_like(self.steps)
        self.best = np.full(len(self.steps), np.inf)
        self.n_queries = np.zeros(len(X), dtype=np.int64)
        self.history = []

    def _measure(self, X, positions):
        """Scales of the samples: radii, distances to hyperplanes, outputs."""
        networks, n_features = self.stand_in.networks, X.shape[1]
        low, high = self.problem.clip_values
        distances = np.abs(positions)
        self.distances = self._by_row(np.median(distances, axis=1))
        # Below this float32 can't tell on which side of a hyperplane a sample is.
        least = networks.rounding(X).max(axis=1)
        self.widest = high - low
        if self.problem.norm == np.inf:
            sizes = np.abs(networks.normals).sum(axis=1)
            distances = distances / np.where(sizes > 0, sizes, 1.0)
            least = least / np.sqrt(n_features)
        else:
            self.widest *= np.sqrt(n_features)
        self.least = self._by_row(np.minimum(least, self.widest))
        radii = self._by_row(np.median(distances, axis=1))
        self.radii = np.clip(radii, self.least, self.widest).astype(np.float32)
        if networks.distances_are_outputs:
            outputs = np.abs(networks.outputs(self.origin)).mean(axis=(1, 2))
        else:
            outputs = np.abs(networks.output_coef).mean()
        factors = np.where(self.straight, _REAL_WIDTH, 1.0)
        self.widths = np.maximum(outputs, 1e-6) * factors

    def _by_row(self, values):
        return np.repeat(values, self.shape[1])

    def run(self):
        """Attack; returns an `Attempt` for each sample."""
        max_iter = self.problem.max_iter
        first = max_iter // 2
        for k in range(max_iter):
            if k == first:
                self._start_again()
            second = k >= first
            done = (k - first) / (max_iter - first) if second else k / first
            adversarial, near = self._look()
            self._keep_history()
            self._step(done, _COOLER if second else 1.0)
            self._change_radii(adversarial, near, done)
            self._to_radius()
        self._look()
        return self._finish()

    def _look(self):
        """Ask the networks; which rows are adversarial, and which half as far as well.

        Half the way costs no product: movements are linear.
        """
        self.movements = self.stand_in.movements(self.steps)
        self.sizes = self._sizes(self.steps)
        networks = self.stand_in.networks
        seen = []
        for share in (1.0, 0.5):
            self.n_queries += self.shape[1]
            positions = self.origin + np.float32(share) * self.movements
            outputs = networks.outputs(positions)
            if share == 1.0:
                self.positions, self.outputs = positions, outputs
            adversarial = self.stand_in.predict(outputs) != self.codes
            sizes = share * self.sizes
            # Nearer ones may be the sample itself, once they are rounded.
            better = adversarial & (sizes < self.best) & (sizes >= self.least / 2)
            self.best[better] = sizes[better]
            self.best_steps[better] = np.float32(share) * self.steps[better]
            seen.append(adversarial)
        return seen

    def _step(self, done, cooler):
        """Follow the gradient."""
        found = np.isfinite(self.best)
        spreads = np.sqrt(np.square(self.movements).mean(axis=1))
        scales = _SPREADS * spreads
        scales = np.where(found, scales, np.maximum(scales, self.distances))
        cooling = cooler * _between(_COOLING, done)
        temperatures = np.maximum(cooling * self.temperatures * scales, 1e-20)
        gradient = self.stand_in.gradient(
            self.positions, self.outputs, self.codes, self.targets, self.straight,
            temperatures.astype(np.float32),
            (cooler * _between(_WIDTH, done) * self.widths).astype(np.float32),
        )  # fmt: skip
        if self.problem.norm == np.inf:
            gradient = np.sign(gradient, out=gradient)
        else:
            sizes = self._sizes(gradient)
            gradient /= np.where(sizes > 0, sizes, 1.0)[:, np.newaxis]
        length = _LENGTH[0] + done * (_LENGTH[1] - _LENGTH[0])
        gradient *= (length * self.radii).astype(np.float32)[:, np.newaxis]
        self.steps += gradient

    def _change_radii(self, adversarial, near, done):
        """Shrink the spheres of adversarial rows, and grow the others."""
        change = _between(_CHANGE, done)
        grown = np.where(np.isfinite(self.best), 1.0 + change, 1.0 + _GROWTH)
        shrunk = np.minimum(self.radii, self.sizes) * np.where(near, 0.5, 1.0 - change)
        radii = np.where(adversarial | near, shrunk, self.radii * grown)
        self.radii = np.clip(radii, self.least, self.widest).astype(np.float32)

    def _to_radius(self):
        """Bring the steps back to their spheres or cubes, and into the clip values."""
        steps, radii = self.steps, self.radii[:, np.newaxis]
        if self.problem.norm == np.inf:
            np.clip(steps, -radii, radii, out=steps)
        else:
            sizes = self._sizes(steps)
            steps *= radii / np.where(sizes > 0, sizes, 1.0)[:, np.newaxis]
        by_sample = steps.reshape(*self.shape, -1)
        np.clip(by_sample, *self.room, out=by_sample)

    def _start_again(self):
        """Give all attempts at a sample the places of the best ones."""
        n_attempts = self.shape[1]
        n_elite = int(np.ceil(_ELITE * n_attempts))
        for s in range(self.shape[0]):
            rows = np.arange(s * n_attempts, (s + 1) * n_attempts)
            if np.isinf(self.best[rows]).all():
                self._look_around(s, rows)
            order = rows[np.argsort(self.best[rows], kind="stable")]
            n_found = np.isfinite(self.best[rows]).sum()
            if n_found == 0:
                continue
            elite = np.resize(order[: min(n_elite, n_found)], n_attempts)
            self.steps[order] = self.best_steps[order] = self.best_steps[elite]
            self.best[order] = self.radii[order] = self.best[elite]
            self.targets[order] = self.targets[elite]

    def _look_around(self, s, rows):
        """Take the nearest adversarial samples on the ways to uniform noise.

        Gradients may have led an attempt into a corner of the range of values.
        """
        rng, (low, high) = self.generators[s], self.problem.clip_values
        shape = _N_LOOKS, self.X.shape[1]
        noise = low + (high - low) * rng.random(shape, dtype=np.float32)
        steps = rng.random((_N_LOOKS, 1), dtype=np.float32) * (noise - self.X[s])
        steps = steps.astype(np.float32, copy=False)
        positions = self.origin[rows[0]] + self.stand_in.movements(steps)
        outputs = self.stand_in.networks.outputs(positions)
        self.n_queries[s] += _N_LOOKS
        found = self.stand_in.predict(outputs) != self.codes[rows[0]]
        steps, sizes = steps[found], self._sizes(steps[found])
        nearest = np.argsort(sizes, kind="stable")[: rows.size]
        self.best[rows[: nearest.size]] = sizes[nearest]
        self.best_steps[rows[: nearest.size]] = steps[nearest]
        self.targets[rows] = -1

    def _finish(self):
        """Search the boundary on the way to each row's best step, in float64."""
        networks = self.stand_in.networks
        n_attempts = self.shape[1]
        found = np.flatnonzero(np.isfinite(self.best))
        steps = self.best_steps[found].astype(np.float64)
        origin = networks.positions(self.X)[found // n_attempts]
        movements = steps @ networks.normals.T
        far = np.ones(found.size)
        near = np.minimum(self.least[found] / self.best[found], 1.0)
        for _ in range(_HALVINGS if found.size else 0):
            middle = 0.5 * (near + far)
            outputs = networks.outputs(origin + middle[:, np.newaxis] * movements)
            adversarial = self.stand_in.predict(outputs) != self.codes[found]
            far = np.where(adversarial, middle, far)
            near = np.where(adversarial, near, middle)
        self.best[found] *= far
        self.best_steps[found] = far[:, np.newaxis] * steps
        self.n_queries += _HALVINGS * n_attempts
        self._keep_history()
        return [self._attempt(s) for s in range(self.shape[0])]

    def _attempt(self, s):
        """The best attempt at a sample."""
        n_attempts = self.shape[1]
        k = s * n_attempts + self.best[s * n_attempts : (s + 1) * n_attempts].argmin()
        history = [distances[s] for distances in self.history]
        best = None
        if np.isfinite(self.best[k]):
            best = (self.X[s] + self.best_steps[k].astype(np.float64)).astype(
                self.X.dtype
            )
        return distortion.Attempt(
            best, self.best[k], int(self.n_queries[s]), history, False
        )

    def _keep_history(self):
        self.history.append(self.best.reshape(self.shape).min(axis=1))

    def _sizes(self, steps):
        if self.problem.norm == np.inf:
            return np.abs(steps).max(axis=1)
        return np.sqrt(np.einsum("ij,ij->i", steps, steps))


def _between(ends, done):
    """Go from one positive number to another by equal factors."""
    return ends[0] * (ends[1] / ends[0]) ** done
