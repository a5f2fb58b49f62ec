"""Samples at any mean and scale, and the check of a map against the oracle."""

import warnings
from fractions import Fraction

import numpy as np
from _affine_oracle import image, rational
from scipy import sparse
from sklearn.base import clone
from sklearn.cross_decomposition import CCA, PLSSVD, PLSCanonical, PLSRegression
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from sklearn_scd.affine import affine_map

SCALERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    MinMaxScaler((-1, 2)),
    MaxAbsScaler(),
    RobustScaler(),
    RobustScaler(with_centering=False, unit_variance=True),
    RobustScaler(with_scaling=False),
]

# Mean and scale of each feature.
PLACES = {
    "at zero": (np.zeros(4), np.ones(4)),
    "mean 1e12": (np.full(4, 1.7e12), np.full(4, 1e10)),
    "mean 1e13, scale 1": (np.full(4, -1e13), np.ones(4)),
    "scale 1e-30": (np.full(4, 3e-30), np.full(4, 1e-30)),
    "scale 1e30": (np.full(4, 3e30), np.full(4, 1e30)),
    "all scales": (
        np.array([0, 1e12, 1e-30, -1e30]),
        10.0 ** np.array([0, 9, -30, 30]),
    ),
}


def samples(place, dtype=np.float64, n=40, seed=0):
    mean, scale = PLACES[place]
    rng = np.random.RandomState(seed)
    y = np.arange(n) % 3
    return (mean + scale * (rng.standard_normal((n, 4)) + y[:, None])).astype(dtype), y


def fitted(step, X, y):
    step = clone(step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(step, (PLSRegression, PLSCanonical, PLSSVD, CCA)):
            return step.fit(X, np.stack([y, y**2], axis=1).astype(float))
        return step.fit(X, y)


def dense(matrix):
    return matrix.toarray() if sparse.issparse(matrix) else np.asarray(matrix)


def claims(affine, x):
    """The map at a sample and its bound, as the docstring says, in fractions."""
    steps = [a - c for a, c in zip(rational(x), rational(affine.centre), strict=True)]
    values, bounds = [], []
    for row, coef, value, floor in zip(
        dense(affine.matrix), dense(affine.rounding_coef), affine.value,
        affine.rounding_floor, strict=True,
    ):  # fmt: skip
        terms = [a * b for a, b in zip(rational(row), steps, strict=True)]
        values.append(sum(terms, Fraction(float(value))))
        terms = [a * abs(b) for a, b in zip(rational(coef), steps, strict=True)]
        bounds.append(sum(terms, Fraction(float(floor))))
    return values, bounds


def assert_holds(step, X, affine=None, precision=None):
    """What is computed, and what the oracle says, are within the bound of the map."""
    affine = affine_map(step, dtype=X.dtype) if affine is None else affine
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got = dense(step.transform(X))
    assert got.dtype == affine.dtype or got.dtype.kind != "f"
    assert got.shape == (len(X), affine.n_out)
    sizes = rational(np.abs(got.astype(np.float64)).max(axis=0))
    for x, z in zip(X, got, strict=True):
        values, bounds = claims(affine, x)
        truth = image(step, rational(x))
        for value, bound, computed, true, size in zip(
            values, bounds, rational(z), truth, sizes, strict=True
        ):
            assert abs(computed - value) <= bound
            assert abs(true - value) <= bound
            if precision is not None:
                assert bound <= precision * size
