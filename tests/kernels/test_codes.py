"""Data of few values are one byte a number, and train the same networks."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_scd import SCDClassifier, _training_set
from sklearn_scd._kernels.codes import MOST_VALUES, encode_columns, find_codes

FITTED = ["hidden_coef_", "hidden_intercept_", "output_coef_", "output_intercept_"]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["one", "whole", "fractions", "wide"])
def test_values_read_back_are_what_they_were_to_the_bit(kind, dtype, order):
    rng = np.random.default_rng(0)
    values = {
        "one": np.zeros(1),
        "whole": np.arange(-5.0, 30.0),
        "fractions": np.arange(MOST_VALUES) / dtype(255),
        "wide": np.r_[-0.0, 0.0, 10.0 ** np.linspace(-30, 30, 200)],
    }[kind].astype(dtype)
    X = np.asarray(rng.choice(values, (300, 70)), dtype=dtype, order=order)
    X[:290] = values[0]  # the others come late
    rows = rng.permutation(300)
    found = find_codes(X)
    columns = np.empty((70, 300), dtype=np.uint8)
    encode_columns(X, rows, found.multiplier, found.codes, columns)
    read = found.values[columns].astype(dtype)
    assert read.tobytes() == np.ascontiguousarray(X[rows].T).tobytes()
    assert (np.diff(found.values) >= 0).all()  # of the least code is the least value


def test_as_many_values_as_a_byte_has_and_no_more():
    values = np.random.default_rng(0).standard_normal(MOST_VALUES + 1)
    few, many = np.resize(values[:-1], (600, 5)), np.resize(values[:-1], (600, 5))
    many[-1, -1] = values[-1]
    assert find_codes(few).values.size == MOST_VALUES
    assert find_codes(many) is None
    assert find_codes(np.random.default_rng(1).standard_normal((5, 600))) is None


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "01"},
        {"loss": "ce", "early_stopping": True},
        {"loss": "ce", "binary_weights": True, "max_iter": 200},
        {"loss": "radius", "margin": 0.5},
    ],
)
def test_networks_are_those_of_the_values_themselves(params, monkeypatch):
    rng = np.random.default_rng(0)
    X = (rng.integers(0, 200, (150, 9)) / np.float32(199)).astype(np.float32)
    y = X[:, 0] + X[:, 1] * X[:, 2] + 0.1 * rng.standard_normal(150) > 0.8
    model = SCDClassifier(
        **{"n_estimators": 2, "max_iter": 40, "random_state": 0, **params}
    )
    coded = [getattr(model.fit(X, y), name) for name in FITTED]
    calls = []
    monkeypatch.setattr(_training_set, "find_codes", calls.append)
    plain = [getattr(model.fit(X, y), name) for name in FITTED]
    assert calls  # none is found
    for a, b in zip(coded, plain, strict=True):
        assert_array_equal(a, b)
