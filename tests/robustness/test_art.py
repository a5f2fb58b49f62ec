"""The bridge to ART: what it inherits is right or refused, and which attacks work."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_scd import SCDClassifier
from sklearn_scd.robustness import as_art_classifier

pytest.importorskip("art")

NAMES = np.array(["pneumonia", "effusion", "normal"])


def _data(n_classes=2, n=90):
    """Images of 4 by 4 pixels in [0, 1], a bright row a class, with noise."""
    rng = np.random.default_rng(0)
    codes = np.arange(n) % n_classes
    X = 0.5 * rng.random((n, 4, 4))
    X[np.arange(n), codes] += 0.3
    return X.reshape(n, 16).astype(np.float32), NAMES[codes]


def _signs():
    return SCDClassifier(n_estimators=5, max_iter=40, hidden_units=4, random_state=0)


@pytest.fixture(scope="module", params=[2, 3])
def fitted(request):
    X, y = _data(request.param)
    return _signs().fit(X, y), X, y


def _shapes(y, classes):
    """Labels in each of ART's shapes, and as they are."""
    codes = np.searchsorted(classes, y)
    rows = np.eye(len(classes))[codes]
    return {"codes": codes, "column": codes[:, np.newaxis], "rows": rows, "labels": y}


@pytest.mark.parametrize("shape", ["codes", "column", "rows", "labels"])
@pytest.mark.parametrize("response_method", ["predict_proba", "predict"])
def test_fit_trains_a_copy_with_the_users_labels(fitted, response_method, shape):
    model, X, y = fitted
    before = pickle.dumps(model)
    bridge = as_art_classifier(model, response_method=response_method)
    other = np.roll(y, 1)  # no labels of these samples
    bridge.fit(X, _shapes(other, model.classes_)[shape])
    assert pickle.dumps(model) == before
    expected = clone(model).fit(X, other)
    assert_array_equal(
        model.classes_[bridge.predict(X).argmax(axis=1)], expected.predict(X)
    )
    assert (expected.predict(X) != model.predict(X)).any()


def test_fit_refuses_what_it_would_not_do(fitted):
    model, X, y = fitted
    bridge = as_art_classifier(model)
    n = model.classes_.size
    rows = bridge.encode_labels(y)
    assert_array_equal(model.classes_[rows.argmax(axis=1)], y)
    with pytest.raises(TypeError, match=r"no nb_epochs.*fitted anew"):
        bridge.fit(X, rows, nb_epochs=1)
    with pytest.raises(ValueError, match=r"no sample of the classes \['effusion'\]"):
        bridge.fit(X[y != "effusion"], y[y != "effusion"])
    with pytest.raises(ValueError, match=f"y has {n}, but codes .* from 0 to {n - 1}"):
        bridge.fit(X, np.full(len(X), n))
    with pytest.raises(ValueError, match=rf"\(n, {n}\), got \(90, 4\)"):
        bridge.fit(X, np.ones((90, 4)))
    with pytest.raises(ValueError, match="y has the label 'sick'"):
        bridge.fit(X, np.full(len(X), "sick"))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        bridge.fit(X[:3], rows)
    assert bridge.model is model


def test_clone_is_fitted_from_scratch(fitted):
    model, X, y = fitted
    model = make_pipeline(StandardScaler(), clone(model)).fit(X, y)
    bridge = as_art_classifier(model, (0.0, 2.0), response_method="predict")
    other = bridge.clone_for_refitting()
    assert_array_equal(other.clip_values, [0, 2])
    other.fit(X, bridge.encode_labels(y))
    assert_array_equal(other.predict(X), bridge.predict(X))
    assert other.model is not model


