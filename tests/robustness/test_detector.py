"""Flags for samples on which votes disagree, and attacks that know of them."""

import numpy as np
import pytest
from _robustness_helpers import blobs, small_networks
from numpy.testing import assert_array_equal
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    clone,
    is_outlier_detector,
)
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from sklearn_scd.robustness import AgreementDetector, nearest_flip


@pytest.fixture(scope="module")
def voted():
    X, y = blobs()
    return small_networks(n_estimators=9).fit(X[::2], y[::2]), X, y


def _other(model, y, points):
    """Share of the votes that name another class than y, counted one by one."""
    return (model.votes(points) != np.asarray(y)[:, np.newaxis]).mean(axis=1)


@pytest.mark.parametrize(("n_votes", "agreement"), [(8, 0.7), (5, 1.0)])
def test_enough_votes_name_the_wrong_class(n_votes, agreement):
    X, y = blobs()
    model = small_networks(n_estimators=n_votes).fit(X, y)
    X, y = X[:8], y[:8]
    free = nearest_flip(model, X, y, random_state=0)
    found = nearest_flip(model, X, y, agreement=agreement, random_state=0)
    known = np.isfinite(found.distances)
    assert known.mean() > 0.8
    shares = _other(model, y, found.adversarials)
    assert (shares[known] >= agreement).all()
    # What is already so is not attacked; what is only wrong is.
    assert_array_equal(
        found.status == "misclassified", _other(model, y, X) >= agreement
    )
    right = free.distances > 0
    assert (found.distances[right] >= 0.95 * free.distances[right]).all()
    # They lie on the boundary of what is demanded.
    shorter = X + 0.98 * (found.adversarials - X)
    assert (_other(model, y, shorter) < agreement)[known & right].any()


def test_a_majority_is_demanded_at_least(voted):
    model, X, y = voted
    free = nearest_flip(model, X[:8], y[:8], random_state=0)
    found = nearest_flip(model, X[:8], y[:8], agreement=0.0, random_state=0)
    assert_array_equal(free.status, found.status)
    np.testing.assert_allclose(free.distances, found.distances, rtol=0.1)


def test_a_demand_needs_hard_votes_between_two_classes():
    X, y = blobs(3)
    with pytest.raises(ValueError, match=r"agreement needs hard votes .* 3 classes"):
        nearest_flip(small_networks().fit(X, y), X[:5], y[:5], agreement=0.9)
    X, y = blobs()
    soft = small_networks(voting="soft").fit(X, y)
    with pytest.raises(ValueError, match=r"agreement needs hard votes .*'soft'"):
        nearest_flip(soft, X[:5], y[:5], agreement=0.9)


def test_false_alarms_keep_to_their_rate():
    """Over draws of the clean samples, ties among agreements included."""
    rng = np.random.default_rng(0)

    class Shares(ClassifierMixin, BaseEstimator):
        classes_, n_features_in_ = np.array([0, 1]), 1

        def fit(self, X, y):
            return self

        def predict(self, X):
            return np.zeros(len(X), dtype=int)

        def predict_proba(self, X):
            shares = np.round(0.5 + 0.5 * np.asarray(X)[:, 0], 1)
            return np.stack([shares, 1 - shares], axis=1)

        def __sklearn_is_fitted__(self):
            return True

    rates = []
    for _ in range(300):
        clean, new = rng.random((39, 1)), rng.random((50, 1))
        detector = AgreementDetector(Shares(), false_alarm_rate=0.1).fit(clean)
        rates.append((detector.predict(new) == -1).mean())
    assert 0.0 < np.mean(rates) <= 0.1


def test_flags_are_those_below_the_threshold(voted):
    model, X, _ = voted
    detector = AgreementDetector(model, false_alarm_rate=0.3).fit(X[1::2])
    agreement = model.agreement(X)
    assert_array_equal(detector.score_samples(X), agreement)
    assert_array_equal(detector.predict(X) == -1, agreement < detector.threshold_)
    assert_array_equal(detector.predict(X) == -1, detector.decision_function(X) < 0)
    assert is_outlier_detector(detector)


