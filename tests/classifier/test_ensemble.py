"""Training depends on the weighted set of samples and the seed, on nothing else."""

import math
from hashlib import sha256
from itertools import product

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal

from sklearn_scd import SCDClassifier, _ensemble, _outputs, _training_set
from sklearn_scd._ensemble import (
    binary_problem,
    network_seed,
    settings_for,
    train_network,
)
from sklearn_scd._kernels.rows import fingerprint_rows
from sklearn_scd._training_set import canonical_rows, fixed_point_weights, training_set

FITTED = [
    "hidden_coef_",
    "hidden_intercept_",
    "output_coef_",
    "output_intercept_",
    "loss_curve_",
    "n_iter_",
]

all_settings = pytest.mark.parametrize(
    ("loss", "binary_weights"), list(product(["01", "ce"], [False, True]))
)


def _model(**params):
    params = {
        "n_estimators": 3,
        "max_iter": 25,
        "hidden_units": 4,
        "random_state": 0,
        **params,
    }
    return SCDClassifier(**params)


def _data(n_classes=3, n=70, dtype=np.float64):
    """Overlapping classes on a grid of whole numbers, some samples repeated."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % n_classes
    X = rng.integers(0, 30, (n, 5)) + 6 * y[:, np.newaxis]
    X[::10], y[::10] = X[3], y[3]
    X[1], y[1] = X[3], (y[3] + 1) % n_classes  # equal samples, different labels
    return X.astype(dtype), y


def _assert_same_networks(a, b):
    for name in FITTED:
        assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
        assert getattr(a, name).dtype == getattr(b, name).dtype


def _differ(a, b):
    return not np.array_equal(a.hidden_coef_, b.hidden_coef_)


@all_settings
def test_seed_alone_decides_whatever_the_number_of_threads(loss, binary_weights):
    X, y = _data()
    params = {"loss": loss, "binary_weights": binary_weights, "n_estimators": 5}
    model = _model(**params, n_jobs=1).fit(X, y)
    for n_jobs in [None, 2, 8]:
        _assert_same_networks(model, _model(**params, n_jobs=n_jobs).fit(X, y))
    assert _differ(model, _model(**params, random_state=1).fit(X, y))


@pytest.mark.parametrize("backend", ["loky", "threading", "sequential"])
def test_processes_train_what_threads_do(backend):
    X, y = _data()
    params = {"margin": 0.5, "noise": 1.0}
    expected = _model(**params).fit(X, y)
    with parallel_config(backend=backend, n_jobs=2):
        _assert_same_networks(_model(**params).fit(X, y), expected)


@pytest.mark.parametrize(("ramp", "factor"), [(0.0, 1.0), (0.3, 2.0)])
def test_on_the_ramp_a_class_of_three_weighs_as_much_as_two(ramp, factor):
    X, y = _data()
    model = _model(loss="01", ramp=ramp).fit(X, y)
    options = model._training_options(X.shape[1], "01", np.bincount(y))
    for k in range(3):
        weights = np.where(y == k, factor, 1.0)
        data = binary_problem(training_set(X, y, weights, 3), k)
        networks = train_network(
            data, settings_for(data, {**options, "margin": 0.0}), 4,
            network_seed(model._seed, 0, k),
        )  # fmt: skip
        for name in FITTED:
            assert_array_equal(getattr(networks, name[:-1]), getattr(model, name)[k])


def test_order_in_which_networks_are_trained_does_not_matter():
    X, y = _data()
    model = _model(n_estimators=4).fit(X, y)
    training = training_set(X, y, np.ones(y.size), 3)
    options = model._training_options(X.shape[1], model._loss, np.bincount(y))
    for votes in [[3, 1], [0], [2, 0, 1, 3]]:
        networks = _ensemble.train_networks(
            training, range(3), votes, options, model._seed, 2, lambda loss: None
        )
        places = [3 * vote + k for vote in votes for k in range(3)]
        for name in FITTED:
            got, expected = getattr(networks, name[:-1]), getattr(model, name)[places]
            assert_array_equal(got, expected, err_msg=name)


# Votes on the training samples, and binary weights, are decisions between whole
# numbers: other platforms and versions of numpy and numba come to the same.
@pytest.mark.parametrize(
    ("loss", "binary_weights", "margin", "ramp", "expected"),
    [
        ("01", False, 0.0, 0.0, "59c09380b540db37"),
        ("01", False, 0.0, 0.3, "3cfe9b2c12406fd6"),
        ("01", True, 0.0, "auto", "ddc03c2c03f9b0d6"),
        ("ce", False, 0.0, "auto", "248740585d0158c6"),
        ("ce", True, 0.0, "auto", "9c860adc184ab547"),
        ("01", False, 2.0, "auto", "c8b29f702f9d2bf1"),
        ("ce", False, 2.0, "auto", "f8286ba11a09728e"),
    ],
)
def test_decisions_are_the_same_everywhere(
    loss, binary_weights, margin, ramp, expected
):
    X, y = _data(dtype=np.uint8)
    model = _model(loss=loss, binary_weights=binary_weights, margin=margin, ramp=ramp)
    model.fit(X, y)
    decisions = [model.votes(X).astype(np.uint8)]
    if binary_weights:
        decisions += [model.hidden_coef_, model.output_coef_]
    digest = sha256(b"".join(part.tobytes() for part in decisions)).hexdigest()
    assert digest[:16] == expected
    assert len(np.unique(decisions[0], axis=1).T) > 1  # or votes decide nothing


def test_random_states_that_move_on_give_other_networks():
    X, y = _data()
    generator = np.random.RandomState(0)
    first = _model(random_state=generator).fit(X, y)
    assert _differ(first, _model(random_state=generator).fit(X, y))
    _assert_same_networks(
        first, _model(random_state=np.random.RandomState(0)).fit(X, y)
    )
    assert _differ(
        _model(random_state=None).fit(X, y), _model(random_state=None).fit(X, y)
    )


def test_networks_of_an_ensemble_are_independent():
    X, y = _data()
    model = _model(n_estimators=4).fit(X, y)
    assert len(np.unique(model.hidden_coef_.reshape(12, -1), axis=0)) == 12
    seeds = [tuple(network_seed(0, v, k)) for v in range(20) for k in range(5)]
    assert len(set(seeds)) == 100
    assert tuple(network_seed(1, 0, 0)) not in seeds


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
@all_settings
def test_order_of_samples_does_not_matter(loss, binary_weights, dtype):
    X, y = _data(dtype=dtype)
    weight = np.random.default_rng(1).random(y.size)
    params = {"loss": loss, "binary_weights": binary_weights}
    model = _model(**params).fit(X, y, weight)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(y.size)
        _assert_same_networks(
            model, _model(**params).fit(X[order], y[order], weight[order])
        )


@all_settings
def test_weights_are_numbers_of_copies(loss, binary_weights):
    X, y = _data()
    copies = np.random.default_rng(1).integers(0, 4, y.size)
    params = {"loss": loss, "binary_weights": binary_weights}
    weighted = _model(**params).fit(X, y, copies)
    repeated = _model(**params).fit(np.repeat(X, copies, axis=0), np.repeat(y, copies))
    _assert_same_networks(weighted, repeated)
    _assert_same_networks(weighted, _model(**params).fit(X, y, copies * 0.25))
    assert _differ(weighted, _model(**params).fit(X, y))


@pytest.mark.parametrize("n_features", [4, 8])
@pytest.mark.parametrize("loss", ["01", "ce", "radius"])
def test_few_values_in_few_columns_are_the_same_samples_in_any_order(loss, n_features):
    # Of four features hashes are the same where two are swapped, or alike.
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (80, n_features)).astype(float)
    X[:, 4:] = X[:, :-4]
    y, copies = rng.integers(0, 2, 80), rng.integers(1, 4, 80)
    params = {"loss": loss, "margin": 0.3 if loss == "radius" else 0.0}
    model = _model(**params).fit(X, y, copies)
    order = rng.permutation(80)
    _assert_same_networks(
        model, _model(**params).fit(X[order], y[order], copies[order])
    )
    rows = rng.permutation(np.repeat(np.arange(80), copies))
    _assert_same_networks(model, _model(**params).fit(X[rows], y[rows]))


def test_weights_of_equal_samples_in_any_order_have_one_sum():
    weights = np.array([0.1, 0.2, 0.3, 1e-17, 0.7, 1e9, 0.1])
    X, y = np.ones((7, 3)), np.zeros(7, dtype=int)
    sums = {
        canonical_rows(X, y, np.random.default_rng(k).permutation(weights))[1].item()
        for k in range(50)
    }
    assert sums == {math.fsum(weights)}


@all_settings
def test_samples_without_weight_are_not_there(loss, binary_weights):
    X, y = _data()
    weights = np.random.default_rng(1).integers(0, 3, y.size)
    X[weights == 0] *= 1000.0  # the largest numbers of all
    there = weights > 0
    params = {"loss": loss, "binary_weights": binary_weights}
    _assert_same_networks(
        _model(**params).fit(X, y, weights),
        _model(**params).fit(X[there], y[there], weights[there]),
    )


@pytest.mark.parametrize("loss", ["01", "ce"])
def test_balanced_classes_are_those_of_copies(loss):
    X, y = _data()
    copies = np.where(y == 0, 3, np.random.default_rng(1).integers(0, 3, y.size))
    weighted = _model(loss=loss, class_weight="balanced").fit(X, y, copies)
    rows = np.repeat(np.arange(y.size), copies)
    repeated = _model(loss=loss, class_weight="balanced").fit(X[rows], y[rows])
    _assert_same_networks(weighted, repeated)


@all_settings
def test_dtype_does_not_matter_where_the_numbers_are_equal(loss, binary_weights):
    X, y = _data(dtype=np.uint8)
    params = {"loss": loss, "binary_weights": binary_weights}
    model = _model(**params).fit(X, y)
    as_float32 = _model(**params).fit(X.astype(np.float32), y)
    _assert_same_networks(model, as_float32)
    assert model.hidden_intercept_.dtype == np.float32
    expected = model.votes(X)
    assert_array_equal(as_float32.votes(X.astype(np.float32)), expected)
    # Other dtypes become float64; lists do, too.
    double = _model(**params).fit(X.astype(np.int64), y)
    assert double.hidden_intercept_.dtype == np.float64
    _assert_same_networks(double, _model(**params).fit(X.astype(np.float64), y))
    _assert_same_networks(double, _model(**params).fit(X.tolist(), y.tolist()))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_layout_of_the_data_in_memory_does_not_matter(dtype, tmp_path):
    X, y = _data(dtype=dtype)
    model = _model().fit(X, y)
    expected = model.predict_proba(X)
    wide = np.zeros((2 * X.shape[0], 3 * X.shape[1]), dtype=dtype)
    wide[::2, ::3] = X
    frozen = X.copy()
    frozen.flags.writeable = False
    np.save(tmp_path / "X.npy", X)
    layouts = {
        "Fortran": np.asfortranarray(X),
        "strided": wide[::2, ::3],
        "reversed": X[::-1, ::-1].copy()[::-1, ::-1],
        "read-only": frozen,
        "memory-mapped": np.load(tmp_path / "X.npy", mmap_mode="r"),
    }
    for layout in layouts.values():
        _assert_same_networks(model, _model().fit(layout, y))
        assert_array_equal(model.predict_proba(layout), expected)
    assert_array_equal(X, _data(dtype=dtype)[0])  # fit and predict left X alone


@pytest.mark.parametrize("subsample", [0.75, 1.0])
@pytest.mark.parametrize("loss", ["01", "ce"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_of_the_data_do_not_matter(loss, subsample, dtype):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((70, 5)).astype(dtype), rng.integers(0, 2, 70)
    model = _model(loss=loss, subsample=subsample).fit(X, y)
    for scale in [2.0**-6, 2.0**10]:  # powers of two: no rounding
        scaled = _model(loss=loss, subsample=subsample).fit(X * dtype(scale), y)
        assert_array_equal(scaled.loss_curve_, model.loss_curve_)
        assert_array_equal(scaled.hidden_coef_, model.hidden_coef_)
        assert_array_equal(scaled.hidden_intercept_, model.hidden_intercept_ * scale)
        assert_array_equal(scaled.votes(X * dtype(scale)), model.votes(X))


def test_chunks_of_prediction_do_not_show(monkeypatch):
    X, y = _data()
    model = _model().fit(X, y)
    expected = model.predict_proba(X)
    monkeypatch.setattr(_outputs, "_CHUNK_BYTES", 700)
    assert_array_equal(model.predict_proba(X), expected)
    assert_array_equal(model.predict_proba(X[:1]), expected[:1])


def test_canonical_rows_merge_equal_samples_and_sum_their_weights():
    X, y = _data()
    weights = np.random.default_rng(1).integers(0, 5, y.size).astype(float)
    expected = {}
    for x, label, weight in zip(X, y, weights, strict=True):
        if weight:
            key = (*x, label)
            expected[key] = expected.get(key, 0) + weight
    assert len(expected) < (weights > 0).sum()  # or this test shows nothing
    rows, sums = canonical_rows(X, y, weights)
    assert expected == {
        (*X[i], y[i]): weight for i, weight in zip(rows, sums, strict=True)
    }
    assert (np.diff(y[rows]) >= 0).all()


def test_samples_whose_fingerprints_collide_stay_apart(monkeypatch):
    def collide(X, scale, out):
        out[:] = 7

    monkeypatch.setattr(_training_set, "fingerprint_rows", collide)
    X = np.array([[1.0], [1.0], [2.0], [3.0], [3.0]])
    rows, weights = canonical_rows(X, np.zeros(5, dtype=int), np.ones(5))
    assert_array_equal(X[rows].ravel(), [1, 2, 3])
    assert_array_equal(weights, [2, 1, 2])


def test_fingerprints_are_those_of_values():
    def fingerprints(X):
        out = np.empty(X.shape[0], dtype=np.uint64)
        fingerprint_rows(X, 1.0, out)
        return out

    X = np.random.default_rng(0).integers(0, 256, (3000, 8)).astype(np.uint8)
    X[:2] = 0
    expected = fingerprints(X)
    assert expected[0] == expected[1]
    assert np.unique(expected).size == np.unique(X, axis=0).shape[0]
    for dtype in [np.float32, np.float64]:
        signed = X.astype(dtype)
        signed[1] = -0.0
        assert_array_equal(fingerprints(signed), expected)
        assert_array_equal(fingerprints(np.asfortranarray(signed)), expected)
    assert fingerprints(X[2:3, ::-1])[0] != expected[2]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_training_set_is_feature_major_in_the_dtype_of_the_data(dtype):
    X, y = _data(n=600, dtype=dtype)  # more rows than are copied at a time
    if dtype != np.uint8:  # more values than are coded
        X[::2] += np.arange(300)[:, np.newaxis] / 512
    training = training_set(X, y, np.ones(y.size), 3)
    rows, weights = canonical_rows(X, y, np.ones(y.size))
    assert training.columns.dtype == dtype
    assert training.columns.flags.c_contiguous
    assert_array_equal(training.columns, X[rows].T)
    assert_array_equal(training.lowest, X.min(axis=0))
    assert_array_equal(training.highest, X.max(axis=0))
    assert_array_equal(np.repeat(range(3), np.diff(training.class_starts)), y[rows])
    assert_array_equal(training.weight, fixed_point_weights(weights))


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 3e7, 1e300])
def test_fixed_point_weights_are_whole_positive_and_in_proportion(scale):
    weights = np.random.default_rng(0).random(1000) * scale
    weights[0] *= 1e-30
    fixed = fixed_point_weights(weights)
    assert fixed.dtype == np.int64
    assert fixed.min() == fixed[0] == 1
    assert 2**43 <= fixed.sum() <= 2**44 + weights.size
    np.testing.assert_allclose(
        fixed[1:] / fixed.sum(), weights[1:] / weights.sum(), rtol=1e-6, atol=1e-13
    )
    assert_array_equal(fixed_point_weights(np.ldexp(weights, 3)), fixed)
    # Whole weights keep their ratios to the bit.
    assert_array_equal(
        fixed_point_weights(np.array([1.0, 3.0, 4.0])), 2**41 * np.array([1, 3, 4])
    )
