"""The layer over patches: where its units come from, its output, what it refuses."""

import pickle
import tracemalloc

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sklearn_scd import SignConvolution


@pytest.fixture
def X():
    """Color images of 10 x 12 pixels, each of values of its own."""
    return np.random.default_rng(0).standard_normal((6, 10 * 12 * 3))


def _patches(X, shape, size):
    """All patches, flattened by row, column, channel."""
    images = X.reshape(len(X), *shape)
    windows = sliding_window_view(images, (size, size), axis=(1, 2))
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, size * size * shape[2])


def test_filters_are_differences_of_patches_at_unit_norm(X):
    layer = SignConvolution((10, 12, 3), 7, 9, random_state=0).fit(X)
    assert layer.coef_.shape == (7, 9 * 9 * 3)
    assert layer.coef_.dtype == layer.intercept_.dtype == np.float32
    patches = _patches(X, (10, 12, 3), 9)  # 48 of them
    pairs = (patches[:, None] - patches).reshape(-1, patches.shape[1])
    pairs = pairs[pairs.any(axis=1)]
    pairs /= np.linalg.norm(pairs, axis=1, keepdims=True)
    cosines = layer.coef_ @ pairs.T
    assert_allclose(cosines.max(axis=1), 1, atol=1e-5)
    assert len(set(cosines.argmax(axis=1))) > 5


def test_thresholds_are_quantiles_at_levels_from_2_to_98_percent():
    X = np.random.default_rng(0).standard_normal((50, 20 * 20))
    shares = SignConvolution((20, 20), 400, random_state=0).fit_transform(X)
    inactive = np.sort(1 - shares.mean(axis=0))
    assert_allclose(inactive, np.linspace(0.02, 0.98, 400), atol=0.07)
    assert inactive[0] < 0.04 < 0.96 < inactive[-1]


def test_no_threshold_is_at_the_sum_of_a_patch_that_many_images_have():
    """Else rounding decides, and another processor or runtime decides otherwise."""
    X = np.random.default_rng(0).integers(3, size=(20, 12 * 12)).astype(np.float32)
    X[:, 60:] = 0
    layer = SignConvolution((12, 12), 100, random_state=0).fit(X)
    patches = _patches(X, (12, 12, 1), 3).astype(np.float64)
    sums = patches @ layer.coef_.T.astype(np.float64) + layer.intercept_
    assert np.abs(sums).min() > 1e-5  # rounding errors are a hundredth of that
    assert ((sums > 0).any(axis=0) & (sums < 0).any(axis=0)).all()


@pytest.mark.parametrize("n_bright", [0, 20])
def test_a_black_background_yields_filters_all_the_same(n_bright):
    X = np.zeros((10, 30 * 30))
    X[:n_bright, :40] = np.random.default_rng(0).random(40)
    layer = SignConvolution((30, 30), 60, random_state=0).fit(X)
    assert_allclose(np.linalg.norm(layer.coef_, axis=1), 1, atol=1e-6)
    assert len(np.unique(layer.coef_, axis=0)) == 60
    assert np.isfinite(layer.intercept_).all()
    assert_array_equal(layer.transform(np.zeros((1, 900))) % 1, 0)


def test_signals_are_images_of_one_row():
    X = np.random.default_rng(0).standard_normal((9, 40))
    layer = SignConvolution(None, 30, 7, n_regions=4, random_state=0).fit(X)
    assert layer.coef_.shape == (30, 7)
    active = sliding_window_view(X, 7, axis=1) @ layer.coef_.T + layer.intercept_ > 0
    borders = np.linspace(0, 34, 5).astype(int)
    shares = [part.mean(axis=1) for part in np.split(active, borders[1:-1], axis=1)]
    assert_allclose(layer.transform(X), np.hstack(shares), atol=1e-6)


def test_dtypes_that_hold_the_same_values_give_the_same(X):
    values = np.random.default_rng(1).integers(0, 256, X.shape).astype(np.uint8)
    layers = [
        SignConvolution((10, 12, 3), 20, random_state=0).fit(values.astype(dtype))
        for dtype in (np.uint8, np.float32, np.float64)
    ]
    shares = [
        layer.transform(np.asarray(values, dtype=dtype, order=order))
        for layer in layers
        for dtype in (np.uint8, np.float32, np.float64)
        for order in "CF"
    ]
    assert shares[0].dtype == np.float32
    for other in shares[1:]:
        assert_array_equal(other, shares[0])


def test_names_copies_and_repetitions(X):
    layer = SignConvolution([10, 12, 3], 4, 3, n_regions=2, random_state=3)
    layer.set_output(transform="pandas")
    frame = layer.fit_transform(X)
    names = [f"signconvolution{k}" for k in range(16)]
    assert frame.columns.tolist() == layer.get_feature_names_out().tolist() == names
    stored = pickle.loads(pickle.dumps(layer))
    assert_array_equal(stored.transform(X), frame)
    assert_array_equal(clone(layer).fit(X).transform(X), frame)
    other = clone(layer).set_params(random_state=4).fit(X)
    assert (other.coef_ != layer.coef_).any()
    layer.set_params(kernel_size=5, n_regions=1, image_shape=None)
    assert_array_equal(layer.transform(X), frame)


def test_never_holds_all_patches():
    X = np.random.default_rng(0).random((400, 40 * 40), dtype=np.float32)
    layer = SignConvolution((40, 40), 20, kernel_size=5, random_state=0)
    tracemalloc.start()
    layer.fit(X).transform(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * X.nbytes  # all patches are 20 times as large


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"image_shape": (10, 12)}, r"image_shape=\(10, 12\) does not make the 360 "),
        ({"image_shape": (360,)}, r"image_shape=\(360,\) must be \(height, width\)"),
        ({"image_shape": (-10, -36)}, r"image_shape=\(-10, -36\) must be"),
        ({"kernel_size": 11}, r"kernel_size=11 is larger than a side .* at most 10\."),
        ({"n_regions": 9}, r"n_regions=9 is larger than 8, "),
        ({"image_shape": None, "kernel_size": 361}, "kernel_size=361 .*_features=360"),
        ({"image_shape": None, "n_regions": 359}, "n_regions=359 is larger than 358"),
        ({"n_filters": 0}, "'n_filters' parameter .* must be an int in the range"),
    ],
)
def test_what_does_not_fit_is_refused(parameters, message, X):
    layer = SignConvolution(**{"image_shape": (10, 12, 3), **parameters})
    with pytest.raises(ValueError, match=message):
        layer.fit(X)


@pytest.mark.parametrize("large", [1e37, 1e39])
def test_numbers_whose_sums_float32_does_not_hold_are_refused(large, X):
    layer = SignConvolution((10, 12, 3), 5).fit(X)
    X[2, 2] = large
    for method in (layer.fit, layer.transform):
        with (
            np.errstate(over="ignore"),
            pytest.raises(ValueError, match="infinity or a value too large for"),
        ):
            method(X)
