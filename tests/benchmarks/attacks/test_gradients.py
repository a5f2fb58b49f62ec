"""The attack by a model's own gradient, against exact distances and HopSkipJump."""

import numpy as np
import pytest
from _robustness_helpers import assert_is_what_it_says
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

pytest.importorskip("art")
pytest.importorskip("PIL")
pytest.importorskip("skimage")
pytest.importorskip("torch")
pytest.importorskip("tqdm")

import torch

from benchmarks.common.errors import UserError
from benchmarks.models.differentiable import attack_gradient, has_gradient, read_vote
from benchmarks.models.networks import TorchClassifier
from benchmarks.models.votes import VotedClassifier
from sklearn_scd import SCDClassifier
from sklearn_scd.robustness import minimum_distortion

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SHAPE = (8, 8)


def make_images(n_classes=2, n_samples=60):
    """Noise with a bright patch in one of three corners, as flat rows, and names."""
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 0.6, (n_samples, *SHAPE)).astype(np.float32)
    y = np.arange(n_samples) % n_classes
    for code, (top, left) in enumerate([(0, 0), (0, 4), (4, 0)][:n_classes]):
        X[y == code, top : top + 4, left : left + 4] += 0.2
    return X.reshape(n_samples, -1), np.array(["well", "ill", "grey"])[y]


def torch_network(network, **parameters):
    return TorchClassifier(
        network, image_shape=SHAPE, max_iter=12, batch_size=10, learning_rate=0.01,
        random_state=0, **parameters,
    )  # fmt: skip


def voted(single, n_estimators=4):
    return VotedClassifier(single, n_estimators, random_state=0)


def mlp(**parameters):
    return MLPClassifier((6,), max_iter=30, learning_rate_init=0.02, **parameters)


MODELS = {
    "MLP vote": voted(mlp(activation="logistic")),
    "MLP": MLPClassifier((6, 5), activation="tanh", max_iter=30, random_state=0),
    "linear vote": voted(LinearSVC(max_iter=5), 3),
    "sign networks": voted(torch_network("bnn-ste"), 5),
    "LeNet": torch_network("lenet"),
}
models = pytest.mark.parametrize("name", MODELS)


def assert_gradient_says_so(result, *arguments, **options):
    assert (result.attack, result.norm) == ("gradient", 2)
    return assert_is_what_it_says(result, *arguments, **options)


@models
@pytest.mark.parametrize("n_classes", [2, 3])
def test_votes_in_torch_are_those_of_the_model(name, n_classes):
    X, y = make_images(n_classes)
    model = MODELS[name].fit(X, y)
    assert has_gradient(model)
    rows = torch.from_numpy(X)
    logits, relaxed = (
        outputs.detach().numpy() for outputs in read_vote(model)(rows, 4.0)
    )
    runs = getattr(model, "estimators_", [model])
    assert logits.shape == relaxed.shape == (60, len(runs), n_classes)
    for k, run in enumerate(runs):
        named = run.classes_[logits[:, k].argmax(axis=1)]
        np.testing.assert_array_equal(named, run.predict(X))
    assert (logits == relaxed).all() == (name != "sign networks")


@models
def test_it_comes_nearer_than_an_attack_that_sees_answers_only(name):
    X, y = make_images()
    model = MODELS[name].fit(X, y)
    rows = np.flatnonzero(model.predict(X) == y)[:3]
    wrong = np.array(["ill", "well"])[(y[rows[:1]] == "ill").astype(int)]
    targets, labels = X[[*rows, rows[0]]], np.append(y[rows], wrong)
    result = attack_gradient(model, targets, labels)
    found = assert_gradient_says_so(result, model, targets, labels)
    assert found.tolist() == [True] * 3 + [False]
    decisions = minimum_distortion(
        model, X[rows], y[rows], X_train=X, n_restarts=1, max_iter=5, random_state=0
    )
    assert (result.distances[:3] <= decisions.distances).all()
    assert (result.queries[:3] > 450).all()  # three stages of 50 steps, three starts


