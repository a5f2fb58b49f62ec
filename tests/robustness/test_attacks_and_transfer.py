"""Distances, transfer and robust accuracy, against models whose answers are known."""

import subprocess
import sys

import numpy as np
import pytest
from _robustness_helpers import Rule, assert_is_what_it_says, needs_art
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binomtest
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_scd import SCDClassifier
from sklearn_scd.robustness import (
    as_art_classifier,
    minimum_distortion,
    robust_accuracy,
    transfer_matrix,
)


def _data(n=80, n_features=6):
    """Two classes in the unit cube, labels 0 and 1."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    X = 0.4 * rng.random((n, n_features)) + 0.2 + 0.2 * y[:, np.newaxis]
    return X.astype(np.float32), y


@needs_art
@pytest.mark.parametrize("labels", [(0, 1), (-1, 1), ("well", "ill")])
def test_bridge_has_a_column_for_each_class_whatever_the_labels(labels):
    X, y = _data()
    y = np.array(labels)[y]
    model = SCDClassifier(n_estimators=7, max_iter=20, random_state=0).fit(X, y)
    shares = as_art_classifier(model).predict(X)
    assert_array_equal(shares, model.predict_proba(X))
    decisions = as_art_classifier(model, response_method="predict").predict(X)
    assert_array_equal(model.classes_[decisions.argmax(axis=1)], model.predict(X))
    assert_array_equal(decisions.sum(axis=1), 1)


@needs_art
def test_bridge_takes_pipelines_searches_and_models_without_probabilities():
    X, y = _data()
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()),
        {"logisticregression__C": [0.1, 1.0]},
    )
    for model in [search, LinearSVC(), RandomForestClassifier(5, random_state=0)]:
        classifier = as_art_classifier(model.fit(X, y), clip_values=(0, 1))
        assert classifier.input_shape == (6,)
        assert classifier.nb_classes == 2
        assert_array_equal(classifier.predict(X).argmax(axis=1), model.predict(X))
        assert classifier.predict(X[:1]).shape == (1, 2)


@needs_art
def test_bridge_refuses_what_it_can_not_wrap():
    X, y = _data()
    with pytest.raises(NotFittedError):
        as_art_classifier(LogisticRegression())
    model = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match=r"response_method must be .* got 'labels'"):
        as_art_classifier(model, response_method="labels")
    for clip_values in [(1, 0), (0, np.nan), (0, 1, 2)]:
        with pytest.raises(ValueError, match="clip_values must be two finite numbers"):
            as_art_classifier(model, clip_values)


@needs_art
@pytest.mark.parametrize("norm", [2, np.inf])
def test_distances_of_a_linear_model_are_near_the_exact_ones(norm):
    X, y = _data()
    model = LogisticRegression(C=100).fit(X, y)
    dual = 2 if norm == 2 else 1
    exact = np.abs(model.decision_function(X)) / np.linalg.norm(
        model.coef_[0], ord=dual
    )
    rows = np.flatnonzero(model.predict(X) == y)[:4]
    result = minimum_distortion(
        model, X[rows], y[rows], norm=norm, n_restarts=2, max_iter=40,
        clip_values=(-2, 3), X_train=X, random_state=0,
    )  # fmt: skip
    assert_is_what_it_says(result, model, X[rows], y[rows], (-2, 3))
    assert (result.distances >= exact[rows] * (1 - 1e-5)).all()
    assert (result.distances <= exact[rows] * 1.02).all()
    assert set(result.status) == {"attacked"}
    # The history ends where the distances are and never rises, but for the hair that
    # keeps the sample outside.
    assert (np.diff(result.history[:, :-1], axis=1) <= 0).all()
    assert_allclose(result.history[:, -1], result.distances, rtol=1e-6)


@needs_art
def test_boundary_attack_comes_near_on_a_linear_model():
    X, y = _data()
    model = LogisticRegression(C=100).fit(X, y)
    exact = np.abs(model.decision_function(X)) / np.linalg.norm(model.coef_)
    rows = np.flatnonzero(model.predict(X) == y)[:2]
    result = minimum_distortion(
        model, X[rows], y[rows], attack="boundary", n_restarts=1, max_iter=100,
        clip_values=(-2, 3), X_train=X, random_state=0,
    )  # fmt: skip
    assert_is_what_it_says(result, model, X[rows], y[rows], (-2, 3))
    assert (result.distances >= exact[rows] * (1 - 1e-5)).all()
    assert (result.distances <= exact[rows] * 1.1).all()
    assert np.isnan(result.history).all()


@needs_art
@pytest.mark.parametrize("loss", ["01", "ce"])
def test_distances_in_the_plane_are_near_those_of_brute_force(loss):
    X, y = _data(n_features=2)
    model = SCDClassifier(
        loss, n_estimators=9, hidden_units=4, max_iter=60, random_state=0
    ).fit(X, y)
    rows = np.flatnonzero(model.predict(X) == y)[:4]
    axis = np.linspace(0, 1, 401, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    predicted = model.predict(grid)
    exact = np.array(
        [np.linalg.norm(grid[predicted != y[i]] - X[i], axis=1).min() for i in rows]
    )
    result = minimum_distortion(
        model, X[rows], y[rows], X_train=X, max_iter=30, random_state=0
    )
    assert_is_what_it_says(result, model, X[rows], y[rows])
    assert (result.distances >= exact - np.sqrt(2) / 400).all()
    assert (result.distances <= exact * 1.1 + 1 / 400).all()


@needs_art
@pytest.mark.parametrize("attack", ["hop_skip_jump", "boundary"])
def test_same_numbers_for_the_same_seed_whatever_the_threads(attack):
    X, y = _data()
    model = SCDClassifier(n_estimators=5, max_iter=30, random_state=0).fit(X, y)
    before = np.random.get_state()[1].copy()  # noqa: NPY002

    def run(**params):
        return minimum_distortion(
            model, X[:3], y[:3], attack=attack, n_restarts=2, max_iter=3,
            **{"random_state": 0, "X_train": X, **params},
        )  # fmt: skip

    expected = run()
    assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    for n_jobs in [1, 2]:
        again = run(n_jobs=n_jobs)
        assert_array_equal(again.distances, expected.distances)
        assert_array_equal(again.adversarials, expected.adversarials)
        assert_array_equal(again.queries, expected.queries)
    assert (run(random_state=1).adversarials != expected.adversarials).any()


@needs_art
def test_labels_of_any_kind_give_the_same_distances():
    X, y = _data()
    distances = []
    for labels in [(0, 1), (-1, 1), ("a", "b")]:
        named = np.array(labels)[y]
        model = SCDClassifier(n_estimators=5, max_iter=30, random_state=0)
        model.fit(X, named)
        result = minimum_distortion(
            model, X[:4], named[:4], n_restarts=1, max_iter=3, X_train=X, random_state=0
        )
        distances.append(result.distances)
    assert np.isfinite(distances[0]).all()
    assert_array_equal(distances[0], distances[1])
    assert_array_equal(distances[0], distances[2])


@needs_art
def test_nothing_found_is_neither_zero_nor_robust_and_nothing_is_attacked_in_vain():
    X, y = _data(n_features=2)
    never_wrong = Rule(lambda X: np.zeros(len(X)))
    result = minimum_distortion(
        never_wrong, X[:2], y[:2], n_restarts=2, init_size=250, random_state=0
    )
    assert_array_equal(result.status, ["no_start", "misclassified"])
    assert_array_equal(result.distances, [np.inf, 0])
    assert_array_equal(result.queries, [500, 0])
    assert np.isnan(result.adversarials[0]).all()
    assert_array_equal(result.adversarials[1], X[1])


@needs_art
def test_attack_starts_from_training_samples_where_noise_finds_nothing():
    corner = Rule(lambda X: (X > 0.99).all(axis=1), n_features=8)
    X = np.full((1, 8), 0.5, dtype=np.float32)
    found = minimum_distortion(
        corner, X, [0], X_train=np.ones((3, 8)), n_restarts=1, max_iter=5,
        random_state=0,
    )  # fmt: skip
    assert_is_what_it_says(found, corner, X, [0])
    assert 0.49 * np.sqrt(8) < found.distances[0] <= 0.5 * np.sqrt(8)
    from_noise = minimum_distortion(
        corner, X, [0], n_restarts=1, init_size=200, random_state=0
    )
    assert_array_equal(from_noise.status, ["no_start"])


@needs_art
@pytest.mark.parametrize("norm", [2, np.inf])
@pytest.mark.parametrize("gap", [0.0, 1e-9, 1e-7, 1e-6, 1e-4])
def test_a_sample_on_the_boundary_ends_with_a_result(gap, norm):
    x = np.array([[0.5, 0.5, 0.5]], dtype=np.float32)
    step = Rule(lambda X: X[:, 0].astype(float) > 0.5 + gap, n_features=3)
    result = minimum_distortion(
        step, x, [0], norm=norm, n_restarts=2, max_iter=20, random_state=0
    )
    assert_is_what_it_says(result, step, x, [0])
    assert gap < result.distances[0] <= max(2 * gap, 1e-3)


@needs_art
def test_returned_samples_lie_on_the_boundary():
    X, y = _data()
    model = SCDClassifier(n_estimators=9, max_iter=40, random_state=0).fit(X, y)
    rows = np.flatnonzero(model.predict(X) == y)[:6]
    result = minimum_distortion(
        model, X[rows], y[rows], X_train=X, n_restarts=1, max_iter=4, random_state=0
    )
    assert_is_what_it_says(result, model, X[rows], y[rows])
    inwards = X[rows] + 0.999 * (result.adversarials - X[rows])
    assert_array_equal(model.predict(inwards), y[rows])
    assert result.adversarials.min() >= 0
    assert result.adversarials.max() <= 1


@needs_art
def test_bad_input_is_refused_before_anything_is_computed():
    X, y = _data()
    model = LogisticRegression().fit(X, y)
    for message, change in {
        "X has the value 2.* outside clip_values": {"X": X + 2},
        "X_train has the value -1 outside": {"X_train": X * 0 - 1},
        "y has the label 7": {"y": y + 7},
        "X has 3 features, but the estimator is expecting 6": {"X": X[:, :3]},
        "inconsistent numbers of samples": {"y": y[:-1]},
        "norm must be 2 or numpy.inf, got 1: .* nearest_flip": {"norm": 1},
        "'attack' parameter": {"attack": "fgsm"},
        "'n_restarts' parameter": {"n_restarts": 0},
        "contains NaN": {"X": X * np.nan},
    }.items():
        arguments = {"X": np.round(X), "y": y, **change}
        with pytest.raises(ValueError, match=message):
            minimum_distortion(model, max_iter=1, **arguments)
    with pytest.raises(NotFittedError):
        minimum_distortion(LogisticRegression(), X, y)


def test_robust_accuracy_counts_what_stands_above_epsilon():
    distances = [0.0, 0.0, 0.5, 1.0, np.inf]
    curve = robust_accuracy(distances, [0.0, 0.5, 0.7, 10.0])
    assert_allclose(curve.accuracies, [0.6, 0.4, 0.4, 0.2])
    for k, low, high in zip([3, 2, 2, 1], curve.low, curve.high, strict=True):
        interval = binomtest(k, 5).proportion_ci(method="wilson")
        assert (low, high) == (interval.low, interval.high)
    for bad in [[-1.0], [np.nan], []]:
        with pytest.raises(ValueError, match=r"distances|minimum of 1"):
            robust_accuracy(bad, [0.0])
    assert robust_accuracy(distances, 0.5).accuracies == curve.accuracies[1]
    with pytest.raises(ValueError, match="confidence_level"):
        robust_accuracy(distances, [0.0], confidence_level=1)


def test_transfer_matrix_is_that_counted_by_hand():
    models = {
        "first": Rule(lambda X: X[:, 0] > 0.5),
        "second": Rule(lambda X: X[:, 1] > 0.5),
        "none": Rule(lambda X: np.zeros(len(X))),
    }
    y = np.array([0, 1, 0])
    adversarials = {
        "first": np.array([[0.6, 0.1], [0.4, 0.9], [np.nan, np.nan]]),
        "second": np.array([[0.1, 0.6], [0.4, 0.4], [0.7, 0.7]]),
    }
    result = transfer_matrix(models, adversarials, y)
    expected = [
        [[True, True, False], [False, False, False], [False, True, False]],
        [[False, True, True], [True, True, True], [False, True, False]],
    ]
    assert_array_equal(result.fooled, expected)
    assert_array_equal(result.valid, [[True, True, False], [True, True, True]])
    assert_allclose(result.rates, [[1, 0, 0.5], [2 / 3, 1, 1 / 3]])
    # A model's own samples are left out: two of the other for the first, and so on.
    assert_allclose(result.accuracies, [1 / 3, 1, 3 / 5])
    with pytest.raises(TypeError, match="adversarials must be a mapping"):
        transfer_matrix(models, list(adversarials.values()), y)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        transfer_matrix(models, adversarials, y[:2])


@needs_art
def test_transfer_leaves_out_what_was_misclassified_as_it_was():
    X, y = _data(n_features=2)
    models = {
        "first": Rule(lambda X: X[:, 0] > 0.5),
        "second": Rule(lambda X: X[:, 1] > 0.5),
    }
    results = {
        name: minimum_distortion(
            model, X, y, n_restarts=1, max_iter=1, random_state=0, X_train=X
        )
        for name, model in models.items()
    }
    transfer = transfer_matrix(models, results, y)
    for s, (name, result) in enumerate(results.items()):
        right = models[name].predict(X) == y
        assert not right.all()
        assert_array_equal(transfer.valid[s], right)
        assert_array_equal(result.status == "misclassified", ~right)
        assert transfer.rates[s, s] == 1


def test_importing_the_package_imports_no_attack_library():
    code = (
        "import sys, sklearn_scd, sklearn_scd.robustness; "
        "assert not {'art', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
