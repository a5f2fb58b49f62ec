"""Stored models: what a file holds, how large it is, and which versions read it."""

import copy
import gzip
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_scd import PixelMeans, SCDClassifier, SignConvolution, make_robust_scd

FITTED = [
    "hidden_coef_",
    "hidden_intercept_",
    "output_coef_",
    "output_intercept_",
    "loss_curve_",
    "n_iter_",
]


def _data(n_features=11, n=60, n_classes=3):
    """Overlapping classes; 11 weights do not fill their last byte."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % n_classes
    X = rng.standard_normal((n, n_features)) + np.eye(n_classes, n_features)[labels]
    return X, np.array(["benign", "malignant", "unclear"])[labels]


def _model(**params):
    params = {"n_estimators": 3, "max_iter": 20, "hidden_units": 5, **params}
    return SCDClassifier(random_state=0, **params)


def _assert_same(stored, model, X):
    for name in FITTED:
        got, expected = getattr(stored, name), getattr(model, name)
        assert got.dtype == expected.dtype, name
        assert_array_equal(got, expected, err_msg=name)
    assert set(vars(stored)) == set(vars(model))
    assert_array_equal(stored.predict_proba(X), model.predict_proba(X))
    assert_array_equal(stored.predict(X), model.predict(X))


@pytest.mark.parametrize("binary_weights", [False, True])
def test_model_survives_storage(binary_weights, tmp_path):
    X, y = _data()
    model = _model(binary_weights=binary_weights, warm_start=True).fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    more = clone(model).set_params(n_estimators=5).fit(X, y)
    for stored in [
        pickle.loads(pickle.dumps(model)),
        joblib.load(tmp_path / "model.joblib"),
        joblib.load(tmp_path / "model.joblib", mmap_mode="r"),
        copy.deepcopy(model),
    ]:
        _assert_same(stored, model, X)
        _assert_same(stored.set_params(n_estimators=5).fit(X, y), more, X)
    unfitted = pickle.loads(pickle.dumps(clone(model)))
    assert unfitted.get_params() == model.get_params()


def test_state_is_arrays_and_plain_values():
    """No object that must be trusted."""
    X, y = _data()
    state = _model(binary_weights=True).fit(X, y).__getstate__()
    for name, value in state.items():
        if isinstance(value, np.ndarray):
            assert value.dtype.kind in "fiuU", name
        else:
            assert type(value) in (bool, int, float, str, type(None)), name


@pytest.mark.parametrize("binary_weights", [False, True])
def test_skops_asks_to_trust_the_classes_alone(binary_weights):
    io = pytest.importorskip("skops.io")
    pd = pytest.importorskip("pandas")
    X, y = _data()
    X = pd.DataFrame(X).add_prefix("pixel")
    model = _model(binary_weights=binary_weights).fit(X, y)
    robust = make_robust_scd(2, n_estimators=2, max_iter=5, random_state=0).fit(X, y)
    networks = "sklearn_scd._classifier.SCDClassifier"
    front = "sklearn_scd._active_subspace.ActiveSubspace"
    both = "sklearn_scd._robust_pipeline.RobustPipeline"
    layers = make_pipeline(
        PixelMeans(side=9),
        SignConvolution(random_state=0),
        StandardScaler(),
        clone(model),
    ).fit(X, y)
    of_layers = [
        networks,
        "sklearn_scd._pixel_means.PixelMeans",
        "sklearn_scd._sign_convolution.SignConvolution",
    ]
    for fitted, names in [
        (robust, [front, networks, both]),
        (layers, of_layers),
        (model, [networks]),
    ]:
        data = io.dumps(fitted)
        untrusted = io.get_untrusted_types(data=data)
        assert untrusted == names
        stored = io.loads(data, trusted=untrusted)
        assert_array_equal(stored.predict_proba(X), fitted.predict_proba(X))
    _assert_same(io.loads(io.dumps(model), trusted=untrusted), model, X)


def test_large_binary_model_is_small_on_disk(tmp_path):
    """100 votes of 20 units on 9,216 pixels: 2.3 MB of bits, the least they can be."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (16, 9216), dtype=np.uint8)
    model = SCDClassifier(binary_weights=True, max_iter=1, random_state=0)
    model.fit(X, np.arange(16) % 2)
    assert model.hidden_coef_.shape == (100, 20, 9216)
    proba = model.predict_proba(X)

    joblib.dump(model, tmp_path / "model.joblib", compress=3)
    with gzip.open(tmp_path / "model.pickle.gz", "wb") as file:
        pickle.dump(model, file)
    for path in tmp_path.iterdir():
        assert path.stat().st_size < 3e6
    for stored in [
        joblib.load(tmp_path / "model.joblib"),
        pickle.loads(gzip.decompress((tmp_path / "model.pickle.gz").read_bytes())),
    ]:
        assert_array_equal(stored.hidden_coef_, model.hidden_coef_)
        assert_array_equal(stored.predict_proba(X), proba)


