"""A robust model with its defaults: sizes from the data, and no silent constant."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_moons,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

from sklearn_scd import SCDClassifier, make_robust_scd
from sklearn_scd._convergence import shares_of_sides
from sklearn_scd._data_scale import automatic_size as automatic_size_of_rows
from sklearn_scd._data_scale import sizes_of_radii
from sklearn_scd.robustness import certified_distortion


def _moons(n=200):
    return make_moons(n, noise=0.15, random_state=0)


def _model(**params):
    params = {"n_estimators": 3, "max_iter": 60, "hidden_units": 5, **params}
    return SCDClassifier("01", random_state=0, **params)


def automatic_size(X, y, seed):
    return automatic_size_of_rows(X, y, np.arange(len(X)), seed)


def _digits():
    X, y = load_digits(return_X_y=True)
    return X[:900] / 16, y[:900] % 2


def _unscaled(load):
    return load(return_X_y=True)


@pytest.mark.parametrize(
    "data",
    [
        _digits,
        lambda: _unscaled(load_breast_cancer),
        lambda: _unscaled(load_iris),
        lambda: _unscaled(load_wine),
        lambda: (scale(load_wine().data), load_wine().target),
        lambda: (1e6 * load_iris().data, load_iris().target),
        _moons,
    ],
    ids=["digits", "cancer", "iris", "wine", "wine scaled", "iris in micro", "moons"],
)
def test_robust_model_with_its_defaults_is_nearly_as_accurate(data):
    X_train, X_test, y_train, y_test = train_test_split(
        *data(), test_size=0.4, random_state=1
    )
    options = {"n_estimators": 9, "random_state": 0}
    plain = SCDClassifier(max_iter=300, **options).fit(X_train, y_train)
    robust = make_robust_scd(**options).fit(X_train, y_train)
    # Training by radii pays with accuracy, most where features of large values hide the
    # others, as in the cancer data.
    paid = 0.1 if np.ptp(X_train) > 1000 and len(set(y_train)) == 2 else 0.05
    assert robust.score(X_test, y_test) > plain.score(X_test, y_test) - paid
    assert robust["scdclassifier"].margin_ > 0
    bounds = certified_distortion(robust, X_test[:20], y_test[:20], method="order")
    assert np.isfinite(bounds).all()


def test_automatic_sizes_have_the_units_of_the_data_and_no_origin():
    X, y = _moons()
    model = _model(margin="auto", noise="auto").fit(X, y)
    assert model.margin_ == model.noise_ > 0
    assert (model.margin, model.noise) == ("auto", "auto")
    large = _model(margin="auto").fit(8 * X, y)
    assert_allclose(large.margin_, 8 * model.margin_, rtol=1e-9)
    assert large.noise_ == 0.0
    moved = _model(margin="auto").fit(X + 100, y)
    assert_allclose(moved.margin_, model.margin_, rtol=1e-6)
    # They are what a fit with these numbers would train with.
    numbers = _model(margin=model.margin_, noise=model.noise_).fit(X, y)
    assert_array_equal(numbers.hidden_coef_, model.hidden_coef_)


def test_automatic_sizes_depend_on_the_weighted_set_of_samples_alone():
    X, y = _moons()
    weight = np.where(np.arange(200) < 50, 2.0, 1.0)
    weight[-30:] = 0
    model = _model(margin="auto").fit(X, y, weight)
    order = np.random.default_rng(0).permutation(200)
    alike = _model(margin="auto").fit(X[order], y[order], weight[order])
    twice = np.concatenate([np.arange(170), np.arange(50)])
    assert alike.margin_ == model.margin_
    assert _model(margin="auto").fit(X[twice], y[twice]).margin_ == model.margin_


def test_automatic_size_is_the_distance_between_planted_classes():
    """Two far groups: 0.14 of their distance, or 0.4 of that to the plane midway."""
    rng = np.random.RandomState(0)
    y = np.arange(400) % 2
    X = 0.01 * rng.standard_normal((400, 3))
    X[:, 0] += 10 * y
    assert automatic_size(X, y, 0) == pytest.approx(1.4, rel=0.02)
    X[:, 1:] *= 1e4  # a wide spread that tells nothing of the classes
    assert automatic_size(X, y, 0) == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("n_features", [3, 40])
def test_equal_samples_of_two_classes_leave_no_margin(n_features):
    X = np.random.default_rng(0).normal(size=(60, n_features))
    twins, y = np.concatenate([X, X]), np.repeat([0, 1], 60)
    assert automatic_size(twins, y, 0) == 0
    twins[:4] += 1  # the distances of these count, not those of the others
    lone = np.linalg.norm(X[:4, None] + 1 - X, axis=2).min()
    assert automatic_size(twins, y, 0) > 1e-3 * lone


@pytest.mark.parametrize("factor", [2.0**-1000, 2.0**-600, 2.0**600])
def test_automatic_sizes_know_units_whose_squares_leave_the_range(factor):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 5)), np.arange(60) % 2
    X[:, 0] += 3 * y
    assert automatic_size(X * factor, y, 0) == automatic_size(X, y, 0) * factor
    sizes = sizes_of_radii(X, y, np.arange(60))
    for name, size in sizes_of_radii(X * factor, y, np.arange(60)).items():
        assert size == sizes[name] * factor


def test_automatic_size_of_many_samples_looks_at_some():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((50_000, 4))
    y = (X[:, 0] > 0).astype(int)
    few = automatic_size(X[:2_000], y[:2_000], 0)
    assert automatic_size(X, y, 0) == pytest.approx(few, rel=0.2)
    assert automatic_size(X, y, 0) == automatic_size(X, y, 0)


def test_automatic_size_knows_a_class_too_rare_to_be_drawn():
    X = np.random.RandomState(0).standard_normal((9000, 4))
    y = (np.arange(9000) == 7).astype(int)
    assert 0 < automatic_size(X, y, 0) < 10


@pytest.mark.parametrize("odd", ["constant", "equal", "single"])
def test_automatic_size_of_odd_data_is_finite(odd):
    X, y = _moons(60)
    if odd == "constant":
        X[:, 1] = 3.0
    elif odd == "equal":  # all samples are of both classes
        X[30:], y = X[:30], np.repeat([0, 1], 30)
    else:
        y = np.where(np.arange(60) == 5, 1, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = _model(margin="auto", noise="auto").fit(X, y)
    assert 0 <= model.margin_ < 1
    assert odd != "equal" or model.margin_ == 0


def test_components_are_at_most_what_there_is():
    X, y = load_iris(return_X_y=True)
    model = make_robust_scd(n_estimators=2, max_iter=20, random_state=0).fit(X, y)
    front = model["activesubspace"]
    assert front.components_.shape == (4, 4)
    assert front.n_components_ == 4
    few = front.fit(X[48:52].repeat(2, axis=1), y[48:52])
    assert few.n_components_ == 4  # of four samples
    with pytest.raises(ValueError, match="n_components=5 must be"):
        front.set_params(n_components=5).fit(X, y)


# A fit that ends at a constant


@pytest.mark.parametrize("n_classes", [2, 10])
def test_a_fit_that_ends_at_a_constant_warns_and_says_what_to_change(n_classes):
    X, y = load_digits(return_X_y=True)
    X, y = X[:300] / 16, y[:300] % n_classes
    with pytest.warns(
        ConvergenceWarning, match="margin and less noise than 5 and"
    ) as w:
        model = _model(margin=5.0).fit(X, y)
    assert len(w) == 1
    assert w[0].filename == __file__
    if n_classes == 2:
        assert "1 is predicted for 100.0% of the training" in str(w[0].message)
        assert (model.predict(X) == 1).all()


def test_a_plain_fit_that_ends_at_a_constant_says_other_things():
    X, y = np.zeros((100, 3)), np.arange(100) % 5 < 2
    message = r"False is predicted for 100.0% .* StandardScaler"
    with pytest.warns(ConvergenceWarning, match=message):
        _model().fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _model().fit(X[:40], y[:40])  # few
        _model(class_weight={False: 100, True: 1}).fit(X, y)  # as is asked for


@pytest.mark.parametrize("n_classes", [2, 3])
def test_radii_under_a_long_margin_are_no_constants(n_classes):
    # Sides count alike: a constant has a loss of log 2, whatever their shares.
    rng = np.random.default_rng(0)
    y = np.maximum(rng.integers(0, 4, 600) - 4 + n_classes, 0)
    X = rng.standard_normal((600, 5))
    X[:, :n_classes] += 2.5 * np.eye(n_classes)[y]
    params = {"n_estimators": 3, "hidden_units": 9, "max_iter": 20, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SCDClassifier("radius", margin=25.0, **params).fit(X, y)
    assert balanced_accuracy_score(y, model.predict(X)) > 0.75
    assert (model.loss_curve_[:, -1] < 0.98 * np.log(2)).all()
    with pytest.warns(ConvergenceWarning):
        SCDClassifier("radius", margin=1e6, **params).fit(X, y)


@pytest.mark.parametrize("ramp", [0.0, 0.3])
def test_what_warns_knows_what_samples_weigh_on_a_ramp(ramp):
    weights, y = np.random.default_rng(0).random(100), np.arange(100) % 4
    factors = np.where(np.eye(4)[y] == 1, 3 if ramp else 1, 1).T * weights
    expected = [factors[k][y == k].sum() / factors[k].sum() for k in range(4)]
    shares = np.bincount(y, weights) / weights.sum()
    options = {"loss": "01", "alike": True, "ramp": ramp}
    assert_allclose(shares_of_sides(shares, options), expected)


def test_a_fit_that_finds_some_of_a_rare_class_does_not_warn():
    rng = np.random.default_rng(0)
    y = (np.arange(2_000) % 50 == 0).astype(int)
    X = rng.standard_normal((2_000, 3)) + 0.8 * y[:, np.newaxis]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SCDClassifier(n_estimators=3, max_iter=200, random_state=0).fit(X, y)
    assert 0.1 < model.predict(X)[y == 1].mean() < 0.8
