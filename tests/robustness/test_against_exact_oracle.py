"""Certificates, exact distances and attacks, against an oracle that shares nothing.

Hypothesis draws some hundreds of small ensembles. A long run takes as many as it is
told, others with each seed::

    ORACLE_EXAMPLES=20000 python -m pytest -p no:cacheprovider -s \\
        tests/robustness/test_against_exact_oracle.py --hypothesis-seed=0

It is the number of all examples together; each test takes its share. What it finds
belongs in `REGRESSIONS`.
"""

import os
from collections import defaultdict
from fractions import Fraction
from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from numpy.testing import assert_allclose
from small_problems import Problem, problems, well_posed_problems

from sklearn_scd.robustness import (
    certified_distortion,
    exact_distance,
    nearest_flip,
    surrogate_attack,
)

NORMS = [1, 2, inf]
METHODS = ["order", "spectral", "split", "branch_and_bound", "best"]

NOWHERE = 1e6
RATIOS = defaultdict(list)
N_EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", 0))

# Where nothing changes the class, that is what is asked for.
pytestmark = pytest.mark.filterwarnings("ignore:.* whatever the input is:UserWarning")


def examples(n):
    """Settings of a test that takes `n` of 300 examples, or more in a long run."""
    return settings(
        derandomize=not N_EXAMPLES,
        database=None,
        deadline=None,
        max_examples=max(n, n * N_EXAMPLES // 300),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )


def methods_of(problem, norm):
    """Methods that have a bound for the ensemble."""
    together = norm == 2 and problem.voting == "hard" and not problem.oracle.compares
    return METHODS if together else ["order", "best"]


def has_exact_distance(problem, norm):
    """Whether :func:`exact_distance` is for such an ensemble."""
    if problem.n_votes > 1:
        return False
    alone = len(problem.hidden_coef) == 1 and len(problem.hidden_coef[0]) == 1
    hard = norm == 2 and problem.voting == "hard"
    return alone or hard or problem.oracle.compares


def bounds_of(problem, norm):
    """All that is promised to be no larger than the distance, by name."""
    model, X = problem.model, problem.samples
    bounds = {
        method: certified_distortion(
            # 'split' would take all the time it is given.
            model, X, norm=norm, method=method,
            time_limit=1.0 if method == "branch_and_bound" else None,
        )
        for method in methods_of(problem, norm)
    }  # fmt: skip
    if has_exact_distance(problem, norm):
        bounds["exact_distance"] = exact_distance(model, X, norm=norm)
    return bounds


def exact_sizes(problem, norm, **options):
    """Distance of each sample from other classes than the predicted; of L2 squared."""
    codes = problem.model.predict(problem.samples)
    return [
        problem.oracle.nearest(x, norm, code, **options).distance
        for x, code in zip(problem.samples, codes, strict=True)
    ]


def as_float(size, norm):
    """A distance of the oracle, rounded."""
    return sqrt(size) if norm == 2 else float(size)


def assert_no_bound_is_too_large(problem):
    """Without any slack: whatever is rounded, bounds are rounded downwards."""
    for norm in NORMS:
        sizes = exact_sizes(problem, norm)
        for name, bounds in bounds_of(problem, norm).items():
            for i, (bound, size) in enumerate(zip(bounds, sizes, strict=True)):
                assert bound >= 0
                proven = bound if bound == inf else Fraction(bound)
                assert (proven**2 if norm == 2 else proven) <= size, (
                    f"{name}, norm {norm}, sample {i}: bound {bound!r}, but another "
                    f"class at {as_float(size, norm)!r}"
                )


def check_attacks(problem):
    """What is found is of another class and no nearer than the nearest can be."""
    model, X = problem.model, problem.samples
    codes = model.predict(X)
    clip_values = range_around(problem)
    options = {"clip_values": clip_values, "random_state": 0}
    for norm in NORMS:
        sizes = exact_sizes(problem, norm, box=clip_values, certain=False)
        results = {
            "nearest_flip": nearest_flip(model, X, codes, norm=norm, **options),
            "surrogate_attack": surrogate_attack(
                model, X, codes, norm=norm, n_restarts=1, max_iter=10, **options
            ),
        }
        for name, result in results.items():
            for i, size in enumerate(sizes):
                exact = as_float(size, norm)
                if 1e-3 * (clip_values[1] - clip_values[0]) < exact < inf:
                    RATIOS[name, norm].append(result.distances[i] / exact)
                if result.distances[i] < inf:
                    assert_is_found(problem, result, i, codes[i], exact)


def range_around(problem):
    """Clip values: the samples and some room."""
    low, high = float(problem.samples.min()), float(problem.samples.max())
    reach = max(4 * max(problem.scale or [1.0]), 1e-6 * max(-low, high))
    return low - reach, high + reach


def assert_is_found(problem, result, i, code, exact):
    point, distance = result.adversarials[i], result.distances[i]
    low, high = range_around(problem)
    assert low <= point.min() <= point.max() <= high
    assert problem.model.predict(point[np.newaxis])[0] != code
    if problem.oracle.classes_at(point) != {code}:
        assert distance >= exact * (1 - 1e-9), (result.attack, result.norm)
    else:  # beside the boundary, where floats are on the other side
        assert problem.is_rounded(point)


REGRESSIONS = {
    "rivals that tie but for the last bit": Problem(
        hidden_coef=[[[1.0]], [[1.0]], [[0.0]], [[0.0]], [[1.0]], [[1.0]]],
        hidden_intercept=[[0.0]] * 6,
        output_coef=[[1.0], [1.0], [1.0], [1.0], [1.0], [-1.0]],
        output_intercept=[-1 - 1 / 120, *[-1 / 120] * 3, -1 - 1 / 120, -1 / 120],
        X=[[0.0]],
        n_classes=3,
    ),
    "one rival rises to the others": Problem(
        hidden_coef=[[[0.0]], [[0.0]], [[1.0]]],
        hidden_intercept=[[0.0]] * 3,
        output_coef=[[1.0]] * 3,
        output_intercept=[-1 / 120] * 3,
        X=[[1.0]],
        n_classes=3,
    ),
    "rivals that all tie": Problem(
        hidden_coef=[[[0.0, 0.0], [0.0, 1.0]], *[[[0.0, 0.0], [0.0, 0.0]]] * 3],
        hidden_intercept=[[0.0, 1.0], *[[0.0, 0.0]] * 3],
        output_coef=[[1.0, -1.0], *[[1.0, 1.0]] * 3],
        output_intercept=[1 / 3] * 4,
        X=[[0.0, 0.0]],
        n_classes=4,
    ),
    "almost antiparallel hyperplanes": Problem(
        hidden_coef=[[[1.0, 0.0], [-1.0, 1e-5]]],
        hidden_intercept=[[-1.0, -1.0]],
        output_coef=[[1.0, 1.0]],
        output_intercept=[-1.5],
        X=[[0.0, 0.0]],
    ),
    "units that meet 1e31 away, in features of scales 1e30 apart": Problem(
        hidden_coef=[[[0.0, 1.0], [0.0, 1.0], [0.1, -1.0]]],
        hidden_intercept=[[0.0, 0.0, 1.0]],
        output_coef=[[1.0, 1.0, 1.0]],
        output_intercept=[0.0],
        X=[[0.0, 0.0]],
        mean=[1.0, 0.0],
        scale=[1e30, 1.0],
    ),
    "units that meet 1 away, though all hyperplanes are within 1e-30": Problem(
        hidden_coef=[[[0.0, 0.0, -1.0]], [[0.0, 1.0, 1.0]], [[0.0, 0.0, -1.0]]],
        hidden_intercept=[[0.0], [-1.0], [0.0]],
        output_coef=[[-1.0], [1.0], [-1.0]],
        output_intercept=[1.0, 0.0, 0.0],
        X=[[0.0, 0.0, 0.0]],
        n_classes=3,
        mean=[0.0, 0.0, 0.0],
        scale=[1.0, 1.0, 1e-30],
    ),
    "milliseconds since 1970, some days": Problem(
        hidden_coef=[[[1.1]]],
        hidden_intercept=[[-0.49]],
        output_coef=[[1.0]],
        output_intercept=[-0.5],
        X=[[0.6], [0.3]],
        mean=[1.7e12],
        scale=[1e8],
    ),
    "milliseconds since 1970, some months": Problem(
        hidden_coef=[[[0.6, 0.0, 0.8]]],
        hidden_intercept=[[0.125]],
        output_coef=[[1.0]],
        output_intercept=[-0.5],
        X=[[0.0, 1.0, 0.5], [-1.0, 0.25, -0.5]],
        mean=[1.7e12] * 3,
        scale=[1e10] * 3,
    ),
    "two of three hyperplanes are almost parallel": Problem(
        hidden_coef=[[[0.0, 1.0], [0.1, -1.0], [1e-05, -1.0]]],
        hidden_intercept=[[0.0, 0.0, -1.0]],
        output_coef=[[1.0, 1.0, 1.0]],
        output_intercept=[-2.5],
        X=[[0.0, 0.0]],
    ),
    "a sample on a hyperplane": Problem(
        hidden_coef=[[[0.0]], [[0.0]], [[1.0]]],
        hidden_intercept=[[0.0]] * 3,
        output_coef=[[1.0]] * 3,
        output_intercept=[0.0] * 3,
        X=[[0.0]],
        n_classes=3,
    ),
    "nothing but rows of zeros": Problem(
        hidden_coef=[[[0.0]]],
        hidden_intercept=[[0.0]],
        output_coef=[[1.0]],
        output_intercept=[0.0],
        X=[[0.0]],
    ),
    "a network of rows of zeros": Problem(
        hidden_coef=[[[0.0]], [[1.0]]],
        hidden_intercept=[[0.0], [1.0]],
        output_coef=[[1.0], [1.0]],
        output_intercept=[0.0, 0.0],
        X=[[0.0]],
    ),
}


@pytest.mark.parametrize("name", REGRESSIONS)
def test_what_was_wrong_once(name):
    """Bounds too large, warnings of divisions, and steps refused as not affine."""
    assert_no_bound_is_too_large(REGRESSIONS[name])
    check_attacks(REGRESSIONS[name])


@examples(40)
@given(
    problems(
        n_classes=(3, 4), n_units=(1, 2), n_votes=2, biases=("tied",),
        relations=("fresh", "fresh", "fresh", "equal"),
    )
)  # fmt: skip
def test_bounds_where_rivals_tie(problem):
    assert_no_bound_is_too_large(problem)


@examples(40)
@given(
    problems(
        n_features=(2, 3), n_classes=(2, 2), n_units=(2, 3), n_votes=2,
        biases=("all", "all", "grid"),
        relations=("fresh", *["nearly opposite parallel"] * 3, "nearly parallel"),
    )
)  # fmt: skip
def test_bounds_where_hyperplanes_are_almost_parallel(problem):
    assert_no_bound_is_too_large(problem)


@examples(40)
@given(problems(kinds=("ce", "01", "binary")))
def test_bounds_of_any_hidden_and_output_layer(problem):
    assert_no_bound_is_too_large(problem)


@examples(30)
@given(problems(kinds=("soft", "linear", "linear 01")))
def test_bounds_of_soft_votes_and_linear_classifiers(problem):
    assert_no_bound_is_too_large(problem)


@examples(40)
@given(problems(scaled=True, kinds=("ce", "01", "soft", "linear", "linear 01")))
def test_bounds_behind_a_scaler(problem):
    assert_no_bound_is_too_large(problem)


@examples(30)
@given(well_posed_problems())
def test_branch_and_bound_ends_with_the_exact_distance(problem):
    model, X = problem.model, problem.samples
    exact = [as_float(size, 2) for size in exact_sizes(problem, 2)]
    bounds = {
        "branch_and_bound": certified_distortion(model, X, method="branch_and_bound")
    }
    if problem.n_votes == 1:
        bounds["exact_distance"] = exact_distance(model, X)
    for name, bound in bounds.items():
        # So far away is nowhere: hyperplanes meet at wide angles, and near the samples.
        bound, expected = np.minimum(bound, NOWHERE), np.minimum(exact, NOWHERE)
        assert_allclose(bound, expected, rtol=1e-4, err_msg=name)


@examples(12)
@given(problems(kinds=("ce", "01", "soft", "linear", "linear 01", "binary")))
def test_attacks(problem):
    check_attacks(problem)


@examples(6)
@given(problems(scaled=True, kinds=("ce", "01", "soft")))
def test_attacks_behind_a_scaler(problem):
    # The networks that stand in for the real ones compute squares in float32.
    assume(all(1e-15 < scale < 1e15 for scale in problem.scale))
    check_attacks(problem)


@examples(60)
@given(problems(kinds=("ce", "01", "soft", "linear", "linear 01", "binary")))
def test_predictions_are_the_exact_decisions(problem):
    """Away from hyperplanes, whose sides are told in floats."""
    rng = np.random.default_rng(0)
    around = rng.uniform(-3, 3, (8, problem.n_features)).astype(problem.dtype)
    X = np.concatenate([problem.samples, around])
    for x, code in zip(X, problem.model.predict(X), strict=True):
        if not problem.is_rounded(x):
            assert code in problem.oracle.classes_at(x)


@pytest.fixture(scope="module", autouse=True)
def _report():
    """How far attacks are from the nearest point: shown by -s, and not asserted."""
    yield
    for (name, norm), ratios in sorted(RATIOS.items()):
        found = np.array(ratios)
        lost = np.isinf(found).mean()
        median, most = np.quantile(found, [0.5, 0.95], method="higher")
        print(
            f"\n{name}, norm {norm}: {found.size} samples, found / exact at the median "
            f"{median:.7f}, at 95% {most:.4g}, at most {found.max():.4g}; "
            f"none found {lost:.1%}",
            end="",
        )
