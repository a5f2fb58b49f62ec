"""Any data: a fit and what it predicts are valid, or the data are refused."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression

from sklearn_scd import SCDClassifier

steadily = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow],
)

DTYPES = [
    "uint8", "int8", "int64", "uint16", "bool", "float16", "float32", "float64",
    "longdouble", ">f4", ">f8", ">i2", "object",
]  # fmt: skip
LAYOUTS = ["C", "Fortran", "strided", "reversed", "read-only", "memory-mapped"]
VALUES = ["normal", "whole", "few", "equal", "tiny", "huge", "wide", "edge", "outlier"]

LOSS_AND_VOTING = "loss and voting"

parameters = st.fixed_dictionaries(
    {
        LOSS_AND_VOTING: st.sampled_from(
            [("01", "hard"), ("ce", "hard"), ("ce", "soft")]
        ),
        "binary_weights": st.booleans(),
        "hidden_units": st.sampled_from([0, 1, 4]),
        "margin": st.sampled_from([0.0, 0.0, 0.5, 1e20]),
        "noise": st.sampled_from([0.0, 0.0, 0.3, 1e30]),
        "noisy_copies": st.integers(1, 3),
        "max_features": st.sampled_from([1, 128, 0.5, None]),
        "learning_rate": st.sampled_from([1e-300, 0.17, 1000.0]),
        "output_learning_rate": st.sampled_from([1e-4, 0.2, 1000.0]),
        "subsample": st.sampled_from([1e-9, 0.75, 1.0]),
        "class_weight": st.sampled_from([None, None, "balanced"]),
        "n_iter_no_change": st.sampled_from([None, 2]),
        "n_estimators": st.integers(1, 3),
        "max_iter": st.integers(1, 12),
        "random_state": st.integers(0, 2**32 - 1),
    }
)


@st.composite
def problems(draw):
    """X, y, weights of samples or None, and a memory layout for X."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.one_of(st.integers(1, 12), st.integers(13, 200)))
    n_features = draw(st.one_of(st.integers(1, 4), st.integers(5, 50)))
    kind, dtype = draw(st.sampled_from(VALUES)), draw(st.sampled_from(DTYPES))
    X = _values(kind, (n, n_features), rng)
    if kind == "edge" and np.dtype(dtype).kind == "f":  # of what the dtype holds
        X /= abs(X).max()  # to 1 first: the edge over less than 1 would overflow
        X *= float(min(np.finfo(dtype).max, np.finfo(float).max))
        X *= 0.5 ** draw(st.integers(0, 20))
    if np.dtype(dtype).kind in "iu":
        X = np.clip(X, np.iinfo(dtype).min // 2, np.iinfo(dtype).max // 2)
    with np.errstate(over="ignore", under="ignore"):  # what is made infinite is refused
        X = X.astype(dtype)
    y = rng.integers(0, draw(st.integers(2, 6)), n)
    y[: draw(st.integers(0, 2))] = 0
    y[-1] = 1
    weights = draw(st.sampled_from([None, None, "random", "copies", "class", "ratio"]))
    return X, y, _weights(weights, y, rng), draw(st.sampled_from(LAYOUTS))


def _values(kind, shape, rng):
    X = rng.standard_normal(shape)
    if kind in ("whole", "few"):
        X = np.floor(X * (100 if kind == "whole" else 1)) % 256
    if kind == "equal":
        X[:] = X[0, 0]
    if kind in ("tiny", "huge"):
        X *= {"tiny": 1e-30, "huge": 1e30}[kind]
    if kind == "wide":
        X *= 10.0 ** rng.integers(-30, 30, shape)
    if kind == "outlier":
        X[-1] = 1e30
    return X


def _weights(kind, y, rng):
    if kind == "random":
        return rng.random(y.size)
    if kind == "copies":
        return rng.integers(0, 3, y.size)
    if kind == "class":
        return (y != y[0]).astype(float)
    if kind == "ratio":
        return np.where(y == y[0], 1e300, 1e-300)
    return None


def _in_layout(X, layout, folder):
    if layout == "Fortran":
        return np.asfortranarray(X)
    if layout == "strided":
        wide = np.zeros((2 * X.shape[0], 3 * X.shape[1]), dtype=X.dtype)
        wide[::2, ::3] = X
        return wide[::2, ::3]
    if layout == "reversed":
        return X[::-1, ::-1].copy()[::-1, ::-1]
    if layout == "memory-mapped" and X.dtype != object:
        np.save(folder / "X.npy", X)
        return np.load(folder / "X.npy", mmap_mode="r")
    X = X.copy()
    X.flags.writeable = layout != "read-only"
    return X


def _model(params):
    """Make a model; parameters that go together are drawn together."""
    loss, voting = params[LOSS_AND_VOTING]
    others = {name: v for name, v in params.items() if name != LOSS_AND_VOTING}
    return SCDClassifier(loss, voting=voting, **others)


def _fit(model, X, y, weights=None):
    """Fit, without scikit-learn's own warning of sums that overflow either way."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "invalid value encountered in reduce")
        return model.fit(X, y, weights)


def _assert_valid(model, X):
    """Fitted arrays and predictions are what the documentation says they are."""
    n, classes = X.shape[0], model.classes_
    for name in ["hidden_coef_", "hidden_intercept_", "output_coef_"]:
        assert np.isfinite(getattr(model, name)).all(), name
    assert np.isfinite(model.output_intercept_).all()
    squares = (model.hidden_coef_.astype(float) ** 2).sum(axis=2)
    expected = X.shape[1] if model.binary_weights else 1
    assert_allclose(squares, expected, rtol=1e-5)
    for curve, n_iter in zip(model.loss_curve_, model.n_iter_, strict=True):
        assert 1 <= n_iter <= model.max_iter
        assert (curve[:n_iter] >= 0).all()
        assert np.isnan(curve[n_iter:]).all()
        assert model.loss == "ce" or (curve[:n_iter] <= 1 + 1e-6).all()

    probabilities, votes = model.predict_proba(X), model.votes(X)
    predicted = model.predict(X)
    assert probabilities.shape == (n, classes.size)
    assert votes.shape == (n, model.n_estimators)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert_allclose(probabilities.sum(axis=1), 1)
    assert predicted.dtype == votes.dtype == classes.dtype
    best = probabilities.argmax(axis=1)
    assert_array_equal(predicted, classes[best])
    shares = np.stack([(votes == c).mean(axis=1) for c in classes], axis=1)
    assert model.voting == "soft" or (probabilities == shares).all()
    assert_array_equal(model.agreement(X), shares[np.arange(n), best])
    decision = model.decision_function(X)
    assert decision.shape == ((n,) if classes.size == 2 else (n, classes.size))
    assert np.isfinite(decision).all()
    assert model.predict(X[:1])[0] in classes


REFUSALS = [
    "contains infinity or a value too large",
    "margin=.* is too large",
    "only one class",
    "weight leave 1 of the",
    "sum must be finite",
    "[Ss]ample weights must contain at least one non-zero",
]


@pytest.mark.filterwarnings("ignore:The fit ended at or near a constant")
def test_fit_and_predictions_are_valid_or_the_data_are_refused(tmp_path):
    refused = []

    @steadily
    @given(problem=problems(), params=parameters)
    def check(problem, params):
        X, y, weights, layout = problem
        X = _in_layout(X, layout, tmp_path)
        before = X.copy()
        try:
            model = _fit(_model(params), X, y, weights)
        except ValueError as error:
            if not re.search("|".join(REFUSALS), str(error)):
                raise
            refused.append(True)
        else:
            _assert_valid(model, X)
            refused.append(False)
        assert_array_equal(X, before)

    check()
    assert 0.1 < np.mean(refused) < 0.5  # or this test shows less than it seems to


@pytest.mark.filterwarnings("ignore:The number of unique classes is greater than 50%")
@pytest.mark.parametrize("loss", ["01", "ce"])
@pytest.mark.parametrize("binary_weights", [False, True])
def test_hundreds_of_classes_and_one_sample_each(loss, binary_weights):
    X = np.random.default_rng(0).standard_normal((300, 7))
    model = SCDClassifier(
        loss, binary_weights=binary_weights, class_weight="balanced", hidden_units=3,
        n_estimators=1, max_iter=5, random_state=0,
    ).fit(X, np.arange(300))  # fmt: skip
    _assert_valid(model, X)
    assert np.unique(model.predict(X)).size > 2


@pytest.mark.parametrize("loss", ["01", "ce"])
@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_one_sample_among_a_thousand(loss, margin):
    X = np.random.default_rng(0).standard_normal((1001, 3))
    y = (np.arange(1001) == 500).astype(int)
    X[500] += 9
    for class_weight in [None, "balanced"]:
        model = SCDClassifier(
            loss, margin=margin, class_weight=class_weight, hidden_units=3,
            n_estimators=5, max_iter=60, random_state=0,
        ).fit(X, y)  # fmt: skip
        _assert_valid(model, X)
    assert model.predict(X)[500] == 1
    assert model.score(X, y) > 0.95


@pytest.mark.filterwarnings("ignore:The fit ended at or near a constant")
@pytest.mark.parametrize("loss", ["01", "ce"])
@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_equal_samples_with_different_labels_go_to_the_heavier_side(loss, margin):
    X = np.repeat(np.arange(4.0), 25).reshape(-1, 1)
    y = np.tile(np.arange(25) < 20, 4) ^ (X[:, 0] % 2 == 1)  # 4 in 5 of each
    model = SCDClassifier(
        loss,
        margin=margin,
        hidden_units=6,
        n_estimators=9,
        max_iter=200,
        random_state=0,
    )
    _assert_valid(model.fit(X, y), X)
    assert margin or model.score(X, y) == 0.8
    same = np.zeros((20, 3))
    _assert_valid(model.fit(same, np.arange(20) < 13), same)
    assert model.predict(same).all()


def _labels():
    """Labels of all kinds, of three classes or two, some of which can't be classes."""
    i = np.arange(12) % 3
    letters = np.array(list("abc"))
    yield "strings", letters[i]
    yield "objects", letters.astype(object)[i]
    yield "bytes", np.array([b"a", b"b", b"c"])[i]
    yield "bool", i % 2 == 1
    yield "float16", i.astype(np.float16)
    yield "zeros", np.array([-0.0, 0.0, 1.0])[i]
    yield "negative", i.astype(np.int8) - 100
    yield "largest", i.astype(np.uint64) + np.uint64(2**64 - 5)
    yield "big-endian", i.astype(">i4")
    yield "fractions", i + 0.5
    yield "complex", i.astype(complex)
    yield "objects of int", i.astype(object)
    yield "mixed", np.array(["a", 1, 2.5], dtype=object)[i]
    yield "None", np.array(["a", None, "b"], dtype=object)[i]
    yield "nan", np.array([0, np.nan, 1])[i]
    yield "dates", np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "M8[D]")[i]
    yield "list", i.tolist()
    yield "tuple", tuple(letters[i].tolist())
    yield "range", range(12)
    yield "two columns", np.stack([i, i], axis=1)
    yield "one number", 3
    yield "too few", i[:5]
    yield "none at all", None
    yield "strided", np.repeat(i, 2)[::2]
    yield "empty string", np.array(["", "a"])[i % 2]
    yield "column", i[:, np.newaxis]


