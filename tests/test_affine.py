"""Affine steps: rules against rational arithmetic, and what has no rule."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from _affine_oracle import image, rational
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.cross_decomposition import CCA, PLSSVD, PLSCanonical, PLSRegression
from sklearn.decomposition import (
    PCA,
    FactorAnalysis,
    FastICA,
    IncrementalPCA,
    KernelPCA,
    TruncatedSVD,
)
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_selection import (
    RFE,
    SelectFromModel,
    SelectKBest,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from sklearn_scd import ActiveSubspace, SCDClassifier
from sklearn_scd.affine import (
    AffineMap,
    NotAffineError,
    _registry,
    affine_map,
    register_affine,
    rounding_factor,
)
from sklearn_scd.affine._fold import fold
from sklearn_scd.affine._steps import split_pipeline
from sklearn_scd.robustness import certified_distortion

TREE = LogisticRegression(max_iter=500)

SCALERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    MinMaxScaler((-1, 2)),
    MaxAbsScaler(),
    RobustScaler(),
    RobustScaler(with_centering=False, unit_variance=True),
    RobustScaler(with_scaling=False),
]
PROJECTIONS = [
    PCA(2, random_state=0),
    PCA(3, whiten=True, random_state=0),
    IncrementalPCA(2, whiten=True),
    TruncatedSVD(2, random_state=0),
    FactorAnalysis(2, random_state=0),
    FastICA(2, random_state=0, whiten="unit-variance"),
    GaussianRandomProjection(3, random_state=0),
    SparseRandomProjection(3, density=0.5, random_state=0),
    SparseRandomProjection(3, density=0.5, dense_output=True, random_state=0),
    LinearDiscriminantAnalysis(),
    LinearDiscriminantAnalysis(solver="eigen", n_components=1),
    NeighborhoodComponentsAnalysis(2, max_iter=5, random_state=0),
    PLSRegression(2),
    PLSCanonical(1),
    PLSSVD(1),
    CCA(1),
    ActiveSubspace(2, random_state=0),
]
SELECTORS = [
    VarianceThreshold(),
    SelectKBest(k=3),
    SelectFromModel(TREE, threshold=-np.inf, max_features=2),
    RFE(TREE, n_features_to_select=2),
    SequentialFeatureSelector(TREE, n_features_to_select=1, cv=2),
]
# Mean and scale of each feature.
PLACES = {
    "at zero": (np.zeros(4), np.ones(4)),
    "mean 1e12": (np.full(4, 1.7e12), np.full(4, 1e10)),
    "mean 1e13, scale 1": (np.full(4, -1e13), np.ones(4)),
    "scale 1e-30": (np.full(4, 3e-30), np.full(4, 1e-30)),
    "scale 1e30": (np.full(4, 3e30), np.full(4, 1e30)),
    "all scales": (
        np.array([0, 1e12, 1e-30, -1e30]),
        10.0 ** np.array([0, 9, -30, 30]),
    ),
}


def samples(place, dtype=np.float64, n=40, seed=0):
    mean, scale = PLACES[place]
    rng = np.random.RandomState(seed)
    y = np.arange(n) % 3
    return (mean + scale * (rng.standard_normal((n, 4)) + y[:, None])).astype(dtype), y


def fitted(step, X, y):
    step = clone(step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(step, (PLSRegression, PLSCanonical, PLSSVD, CCA)):
            return step.fit(X, np.stack([y, y**2], axis=1).astype(float))
        return step.fit(X, y)


def dense(matrix):
    return matrix.toarray() if sparse.issparse(matrix) else np.asarray(matrix)


def claims(affine, x):
    """The map at a sample and its bound, as the docstring says, in fractions."""
    steps = [a - c for a, c in zip(rational(x), rational(affine.centre), strict=True)]
    values, bounds = [], []
    for row, coef, value, floor in zip(
        dense(affine.matrix), dense(affine.rounding_coef), affine.value,
        affine.rounding_floor, strict=True,
    ):  # fmt: skip
        terms = [a * b for a, b in zip(rational(row), steps, strict=True)]
        values.append(sum(terms, Fraction(float(value))))
        terms = [a * abs(b) for a, b in zip(rational(coef), steps, strict=True)]
        bounds.append(sum(terms, Fraction(float(floor))))
    return values, bounds


def assert_holds(step, X, affine=None, precision=None):
    """What is computed, and what the oracle says, are within the bound of the map."""
    affine = affine_map(step, dtype=X.dtype) if affine is None else affine
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got = dense(step.transform(X))
    assert got.dtype == affine.dtype or got.dtype.kind != "f"
    assert got.shape == (len(X), affine.n_out)
    sizes = rational(np.abs(got.astype(np.float64)).max(axis=0))
    for x, z in zip(X, got, strict=True):
        values, bounds = claims(affine, x)
        truth = image(step, rational(x))
        for value, bound, computed, true, size in zip(
            values, bounds, rational(z), truth, sizes, strict=True
        ):
            assert abs(computed - value) <= bound
            assert abs(true - value) <= bound
            if precision is not None:
                assert bound <= precision * size


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("step", SCALERS, ids=repr)
def test_a_scaler_is_what_its_rule_says_at_any_mean_and_scale(step, place):
    X, y = samples(place)
    step = fitted(step, X, y)
    far = np.concatenate(
        [X[:6], 1e3 * X[:2], np.zeros((1, 4)), step.inverse_transform(X[:1] * 0)]
    )
    assert_holds(step, far)


@pytest.mark.parametrize("place", PLACES)
def test_the_claimed_rounding_of_a_standard_scaler_is_small(place):
    X, y = samples(place)
    assert_holds(fitted(StandardScaler(), X, y), X[:9], precision=Fraction(1, 10**14))
    # This one multiplies first: what cancels was rounded.
    ratio = Fraction(np.abs(X).max(axis=0).max() / X.std(axis=0).min() + 1)
    if place != "all scales":
        limit = Fraction(1, 10**14) * (1 + ratio)
        assert_holds(fitted(MinMaxScaler(), X, y), X[:9], precision=limit)


@pytest.mark.parametrize("place", ["at zero", "scale 1e-30", "scale 1e30"])
@pytest.mark.parametrize("trained", [np.float32, np.float64])
@pytest.mark.parametrize("step", SCALERS, ids=repr)
def test_a_scaler_in_float32(step, place, trained):
    X, y = samples(place, np.float32)
    step = fitted(step, X.astype(trained), y)
    assert_holds(step, X[:9], precision=Fraction(1, 10**5))
    assert_holds(step, X[:9].astype(np.float64) * (1 + 1e-9))


def test_a_mean_that_float32_cannot_hold():
    X, y = samples("at zero")
    X = X + 1e6 + 1 / 3
    step = fitted(StandardScaler(), X, y)
    assert_holds(step, X[:9].astype(np.float32))


@pytest.mark.parametrize("place", ["at zero", "mean 1e12", "mean 1e13, scale 1"])
@pytest.mark.parametrize("step", PROJECTIONS, ids=repr)
def test_a_projection_is_what_its_rule_says(step, place):
    X, y = samples(place)
    if place == "mean 1e13, scale 1":
        shift, X = X.mean(axis=0), X - X.mean(axis=0)
        step = moved(fitted(step, X, y), shift)
        X = X + shift
    elif isinstance(step, (NeighborhoodComponentsAnalysis, FactorAnalysis)):
        X = X / 1e10 if place == "mean 1e12" else X
        step = fitted(step, X, y)
    else:
        step = fitted(step, X, y)
    assert_holds(step, np.concatenate([X[:6], 1e3 * X[:2], np.zeros((1, 4))]))


def moved(step, shift):
    """As if fitted around another mean, where fit itself is too inexact."""
    for name in ("mean_", "xbar_", "_x_mean"):
        if hasattr(step, name):
            setattr(step, name, getattr(step, name) + shift)
    return step


@pytest.mark.parametrize("trained", [np.float32, np.float64])
@pytest.mark.parametrize("step", PROJECTIONS, ids=repr)
def test_a_projection_in_float32(step, trained):
    X, y = samples("at zero", np.float32)
    X += 5
    step = fitted(step, X.astype(trained), y)
    assert_holds(step, X[:9])
    assert_holds(step, X[:9].astype(np.float64) * (1 + 1e-9))


@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize(
    "step", [PCA(2, random_state=0), PCA(2, whiten=True), TruncatedSVD(2)], ids=repr
)
def test_a_projection_at_any_scale(step, scale):
    X, y = samples("at zero")
    step = fitted(step, (X + 5) * scale, y)
    assert_holds(step, (X[:9] + 5) * scale)


def test_a_projection_of_many_pixels_keeps_its_precision():
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(60, 500))
    step = PCA(4, random_state=0).fit(X)
    affine = affine_map(step)
    assert_holds(step, X[:3], affine)
    assert affine.rounding(X).max() < 1e-10


@pytest.mark.parametrize("step", SELECTORS, ids=lambda step: type(step).__name__)
def test_a_selector_rounds_nothing(step):
    X, y = samples("at zero")
    step = fitted(step, X, y)
    affine = affine_map(step)
    assert_holds(step, X[:5], affine)
    assert affine.rounding(X).max() == 0
    assert sparse.issparse(affine.matrix)


@pytest.mark.parametrize("output", ["pandas", "polars", "sparse"])
def test_data_frames_and_sparse_samples_are_scaled_alike(output):
    X, y = samples("at zero")
    X[np.abs(X) < 0.5] = 0
    steps = [StandardScaler(with_mean=False), MaxAbsScaler(), SelectKBest(k=3)]
    if output != "sparse":
        frames = pytest.importorskip(output)
        step = make_pipeline(*steps).set_output(transform=output)
        frame = frames.DataFrame(X)
        frame.columns = list("abcd")
        step.fit(frame, y)
        got = np.asarray(step.transform(frame))
    else:
        step = make_pipeline(*steps, TruncatedSVD(2)).fit(sparse.csr_array(X), y)
        got = dense(step.transform(sparse.csr_array(X)))
    affine = affine_map(step)
    for x, z in zip(X, got, strict=True):
        values, bounds = claims(affine, x)
        pairs = zip(rational(z), values, bounds, strict=True)
        assert all(abs(a - value) <= bound for a, value, bound in pairs)


def test_diagonals_of_thousands_of_pixels_stay_sparse():
    X = np.random.RandomState(0).uniform(size=(20, 3000))
    parts = FeatureUnion([("a", MaxAbsScaler()), ("b", "passthrough")])
    step = make_pipeline(StandardScaler(), parts, MinMaxScaler()).fit(X)
    affine = affine_map(step)
    assert affine.matrix.nnz == affine.rounding_coef.nnz == 6000


# Imputers, and steps of constants.


def missing():
    X, y = samples("at zero")
    X[::5, 1] = np.nan
    X[:, 2] = np.nan
    return X, y


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("indicator", [False, True])
@pytest.mark.parametrize(
    "kind", [SimpleImputer, KNNImputer, IterativeImputer], ids=lambda k: k.__name__
)
def test_an_imputer_of_nan_is_the_identity_on_the_columns_it_keeps(
    kind, keep, indicator
):
    X, y = missing()
    imputer = fitted(kind(keep_empty_features=keep, add_indicator=indicator), X, y)
    affine = affine_map(imputer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = samples("mean 1e12")[0]
        got = imputer.transform(whole.copy())
    np.testing.assert_array_equal(affine(whole), got)
    assert affine.rounding(whole).max() == 0


def test_constants_and_the_identity():
    X, y = missing()
    whole = samples("at zero")[0]
    for step in (
        MissingIndicator(),
        FunctionTransformer(),
        FunctionTransformer(validate=True, feature_names_out="one-to-one"),
        PolynomialFeatures(1),
        PolynomialFeatures((1, 1), include_bias=True),
    ):
        given = X if isinstance(step, MissingIndicator) else whole
        step = fitted(step, given, y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_array_equal(
                affine_map(step)(whole), step.transform(whole)
            )
    np.testing.assert_array_equal(affine_map("passthrough", 4)(whole), whole)
    np.testing.assert_array_equal(affine_map(None, 4)(whole), whole)


# Composites.

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


# What has no rule.

REFUSED = [
    (MinMaxScaler(clip=True), r"MinMaxScaler\(clip=True\) cuts off"),
    (KernelPCA(2, kernel="rbf"), "no rule says that KernelPCA"),
    (OneHotEncoder(), "no rule says that OneHotEncoder"),
    (KBinsDiscretizer(3), "KBinsDiscretizer"),
    (Binarizer(), "no rule says that Binarizer"),
    (Normalizer(), "no rule says that Normalizer"),
    (QuantileTransformer(n_quantiles=9), "no rule says that QuantileTransformer"),
    (PowerTransformer(), "no rule says that PowerTransformer"),
    (PolynomialFeatures(2), r"PolynomialFeatures\(degree=2\) has products"),
    (FunctionTransformer(np.abs), r"FunctionTransformer\(func=absolute\)"),
    (SimpleImputer(missing_values=-1.0), r"missing_values=-1.0\) jumps"),
    (KNNImputer(missing_values=-1), r"KNNImputer\(missing_values=-1\) jumps"),
    (IterativeImputer(missing_values=0.5), r"missing_values=0.5\) jumps"),
    (MissingIndicator(missing_values=2.0), r"missing_values=2.0\) jumps"),
]


@pytest.mark.parametrize(("step", "reason"), REFUSED, ids=[r for _, r in REFUSED])
def test_what_is_not_known_to_be_affine_is_refused(step, reason):
    X, y = samples("at zero")
    within = ColumnTransformer([("odd", step, [0, 1])], remainder="passthrough")
    model = fitted(make_pipeline(StandardScaler(), within), X, y)
    with pytest.raises(NotAffineError, match=f"step 'odd': .*{reason}"):
        affine_map(model)
    with pytest.raises(ValueError, match=r"StandardScaler, ColumnTransformer, are not"):
        fold(model, np.ones((1, 4)), np.zeros(1), samples=X)


def test_a_scaler_that_clips_only_in_new_versions():
    X, y = samples("at zero")
    step = fitted(MaxAbsScaler(), X, y)
    step.clip = True
    with pytest.raises(NotAffineError, match=r"MaxAbsScaler\(clip=True\)"):
        affine_map(step)


def test_an_unknown_step_is_told_both_ways_to_be_known():
    X, y = samples("at zero")
    with pytest.raises(NotAffineError) as caught:
        affine_map(make_pipeline(Normalizer()).fit(X, y))
    for words in (
        "step 'normalizer'",
        "sklearn_scd.affine.register_affine(Normalizer, rule)",
        "__sklearn_scd_affine_map__",
    ):
        assert words in str(caught.value)


def test_steps_of_columns_that_look_affine_are_refused_by_certificates():
    """Probes took them for affine: jumps at one point, or beside large values."""
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(60, 6))
    y = np.arange(60) % 2
    large = X * [1, 1e9, 1e9, 1e9, 1e9, 1e9]
    codes, scaled = OneHotEncoder(handle_unknown="ignore"), StandardScaler()
    bins = KBinsDiscretizer(3, encode="ordinal")
    for data, step in (
        (X, SimpleImputer(missing_values=-1.0)),
        (
            large.round(),
            ColumnTransformer(
                [("c", codes, [0]), ("s", scaled, [1])], sparse_threshold=0
            ),
        ),
        (large, ColumnTransformer([("c", bins, [0])], remainder="passthrough")),
        (rng.uniform(size=(60, 3000)), FunctionTransformer(np.rint)),
    ):
        model = make_pipeline(step, SCDClassifier(n_estimators=1, max_iter=2))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(data, y)
        with pytest.raises(ValueError, match="are not affine"):
            certified_distortion(model, data)


# Rules of others.


class Halves(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return 0.5 * X


class Known(Halves):
    def __sklearn_scd_affine_map__(self, n_features, dtype):
        return AffineMap.computed(0.5 * np.eye(n_features), working_dtype=dtype)


class Louder(StandardScaler):
    def transform(self, X):
        return np.abs(super().transform(X))


class Quiet(StandardScaler):
    def fit(self, X, y=None):
        return super().fit(X)


@pytest.fixture
def rules(monkeypatch):
    monkeypatch.setattr(_registry, "_rules", {})


def test_others_join_by_a_rule_or_by_a_method(rules):
    X, y = samples("at zero")
    with pytest.raises(NotAffineError, match="no rule says that Halves"):
        affine_map(Halves().fit(X))
    np.testing.assert_array_equal(affine_map(Known().fit(X))(X), X / 2)

    def rule(step, n_features, dtype):
        return AffineMap.computed(sparse.csr_array(np.eye(n_features) / 2))

    register_affine(Halves, rule)
    model = make_pipeline(Halves(), SCDClassifier(n_estimators=1, max_iter=5))
    model.fit(X, y == 0)
    assert certified_distortion(model, X).max() > 0
    # A rule for a class goes before its method.
    register_affine(Known, lambda step, n_features, dtype: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        affine_map(Known().fit(X))


def test_a_subclass_that_transforms_otherwise_needs_its_own_rule(rules):
    X, _ = samples("at zero")
    quiet = Quiet().fit(X)
    np.testing.assert_array_equal(
        affine_map(quiet)(X), affine_map(StandardScaler().fit(X))(X)
    )
    with pytest.raises(NotAffineError, match="Louder redefines transform of Standard"):
        affine_map(Louder().fit(X))
    quiet.transform = np.abs
    with pytest.raises(NotAffineError, match="Quiet redefines transform"):
        affine_map(quiet)
    register_affine(Louder, lambda step, n, dtype: AffineMap.computed(np.eye(n)))
    assert affine_map(Louder().fit(X)).n_out == 4


def test_a_wrong_rule_is_found_out(rules):
    X, y = samples("at zero")
    register_affine(Halves, lambda step, n, dtype: AffineMap.computed(np.eye(n)))
    model = make_pipeline(Halves(), StandardScaler()).fit(X, y)
    with pytest.raises(NotAffineError, match="the rule is wrong"):
        fold(model, np.eye(4), np.zeros(4), samples=X)
    register_affine(Halves, lambda step, n, dtype: AffineMap.computed(np.eye(n + 1, n)))
    with pytest.raises(NotAffineError, match="5 features come out, but there are 4"):
        fold(make_pipeline(Halves()).fit(X), np.eye(5), np.zeros(5), samples=X)


@pytest.mark.parametrize("relative", [1e-9, 1e-12])
def test_a_rule_that_is_wrong_by_little_is_found_out(rules, relative):
    X, _ = samples("at zero")
    register_affine(
        Halves,
        lambda step, n, dtype: AffineMap.computed(
            (0.5 + relative) * np.eye(n), working_dtype=dtype
        ),
    )
    with pytest.raises(NotAffineError, match="the rule is wrong"):
        fold(make_pipeline(Halves()).fit(X), np.eye(4), np.zeros(4), samples=X)


def test_arguments_and_maps_that_make_no_sense():
    X, _ = samples("at zero")
    scaler = StandardScaler().fit(X)
    with pytest.raises(NotFittedError):
        affine_map(StandardScaler())
    with pytest.raises(ValueError, match="n_features=3, but StandardScaler was fitted"):
        affine_map(scaler, 3)
    with pytest.raises(ValueError, match="n_features is needed"):
        affine_map("passthrough")
    with pytest.raises(NotAffineError, match="'sideways' is not a transformer"):
        affine_map("sideways", 3)
    with pytest.raises(ValueError, match="must be float32 or float64, got int64"):
        affine_map(scaler, dtype=np.int64)
    with pytest.raises(ValueError, match=r"centre must have the shape \(2,\)"):
        AffineMap.computed(np.eye(2), centre=[1.0])
    with pytest.raises(ValueError, match="matrix has entries that are NaN or infinite"):
        AffineMap.computed([[np.nan]])
    with pytest.raises(ValueError, match="must not be negative"):
        AffineMap([[1.0]], [0.0], [0.0], [[-1.0]], [0.0])
    with pytest.raises(ValueError, match="leave no precision"):
        rounding_factor(2**23, np.float32)


def test_scales_out_of_range_are_refused_not_rounded_away():
    X, _ = samples("at zero")
    tiny = StandardScaler().fit(X * 1e-42)
    assert_holds(tiny, X[:3] * 1e-42)
    with pytest.raises(ValueError, match=r"scale of feature 0 is .* in float64"):
        affine_map(tiny, dtype=np.float32)
    with pytest.raises(ValueError, match="too large for float32"):
        affine_map(StandardScaler(with_std=False).fit(X + 1e40), dtype=np.float32)
    for scale in (1e-120, 1e120):
        tiny.scale_ = np.full(4, scale)
        with pytest.raises(ValueError, match="An entry of the matrix is"):
            affine_map(tiny)
    tiny.scale_ = np.full(4, np.inf)
    with pytest.raises(ValueError, match="not a normal number of float64"):
        affine_map(tiny)
