"""The attack by a forest's leaves, against all cells of all its thresholds."""

from itertools import product

import numpy as np
import pytest
from _robustness_helpers import assert_is_what_it_says, blobs
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from benchmarks._errors import UserError
from benchmarks._forest_attack import Forest, can_attack, forest_attack

NAMES = np.array(["well", "ill", "grey"])


def forest(n_classes=2, n_features=3, kind=RandomForestClassifier, **options):
    """A small forest, and samples that it was not fitted on."""
    X, y = blobs(n_classes, n_features)
    model = kind(**{"n_estimators": 4, "max_depth": 4, "random_state": 0} | options)
    model.fit(X[:60], NAMES[y[:60]])
    return model, X[60:], NAMES[y[60:]]


def exact_distances(model, X, y, low=0.0, high=1.0):
    """Ask for the nearest point of every cell."""
    splits = [(t.tree_.feature, t.tree_.threshold) for t in model.estimators_]
    features, thresholds = (np.concatenate(part) for part in zip(*splits, strict=True))
    distances = np.full(len(X), np.inf)
    for i, x in enumerate(X):
        values = []
        for j in range(X.shape[1]):
            cuts = thresholds[features == j]
            below = cuts.astype(np.float32)
            below = np.where(below > cuts, np.nextafter(below, np.float32(-9)), below)
            above = np.nextafter(below, np.float32(9))
            cells = np.unique(np.where(x[j].astype(np.float32) > cuts, below, above))
            cells = cells[(cells >= low) & (cells <= high)].astype(float)
            values.append([x[j], *cells])
        points = np.array(list(product(*values)))
        steps = points[model.predict(points) != y[i]] - x
        if len(steps):
            distances[i] = np.linalg.norm(steps, axis=1).min()
    return distances


def assert_trees_say_so(result, *arguments, **options):
    assert (result.attack, result.norm) == ("trees", 2)
    return assert_is_what_it_says(result, *arguments, **options)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
def test_distances_are_the_exact_ones_with_few_exceptions(n_classes, dtype, kind):
    ratios = []
    for seed in range(3):
        # Some leaves are mixed: their shares are rounded.
        model, X, y = forest(n_classes, kind=kind, random_state=seed)
        X, y = X[:12].astype(dtype), y[:12]
        result = forest_attack(model, X, y)
        found = assert_trees_say_so(result, model, X, y)
        exact = exact_distances(model, X, y)
        np.testing.assert_array_equal(found, (exact > 0) & np.isfinite(exact))
        ratios.append(result.distances[found] / exact[found])
    ratios = np.concatenate(ratios)
    assert ratios.size >= 12
    assert ratios.min() >= 1 - 1e-12
    assert np.mean(ratios <= 1 + 1e-6) >= 0.9


def test_values_stay_in_their_range():
    model, X, y = forest()
    low, high = 0.35, 0.6
    X = X.clip(low, high)
    result = forest_attack(model, X, y, (low, high))
    found = assert_trees_say_so(result, model, X, y, (low, high))
    exact = exact_distances(model, X, y, low, high)
    np.testing.assert_array_equal(found, (exact > 0) & np.isfinite(exact))
    assert (result.distances[found] >= exact[found] * (1 - 1e-12)).all()
    free = forest_attack(model, X, y)
    assert (free.distances < result.distances).any()


def test_a_start_is_improved_and_nothing_worse_is_returned():
    model, X, y = forest(n_features=12, n_estimators=30, max_depth=None)
    rng = np.random.default_rng(0)
    noise = rng.random((400, 12))
    starts = np.full(X.shape, np.nan)
    for i, label in enumerate(y):
        others = noise[model.predict(noise) != label]
        starts[i] = others[np.linalg.norm(others - X[i], axis=1).argmin()]
    starts[0] = np.nan
    settings = {"restarts": 0, "rounds": 0}
    result = forest_attack(model, X, y, X_start=starts, **settings)
    found = assert_trees_say_so(result, model, X, y, share=1)
    ways = np.linalg.norm(starts - X, axis=1)
    rest = np.flatnonzero(found)[1:]
    assert (result.distances[rest] < 0.8 * ways[rest]).all()
    # What is best already is returned as it is.
    again = forest_attack(model, X, y, X_start=result.adversarials, **settings)
    assert (again.distances <= result.distances).all()
    searched = forest_attack(model, X, y)
    assert searched.distances.mean() <= result.distances.mean()


def test_exchanges_come_nearer():
    model, X, y = forest(n_features=12, n_estimators=30, max_depth=None)
    brief, thorough = (
        forest_attack(model, X, y, restarts=1, rounds=n).distances for n in (0, 50)
    )
    assert (thorough <= brief).all()
    assert (thorough < brief).mean() > 0.2


def test_the_seed_and_the_image_make_the_result():
    model, X, y = forest(n_features=12, n_estimators=10)
    first = forest_attack(model, X[:6], y[:6], seed=1, rounds=5)
    again = forest_attack(model, X[:4], y[:4], seed=1, rounds=5)
    np.testing.assert_array_equal(first.adversarials[:4], again.adversarials)
    np.testing.assert_array_equal(first.queries[:4], again.queries)


def test_where_there_is_nothing_to_find_it_says_so():
    model, X, _ = forest(max_depth=None)
    model.fit(X, np.where(np.arange(len(X)) < 40, "ill", "well"))
    for tree in model.estimators_:
        tree.tree_.value[:] = [0.75, 0.25]
    result = forest_attack(model, X[:2], np.array(["ill", "well"]))
    assert not assert_trees_say_so(result, model, X[:2], ["ill", "well"]).any()
    assert result.status.tolist() == ["no_start", "misclassified"]


def test_leads_are_those_of_the_forest():
    from benchmarks import _forest_search as search

    model, X, _ = forest(3, min_samples_leaf=4)
    X = X.astype(np.float32)
    trees = Forest(model, X.shape[1]).towards(2, 0)
    leads = [search.start_at(trees, x, x).leads.mean() for x in X]
    shares = model.predict_proba(X)
    np.testing.assert_allclose(leads, shares[:, 2] - shares[:, 0], atol=1e-12)


def test_what_is_no_forest_is_refused():
    model, X, y = forest()
    assert can_attack(model)
    for other in (DecisionTreeClassifier(), LogisticRegression()):
        assert not can_attack(other.fit(X, y))
    with pytest.raises(UserError, match=r"^LogisticRegression: has no leaves "):
        forest_attack(other, X, y)
    with pytest.raises(ValueError, match=r"X has the value .* outside clip_values"):
        forest_attack(model, X + 1, y)
    with pytest.raises(ValueError, match=r"X_start must have X's shape \(60, 3\)"):
        forest_attack(model, X, y, X_start=X[:2])