def test_loss_curves_are_small_beside_the_weights(tmp_path):
    """Below 2 bits an iteration, where losses that rise and fall take more than 20."""
    X, y = _data(n=300, n_classes=2)
    model = _model(binary_weights=True, max_iter=2_000).fit(X, y)
    sizes = []
    for curves in [model.loss_curve_, model.loss_curve_[:, :0]]:
        model.loss_curve_ = curves
        joblib.dump(model, tmp_path / "model.joblib", compress=3)
        sizes.append((tmp_path / "model.joblib").stat().st_size)
    assert sizes[0] - sizes[1] < 3 * 2_000 / 4


def test_loss_curves_are_stored_bit_by_bit():
    X, y = _data()
    stopped = _model(n_iter_no_change=4).fit(X, y)
    assert np.isnan(stopped.loss_curve_).any()
    growing = _model(margin=0.1).fit(X, y)
    noisy = np.random.default_rng(0).random((9, 50), dtype=np.float32)
    for curves in [
        stopped.loss_curve_,
        growing.loss_curve_,
        np.asfortranarray(noisy),
        noisy[:, ::-2],
        np.where(noisy > 0.5, np.float32(0.0), np.float32(-0.0)),
        np.zeros_like(noisy),  # one run for all
        noisy[:, :1],
        noisy[:, :0],
        noisy[:4],  # of other networks than there are, as where votes were left out
        np.empty(0),  # whatever a user puts there
    ]:
        stopped.loss_curve_ = curves
        stored = pickle.loads(pickle.dumps(stopped)).loss_curve_
        assert (stored.dtype, stored.shape) == (curves.dtype, curves.shape)
        assert stored.tobytes() == curves.tobytes()
        assert stored.flags.writeable


def test_loss_curves_may_be_cut_off():
    X, y = _data()
    model = _model(warm_start=True).fit(X, y)
    proba = model.predict_proba(X)
    model.loss_curve_ = model.loss_curve_[:, :0]
    stored = pickle.loads(pickle.dumps(model))
    assert_array_equal(stored.predict_proba(X), proba)
    more = stored.set_params(n_estimators=4).fit(X, y)
    assert np.isnan(more.loss_curve_[:9]).all()
    assert np.isfinite(more.loss_curve_[9:]).all()


def test_weights_that_are_no_signs_stay_as_they_are():
    """A user who prunes a binary model gets zeros back, not signs."""
    X, y = _data()
    model = _model(binary_weights=True).fit(X, y)
    model.hidden_coef_[:, :, ::3] = 0
    _assert_same(pickle.loads(pickle.dumps(model)), model, X)


def _first_state(dtype):
    """State as the first version stored it: no format, and no margin or noise yet.

    The one network says 1 where x_0 - x_1 > 0.5.
    """
    return {
        "loss": "ce",
        "binary_weights": dtype == np.int8,
        "n_estimators": 1,
        "hidden_units": 1,
        "max_iter": 10,
        "max_features": 128,
        "learning_rate": 0.17,
        "output_learning_rate": 0.2,
        "subsample": 0.75,
        "voting": "hard",
        "class_weight": None,
        "tol": 0.0,
        "n_iter_no_change": None,
        "warm_start": True,
        "n_jobs": None,
        "random_state": 0,
        "verbose": 0,
        "n_features_in_": 2,
        "hidden_coef_": np.array([[[1, -1]]], dtype=dtype),
        "hidden_intercept_": np.array([[-0.5]]),
        "output_coef_": np.array([[1]], dtype=dtype),
        "output_intercept_": np.array([-0.5]),
        "loss_curve_": np.zeros((1, 10), dtype=np.float32),
        "n_iter_": np.array([10]),
        "classes_": np.array([0, 1]),
        "_seed": 1,
    }


