"""Where HopSkipJump asks: points at one distance, in all directions alike."""

import numpy as np
import pytest
from scipy import stats

from sklearn_scd.robustness._attacks.sphere import draw_around


def _steps(n_points, n_features, norm=2, radius=0.25, seed=0):
    centre = np.linspace(0.4, 0.6, n_features, dtype=np.float32)
    points = draw_around(
        centre, radius, n_points, norm, (0.0, 1.0), np.random.default_rng(seed)
    )
    assert points.shape == (n_points, n_features)
    assert points.dtype == np.float32
    return points.astype(np.float64) - centre


@pytest.mark.parametrize("norm", [2, np.inf])
# More values than are drawn at a time, odd numbers of them, and a single one.
@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (7, 70_001), (1001, 131)])
def test_points_are_at_one_distance(norm, shape):
    lengths = np.linalg.norm(_steps(*shape, norm=norm), axis=1)
    np.testing.assert_allclose(lengths, 0.25, rtol=1e-5)


def test_directions_are_uniform_on_the_sphere():
    """A coordinate of such a direction has a beta distribution; so has each other."""
    n_features = 5
    steps = _steps(20_000, n_features) / 0.25
    half = (n_features - 1) / 2
    turned = steps @ stats.ortho_group.rvs(n_features, random_state=0)
    for along in (*steps.T, *turned.T):
        test = stats.kstest((along + 1) / 2, stats.beta(half, half).cdf)
        assert test.pvalue > 1e-3
    products = np.triu(steps.T @ steps / len(steps), 1)
    assert abs(products).max() < 5 / np.sqrt(len(steps)) / n_features


def test_neighbours_in_a_row_are_independent():
    """Two numbers are made of each pair of uniform ones, and belong to one row."""
    steps = _steps(4, 40_000)
    halves = np.stack([steps[:, :20_000], steps[:, 20_000:]])
    for a, b in (halves, halves**2, (steps[:, :-1], steps[:, 1:])):
        assert abs(stats.pearsonr(a.ravel(), b.ravel()).statistic) < 0.015


def test_points_are_clipped_and_repeatable():
    centre = np.zeros(50, dtype=np.float32)
    drawn = [
        draw_around(centre, 3.0, 9, 2, (0.0, 0.5), np.random.default_rng(seed))
        for seed in (1, 1, 2)
    ]
    assert drawn[0].min() == 0
    assert drawn[0].max() == 0.5
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()
