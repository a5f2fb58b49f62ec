"""Models that fail, samples that can't be attacked, and runs that are ended early."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from _robustness_helpers import (
    Rule,
    assert_is_what_it_says,
    blobs,
    needs_art,
    small_networks,
)
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.linear_model import LogisticRegression

from sklearn_scd import SCDClassifier
from sklearn_scd.exceptions import ConstantModelWarning
from sklearn_scd.robustness import (
    DistortionResult,
    SmoothedClassifier,
    _evaluation,
    as_art_classifier,
    certified_distortion,
    evaluate_robustness,
    exact_distance,
    line_search,
    minimum_distortion,
    nearest_flip,
    surrogate_attack,
    transfer_matrix,
)
from sklearn_scd.robustness._attacks.harness import AttackRun
from sklearn_scd.robustness._attacks.nearest_flip import _Methods

X = np.array([[0.1, 0.4], [0.8, 0.3], [0.6, 0.9], [0.3, 0.2]], dtype=np.float32)
Y = np.array([0, 1, 1, 0])
BRIEF = {"n_restarts": 2, "max_iter": 4, "init_size": 150, "random_state": 0}


def _half(X):
    return X[:, 0] > 0.5


class _EndedError(Exception):
    """An error of the model's own."""


class _Failing:
    """Answers so many times, and then raises."""

    def __init__(self, n_answers, error):
        self.n_answers, self.error = n_answers, error

    def __call__(self, X):
        self.n_answers -= 1
        if self.n_answers == 0:
            raise self.error
        return _half(X)


NO_ANSWERS = {
    "one label for all": lambda X: _half(X)[:1],
    "a label too many": lambda X: np.append(_half(X), True),
    "NaN": lambda X: np.where(_half(X), 1.0, np.nan),
    "None": lambda X: np.where(_half(X), 1, None),
    "another label": lambda X: 7 * _half(X),
    "text": lambda X: _half(X).astype(str),
    "probabilities": lambda X: np.stack([X[:, 0], 1 - X[:, 0]], axis=1),
    "nothing": lambda X: None,
}


@needs_art
@pytest.mark.parametrize("name", NO_ANSWERS)
def test_an_answer_that_is_none_is_refused(name):
    model = Rule(lambda X: X[:, 0])
    model.predict = NO_ANSWERS[name]
    words = "prediction has|1d array"
    for attack in ("hop_skip_jump", "boundary"):
        with pytest.raises(ValueError, match=words):
            minimum_distortion(model, X, Y, attack=attack, **BRIEF)
    with pytest.raises(ValueError, match=words):
        evaluate_robustness(model, X, Y, attacks=())
    with pytest.raises(ValueError, match=words):
        transfer_matrix({"it": model}, {"other": X}, Y)
    # The same where the first answers are sound: broadcasting would make answers.
    answers = iter([_half(X).astype(int)])
    model.predict = lambda X: next(answers, None) if len(X) == 4 else _half(X)[:1]
    with pytest.raises(ValueError, match=words):
        minimum_distortion(model, X, Y, **BRIEF)


@pytest.mark.parametrize("attribute", ["classes_", "n_features_in_"])
def test_what_a_wrapped_network_lacks_is_told(attribute):
    """Such as one of torch, whose wrapper the user writes."""
    model = SimpleNamespace(
        predict=lambda X: _half(X).astype(int), classes_=[0, 1], n_features_in_=2
    )
    assert line_search(model, X, Y, random_state=0).distances.shape == Y.shape
    delattr(model, attribute)
    with pytest.raises(TypeError, match=f"has no {attribute}: .*n_features_in_"):
        line_search(model, X, Y, random_state=0)


@pytest.mark.parametrize("ask", [certified_distortion, nearest_flip])
def test_other_classifiers_are_told_what_there_is_for_them(ask):
    model = LogisticRegression().fit(X, Y)
    words = "got LogisticRegression. .*exact_distance.*SmoothedClassifier.*line_search"
    with pytest.raises(TypeError, match=words):
        ask(model, X, Y)


@needs_art
def test_a_model_of_a_single_class_has_no_robustness():
    """Nor does any function say that it stands everything."""
    one = Rule(_half, classes=[0])
    votes = SCDClassifier(n_estimators=1, max_iter=2, random_state=0).fit(X, Y)
    votes.classes_ = votes.classes_[:1]
    words = "fitted on a single class"
    with pytest.raises(ValueError, match=words):
        as_art_classifier(one)
    with pytest.raises(ValueError, match=words):
        transfer_matrix({"it": one}, {"other": X}, 0 * Y)
    for ask, model in [
        (minimum_distortion, one),
        (partial(evaluate_robustness, attacks=()), one),
        (certified_distortion, votes),
        (exact_distance, votes),
        (nearest_flip, votes),
        (surrogate_attack, votes),
    ]:
        with pytest.raises(ValueError, match=words):
            ask(model, X, 0 * Y)