def _load(state):
    """What pickle does with a state."""
    model = SCDClassifier.__new__(SCDClassifier)
    model.__setstate__(state)
    return model


def _state_of_format_1(dtype):
    """Binary weights are bits, loss curves are as they are."""
    state = _first_state(dtype)
    if dtype == np.int8:
        state["hidden_coef_"] = np.array([[[0b10000000]]], dtype=np.uint8)
    return {
        **state,
        "margin": 0.0,
        "_loss": "ce",
        "_sklearn_scd_format": 1,
        "_sklearn_scd_version": "0.1.0",
    }


@pytest.mark.parametrize("dtype", [np.float64, np.int8])
@pytest.mark.parametrize("state", [_first_state, _state_of_format_1])
def test_state_of_an_earlier_format_loads(state, dtype):
    model = _load(state(dtype))
    assert_array_equal(model.loss_curve_, np.zeros((1, 10), dtype=np.float32))
    X = np.array([[1.0, 0.0], [0.5, 0.0], [0.0, 1.0], [3.0, 2.0]])
    assert_array_equal(model.predict(X), [1, 0, 0, 1])
    assert model.get_params()["margin"] == 0.0
    more = model.set_params(n_estimators=3).fit(X, [1, 0, 0, 1])
    assert_array_equal(more.hidden_coef_[:1], [[[1, -1]]])


def test_rivals_of_an_earlier_format_that_all_but_tied_tie():
    """1/120 is on no binary grid: one output was -1/120, its equal -1/120 - 2e-16."""
    state = {
        **_first_state(np.float64),
        "hidden_coef_": np.array([[[1.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]]),
        "hidden_intercept_": np.array([[0.0], [0.0], [0.0]]),
        "output_coef_": np.array([[-1.0], [1.0], [-1.0]]),
        "output_intercept_": np.array([1 - 1 / 120, -1 - 1 / 120, -5.0]),
        "loss_curve_": np.zeros((3, 10), dtype=np.float32),
        "n_iter_": np.full(3, 10),
        "classes_": np.array([0, 1, 2]),
    }
    X = np.array([[1.0, 1.0], [-1.0, 1.0]])
    assert_array_equal(_load(state).predict(X), [0, 0])
    swapped = {**state, "output_coef_": state["output_coef_"][[1, 0, 2]]}
    swapped["output_intercept_"] = state["output_intercept_"][[1, 0, 2]]
    assert_array_equal(_load(swapped).predict(X), [0, 1])
    assert_array_equal(_load(swapped)._outputs(X)[0, 0, :2], [-1092 / 2**17] * 2)


def test_state_of_a_later_version_says_which():
    X, y = _data()
    state = _model().fit(X, y).__getstate__()
    state["_sklearn_scd_format"] += 1
    state["_sklearn_scd_version"] = "7.5.0"
    with pytest.raises(ValueError, match=r"sklearn-scd 7\.5\.0.*formats up to 3"):
        _load(state)


def _with_more_features(state):
    state["n_features_in_"] += 8


def _with_a_run_too_few(state):
    state["loss_curve_"] = state["loss_curve_"][:, 1:]


def _with_half_a_run(state):
    state["loss_curve_"] = state["loss_curve_"][:4]


@pytest.mark.parametrize(
    "damage", [_with_more_features, _with_a_run_too_few, _with_half_a_run]
)
def test_damaged_state_is_refused(damage):
    X, y = _data()
    state = _model(binary_weights=True).fit(X, y).__getstate__()
    damage(state)
    with pytest.raises(ValueError, match="damaged"):
        _load(state)
