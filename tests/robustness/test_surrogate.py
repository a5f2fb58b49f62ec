"""The attack through smooth stand-ins, against what is known otherwise."""

import numpy as np
import pytest
from _robustness_helpers import assert_is_what_it_says, blobs, small_networks
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_scd import SCDClassifier
from sklearn_scd.robustness import (
    certified_distortion,
    exact_distance,
    surrogate_attack,
)
from sklearn_scd.robustness._attacks.smooth_networks import LEAST, SmoothNetworks
from sklearn_scd.robustness._hyperplanes.networks import SignNetworks


@pytest.mark.parametrize("norm", [2, np.inf])
@pytest.mark.parametrize(("loss", "n_classes"), [("01", 2), ("ce", 2), ("01", 3)])
def test_distances_of_a_linear_model_are_the_exact_ones(loss, n_classes, norm):
    X, y = blobs(n_classes)
    model = SCDClassifier(loss, hidden_units=0, n_estimators=1, random_state=0)
    model.fit(X, y)
    exact = exact_distance(model, X[:12], y[:12], norm=norm)
    result = surrogate_attack(
        model, X[:12], y[:12], norm=norm, clip_values=(-5, 6), random_state=0
    )
    right = exact > 0
    assert (result.distances[right] >= exact[right] * (1 - 1e-5)).all()
    assert_allclose(result.distances, exact, rtol=0.01)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("voting", ["hard", "soft"])
@pytest.mark.parametrize("norm", [2, np.inf])
def test_distances_in_the_plane_are_near_those_of_brute_force(norm, voting, n_classes):
    X, y = blobs(n_classes, n_features=2)
    model = small_networks(voting=voting).fit(X, y)
    rows = np.flatnonzero(model.predict(X) == y)[:12]
    X, y = X[rows], y[rows]
    result = surrogate_attack(model, X, y, norm=norm, max_iter=100, random_state=0)
    assert_is_what_it_says(result, model, X, y, share=1)
    axis = np.linspace(0, 1, 401)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    predicted = model.predict(grid)
    others = [grid[predicted != label] - x for x, label in zip(X, y, strict=True)]
    known = np.array([np.linalg.norm(d, ord=norm, axis=1).min() for d in others])
    step = np.linalg.norm([1 / 400, 1 / 400], ord=norm)
    assert (result.distances <= 1.4 * known + step).all()
    assert np.median(result.distances / known) < 1.05


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("options", "n_classes", "norm"),
    [
        ({}, 2, 2),
        ({"loss": "01"}, 3, 2),
        ({"binary_weights": True}, 2, np.inf),
        ({"voting": "soft"}, 3, "inf"),
        ({"hidden_units": 0, "loss": "01"}, 3, 2),
        ({"hidden_units": 0, "loss": "01"}, 3, np.inf),
    ],
)
def test_samples_found_lie_above_the_certificate(options, n_classes, norm, dtype):
    X, y = blobs(n_classes)
    X = X.astype(dtype)
    model = small_networks(**options).fit(X, y)
    X, y = X[:20], y[:20]
    result = surrogate_attack(model, X, y, norm=norm, max_iter=40, random_state=0)
    assert_is_what_it_says(result, model, X, y, share=1)
    assert (certified_distortion(model, X, y, norm=norm) <= result.distances).all()


@pytest.mark.parametrize("labels", [("ill", "well"), (-1, 1), (3, 1, 2)])
def test_pipelines_and_labels_of_any_kind(labels):
    X, y = blobs(len(labels))
    y = np.array(labels)[y]
    model = make_pipeline(StandardScaler(), PCA(3), small_networks()).fit(X, y)
    X, y = X[:20], y[:20]
    result = surrogate_attack(model, X, y, max_iter=40, random_state=0)
    assert_is_what_it_says(result, model, X, y, share=1)
    assert (certified_distortion(model, X, y) <= result.distances).all()


