"""Export of what is around an SCDClassifier: the same labels, or a plain error."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_scd import SCDClassifier
from sklearn_scd.export import register_onnx_converter, to_onnx

onnxruntime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

LINEAR = LogisticRegression(max_iter=500)
# voting, n_classes, dtype, labels
SETTINGS = [
    ("hard", 2, np.float32, np.array(["well", "ill"])),
    ("hard", 3, np.float64, np.array([7, -3, 5])),
    ("soft", 3, np.float32, np.array(["c", "a", "b"])),
    ("soft", 2, np.float64, np.array([1, 0])),
]


def _signs(voting="hard", seed=0):
    return SCDClassifier(
        voting=voting, n_estimators=5, max_iter=20, hidden_units=4, random_state=seed
    )


def _data(n_classes=2, dtype=np.float64):
    """Overlapping classes: votes differ, and some samples tie."""
    rng = np.random.default_rng(0)
    y = np.arange(240) % n_classes
    return (rng.standard_normal((240, 4)) + np.eye(3, 4)[y]).astype(dtype), y


def _scaled(model):
    return make_pipeline(StandardScaler(), model)


def _stack(signs, **parameters):
    models = [("signs", signs), ("linear", LINEAR)]
    return StackingClassifier(models, cv=2, final_estimator=LINEAR, **parameters)


def _vote(*signs, **parameters):
    models = [("linear", LINEAR), *((f"{k}", model) for k, model in enumerate(signs))]
    return VotingClassifier(models, flatten_transform=False, **parameters)


MODELS = {
    "sigmoid": lambda signs: CalibratedClassifierCV(signs, cv=2),
    "isotonic": lambda signs: CalibratedClassifierCV(signs, cv=2, method="isotonic"),
    "one calibration": lambda signs: CalibratedClassifierCV(
        signs, cv=2, method="isotonic", ensemble=False
    ),
    "calibrated pipeline": lambda signs: CalibratedClassifierCV(_scaled(signs), cv=2),
    "calibrated search": lambda signs: CalibratedClassifierCV(
        GridSearchCV(_scaled(signs), {}, cv=2), cv=2, method="isotonic"
    ),
    "pipeline of calibrated": lambda signs: _scaled(
        CalibratedClassifierCV(signs, cv=2)
    ),
    "stack": lambda signs: _stack(_scaled(signs), passthrough=True),
    "stacked below": lambda signs: StackingClassifier(
        [("linear", LINEAR), ("scaled", _scaled(LINEAR))], cv=2, final_estimator=signs
    ),
    "hard vote": lambda signs: _vote(signs, _scaled(signs)),
    "soft vote": lambda signs: _vote(signs, _scaled(signs), voting="soft"),
    "weighted vote": lambda signs: _vote(
        signs, voting="soft", weights=np.array([1.0, 2.0])
    ),
    "one versus rest": lambda signs: OneVsRestClassifier(_scaled(signs)),
    "bagging": lambda signs: BaggingClassifier(
        signs, 3, max_features=0.5, random_state=0
    ),
    "boosting": lambda signs: AdaBoostClassifier(signs, n_estimators=3, random_state=0),
    "columns": lambda signs: make_pipeline(
        ColumnTransformer([("scaled", StandardScaler(), [2, 0])]), signs
    ),
    "search": lambda signs: GridSearchCV(signs, {"random_state": [0, 1]}, cv=2),
}
REFUSED = {
    ("bagging", "hard", np.float32),
    ("boosting", None, np.float64),
    ("one versus rest", "hard", 3),
}


def _run(model, X):
    register_onnx_converter()
    options = {id(model): {"zipmap": False}}
    converted = skl2onnx.to_onnx(model, X[:1], options=options)
    session = onnxruntime.InferenceSession(
        converted.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"X": X})


@pytest.mark.parametrize(("voting", "n_classes", "dtype", "names"), SETTINGS)
@pytest.mark.parametrize("name", MODELS)
def test_labels_are_those_of_the_model_around(name, voting, n_classes, dtype, names):
    X, y = _data(n_classes, dtype)
    model = MODELS[name](_signs(voting)).fit(X[:120], names[y[:120]])
    if REFUSED & {
        (name, voting, dtype),
        (name, None, dtype),
        (name, voting, n_classes),
    }:
        with pytest.raises(NotImplementedError, match="around an SCDClassifier"):
            _run(model, X)
        return
    labels, probabilities = _run(model, X)
    assert_array_equal(labels, model.predict(X))
    assert np.unique(labels).size == n_classes
    if hasattr(model, "predict_proba"):
        tolerance = 50 * np.finfo(dtype).eps
        assert_allclose(probabilities, model.predict_proba(X), atol=tolerance)


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_a_frozen_model_is_calibrated(voting):
    X, y = _data(3)
    frozen = FrozenEstimator(_scaled(_signs(voting)).fit(X[:80], y[:80]))
    model = CalibratedClassifierCV(frozen, method="isotonic").fit(X[80:], y[80:])
    labels, probabilities = _run(model, X)
    assert_array_equal(labels, model.predict(X))
    assert_allclose(probabilities, model.predict_proba(X), atol=1e-12)


def test_several_targets():
    X, y = _data(3)
    model = MultiOutputClassifier(_signs()).fit(X, np.stack([y, y > 0], axis=1))
    labels, _ = _run(model, X)
    assert_array_equal(labels, model.predict(X))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_raw_scores_are_the_decision_function(n_classes):
    X, y = _data(n_classes)
    model = _signs("soft").fit(X, y)
    register_onnx_converter()
    options = {id(model): {"zipmap": False, "raw_scores": True}}
    converted = skl2onnx.to_onnx(model, X[:1], options=options)
    session = onnxruntime.InferenceSession(
        converted.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    labels, scores = session.run(None, {"X": X})
    expected = model.decision_function(X)
    if n_classes == 2:  # as skl2onnx has it for scikit-learn's classifiers
        expected = np.stack([-expected, expected], axis=1)
    assert_allclose(scores, expected, rtol=1e-14, atol=1e-15)
    assert_array_equal(labels, model.predict(X))


WRONG = {
    "skl2onnx stacks nothing but probabilities": lambda signs: _stack(
        signs, stack_method="decision_function"
    ),
    "here predict of a model is stacked": lambda signs: _stack(
        signs, stack_method="predict"
    ),
    "weights as a NumPy array": lambda signs: _vote(
        signs, voting="soft", weights=[1, 2]
    ),
    "rounds weights": lambda signs: _vote(signs, weights=np.array([1, 2])),
    "counts weights of dropped": lambda signs: _vote(
        signs, voting="soft", weights=np.ones(2)
    ).set_params(linear="drop"),
    "means of shares of votes tie": lambda signs: _vote(
        signs, voting="soft"
    ).set_params(linear=_signs(seed=1)),
    "calibrates a StackingClassifier": lambda signs: CalibratedClassifierCV(
        _stack(signs), cv=2
    ),
    "numbers of classes for labels": OneVsOneClassifier,
    "leaves out the threshold": lambda signs: TunedThresholdClassifierCV(signs, cv=2),
    "converts no RandomizedSearchCV": lambda signs: _vote(
        RandomizedSearchCV(signs, {"random_state": [0]}, n_iter=1, cv=2)
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_skl2onnx_converts_wrongly_is_refused(message):
    X, y = _data()
    model = WRONG[message](_signs()).fit(X, y)
    with pytest.raises(NotImplementedError, match=f"SCDClassifier.*{message}"):
        _run(model, X)


def test_calibrations_that_are_not_converted():
    X, y = _data(3)
    folds = [(np.flatnonzero(y < 2), np.arange(len(y)))]
    few = CalibratedClassifierCV(_signs(), cv=folds).fit(X, y)
    with pytest.raises(NotImplementedError, match="without samples of some class"):
        _run(few, X)
    other = CalibratedClassifierCV(_signs(), cv=2).fit(X, y)
    for calibrated in other.calibrated_classifiers_:
        calibrated.method = "temperature"  # which scikit-learn has from 1.8 on
    with pytest.raises(NotImplementedError, match="'temperature' is neither"):
        _run(other, X)


def test_models_without_an_scd_classifier_convert_as_before():
    X, y = _data()
    register_onnx_converter()
    register_onnx_converter()  # a second guard would be around the first
    model = TunedThresholdClassifierCV(LINEAR, cv=2).fit(X, y)
    assert len(_run(model, X)) == 2


def test_graph_says_which_input_it_wants():
    """Of any search, and a runtime takes no other."""
    X, y = _data()
    search = RandomizedSearchCV(
        _scaled(_signs()), {"scdclassifier__max_iter": [9]}, n_iter=1, cv=2
    )
    for dtype, other in [(np.float32, np.float64), (np.float64, np.float32)]:
        name = np.dtype(dtype).name
        converted = to_onnx(search.fit(X.astype(dtype), y))
        session = onnxruntime.InferenceSession(
            converted.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        description = session.get_modelmeta().description
        assert re.search(rf"X: {name}, \(n_samples, 4\)", description)
        labels, _ = session.run(None, {"X": X.astype(dtype)})
        assert_array_equal(labels, search.predict(X.astype(dtype)))
        with pytest.raises(Exception, match="Unexpected input data type"):
            session.run(None, {"X": X.astype(other)})
