"""Units over patches against their naive twin: ties, few patches, uneven regions."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_scd import SignConvolution
from sklearn_scd import _reference as reference

SHAPES = [((7, 6), 1), ((9, 14, 3), 3), ((13, 12, 2), 5), ((6, 6), 6)]


def _layer(shape, size, n_filters, n_regions, X):
    layer = SignConvolution(shape, n_filters, size, n_regions=n_regions, random_state=0)
    return layer.fit(X)


def _twin(layer, X, shape, n_regions, room=0.0):
    coef = layer.coef_.astype(np.float64)
    images = X.astype(np.float64).reshape(-1, *(*shape, 1)[:3])
    return np.array(
        [
            reference.active_shares(image, coef, layer.intercept_, n_regions, room)
            for image in images
        ]
    )


@pytest.mark.parametrize("n_filters", [1, 16, 37])
@pytest.mark.parametrize(("shape", "size"), SHAPES)
def test_shares_are_those_of_the_twin_but_for_sums_within_rounding(
    shape, size, n_filters
):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5, np.prod(shape))).astype(np.float32)
    for n_regions in {1, min(shape[0] - size + 1, 3)}:
        layer = _layer(shape, size, n_filters, n_regions, X)
        X = rng.standard_normal(X.shape).astype(np.float32)  # or thresholds are sums
        shares = layer.transform(X)
        lower, upper = (
            _twin(layer, X, shape, n_regions, room).astype(np.float32)
            for room in (1e-5, -1e-5)
        )
        assert ((lower <= shares) & (shares <= upper)).all()
        assert (lower == upper).mean() > 0.9
        assert size > 5 or ((shares > 0) & (shares < 1)).any()


def test_a_unit_whose_sum_is_0_is_not_active():
    """Sums of whole numbers are exact, and many of them are 0."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (6, 9 * 8)).astype(np.float32)
    layer = _layer((9, 8), 3, 20, 2, X)
    layer.coef_ = rng.integers(-1, 2, layer.coef_.shape).astype(np.float32)
    layer.intercept_ = rng.integers(-2, 3, 20).astype(np.float32)
    shares = layer.transform(X)
    assert_array_equal(shares, _twin(layer, X, (9, 8), 2).astype(np.float32))
    ties = _twin(layer, X, (9, 8), 2, -0.5) - shares
    assert ties.mean() > 0.05


def test_an_image_is_transformed_alike_whatever_is_beside_it():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 20 * 20)).astype(np.float32)
    layer = _layer((20, 20), 3, 50, 1, X)
    layer.intercept_[:] = 0
    X[:, :] = np.repeat(X[:, ::20], 20, axis=1)  # stripes: sums are 0 but for rounding
    layer.coef_ -= layer.coef_.reshape(50, 3, 3).mean(2).repeat(3, axis=1)
    shares = layer.transform(X)
    assert 0.1 < shares.mean() < 0.9
    for rows in (slice(7, 8), slice(None, None, -1), slice(3, 20, 5)):
        assert_array_equal(layer.transform(X[rows]), shares[rows])