def test_history_falls_to_the_distances_and_longer_attacks_get_nearer():
    X, y = blobs(n_features=30)
    model = small_networks(n_estimators=25).fit(X, y)
    rows = np.flatnonzero(model.predict(X) == y)[:6]
    short, long = (
        surrogate_attack(model, X[rows], y[rows], max_iter=n, random_state=0)
        for n in (1, 80)
    )
    assert short.history.shape == (6, 2)
    assert long.history.shape == (6, 81)
    assert_allclose(long.history[:, -1], long.distances, rtol=1e-3)
    earlier, later = long.history[:, :-1], long.history[:, 1:]
    assert (later <= earlier * (1 + 1e-3)).all()
    assert (long.distances < short.distances).all()
    assert (long.queries > short.queries).all()
    assert long.attack == "surrogate"


def test_results_depend_on_the_seed_alone():
    X, y = blobs()
    model = small_networks().fit(X, y)
    options = {"max_iter": 20, "n_restarts": 3}
    one, two, other = (
        surrogate_attack(model, X[:13], y[:13], n_jobs=n, random_state=seed, **options)
        for n, seed in [(1, 3), (2, 3), (1, 4)]
    )
    assert_array_equal(one.distances, two.distances)
    assert_array_equal(one.adversarials, two.adversarials)
    assert_array_equal(one.queries, two.queries)
    assert_array_equal(one.history, two.history)
    assert (one.adversarials != other.adversarials).any()


@pytest.mark.parametrize("norm", [2, np.inf])
def test_a_model_that_never_changes_is_no_start(norm):
    X, y = blobs()
    model = small_networks().fit(X, y)
    model.output_coef_ = np.zeros_like(model.output_coef_)
    model.output_intercept_ = np.ones_like(model.output_intercept_)
    result = surrogate_attack(model, X[:6], y[:6], norm=norm, random_state=0)
    wrong = y[:6] == 0
    assert_array_equal(result.status, np.where(wrong, "misclassified", "no_start"))
    assert_array_equal(result.distances, np.where(wrong, 0, np.inf))
    assert np.isnan(result.adversarials[~wrong]).all()
    assert_array_equal(result.queries > 0, ~wrong)
    assert np.isnan(result.history).all()


def test_a_class_that_lies_against_the_gradient_is_found_all_the_same():
    X, y = blobs(n_features=3)
    model = SCDClassifier(hidden_units=2, n_estimators=1, random_state=0).fit(X, y)
    # The near unit is not enough, the other one lies the other way.
    model.hidden_coef_ = np.array([[[1, 0, 0], [-1, 0, 0]]], dtype=np.float32)
    model.hidden_intercept_ = np.array([[-0.52, 0.1]], dtype=np.float32)
    model.output_coef_ = np.array([[0.25, 1.0]], dtype=np.float32)
    model.output_intercept_ = np.array([-0.5], dtype=np.float32)
    x, label = np.full((1, 3), 0.5), [0]
    result = surrogate_attack(model, x, label, random_state=0)
    assert_is_what_it_says(result, model, x, label, share=1)
    assert_allclose(result.distances, 0.4, rtol=0.01)


