"""Kernels against their naive twins: every threshold tried, every loss summed."""

import numpy as np
import pytest

from sklearn_scd import _reference as reference
from sklearn_scd._ensemble import (
    binary_problem,
    hold_out,
    network_seed,
    settings_for,
    start_network,
)
from sklearn_scd._kernels import losses
from sklearn_scd._kernels.contenders import find_contenders
from sklearn_scd._kernels.network import Network, rebuild_drive, set_output_weight
from sklearn_scd._kernels.output_01 import _best_output_step, _write_move
from sklearn_scd._kernels.output_ce import refit_bias, step_bounds, subset_loss
from sklearn_scd._kernels.random import draw_sorted, random_below, shuffle_front
from sklearn_scd._kernels.rows import project
from sklearn_scd._kernels.steps import (
    best_step,
    cancels,
    list_steps,
    make_scratch,
    norm_growth,
    reach_of,
    shift_values,
)
from sklearn_scd._kernels.threshold import (
    Samples,
    best_score,
    place_threshold,
    search_space,
)
from sklearn_scd._kernels.training import Data, Settings, train
from sklearn_scd._training_set import training_set

KINDS = ["continuous", "ties", "equal", "offset", "outliers", "neighbours"]


def _values(kind, n, dtype, rng):
    if kind == "continuous":
        return rng.standard_normal(n).astype(dtype)
    if kind == "ties":
        return rng.integers(0, 4, n).astype(dtype)
    if kind == "equal":
        return np.full(n, 3.5, dtype=dtype)
    if kind == "offset":  # steps are of the size of rounding
        return (1e6 + rng.standard_normal(n)).astype(dtype)
    if kind == "coarse":  # rounding moves values by many bins
        return (2.0 ** (24 if dtype is np.float32 else 53) + 4 * rng.standard_normal(n)
                ).astype(dtype)  # fmt: skip
    if kind == "outliers":  # almost all in one bin
        return (rng.standard_normal(n) * 10.0 ** rng.integers(-8, 8, n)).astype(dtype)
    neighbours = np.array([1.0], dtype=dtype)
    return np.nextafter(neighbours, dtype(2)) ** rng.integers(0, 3, n).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_threshold_search_equals_trying_every_threshold(kind, dtype):
    rng = np.random.default_rng(0)
    for n in [1, 2, 3, 7, 40, 300, 2000]:
        for n_positive in {0, 1, n // 2, n}:
            values = _values(kind, n, dtype, rng)
            gains = rng.integers(1, rng.choice([2, 5, 2**40]), n)
            gains[n_positive:] *= -1
            space = search_space(n)
            score = best_score(values, gains, n_positive, space)
            threshold = place_threshold(values, gains, n_positive, score, space)
            expected_score, expected = reference.best_threshold(values, gains)
            assert score == expected_score
            assert threshold == expected
            assert gains[values > threshold].sum() == score


def _best_steps(columns, features, weights, step, binary, margin, samples):
    """The search's best step, and that of every threshold of every step."""
    rows, values, gains, n_positive = samples
    dtype = values.dtype.type
    scratch = make_scratch(values[np.newaxis], columns)
    steps = np.empty((features.size, 1 if binary else 2), dtype)
    growths = np.empty_like(steps)
    list_steps(weights, features, step, binary, margin, steps, growths)
    bar = best_score(values, gains, n_positive, scratch.space)
    got = best_step(
        columns, columns.min(axis=1).astype(dtype), columns.max(axis=1).astype(dtype),
        features, steps, growths, samples, bar, scratch,
    )  # fmt: skip
    expected = bar, -1, 0
    for k, f in enumerate(features):
        sides = (-2 * weights[f],) if binary else (dtype(step), -dtype(step))
        for side, s in enumerate(sides):
            x = columns[f, rows].astype(dtype)
            growth = dtype(float(margin) * norm_growth(weights[f], s))
            worse = np.where(gains > 0, growth, -growth)
            score, _ = reference.best_threshold(values + s * x - worse, gains)
            if score > expected[0]:
                expected = score, k, side
    return got, expected


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_best_step_equals_trying_every_threshold_of_every_step(kind, dtype, binary):
    rng = np.random.default_rng(0)
    n_rows, n_features = 400, 6
    columns = rng.integers(0, 9, (n_features, n_rows)).astype(np.uint8)
    columns[2] = 5
    columns[3] = columns[4]
    features = rng.permutation(n_features)
    found = 0
    for n in [1, 5, 60, 400]:
        for n_positive in {1, n // 2, n}:
            for step in [1e-3, 0.17, 3.0]:
                values = _values(kind, n, dtype, rng)
                gains = (2.0 ** rng.uniform(0, 40, n)).astype(np.int64)  # many light
                gains[n_positive:] *= -1
                rows = np.sort(rng.permutation(n_rows)[:n]).astype(np.uint32)
                margin = dtype(0 if binary else rng.choice([0.0, 0.1, 1.0, 10.0]))
                weights = rng.choice([-1.0, 1.0], n_features).astype(dtype)
                if not binary:
                    weights *= 0.1  # no step of these cancels the row
                samples = Samples(rows, values, gains, n_positive)
                got, expected = _best_steps(
                    columns, features, weights, step, binary, margin, samples
                )
                assert got == expected
                found += expected[1] >= 0
    assert kind == "equal" or found > 0  # or this test shows nothing


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("margin", [0.0, 30.0, 300.0])
def test_best_step_that_gains_one_sample_or_only_by_the_margin(margin, dtype):
    """Bounds are at their tightest: nearly all samples are right, columns nearly equal.

    A step helps by a single sample of weight 1, or by what it takes off the margin.
    """
    rng = np.random.default_rng(1)
    by_one = 0
    for n in np.repeat([12, 30, 60, 120], 40):
        columns = rng.integers(0, 2, (4, n)).astype(np.uint8)
        columns[:2] = 7  # no step on these tells samples apart
        n_positive = int(rng.integers(1, n))
        gains = np.where(np.arange(n) < n_positive, 1, -1)
        values = (rng.normal(1.5, 1, n) * gains).astype(dtype)
        samples = Samples(np.arange(n, dtype=np.uint32), values, gains, n_positive)
        got, expected = _best_steps(
            columns, rng.permutation(4), np.full(4, 0.1, dtype), 0.1, False,
            dtype(margin), samples,
        )  # fmt: skip
        assert got == expected
        bar = best_score(values, gains, n_positive, search_space(n))
        by_one += got[0] == bar + 1
    assert by_one > 10  # or this test shows little


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["continuous", "offset", "coarse"])
def test_no_step_moves_a_value_beyond_its_reach(kind, dtype):
    rng = np.random.default_rng(0)
    n, features = 500, np.arange(3)
    furthest = []
    for step, margin in [(1e-3, 0.0), (0.17, 0.0), (0.17, 3.0), (0.17, 50.0)]:
        columns = rng.integers(0, 9, (3, n)).astype(np.uint8)
        low, high = columns.min(axis=1), columns.max(axis=1)
        values, gains = _values(kind, n, dtype, rng), np.ones(n, dtype=np.int64)
        samples = Samples(np.arange(n, dtype=np.uint32), values, gains, n // 2)
        weights = np.full(3, 0.1, dtype)
        steps, growths = np.empty((3, 2), dtype), np.empty((3, 2), dtype)
        list_steps(weights, features, step, False, dtype(margin), steps, growths)
        reach = reach_of(
            low.astype(dtype), high.astype(dtype), features, steps, growths, values
        )
        moves = []
        for k, side in np.ndindex(3, 2):
            s, out = steps[k, side], np.empty(n, dtype)
            shifted = shift_values(columns[k], samples, s, growths[k, side], out)
            centre = 0.5 * (int(low[k]) + int(high[k]))
            moved = shifted.astype(float) - values - float(s) * centre
            moves.append(np.abs(moved).max())
        furthest.append(max(moves) / reach)
    assert 0.05 < max(furthest) <= 1


def test_contenders_and_those_above_them_are_each_sample_once():
    rng = np.random.default_rng(0)
    on_the_edge = 0
    for _ in range(400):
        n = int(rng.integers(30, 200))
        n_positive = int(rng.integers(1, n))
        gains = 2 ** rng.integers(0, 12, n)  # limits between light and heavy are such
        gains[n_positive:] *= -1
        values = rng.integers(-500, 500, n) / 8
        values[: n_positive // 2] += 40.0
        rows = np.arange(n, dtype=np.uint32)
        samples = Samples(rows, values, gains, n_positive)
        scratch = make_scratch(values[np.newaxis], np.zeros((1, n), np.uint8))
        space, work = scratch.space, scratch.contenders
        bar = best_score(values, gains, n_positive, space)
        found = find_contenders(samples, bar, 0.5, work, space)
        # Where the window's end is moved to a sample, it still counts once.
        above = values[(values > found.high) & (values < found.high + 2)]
        for reach in (0.5, *(above - found.high)):
            found = find_contenders(samples, bar, reach, work, space)
            if found.low > found.high:
                assert found.rows.size == 0
                continue
            low, high = found.low - reach, found.high + reach
            inside = (low <= values) & (values <= high)
            assert sorted(found.rows) == np.flatnonzero(inside).tolist()
            assert found.on_gain == gains[values > high].sum()
            light = found.gains[found.heavy : found.light_positive]
            assert found.light_gain == light.sum() >= 0
            on_the_edge += (values == high).sum()
    assert on_the_edge > 10  # or this test shows little


def _problem(rng, kind, dtype):
    """Random training problem with what makes searches hard."""
    n_rows, n_features = rng.integers(4, 60), rng.integers(1, 12)
    if kind == "integers":
        X = rng.integers(0, 6, (n_rows, n_features))
    else:
        X = rng.standard_normal((n_rows, n_features)) * 50 + 100
    X = X.astype(dtype)
    X[:, rng.random(n_features) < 0.2] = 7  # constant features
    if n_features > 2:
        X[:, 1] = X[:, 0]  # candidates of equal score
    y = rng.integers(0, 2, n_rows)
    y[:2] = 0, 1
    weights = rng.integers(1, 4, n_rows) if rng.random() < 0.5 else np.ones(n_rows)
    return binary_problem(training_set(X, y, weights.astype(float), 2), 1)


def _options(rng, loss, binary, hidden_units):
    return {
        "loss": loss,
        "binary_weights": binary,
        "hidden_units": hidden_units,
        "max_iter": 25,
        "n_candidates": 1,
        "learning_rate": rng.choice([0.05, 0.17, 1.0]),
        "output_learning_rate": rng.choice([0.05, 0.2, 1.0]),
        "subsample": rng.choice([0.5, 0.75, 1.0]),
        "tol": 0.0,
        "n_iter_no_change": rng.choice([None, 10]),
        "margin": 0.0,
        "margin_growth": rng.choice([0.0, 0.6]),
    }


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("hidden_units", [0, 1, 5])
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("loss", ["01", "ce"])
def test_training_follows_the_reference_step_by_step(loss, binary, hidden_units, dtype):
    rng = np.random.default_rng([hidden_units, binary, loss == "ce"])
    for case in range(12):
        data = _problem(rng, "integers" if dtype == np.uint8 else "real", dtype)
        n_features = data.columns.shape[0]
        options = _options(rng, loss, binary, hidden_units)
        options["n_candidates"] = rng.integers(1, n_features + 1)
        if case % 2:
            options["margin"] = rng.choice([0.1, 1.0, 10.0]) * data.columns.std()
        settings = settings_for(data, options)
        n_units = max(hidden_units, 1)
        weights = rng.standard_normal((n_units, n_features)).astype(data.lowest.dtype)
        u = rng.standard_normal(n_units)
        if case % 3 == 0 and n_features > 1:
            weights[:, 0] = 0
        state = network_seed(case, 0, 0)[1:]
        twin = reference.ReferenceNetwork(data, weights, u, settings, state.copy())
        expected_curve = twin.train()
        network = start_network(data, settings, weights, u)
        curve = np.full(settings.max_iter, np.nan, dtype=np.float32)
        held = hold_out(None, data, network, settings.max_iter)
        n_iter, best_loss = train(data, network, settings, state, curve, held)
        assert n_iter == len(expected_curve)
        np.testing.assert_array_equal(curve[:n_iter], np.float32(expected_curve))
        np.testing.assert_array_equal(network.projections, twin.V)  # the last iterate's
        np.testing.assert_array_equal(network.n_moves, twin.n_moves)
        np.testing.assert_array_equal(state, twin.state)
        np.testing.assert_array_equal(network.weights, twin.W)
        np.testing.assert_array_equal(network.thresholds, twin.thresholds)
        np.testing.assert_array_equal(network.u, twin.u)
        assert network.c[0] == twin.c
        assert best_loss == twin.best_loss


def test_projections_are_computed_afresh_as_in_the_reference():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 3)).astype(np.float32)
    y = rng.integers(0, 2, 30)
    y[:2] = 0, 1
    data = binary_problem(training_set(X, y, np.ones(30), 2), 1)
    options = _options(rng, "01", False, 1)
    options.update(max_iter=700, n_candidates=3, subsample=0.5, learning_rate=0.3)
    options["n_iter_no_change"] = None
    settings = settings_for(data, options)
    weights, u = rng.standard_normal((1, 3)).astype(np.float32), np.ones(1)
    state = network_seed(0, 0, 0)[1:]
    twin = reference.ReferenceNetwork(data, weights, u, settings, state.copy())
    moves = []
    take_step = twin.take_step
    twin.take_step = lambda j, *step: (moves.append(j), take_step(j, *step))
    expected_curve = twin.train()
    assert len(moves) > reference.REFRESH  # or this test shows nothing
    curve = np.empty(settings.max_iter, dtype=np.float32)
    network = start_network(data, settings, weights, u)
    held = hold_out(None, data, network, settings.max_iter)
    train(data, network, settings, state.copy(), curve, held)
    np.testing.assert_array_equal(curve, np.float32(expected_curve))
    np.testing.assert_array_equal(network.projections, twin.V)  # the last iterate's
    np.testing.assert_array_equal(network.weights, twin.W)


def test_bias_under_cross_entropy_is_the_minimum():
    rng = np.random.default_rng(0)
    for n in [2, 5, 60]:
        for n_positive in {1, n // 2, n - 1}:
            values = losses.to_grid(rng.standard_normal(n) * rng.choice([0.1, 3, 50]))
            weight = rng.integers(1, 2**30, n)
            target = np.arange(n) < n_positive
            for start in [0.0, 17.3, -1e3]:
                rows = np.arange(n, dtype=np.uint32)
                c = refit_bias(values, weight, rows, n_positive, start)
                assert c == reference.best_bias(values, target, weight)


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_a_move_is_what_the_step_adds_to_the_drive(margin):
    """Also where a row lies on the threshold, which is off, and where u turns."""
    rng = np.random.default_rng(0)
    n, start, stop = 90, 20, 55
    for u, step in [(0.5, 0.25), (0.5, -1.25), (-0.75, 1.0), (-0.5, 0.5), (0.25, -0.5)]:
        network = Network(
            np.zeros((2, 1), dtype=np.float32), np.array([2.0, 3.0], np.float32),
            np.array([u, -0.5]), np.zeros(1),
            rng.integers(0, 6, (2, n)).astype(np.float32), np.zeros(n),
            np.zeros(2, int), np.array([margin], np.float32), start, stop,
        )  # fmt: skip
        rebuild_drive(network)
        before, move = network.drive.copy(), np.empty(n, dtype=np.float32)
        _write_move(0, step, network, move)
        set_output_weight(0, u + step, network)
        np.testing.assert_array_equal(move, network.drive - before)
        is_positive = (start <= np.arange(n)) & (np.arange(n) < stop)
        worse = np.where(is_positive == (u + step > 0), margin, -margin)
        on = network.projections[0] - worse > 2
        network.u[0] = 0.0
        rebuild_drive(network)
        np.testing.assert_array_equal(before + move - network.drive, (u + step) * on)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [*KINDS, "coarse"])
def test_best_output_step_equals_trying_every_threshold(kind, dtype, binary):
    """With a margin many of the steps turn their unit round, and some of them win."""
    rng = np.random.default_rng(0)
    n_units, n_rows, start, stop = 5, 400, 90, 250
    others = np.r_[:start, stop:n_rows]
    won = []
    for _ in range(100):
        margin, step = rng.choice([0.0, 0.5, 2.0]), rng.choice([1e-3, 0.1, 0.7])
        u = rng.choice([-1.0, 1.0], n_units) * (1 if binary else rng.random(n_units))
        network = Network(
            np.zeros((n_units, 1), dtype), rng.normal(2, 1, n_units).astype(dtype),
            losses.to_grid(u), np.zeros(1),
            rng.integers(0, 6, (n_units, n_rows)).astype(dtype), np.zeros(n_rows),
            np.zeros(n_units, int), np.array([margin], dtype), start, stop,
        )  # fmt: skip
        n, n_positive = int(rng.integers(1, 120)), int(rng.integers(0, 100))
        rows = np.r_[
            rng.permutation(np.arange(start, stop))[:n_positive],
            rng.permutation(others)[:n],
        ].astype(np.uint32)
        helped = np.arange(rows.size) < n_positive
        gains = (2.0 ** rng.uniform(0, rng.choice([1, 40]), rows.size)).astype(np.int64)
        gains[~helped] *= -1
        values = _values(kind, rows.size, dtype, rng)
        samples = Samples(rows, values, gains, n_positive)
        scratch = make_scratch(network.projections, np.zeros((1, n_rows), np.uint8))
        bar = best_score(values, gains, n_positive, scratch.space)
        settings = Settings(
            False, binary, False, 0.0, step, 0, 0, 0, 0, 0.0, 0, margin, 0
        )
        units = rng.permutation(n_units)
        got = _best_output_step(units, samples, bar, settings, network, scratch)

        def firing(j, u_j, network=network, rows=rows, helped=helped):
            worse = np.where(helped == (u_j > 0), *network.margin * [1, -1])
            return network.projections[j, rows] - worse > network.thresholds[j]

        expected, turned = (bar, -1, 0.0), None
        for turning in (False, True):
            for j in units:
                u_j = network.u[j]
                for s in (-2 * u_j,) if binary else (float(dtype(step)), -dtype(step)):
                    turns = margin > 0 and (u_j + s > 0) != (u_j > 0)
                    if turns != turning or (not binary and cancels(dtype(u_j), s)):
                        continue
                    move = dtype(s) * firing(j, u_j)
                    if turns:
                        move = (u_j + s) * firing(j, u_j + s) - u_j * firing(j, u_j)
                    score, _ = reference.best_threshold(
                        values + move.astype(dtype), gains
                    )
                    if score > expected[0]:
                        expected, turned = (score, j, float(s)), turns
        assert got == expected
        won.append(turned)
    assert kind == "equal" or {True, False} <= set(won)  # or this test shows little


def test_step_bounds_are_below_the_true_change_of_the_loss():
    rng = np.random.default_rng(0)
    for scale in [0.1, 1.0, 10.0]:
        n, n_positive, n_units = 80, 30, 6
        hidden = rng.integers(0, 2, (n_units, n)).astype(np.uint8)
        hidden[0], hidden[1] = 0, 1
        values = losses.to_grid(rng.standard_normal(n) * scale)
        weight = rng.integers(2**30, 2**31, n)
        rows = np.arange(n, dtype=np.uint32)
        c = refit_bias(values, weight, rows, n_positive, 0.0)
        present = subset_loss(values, weight, rows, n_positive, c)
        steps = np.array([[0.2, -0.2]] * 3 + [[2.0, -2.0]] * 3)
        nothing = np.zeros((n_units, 1), dtype=np.float32)
        network = Network(
            nothing, np.full(n_units, 0.5, np.float32), np.zeros(n_units),
            np.array([c]), hidden.astype(np.float32), values, np.zeros(n_units, int),
            np.zeros(1, np.float32), 0, n_positive,
        )  # fmt: skip
        data = Data(hidden, nothing[:, 0], nothing[:, 0], weight, 0, n_positive)
        bounds, _ = step_bounds(
            data, rows, n_positive, network, steps, np.empty(n, int), np.empty(n, int)
        )
        tight = 0
        for j in range(n_units):
            for k, step in enumerate(steps[j]):
                shifted = values + step * hidden[j]
                best_c = refit_bias(shifted, weight, rows, n_positive, c)
                after = subset_loss(shifted, weight, rows, n_positive, best_c)
                change = (after - present) / weight.sum()
                bound = bounds[j, k] / weight.sum()
                assert bound <= change + 1e-9
                tight += change - bound < 0.25 * abs(change) + 1e-9
        assert tight >= n_units  # bounds that prune nothing would pass, too


def test_tables_of_loss_and_sigmoid_are_as_fine_as_they_say():
    a = np.concatenate([np.linspace(0, 45, 10_007), [39.999999, 40, 1e9]])
    for function, expected in [
        (losses.softplus, np.logaddexp(0, -a)),
        (losses.sigmoid, np.exp(-np.logaddexp(0, a))),
    ]:
        error = np.abs([function(v) for v in a] - expected)
        assert error.max() < 3e-11


def test_losses_are_those_of_scikit_learn():
    from sklearn.metrics import log_loss, zero_one_loss

    rng = np.random.default_rng(0)
    target, outputs = np.zeros(50, dtype=bool), rng.standard_normal(50) * 5
    target[20:45] = True
    weight = rng.integers(2**20, 2**30, 50)
    for cross_entropy, expected in [
        (True, log_loss(target, 1 / (1 + np.exp(-outputs)), sample_weight=weight)),
        (False, zero_one_loss(target, outputs > 0, sample_weight=weight)),
    ]:
        total = losses.total_loss(20, 45, weight, outputs, 0.0, cross_entropy)
        assert total / weight.sum() == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_projection_is_the_matrix_product(dtype):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 255, (700, 30)).astype(dtype)
    W = rng.standard_normal((3, 30)).astype(
        np.float64 if dtype == np.float64 else np.float32
    )
    out = np.empty((3, 700), dtype=W.dtype)
    project(np.ascontiguousarray(X.T), W, out)
    np.testing.assert_allclose(out, W @ X.T.astype(W.dtype), rtol=1e-4, atol=1e-3)
    part = np.empty((1, 700), dtype=W.dtype)  # one row alone: the same bits
    project(np.ascontiguousarray(X.T), W[1:2], part)
    np.testing.assert_array_equal(part[0], out[1])


def test_draws_are_uniform_and_without_replacement():
    state = np.array([42], dtype=np.uint64)
    out = np.empty(5, dtype=np.uint32)
    rows, fronts = np.zeros(20), np.zeros(10)
    n = 20_000
    for _ in range(n):
        draw_sorted(10, 3, 7, 4, state, out)  # from 0, 1, 2, 10, ..., 16
        assert (np.diff(out[:4].astype(int)) > 0).all()
        rows[out[:4]] += 1
        permutation = np.arange(10)
        shuffle_front(permutation, 3, state)
        assert sorted(permutation) == list(range(10))
        fronts[permutation[:3]] += 1
    np.testing.assert_allclose(rows[[0, 1, 2, *range(10, 17)]] / n, 0.4, atol=0.02)
    assert rows[3:10].sum() == rows[17:].sum() == 0
    np.testing.assert_allclose(fronts / n, 0.3, atol=0.02)
    counts = np.bincount([random_below(7, state) for _ in range(n)], minlength=7)
    np.testing.assert_allclose(counts / n, 1 / 7, atol=0.01)
