"""The voted baseline counts votes as scikit-learn and a hand would."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

pytest.importorskip("threadpoolctl")
pytest.importorskip("tqdm")

from benchmarks.models.networks import TorchClassifier
from benchmarks.models.votes import VotedClassifier


class Stubborn(ClassifierMixin, BaseEstimator):
    """Predicts the class at a place of its own, whatever the sample."""

    def __init__(self, places=(), random_state=None):
        self.places = places
        self.random_state = random_state

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.full(len(X), self.places)


@pytest.mark.parametrize(
    ("ballots", "winner", "shares"),
    [
        ([0, 1, 1], "ill", [1 / 3, 2 / 3, 0]),
        ([2, 1, 2, 0], "well", [1 / 4, 1 / 4, 1 / 2]),
        # A tie goes to the class that sorts first.
        ([2, 1, 1, 2], "ill", [0, 1 / 2, 1 / 2]),
    ],
)
def test_majority_by_hand(ballots, winner, shares):
    X, y = np.zeros((3, 1)), np.array(["well", "ill", "grey"])
    with pytest.warns(ConvergenceWarning, match="2 of 2 runs: Every training sample"):
        model = VotedClassifier(Stubborn(0), n_estimators=2).fit(X, y)
    model.estimators_ = [Stubborn(ballot) for ballot in ballots]
    assert model.predict(X).tolist() == [winner] * 3
    np.testing.assert_allclose(model.predict_proba(X), [shares] * 3)


def test_agrees_with_voting_classifier():
    """Same runs, scikit-learn's own hard vote: the same predictions."""
    X, y = load_iris(return_X_y=True)
    voted = VotedClassifier(
        DecisionTreeClassifier(max_features=1, max_depth=2),
        n_estimators=6,
        random_state=0,
    ).fit(X, y)
    runs = [(f"run{i}", clone(run)) for i, run in enumerate(voted.estimators_)]
    oracle = VotingClassifier(runs, voting="hard").fit(X, y)
    np.testing.assert_array_equal(voted.predict(X), oracle.predict(X))
    members = [run.predict(X) for run in voted.estimators_]
    assert len(np.unique(members, axis=0)) > 1, "the runs must differ to show anything"


RUNS = {
    "mlp": MLPClassifier((5,), activation="logistic", max_iter=3),
    "bnn-ste": TorchClassifier("bnn-ste", max_iter=2),
}


@pytest.mark.parametrize("kind", RUNS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_rows", [1, 7, 60])
def test_stacked_runs_predict_what_each_does(n_rows, dtype, kind):
    """Labels of any kind; stored and loaded, too."""
    if kind == "bnn-ste":
        pytest.importorskip("torch")
    X, y = make_classification(60, 30, random_state=0)
    X = X.astype(dtype)
    model = VotedClassifier(RUNS[kind], 9, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, np.array(["well", "ill"])[y])
    assert model._stacked is not None
    votes = np.array([run.predict(X[:n_rows]) for run in model.estimators_])
    expected = np.stack([(votes == k).mean(axis=0) for k in (0, 1)], axis=1)
    loaded = pickle.loads(pickle.dumps(model))
    for one in (model, loaded):
        np.testing.assert_allclose(one.predict_proba(X[:n_rows]), expected)
    assert "_stacked" not in model.__getstate__()
    assert len(np.unique(votes)) == 2 or n_rows == 1, "the votes must differ"


def test_jobs_and_seed():
    X, y = make_classification(60, random_state=0)
    model = VotedClassifier(
        DecisionTreeClassifier(max_features=1), n_estimators=4, random_state=3
    )
    alone = model.fit(X, y).predict_proba(X[:, ::-1])
    shared = clone(model).set_params(n_jobs=2).fit(X, y).predict_proba(X[:, ::-1])
    other = clone(model).set_params(random_state=4).fit(X, y)
    np.testing.assert_array_equal(alone, shared)
    assert not np.array_equal(alone, other.predict_proba(X[:, ::-1]))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_warnings_are_counted(n_jobs):
    X, y = make_classification(60, class_sep=3, random_state=0)
    model = VotedClassifier(
        MLPClassifier((10,), max_iter=20), 3, n_jobs=n_jobs, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="3 of 3 runs") as caught:
        model.fit(X, y)
    assert len(caught) == 1


@parametrize_with_checks(
    [VotedClassifier(DecisionTreeClassifier(), n_estimators=2, random_state=0)]
)
def test_sklearn_checks(estimator, check):
    check(estimator)
