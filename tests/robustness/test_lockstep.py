"""Attempts side by side find what they find alone, and end when one of them fails."""

import sys
import threading
import time

import numpy as np
import pytest
from _robustness_helpers import Rule, needs_art
from numpy.testing import assert_array_equal

from sklearn_scd import SCDClassifier
from sklearn_scd.robustness import minimum_distortion
from sklearn_scd.robustness._attacks.lockstep import run_together
from sklearn_scd.robustness._attacks.sample import AttackedModel
from sklearn_scd.robustness._labels import LabelCodes


class _Asked(Rule):
    """A rule that keeps what it was asked, and by which thread."""

    def __init__(self):
        super().__init__(lambda X: (X[:, 0] > 0.5).astype(int), n_features=1)
        self.questions, self.threads = [], set()

    def predict(self, X):
        self.questions.append(np.asarray(X)[:, 0].tolist())
        self.threads.add(threading.current_thread())
        return super().predict(X)


def _model(estimator):
    return AttackedModel(estimator, LabelCodes(estimator), 2.0, (0.0, 1.0))


def _attempt(values, delay):
    def attempt(model):
        answers = []
        for value in values:
            time.sleep(delay)
            answers.append(model.predict(np.array([[value]]))[0])
        return answers

    return attempt


@pytest.mark.parametrize("delays", [(0, 0.002, 0), (0.002, 0, 0.001)])
def test_questions_are_answered_together_in_the_order_of_the_attempts(delays):
    """However fast each is, and though one ends before the others."""
    estimator = _Asked()
    ways = [(0.1, 0.6, 0.2), (0.7,), (0.3, 0.4, 0.9, 0.8)]
    attempts = [_attempt(*both) for both in zip(ways, delays, strict=True)]
    results = run_together(attempts, _model(estimator))
    assert results == [[0, 1, 0], [1], [0, 0, 1, 1]]
    assert estimator.questions == [[0.1, 0.7, 0.3], [0.6, 0.4], [0.2, 0.9], [0.8]]
    assert estimator.threads == {threading.current_thread()}


def test_many_points_are_asked_about_alone():
    estimator = _Asked()
    many, one = np.full((100, 1), 0.9), np.full((1, 1), 0.1)
    results = run_together(
        [lambda model: model.predict(many), lambda model: model.predict(one)],
        _model(estimator),
    )
    assert [result.tolist() for result in results] == [[1] * 100, [0]]
    assert [len(question) for question in estimator.questions] == [1, 100]


class _Halt(BaseException):
    """As `KeyboardInterrupt`, which no `except Exception` catches."""


@pytest.mark.parametrize("place", ["attempt", "model"])
@pytest.mark.parametrize("error", [ValueError, _Halt])
def test_an_error_passes_on_and_ends_all_attempts(place, error):
    before = threading.active_count()
    estimator = _Asked()

    def fails(model):
        model.predict(np.array([[0.1]]))
        raise error("once")

    def goes_on(model):
        while True:
            model.predict(np.array([[0.2]]))

    if place == "model":

        def predict(X):
            raise error("once")

        estimator.predict = predict
    with pytest.raises(error, match="once"):
        run_together([goes_on, fails, goes_on], _model(estimator))
    assert threading.active_count() == before


@needs_art
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_attack_finds_side_by_side_what_it_finds_alone(monkeypatch, n_jobs):
    rng = np.random.default_rng(0)
    X = rng.random((60, 5)).astype(np.float32)
    y = (X[:, 0] + X[:, 1] > 1).astype(int)
    model = SCDClassifier(n_estimators=3, max_iter=20, random_state=0).fit(X, y)

    def found(n_jobs):
        return minimum_distortion(
            model, X[:3], model.predict(X[:3]), n_restarts=4, max_iter=3,
            init_size=50, X_train=X, random_state=0, n_jobs=n_jobs,
        )  # fmt: skip

    together = found(n_jobs)
    module = sys.modules["sklearn_scd.robustness._attacks.minimum_distortion"]
    monkeypatch.setattr(module, "_MOST_TOGETHER", 1)
    alone = found(1)
    assert_array_equal(together.adversarials, alone.adversarials)
    assert_array_equal(together.queries, alone.queries)
    assert_array_equal(together.history, alone.history)
