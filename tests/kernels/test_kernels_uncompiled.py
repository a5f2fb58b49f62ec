"""The kernels as plain Python, and compiled with checks of every index.

Both take a process of their own: this file, run as a program, does the work there.
"""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import sklearn_scd
from sklearn_scd import SCDClassifier
from sklearn_scd._kernels.convolution import LANES, active_shares, in_lanes
from sklearn_scd._kernels.rows import copy_values
from sklearn_scd.robustness._hyperplanes import knapsack as robustness

FITTED = ["hidden_coef", "hidden_intercept", "output_coef", "output_intercept"]


def _fits(dtype):
    """Parameters and data that between them reach all that training does."""
    rng = np.random.default_rng(0)
    whole = np.dtype(dtype).kind == "u"
    X = rng.integers(0, 30, (40, 4)) if whole else rng.standard_normal((40, 4)) * 9 + 20
    X, y = X.astype(dtype), np.arange(40) % 2
    X[:, 1], X[5] = 7, X[4]  # a constant feature; equal samples, different labels
    for loss, binary, units, margin in product(
        ["01", "ce"], [False, True], [0, 3], [0.0, 2.0]
    ):
        yield (
            {
                "loss": loss,
                "binary_weights": binary,
                "hidden_units": units,
                "margin": margin,
                "max_iter": 15,
            },
            X,
            y,
        )
    # Three classes and noise; an early stop; rows held out; outputs without a slope;
    # many features.
    three = y + (X[:, 0] > 20)
    yield {"noise": 1.0, "margin": 1.0, "max_iter": 5}, X, three
    yield {"loss": "01", "max_iter": 15, "n_iter_no_change": 2}, X, y
    for loss in ["01", "ce"]:
        held_out = {"early_stopping": True, "validation_fraction": 0.2}
        yield {"loss": loss, "margin": 1.0, "max_iter": 15, **held_out}, X, y
    yield {"output_learning_rate": 1000.0, "max_iter": 15}, X, y
    yield {"max_iter": 3}, np.hstack([X, X + 1, X[:, :1]]), y
    # Projections that are computed afresh; light samples.
    moving = {"hidden_units": 1, "max_iter": 500, "learning_rate": 0.3}
    yield {"loss": "01", "subsample": 0.5, **moving}, X[:20, [0, 2, 3]], y[:20]
    X = np.vstack([X] * 8) + rng.integers(0, 9, (320, 4)).astype(dtype)
    yield {"output_learning_rate": 3.0, "max_iter": 40}, X, (X[:, 0] > 25).astype(int)
    radius = {"loss": "radius", "margin": 2.0, "max_iter": 9}
    inside = (abs(X[:, 0] - X[:, 0].mean()) < 4).astype(int)
    yield {"hidden_units": 5, "n_iter_no_change": 2, **radius}, X[:90], inside[:90]
    yield {"hidden_units": 0, "noise": 1.0, **radius}, X[:40], inside[:40]
    yield {"early_stopping": True, "class_weight": "balanced", **radius}, X, inside
    by_inputs = {"margin_norm": np.inf, "hidden_units": 5}
    yield {**radius, **by_inputs}, X[:90, [0, 2, 3, 1, 0]], inside[:90]


def _extreme_fits(dtype):
    """Values at both ends of what a dtype holds."""
    rng = np.random.default_rng(1)
    limits = np.finfo(dtype)
    for largest in [limits.smallest_subnormal, limits.tiny, limits.max / 2**16]:
        base = rng.uniform(-1, 1, (12, 3))
        for loss in ["01", "ce"]:
            yield {"loss": loss, "max_iter": 5}, (base * largest).astype(dtype)


