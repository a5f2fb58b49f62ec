"""Early stopping on rows held out, and predictions after each vote."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_scd import SCDClassifier
from sklearn_scd import _reference as reference
from sklearn_scd._ensemble import (
    binary_problem,
    hold_out,
    network_seed,
    settings_for,
    start_network,
)
from sklearn_scd._kernels.training import train
from sklearn_scd._training_set import training_set
from sklearn_scd._validation_rows import hold_out as split_weights


def _data(n_classes=2, n=120):
    rng = np.random.default_rng(0)
    y = np.arange(n) % n_classes
    return rng.standard_normal((n, 5)) + 0.7 * np.eye(n_classes, 5)[y], y


def _model(loss="ce", **params):
    params = {"n_estimators": 4, "max_iter": 60, "hidden_units": 4, **params}
    return SCDClassifier(loss, random_state=0, **params)


def _held_out(model, X, y, weight=None):
    """Weights of the rows that a fit held out."""
    weight = np.ones(len(y)) if weight is None else weight
    labels = np.searchsorted(model.classes_, y)
    return split_weights(X, labels, weight, model.validation_fraction, model._seed)


def _losses_by_hand(model, X, y, weight):
    """Mean loss of each network, from the fitted arrays."""
    arrays = (
        model.hidden_coef_, model.hidden_intercept_, model.output_coef_,
        model.output_intercept_,
    )  # fmt: skip
    outputs = np.array(
        [(X @ W.T + b > 0) @ u + c for W, b, u, c in zip(*arrays, strict=True)]
    )
    rivals = [1] if model.classes_.size == 2 else range(model.classes_.size)
    target = np.tile([y == k for k in rivals], (model.n_estimators, 1))
    weights = np.tile(weight, (len(target), 1))
    if model.loss == "01":
        losses = (outputs > 0) != target
        weights[target] *= len(rivals) - 1 or 1  # on the ramp
    else:
        losses = np.logaddexp(0, np.where(target, -outputs, outputs))
    return np.average(losses, axis=1, weights=weights)


@pytest.mark.parametrize("margin", [0.0, 1.0])
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("loss", ["01", "ce"])
def test_held_out_rows_are_judged_as_in_the_reference(loss, binary, margin):
    rng, changes = np.random.default_rng(0), 0
    for case, dtype in enumerate([np.float32, np.float64]):
        X = rng.standard_normal((80, 4)).astype(dtype)
        y = (X[:, 0] + X[:, 1] + 0.3 * rng.standard_normal(80) > 0.5).astype(int)
        data, held = (
            binary_problem(training_set(X[part], y[part], np.ones(40), 2), 1)
            for part in (slice(40), slice(40, None))
        )
        options = {
            "loss": loss, "binary_weights": binary, "hidden_units": 3, "max_iter": 60,
            "n_candidates": 3, "learning_rate": 0.3, "output_learning_rate": 0.3,
            "subsample": 0.75, "tol": 0.0, "n_iter_no_change": 15 if case else None,
            "margin": 0.2 * margin, "margin_growth": 0.2, "ramp": 0.0,
            "target_loss": 0.0,
        }  # fmt: skip
        settings = settings_for(data, options)
        weights, u = rng.standard_normal((3, 4)), rng.standard_normal(3)
        state = network_seed(case, 0, 0)[1:]
        twin = reference.ReferenceNetwork(
            data, weights, u, settings, state.copy(), held
        )
        expected_curve = twin.train()
        network = start_network(data, settings, weights, u)
        rows = hold_out(held, data, network, 60)
        curve = np.full(60, np.nan, dtype=np.float32)
        n_iter, best_loss = train(data, network, settings, state, curve, rows)
        assert n_iter == len(expected_curve)
        changes += len(np.unique(twin.held_out_curve)) - 1
        assert_array_equal(curve[:n_iter], np.float32(expected_curve))
        assert_array_equal(rows.curve[:n_iter], np.float32(twin.held_out_curve))
        assert_array_equal(network.weights, twin.W)
        assert_array_equal(network.thresholds, twin.thresholds)
        assert_array_equal(network.u, twin.u)
        assert (network.c[0], best_loss) == (twin.c, twin.best_loss)
    assert changes > 1  # or this test shows nothing


@pytest.mark.parametrize("holds_out", [False, True])
def test_no_later_iterate_replaces_a_network_without_loss(holds_out):
    X, y = _data()
    X[:, 0] += 6 * y
    data, held = (
        binary_problem(training_set(X[part], y[part], np.ones(60), 2), 1)
        for part in (slice(60), slice(60, None))
    )
    options = {
        "loss": "01", "binary_weights": False, "hidden_units": 4, "max_iter": 300,
        "n_candidates": 5, "learning_rate": 0.17, "output_learning_rate": 0.2,
        "ramp": 0.3, "subsample": 0.75, "tol": 0.0, "n_iter_no_change": None,
        "margin": 0.0, "margin_growth": 0.0, "target_loss": 0.0,
    }  # fmt: skip
    settings = settings_for(data, options)
    for case in range(4):
        weights = np.random.default_rng(case).standard_normal((4, 5))
        trained = []
        for growth in (0, 1_000):  # of no margin: the second one never stops
            network = start_network(data, settings, weights.copy(), np.ones(4))
            rows = hold_out(held if holds_out else None, data, network, 300)
            curve = np.full(300, np.nan, dtype=np.float32)
            state = network_seed(case, 0, 0)[1:]
            patient = settings._replace(growth=growth)
            n_iter, loss = train(data, network, patient, state, curve, rows)
            judged = rows.curve if holds_out else curve
            trained.append((network, n_iter, loss, judged[:n_iter]))
        (early, n_early, *_), (late, n_late, *_) = trained
        assert n_early < n_late == 300
        assert (trained[0][3] == 0).nonzero()[0].tolist() == [n_early - 1]
        for name in ("weights", "thresholds", "u", "c"):
            assert_array_equal(getattr(early, name), getattr(late, name))
        assert trained[0][2] == trained[1][2]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("loss", ["01", "ce"])
def test_scores_are_those_of_the_networks_kept_on_rows_they_never_saw(
    loss, n_classes, weighted
):
    X, y = _data(n_classes)
    weight = np.random.default_rng(1).random(len(y)) + 0.1 if weighted else None
    model = _model(loss, early_stopping=True).fit(X, y, weight)
    kept, held = _held_out(model, X, y, weight)
    scores = model.validation_scores_
    last = scores[np.arange(len(scores)), model.n_iter_ - 1]
    assert_allclose(-last, _losses_by_hand(model, X, y, held), rtol=1e-5)
    losses = model.loss_curve_[np.arange(len(scores)), model.n_iter_ - 1]
    assert_allclose(losses, _losses_by_hand(model, X, y, kept), rtol=1e-5)
    # Stratified, a tenth, and every sample is on one side.
    assert_array_equal(np.bincount(y[held > 0]), np.full(n_classes, 12 // n_classes))
    assert ((kept > 0) != (held > 0)).all()
    for curve, n_iter in zip(scores, model.n_iter_, strict=True):
        assert (np.diff(curve[:n_iter]) >= 0).all()
        assert np.isnan(curve[n_iter:]).all()


def test_patience_is_a_tenth_of_the_iterations_or_what_is_asked_for():
    X, y = _data()
    by_default = _model(early_stopping=True, max_iter=100).fit(X, y)
    asked = _model(early_stopping=True, max_iter=100, n_iter_no_change=10).fit(X, y)
    assert_array_equal(by_default.n_iter_, asked.n_iter_)
    assert (by_default.n_iter_ < 100).any()
    assert (_model(max_iter=100).fit(X, y).n_iter_ == 100).all()
    hopeless = _model(early_stopping=True, tol=1.0, n_iter_no_change=6).fit(X, y)
    assert_array_equal(hopeless.n_iter_, 6)
    growing = _model(early_stopping=True, margin=0.1, margin_growth=0.8, tol=1.0)
    assert (growing.fit(X, y).n_iter_ >= 48).all()


def test_rows_held_out_depend_on_the_weighted_set_of_samples_alone():
    X, y = _data()
    weight = np.where(np.arange(120) < 40, 2.0, 1.0)
    model = _model(early_stopping=True, noise=0.3).fit(X, y, weight)
    order = np.random.default_rng(0).permutation(120)
    twice = np.concatenate([np.arange(120), np.arange(40)])
    for alike in (
        _model(early_stopping=True, noise=0.3).fit(X[order], y[order], weight[order]),
        _model(early_stopping=True, noise=0.3).fit(X[twice], y[twice]),
        _model(early_stopping=True, noise=0.3, n_jobs=2).fit(X, y, weight),
    ):
        assert_array_equal(alike.hidden_coef_, model.hidden_coef_)
        assert_array_equal(alike.validation_scores_, model.validation_scores_)


def test_pixels_with_noise_are_judged_in_the_dtype_of_the_noise():
    X = np.random.default_rng(0).integers(0, 256, (100, 6), dtype=np.uint8)
    y = (X[:, 0] > 128).astype(int)
    model = _model(early_stopping=True, noise=5.0).fit(X, y)
    same = _model(early_stopping=True, noise=5.0).fit(X.astype(np.float32), y)
    assert_array_equal(model.validation_scores_, same.validation_scores_)


def test_a_class_too_small_to_be_split_is_refused():
    X, y = _data()
    y[0] = 2
    with pytest.raises(ValueError, match="least populated"):
        _model(early_stopping=True).fit(X, y)


def test_warm_start_and_storage_keep_the_scores():
    X, y = _data()
    grown = _model(early_stopping=True, warm_start=True, n_estimators=2).fit(X, y)
    grown.set_params(n_estimators=4).fit(X, y)
    whole = _model(early_stopping=True).fit(X, y)
    stored = pickle.loads(pickle.dumps(whole))
    for model in (grown, stored):
        assert_array_equal(model.validation_scores_, whole.validation_scores_)
        assert_array_equal(model.hidden_coef_, whole.hidden_coef_)
    mixed = _model(warm_start=True, n_estimators=2).fit(X, y)
    assert mixed.validation_scores_ is None
    mixed.set_params(n_estimators=3, early_stopping=True).fit(X, y)
    assert mixed.validation_scores_.shape == (3, 60)
    assert_array_equal(np.isnan(mixed.validation_scores_[:, 0]), [True, True, False])


# Predictions after each vote


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_a_stage_is_a_model_of_so_many_votes(voting, n_classes):
    X, y = _data(n_classes)
    labels = np.array(["a", "b", "c"])[y]
    model = _model(voting=voting).fit(X, labels)
    stages = list(model.staged_predict(X)), list(model.staged_predict_proba(X))
    assert len(stages[0]) == len(stages[1]) == 4
    for n_votes, (predicted, probabilities) in enumerate(zip(*stages, strict=True), 1):
        fewer = _model(voting=voting, n_estimators=n_votes).fit(X, labels)
        assert_array_equal(predicted, fewer.predict(X))
        assert_array_equal(probabilities, fewer.predict_proba(X))
