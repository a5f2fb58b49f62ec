"""Export to ONNX: a runtime decides as the model does, sample by sample."""

import sys
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from sklearn_scd import (
    PixelMeans,
    SCDClassifier,
    SignConvolution,
    make_robust_scd,
)
from sklearn_scd.export import register_onnx_converter, to_onnx
from sklearn_scd.robustness import certified_distortion

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

# loss, binary_weights, hidden_units, voting
SETTINGS = [
    *product(["01", "ce"], [False, True], [0, 6], ["hard"]),
    ("ce", False, 6, "soft"),
    ("ce", True, 6, "soft"),
    ("ce", False, 0, "soft"),
]
LABELS = [np.array(["two", "one", "three"]), np.array([7, -3, 5]), np.arange(3.0)]


def _model(loss="ce", **params):
    """An even number of votes: there are ties."""
    params = {"n_estimators": 4, "max_iter": 30, "hidden_units": 6, **params}
    return SCDClassifier(loss, random_state=0, **params)


def _robust(**params):
    return make_robust_scd(4, n_estimators=4, max_iter=30, random_state=0, **params)


def _data(n_classes=2, dtype=np.float64, n=200):
    """Overlapping classes: votes differ. Most samples are seen in no fit."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % n_classes
    X = rng.standard_normal((n, 5)) + 0.7 * np.eye(n_classes, 5)[labels]
    if dtype == np.uint8:
        X = (128 + 30 * X).clip(0, 255)
    return X.astype(dtype), labels


def _run(converted, X):
    """Labels and probabilities by onnxruntime."""
    session = onnxruntime.InferenceSession(
        converted.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    assert names == ["label", "probabilities"]
    return session.run(None, {"X": X})


def _run_alone(transformer, X):
    """What onnxruntime makes of samples by a transformer's graph."""
    register_onnx_converter()
    session = onnxruntime.InferenceSession(
        skl2onnx.to_onnx(transformer, X[:1]).SerializeToString(),
        providers=["CPUExecutionProvider"],
    )
    return session.run(None, {"X": X})[0]


def _assert_same(converted, model, X):
    labels, probabilities = _run(converted, X)
    assert_array_equal(labels, model.predict(X))
    expected = model.predict_proba(X).astype(probabilities.dtype)
    tolerance = 4 * np.finfo(probabilities.dtype).eps if model.voting == "soft" else 0
    assert_allclose(probabilities, expected, rtol=tolerance)


@pytest.mark.parametrize(
    ("dtype", "n_classes"), [(np.float64, 3), (np.float32, 2), (np.uint8, 3)]
)
@pytest.mark.parametrize(("loss", "binary_weights", "hidden_units", "voting"), SETTINGS)
def test_runtime_decides_as_the_model(
    loss, binary_weights, hidden_units, voting, dtype, n_classes
):
    X, y = _data(n_classes, dtype)
    model = _model(
        loss, binary_weights=binary_weights, hidden_units=hidden_units, voting=voting
    )
    model.fit(X[:90], y[:90])
    assert np.unique(model.predict(X)).size == n_classes
    assert hidden_units == 0 or model.agreement(X).min() < 1
    converted = to_onnx(model, dtype=dtype)
    onnx.checker.check_model(converted, full_check=True)
    _assert_same(converted, model, X)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("names", LABELS, ids=["str", "int", "float"])
def test_labels_are_those_of_the_model(names, n_classes):
    X, y = _data(n_classes)
    model = _model().fit(X, names[y])
    labels, _ = _run(to_onnx(model), X)
    assert_array_equal(labels, model.predict(X))
    assert labels.dtype.kind == ("O" if names.dtype.kind == "U" else "i")


def _set(model, **fitted):
    """Overwrite networks with such as can be reckoned by hand."""
    for name, values in fitted.items():
        old = getattr(model, name)
        setattr(model, name, np.asarray(values, dtype=old.dtype).reshape(old.shape))


def test_sample_on_a_hyperplane_does_not_fire():
    """And a tied vote goes to the first class."""
    grid = np.arange(256, dtype=np.uint8)
    X = np.stack([grid, grid[::-1]], axis=1)
    model = _model(binary_weights=True, hidden_units=1, n_estimators=2)
    model.fit(X, grid > 99)
    _set(
        model,
        hidden_coef_=[[1, -1], [1, 1]],
        hidden_intercept_=[-55, -255],  # on sample 155; on all samples
        output_coef_=[1, -1],
        output_intercept_=[-0.5, 0.5],
    )
    labels, probabilities = _run(to_onnx(model, dtype="uint8"), X)
    # The second vote says 1 always, the first from sample 156 on.
    assert_array_equal(labels, grid > 155)
    assert_array_equal(probabilities[:, 1], np.where(grid > 155, 1.0, 0.5))
    assert_array_equal(labels, model.predict(X))


