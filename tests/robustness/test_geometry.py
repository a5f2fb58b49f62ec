"""What certificates are built on: bounds of eigenvalues, folded steps, one vote."""

import numpy as np
import pytest
from scipy.optimize import linprog
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler

from sklearn_scd import SCDClassifier
from sklearn_scd.affine._fold import fold
from sklearn_scd.affine._pipeline import split_pipeline
from sklearn_scd.robustness import certified_distortion, exact_distance
from sklearn_scd.robustness._hyperplanes import geometry as _geometry
from sklearn_scd.robustness._hyperplanes.least_distance import (
    distance_bound,
)


def _unit_rows(n_rows, rank, n_features, rng):
    rows = rng.standard_normal((n_rows, rank)) @ rng.standard_normal((rank, n_features))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((40, 6, 30), "basis"),  # rows that span few dimensions
        ((40, 20, 20), "features"),
        ((40, 50, 50), "gram"),  # more features than rows
        ((9, 50, 50), "small gram"),
        ((70, 80, 80), "nothing"),
    ],
)
def test_bounds_of_eigenvalues_are_above_and_near(shape, kind, monkeypatch):
    monkeypatch.setattr(_geometry, "_LOW_RANK", 8)
    monkeypatch.setattr(_geometry, "_SMALL", 16)
    monkeypatch.setattr(_geometry, "_LARGEST_GRAM", 64)
    rng = np.random.default_rng(0)
    normals = _unit_rows(*shape, rng)
    geometry = _geometry.geometry_of(normals)
    held = [geometry.coordinates, geometry.basis, geometry.gram]
    assert [array is not None for array in held] == {
        "basis": [True, True, False],
        "features": [True, False, False],
        "gram": [False, False, True],
        "small gram": [False, False, True],
        "nothing": [False, False, False],
    }[kind]
    if kind == "nothing":
        assert not geometry.is_known
        return
    rows = np.arange(0, len(normals), 2)
    np.testing.assert_allclose(
        geometry.inner_products(rows), normals[rows] @ normals[rows].T, atol=1e-9
    )
    for weights in [np.ones(len(normals)), rng.random(len(normals)) ** 4]:
        weights[::5] = 0
        moment = (normals.T * weights) @ normals
        largest = np.linalg.eigvalsh(moment)[-1]
        bound = geometry.largest_eigenvalue(weights)
        assert largest < bound < 1.09 * largest
    assert geometry.largest_eigenvalue(np.zeros(len(normals))) == 0
    if kind == "basis":
        chosen = rng.random(normals.shape[1]) < 0.5
        part = geometry.of_features(chosen).inner_products(rows)
        expected = normals[rows][:, chosen] @ normals[rows][:, chosen].T
        np.testing.assert_allclose(part, expected, atol=1e-9)


@pytest.mark.parametrize("fails", ["ARPACK", "Cholesky"])
def test_bound_of_an_eigenvalue_where_a_solver_fails(fails, monkeypatch):
    def no_convergence(*args, **kwargs):
        raise _geometry.ArpackNoConvergence("no", [], [])

    if fails == "ARPACK":
        monkeypatch.setattr(_geometry, "eigsh", no_convergence)
    else:  # as LAPACK says that a matrix is not positive
        monkeypatch.setattr(_geometry, "dpotrf", lambda matrix, **options: (matrix, 1))
    monkeypatch.setattr(_geometry, "_SMALL", 16)
    rows = _unit_rows(40, 50, 50, np.random.default_rng(0))
    largest = np.linalg.eigvalsh(rows @ rows.T)[-1]
    bound = _geometry._largest_eigenvalue(rows @ rows.T)
    assert largest < bound < 1.001 * largest


@pytest.mark.parametrize("n", [1, 2, 31, 200])
@pytest.mark.parametrize("multiple", [1, 7])  # of the largest eigenvalue
def test_only_bounds_of_an_eigenvalue_are_proven(n, multiple):
    for seed in range(3 if n == 200 else 20):
        rng = np.random.default_rng(seed)
        vectors = np.linalg.qr(rng.standard_normal((n, n)))[0]
        sizes = rng.random(n) * 10.0 ** rng.integers(-8, 8)
        sizes[:multiple] = sizes.max()
        matrix = (vectors * sizes) @ vectors.T
        matrix = 0.5 * (matrix + matrix.T)
        given = matrix.copy()
        for excess in (1e-9, 1e-3, 10):
            assert _geometry.is_eigenvalue_bound(sizes.max() * (1 + excess), matrix)
            below = sizes.max() * (1 - min(excess, 0.9))
            assert not _geometry.is_eigenvalue_bound(below, matrix)
        np.testing.assert_array_equal(matrix, given)


def _moons():
    from sklearn.datasets import make_moons

    return make_moons(120, noise=0.2, random_state=0)


