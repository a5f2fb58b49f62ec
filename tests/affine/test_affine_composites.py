"""Affine steps one after another and side by side, and layers behind them."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from _affine_helpers import SCALERS, assert_holds, claims, samples
from _affine_oracle import image, rational
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.feature_selection import VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from sklearn_scd import SCDClassifier
from sklearn_scd.affine import AffineMap, affine_map, rounding_factor
from sklearn_scd.affine._fold import fold
from sklearn_scd.affine._pipeline import split_pipeline

COLUMNS = {
    "names": [("a", StandardScaler(), ["x1", "x3"]), ("b", MinMaxScaler(), ["x0"])],
    "slice of names": [("a", StandardScaler(), slice("x1", "x2"))],
    "numbers": [("a", PCA(2), [3, 0, 1]), ("b", MinMaxScaler(), [-2])],
    "slice": [("a", RobustScaler(), slice(1, None, 2))],
    "mask": [("a", MaxAbsScaler(), [True, False, False, True])],
    "array of a mask": [("a", MaxAbsScaler(), np.array([False, True, False, True]))],
    "function": [("a", StandardScaler(), make_column_selector("x[02]"))],
    "shared": [("a", StandardScaler(), [0, 1]), ("b", MinMaxScaler(), [1, 2])],
    "dropped": [("a", "drop", [0]), ("b", "passthrough", [2, 1])],
    "nothing": [("a", StandardScaler(), []), ("b", StandardScaler(), [1])],
    "nested": [("a", make_pipeline(StandardScaler(), PCA(1)), [0, 2])],
}


@pytest.mark.parametrize(
    "remainder", ["drop", "passthrough", StandardScaler()], ids=str
)
@pytest.mark.parametrize("columns", COLUMNS)
def test_columns_are_taken_however_they_are_named(columns, remainder):
    pd = pytest.importorskip("pandas")
    X, y = samples("mean 1e12")
    frame = pd.DataFrame(X, columns=["x0", "x1", "x2", "x3"])
    step = ColumnTransformer(
        COLUMNS[columns], remainder=remainder, transformer_weights={"a": 0.3},
        sparse_threshold=0 if columns == "numbers" else 0.3,
    ).fit(frame, y)  # fmt: skip
    affine = affine_map(step)
    got = step.transform(frame)
    for x, z in zip(X[:5], got, strict=False):
        values, bounds = claims(affine, x)
        truth = image(step, rational(x))
        for value, bound, computed, true in zip(
            values, bounds, rational(z), truth, strict=True
        ):
            assert max(abs(computed - value), abs(true - value)) <= bound
    assert affine.matrix.shape == (got.shape[1], 4)


def test_columns_that_are_all_dropped():
    X, y = samples("at zero")
    step = ColumnTransformer([("a", "drop", [0])]).fit(X, y)
    assert affine_map(step).matrix.shape == (0, 4) == (step.transform(X).shape[1], 4)


def test_searches_and_frozen_steps_are_looked_into():
    X, _ = samples("at zero")
    frozen = FrozenEstimator(StandardScaler().fit(X))
    search = GridSearchCV(PCA(random_state=0), {"n_components": [1, 2]}, cv=2).fit(X)
    step = make_pipeline(frozen, None, "passthrough", search).fit(X)
    got = step.transform(X)
    affine = affine_map(step)
    assert (np.abs(affine(X) - got) <= affine.rounding(X) + 1e-15).all()


STEPS = st.sampled_from(
    [
        *SCALERS,
        PCA(0.99),
        PCA(2, whiten=True),
        VarianceThreshold(),
        FunctionTransformer(),
        "passthrough",
        FeatureUnion(
            [("a", MinMaxScaler()), ("b", "passthrough"), ("c", PCA(1))],
            transformer_weights={"a": 0.1, "b": np.float64(3)},
        ),
        ColumnTransformer(
            [("a", StandardScaler(), [1, 0])],
            remainder="passthrough",
            transformer_weights={"remainder": -7.0},
        ),
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(STEPS, min_size=1, max_size=4),
    mean=st.sampled_from([0.0, 1.0, 1e4, 1e13]),
    scale=st.sampled_from([1e-30, 1e-6, 1.0, 1e6, 1e30]),
    single=st.booleans(),
    seed=st.integers(0, 99),
)
def test_steps_one_after_another_stay_within_the_bound(
    steps, mean, scale, single, seed
):
    rng = np.random.RandomState(seed)
    dtype = np.float32 if single else np.float64
    if single:
        mean, scale = min(mean, 1e4), min(max(scale, 1e-6), 1e6)
    X = ((mean + rng.standard_normal((25, 3))) * scale).astype(dtype)
    step = Pipeline([(str(i), clone(s, safe=False)) for i, s in enumerate(steps)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            got = step.fit(X).transform(X)
        except ValueError:  # nothing varies enough, or is finite
            return
    if not np.isfinite(got).all():
        return
    assert_holds(step, X[:4], affine_map(step, 3, dtype))


# A layer behind steps.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("place", ["at zero", "mean 1e12", "all scales"])
def test_a_layer_behind_steps_is_within_its_bounds(place, dtype):
    if dtype == np.float32 and place != "at zero":
        place = "scale 1e30"
    X, y = samples(place, dtype)
    parts = FeatureUnion([("p", PCA(2, random_state=0)), ("q", "passthrough")])
    step = make_pipeline(VarianceThreshold(), StandardScaler(), parts).fit(X, y)
    rng = np.random.RandomState(0)
    W = rng.standard_normal((300, 6)).astype(dtype)  # more rows than a block has
    b = rng.standard_normal(300).astype(dtype)
    layer = fold(step, W, b, dtype=dtype, samples=X, roundoff=rounding_factor(8, dtype))
    computed = (step.transform(X).astype(dtype) @ W.T + b).astype(np.float64)
    checked = [0, 1, 255, 256, 299]
    folded = AffineMap(
        layer.normals[checked], layer.centre, layer.offsets[checked],
        layer.rounding_coef[checked].astype(np.float64), layer.rounding_floor[checked],
    )  # fmt: skip
    for x, z in zip(X[:6], computed[:, checked], strict=False):
        values, bounds = claims(folded, x)
        middle = image(step, rational(x))
        for row, value, bound, got in zip(checked, values, bounds, z, strict=True):
            terms = zip(rational(W[row]), middle, strict=True)
            true = sum((a * c for a, c in terms), Fraction(float(b[row])))
            assert max(abs(Fraction(got) - value), abs(true - value)) <= bound
            assert bound <= Fraction(500 * float(np.finfo(dtype).eps)) * (
                sum(abs(Fraction(float(w))) for w in W[row]) * 4
            )


def test_bounds_of_a_layer_are_float32_where_its_range_suffices():
    X, y = samples("at zero")
    step = make_pipeline(StandardScaler()).fit(X, y)
    W = np.random.RandomState(0).standard_normal((5, 4))
    narrow = fold(step, W, np.zeros(5), samples=X, roundoff=1e-12)
    assert narrow.rounding_coef.dtype == np.float32
    step = make_pipeline(StandardScaler()).fit(X * [1, 1, 1e-30, 1e30], y)
    wide = fold(step, W, np.zeros(5), roundoff=1e-12)
    assert wide.rounding_coef.dtype == np.float64
    ratio = wide.rounding_coef / np.abs(wide.normals)
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-6)
    np.testing.assert_allclose(
        narrow.rounding_coef / np.abs(narrow.normals), ratio[0, 0], rtol=1e-6
    )


def test_a_layer_without_steps():
    W, b = np.array([[1.0, -2.0]]), np.array([3.0])
    layer = fold(None, W, b, roundoff=2.0**-20)
    np.testing.assert_array_equal(layer.normals, W)
    np.testing.assert_array_equal(layer.offsets, b)
    np.testing.assert_array_equal(layer.centre, [0, 0])
    np.testing.assert_allclose(layer.rounding_coef, 2.0**-20 * np.abs(W), rtol=1e-6)
    assert (layer.rounding_coef >= 2.0**-20 * np.abs(W)).all()
    np.testing.assert_allclose(layer.rounding_floor, 3 * 2.0**-20, rtol=1e-6)


def test_steps_before_a_classifier_within_searches_and_pipelines():
    X, y = samples("at zero")
    inner = make_pipeline(PCA(2), SCDClassifier(n_estimators=1, max_iter=2))
    search = GridSearchCV(inner, {"pca__n_components": [2]}, cv=2, error_score="raise")
    model = make_pipeline(StandardScaler(), search).fit(X, y)
    transformer, classifier = split_pipeline(model)
    assert isinstance(classifier, SCDClassifier)
    assert_holds(transformer, X[:5])
    assert split_pipeline(classifier) == (None, classifier)