@pytest.mark.parametrize("norm", [2, np.inf])
@pytest.mark.parametrize("gap", [0.0, 1e-9, 1e-7, 1e-5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sample_on_the_boundary_ends_with_a_result(gap, dtype, norm):
    X, y = blobs(n_features=3)
    model = SCDClassifier(hidden_units=1, n_estimators=1, random_state=0).fit(X, y)
    model.hidden_coef_ = np.array([[[0.0, -1.0, 0.0]]], dtype=np.float32)
    model.hidden_intercept_ = np.array([[0.5 - gap]], dtype=np.float32)
    model.output_coef_ = np.array([[1.0]], dtype=np.float32)
    model.output_intercept_ = np.array([-0.5], dtype=np.float32)
    x = np.full((1, 3), 0.5, dtype=dtype)
    label = model.predict(x)
    result = surrogate_attack(model, x, label, norm=norm, max_iter=30, random_state=0)
    assert_is_what_it_says(result, model, x, label, share=1)
    assert result.distances[0] < max(1.1 * gap, 1e-5)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("voting", ["hard", "soft"])
@pytest.mark.parametrize("kind", ["smooth", "straight", "linear"])
def test_gradient_is_that_of_the_smooth_lead(kind, voting, n_classes):
    rng = np.random.default_rng(0)
    n_votes, n_units, n_features = 30, 1 if kind == "linear" else 5, 280
    n_rivals = 1 if n_classes == 2 else n_classes
    n_rows = n_votes * n_rivals * n_units
    # Many rows in a small space: the case that has products of its own.
    n_dimensions = 4 if n_rows > 256 else n_features
    normals = rng.standard_normal((n_rows, n_dimensions))
    normals = normals @ rng.standard_normal((n_dimensions, n_features))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    n_networks = n_votes * n_rivals
    networks = SignNetworks(
        normals=normals,
        centre=np.zeros(n_features),
        offsets=0.3 * rng.standard_normal(n_rows),
        output_coef=rng.standard_normal((n_networks, n_units)),
        output_intercept=rng.standard_normal(n_networks),
        n_classes=n_classes,
        voting=voting,
        distances_are_outputs=kind == "linear",
        scales=rng.uniform(0.5, 2.0, n_rows),
        rounding_coef=np.zeros((n_rows, n_features)),
        rounding_floor=np.zeros(n_rows),
        output_rounding=np.zeros(n_networks),
        usual_rounding=0.0,
    )
    start, temperature, width = rng.standard_normal(n_features), 0.4, 50.0
    real = networks.outputs(networks.positions(start[np.newaxis]))
    smooth = SmoothNetworks(networks)
    shares = smooth.shares(real)[0]
    code, target = np.argsort(-shares, kind="stable")[:2]

    def outputs(x):
        positions = normals @ x + networks.offsets
        if kind == "linear":
            return (positions * networks.scales).reshape(n_votes, n_rivals)
        firing = expit(positions / temperature).reshape(networks.output_coef.shape)
        outputs = (firing * networks.output_coef).sum(axis=1)
        return (outputs + networks.output_intercept).reshape(n_votes, n_rivals)

    # Straight through: the real outputs at the start, the smooth ones' changes.
    shift = real[0] - outputs(start) if kind == "straight" else 0.0

    def lead(x):
        votes = outputs(x) + shift
        if n_rivals == 1:
            votes = np.hstack([np.zeros_like(votes), votes])
        if voting == "hard":
            parts = width * softmax(votes / width, axis=1)
        else:
            parts = expit(votes)
        parts += LEAST * votes
        return (parts[:, target] - parts[:, code]).sum()

    directions = rng.standard_normal((20, n_features))
    h = 1e-5
    numeric = np.array(
        [lead(start + h * d) - lead(start - h * d) for d in directions]
    ) / (2 * h)
    gradient = smooth.gradient(
        networks.positions(start[np.newaxis]).astype(np.float32), real,
        np.array([code]), np.array([-1]), np.array([kind == "straight"]),
        np.full(1, temperature, np.float32), np.full(1, width, np.float32),
    )  # fmt: skip
    got = directions @ gradient[0]
    factor = (numeric @ got) / (got @ got)
    assert factor > 0
    got *= factor
    assert_allclose(got, numeric, rtol=0.01, atol=0.01 * np.abs(numeric).max())


def test_other_models_and_bad_values_are_refused():
    X, y = blobs()
    with pytest.raises(TypeError, match="got RandomForestClassifier"):
        surrogate_attack(RandomForestClassifier(5).fit(X, y), X, y)
    model = small_networks().fit(X, y)
    for message, change in {
        "outside clip_values": {"X": 2 * X},
        "y has the label 7": {"y": np.full(y.size, 7)},
        "temperatures must be": {"temperatures": [0.1, 0.0]},
        "one or more positive": {"temperatures": []},
        "must be finite": {"temperatures": [np.inf]},
        "norm must be 1, 2 or numpy.inf, got 3": {"norm": 3},
        "'n_restarts' parameter": {"n_restarts": 0},
    }.items():
        with pytest.raises(ValueError, match=message):
            surrogate_attack(model, **{"X": X, "y": y, **change})
    square = FunctionTransformer(np.square)
    with pytest.raises(ValueError, match="not affine"):
        surrogate_attack(make_pipeline(square, model).fit(X, y), X, y)