def test_a_graph_in_float64_keeps_what_is_certified():
    """Samples as near to a hyperplane as rounding lets a certificate go."""
    rng = np.random.default_rng(0)
    X = rng.random((200, 50)) + 1e4
    y = (X[:, :25].sum(axis=1) > X[:, 25:].sum(axis=1)).astype(int)
    model = _model(n_estimators=1, hidden_units=1).fit(X, y)
    normal, offset = model.hidden_coef_[0, 0], model.hidden_intercept_[0, 0]
    positions = X @ normal + offset
    # Steps across the hyperplane, a little shorter or longer than to it.
    steps = -positions + rng.choice([-1, 1], 200) * np.geomspace(1e-13, 1e-6, 200)
    near = X + steps[:, np.newaxis] * normal
    radii = certified_distortion(model, near)
    certified = (radii > 0) & np.isfinite(radii)
    assert 20 < certified.sum() < 200
    points = near + 0.999 * (radii * rng.choice([-1, 1], 200))[:, np.newaxis] * normal
    graph = to_onnx(model)
    for samples in (near[certified], points[certified]):
        labels, _ = _run(graph, samples)
        assert_array_equal(labels, model.predict(near[certified]))


def test_rivals_of_equal_output_and_improbable_classes():
    X, y = _data(3)
    model = _model(hidden_units=1, n_estimators=1).fit(X, y)
    _set(
        model,
        hidden_coef_=np.tile(np.eye(1, 5), (3, 1)),
        hidden_intercept_=[0.0, 0.0, 0.0],
        output_coef_=[-400.0, 1.0, 1.0],
        output_intercept_=[-45.0, -46.0, -46.0],
    )
    for voting in ["hard", "soft"]:
        model.set_params(voting=voting)
        assert set(model.predict(X)) == {0, 1}
        _assert_same(to_onnx(model), model, X)
    _set(model, output_intercept_=[-2000.0, -2000.0, -2000.0])
    assert_array_equal(model.predict_proba(X), np.full((200, 3), 1 / 3))
    _assert_same(to_onnx(model), model, X)


def test_pixels_as_bytes_go_through_the_front():
    X, y = load_digits(return_X_y=True, n_class=3)
    X = X.astype(np.uint8)
    model = _robust(margin=1.0, noise=1.0).fit(X[:300], y[:300])
    labels, probabilities = _run(to_onnx(model, dtype="uint8"), X)
    assert_array_equal(labels, model.predict(X))
    assert_array_equal(probabilities, model.predict_proba(X).astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), _model()),
        make_pipeline(RobustScaler(), _model("01", binary_weights=True)),
        make_pipeline("passthrough", StandardScaler(), _model()),
        make_pipeline(MinMaxScaler(), PCA(4), _model(hidden_units=0)),
        make_pipeline(MinMaxScaler(), _robust(margin=0.1, noise=0.1)),
        GridSearchCV(_robust(), {"activesubspace__n_components": [2]}, cv=2),
    ],
    ids=["standard", "robust", "passthrough", "pca", "make_robust_scd", "search"],
)
def test_pipeline_decides_as_the_model(model, dtype):
    X, y = load_breast_cancer(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X.astype(dtype), y, random_state=0)
    model.fit(X, y)
    assert model.score(X_test, y_test) > 0.85
    labels, probabilities = _run(to_onnx(model), X_test)
    assert_array_equal(labels, model.predict(X_test))
    assert probabilities.dtype == dtype
    assert_array_equal(probabilities, model.predict_proba(X_test).astype(dtype))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_means_of_pixels_are_those_of_the_model(dtype):
    """Of blocks of unequal sizes, channel by channel, without a dense matrix."""
    rng = np.random.default_rng(0)
    X = (255 * rng.random((60, 50 * 31 * 3))).astype(dtype)
    y = X[:, 1::3].mean(axis=1) > np.median(X[:, 1::3].mean(axis=1))
    means = PixelMeans((50, 31, 3), side=24)
    model = make_pipeline(means, StandardScaler(), _model()).fit(X, y.astype(int))
    converted = to_onnx(model, dtype=dtype)
    assert converted.ByteSize() < 1e6  # a dense matrix has 64 MB
    labels, probabilities = _run(converted, X)
    assert_array_equal(labels, model.predict(X))
    assert_array_equal(probabilities, model.predict_proba(X).astype(np.float32))
    values, expected = _run_alone(model[0], X), model[0].transform(X)
    assert values.dtype == expected.dtype
    assert_allclose(values, expected, rtol=4 * np.finfo(values.dtype).eps)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
