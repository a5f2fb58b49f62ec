"""Means over blocks of pixels: their values, their scale, what is behind them."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_scd import PixelMeans, SCDClassifier, SignConvolution
from sklearn_scd.robustness import certified_distortion


@pytest.fixture
def X():
    """Color images of 12 x 8 pixels, each of values of its own."""
    return np.random.default_rng(0).standard_normal((7, 12 * 8 * 3))


def test_values_are_means_times_the_root_of_the_number_of_pixels(X):
    means = PixelMeans((12, 8, 3), side=4).fit(X)
    assert means.image_shape_ == (4, 4, 3)
    blocks = X.reshape(7, 4, 3, 4, 2, 3)  # images, rows by threes, columns by twos
    expected = np.sqrt(6) * blocks.mean(axis=(2, 4))
    assert_allclose(means.transform(X), expected.reshape(7, -1), atol=1e-14)


@pytest.mark.parametrize(
    ("shape", "smaller"),
    [((10, 7), (4, 4)), ((10, 7, 3), (4, 4, 3)), ((3, 9, 1), (3, 4, 1))],
)
def test_blocks_of_sides_that_do_not_divide_are_rectangles_alike(shape, smaller):
    means = PixelMeans(shape, side=4).fit(np.zeros((1, np.prod(shape))))
    assert means.image_shape_ == smaller
    rows = means.components_.toarray()
    assert_allclose(rows @ rows.T, np.eye(np.prod(smaller)), atol=1e-14)
    assert ((rows > 0).sum(axis=0) == 1).all()  # each pixel is in one block
    lengths = []
    for place, row in zip(np.ndindex(*smaller), rows, strict=True):
        corners = np.argwhere(row.reshape(shape) > 0)
        first, size = corners[0], np.ptp(corners, axis=0) + 1
        assert np.prod(size) == len(corners)  # a rectangle, without holes
        assert_allclose(row[row > 0], 1 / np.sqrt(len(corners)))
        if len(shape) == 3:
            assert (first[2], size[2]) == (place[2], 1)
        lengths.append(size[:2])
    assert (np.ptp(lengths, axis=0) <= 1).all()
    starts = [np.argwhere(row.reshape(shape) > 0)[0].tolist() for row in rows]
    assert starts == sorted(starts)  # row by row, as pixels are


def test_signals_are_images_of_one_row():
    X = np.random.default_rng(0).standard_normal((5, 12))
    means = PixelMeans(side=4).fit(X)
    assert means.image_shape_ is None
    expected = X.reshape(5, 4, 3).sum(axis=2) / np.sqrt(3)
    assert_allclose(means.transform(X), expected, atol=1e-14)
    assert_array_equal(PixelMeans().fit_transform(X), X)  # fewer than 24 are kept


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_image_is_projected_alike_alone_and_among_others(dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 10 * 7)).astype(dtype)
    means = PixelMeans((10, 7), side=3).fit(X)
    projected = means.transform(X)
    assert projected.dtype == dtype
    exact = X.astype(float) @ means.components_.toarray().T
    assert_allclose(projected, exact, rtol=2 * np.finfo(dtype).eps, atol=1e-14)
    assert_array_equal(means.transform(np.asfortranarray(X)), projected)
    for image, values in zip(X[::50], projected[::50], strict=True):
        assert_array_equal(means.transform([image])[0].astype(dtype), values)


def test_integers_are_projected_in_float64(X):
    pixels = np.random.default_rng(0).integers(0, 256, X.shape).astype(np.uint8)
    means = PixelMeans((12, 8, 3), side=4).fit(pixels)
    projected = means.transform(pixels)
    assert projected.dtype == np.float64
    assert_array_equal(projected, means.transform(pixels.astype(float)))


def test_names_copies_and_parameters_changed_later(X):
    means = PixelMeans([12, 8, 3], side=2).set_output(transform="pandas")
    pytest.importorskip("pandas")
    frame = means.fit_transform(X)
    names = [f"pixelmeans{k}" for k in range(12)]
    assert frame.columns.tolist() == means.get_feature_names_out().tolist() == names
    for other in (
        pickle.loads(pickle.dumps(means)),
        copy.deepcopy(means),
        clone(means).fit(X),
    ):
        assert_array_equal(other.transform(X), frame)
        assert vars(other).keys() == vars(means).keys()
    assert pickle.loads(pickle.dumps(clone(means))).get_params() == means.get_params()
    means.set_params(image_shape=None, side=5)
    assert_array_equal(means.transform(X), frame)


def test_float32_images_are_not_copied_as_float64():
    X = np.random.default_rng(0).random((2000, 40 * 40), dtype=np.float32)
    means = PixelMeans((40, 40), side=10).fit(X)
    tracemalloc.start()
    means.transform(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < X.nbytes  # of which the copy would be twice


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"image_shape": (12, 8)}, r"image_shape=\(12, 8\) does not make the 288 "),
        ({"image_shape": (288,)}, r"image_shape=\(288,\) must be \(height, width\)"),
        ({"image_shape": (12.0, 24)}, r"image_shape=\(12\.0, 24\) must be"),
        ({"side": 0}, "'side' parameter of PixelMeans must be an int in the range"),
    ],
)
def test_what_does_not_fit_is_refused_as_by_other_layers(parameters, message, X):
    with pytest.raises(ValueError, match=message) as refused:
        PixelMeans(**{"image_shape": (12, 8, 3), **parameters}).fit(X)
    if "image_shape" in parameters:
        with pytest.raises(ValueError, match=message) as other:
            SignConvolution(**parameters).fit(X)
        assert str(other.value) == str(refused.value)


def test_radii_before_the_means_are_those_behind():
    """The projection is orthonormal: a hyperplane is as far on either side of it."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 10 * 7))
    y = (X[:, :20].sum(axis=1) > 0).astype(int)
    networks = SCDClassifier(n_estimators=5, max_iter=30, random_state=0)
    model = make_pipeline(PixelMeans((10, 7), side=4), networks).fit(X, y)
    behind = certified_distortion(model[-1], model[0].transform(X), y)
    assert behind.max() > 0
    assert_allclose(certified_distortion(model, X, y), behind, rtol=1e-9)
