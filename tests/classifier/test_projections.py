"""Which products with hyperplanes are computed never shows in what a model says."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_blobs

from sklearn_scd import SCDClassifier, _projections

N_AROUND = 60  # more than are asked about as few


@pytest.fixture(params=["float64", "float32", "binary"])
def model(request):
    dtype = "float64" if request.param == "float64" else "float32"
    X, y = make_blobs(200, 12, centers=2, cluster_std=4.0, random_state=0)
    return SCDClassifier(
        n_estimators=5, hidden_units=30, max_iter=30, random_state=0,
        loss="ce", binary_weights=request.param == "binary",
    ).fit(X.astype(dtype), y)  # fmt: skip


@pytest.fixture
def counted(monkeypatch):
    """Take every model for a large one; count the units of each product."""
    counts = []
    product = _projections._product

    def counting(X, coef):
        counts.append(len(coef) * len(X))
        return product(X, coef)

    monkeypatch.setattr(_projections, "_LARGE", 0)
    monkeypatch.setattr(_projections, "_product", counting)
    return counts


def _around(model, rng, size, unit=None):
    """Samples around one point; of a unit's hyperplane, as near as numbers are."""
    point = rng.normal(scale=4.0, size=12)
    coef = model.hidden_coef_.reshape(-1, 12).astype(float)
    intercept = model.hidden_intercept_.ravel().astype(float)
    if unit is not None:
        w = coef[unit]
        point -= (point @ w + intercept[unit]) / (w @ w) * w
    steps = rng.standard_normal((N_AROUND, 12))
    steps *= size / np.linalg.norm(steps, axis=1, keepdims=True)
    # Of half of them the step is straight across the hyperplane, the longest way.
    if unit is not None:
        ways = np.where(np.arange(N_AROUND // 2) % 2, 1, -1)[:, np.newaxis]
        steps[::2] = ways * size * w / np.linalg.norm(w)
    return (point + steps).astype(model.hidden_intercept_.dtype)


@pytest.mark.parametrize("size", [1e-7, 1e-3, 0.1, 1.0, 30.0])
def test_samples_around_a_point_have_the_outputs_that_each_has_alone(
    model, counted, size
):
    rng = np.random.default_rng(0)
    for unit in (None, 3, 77):
        X = _around(model, rng, size, unit)
        counted.clear()
        together = model._outputs(X)
        n_products = sum(counted)
        alone = np.concatenate([model._outputs(row) for row in X[:, np.newaxis]])
        assert_array_equal(together, alone)
        if size <= 1e-3:
            assert n_products < 0.2 * len(X) * 150
        if size == 30.0:  # nothing to be saved: all products, and the first look
            assert len(X) * 150 <= n_products < 1.1 * len(X) * 150


def test_a_unit_is_left_out_only_if_its_hyperplane_is_beyond_all_samples(counted):
    """In rational numbers; reach and distance are made to be nearly the same."""
    rng = np.random.default_rng(1)
    n_left_out = n_units = 0
    for dtype in (np.float32, np.float64):
        for _ in range(20):
            coef = rng.standard_normal((40, 6))
            coef = (coef / np.linalg.norm(coef, axis=1, keepdims=True)).astype(dtype)
            centre = rng.normal(scale=10.0, size=6)
            w = coef[np.arange(N_AROUND) % 40].astype(float)
            X = (centre - 0.5 * w).astype(dtype)
            distance = rng.uniform(0.3, 0.9, 40)
            intercept = (distance - coef.astype(float) @ centre).astype(dtype)
            planes = _projections.Hyperplanes(coef, intercept, np.dtype(dtype))
            crossed = planes._crossed(X, float(np.abs(X).max()))
            if crossed is None:
                continue
            left_out = np.setdiff1d(np.arange(40), crossed.units)
            n_units, n_left_out = n_units + 40, n_left_out + left_out.size
            for j in left_out:
                for x in X:
                    side = sum(
                        (Fraction(float(a)) * Fraction(float(b))
                         for a, b in zip(coef[j], x, strict=True)),
                        Fraction(float(intercept[j])),
                    )  # fmt: skip
                    assert (side > 0) == (crossed.sides[j] > 0)
    assert 0.3 * n_units < n_left_out


def test_samples_whose_sum_overflows_have_the_sides_that_each_has():
    rng = np.random.default_rng(0)
    coef = rng.standard_normal((40, 3))
    coef = (coef / np.linalg.norm(coef, axis=1, keepdims=True)).astype(np.float32)
    steps = 1e33 * rng.standard_normal((N_AROUND, 3))
    X = (3e37 * rng.choice([-1, 1], 3) + steps).astype(np.float32)
    planes = _projections.Hyperplanes(coef, np.zeros(40, np.float32), coef.dtype)
    crossed = planes._crossed(X, float(np.abs(X).max()))
    left_out = np.setdiff1d(np.arange(40), crossed.units)
    assert left_out.size > 30
    exact = X.astype(float) @ coef[left_out].T.astype(float)
    assert_array_equal(exact > 0, np.tile(crossed.sides[left_out] > 0, (N_AROUND, 1)))