@pytest.mark.parametrize(
    "model", [make_pipeline(PCA(2), small_networks()), RandomForestClassifier(5)]
)
def test_pipelines_and_other_classifiers_have_an_agreement(model):
    X, y = blobs()
    detector = AgreementDetector(model.fit(X, y), false_alarm_rate=0.1).fit(X)
    assert_array_equal(detector.score_samples(X), model.predict_proba(X).max(axis=1))


def test_a_frozen_classifier_outlives_a_clone(voted):
    model, X, _ = voted
    with pytest.raises(NotFittedError):  # as the docstring says
        clone(AgreementDetector(model, false_alarm_rate=0.1)).fit(X)
    detector = AgreementDetector(FrozenEstimator(model), false_alarm_rate=0.1)
    scores = clone(detector).fit(X).score_samples(X)
    assert_array_equal(scores, model.agreement(X))


def test_features_are_known_by_the_names_that_the_classifier_knows(voted):
    """Only while it does: the next classifier may have been fitted on arrays."""
    model, X, y = voted
    frame = pytest.importorskip("pandas").DataFrame(X).add_prefix("f")
    named = clone(model).fit(frame, y)
    detector = AgreementDetector(named, false_alarm_rate=0.1).fit(frame)
    assert_array_equal(detector.feature_names_in_, frame.columns)
    assert_array_equal(detector.predict(frame), detector.predict(X))
    assert not hasattr(detector.set_params(estimator=model).fit(X), "feature_names_in_")


def test_a_classifier_that_came_trained_needs_no_fit():
    class Network:
        classes_, n_features_in_ = np.array([0, 1]), 6

        def predict(self, X):
            return self.predict_proba(X).argmax(axis=1)

        def predict_proba(self, X):
            return np.stack([X[:, 0], 1 - X[:, 0]], axis=1)

    X, _ = blobs()
    detector = AgreementDetector(Network(), false_alarm_rate=0.1).fit(X)
    assert detector.n_features_in_ == 6
    assert 0 < (detector.predict(X) == -1).mean() <= 0.1
    del Network.n_features_in_
    with pytest.raises(TypeError, match="Network has no n_features_in_"):
        detector.fit(X)


def test_what_can_not_be_kept_is_refused(voted):
    model, X, _ = voted
    with pytest.raises(ValueError, match=r"0\.01 needs 99 clean samples .* got 20"):
        AgreementDetector(model, false_alarm_rate=0.01).fit(X[:20])
    with pytest.raises(NotFittedError):
        AgreementDetector(clone(model)).fit(X)
    with pytest.raises(NotFittedError):
        AgreementDetector(model).predict(X)


class _Says(ClassifierMixin, BaseEstimator):
    """Agreement is the number given."""

    def fit(self, X, y=None):
        self.classes_, self.n_features_in_ = np.array([0, 1]), 1
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def predict_proba(self, X):
        return np.c_[X, 1 - X]


def test_rates_of_whole_numbers_have_their_rank_whatever_is_rounded():
    model = _Says().fit(None)
    for n_clean in range(1, 300):
        X = 0.5 + np.arange(n_clean)[:, np.newaxis] / 1000
        # The fewest samples for a rate are those that the error asks for.
        detector = AgreementDetector(model, false_alarm_rate=1 / (n_clean + 1))
        assert detector.fit(X).threshold_ == 0.5
        if n_clean > 1:
            with pytest.raises(ValueError, match=f"needs {n_clean} clean samples"):
                detector.fit(X[1:])
    X = 0.5 + np.arange(99)[:, np.newaxis] / 1000
    for percent in range(1, 100):
        detector = AgreementDetector(model, false_alarm_rate=float(f"0.{percent:02}"))
        assert (detector.fit(X).predict(X) == -1).sum() == percent - 1
    for rate in (0.999, np.nextafter(1.0, 0.0)):
        detector = AgreementDetector(model, false_alarm_rate=rate).fit(X)
        assert detector.threshold_ == X.max()
