"""Which class is predicted, whatever the order of sums, votes, samples and products."""

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris
from sklearn.preprocessing import minmax_scale

from sklearn_scd import SCDClassifier, _products
from sklearn_scd._vote_rule import count_votes, mean_probabilities, named_classes


def _model(loss="01", **parameters):
    options = {"n_estimators": 4, "max_iter": 60, "random_state": 0, **parameters}
    return SCDClassifier(loss, **options)


@pytest.mark.parametrize(
    "parameters",
    [
        {"loss": "01", "hidden_units": 1},
        {"loss": "01", "margin": 0.1},
        {"loss": "ce"},
        {"loss": "ce", "binary_weights": True},
        {"loss": "01", "binary_weights": True},
    ],
)
def test_outputs_of_networks_are_exact_sums(parameters):
    """The same as in rational numbers, from the first unit on and from the last on."""
    X, y = load_iris(return_X_y=True)
    X = minmax_scale(X)
    model = _model(**parameters).fit(X, y)
    n_rivals = 3
    active = np.einsum("nuf,if->inu", model.hidden_coef_.astype(float), X)
    active = active + model.hidden_intercept_ > 0
    outputs = model._outputs(X[::10]).reshape(15, -1)
    for i, row in enumerate(active[::10]):
        for n, units in enumerate(row):
            terms = [Fraction(float(u)) for u in model.output_coef_[n][units]]
            exact = sum(terms, Fraction(float(model.output_intercept_[n])))
            assert Fraction(outputs[i, n]) == exact
    assert outputs.shape[1] == n_rivals * model.n_estimators


def test_of_equals_the_first_is_named():
    outputs = np.array([[[2.0, 2.0, 1.0]], [[1.0, 2.0, 2.0]], [[0.0, 0.0, 0.0]]])
    assert_array_equal(named_classes(outputs), [[0], [1], [0]])
    assert_array_equal(named_classes(np.array([[[0.0], [1e-300]]])), [[0, 1]])
    counts = count_votes(np.array([[0, 2, 2, 0]]), 3)
    assert_array_equal(counts, [[2, 0, 2]])
    assert counts.argmax() == 0


def test_soft_votes_that_cancel_are_a_tie_in_any_order():
    rng = np.random.default_rng(0)
    for _ in range(200):
        half = rng.normal(scale=10, size=rng.integers(1, 8))
        outputs = rng.permutation(np.concatenate([half, -half]))
        probabilities = mean_probabilities(outputs[np.newaxis, :, np.newaxis])
        assert_array_equal(probabilities, [[0.5, 0.5]])
        more = np.append(outputs, [1e-15])[np.newaxis, :, np.newaxis]
        first, second = mean_probabilities(more)[0]
        assert second > first


def test_rivals_with_the_same_outputs_in_another_order_tie():
    rng = np.random.default_rng(1)
    for _ in range(200):
        votes = rng.normal(scale=4, size=7)
        others = votes - rng.uniform(1, 3)
        outputs = np.stack([others, rng.permutation(votes), votes], axis=1)
        probabilities = mean_probabilities(outputs[np.newaxis])[0]
        assert probabilities[1] == probabilities[2] > probabilities[0]
        assert math.isclose(probabilities.sum(), 1.0)


@pytest.mark.parametrize("binary_weights", [False, True])
@pytest.mark.parametrize(("n_units", "n_classes"), [(0, 2), (0, 3), (3, 3), (40, 2)])
def test_a_prediction_does_not_depend_on_the_other_samples(
    n_units, n_classes, binary_weights
):
    """Samples within float32's rounding of hyperplanes, alone and among others."""
    rng = np.random.default_rng(0)
    n_features = 600
    X = rng.random((60, n_features), dtype=np.float32)
    y = np.arange(60) % n_classes
    model = _model(
        hidden_units=n_units,
        n_estimators=2,
        max_iter=20,
        binary_weights=binary_weights,
    ).fit(X, y)
    rows = model.hidden_coef_.reshape(-1, n_features).astype(np.float64)
    offsets = model.hidden_intercept_.ravel().astype(np.float64)
    if n_units == 0 and n_classes > 2:  # where two rivals' outputs tie
        rows, offsets = (
            rows - rows[[1, 2, 0, 4, 5, 3]],
            offsets - offsets[[1, 2, 0, 4, 5, 3]],
        )
    lengths = np.linalg.norm(rows, axis=1)
    near = np.concatenate(
        [
            X - ((X @ row + offset) / length**2)[:, np.newaxis] * row
            for row, offset, length in zip(rows, offsets, lengths, strict=True)
        ]
    ).astype(np.float32)
    values = near.astype(np.float64) @ rows.T + offsets
    assert (np.abs(values) < 1e-5).any(axis=1).all()
    together = model._outputs(near)
    alone = np.concatenate([model._outputs(x[np.newaxis]) for x in near])
    assert_array_equal(named_classes(together), named_classes(alone))
    if n_units:
        assert_array_equal(together, alone)
        sides = near.astype(np.float64) @ rows.T + offsets > 0
        shape = (len(near), *model.output_coef_.shape)
        expected = (sides.reshape(shape) * model.output_coef_).sum(axis=2)
        expected = expected + model.output_intercept_
        assert_array_equal(together.reshape(len(near), -1), expected)


def test_float32_alone_would_decide_otherwise(monkeypatch):
    """What the test above guards against does happen."""
    rng = np.random.default_rng(0)
    X = rng.random((60, 600), dtype=np.float32)
    model = _model(hidden_units=3, n_estimators=1, max_iter=20).fit(
        X, np.arange(60) % 2
    )
    row = model.hidden_coef_[0, 0].astype(np.float64)
    offset = float(model.hidden_intercept_[0, 0])
    near = (X - (X @ row + offset)[:, np.newaxis] * row).astype(np.float32)
    exact = model._outputs(near)
    monkeypatch.setattr(_products, "rounding_factor", lambda *args: -1.0)
    assert (model._outputs(near) != exact).any()


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_rounding_at_any_scale(scale):
    rng = np.random.default_rng(0)
    X = (scale * rng.standard_normal((40, 50))).astype(np.float32)
    model = _model(n_estimators=2, hidden_units=2, max_iter=20)
    model.fit(X, X[:, 0] > 0)
    near = (
        X
        - (X @ model.hidden_coef_[0, 0] + model.hidden_intercept_[0, 0])[:, np.newaxis]
        * (model.hidden_coef_[0, 0])
    )
    sides = (
        near.astype(np.float64) @ model.hidden_coef_.reshape(-1, 50).T.astype(float)
        + model.hidden_intercept_.ravel()
        > 0
    ).reshape(40, 2, 2)
    expected = (sides * model.output_coef_).sum(axis=2) + model.output_intercept_
    assert_array_equal(model._outputs(near)[:, :, 0], expected)
