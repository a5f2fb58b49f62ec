"""The attack that knows the hyperplanes, against what is known otherwise."""

import numpy as np
import pytest
from _robustness_helpers import Rule, assert_is_what_it_says, blobs, small_networks
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_scd.robustness import certified_distortion, nearest_flip
from sklearn_scd.robustness._attacks.collecting import collect
from sklearn_scd.robustness._attacks.problem import read_problem
from sklearn_scd.robustness._attacks.sample import Attempt
from sklearn_scd.robustness._hyperplanes.least_distance import (
    cube_in_box,
    least_distance_in_box,
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "options",
    [{}, {"loss": "01"}, {"binary_weights": True}, {"hidden_units": 0, "loss": "01"}],
)
def test_samples_found_lie_above_the_certificate(options, dtype):
    X, y = blobs()
    X = X.astype(dtype)
    model = small_networks().set_params(**options).fit(X, y)
    X, y = X[:20], y[:20]
    result = nearest_flip(model, X, y, random_state=0)
    assert_is_what_it_says(result, model, X, y, share=0.9)
    bounds = certified_distortion(model, X, y)
    assert (bounds <= result.distances).all()
    assert result.adversarials.dtype == dtype


@pytest.mark.parametrize(
    ("options", "norm"),
    [
        ({}, np.inf),
        ({"voting": "soft"}, 2),
        ({"voting": "soft"}, np.inf),
        ({"hidden_units": 0, "loss": "01"}, 2),
    ],
)
def test_other_norms_and_votes_lie_above_the_certificate_too(options, norm):
    n_classes = 2 if norm == np.inf else 3
    X, y = blobs(n_classes)
    model = small_networks(**options).fit(X, y)
    X, y = X[:12], y[:12]
    result = nearest_flip(model, X, y, norm=norm, random_state=0)
    assert_is_what_it_says(result, model, X, y, share=0.9)
    bounds = certified_distortion(model, X, y, norm=norm)
    assert (bounds <= result.distances).all()


@pytest.mark.parametrize("labels", [("ill", "well"), (-1, 1), (3, 1, 2)])
def test_pipelines_and_labels_of_any_kind(labels):
    X, y = blobs(len(labels))
    y = np.array(labels)[y]
    model = make_pipeline(StandardScaler(), PCA(3), small_networks()).fit(X, y)
    result = nearest_flip(model, X[:12], y[:12], random_state=0)
    assert_is_what_it_says(result, model, X[:12], y[:12], share=0.9)
    assert (certified_distortion(model, X[:12], y[:12]) <= result.distances).all()


def test_nothing_worse_is_returned_than_what_it_starts_from():
    X, y = blobs()
    model = small_networks().fit(X, y)
    right = np.flatnonzero(model.predict(X) == y)[:10]
    X, y = X[right], y[right]
    alone = nearest_flip(model, X, y, random_state=0)
    started = nearest_flip(model, X, y, X_start=alone.adversarials, random_state=1)
    assert (started.distances <= alone.distances).all()
    far = X + 1.5 * (alone.adversarials - X)
    far = np.clip(far, 0, 1)
    with_start = nearest_flip(model, X, y, X_start=far, random_state=0)
    assert (with_start.distances <= alone.distances * (1 + 2.0**-11)).all()
    starts = alone.adversarials.copy()
    starts[::2] = np.nan
    mixed = nearest_flip(model, X, y, X_start=starts, random_state=0)
    assert_is_what_it_says(mixed, model, X, y, share=0.9)
    with pytest.raises(
        ValueError, match=r"X_start must have the shape of X, \(10, 6\)"
    ):
        nearest_flip(model, X, y, X_start=starts[:3])
    with pytest.raises(
        ValueError, match=r"X_start has the value .* outside clip_values"
    ):
        nearest_flip(model, X, y, X_start=starts + 2)


def test_results_depend_on_the_seed_alone():
    X, y = blobs()
    model = small_networks().fit(X, y)
    one, two = (
        nearest_flip(model, X[:12], y[:12], random_state=3, n_jobs=n) for n in (1, 2)
    )
    assert_array_equal(one.distances, two.distances)
    assert_array_equal(one.adversarials, two.adversarials)
    few = nearest_flip(model, X[4:5], y[4:5], random_state=3, time_limit=0.01)
    assert few.status[0] == one.status[4]


def test_other_models_and_values_out_of_range_are_refused():
    X, y = blobs()
    with pytest.raises(TypeError, match="got RandomForestClassifier"):
        nearest_flip(RandomForestClassifier(5).fit(X, y), X, y)
    model = small_networks().fit(X, y)
    with pytest.raises(ValueError, match="outside clip_values"):
        nearest_flip(model, 2 * X, y)


def test_shortest_steps_within_a_box_equal_a_general_solver():
    rng = np.random.default_rng(0)
    for _ in range(10):
        rows = rng.standard_normal((3, 8))
        low, high = -0.4 * rng.random(8), 0.4 * rng.random(8)
        levels = 0.6 * (rows @ rng.uniform(low, high)) - 0.01
        levels = np.maximum(levels, 0.05 * np.abs(levels))
        bounds = list(zip(low, high, strict=True))
        constraint = {"type": "ineq", "fun": lambda d, r=rows, t=levels: r @ d - t}
        general = minimize(
            lambda d: d @ d, np.zeros(8), jac=lambda d: 2 * d, bounds=bounds,
            constraints=[constraint], method="SLSQP", options={"ftol": 1e-14},
        )  # fmt: skip
        step = least_distance_in_box(rows, levels, low, high)
        if not general.success:
            continue
        assert (rows @ step >= levels - 1e-8).all()
        assert (step >= low).all()
        assert (step <= high).all()
        assert_allclose(step, general.x, atol=1e-5)
        flat = cube_in_box(rows, levels, low, high)
        assert (rows @ flat >= levels - 1e-8).all()
        assert np.abs(flat).max() <= np.abs(step).max() + 1e-9


def test_where_a_thin_cell_does_not_hold_the_next_point_is_taken():
    """A point at its edge is right among others, and so is every one beyond it."""
    cell = Rule(lambda X: (X[:, 0] > 0.501) & (X[:, 0] < 0.5015))
    problem = read_problem(
        cell, np.zeros((3, 2)), [0, 0, 0], norm=2, clip_values=(0, 1)
    )
    edge, inside, far = ([value, 0.0] for value in (0.5, 0.5012, 0.9))
    attempts = {
        0: [Attempt(np.array(edge), 0.5, 3, [], False, np.array(inside))],
        1: [
            Attempt(np.array(inside), 0.5012, 2, [], False),
            Attempt(np.array(edge), 0.5, 1, [], False, np.array(far)),
        ],
        2: [Attempt(np.array(edge), 0.5, 3, [], False, np.array(far))],
    }
    result = collect(problem, attempts, "nearest_flip")
    assert result.status.tolist() == ["attacked", "attacked", "stopped"]
    assert_array_equal(result.adversarials[:2], [inside, inside])
    assert_allclose(result.distances, [0.5012, 0.5012, np.inf])
    assert_array_equal(result.queries, [3, 3, 3])