@pytest.mark.parametrize(("kind", "y"), list(_labels()))
def test_labels_are_taken_and_refused_as_by_scikit_learn(kind, y):
    X = np.random.default_rng(0).standard_normal((12, 3))
    outcomes = []
    for model in [SCDClassifier(n_estimators=2, max_iter=3), LogisticRegression()]:
        try:
            model.fit(X, y)
        except (TypeError, ValueError, UserWarning) as error:
            name = type(model).__name__
            outcomes.append(f"{type(error)}: {error}".replace(name, "Model"))
        else:
            outcomes.append((model.classes_.dtype, model.classes_.tolist()))
            predicted = model.predict(X)
            assert predicted.dtype == model.classes_.dtype
            assert np.isin(predicted, model.classes_).all()
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("method", ["predict", "predict_proba", "votes", "agreement"])
@pytest.mark.parametrize("n", [1, 3])
def test_samples_too_large_for_the_model_are_refused(method, n):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 3)), np.arange(20) % 2
    small = SCDClassifier(n_estimators=2, max_iter=3, hidden_units=2)
    for dtype, most in [(np.float32, 1e38), (np.float64, 5e307), (np.uint8, 1e38)]:
        predict = getattr(small.fit(X.astype(dtype), y), method)
        samples = np.zeros((n, 3))
        samples[-1, 1] = most
        predict(samples)
        for value in [4 * most, -4 * most]:
            samples[-1, 1] = value
            with pytest.raises(ValueError, match=r"X contains infinity or a value too"):
                predict(samples)


