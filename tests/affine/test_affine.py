"""Affine steps: each rule against rational arithmetic, at any mean and scale."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from _affine_helpers import (
    PLACES,
    SCALERS,
    assert_holds,
    claims,
    dense,
    fitted,
    samples,
)
from _affine_oracle import rational
from scipy import sparse
from sklearn.cross_decomposition import CCA, PLSSVD, PLSCanonical, PLSRegression
from sklearn.decomposition import (
    PCA,
    FactorAnalysis,
    FastICA,
    IncrementalPCA,
    TruncatedSVD,
)
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_selection import (
    RFE,
    SelectFromModel,
    SelectKBest,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from sklearn_scd import ActiveSubspace, PixelMeans
from sklearn_scd.affine import affine_map

LINEAR = LogisticRegression(max_iter=500)

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
    PixelMeans((2, 2), side=1),
    PixelMeans(side=3),
]
SELECTORS = [
    VarianceThreshold(),
    SelectKBest(k=3),
    SelectFromModel(LINEAR, threshold=-np.inf, max_features=2),
    RFE(LINEAR, n_features_to_select=2),
    SequentialFeatureSelector(LINEAR, n_features_to_select=1, cv=2),
]


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
