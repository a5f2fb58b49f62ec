"""The linear front that labels ask for: planted directions, gradients, distances."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import subspace_angles
from scipy.optimize import approx_fprime
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.pipeline import make_pipeline

from sklearn_scd import ActiveSubspace, SCDClassifier
from sklearn_scd.robustness import certified_distortion


def _rotation(n, seed=0):
    rng = np.random.RandomState(seed)
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def _ring(n=600, seed=0):
    """A ring in the last two of six directions, which vary least; then all rotated."""
    rng = np.random.RandomState(seed)
    planted = rng.standard_normal((n, 6)) * [3, 3, 2, 2, 1, 1]
    y = (planted[:, 4] ** 2 + planted[:, 5] ** 2 > 1.4).astype(int)
    turn = _rotation(6)
    return planted @ turn.T, y, turn[:, 4:]


def test_finds_the_directions_that_labels_depend_on_where_a_pca_does_not():
    X, y, planted = _ring()
    front = ActiveSubspace(2).fit(X, y)
    assert np.rad2deg(subspace_angles(front.components_.T, planted)).max() < 12
    pca = PCA(2).fit(X)
    assert np.rad2deg(subspace_angles(pca.components_.T, planted)).max() > 60


def test_directions_are_those_of_the_gradients_of_a_kernel_ridge_regression():
    X, y, _ = _ring(n=60)
    y = y + 2 * (X[:, 0] > 1)  # four classes
    front = ActiveSubspace(6, length_scale=3.0, alpha=0.5).fit(X, y)
    X = X - X.mean(axis=0)
    product = np.zeros((6, 6))
    for label in np.unique(y):
        target = np.where(y == label, 1.0, -1.0)
        smooth = KernelRidge(kernel="rbf", gamma=0.5 / 3.0**2, alpha=0.5)
        smooth.fit(X, target - target.mean())
        for x in X:
            slope = approx_fprime(x, lambda z, m=smooth: m.predict(z[None])[0], 1e-6)
            product += np.outer(slope, slope)
    sizes = np.diag(front.components_ @ product @ front.components_.T)
    assert_allclose(front.components_ @ product, sizes[:, None] * front.components_,
                    atol=1e-4 * sizes[0])  # fmt: skip
    assert_allclose(front.gradient_ratio_, sizes / sizes.sum(), rtol=1e-3)
    assert (np.diff(front.gradient_ratio_) <= 0).all()


def test_directions_turn_with_the_samples_and_know_no_origin_and_no_unit():
    X, y, _ = _ring(n=200)
    front = ActiveSubspace(3).fit(X, y)
    turn = _rotation(6, seed=1)
    moved = ActiveSubspace(3).fit(7.0 * X @ turn.T + 5.0, y)
    assert moved.length_scale_ == pytest.approx(7.0 * front.length_scale_)
    assert_allclose(moved.gradient_ratio_, front.gradient_ratio_, rtol=1e-6)
    angles = subspace_angles(turn @ front.components_.T, moved.components_.T)
    assert angles.max() < 1e-5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_distance_grows_so_that_certificates_hold_before_it(dtype):
    X, y, _ = _ring(n=200)
    X = X.astype(dtype)
    networks = SCDClassifier(n_estimators=5, max_iter=40, random_state=0)
    model = make_pipeline(ActiveSubspace(3), networks).fit(X, y)
    front = model[0]
    assert front.components_.dtype == front.transform(X).dtype == dtype
    assert_allclose(front.components_ @ front.components_.T, np.eye(3), atol=1e-6)
    before = certified_distortion(model, X[:50], y[:50], method="order")
    behind = certified_distortion(
        model[-1], front.transform(X[:50]), y[:50], method="order"
    )
    assert_allclose(before, behind, atol=1e-4)
    assert (behind > 0).any()
    assert front.get_feature_names_out().tolist() == [
        f"activesubspace{i}" for i in range(3)
    ]


def test_looks_in_the_leading_principal_components_alone():
    X, y, _ = _ring(n=300)
    front = ActiveSubspace(2, n_principal=3).fit(X, y)
    leading = PCA(3).fit(X).components_
    assert_allclose(subspace_angles(front.components_.T, leading.T), 0, atol=1e-6)
    all_of_them = ActiveSubspace(4, n_principal=1).fit(X, y)
    leading = PCA(4).fit(X).components_
    assert_allclose(subspace_angles(all_of_them.components_.T, leading.T), 0, atol=1e-6)


def test_of_many_samples_some_of_each_class_are_drawn():
    X, y, planted = _ring(n=900)
    y[:45] = 2  # a rare class
    front = ActiveSubspace(2, max_samples=600, random_state=0).fit(X, y)
    assert_array_equal(front.classes_, [0, 1, 2])
    again = ActiveSubspace(2, max_samples=600, random_state=0).fit(X, y)
    assert_array_equal(front.components_, again.components_)
    other = ActiveSubspace(2, max_samples=600, random_state=1).fit(X, y)
    assert (other.components_ != front.components_).any()
    assert np.rad2deg(subspace_angles(front.components_.T, planted)).max() < 35


@pytest.mark.parametrize("max_samples", [1, 300])
def test_a_class_too_rare_to_be_drawn_is_looked_at(max_samples):
    X = np.random.RandomState(0).standard_normal((2000, 4))
    y = (np.arange(2000) == 7).astype(int)
    X[7] = [0, 5, 0, 0]
    front = ActiveSubspace(1, max_samples=max_samples, random_state=0).fit(X, y)
    assert front.gradient_ratio_[0] > 0
    if max_samples > 1:
        assert abs(front.components_[0, 1]) > 0.9


def test_samples_that_tell_nothing_give_directions_all_the_same():
    X, y = np.zeros((40, 5)), np.arange(40) % 2
    X[:, 0] = np.repeat(np.arange(20), 2)  # each sample has a twin of the other class
    front = ActiveSubspace(3).fit(X, y)
    assert_allclose(front.components_ @ front.components_.T, np.eye(3), atol=1e-12)
    assert np.isfinite(front.gradient_ratio_).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("copies", [3, 7, 8, 20])
def test_copies_are_in_one_place_whatever_is_rounded(dtype, copies):
    X, y, _ = _ring(n=200)
    X = np.repeat(X.astype(dtype), copies, axis=0)
    front = ActiveSubspace(2, random_state=0).fit(X, np.repeat(y, copies))
    distances = cdist(X, X)
    distances[distances == 0] = np.inf
    nearest = np.sort(distances, axis=1)
    # Of the copies themselves `copies - 1` come before all others.
    expected = nearest[:, max(7 - (copies - 1), 1) - 1]
    assert front.length_scale_ == pytest.approx(np.median(expected), rel=1e-5)


@pytest.mark.parametrize("factor", [2.0**-1000, 2.0**-600, 2.0**600, 2.0**1000])
@pytest.mark.parametrize("length_scale", [None, 3.0])
def test_units_whose_squares_leave_the_range_change_no_direction(factor, length_scale):
    X, y, _ = _ring(n=100)
    front = ActiveSubspace(3, length_scale=length_scale, random_state=0).fit(X, y)
    if length_scale is not None:
        length_scale *= factor
    other = ActiveSubspace(3, length_scale=length_scale, random_state=0)
    other.fit(X * factor, y)
    assert_allclose(other.components_, front.components_, atol=1e-10)
    assert_allclose(other.gradient_ratio_, front.gradient_ratio_)
    assert_allclose(other.length_scale_ / factor, front.length_scale_)


def test_refuses_one_class_and_more_directions_than_there_are():
    X, y, _ = _ring(n=40)
    with pytest.raises(ValueError, match="only one class: 1"):
        ActiveSubspace(2).fit(X, np.ones(40, dtype=int))
    with pytest.raises(ValueError, match=r"n_components=7 must be between 1 and .*=6"):
        ActiveSubspace(7).fit(X, y)
    with pytest.raises(ValueError, match="Unknown label type"):
        ActiveSubspace(2).fit(X, X[:, 0])
    for length_scale in (1e-300, 1e300):
        with pytest.raises(ValueError, match=r"length_scale=.* is no distance"):
            ActiveSubspace(2, length_scale=length_scale).fit(X, y)


def test_float32_samples_are_projected_in_float64_without_a_copy_of_them_all():
    """Peak memory stays below a float64 copy; sums are those of float64."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((2000, 600)).astype(np.float32)
    front = ActiveSubspace(4, random_state=0).fit(X[:100], np.arange(100) % 2)
    exact = X.astype(np.float64) @ front.components_.T.astype(np.float64)
    tracemalloc.start()
    projected = front.transform(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert_array_equal(projected, exact.astype(np.float32))
    assert peak < X.size * 8 / 2
