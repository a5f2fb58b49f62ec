"""Estimators fitted on data frames are attacked as those fitted on the values."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_scd import SCDClassifier
from sklearn_scd.robustness import (
    as_art_classifier,
    certified_accuracy_scorer,
    certified_distortion,
    evaluate_robustness,
    exact_distance,
    minimum_distortion,
    nearest_flip,
    surrogate_attack,
    transfer_matrix,
)

NAMES = list("abcd")


def _data(n=60):
    """float64: scikit-learn makes that of a polars frame of float32."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    X = 0.4 * rng.random((n, 4)) + 0.2 + 0.2 * y[:, np.newaxis]
    return X, y


def _pandas(X):
    return pytest.importorskip("pandas").DataFrame(X, columns=NAMES)


def _polars(X):
    return pytest.importorskip("polars").DataFrame(X, schema=NAMES)


frames = pytest.mark.parametrize("frame", [_pandas, _polars])


def _votes(**params):
    params = {"n_estimators": 3, "max_iter": 30, "random_state": 0, **params}
    return SCDClassifier(**params)


def _by_name():
    """Takes its columns by name: an array has none."""
    columns = make_column_transformer((StandardScaler(), ["c", "a", "b", "d"]))
    return make_pipeline(columns, _votes())


ATTACKS = {
    "certified": certified_distortion,
    "surrogate": lambda *data: surrogate_attack(*data, random_state=0),
    "nearest_flip": lambda *data: nearest_flip(*data, random_state=0),
    "evaluate": lambda *data: evaluate_robustness(
        *data, attacks=["surrogate"], random_state=0
    ),
    "scorer": certified_accuracy_scorer(0.05),
}
if find_spec("art") is not None:
    ATTACKS["hop_skip_jump"] = lambda model, X, y: minimum_distortion(
        model, X, y, X_train=X, n_restarts=1, max_iter=1, init_size=9, random_state=0
    )


def _numbers(result):
    """Arrays of a result, by their names."""
    fields = vars(result) if hasattr(result, "__dict__") else {"": result}
    return {
        name: np.asarray(value)
        for name, value in fields.items()
        if isinstance(value, (np.ndarray, float))
    }


@frames
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_frames_give_the_results_of_their_values(attack, frame):
    X, y = _data()
    rows = slice(3)
    expected = _numbers(attack(_votes().fit(X, y), X[rows], y[rows]))
    model = _votes().fit(frame(X), y)
    for samples in [frame(X[rows]), X[rows]]:
        got = _numbers(attack(model, samples, y[rows]))
        assert got.keys() == expected.keys()
        assert len(got) > 0
        for name, array in got.items():
            assert_array_equal(array, expected[name], err_msg=name)


@frames
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_columns_may_be_taken_by_their_names(attack, frame):
    X, y = _data()
    model = _by_name().fit(frame(X), y)
    search = GridSearchCV(_by_name(), {"scdclassifier__max_iter": [30]}, cv=2)
    search.fit(frame(X), y)
    expected = _numbers(attack(model, frame(X[:3]), y[:3]))
    for estimator, samples in [(model, X[:3]), (search, frame(X[:3]))]:
        for name, array in _numbers(attack(estimator, samples, y[:3])).items():
            assert_array_equal(array, expected[name], err_msg=name)


@frames
def test_linear_models_transfer_and_the_bridge_take_frames(frame):
    X, y = _data()
    linear = LogisticRegression(C=100).fit(X, y)
    named = LogisticRegression(C=100).fit(frame(X), y)
    expected = exact_distance(linear, X, y)
    assert_allclose(exact_distance(named, frame(X), y), expected, rtol=1e-6)
    one = _votes(n_estimators=1).fit(frame(X), y)
    assert_array_equal(exact_distance(one, frame(X)), exact_distance(one, X))
    adversarials = {"near": X + 0.1}
    models = {"bare": linear, "named": named}
    fooled = transfer_matrix(models, adversarials, y).fooled[0]
    assert_array_equal(fooled[0], fooled[1])
    assert fooled.any()
    if find_spec("art") is not None:
        bridge = as_art_classifier(named)
        assert_allclose(bridge.predict(X), linear.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_other_columns_are_refused(attack):
    X, y = _data()
    model = _votes().fit(_pandas(X), y)
    swapped = _pandas(X[:3])[list("badc")]
    with pytest.raises(ValueError, match="feature names should match"):
        attack(model, swapped, y[:3])
    with pytest.raises(ValueError, match="missing:\n- d"):
        attack(model, _pandas(X[:3])[list("abc")], y[:3])


class _NoPandas:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "pandas":
            raise ModuleNotFoundError


def test_polars_names_the_features_where_there_is_no_pandas(monkeypatch):
    X, y = _data()
    model = _by_name().fit(_polars(X), y)
    expected = certified_distortion(model, _polars(X[:3]), y[:3])
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_NoPandas, *sys.meta_path])
    got = certified_distortion(model, X[:3], y[:3])
    assert_array_equal(got, expected)
