"""Steps that are refused, and how other types of steps join."""

import warnings

import numpy as np
import pytest
from _affine_helpers import assert_holds, fitted, samples
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import KernelPCA
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
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
    StandardScaler,
)

from sklearn_scd import SCDClassifier
from sklearn_scd.affine import (
    AffineMap,
    NotAffineError,
    _registry,
    affine_map,
    register_affine,
    rounding_factor,
)
from sklearn_scd.affine._fold import fold
from sklearn_scd.robustness import certified_distortion

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


@pytest.mark.parametrize(
    ("step", "changed", "reason"),
    [
        (PolynomialFeatures(2), {"degree": 1}, "has products"),
        (PolynomialFeatures((1, 3)), {"degree": (0, 1)}, "has products"),
        (
            IterativeImputer(missing_values=-1.0, max_iter=0),
            {"missing_values": np.nan},
            "jumps where a feature is -1.0",
        ),
    ],
)
def test_what_a_step_was_fitted_with_counts_not_what_was_set_since(
    step, changed, reason
):
    """`transform` goes by the fit: at zero these look affine, and nowhere else."""
    X, y = samples("at zero")
    step = fitted(step, X, y).set_params(**changed)
    with pytest.raises(NotAffineError, match=reason):
        affine_map(step)
    rows = np.ones((1, step.transform(X[:1]).shape[1]))
    with pytest.raises(NotAffineError, match=reason):
        fold(make_pipeline(step), rows, np.zeros(1), samples=np.zeros_like(X[:1]))


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


def test_steps_that_look_affine_are_refused_by_certificates():
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


def test_rules_that_are_none(rules):
    X, _ = samples("at zero")
    with pytest.raises(TypeError, match="type must be a class, got StandardScaler"):
        register_affine(StandardScaler(), print)
    with pytest.raises(TypeError, match="rule must be callable, got 'half'"):
        register_affine(Halves, "half")
    register_affine(Halves, lambda step, n, dtype: np.eye(n))
    with pytest.raises(TypeError, match="Halves must return an AffineMap, got ndarray"):
        affine_map(Halves().fit(X))
    register_affine(Halves, lambda step, n, dtype: AffineMap.computed(np.eye(n - 1)))
    with pytest.raises(ValueError, match="a map of 3 features, but 4 come in"):
        affine_map(Halves().fit(X))


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
