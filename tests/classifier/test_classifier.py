"""SCDClassifier: what it predicts, what it keeps, what it refuses."""

import sys
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_scd import SCDClassifier, _progress

FITTED = [
    "hidden_coef_",
    "hidden_intercept_",
    "output_coef_",
    "output_intercept_",
    "loss_curve_",
    "n_iter_",
]

# loss, binary_weights, hidden_units, voting
SETTINGS = [
    *product(["01", "ce"], [False, True], [0, 1, 6], ["hard"]),
    ("ce", False, 6, "soft"),
    ("ce", True, 6, "soft"),
    ("ce", False, 0, "soft"),
]


def _model(loss="ce", **params):
    params = {
        "n_estimators": 4,
        "max_iter": 30,
        "hidden_units": 6,
        "random_state": 0,
        **params,
    }
    return SCDClassifier(loss, **params)


def _data(n_classes=2, n=90):
    """Overlapping classes: votes differ, and no loss reaches 0."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % n_classes
    return rng.standard_normal((n, 5)) + 0.7 * np.eye(n_classes, 5)[y], y


def _assert_same_networks(a, b, n_networks=None):
    for name in FITTED:
        expected = getattr(b, name)[:n_networks]
        assert_array_equal(getattr(a, name)[:n_networks], expected, err_msg=name)


def _outputs_by_hand(model, X):
    """Outputs f(x), (n_networks, n_samples), from the fitted arrays."""
    arrays = [getattr(model, name).astype(float) for name in FITTED[:4]]
    if model.loss == "01" and model.hidden_units == 0:  # signed distances
        return np.array([X @ W[0] + b[0] for W, b in zip(*arrays[:2], strict=True)])
    return np.array(
        [(X @ W.T + b > 0) @ u + c for W, b, u, c in zip(*arrays, strict=True)]
    )


def _sigmoid(outputs):
    return 1 / (1 + np.exp(-outputs))


# Predictions


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(("loss", "binary_weights", "hidden_units", "voting"), SETTINGS)
def test_all_is_recomputed_from_the_fitted_arrays(
    loss, binary_weights, hidden_units, voting, n_classes
):
    X, y = _data(n_classes)
    labels = np.array(["ill", "odd", "well"])[:n_classes]
    model = _model(
        loss, binary_weights=binary_weights, hidden_units=hidden_units, voting=voting
    )
    model.fit(X, labels[y])
    n_rivals = 1 if n_classes == 2 else n_classes
    n_units = max(hidden_units, 1)
    n_networks = 4 * n_rivals
    assert model.hidden_coef_.shape == (n_networks, n_units, 5)
    assert model.hidden_intercept_.shape == (n_networks, n_units)
    assert model.output_coef_.shape == (n_networks, n_units)
    assert model.output_intercept_.shape == (n_networks,)
    assert model.loss_curve_.shape == (n_networks, 30)
    assert model.loss_curve_.dtype == np.float32
    assert_array_equal(model.n_iter_, np.full(n_networks, 30))
    if binary_weights:
        for weights in [model.hidden_coef_, model.output_coef_]:
            assert weights.dtype == np.int8
            assert_array_equal(abs(weights), 1)
    else:
        assert_allclose(np.linalg.norm(model.hidden_coef_, axis=2), 1, rtol=1e-12)
        assert len(np.unique(abs(model.hidden_coef_))) > 3  # or nothing is tested
        if loss == "01":
            norms = np.linalg.norm(model.output_coef_, axis=1)  # on a grid of 2**-16
            assert_allclose(norms, 1, rtol=1e-4)

    X = np.vstack([X, np.random.default_rng(1).standard_normal((200, 5)) * 2])
    outputs = _outputs_by_hand(model, X)
    if n_classes == 2:
        votes = (outputs > 0).astype(int).T
        means = _sigmoid(outputs).mean(axis=0)
        soft = np.stack([1 - means, means], axis=1)
    else:  # network v * K + k is that of class k in vote v
        by_vote = outputs.reshape(4, n_classes, -1)
        votes = by_vote.argmax(axis=1).T
        soft = _sigmoid(by_vote).mean(axis=0).T
        soft /= soft.sum(axis=1, keepdims=True)
    shares = np.array(
        [[(row == k).sum() / 4 for k in range(n_classes)] for row in votes]
    )
    probabilities = shares if voting == "hard" else soft
    predicted = probabilities.argmax(axis=1)
    assert_array_equal(model.votes(X), labels[votes])
    assert_allclose(model.predict_proba(X), probabilities, rtol=1e-12)
    assert_array_equal(model.predict(X), labels[predicted])
    assert_array_equal(model.agreement(X), shares[np.arange(len(X)), predicted])
    decision = model.decision_function(X)
    if n_classes == 2:
        assert decision.shape == (len(X),)
        assert_allclose(decision, probabilities @ [-1, 1], atol=1e-12)
        assert_array_equal(decision > 0, predicted == 1)
    else:
        assert_allclose(decision, probabilities, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("binary_weights", [False, True])
@pytest.mark.parametrize("loss", ["01", "ce"])
def test_curve_is_the_loss_of_the_network_that_a_fit_that_long_keeps(
    loss, binary_weights, n_classes, weighted
):
    X, y = _data(n_classes)
    weight = np.random.default_rng(1).random(y.size) if weighted else np.ones(y.size)
    model = _model(loss, binary_weights=binary_weights, max_iter=60)
    curves = model.fit(X, y, weight).loss_curve_
    assert (np.diff(curves) <= 0).all()
    assert (np.diff(curves) == 0).any()  # or the last iterate would pass
    rivals = [1] if n_classes == 2 else range(n_classes)
    target = np.tile([y == k for k in rivals], (4, 1))
    weights = np.tile(weight, (len(target), 1))
    if loss == "01" and not binary_weights:  # on the ramp
        weights[target] *= n_classes - 1
    for n_iter in [1, 7, 60]:
        outputs = _outputs_by_hand(
            model.set_params(max_iter=n_iter).fit(X, y, weight), X
        )
        if loss == "01":
            losses = (outputs > 0) != target
        else:
            losses = np.logaddexp(0, np.where(target, -outputs, outputs))
        losses = np.average(losses, axis=1, weights=weights)
        assert_allclose(curves[:, n_iter - 1], losses, rtol=1e-5)


@pytest.mark.parametrize("hidden_units", [0, 1, 6])
@pytest.mark.parametrize("binary_weights", [False, True])
@pytest.mark.parametrize("loss", ["01", "ce"])
def test_no_training_sample_lies_on_a_hyperplane(loss, binary_weights, hidden_units):
    X, y = _data(3)
    # Also in units that never train, under 0/1 loss where an output is all of one sign.
    model = _model(loss, binary_weights=binary_weights, hidden_units=hidden_units)
    model.fit(X, y)
    sides = X @ model.hidden_coef_.swapaxes(1, 2) + model.hidden_intercept_[:, None]
    assert abs(sides).min() > 1e-12


@pytest.mark.parametrize("n_classes", [2, 3])
def test_tied_votes_go_to_the_first_of_the_tied_classes(n_classes):
    X, y = _data(n_classes)
    model = _model(n_estimators=2, max_iter=3).fit(X, y)
    votes = model.votes(X)
    split = votes[:, 0] != votes[:, 1]
    assert split.any()
    assert not (votes[split, 0] < votes[split, 1]).all()  # or the first vote would do
    assert_array_equal(model.predict(X[split]), votes[split].min(axis=1))
    assert_array_equal(model.agreement(X), np.where(split, 0.5, 1))
    if n_classes == 2:
        assert_array_equal(model.decision_function(X[split]), 0)


def test_linear_network_is_the_sign_of_a_linear_function():
    X, y = _data()
    model = _model("01", hidden_units=0).fit(X, y)
    assert model.hidden_coef_.shape == (4, 1, 5)
    sides = X @ model.hidden_coef_[:, 0].T + model.hidden_intercept_[:, 0]
    assert_array_equal(model.votes(X), (sides > 0).astype(int))


def test_probabilities_are_finite_where_every_network_is_sure_of_no():
    X, y = _data(3)
    model = _model(voting="soft").fit(X, y)
    model.output_intercept_ -= 1000  # as large output steps bring about
    probabilities = model.predict_proba(X)
    assert np.isfinite(probabilities).all()
    assert_allclose(probabilities.sum(axis=1), 1)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([False, True]),
        np.array([-1, 1]),
        np.array([0.0, 2.0]),
        np.array(["no", "yes"], dtype=object),
        np.array(["a", "b", "c"]),
        np.array([7, 70, 100], dtype=np.int8),
    ],
    ids=lambda labels: f"{labels.dtype}",
)
def test_labels_are_names_alone(labels):
    X, y = _data(labels.size)
    plain, named = _model().fit(X, y), _model().fit(X, labels[y])
    _assert_same_networks(named, plain)
    assert_array_equal(named.classes_, labels)
    for method in ["predict", "votes"]:
        got = getattr(named, method)(X)
        assert got.dtype == labels.dtype
        assert_array_equal(got, labels[getattr(plain, method)(X)])


# What the parameters do


@pytest.mark.parametrize("loss", ["01", "ce"])
def test_class_weight_is_a_sample_weight_and_favours_its_class(loss):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [160, 40])
    X = rng.standard_normal((200, 3)) + 0.8 * y[:, np.newaxis]
    weight = rng.random(200)
    plain = _model(loss).fit(X, y, weight)
    sums = np.array([weight[y == 0].sum(), weight[y == 1].sum()])
    for class_weight, factors in [
        ("balanced", sums.sum() / (2 * sums)),
        ({0: 1, 1: 6}, [1, 6]),
    ]:
        model = _model(loss, class_weight=class_weight).fit(X, y, weight)
        same = _model(loss).fit(X, y, weight * np.array(factors)[y])
        _assert_same_networks(model, same)
        assert model.predict(X).mean() > plain.predict(X).mean() + 0.04


@pytest.mark.parametrize("loss", ["01", "ce"])
@pytest.mark.parametrize("binary_weights", [False, True])
def test_class_left_without_weight_gets_no_votes(loss, binary_weights):
    X, y = _data(3)
    model = _model(loss, binary_weights=binary_weights, n_estimators=10)
    for absent in range(3):
        model.fit(X, y, (y != absent).astype(float))
        assert_array_equal(model.classes_, [0, 1, 2])
        assert (model.votes(X) != absent).all()


@pytest.mark.parametrize("seed", [int, np.random.RandomState])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_warm_start_goes_on_where_one_fit_would_be(n_classes, seed):
    X, y = _data(n_classes)
    expected = _model(n_estimators=7, random_state=seed(5)).fit(X, y)
    model = _model(n_estimators=3, warm_start=True, random_state=seed(5)).fit(X, y)
    model.set_params(n_estimators=7).fit(X, y)
    _assert_same_networks(model, expected)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    # Without warm_start a fit forgets.
    model.set_params(warm_start=False, random_state=seed(5)).fit(X, y)
    _assert_same_networks(model, expected)


@pytest.mark.parametrize("seed", [None, np.random.RandomState(0)])
def test_warm_start_keeps_networks_and_adds_others(seed):
    X, y = _data()
    model = _model(n_estimators=3, warm_start=True, random_state=seed).fit(X, y)
    first = clone(model)
    vars(first).update(vars(model))
    model.set_params(n_estimators=6).fit(X, y)
    _assert_same_networks(model, first, n_networks=3)
    assert len(np.unique(model.hidden_coef_[:, 0], axis=0)) == 6


def test_warm_start_without_more_votes_warns_and_keeps_the_model():
    X, y = _data()
    model = _model(warm_start=True).fit(X, y)
    expected = clone(model).fit(X, y)
    with pytest.warns(UserWarning, match="without increasing n_estimators") as record:
        model.fit(X, y)
    assert record[0].filename == __file__
    _assert_same_networks(model, expected)


@pytest.mark.parametrize(
    ("params", "change", "message"),
    [
        ({"n_estimators": 3}, None, "n_estimators=3 must be .* 4"),
        ({"loss": "01"}, None, "another loss than '01'"),
        ({"hidden_units": 7}, None, "another hidden_units than 7"),
        ({"binary_weights": True}, None, "another binary_weights than True"),
        ({}, lambda X, y: (X, y + 1), r"\[0, 1\], got \[1, 2\]"),
        ({}, lambda X, y: (X, np.arange(y.size) % 3), r"\[0, 1\], got \[0, 1, 2\]"),
        ({}, lambda X, y: (X[:, :4], y), "X has 4 features.* expecting 5"),
    ],
)
def test_warm_start_refuses_what_does_not_fit(params, change, message):
    X, y = _data()
    model = _model(warm_start=True).fit(X, y)
    expected = model.predict_proba(X)
    model.set_params(**{"n_estimators": 6, **params})
    with pytest.raises(ValueError, match=message):
        model.fit(*(change(X, y) if change else (X, y)))
    assert_array_equal(model.predict_proba(X), expected)  # the model is unharmed


@pytest.mark.parametrize(
    "params",
    [
        {"margin": 0.5},
        {"margin": 0.5, "margin_growth": 0.0},
        {"noise": 0.3},
        {"noise": 0.3, "noisy_copies": 1},
        {"learning_rate": 0.5, "subsample": 0.5, "class_weight": {0: 1, 1: 2}},
    ],
)
def test_warm_start_trains_what_it_adds_by_the_parameters_of_now(params):
    X, y = _data()
    model = _model(n_estimators=3, warm_start=True).fit(X, y)
    before, fresh = clone(model).fit(X, y), _model(n_estimators=5, **params).fit(X, y)
    model.set_params(n_estimators=5, **params).fit(X, y)
    _assert_same_networks(model, before, n_networks=3)
    for name in FITTED:
        assert_array_equal(getattr(model, name)[3:], getattr(fresh, name)[3:])
    assert not np.array_equal(fresh.loss_curve_[:3], before.loss_curve_)


def test_a_ramp_is_for_hidden_units_under_01_loss():
    X, y = _data()
    for loss, hidden_units, margin, width in [
        ("01", 6, 0.0, 0.3), ("01", 6, 0.1, 0.0), ("01", 0, 0.0, 0.0),
        ("ce", 6, 0.0, 0.0),
    ]:  # fmt: skip
        params = {"hidden_units": hidden_units, "margin": margin}
        automatic, ramp, none = (
            _model(loss, ramp=value, **params).fit(X, y).hidden_coef_
            for value in ("auto", 0.3, 0.0)
        )
        assert_array_equal(automatic, ramp if width else none)
        assert np.array_equal(ramp, none) == (loss == "ce" or hidden_units == 0)


def test_networks_stop_at_a_loss_that_is_low_enough():
    X, y = np.array([[0.0], [1.0]] * 20), np.array([0, 1] * 20)
    for loss, params, at_most, target in [
        ("01", {}, 500, 0.0), ("01", {"ramp": 0.0}, 1_000, 0.0),
        ("01", {"max_iter": 200}, 200, 0.0), ("ce", {"target_loss": 0.1}, 1_000, 0.1),
        ("ce", {}, 1_000, None), ("01", {"target_loss": 1.0}, 500, 1.0),
    ]:  # fmt: skip
        model = SCDClassifier(loss, n_estimators=2, random_state=0, **params).fit(X, y)
        assert model.loss_curve_.shape == (2, at_most)
        for curve, n_iter in zip(model.loss_curve_, model.n_iter_, strict=True):
            if target is None:
                assert n_iter == at_most
                continue
            assert curve[n_iter - 1] <= target
            assert (curve[: n_iter - 1] > target).all()


@pytest.mark.parametrize("max_iter", [20, 45])
def test_warm_start_fills_loss_curves_of_other_lengths(max_iter):
    X, y = _data()
    model = _model(n_estimators=2, warm_start=True).fit(X, y)
    model.set_params(n_estimators=3, max_iter=max_iter).fit(X, y)
    assert model.loss_curve_.shape == (3, max(30, max_iter))
    assert_array_equal(model.n_iter_, [30, 30, max_iter])
    assert_array_equal(np.isfinite(model.loss_curve_).sum(axis=1), model.n_iter_)
    for curve, n_iter in zip(model.loss_curve_, model.n_iter_, strict=True):
        assert np.isfinite(curve[:n_iter]).all()


@pytest.mark.parametrize("loss", ["01", "ce"])
def test_training_stops_when_nothing_improves(loss):
    X, y = _data()
    full = _model(loss, max_iter=150).fit(X, y)
    model = _model(loss, max_iter=150, n_iter_no_change=6).fit(X, y)
    assert (model.n_iter_ < 150).any()
    for curve, n_iter, whole in zip(
        model.loss_curve_, model.n_iter_, full.loss_curve_, strict=True
    ):
        assert_array_equal(curve[:n_iter], whole[:n_iter])
        assert np.isnan(curve[n_iter:]).all()
        best_at = np.argmin(curve[:n_iter]) + 1
        # Six iterations after the best one, or after a start that was best.
        assert n_iter in (150, best_at + 6, 6)
    # No mean loss falls by 0.7 from where the best constant output is.
    hopeless = _model(loss, max_iter=150, n_iter_no_change=6, tol=0.7).fit(X, y)
    assert_array_equal(hopeless.n_iter_, 6)


@pytest.mark.parametrize(
    ("max_features", "same"),
    [(100, 5), (None, 5), (0.6, 3), (0.999, 4), (0.01, 1)],
)
def test_max_features_is_a_number_a_fraction_or_all(max_features, same):
    X, y = _data()
    model = _model(max_features=max_features).fit(X, y)
    _assert_same_networks(model, _model(max_features=same).fit(X, y))
    other = _model(max_features=2).fit(X, y)
    assert not np.array_equal(model.hidden_coef_, other.hidden_coef_)


@pytest.mark.parametrize(
    ("params", "n_iter"),
    [
        ({}, 500), ({"ramp": 0.0}, 1_000), ({"margin": 0.1}, 1_000),
        ({"hidden_units": 0}, 1_000), ({"binary_weights": True}, 10_000),
    ],
)  # fmt: skip
def test_default_number_of_iterations(params, n_iter):
    X, y = _data(n=8)
    params = {"hidden_units": 1, "n_estimators": 1, **params}
    assert SCDClassifier("01", **params).fit(X, y).loss_curve_.shape == (1, n_iter)


# What a fit prints


@pytest.mark.parametrize(("loss", "measure"), [("01", "error"), ("ce", "loss")])
def test_verbose_fit_shows_networks_done_error_and_time_left(loss, measure, capsys):
    X, y = _data(3)
    model = _model(loss, n_estimators=11, max_iter=3, verbose=1).fit(X, y)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert 2 <= len(lines) <= 10  # 33 networks: logs stay short
    assert all(f"/33 networks, mean training {measure} " in line for line in lines)
    mean = model.loss_curve_.min(axis=1).mean()
    assert f"33/33 networks, mean training {measure} {mean:.4f}" in lines[-1]
    assert lines[-1].endswith(" 0 s left")
    _model(loss, max_iter=3, verbose=0).fit(X, y)
    assert capsys.readouterr() == ("", "")


def test_verbose_fit_rewrites_one_line_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _model(max_iter=3, verbose=1).fit(*_data())
    out = capsys.readouterr().out
    assert out.count("\r") == 3
    assert out.count("\n") == 1
    assert out.endswith("\n")


def test_time_left_is_that_of_the_networks_to_come(capsys, monkeypatch):
    clock = iter(range(0, 100, 10))  # ten seconds a network
    monkeypatch.setattr(_progress.time, "perf_counter", lambda: next(clock))
    line = _progress.ProgressLine("SCDClassifier", "networks", 4, "training error")
    for loss in [0.5, 0.25]:
        line(loss)
    assert capsys.readouterr().out.splitlines()[1] == (
        "SCDClassifier: 2/4 networks, mean training error 0.3750, 20 s, 20 s left"
    )


# What a fit refuses


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", "mse"),
        ("binary_weights", "yes"),
        ("n_estimators", 0),
        ("hidden_units", -1),
        ("max_iter", 0),
        ("max_features", 0),
        ("max_features", 1.5),
        ("learning_rate", 0.0),
        ("output_learning_rate", 0.0),
        ("subsample", 0.0),
        ("subsample", 1.1),
        ("voting", "loud"),
        ("class_weight", "even"),
        ("tol", -1.0),
        ("target_loss", -1.0),
        ("ramp", -0.1),
        ("n_iter_no_change", 0),
        ("warm_start", "no"),
        ("n_jobs", 1.5),
        ("random_state", "seed"),
        ("verbose", -1),
    ],
)
def test_bad_parameter_is_named_with_its_value(name, value):
    X, y = _data()
    with pytest.raises(ValueError, match=f"'{name}' parameter .* Got {value!r}"):
        _model().set_params(**{name: value}).fit(X, y)


def _with_nan(X):
    X = X.copy()
    X[0, 0] = np.nan
    return X


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda X, y: (_with_nan(X), y), ValueError, "Input X contains NaN"),
        (lambda X, y: (csr_matrix(X), y), TypeError, "[Ss]parse data was passed"),
        (lambda X, y: (X, y + X[:, 0]), ValueError, "Unknown label type: continuous"),
        (lambda X, y: (X, np.full(y.size, 7)), ValueError, "only one class: .*7"),
        (lambda X, y: (X, y, y), ValueError, "weight leave 1 of the 2 classes"),
        (lambda X, y: (X, y, 0 * y), ValueError, "weight"),
        (lambda X, y: (X, y, y - 0.5), ValueError, "Negative values .*sample_weight"),
        (lambda X, y: (X, y, np.ones(3)), ValueError, r"sample_weight.*\(3,\)"),
    ],
)
def test_bad_data_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        _model().fit(*make(*_data()))


def test_class_weight_can_not_leave_one_class():
    with pytest.raises(ValueError, match="class_weight leave 1 of the 2 classes"):
        _model(class_weight={0: 0, 1: 1}).fit(*_data())


def test_soft_vote_of_networks_without_probabilities_is_refused():
    with pytest.raises(ValueError, match=r"needs loss=.ce., got loss=.01."):
        _model("01", voting="soft").fit(*_data())


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "decision_function", "votes", "agreement"]
)
def test_bad_samples_are_refused(method):
    X, y = _data()
    predict = getattr(_model().fit(X, y), method)
    with pytest.raises(ValueError, match=r"X has 4 features.* expecting 5"):
        predict(X[:, :4])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        predict(_with_nan(X))


# With the rest of the world


# Floors are some 0.03 below the least of five seeds.
@pytest.mark.parametrize(
    ("load", "loss", "binary_weights", "hidden_units", "floor"),
    [
        (load_iris, "01", False, 6, 0.87),
        (load_iris, "01", True, 6, 0.87),
        (load_iris, "01", False, 0, 0.77),
        (load_iris, "ce", False, 6, 0.92),
        (load_iris, "ce", True, 6, 0.84),
        (load_iris, "ce", False, 0, 0.92),
        (load_breast_cancer, "01", False, 6, 0.93),
        (load_breast_cancer, "01", True, 6, 0.93),
        (load_breast_cancer, "ce", False, 6, 0.94),
        (load_breast_cancer, "ce", True, 6, 0.94),
        (load_breast_cancer, "01", False, 0, 0.93),
        (load_breast_cancer, "ce", True, 0, 0.94),
    ],
)
def test_accuracy_on_known_data(load, loss, binary_weights, hidden_units, floor):
    X, y = load(return_X_y=True)
    model = make_pipeline(
        StandardScaler(),
        _model(
            loss,
            binary_weights=binary_weights,
            hidden_units=hidden_units,
            n_estimators=10,
            max_iter=100,
        ),
    )
    assert cross_val_score(model, X, y, cv=3).mean() > floor


@pytest.mark.parametrize("binary_weights", [False, True])
@pytest.mark.parametrize("loss", ["01", "ce"])
def test_hidden_units_learn_what_no_linear_function_can(loss, binary_weights):
    X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    accuracy = {}
    for hidden_units in [0, 8]:
        model = _model(
            loss,
            binary_weights=binary_weights,
            hidden_units=hidden_units,
            n_estimators=1,  # many linear functions can vote their way there
            max_iter=300,
        )
        accuracy[hidden_units] = model.fit(X[:200], y[:200]).score(X[200:], y[200:])
    assert accuracy[0] < 0.78
    assert accuracy[8] > 0.82


def test_a_single_row_is_validated_like_any_other():
    X, y = _data(2)
    model = _model("ce").fit(X, y)
    assert model.predict(X[:1]) == model.predict(X[:2])[0]
    for dtype in [np.float32, ">f8", object, int]:
        row = X[:1].astype(dtype)
        assert_array_equal(model.predict(row), model.predict(np.vstack([row, row]))[:1])
    bad = X[:1].copy()
    bad[0, 2] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict(bad)
    with pytest.raises(ValueError, match="expecting 5 features"):
        model.predict(X[:1, :3])
    with pytest.raises(ValueError, match="1D array"):
        model.predict(X[0])
    pd = pytest.importorskip("pandas")
    named = _model("ce").fit(pd.DataFrame(X, columns=list("abcde")), y)
    with pytest.warns(UserWarning, match="feature names"):
        named.predict(X[:1])
