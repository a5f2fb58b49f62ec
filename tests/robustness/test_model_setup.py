"""What certificates keep of a model between calls: never that of another model."""

import copy
import gc
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_scd import SCDClassifier
from sklearn_scd.robustness import certified_accuracy_scorer, certified_distortion
from sklearn_scd.robustness._hyperplanes import geometry as geometry_module
from sklearn_scd.robustness._hyperplanes import model_setup

X, y = make_classification(
    120, 12, n_informative=6, n_classes=3, class_sep=2.0, random_state=0
)


def fitted(**options):
    options = {"n_estimators": 3, "max_iter": 20, "random_state": 0} | options
    front = StandardScaler(), PCA(8, random_state=0)
    return make_pipeline(*front, SCDClassifier(**options)).fit(X, y)


@pytest.fixture
def made(monkeypatch):
    """What networks were read off, in the order in which they were."""
    calls = []
    read = model_setup.sign_networks

    def counting(steps, classifier, *rest):
        calls.append(classifier)
        return read(steps, classifier, *rest)

    monkeypatch.setattr(model_setup, "sign_networks", counting)
    return calls


def scale_a_weight(model):
    model[-1].hidden_coef_[0, 0] *= -1


def move_a_threshold(model):
    model[-1].hidden_intercept_[0] += 0.5


def turn_an_output_weight(model):
    model[-1].output_coef_[0, 0] *= -1


def move_an_output(model):
    model[-1].output_intercept_[0] += 1


def vote_softly(model):
    model[-1].voting = "soft"


def turn_a_component(model):
    model[1].components_[0] *= -1


def move_the_mean(model):
    model[0].mean_ += 0.3


def fit_on_other_classes(model):
    model.set_params(scdclassifier__random_state=1).fit(X, (y + 1) % 3)


def fit_only_the_classifier(model):
    model[-1].fit(model[:-1].transform(X), (y + 1) % 3)


@pytest.mark.parametrize(
    "change",
    [
        scale_a_weight, move_a_threshold, turn_an_output_weight, move_an_output,
        vote_softly, turn_a_component, move_the_mean, fit_on_other_classes,
        fit_only_the_classifier,
    ],
)  # fmt: skip
def test_a_changed_model_gets_its_own_radii(change):
    model = fitted()
    before = certified_distortion(model, X)
    change(model)
    expected = certified_distortion(copy.deepcopy(model), X)  # never seen before
    assert not np.array_equal(expected, before)
    assert np.array_equal(certified_distortion(model, X), expected)


def test_samples_of_another_dtype_have_radii_of_their_own():
    model = fitted()
    certified_distortion(model, X)
    narrow = X.astype(np.float32)
    expected = certified_distortion(copy.deepcopy(model), narrow)
    assert np.array_equal(certified_distortion(model, narrow), expected)


def test_a_model_is_set_up_once(made):
    model = fitted()
    for norm in (2, 2, np.inf):
        certified_distortion(model, X[:3], norm=norm)
    assert made == [model[-1]]


def test_a_search_sets_up_each_model_once(made):
    scoring = {
        str(radius): certified_accuracy_scorer(radius, method="order")
        for radius in (0.1, 0.2, 0.4)
    }
    search = GridSearchCV(
        fitted(), {"scdclassifier__margin": [0.0, 0.1]}, cv=2, scoring=scoring,
        refit=False,
    )  # fmt: skip
    search.fit(X, y)
    assert len(made) == 4  # two models in two splits, not twelve


def test_pickles_are_without_it():
    model = fitted()
    before = pickle.dumps(model)
    certified_distortion(model, X[:3])
    assert pickle.dumps(model) == before


def test_nothing_is_kept_of_a_model_that_is_gone():
    setups = model_setup._store._setups
    gc.collect()
    n_before = len(setups)
    model = fitted()
    certified_distortion(model, X[:3])
    assert len(setups) == n_before + 1
    del model
    gc.collect()
    assert len(setups) == n_before


def test_memory_is_bounded_the_oldest_going_first(made, monkeypatch):
    models = [fitted(random_state=i) for i in range(3)]
    certified_distortion(models[0], X[:3])
    size = model_setup._store._setups[models[0][-1]].n_bytes
    assert size > models[0][-1].hidden_coef_.size * 8  # float64, and more
    monkeypatch.setattr(model_setup, "_MOST_BYTES", int(2.5 * size))
    for i in (1, 0, 2):  # the second is the one used longest ago when the third comes
        certified_distortion(models[i], X[:3])
    kept = model_setup._store._setups
    assert [model[-1] in kept for model in models] == [True, False, True]
    monkeypatch.setattr(model_setup, "_MOST_BYTES", 0)
    certified_distortion(models[1], X[:3])
    assert list(kept) == [models[1][-1]]  # one always: it had to be made anyway


def test_threads_share_it():
    models = [fitted(random_state=i) for i in range(2)]
    few = X[:25]
    expected = [certified_distortion(copy.deepcopy(model), few) for model in models]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda i: certified_distortion(models[i % 2], few), range(16))
    for i, radii in enumerate(found):
        assert np.array_equal(radii, expected[i % 2])


@pytest.mark.parametrize("told", ["the span", "more than it", "another span"])
def test_a_basis_holds_whatever_the_span_is_said_to_be(told, monkeypatch):
    monkeypatch.setattr(geometry_module, "_LOW_RANK", 8)
    rng = np.random.default_rng(0)
    span = rng.standard_normal((5, 60))
    normals = rng.standard_normal((40, 5)) @ span
    normals /= np.linalg.norm(normals, axis=1)[:, np.newaxis]
    if told == "more than it":
        span = np.vstack([span, rng.standard_normal((2, 60))])
    elif told == "another span":
        span = rng.standard_normal((5, 60))
    basis = geometry_module.small_basis(normals, span)
    assert np.allclose(basis @ basis.T, np.eye(len(basis)))
    assert np.allclose(normals @ basis.T @ basis, normals)
    many = rng.standard_normal((40, 60))
    assert geometry_module.small_basis(many, span) is None