def _robustness(rng):
    """Every kernel of the certificates and attacks, on few units and votes."""
    costs, changes = rng.random((6, 5)), rng.standard_normal((6, 5))
    changes[:, 0] = 0
    costs[2, 1] = np.inf
    for n_rivals in [1, 3]:
        n_votes = 6 // n_rivals
        outputs = rng.standard_normal((n_votes, n_rivals))
        named = outputs.argmax(axis=1) if n_rivals > 1 else (outputs[:, 0] > 0) * 1
        prices = np.empty((n_votes, max(n_rivals, 2)))
        for measure in range(3):
            robustness.vote_costs(
                measure, costs, changes, outputs, np.zeros(len(changes)), named, prices
            )
            yield f"costs {n_rivals} {measure}", prices.copy()
        capped = costs.copy()
        robustness.cap_costs(prices, 1.5, changes, named, capped)
        yield f"capped {n_rivals}", capped
    for need in [-1.0, 0.5, 2.0, 99.0]:
        for one in [robustness.cheapest_set, robustness.bottleneck]:
            yield f"{one.__name__} {need}", np.array(one(costs[0], changes[0], need))
        members = np.empty(5, dtype=bool)
        spent = robustness.greedy_set(costs[0], abs(changes[0]), need, members)
        yield f"greedy {need}", np.append(members, spent)
    normals = rng.standard_normal((5, 4))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    products, rows = normals @ normals.T, np.array([3, 0, 4])
    sides, multipliers, moves = np.array([1.0, -1, 1]), np.zeros(3), np.zeros(5)
    robustness.dual_ascent(
        products, rows, sides, rng.random(3), multipliers, moves, 500, 1e-6
    )
    yield "dual_ascent", np.append(multipliers, moves)
    weighed = np.empty((3, 3))
    robustness.weigh_products(products, rows, rng.random(3), weighed)
    yield "weighed", weighed


def _convolution(rng):
    """Two groups of units, regions of one patch to five; sums are exact."""
    X = rng.integers(0, 9, (3, 30)).astype(np.float32)
    coef = rng.integers(-4, 5, (LANES + 3, 4)).astype(np.float32)
    intercept = rng.integers(-9, 9, len(coef)).astype(np.float32)
    offsets, starts = np.array([0, 1, 6, 7]), rng.permutation(23)[:13]
    counts, out = np.empty(LANES, np.int32), np.empty((3, 4, len(coef)), np.float32)
    active_shares(
        X, offsets, starts, np.array([0, 1, 5, 10, 13]), *in_lanes(coef, intercept),
        counts, out,
    )  # fmt: skip
    yield "shares", out


@np.errstate(all="raise", over="ignore", under="ignore")  # hashes overflow
def results(dtypes):
    """What kernels give, by name."""
    found = dict(_robustness(np.random.default_rng(2)))
    found |= _convolution(np.random.default_rng(3))
    for dtype in dtypes:
        fits = list(_fits(dtype))
        if np.dtype(dtype).kind == "f":
            labels = np.arange(12) % 2
            fits += [(params, X, labels) for params, X in _extreme_fits(dtype)]
        for i, (params, X, y) in enumerate(fits):
            params = {"n_estimators": 1, "hidden_units": 3, **params}
            model = SCDClassifier(**params, random_state=i).fit(X, y)
            for name in [*FITTED, "loss_curve", "n_iter"]:
                found[f"{dtype} {i} {name}"] = getattr(model, f"{name}_")
            found[f"{dtype} {i} outputs"] = model._outputs(X)
    return found


def _results_elsewhere(path, dtypes, **environment):
    """Results of a fresh process."""
    done = subprocess.run(
        [sys.executable, "-W", "error", __file__, path, *dtypes],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(sklearn_scd.__file__).parents[1]),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return np.load(path)


def _assert_same_bits(got, expected):
    assert set(got.files) == set(expected)
    for name, array in expected.items():
        assert got[name].dtype == array.dtype, name
        np.testing.assert_array_equal(got[name], array, err_msg=name)


@pytest.mark.slow
def test_plain_python_gives_the_bits_of_the_compiled_kernels(tmp_path):
    # So does a fresh process, and one without kernels on disk.
    dtypes = ["uint8", "float32", "float64"]
    plain = _results_elsewhere(tmp_path / "a.npz", dtypes, NUMBA_DISABLE_JIT="1")
    _assert_same_bits(plain, results(dtypes))


@pytest.mark.slow
def test_no_kernel_reads_or_writes_beyond_an_array(tmp_path):
    # Compiled code has checks or not: it needs a cache of its own, and a minute or two
    # to fill it. It is kept beside that of the other tests, where they have one.
    cache = Path(os.environ.get("NUMBA_CACHE_DIR", tmp_path)) / "with-checks"
    checked = _results_elsewhere(
        tmp_path / "a.npz",
        ["float32"],
        NUMBA_BOUNDSCHECK="1",
        NUMBA_CACHE_DIR=str(cache),
    )
    _assert_same_bits(checked, results(["float32"]))


def main(path, *dtypes):
    if os.environ.get("NUMBA_BOUNDSCHECK") == "1":
        room = np.zeros(8)
        with pytest.raises(IndexError):  # or nothing is checked
            copy_values(np.ones(2), room[:1])
    np.savez(path, **results(dtypes))


if __name__ == "__main__":
    main(*sys.argv[1:])
