"""Training by certified radii: the kernel's twin, and what the loss is a loss of."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import scale

from sklearn_scd import SCDClassifier, make_robust_scd
from sklearn_scd import _reference as reference
from sklearn_scd._data_scale import sizes_of_radii
from sklearn_scd._ensemble import binary_problem
from sklearn_scd._kernels.radius import (
    RadiusSettings,
    Rows,
    deciding_unit,
    draw_pass,
    train_by_radius,
    width_at,
    write_shares,
)
from sklearn_scd._kernels.rows import as_columns
from sklearn_scd._margin_norm import L2, margin_norm_of
from sklearn_scd._radius_training import scaling_of, start_planes
from sklearn_scd._training_set import training_set
from sklearn_scd.robustness import certified_distortion


def _rows(rng, dtype, n_features):
    n = rng.integers(5, 90)
    X = (rng.integers(0, 9, (n, n_features)) + rng.random(n_features)).astype(dtype)
    y = (X[:, 0] > 4).astype(int) ^ (rng.random(n) < 0.1)
    y[:2] = 0, 1
    weights = rng.integers(1, 5, n) if rng.random() < 0.5 else np.ones(n)
    data = binary_problem(training_set(X, y, weights.astype(float), 2), 1)
    columns = as_columns(data.columns, data.values)
    return Rows(columns, data.weight, data.start, data.stop)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("n_units", [1, 4, 7])
@pytest.mark.parametrize("in_inputs", [False, True])
def test_training_follows_the_reference_sample_by_sample(in_inputs, n_units, dtype):
    rng = np.random.default_rng(n_units)
    for case in range(6):
        rows = _rows(rng, dtype, n_features=rng.integers(1, 6))
        held_out = rows._replace(weight=rows.weight[:0])
        if case % 3 == 2:
            held_out = _rows(rng, dtype, rows.columns[0].shape[0] or 1)
            held_out = rows._replace(weight=rows.weight.copy())
        scaling = scaling_of(rows)
        n_features = scaling.centre.size
        start = rng.standard_normal((n_units, n_features))
        planes = start_planes(start, scaling)
        norm, input_map, every = L2.norm, None, 1
        if in_inputs:
            shape = n_features, rng.integers(1, 11)
            input_map = rng.integers(-2, 3, shape) + np.eye(*shape)
            norm, typical = margin_norm_of("radius", np.inf, n_features, input_map)
            input_map = input_map * (1 / typical)
            every = 1 + 3 * case
            norm = norm._replace(every=every)
        settings = RadiusSettings(
            rank=n_units // 2,
            margin=rng.choice([0.3, 5.0]),
            step=0.17,
            max_iter=7,
            tol=0.0,
            n_iter_no_change=2 if case % 2 else 8,
            alike=False,
        )
        state = np.array([case], dtype=np.uint64)
        twin_state = state.copy()
        *expected, curve, held_curve = reference.train_by_radius(
            rows,
            held_out,
            scaling,
            planes,
            settings,
            twin_state,
            input_map,
            every,
        )
        curves = np.full((2, settings.max_iter), np.nan, dtype=np.float32)
        best, n_iter = train_by_radius(
            rows, held_out, scaling, planes, norm, settings, state, *curves
        )
        assert n_iter == len(curve)
        assert_array_equal(best.weights, expected[0])
        assert_array_equal(best.biases, expected[1])
        assert_array_equal(curves[0, :n_iter], np.float32(curve))
        if held_out.weight.size:
            assert_array_equal(curves[1, :n_iter], np.float32(held_curve))
        assert_array_equal(state, twin_state)


def test_a_pass_draws_rows_by_their_weights():
    state = np.array([3], dtype=np.uint64)
    drawn = np.empty(6, dtype=np.uint32)
    assert draw_pass(np.full(5, 7), state, drawn) == 5
    assert_array_equal(np.sort(drawn[:5]), np.arange(5))
    weight, counts = np.array([1, 2, 3, 4, 10]), np.zeros(5)
    for _ in range(4000):
        n = draw_pass(weight, state, drawn)
        counts += np.bincount(drawn[:n], minlength=5)
    np.testing.assert_allclose(counts / 4000, 5 * weight / 20, atol=0.03)


def test_the_deciding_unit_is_that_of_the_order_statistic():
    rng = np.random.default_rng(0)
    for _ in range(200):
        distances = rng.integers(-3, 4, rng.integers(1, 9)).astype(float)
        rank = rng.integers(0, distances.size)
        expected = np.argsort(-distances, kind="stable")[rank]
        assert deciding_unit(distances, rank) == expected


def test_units_near_the_deciding_one_share_its_step_and_none_in_the_end():
    rng = np.random.default_rng(1)
    for n_units in (1, 2, 60):
        distances, shares = rng.normal(size=n_units), np.empty(n_units)
        j = rng.integers(n_units)
        away = np.abs(distances - distances[j])
        write_shares(distances, j, 0.7, shares)
        np.testing.assert_allclose(shares.sum(), 1)
        assert_array_equal(shares > 0, away < 0.7)
        assert (np.diff(shares[np.argsort(away)]) <= 0).all()
        distances[rng.integers(n_units)] = distances[j]  # a tie is no reason to share
        write_shares(distances, j, width_at(1.0, margin=5.0), shares)
        assert_array_equal(shares, np.arange(n_units) == j)


@pytest.fixture(scope="module")
def ring():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (400, 2)) + 30
    y = ((X - 30) ** 2).sum(axis=1) > 2
    return X, y.astype(int)


def test_one_network_has_as_certified_radius_the_distance_in_its_loss(ring):
    X, y = ring
    model = SCDClassifier(
        "radius", hidden_units=5, n_estimators=1, margin=0.5, random_state=0
    ).fit(X, y)
    distances = X @ model.hidden_coef_[0].T + model.hidden_intercept_[0]
    np.testing.assert_allclose(np.linalg.norm(model.hidden_coef_[0], axis=1), 1)
    n_active = round(-model.output_intercept_[0] / model.output_coef_[0, 0] + 0.5)
    radius = np.sort(distances, axis=1)[:, -n_active]
    assert_array_equal(model.predict(X), radius > 0)
    found = certified_distortion(model, X, method="order")
    assert (found >= np.abs(radius) * (1 - 1e-5) - 1e-9).all()
    sides = np.where(y == 1, radius, -radius)
    losses = np.log1p(np.exp(-sides / 0.5))
    both = [losses[y == k].mean() for k in (0, 1)]  # the classes count alike
    np.testing.assert_allclose(model.loss_curve_[0, -1], np.mean(both), rtol=1e-5)


@pytest.mark.parametrize("turned", [False, True])
def test_a_ring_is_learned_whichever_class_is_inside(ring, turned):
    X, y = ring
    model = SCDClassifier(
        "radius", hidden_units=15, n_estimators=3, margin=1.0, random_state=0
    ).fit(X, 1 - y if turned else y)
    assert model.score(X, 1 - y if turned else y) > 0.9  # no line has more than 0.7


def test_radii_grow_with_the_margin():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    radii = [
        certified_distortion(
            SCDClassifier("radius", n_estimators=3, margin=margin, random_state=0).fit(
                X, y
            ),
            X,
            y,
            method="order",
        ).mean()
        for margin in (0.3, 3.0)
    ]
    assert radii[1] > 1.3 * radii[0]


def test_weights_stand_for_repeated_samples_in_the_loss(ring):
    X, y = ring
    weights = np.random.default_rng(1).integers(0, 4, len(y))
    params = {"loss": "radius", "n_estimators": 2, "margin": 0.5, "random_state": 0}
    weighted = SCDClassifier(**params).fit(X, y, sample_weight=weights)
    repeated = SCDClassifier(**params).fit(
        np.repeat(X, weights, axis=0), np.repeat(y, weights)
    )
    assert_array_equal(weighted.hidden_coef_, repeated.hidden_coef_)


@pytest.mark.parametrize("factor", [2.0**-40, 2.0**40])
def test_automatic_sizes_and_training_follow_the_scale_of_the_data(ring, factor):
    X, y = ring
    params = {"n_estimators": 2, "max_iter": 5, "random_state": 0}
    one, other = (
        SCDClassifier("radius", margin="auto", noise="auto", **params).fit(data, y)
        for data in (X, X * factor)
    )
    assert other.margin_ == one.margin_ * factor
    assert other.noise_ == one.noise_ * factor
    np.testing.assert_allclose(
        other.hidden_intercept_, one.hidden_intercept_ * factor, rtol=1e-9
    )


def test_parameters_without_sense_are_refused(ring):
    X, y = ring
    with pytest.raises(ValueError, match="margin above 0"):
        SCDClassifier("radius").fit(X, y)
    with pytest.raises(ValueError, match="binary_weights"):
        SCDClassifier("radius", margin=1.0, binary_weights=True).fit(X, y)
    with pytest.raises(ValueError, match="voting='soft'"):
        SCDClassifier("radius", margin=1.0, voting="soft").fit(X, y)
    with pytest.raises(ValueError, match="too large for their squares"):
        SCDClassifier("radius", margin=1.0, n_estimators=1).fit(X * 1e200, y)
    with pytest.raises(ValueError, match="too large beside the spread"):
        SCDClassifier("radius", margin=1e300, n_estimators=1).fit(X, y)
    with pytest.raises(ValueError, match="too near together for their squares"):
        SCDClassifier("radius", margin="auto", n_estimators=1).fit(X * 1e-200, y)


def test_rows_held_out_choose_the_iterate(ring):
    X, y = ring
    model = SCDClassifier(
        "radius", margin=0.5, n_estimators=2, max_iter=30, early_stopping=True,
        n_iter_no_change=5, random_state=0,
    ).fit(X, y)  # fmt: skip
    scores = model.validation_scores_
    for curve, n_iter in zip(scores, model.n_iter_, strict=True):
        assert (np.diff(curve[:n_iter]) >= 0).all()
        assert np.isnan(curve[n_iter:]).all()


def test_a_rare_class_is_told_apart_unless_weights_say_otherwise(ring):
    X, y = ring
    rare = (y == 1) | (np.arange(len(y)) % 6 == 0)
    params = {"margin": 1.0, "n_estimators": 3, "random_state": 0}
    model = SCDClassifier("radius", **params).fit(X[rare], y[rare])
    assert balanced_accuracy_score(y, model.predict(X)) > 0.85
    same = SCDClassifier("radius", class_weight="balanced", **params)
    same.fit(X[rare], y[rare])
    assert balanced_accuracy_score(y, same.predict(X)) > 0.85
    unlike = SCDClassifier("radius", class_weight={0: 0.02, 1: 1}, **params)
    assert unlike.fit(X, y).predict(X).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("margin", "n_classes", "loss"),
    [("auto", 2, "radius"), (0.2, 2, "01"), ("auto", 3, "ce")],
)
def test_automatic_loss(ring, margin, n_classes, loss):
    X, y = ring
    labels = y + (X[:, 0] > 30) if n_classes == 3 else y
    model = SCDClassifier("auto", n_estimators=1, max_iter=20, margin=margin)
    assert model.set_params(random_state=0).fit(X, labels)._loss == loss


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_automatic_sizes_of_the_robust_model_are_those_of_its_loss():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 70)), np.arange(90) % 3
    params = {"n_estimators": 1, "max_iter": 2, "random_state": 0}

    def sizes(y, **given):
        model = make_robust_scd(**params, **given).fit(X, y)
        return model[-1].hidden_coef_.shape[1:]

    assert sizes(y > 0) == sizes(y > 0, loss="radius", margin=1.0) == (50, 64)
    assert sizes(y > 0, n_components=3, hidden_units=4) == (4, 3)
    by_descent = [
        sizes(labels, **given)
        for labels, given in (
            (y > 0, {"margin": 0.1}),
            (y > 0, {"loss": "ce"}),
            (y, {}),
        )
    ]
    assert by_descent == [(10, 16)] * 3


def test_the_robust_model_trains_by_radii(ring):
    X, y = ring
    model = make_robust_scd(n_estimators=3, random_state=0).fit(X, y)
    assert model[-1]._loss == "radius"
    assert model[-1].loss_curve_.shape == (3, 12)  # on 4 copies each
    assert model[-1].hidden_coef_.shape == (3, 50, 2)
    assert model.score(X, y) > 0.9


def test_the_automatic_margin_is_the_spread_where_classes_overlap_and_less_else():
    rng = np.random.default_rng(0)
    y = np.arange(1000) % 2
    X = 0.01 * rng.standard_normal((1000, 3))
    X[:, 0] += 8 * y  # half the distance is the spread, a quarter of its square
    sizes = sizes_of_radii(X, y, np.arange(1000))
    assert sizes["margin"] == pytest.approx(8 / 2 / 4**2, rel=0.01)
    assert sizes["noise"] == pytest.approx(0.4, rel=0.01)
    sizes = sizes_of_radii(X, rng.permutation(y), np.arange(1000))
    assert sizes["margin"] == pytest.approx(4.0, rel=0.01)
    alike = np.ones((4, 2))
    assert sizes_of_radii(alike, y[:4], np.arange(4))["margin"] == 1.0