def test_defences_are_applied_and_nothing_else_is_set(fitted, tmp_path):
    from art.defences.postprocessor import Rounded
    from art.defences.preprocessor import FeatureSqueezing

    model, X, _ = fitted
    bridge = as_art_classifier(model)
    squeezing = FeatureSqueezing(clip_values=(0, 1), bit_depth=1)
    bridge.set_params(preprocessing_defences=squeezing)
    assert_array_equal(bridge.predict(X), model.predict_proba(np.rint(X)))
    bridge.set_params(
        preprocessing_defences=None, postprocessing_defences=Rounded(decimals=1)
    )
    assert_array_equal(bridge.predict(X), np.round(model.predict_proba(X), 1))

    bridge.set_params(**bridge.get_params())
    for name, value in [("model", clone(model)), ("nb_classes", 7)]:
        with pytest.raises(ValueError, match=f"{name} can't be set.*as_art_classifier"):
            bridge.set_params(**{name: value})
    with pytest.raises(ValueError, match="use_logits can't be set to True"):
        bridge.set_params(use_logits=True)

    bridge.save("signs", str(tmp_path))
    loaded = pickle.loads((tmp_path / "signs.pickle").read_bytes())
    assert_array_equal(loaded.predict(X), model.predict(X))


def test_images_are_the_rows_of_the_estimator(fitted):
    model, X, y = fitted
    bridge = as_art_classifier(model, image_shape=(4, 4))
    assert (bridge.input_shape, bridge.channels_first) == ((4, 4, 1), False)
    images = X.reshape(-1, 4, 4, 1)
    assert_array_equal(bridge.predict(images), model.predict_proba(X))
    again = bridge.clone_for_refitting()
    again.fit(images, y)
    assert_array_equal(again.predict(images), bridge.predict(images))
    assert as_art_classifier(model, image_shape=[2, 2, 4]).input_shape == (2, 2, 4)
    with pytest.raises(NotImplementedError, match="SCDClassifier has no layers"):
        bridge.get_activations(images, 0, 1)
    for shape in [(4,), (2, 2, 2, 2), (-4, -4), (4.0, 4.0)]:
        with pytest.raises(ValueError, match=r"image_shape=.* must be \(height"):
            as_art_classifier(model, image_shape=shape)
    with pytest.raises(ValueError, match=r"\(4, 5\) does not make the 16 features"):
        as_art_classifier(model, image_shape=(4, 5))


# Those of docs/attack_your_model.rst. Name, whether it takes images, and its settings.
WORKING = [
    ("HopSkipJump", False, {"max_iter": 3, "max_eval": 60, "init_eval": 10}),
    ("HopSkipJump", True, {"max_iter": 3, "max_eval": 60, "init_eval": 10}),
    ("BoundaryAttack", False, {"targeted": False, "max_iter": 20}),
    ("SquareAttack", True, {"eps": 0.4, "p_init": 0.4, "max_iter": 60}),
    ("SpatialTransformation", True, {"max_translation": 40, "num_translations": 3}),
]
OF_SHARES = [
    ("SimBA", True, {"attack": "px", "epsilon": 0.4, "max_iter": 60}),
    (
        "ZooAttack",
        False,
        {
            "max_iter": 60, "nb_parallel": 8, "variable_h": 0.5, "learning_rate": 0.2,
            "initial_const": 100.0,
        },
    ),
]  # fmt: skip
OF_THREE_CLASSES = [
    ("SignOPTAttack", False, {"max_iter": 3, "k": 10, "num_trial": 10}),
    ("PixelAttack", True, {"th": 5, "es": 1, "max_iter": 2}),
]


def _attack(bridge, name, X, y, parameters):
    """Adversarial samples as rows; ART draws from NumPy's global generator."""
    from art.attacks import evasion

    parameters = {"verbose": False, **parameters}
    if name == "SignOPTAttack":
        parameters["targeted"] = False
    np.random.seed(0)  # noqa: NPY002
    attack = getattr(evasion, name)(bridge, **parameters)
    shape = len(X), *bridge.input_shape
    found = attack.generate(X.reshape(shape).copy(), y=bridge.encode_labels(y))
    return found.reshape(len(X), -1)