@pytest.mark.parametrize("named", [False, True])
def test_steps_within_steps_fold_whatever_goes_in_and_comes_out(named):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 12)) * rng.random(12), np.arange(60) % 2
    given = X
    if named:
        pd = pytest.importorskip("pandas")
        given = pd.DataFrame(X).add_prefix("pixel ")
    model = make_pipeline(
        StandardScaler(),
        make_pipeline(SelectKBest(k=5), MaxAbsScaler()),
        make_pipeline(
            PCA(3, random_state=0), SCDClassifier(n_estimators=2, max_iter=5)
        ),
    ).fit(given, y)
    transformer, classifier = split_pipeline(model)
    assert isinstance(classifier, SCDClassifier)
    rows = rng.standard_normal((4, 3))
    layer = fold(transformer, rows, np.ones(4), samples=X)
    inside = model[-1][:-1].transform(model[:-1].transform(given))
    values = (X - layer.centre) @ layer.normals.T + layer.offsets
    np.testing.assert_allclose(values, inside @ rows.T + 1, atol=1e-12)


def test_a_step_of_sparse_results_is_not_taken_for_affine():
    X = np.tile(np.arange(4.0), 15).reshape(-1, 1)
    model = make_pipeline(
        OneHotEncoder(handle_unknown="ignore"),
        StandardScaler(with_mean=False),
    ).fit(X)
    with pytest.raises(ValueError, match=r"OneHotEncoder, StandardScaler, are not"):
        fold(model, np.ones((2, 4)), np.zeros(2), samples=X)


def test_the_exact_distance_of_a_vote_is_where_it_turns():
    X, y = _moons()
    model = SCDClassifier(
        n_estimators=1, hidden_units=5, max_iter=200, random_state=0
    ).fit(X, y)
    right = np.flatnonzero(model.predict(X) == y)[:8]
    distances = exact_distance(model, X[right], y[right])
    angles = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for x, label, distance in zip(X[right], y[right], distances, strict=True):
        for radius in [0.3, 0.7, 0.999]:
            assert (model.predict(x + radius * distance * around) == label).all()
        assert (model.predict(x + 1.02 * distance * around) != label).any()


def test_the_exact_distance_of_more_than_one_vote_is_not_known():
    X, y = _moons()
    model = SCDClassifier(n_estimators=2, hidden_units=3, max_iter=20, random_state=0)
    model.fit(X, y)
    with pytest.raises(TypeError, match=r"one vote, n_estimators=1, not of 2"):
        exact_distance(model, X, y)
    model.set_params(n_estimators=1).fit(X, y)
    with pytest.raises(ValueError, match="norm=inf and voting='soft'"):
        exact_distance(model, X, y, norm=np.inf)
    bounds = certified_distortion(model, X, y, norm=np.inf)
    assert (bounds >= 0).all()


@pytest.mark.parametrize("kind", ["coordinates", "gram"])
@pytest.mark.parametrize("angle", [1e-3, 1e-6, 1e-9])
def test_hyperplanes_almost_parallel_meet_where_they_do(kind, angle, monkeypatch):
    """Two half-planes that exclude each other but for a wedge far away."""
    n_features = 2 if kind == "coordinates" else 40
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.standard_normal((n_features, 2)))[0].T
    normals = np.array([[1.0, 0.0], [-np.cos(angle), np.sin(angle)]]) @ plane
    geometry = _geometry.geometry_of(normals)
    assert (geometry.coordinates is None) == (kind == "gram")
    levels = np.array([1.0, 1.0])
    vectors = geometry.vectors(np.arange(2))
    bound, step, _ = distance_bound(vectors, levels, np.zeros(2))
    exact = np.hypot(1.0, (1 + np.cos(angle)) / np.sin(angle))
    assert exact * (1 - 1e-4) < bound <= exact * (1 + 1e-15 / angle)
    np.testing.assert_allclose(vectors @ step, levels, rtol=1e-4)


def test_what_excludes_each_other_exactly_is_far_away():
    rows = np.array([[0.6, 0.8], [-0.6, -0.8]])
    levels = np.array([0.5, -0.4])
    assert distance_bound(rows, levels, np.zeros(2))[0] > 1e12
    # As far as rounding allows: it grows by a thousandth of the distance, twice.
    bound = distance_bound(rows, levels, np.full(2, 1e-3))[0]
    np.testing.assert_allclose(bound, 0.1 / 2e-3)
    star = np.array([[0.0, 1.0], [0.6, -0.8], [-0.6, -0.8]])
    bound = distance_bound(star, np.ones(3), np.zeros(3))[0]
    assert bound > 1e12


@pytest.mark.parametrize("n_rows", [1, 2, 5, 12])
def test_bounds_of_distances_are_never_above_and_as_a_rule_at_the_nearest(n_rows):
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rows = rng.standard_normal((n_rows, 3)) * 10.0 ** rng.integers(-3, 3)
        levels = rng.standard_normal(n_rows)
        bound, step, _ = distance_bound(rows, levels, np.zeros(n_rows))
        if (rows @ step >= levels - 1e-9 * np.abs(levels)).all():
            assert bound <= np.linalg.norm(step) * (1 + 1e-9)
            np.testing.assert_allclose(bound, np.linalg.norm(step), rtol=1e-6)
        else:  # no step at all: a linear programme says so, too
            assert linprog(np.zeros(3), -rows, -levels, bounds=(None, None)).status == 2
