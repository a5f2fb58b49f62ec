"""The nearest adversarial image of a forest and its certificate, by brute force."""

from itertools import product

import numpy as np
import pytest
from _robustness_helpers import assert_is_what_it_says
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

pytest.importorskip("PIL")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")

from benchmarks.attacks.forest import _program, bound_forest
from benchmarks.common.errors import UserError

FORESTS = {
    "pure leaves": RandomForestClassifier(5, max_depth=None),
    "an even number": RandomForestClassifier(4),
    "shallow trees": RandomForestClassifier(5, max_depth=2),
    "shares that draw": RandomForestClassifier(4, max_leaf_nodes=4, bootstrap=False),
    "extra trees": ExtraTreesClassifier(4, max_depth=3),
    "stumps": RandomForestClassifier(5, max_depth=1, min_impurity_decrease=0.02),
}


def make_samples(n_classes, dtype=np.float32, n_samples=24):
    """Few samples in a cube, on few values so that thresholds coincide; named."""
    rng = np.random.default_rng(n_classes)
    y = np.arange(n_samples) % n_classes
    X = np.round(0.7 * rng.random((n_samples, 3)) + 0.1 * y[:, np.newaxis], 1)
    X[:, 2] = rng.permutation(n_samples) / n_samples  # no two are the same
    return X.astype(dtype), np.array(["well", "ill", "grey"])[y]


def exact_distances(forest, X, y, clip_values):
    """Distance to the nearest point of each cell of all thresholds."""
    return np.array(
        [_exact(forest, x, label, clip_values) for x, label in zip(X, y, strict=True)]
    )


def _exact(forest, x, label, clip_values):
    if forest.predict(x[np.newaxis])[0] != label:
        return 0.0
    values = []
    for k, own in enumerate(x):
        thresholds = np.concatenate(
            [e.tree_.threshold[e.tree_.feature == k] for e in forest.estimators_]
        )
        below = thresholds.astype(np.float32)
        below = np.where(below > thresholds, np.nextafter(below, np.float32(-9)), below)
        above = np.nextafter(below, np.float32(9))
        seen = np.float32(own)
        nearest = np.concatenate([below[below < seen], above[above > seen]])
        low, high = clip_values
        values.append([own, *nearest[(nearest >= low) & (nearest <= high)]])
    points = np.array(list(product(*values)))
    wrong = points[forest.predict(points) != label]
    distances = np.linalg.norm(wrong.astype(np.float64) - x, axis=1)
    return distances.min(initial=np.inf)


@pytest.mark.parametrize("name", FORESTS)
@pytest.mark.parametrize(
    ("n_classes", "dtype", "clip_values"),
    [(2, np.float32, (0.0, 1.0)), (3, np.float64, (-0.1, 0.9))],
)
def test_the_nearest_of_all_cells_is_found_and_certified(
    name, n_classes, dtype, clip_values
):
    X, y = make_samples(n_classes, dtype)
    # A forest sees float32: an image in float64 may be nearer by what is rounded off.
    rounded = 0 if dtype == np.float32 else 6e-8
    shares = []
    for seed in range(2):
        forest = FORESTS[name].set_params(random_state=seed).fit(X, y)
        noise = np.random.default_rng(seed).normal(0, 0.1, X.shape).astype(dtype)
        samples, labels = (X + noise).clip(*clip_values)[:12], y[:12]
        bounds = bound_forest(forest, samples, labels, clip_values)
        found = assert_leaves_say_so(bounds, forest, samples, labels, clip_values)
        exact = exact_distances(forest, samples, labels, clip_values)
        np.testing.assert_allclose(bounds.attack.distances, exact, 1e-6, rounded)
        np.testing.assert_array_equal(np.isinf(bounds.certified), np.isinf(exact))
        shares.extend(bounds.certified[found] / exact[found])
    assert len(shares) >= 8  # or this test shows little
    # Of a relaxation, on features that all trees share.
    assert np.median(shares) > 0.6


def assert_leaves_say_so(bounds, *arguments):
    assert (bounds.attack.attack, bounds.attack.norm) == ("trees", 2)
    assert (bounds.certified <= bounds.attack.distances).all()
    right = bounds.attack.status != "misclassified"
    assert (bounds.certified[~right] == 0).all()
    return assert_is_what_it_says(bounds.attack, *arguments)


@pytest.fixture(scope="module")
def digits():
    """A forest on many features, of three classes, and samples in [0, 1]."""
    X, y = load_digits(n_class=3, return_X_y=True)
    X = (X / 16).astype(np.float32)
    forest = RandomForestClassifier(20, max_features=3, random_state=0)
    return forest.fit(X[100:], y[100:]), X[:9], y[:9]


def test_on_many_features_the_certificate_is_near_the_distance(digits):
    bounds = bound_forest(*digits)
    found = assert_leaves_say_so(bounds, *digits)
    assert found.sum() >= 6
    assert np.median(bounds.certified[found] / bounds.attack.distances[found]) > 0.95
    again = bound_forest(digits[0], digits[1][:3], digits[2][:3])
    np.testing.assert_array_equal(again.certified, bounds.certified[:3])
    np.testing.assert_array_equal(
        again.attack.adversarials, bounds.attack.adversarials[:3]
    )


def test_nothing_is_worse_than_the_start(digits, monkeypatch):
    """Nor than the greedy search, where the solver gives up."""
    best = bound_forest(*digits)
    monkeypatch.setattr(_program.Program, "solve", lambda self, extra: None)
    greedy = bound_forest(*digits)
    found = assert_leaves_say_so(greedy, *digits)
    assert (greedy.attack.distances[found] > best.attack.distances[found] + 1e-6).any()
    starts = best.attack.adversarials.copy()
    starts[found.argmax()] = np.nan  # the other attack found nothing for one
    started = bound_forest(*digits, X_start=starts)
    assert_leaves_say_so(started, *digits)
    expected = best.attack.distances.copy()
    expected[found.argmax()] = greedy.attack.distances[found.argmax()]
    np.testing.assert_allclose(started.attack.distances, expected)


def test_where_there_is_nothing_to_find_it_is_proven():
    X, y = make_samples(2)
    constant = RandomForestClassifier(3, max_depth=1, random_state=0).fit(X, y)
    for tree in constant.estimators_:
        tree.tree_.value[:] = [0.25, 0.75]
    bounds = bound_forest(constant, X, y)
    assert not assert_leaves_say_so(bounds, constant, X, y).any()
    right = y == constant.classes_[1]
    assert (bounds.attack.status[right] == "no_start").all()
    assert (bounds.certified[right] == np.inf).all()


def test_what_is_no_forest():
    X, y = make_samples(2)
    with pytest.raises(UserError, match=r"^LogisticRegression: has no leaves to "):
        bound_forest(LogisticRegression().fit(X, y), X, y)
    twice = np.column_stack([y, y])
    with pytest.raises(UserError, match="of one output"):
        bound_forest(RandomForestClassifier(2).fit(X, twice), X, y)
    with pytest.raises(ValueError, match=r"X has the value .* outside clip_values"):
        bound_forest(RandomForestClassifier(2).fit(X, y), X + 1, y)