def test_labels_in_a_column_are_labels_and_a_table_is_none():
    model = Rule(_half)
    expected = transfer_matrix({"it": model}, {"other": 1 - X}, Y).fooled
    found = transfer_matrix({"it": model}, {"other": 1 - X}, Y[:, np.newaxis]).fooled
    assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="1d array"):
        transfer_matrix({"it": model}, {"other": X}, np.stack([Y, Y], axis=1))


@needs_art
def test_probabilities_that_are_none_are_refused():
    model = Rule(_half)
    classifier = as_art_classifier(model, response_method="predict")
    assert_array_equal(classifier.predict(X).argmax(axis=1), Y)
    for shares, words in [
        (np.full((4, 2), np.nan), "predict_proba contains NaN"),
        (np.ones((4, 3)), r"shape \(4, 3\) for 4 samples and 2 classes"),
        (np.ones((1, 2)), r"shape \(1, 2\) for 4 samples"),
    ]:
        model.predict_proba = lambda X, shares=shares: shares
        with pytest.raises(ValueError, match=words):
            as_art_classifier(model).predict(X)


@pytest.mark.parametrize(
    "name", ["hidden_coef_", "hidden_intercept_", "output_coef_", "output_intercept_"]
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("assume_finite", [False, True])
def test_weights_that_are_not_finite_have_no_certificate(name, value, assume_finite):
    X, y = blobs()
    model = small_networks(n_estimators=1).fit(X, y)
    weights = getattr(model, name).astype(float)
    weights.flat[-1] = value
    setattr(model, name, weights)
    for measure in (certified_distortion, exact_distance, nearest_flip,
                    surrogate_attack):  # fmt: skip
        with (
            config_context(assume_finite=assume_finite),
            pytest.raises(ValueError, match=f"estimator.{name} contains"),
        ):
            measure(model, X[:3], y[:3])


def test_samples_that_are_not_finite_have_no_certificate_whatever_is_assumed():
    X, y = blobs()
    networks = small_networks(n_estimators=1).fit(X, y)
    linear = LogisticRegression().fit(X, y)
    smoothed = SmoothedClassifier(linear, n_samples=9, random_state=0).fit(X, y)
    X[0, 0] = np.nan
    for measure in (
        partial(certified_distortion, networks),
        partial(nearest_flip, networks),
        partial(exact_distance, linear),
        partial(line_search, linear),
        smoothed.certified_distortion,
    ):
        with (
            config_context(assume_finite=True),
            pytest.raises(ValueError, match="X contains NaN"),
        ):
            measure(X, y)


@needs_art
@pytest.mark.parametrize("attack", ["hop_skip_jump", "boundary"])
@pytest.mark.parametrize("rule", ["never", "always"])
def test_one_answer_for_all_is_no_start_or_wrong_as_it_is(rule, attack):
    answers = {"never": np.zeros, "always": np.ones}[rule]
    model = Rule(lambda X: answers(len(X), dtype=int))
    result = minimum_distortion(model, X, Y, attack=attack, X_train=X, **BRIEF)
    found = assert_is_what_it_says(result, model, X, Y)
    assert not found.any()
    assert set(result.status) == {"no_start", "misclassified"}
    # As the only model, and shown samples that there are none of.
    transfer = transfer_matrix({"it": model}, {"it": result}, Y)
    assert not transfer.valid.any()
    assert np.isnan(transfer.rates).all()


def test_networks_of_one_answer_stand_everything():
    X, y = blobs()
    model = small_networks().fit(X, y)
    model.output_intercept_ = np.full_like(model.output_intercept_, 1e6)
    for norm in (1, 2, np.inf):
        with pytest.warns(ConstantModelWarning, match="names one class") as warned:
            result = evaluate_robustness(model, X[:6], y[:6], norm=norm, random_state=0)
        assert {warning.filename for warning in warned} == {__file__}
        assert result.is_constant
        right = model.predict(X[:6]) == y[:6]
        assert 0 < right.sum() < 6
        assert_array_equal(result.nearest, np.where(right, np.inf, 0))
        assert_array_equal(result.certified, result.nearest)
        assert_array_equal(result.gap, 0)
        for found in result.attacks.values():
            assert_is_what_it_says(found, model, X[:6], y[:6])


@needs_art
@pytest.mark.parametrize("attack", ["hop_skip_jump", "boundary"])
def test_answers_by_chance_come_to_an_end(attack):
    generator = np.random.default_rng(0)
    model = Rule(lambda X: generator.integers(0, 2, len(X)))
    result = minimum_distortion(model, X, Y, attack=attack, **BRIEF)
    # Starts, directions (ART's boundary attack draws 20 and 25), and 200 single looks
    # at most for each of the two searches of an iteration.
    most = BRIEF["init_size"] + (BRIEF["max_iter"] + 2) * (100 * np.sqrt(5) + 400)
    assert result.queries.max() <= BRIEF["n_restarts"] * most
    assert set(result.status) <= {"attacked", "misclassified", "stopped"}


@pytest.mark.parametrize("gap", [0.0, 1e-8, 1e-6])
@pytest.mark.parametrize("norm", [2, np.inf])
def test_a_sample_near_a_hyperplane_has_a_small_distance_and_no_certificate_above(
    gap, norm
):
    X, y = blobs(n_features=3)
    model = SCDClassifier(hidden_units=1, n_estimators=1, random_state=0).fit(X, y)
    model.hidden_coef_ = np.array([[[0.0, -1.0, 0.0]]], dtype=np.float32)
    model.hidden_intercept_ = np.array([[0.5 - gap]], dtype=np.float32)
    model.output_coef_ = np.array([[1.0]], dtype=np.float32)
    model.output_intercept_ = np.array([-0.5], dtype=np.float32)
    x = np.full((1, 3), 0.5)
    label = model.predict(x)
    found = nearest_flip(model, x, label, norm=norm, random_state=0)
    assert_is_what_it_says(found, model, x, label, share=1)
    assert found.distances[0] < max(1.1 * gap, 1e-5)
    gap = 0.5 - float(model.hidden_intercept_[0, 0])  # as float32 has it
    assert certified_distortion(model, x, label, norm=norm)[0] <= gap
    result = evaluate_robustness(model, x, label, norm=norm, random_state=0)
    assert result.certified[0] <= result.nearest[0]


def test_samples_outside_the_range_of_values_are_refused_by_all():
    X, y = blobs()
    model = small_networks(n_estimators=1).fit(X, y)
    for attack in (surrogate_attack, nearest_flip, evaluate_robustness):
        with pytest.raises(ValueError, match=r"X has the value .* outside clip_values"):
            attack(model, X, y, clip_values=(0.2, 0.8))
        with pytest.raises(ValueError, match="X contains NaN"):
            attack(model, X * np.nan, y)


@pytest.mark.parametrize("distance", [np.nan, -1.0, -np.inf])
def test_a_distance_that_is_none_does_not_count_as_robust(distance):
    model = Rule(_half)
    given = DistortionResult(
        np.full(4, distance), np.full_like(X, np.nan), np.zeros(4, int),
        np.full(4, "attacked"), np.zeros((4, 1)),
    )  # fmt: skip
    with pytest.raises(ValueError, match="sample 0 has a distance that is none"):
        evaluate_robustness(model, X, Y, attacks={"mine": given})


@needs_art
@pytest.mark.parametrize("attack", ["hop_skip_jump", "boundary"])
@pytest.mark.parametrize("error", [_EndedError, KeyboardInterrupt])
def test_what_is_found_before_the_end_is_kept(attack, error):
    whole = minimum_distortion(Rule(_half), X, Y, attack=attack, **BRIEF)
    counted = _Failing(-1, None)
    minimum_distortion(Rule(counted), X, Y, attack=attack, **BRIEF)
    n_answers = -1 - counted.n_answers
    seen = set()
    for n in np.linspace(2, 0.95 * n_answers, 9, dtype=int):
        with pytest.raises(error) as caught:
            minimum_distortion(Rule(_Failing(n, error())), X, Y, attack=attack, **BRIEF)
        (name, part), *more = caught.value.attack_results.items()
        assert (name, more) == (attack, [])
        done = assert_is_what_it_says(part, Rule(_half), X, Y)
        seen |= {(status, *done) for status in part.status}
        same = part.status == "attacked"
        assert_array_equal(part.distances[same], whole.distances[same])
        # A part of a result is not taken for a whole one.
        if not done.all():
            with pytest.raises(ValueError, match="has a distance that is none"):
                evaluate_robustness(Rule(_half), X, Y, attacks={attack: part})
    assert {status for status, *_ in seen} == {"attacked", "stopped", "not_attacked"}


def test_a_model_that_can_not_be_asked_again_leaves_nothing_unconfirmed():
    pytest.importorskip("art")

    def answer(X):
        if len(X) != 4:
            raise _EndedError
        return _half(X)

    with pytest.raises(_EndedError) as caught:
        minimum_distortion(Rule(answer), X, Y, **BRIEF)
    results = caught.value.attack_results
    assert_array_equal(results["hop_skip_jump"].status, "not_attacked")


def _ending(function, n_calls):
    """The function, which raises instead of its n-th call."""
    left = [n_calls]

    def ending(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return function(*arguments)

    return ending


@pytest.mark.parametrize("n_done", [0, 6])
def test_attacks_that_know_the_weights_keep_what_they_found(n_done, monkeypatch):
    X, y = blobs()
    model = small_networks().fit(X, y)
    rows = np.flatnonzero(model.predict(X) == y)[:12]
    X, y = X[rows], y[rows]
    whole = surrogate_attack(model, X, y, max_iter=20, random_state=0)
    with monkeypatch.context() as patch:
        patch.setattr(AttackRun, "_confirm", _ending(AttackRun._confirm, n_done))
        with pytest.raises(KeyboardInterrupt) as caught:
            surrogate_attack(model, X, y, max_iter=20, random_state=0)
    part = caught.value.attack_results["surrogate"]
    assert assert_is_what_it_says(part, model, X, y).sum() == n_done
    assert_array_equal(part.adversarials[:n_done], whole.adversarials[:n_done])

    crossed = nearest_flip(model, X, y, X_start=whole.adversarials, random_state=0)
    attack = _Methods.run
    with monkeypatch.context() as patch:
        patch.setattr(_Methods, "run", _ending(attack, n_done))
        with pytest.raises(KeyboardInterrupt) as caught:
            nearest_flip(model, X, y, X_start=whole.adversarials, random_state=0)
    part = caught.value.attack_results["nearest_flip"]
    # Those not reached have their start, and say so.
    assert assert_is_what_it_says(part, model, X, y).all()
    assert_array_equal(part.status, ["attacked"] * n_done + ["stopped"] * (12 - n_done))
    assert_array_equal(part.distances[:n_done], crossed.distances[:n_done])
    assert (part.distances <= whole.distances).all()


def test_starts_by_gradient_are_kept_as_far_as_they_came(monkeypatch):
    X, y = blobs(3)
    model = small_networks(n_estimators=3).fit(X, y)
    rows = np.flatnonzero(model.predict(X) == y)[:8]
    monkeypatch.setattr(AttackRun, "_confirm", _ending(AttackRun._confirm, 3))
    with pytest.raises(KeyboardInterrupt) as caught:
        nearest_flip(model, X[rows], y[rows], random_state=0)
    assert list(caught.value.attack_results) == ["nearest_flip"]
    part = caught.value.attack_results["nearest_flip"]
    assert assert_is_what_it_says(part, model, X[rows], y[rows]).sum() == 3
    assert_array_equal(part.status, ["stopped"] * 3 + ["not_attacked"] * 5)


def test_an_evaluation_that_is_ended_keeps_the_attacks_it_finished(monkeypatch):
    X, y = blobs()
    model = small_networks().fit(X, y)
    X, y = X[:12], y[:12]
    whole = evaluate_robustness(model, X, y, random_state=0)
    attack = _Methods.run
    with monkeypatch.context() as patch:
        patch.setattr(_Methods, "run", _ending(attack, 2))
        with pytest.raises(KeyboardInterrupt) as caught:
            evaluate_robustness(model, X, y, random_state=0)
    kept = caught.value.attack_results
    assert sorted(kept) == ["line_search", "nearest_flip", "surrogate"]
    for part in kept.values():
        assert_is_what_it_says(part, model, X, y)
    surrogate = kept["surrogate"]
    assert_array_equal(surrogate.distances, whole.attacks["surrogate"].distances)
    again = evaluate_robustness(
        model, X, y, attacks={"surrogate": surrogate, "nearest_flip": None},
        random_state=0,
    )  # fmt: skip
    assert_array_equal(again.nearest, whole.nearest)
    # So does one that contradicts itself: what is to be reported is there.
    monkeypatch.setattr(
        _evaluation, "certified_distortion", lambda *a, **k: 9 + X[:, 0]
    )
    with pytest.raises(RuntimeError, match="please report it") as caught:
        evaluate_robustness(model, X, y, attacks={"surrogate": surrogate})
    assert caught.value.attack_results == {"surrogate": surrogate}