@pytest.mark.parametrize(
    ("shape", "n_regions"), [((9, 7, 3), 2), ((6, 8), 1), ((1, 20), 1), (None, 4)]
)
def test_shares_of_active_patches_are_those_of_the_model(shape, n_regions, dtype):
    rng = np.random.default_rng(0)
    X = rng.integers(256, size=(40, np.prod(shape or (21,)))).astype(dtype)
    kernel_size = min(3, *(shape or (3,))[:2])
    layer = SignConvolution(shape, 20, kernel_size, n_regions=n_regions, random_state=0)
    layer.fit(X)
    # Sums of whole numbers have no rounding: as many patches are active.
    layer.coef_ = np.rint(20 * layer.coef_)
    layer.intercept_ = np.rint(20 * layer.intercept_)
    expected = layer.transform(X)
    assert 0.2 < expected.mean() < 0.8
    values = _run_alone(layer.set_params(image_shape=(5, 5), kernel_size=2), X)
    assert values.dtype == expected.dtype
    assert_allclose(values, expected, rtol=4 * np.finfo(np.float32).eps)


def test_network_behind_sign_units_over_patches_decides_as_the_model():
    X, y = load_digits(return_X_y=True)
    layer = SignConvolution((8, 8), 30, n_regions=2, random_state=0)
    model = make_pipeline(layer, StandardScaler(), _model()).fit(X[:900], y[:900])
    assert model.score(X, y) > 0.8
    labels, _ = _run(to_onnx(model), X.astype(np.float32))
    # A sum near 0 may have another sign where a runtime adds in another order.
    assert np.mean(labels != model.predict(X)) < 0.005


def test_binary_weights_on_integer_pixels_are_exact():
    """Sums of integers have no rounding: every vote is the same, on every image."""
    X, y = load_digits(return_X_y=True)
    X = X.astype(np.uint8)
    model = _model(binary_weights=True, n_estimators=3).fit(X[:400], y[:400])
    assert model.score(X, y) > 0.5
    _assert_same(to_onnx(model, dtype="uint8"), model, X)
    _assert_same(to_onnx(model, dtype="float32"), model, X.astype(np.float32))


def test_skl2onnx_converts_by_itself_once_registered():
    X, y = _data(3, np.float32)
    model = make_pipeline(StandardScaler(), _model()).fit(X, LABELS[0][y])
    register_onnx_converter()
    converted = skl2onnx.to_onnx(model, X[:1])
    session = onnxruntime.InferenceSession(
        converted.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    labels, columns = session.run(None, {"X": X})  # a dict a sample
    assert_array_equal(labels, model.predict(X))
    got = [[row[name] for name in model.classes_] for row in columns]
    assert_array_equal(got, model.predict_proba(X))

    options = {SCDClassifier: {"zipmap": False, "nocl": True}}
    codes, _ = _run(skl2onnx.to_onnx(model, X[:1], options=options), X)
    assert_array_equal(model.classes_[codes], model.predict(X))

    vote = VotingClassifier(
        [("signs", _model()), ("logistic", LogisticRegression())],
        voting="soft",
        flatten_transform=False,
    ).fit(X, y)
    options = {id(vote): {"zipmap": False}}
    labels, probabilities = _run(skl2onnx.to_onnx(vote, X[:1], options=options), X)
    assert_array_equal(labels, vote.predict(X))
    assert_allclose(probabilities, vote.predict_proba(X), rtol=1e-5)


def test_large_binary_model_is_one_product_of_bytes():
    """100 votes of 20 units on 9,216 pixels."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (16, 9216), dtype=np.uint8)
    model = SCDClassifier(binary_weights=True, max_iter=1, random_state=0)
    model.fit(X, np.arange(16) % 2)
    converted = to_onnx(model, dtype="uint8")
    assert converted.ByteSize() < 18.6e6
    assert len(converted.graph.node) < 25
    assert sum(node.op_type == "MatMul" for node in converted.graph.node) == 1
    X = rng.integers(0, 256, (64, 9216), dtype=np.uint8)
    _assert_same(converted, model, X)


def test_what_cannot_be_converted_is_refused(monkeypatch):
    X, y = _data()
    model = _model().fit(X, y)
    with pytest.raises(TypeError, match="got LogisticRegression"):
        to_onnx(LogisticRegression().fit(X, y))
    with pytest.raises(NotFittedError):
        to_onnx(_model())
    with pytest.raises(ValueError, match="float32, float64, uint8, got 'int64'"):
        to_onnx(model, dtype="int64")
    with pytest.raises(ValueError, match="target_opset=13 or later, got 12"):
        to_onnx(model, target_opset=12)
    with pytest.raises(ValueError, match="needs loss='ce'"):
        to_onnx(_model(loss="01").fit(X, y).set_params(voting="soft"))
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-scd\[onnx\]'"):
        to_onnx(model)
