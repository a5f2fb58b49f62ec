"""Fitted is fitted: parameters set after a fit, and subclasses that preset some."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sklearn_scd import ActiveSubspace, SCDClassifier

METHODS = ["predict", "predict_proba", "decision_function", "votes", "agreement"]


class _Linear(SCDClassifier):
    """A subclass whose signature leaves most parameters out."""

    def __init__(self, n_estimators=4, random_state=None):
        super().__init__(
            loss="01",
            hidden_units=0,
            n_estimators=n_estimators,
            max_iter=30,
            random_state=random_state,
        )


class _Plane(ActiveSubspace):
    def __init__(self, alpha=1.0):
        super().__init__(n_components=2, n_principal=3, alpha=alpha)


def _data(n_classes=3, n=90):
    rng = np.random.default_rng(0)
    y = np.arange(n) % n_classes
    return rng.standard_normal((n, 5)) + 0.7 * np.eye(n_classes, 5)[y], y


def _model(loss="ce", **params):
    params = {"n_estimators": 4, "max_iter": 30, "hidden_units": 3, **params}
    return SCDClassifier(loss, random_state=0, **params)


def _other(name, value):
    """Another value of a parameter, as far from the one it has as may be."""
    others = {
        "loss": "01" if value == "ce" else "ce",
        "hidden_units": 4 if value == 0 else 0,
        "class_weight": "balanced",
        "max_features": 0.1,
    }
    if name in others:
        return others[name]
    return (not value) if isinstance(value, bool) else 7


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "params",
    [
        {"loss": "01"},
        {"loss": "01", "hidden_units": 0},
        {"loss": "ce", "binary_weights": True},
        {"loss": "ce", "hidden_units": 0, "voting": "soft"},
    ],
)
def test_parameters_set_after_a_fit_change_no_answer(params, n_classes):
    X, y = _data(n_classes)
    model = _model(**params).fit(X, y)
    expected = {method: getattr(model, method)(X) for method in METHODS}
    for name, value in model.get_params().items():
        if name != "voting":
            model.set_params(**{name: _other(name, value)})
    for stored in (model, pickle.loads(pickle.dumps(model))):
        for method, answer in expected.items():
            assert_array_equal(getattr(stored, method)(X), answer, err_msg=method)


def test_voting_set_after_a_fit_goes_for_predictions():
    """As with VotingClassifier; training is the same."""
    X, y = _data()
    model = _model("ce").fit(X, y)
    soft = _model("ce", voting="soft").fit(X, y)
    assert_array_equal(
        model.set_params(voting="soft").predict_proba(X), soft.predict_proba(X)
    )
    with pytest.raises(ValueError, match=r"'voting' parameter .* Got 'loud'"):
        model.set_params(voting="loud").predict(X)


@pytest.mark.parametrize("method", METHODS[:3])
def test_soft_votes_of_networks_without_probabilities_are_refused(method):
    X, y = _data()
    model = _model("01").fit(X, y).set_params(loss="ce", voting="soft")
    with pytest.raises(ValueError, match=r"needs loss='ce', got loss='01'"):
        getattr(model, method)(X)


@pytest.mark.parametrize(("before", "after"), [(0, 1), (1, 0)])
def test_a_warm_start_does_not_mix_linear_classifiers_with_networks(before, after):
    X, y = _data()
    model = _model("01", hidden_units=before, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=f"another hidden_units than {after}"):
        model.set_params(hidden_units=after, n_estimators=5).fit(X, y)


@pytest.mark.parametrize(("n_classes", "loss"), [(2, "01"), (3, "ce")])
def test_automatic_loss_is_the_one_for_so_many_classes(n_classes, loss):
    X, y = _data(n_classes)
    for hidden_units in (0, 3):
        model = _model("auto", hidden_units=hidden_units).fit(X, y)
        named = _model(loss, hidden_units=hidden_units).fit(X, y)
        assert_array_equal(model.predict_proba(X), named.predict_proba(X))
    soft = _model("auto", voting="soft")
    if loss == "ce":
        soft.fit(X, y)
    else:
        with pytest.raises(ValueError, match="needs loss='ce'"):
            soft.fit(X, y)


def test_a_subclass_that_presets_parameters_fits_clones_and_pickles():
    X, y = _data()
    plain = _model("01", hidden_units=0).fit(X, y)
    model = clone(_Linear(random_state=0)).fit(X, y)
    for fitted in (model, pickle.loads(pickle.dumps(model)), clone(model).fit(X, y)):
        assert_array_equal(fitted.predict_proba(X), plain.predict_proba(X))
        assert fitted.get_params() == {"n_estimators": 4, "random_state": 0}
        assert fitted.hidden_units == 0


def test_state_of_a_subclass_takes_defaults_of_parameters_added_since():
    X, y = _data()
    state = _Linear(random_state=0).fit(X, y).__getstate__()
    for added in ("margin", "noise", "_linear"):
        del state[added]
    model = _Linear.__new__(_Linear)
    model.__setstate__(state)
    assert (model.margin, model.noise) == (0.0, 0.0)
    expected = _Linear(random_state=0).fit(X, y).predict_proba(X)
    assert_array_equal(model.predict_proba(X), expected)
    assert_array_equal(model.fit(X, y).predict_proba(X), expected)


def test_a_model_stored_before_knows_a_linear_classifier_by_its_parameters():
    X, y = _data()
    for hidden_units, linear in [(0, True), (1, False)]:
        model = _model("01", hidden_units=hidden_units).fit(X, y)
        state = model.__getstate__()
        del state["_linear"]
        stored = SCDClassifier.__new__(SCDClassifier)
        stored.__setstate__(state)
        assert stored._linear is linear
        assert_array_equal(stored.predict_proba(X), model.predict_proba(X))


def test_parameters_set_after_a_fit_change_no_projection():
    X, y = _data()
    front = ActiveSubspace(2, random_state=0).fit(X, y)
    expected, names = front.transform(X), front.get_feature_names_out()
    for name in front.get_params():
        front.set_params(**{name: 1})
    for stored in (front, pickle.loads(pickle.dumps(front))):
        assert_array_equal(stored.transform(X), expected)
        assert_array_equal(stored.get_feature_names_out(), names)


def test_a_transformer_that_presets_parameters_fits_clones_and_pickles():
    X, y = _data()
    plain = ActiveSubspace(2, n_principal=3, alpha=1.0).fit(X, y)
    front = clone(_Plane()).fit(X, y)
    for fitted in (front, pickle.loads(pickle.dumps(front))):
        assert_allclose(fitted.transform(X), plain.transform(X))


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_log_probabilities_are_those_of_the_probabilities(voting):
    X, y = _data()
    model = _model("ce", voting=voting).fit(X, y)
    logs = model.predict_log_proba(X)
    assert_allclose(np.exp(logs), model.predict_proba(X))
    assert voting == "soft" or np.isneginf(logs).any()  # and no warning