@pytest.mark.parametrize(
    ("weights", "class_weight"),
    [
        (np.full(20, 1e308), None),
        (np.full(20, 1e200), {0: 1e200, 1: 1}),
        (None, {0: np.inf, 1: 1}),
        (None, {0: np.nan, 1: 1}),
        (None, {0: -1, 1: 1}),
    ],
)
def test_weights_whose_sum_is_no_weight_are_refused(weights, class_weight):
    X, y = np.arange(20.0).reshape(-1, 1), np.arange(20) % 2
    model = SCDClassifier(class_weight=class_weight)
    with pytest.raises(ValueError, match=r"sum must be finite, got the weights \["):
        model.fit(X, y, weights)


def test_parameters_of_any_size_are_taken_or_refused():
    X, y = np.random.default_rng(0).standard_normal((20, 3)), np.arange(20) % 2
    params = {"n_estimators": 1, "max_iter": 3, "hidden_units": 2}
    for more in [
        {"n_iter_no_change": 10**30},
        {"max_features": 10**30},
        {"tol": 1e308},
    ]:
        _assert_valid(SCDClassifier(**params, **more).fit(X, y), X)
    for name in ["learning_rate", "output_learning_rate"]:
        _assert_valid(SCDClassifier(**params, **{name: 1000}).fit(X, y), X)
        with pytest.raises(ValueError, match=f"'{name}' parameter .* Got 1001"):
            SCDClassifier(**params, **{name: 1001}).fit(X, y)
    with pytest.raises(ValueError, match=r"margin=1e\+308 is too large"):
        SCDClassifier(**params, margin=1e308).fit(X, y)
    with pytest.raises(ValueError, match=r"X with noise contains .* a value too large"):
        SCDClassifier(**params, noise=1e308).fit(X, y)


def test_subnormal_numbers_are_told_apart():
    X = np.arange(20.0).reshape(-1, 1) * np.finfo(float).smallest_subnormal
    y = np.arange(20) > 7
    model = SCDClassifier("01", hidden_units=0, n_estimators=1, max_iter=3)
    _assert_valid(model.fit(X, y), X)
    assert model.score(X, y) == 1