def _assert_found(fitted, name, images, parameters, response_method):
    model, X, y = fitted
    right = np.flatnonzero(model.predict(X) == y)[:4]
    X, y = X[right], y[right]
    bridge = as_art_classifier(
        model, response_method=response_method, image_shape=(4, 4) if images else None
    )
    found = _attack(bridge, name, X, y, parameters)
    assert (model.predict(found) != y).any()
    assert found.min() >= -1e-6
    assert found.max() <= 1 + 1e-6


@pytest.mark.parametrize(("name", "images", "parameters"), WORKING)
def test_attacks_on_decisions_work(fitted, name, images, parameters):
    _assert_found(fitted, name, images, parameters, "predict")


@pytest.mark.parametrize(("name", "images", "parameters"), OF_SHARES)
def test_attacks_on_probabilities_work(fitted, name, images, parameters):
    _assert_found(fitted, name, images, parameters, "predict_proba")


@pytest.mark.parametrize(("name", "images", "parameters"), OF_THREE_CLASSES)
def test_attacks_of_three_classes_and_more(fitted, name, images, parameters):
    if fitted[0].classes_.size == 2:
        with pytest.raises(ValueError, match="not yet been tested for binary"):
            _assert_found(fitted, name, images, parameters, "predict")
        return
    _assert_found(fitted, name, images, parameters, "predict")


def test_attacks_that_do_not_work_say_so(fitted, monkeypatch, tmp_path):
    from art.attacks import evasion
    from art.exceptions import EstimatorError

    model, X, _ = fitted
    for image_shape in (None, (4, 4)):
        bridge = as_art_classifier(model, image_shape=image_shape)
        for name in ["ProjectedGradientDescent", "FastGradientMethod", "DeepFool",
                     "CarliniL2Method", "DecisionTreeAttack"]:  # fmt: skip
            with pytest.raises(EstimatorError, match="requires an estimator"):
                getattr(evasion, name)(bridge)
    monkeypatch.chdir(tmp_path)  # it writes a file into the working directory
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        with pytest.raises(AttributeError, match=r"np\.mat"):
            evasion.GeoDA(bridge, sub_dim=2, max_iter=500, verbose=False).generate(
                X[:1].reshape(1, 4, 4, 1)
            )


def _logistic_regression(X, codes):
    from art.estimators.classification import SklearnClassifier

    return SklearnClassifier(LogisticRegression().fit(X, codes), (0.0, 1.0))


def _network(X, codes):
    torch = pytest.importorskip("torch")
    from art.estimators.classification import PyTorchClassifier

    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(X.shape[1], 32),
        torch.nn.ReLU(),
        torch.nn.Linear(32, codes.max() + 1),
    )
    source = PyTorchClassifier(
        network,
        torch.nn.CrossEntropyLoss(),
        X.shape[1:],
        codes.max() + 1,
        torch.optim.Adam(network.parameters(), lr=0.01),
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )
    source.fit(X.astype(np.float32), codes, nb_epochs=30)
    return source


@pytest.mark.parametrize("source", [_logistic_regression, _network])
def test_samples_of_a_gradient_attack_on_another_model_transfer(fitted, source):
    """Projected gradient descent asks that model, the bridge judges what it found."""
    from art.attacks.evasion import ProjectedGradientDescent

    model, X, y = fitted
    codes = np.searchsorted(model.classes_, y)
    attack = ProjectedGradientDescent(
        source(X, codes), norm=2, eps=1.0, eps_step=0.2, max_iter=10, verbose=False
    )
    bridge = as_art_classifier(model)
    labels = bridge.encode_labels(y)
    found = attack.generate(X.astype(np.float32), y=labels)
    before = (bridge.predict(X).argmax(axis=1) == codes).mean()
    after = (bridge.predict(found).argmax(axis=1) == codes).mean()
    assert after < before - 0.2
