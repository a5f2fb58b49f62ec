"""Which products with hyperplanes are computed never shows in what a model says."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_blobs

from sklearn_scd import SCDClassifier, _products

N_AROUND = 60  # more than are asked about as few


@pytest.fixture(
    params=["float64", "float32", "binary", "float64 by hand", "binary by hand"]
)
def model(request):
    kind, *by_hand = request.param.split(maxsplit=1)
    dtype = "float64" if kind == "float64" else "float32"
    X, y = make_blobs(200, 12, centers=2, cluster_std=4.0, random_state=0)
    model = SCDClassifier(
        n_estimators=5, hidden_units=30, max_iter=30, random_state=0,
        loss="ce", binary_weights=kind == "binary",
    ).fit(X.astype(dtype), y)  # fmt: skip
    if by_hand:  # the same sides, of rows that are longer than those of a fit
        factors = np.where(np.arange(30) % 3, 64, 1)
        model.hidden_coef_ = model.hidden_coef_ * factors[:, None].astype(
            model.hidden_coef_.dtype
        )
        model.hidden_intercept_ = model.hidden_intercept_ * factors.astype(
            model.hidden_intercept_.dtype
        )
    return model


@pytest.fixture
def counted(monkeypatch):
    """Take every model for a large one; count the units of each product."""
    counts = []
    product = _products._product

    def counting(X, coef):
        counts.append(len(coef) * len(X))
        return product(X, coef)

    monkeypatch.setattr(_products, "_LARGE", 0)
    monkeypatch.setattr(_products, "_product", counting)
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
    return point + steps


@pytest.mark.parametrize("size", [1e-7, 1e-3, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_samples_around_a_point_have_the_outputs_that_each_has_alone(
    model, counted, dtype, size
):
    """What a cast to the model's dtype loses may be more than they lie apart."""
    rng = np.random.default_rng(0)
    for unit in (None, 3, 77):
        X = _around(model, rng, size, unit).astype(dtype)
        counted.clear()
        together = model._outputs(X)
        n_products = sum(counted)
        alone = np.concatenate([model._outputs(row) for row in X[:, np.newaxis]])
        assert_array_equal(together, alone)
        if size <= 1e-3:
            assert n_products < 0.2 * len(X) * 150
        if size == 30.0:  # nothing to be saved: all products, and the first look
            assert len(X) * 150 <= n_products < 1.1 * len(X) * 150


def _sides(coef, intercept, X):
    """``w . x + b`` in rational numbers."""
    exact = [
        [
            sum(
                (Fraction(float(w)) * Fraction(float(x))
                 for w, x in zip(row, sample, strict=True)),
                Fraction(float(b)),
            )
            for row, b in zip(coef, intercept, strict=True)
        ]
        for sample in X
    ]  # fmt: skip
    return np.array(exact, dtype=object)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("longest", [1, 2**10])
def test_a_side_is_known_only_where_it_is_exactly_so(counted, dtype, longest):
    """In rational numbers; distances of hyperplanes are near what the samples reach."""
    rng = np.random.default_rng(1)
    n_around = n_near = 0
    for shrink in (1, 1e-2, 1e-4):
        for _ in range(8):
            coef = rng.standard_normal((40, 6))
            coef = (coef / np.linalg.norm(coef, axis=1, keepdims=True)).astype(dtype)
            centre = rng.normal(scale=10.0, size=6)
            w = coef[np.arange(N_AROUND) % 40].astype(float)
            X = (centre - 0.5 * shrink * w).astype(dtype)
            distance = shrink * rng.uniform(0.45, 0.55, 40)
            distance[::2] *= rng.choice([5, 50, 500], 20)
            intercept = (distance - coef.astype(float) @ centre).astype(dtype)
            coef[1], intercept[1] = np.eye(6)[0], -X[7, 0]  # one sample lies on it
            if longest > 1:  # put in by hand
                coef[5:9] *= dtype(longest)
                intercept[5:9] *= dtype(longest)
            planes = _products.Hyperplanes(coef, intercept, np.dtype(dtype))
            found = planes._project_around(X, float(np.abs(X).max()))
            if found is None:
                continue
            n_around += 1
            positive = _sides(coef, intercept, X) > 0
            known = np.isinf(found)
            assert_array_equal(found[known] > 0, positive[known])
            if dtype == np.float32:
                near = np.broadcast_to(-intercept, found.shape)[~known]
                assert_array_equal(found[~known], near)
                n_near += near.size
    assert n_around > 8
    assert dtype == np.float64 or n_near >= n_around


def test_samples_whose_sum_overflows_are_not_looked_at_together():
    rng = np.random.default_rng(0)
    coef = np.eye(3, dtype=np.float32)
    X = np.full((N_AROUND, 3), 3e37, dtype=np.float32)
    X += rng.normal(scale=1e33, size=X.shape).astype(np.float32)
    planes = _products.Hyperplanes(coef, np.zeros(3, np.float32), coef.dtype)
    assert planes._project_around(X, 3.1e37) is None
    assert planes._project_around(X[:5], 3.1e37) is not None