def nearest_of_linear(model, X):
    """Distances to the nearest plane on which another class's score is as high."""
    scores, W = model.decision_function(X), np.atleast_2d(model.coef_)
    if scores.ndim == 1:
        return np.abs(scores) / np.linalg.norm(W)
    first = scores.argmax(axis=1)
    leads = scores.max(axis=1, keepdims=True) - scores
    apart = np.linalg.norm(W[first][:, np.newaxis] - W, axis=2)
    return np.sort(leads / np.where(apart > 0, apart, 1), axis=1)[:, 1]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("model", [LogisticRegression(C=100), RidgeClassifier()])
def test_distances_of_linear_models_are_the_exact_ones(model, n_classes):
    X, y = make_images(n_classes)
    model.fit(X, y)
    rows = np.flatnonzero(model.predict(X) == y)[:4]
    result = attack_gradient(model, X[rows], y[rows], clip_values=(-5, 5))
    assert assert_gradient_says_so(result, model, X[rows], y[rows], (-5, 5)).all()
    exact = nearest_of_linear(model, X[rows])
    assert (result.distances >= exact * (1 - 1e-4)).all()
    # For three classes the way leads to one of them, not always the nearest.
    assert (result.distances <= exact * 1.005).all()


def test_distances_within_the_range_of_values_are_the_exact_ones():
    """The shortest step is a multiple of the weights, clipped: found by bisection."""
    low, high = np.float32(0.3), np.float32(0.5)
    X, y = make_images()
    X = X.clip(low, high)  # most pixels can go one way only
    model = LogisticRegression(C=100).fit(X, y)
    rows = np.flatnonzero(model.predict(X) == y)[:4]
    result = attack_gradient(model, X[rows], y[rows], (low, high))
    assert assert_gradient_says_so(result, model, X[rows], y[rows], (low, high)).all()
    w = model.coef_[0]
    for x, distance in zip(X[rows].astype(float), result.distances, strict=True):
        score = w @ x + model.intercept_[0]
        near, far = 0.0, 100.0
        for _ in range(60):
            middle = (near + far) / 2
            step = np.clip(x - np.sign(score) * middle * w, low, high) - x
            near, far = (
                (near, middle) if (w @ step + score) * score < 0 else (middle, far)
            )
        unbounded = abs(score) / np.linalg.norm(w)
        exact = np.linalg.norm(step)
        assert exact > 1.02 * unbounded  # or the range does not matter
        assert exact * (1 - 1e-4) <= distance <= exact * 1.005


def test_the_seed_and_the_image_make_the_result():
    X, y = make_images()
    model = MODELS["MLP vote"].fit(X, y)
    before = torch.get_rng_state(), torch.get_num_threads()
    settings = {"steps": 5, "restarts": 2}
    first = attack_gradient(model, X[:3], y[:3], seed=1, **settings)
    again = attack_gradient(model, X[:2], y[:2], seed=1, **settings)
    np.testing.assert_array_equal(first.adversarials[:2], again.adversarials)
    np.testing.assert_array_equal(first.queries[:2], again.queries)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1]


def test_where_there_is_nothing_to_find_it_says_so():
    X, y = make_images()
    model = LogisticRegression().fit(X, y)
    model.coef_[:] = 0
    model.intercept_[:] = 1
    result = attack_gradient(model, X[:2], y[:2], steps=3)
    assert not assert_gradient_says_so(result, model, X[:2], y[:2])[1:].any()
    assert sorted(result.status) == ["misclassified", "no_start"]
    assert np.isinf(result.distances).sum() == 1


def test_models_without_a_gradient():
    X, y = make_images()
    for model in (
        RandomForestClassifier(2, random_state=0),
        voted(DecisionTreeClassifier()),
        SCDClassifier(n_estimators=2, max_iter=2),
        make_pipeline(LogisticRegression()),
    ):
        assert not has_gradient(model.fit(X, y))
    with pytest.raises(UserError, match=r"^Pipeline: has no gradient to attack by; "):
        attack_gradient(model, X, y)
    with pytest.raises(ValueError, match=r"X has the value .* outside clip_values"):
        attack_gradient(LogisticRegression().fit(X, y), X + 1, y)
