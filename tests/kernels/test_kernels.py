"""Kernels against their naive twins: every threshold tried, every loss summed."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_scd import _reference as reference
from sklearn_scd._ensemble import (
    binary_problem,
    hold_out,
    network_seed,
    settings_for,
    start_network,
)
from sklearn_scd._kernels import losses
from sklearn_scd._kernels.contenders import (
    GROUPS,
    RUNS,
    contender_space,
    find_contenders,
    group_by_weight,
    narrow,
)
from sklearn_scd._kernels.levels import level_space
from sklearn_scd._kernels.network import (
    Network,
    rebuild_drive,
    set_output_weight,
    write_firing,
    write_values_after,
)
from sklearn_scd._kernels.output_01 import best_output_step
from sklearn_scd._kernels.output_ce import (
    refit_bias,
    step_bounds,
    subset_loss,
    write_derivatives,
)
from sklearn_scd._kernels.random import draw_sorted, random_below, shuffle_front
from sklearn_scd._kernels.rows import as_columns, project, projection_space
from sklearn_scd._kernels.steps import (
    best_step,
    cancels,
    list_steps,
    make_scratch,
    norm_growth,
    reaches_of,
)
from sklearn_scd._kernels.threshold import (
    Samples,
    best_threshold,
    bin_samples,
    extent,
    search_space,
)
from sklearn_scd._kernels.training import Settings, train
from sklearn_scd._training_set import training_set

KINDS = ["continuous", "ties", "equal", "offset", "outliers", "neighbours"]


def _values(kind, n, rng):
    if kind == "continuous":
        return rng.standard_normal(n)
    if kind == "ties":
        return rng.integers(0, 4, n).astype(float)
    if kind == "equal":
        return np.full(n, 3.5)
    if kind == "offset":  # steps are of the size of rounding
        return 1e15 + rng.standard_normal(n)
    if kind == "coarse":  # rounding moves values by many bins
        return 2.0**53 + 4 * rng.standard_normal(n)
    if kind == "outliers":  # almost all in one bin
        return rng.standard_normal(n) * 10.0 ** rng.integers(-8, 8, n)
    return np.nextafter(1.0, 2.0) ** rng.integers(0, 3, n)


@pytest.mark.parametrize("kind", KINDS)
def test_threshold_search_equals_trying_every_threshold(kind):
    rng = np.random.default_rng(0)
    for n in [1, 2, 3, 7, 40, 300, 2000]:
        for n_positive in {0, 1, n // 2, n}:
            values = _values(kind, n, rng)
            gains = rng.integers(1, rng.choice([2, 5, 2**40]), n)
            gains[n_positive:] *= -1
            score, threshold, _ = best_threshold(
                values, gains, n_positive, n, search_space(n)
            )
            expected_score, expected = reference.best_threshold(values, gains)
            assert score == expected_score
            assert threshold == expected
            assert gains[values > threshold].sum() == score


def _best_steps(columns, features, weights, step, binary, margin, samples):
    """The search's best step, and that of every threshold of every step."""
    rows, values, gains, n_positive, n = samples
    scratch = make_scratch(columns.shape[1], features.size)
    steps, growths, face = scratch.steps, scratch.growths, 0
    list_steps(
        weights, features, features.size, step, binary, margin, face, steps, growths
    )
    bar, _, grid = best_threshold(values, gains, n_positive, n, scratch.space)
    low, high = columns.min(axis=1).astype(float), columns.max(axis=1).astype(float)
    got = best_step(
        as_columns(columns), low, high, features, features.size, face, samples, grid,
        bar, scratch,
    )  # fmt: skip
    expected = bar, -1, 0
    for k, f in enumerate(features):
        sides = (-2 * weights[f],) if binary else (step, -step)
        for side, s in enumerate(sides):
            x = columns[f, rows].astype(float)
            growth = margin * norm_growth(weights[f], s)
            worse = np.where(gains > 0, growth, -growth)
            score, _ = reference.best_threshold(values + s * x - worse, gains)
            if score > expected[0]:
                expected = score, k, side
    return got, expected


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_best_step_equals_trying_every_threshold_of_every_step(kind, dtype, binary):
    rng = np.random.default_rng(0)
    n_rows, n_features = 400, 6
    # Many more features than are tried: in large data they are asked for ahead.
    columns = np.zeros((1400, n_rows), dtype)
    columns[:n_features] = rng.integers(0, 9, (n_features, n_rows))
    columns[2] = 5
    columns[3] = columns[4]
    if dtype != np.uint8:
        columns[5] *= dtype(0.01)  # reaches less far than the others
    features = rng.permutation(n_features)
    found = 0
    for n in [1, 5, 60, 400]:
        for n_positive in {1, n // 2, n}:
            for step in [1e-3, 0.17, 3.0]:
                values = _values(kind, n, rng)
                gains = (2.0 ** rng.uniform(0, 40, n)).astype(np.int64)  # many light
                gains[n_positive:] *= -1
                rows = np.sort(rng.permutation(n_rows)[:n]).astype(np.uint32)
                margin = 0.0 if binary else rng.choice([0.0, 0.1, 1.0, 10.0])
                weights = rng.choice([-1.0, 1.0], n_features)
                if not binary:
                    weights *= 0.1  # no step of these cancels the row
                samples = Samples(rows, values, gains, n_positive, n)
                got, expected = _best_steps(
                    columns, features, weights, step, binary, margin, samples
                )
                assert got == expected
                found += expected[1] >= 0
    assert kind == "equal" or found > 0  # or this test shows nothing


@pytest.mark.parametrize("margin", [0.0, 30.0, 300.0])
def test_best_step_that_gains_one_sample_or_only_by_the_margin(margin):
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
        values = rng.normal(1.5, 1, n) * gains
        rows = np.arange(n, dtype=np.uint32)
        samples = Samples(rows, values, gains, n_positive, n)
        got, expected = _best_steps(
            columns, rng.permutation(4), np.full(4, 0.1), 0.1, False, margin, samples
        )
        assert got == expected
        bar, _, _ = best_threshold(values, gains, n_positive, n, search_space(n))
        by_one += got[0] == bar + 1
    assert by_one > 10  # or this test shows little


def test_steps_of_equal_score_in_any_order_of_reach():
    """Steps that reach furthest are scored first, but of equals the first one wins."""
    rng = np.random.default_rng(0)
    places = []
    for _ in range(200):
        n = int(rng.integers(5, 40))
        columns = (rng.integers(0, 2, (8, n)) * 10.0 ** rng.integers(-1, 3, (8, 1))
                   ).astype(np.float32)  # fmt: skip
        n_positive = int(rng.integers(1, n))
        gains = np.where(np.arange(n) < n_positive, 1, -1)
        rows = np.arange(n, dtype=np.uint32)
        samples = Samples(rows, rng.normal(0, 1, n), gains, n_positive, n)
        got, expected = _best_steps(
            columns, rng.permutation(8), np.full(8, 0.1), 0.3, False, 0.0, samples
        )
        assert got == expected
        places.append(got[1])
    assert len(set(places)) > 5  # or this test shows little


@pytest.mark.parametrize("kind", ["continuous", "offset", "coarse"])
def test_no_step_moves_a_value_beyond_its_reach(kind):
    rng = np.random.default_rng(0)
    n, features = 500, np.arange(3)
    furthest = []
    for step, margin in [(1e-3, 0.0), (0.17, 0.0), (0.17, 3.0), (0.17, 50.0)]:
        columns = rng.integers(0, 9, (3, n)).astype(float)
        low, high = columns.min(axis=1), columns.max(axis=1)
        values = _values(kind, n, rng)
        weights = np.full(3, 0.1)
        steps, growths = np.empty((2, 3, 2)), np.empty((2, 3, 2))
        list_steps(weights, features, 3, step, False, margin, 0, steps, growths)
        reaches = np.empty(3)
        reach = reaches_of(
            low, high, features, 3, steps, growths, 0, abs(values).max(), reaches
        )
        assert reach == reaches.max()
        for k, side in np.ndindex(3, 2):
            s, growth = steps[0, k, side], growths[0, k, side]
            shifted = values + s * columns[k] - growth * np.sign(np.arange(n) - 250.5)
            moved = shifted - values - s * 0.5 * (low[k] + high[k])
            furthest.append(np.abs(moved).max() / reaches[k])
    assert 0.05 < max(furthest) <= 1


def _runs(contenders):
    """Rows of each run."""
    ends = contenders.ends
    return [contenders.rows[a:b] for a, b in pairwise(ends)]


def test_contenders_and_those_above_them_are_each_sample_once():
    rng = np.random.default_rng(0)
    on_the_edge = narrowed = light = 0
    for _ in range(400):
        n = int(rng.integers(30, 200))
        n_positive = int(rng.integers(1, n))
        gains = 2 ** rng.integers(0, 12, n)  # limits between light and heavy are such
        gains[n_positive:] *= -1
        values = rng.integers(-500, 500, n) / 8
        values[: n_positive // 2] += 40.0
        rows = np.arange(n, dtype=np.uint32)
        samples = Samples(rows, values, gains, n_positive, n)
        space, found, grouped = search_space(n), contender_space(n), contender_space(n)
        bar, _, grid = best_threshold(values, gains, n_positive, n, space)
        window = find_contenders(samples, grid, bar, 0.5, space, found)
        # Where the window's end is moved to a sample, it still counts once.
        above = values[(values > window.high) & (values < window.high + 2)]
        for reach in (0.5, *(above - window.high)):
            grid = bin_samples(values, gains, n_positive, n, space)
            window = find_contenders(samples, grid, bar, reach, space, found)
            n_found = found.ends[RUNS]
            if window.low > window.high:
                assert n_found == 0
                continue
            low, high = window.low - reach, window.high + reach
            inside = (low <= values) & (values <= high)
            assert_array_equal(found.rows[:n_found], np.flatnonzero(inside))
            assert window.on_gain == gains[values > high].sum()
            on_the_edge += (values == high).sum()

            group_by_weight(found, np.empty(64), grouped)
            runs = _runs(grouped)
            assert_array_equal(np.sort(np.concatenate(runs)), np.flatnonzero(inside))
            for name in ("values", "gains"):
                moved = getattr(grouped, name)[:n_found]
                expected = getattr(samples, name)[grouped.rows[:n_found]]
                assert_array_equal(moved, expected)
            for run, members in enumerate(runs):
                assert ((gains[members] > 0) == (run % 2 == 0)).all()
            sizes = [abs(gains[runs[2 * g]]).sum() + abs(gains[runs[2 * g + 1]]).sum()
                     for g in range(GROUPS)]  # fmt: skip
            assert sizes[2] <= 0.01 * sum(sizes)
            assert sizes[1] + sizes[2] <= 0.1 * sum(sizes)
            light += sizes[1] > 0

            smaller = narrow(grouped, window, bar, 0.5 * reach, space)
            low, high = smaller.low - 0.5 * reach, smaller.high + 0.5 * reach
            kept = inside & (low <= values) & (values <= high)
            assert window.low <= smaller.low
            assert smaller.high <= window.high
            if smaller.low > smaller.high:
                kept[:] = False
            else:
                assert smaller.on_gain == gains[values > high].sum()
            members = np.sort(np.concatenate(_runs(grouped)))
            assert_array_equal(members, np.flatnonzero(kept))
            narrowed += 0 < kept.sum() < inside.sum()
    assert min(on_the_edge, narrowed, light) > 10  # or this test shows little


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
        "ramp": rng.choice([0.0, 0.3, 2.0]) if loss == "01" else 0.0,
        "target_loss": rng.choice([0.0, 0.3]),
    }


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("hidden_units", [0, 1, 5])
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("loss", ["01", "ce"])
def test_training_follows_the_reference_step_by_step(loss, binary, hidden_units, dtype):
    rng = np.random.default_rng([hidden_units, binary, loss == "ce"])
    for case in range(8):
        data = _problem(rng, "integers" if dtype == np.uint8 else "real", dtype)
        n_features = data.columns.shape[0]
        options = _options(rng, loss, binary, hidden_units)
        options["n_candidates"] = rng.integers(1, n_features + 1)
        if case % 2:
            options["margin"] = (
                rng.choice([0.1, 1.0, 10.0]) * reference.values_of(data).std()
            )
        settings = settings_for(data, options)
        n_units = max(hidden_units, 1)
        weights = rng.standard_normal((n_units, n_features))
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
    weights, u = rng.standard_normal((1, 3)), np.ones(1)
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


def test_gains_on_the_ramp_are_falls_of_the_loss_along_it():
    rng = np.random.default_rng(0)
    for width in [1e-9, 0.3, 2.0]:
        for _ in range(200):
            positive, weight = bool(rng.integers(2)), int(rng.integers(1, 2**40))
            off, on = rng.standard_normal(2) * rng.choice([0.1, 1.0]) * width
            right = np.array([off, on]) if positive else -np.array([off, on])
            before, after = np.interp(right, [-width, width], [1.0, 0.0])
            gain = losses.ramp_gain(positive, weight, off, on, width)
            assert abs(gain - weight * (before - after)) < 0.5 + 1e-12 * weight


def test_bias_under_cross_entropy_is_the_minimum():
    rng = np.random.default_rng(0)
    for n in [2, 5, 60]:
        for n_positive in {1, n // 2, n - 1}:
            values = losses.round_to_grid(
                rng.standard_normal(n) * rng.choice([0.1, 3, 50])
            )
            weight = rng.integers(1, 2**30, n)
            target = np.arange(n) < n_positive
            for start in [0.0, 17.3, -1e3]:
                c = refit_bias(
                    values, weight.astype(float), n_positive, n, start, np.empty(n)
                )
                assert c == reference.best_bias(values, target, weight)


def _network(projections, thresholds, u, margin, start, stop):
    """A network whose units fire by the book, and where its rows are positive."""
    n_units, n_rows = projections.shape
    target = (start <= np.arange(n_rows)) & (np.arange(n_rows) < stop)
    helped = np.where(target, margin, -margin)  # by a unit of positive weight
    fires = projections - helped > thresholds[:, np.newaxis]
    fires_negative = projections + helped > thresholds[:, np.newaxis]
    network = Network(
        np.zeros((n_units, 1)), thresholds, u.copy(), np.zeros(1), projections,
        (fires + 2 * fires_negative).astype(np.uint8), np.zeros(n_rows),
        np.zeros(n_units, int), np.array([margin]), start, stop,
    )  # fmt: skip
    rebuild_drive(network)
    return network, target


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_a_move_is_what_the_step_adds_to_the_drive(margin):
    """Also where a row lies on the threshold, which is off."""
    rng = np.random.default_rng(0)
    rows = np.arange(90, dtype=np.uint32)
    for u, step in [(0.5, 0.25), (0.5, -1.25), (-0.75, 1.0), (-0.5, 0.5), (0.25, -0.5)]:
        projections = rng.integers(0, 6, (2, 90)).astype(float)
        network, target = _network(
            projections, np.array([2.0, 3.0]), np.array([u, -0.5]), margin, 20, 55
        )
        before, values = network.drive.copy(), np.empty(90)
        write_values_after(0, step, u, rows, before, 90, network.firing, values)
        set_output_weight(0, u + step, network)
        expected = np.zeros(90)
        for weight, row, threshold in zip(network.u, projections, (2, 3), strict=True):
            worse = np.where(target == (weight > 0), margin, -margin)
            expected += weight * (row - worse > threshold)
        for drive in (network.drive, values):
            assert_array_equal(drive, expected)


def test_firing_is_written_for_both_signs_of_the_output_weight():
    rng = np.random.default_rng(0)
    projections = rng.integers(0, 6, (3, 90)).astype(float)
    network, _ = _network(
        projections, np.array([2.0, 3.0, 1.0]), np.ones(3), 1.0, 20, 55
    )
    expected = network.firing.copy()
    network.firing[:] = 0
    for j in range(3):
        write_firing(j, network)
    assert_array_equal(network.firing, expected)
    assert np.unique(expected).size > 2  # or this test shows little


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("kind", [*KINDS, "coarse"])
def test_best_output_step_equals_trying_every_threshold(kind, binary):
    """With a margin many of the steps turn their unit round, and some of them win."""
    rng = np.random.default_rng(0)
    n_units, n_rows = 11, 400  # more than are scored at a time
    won = []
    for _ in range(50):
        margin, step = rng.choice([0.0, 0.5, 2.0]), rng.choice([1e-3, 0.1, 0.7])
        u = rng.choice([-1.0, 1.0], n_units) * (1 if binary else rng.random(n_units))
        u = losses.round_to_grid(u)
        projections = rng.integers(0, 6, (n_units, n_rows)).astype(float)
        node_thresholds = rng.normal(2, 1, n_units)
        network, target = _network(projections, node_thresholds, u, margin, 90, 250)
        n, n_positive = int(rng.integers(1, 120)), int(rng.integers(0, 100))
        rows = np.r_[
            rng.permutation(np.flatnonzero(target))[:n_positive],
            rng.permutation(np.flatnonzero(~target))[:n],
        ].astype(np.uint32)
        helped = np.arange(rows.size) < n_positive
        gains = (2.0 ** rng.uniform(0, rng.choice([1, 40]), rows.size)).astype(np.int64)
        gains[~helped] *= -1
        values = _values(kind, rows.size, rng)
        samples = Samples(rows, values, gains, n_positive, rows.size)
        scratch = make_scratch(n_rows, n_units)
        bar, _, grid = best_threshold(
            values, gains, n_positive, rows.size, scratch.space
        )
        settings = Settings(
            False, binary, False, 0.0, step, 0, 0, 0, 0, 0.0, 0, margin, 0
        )
        units = rng.permutation(n_units)
        got = best_output_step(
            units, n_units, samples, grid, bar, settings, network, scratch,
            level_space(n_rows),
        )  # fmt: skip

        def firing(j, u_j, projections=projections, rows=rows, helped=helped,
                   margin=margin, node_thresholds=node_thresholds):  # fmt: skip
            worse = np.where(helped == (u_j > 0), margin, -margin)
            return projections[j, rows] - worse > node_thresholds[j]

        score, expected, turned = bar, (-1, 0.0), None
        for turning in (False, True):
            for j in units:
                for s in (-2 * u[j],) if binary else (step, -step):
                    turns = margin > 0 and (u[j] + s > 0) != (u[j] > 0)
                    if turns != turning or (not binary and cancels(u[j], s)):
                        continue
                    move = s * firing(j, u[j])
                    if turns:
                        move = (u[j] + s) * firing(j, u[j] + s) - u[j] * firing(j, u[j])
                    reached, _ = reference.best_threshold(values + move, gains)
                    if reached > score:
                        score, expected, turned = reached, (j, float(s)), turns
        assert got == expected
        won.append(turned)
    assert kind == "equal" or {True, False} <= set(won)  # or this test shows little


def test_step_bounds_are_below_the_true_change_of_the_loss():
    rng = np.random.default_rng(0)
    for scale in [0.1, 1.0, 10.0]:
        n, n_positive, n_units = 80, 30, 6
        fires = rng.integers(0, 2, (n_units, n)).astype(np.uint8)
        fires[0], fires[1] = 0, 1
        values = losses.round_to_grid(rng.standard_normal(n) * scale)
        weight = rng.integers(2**30, 2**31, n).astype(float)
        space = np.empty(n)
        c = refit_bias(values, weight, n_positive, n, 0.0, space)
        present = subset_loss(values, weight, n_positive, n, c, space)
        steps = np.array([[[0.2, -0.2]] * 3 + [[2.0, -2.0]] * 3])
        residual, curvature = np.empty(n, int), np.empty(n, int)
        write_derivatives(values, weight, n_positive, n, c, residual, curvature, space)
        bounds = np.empty((2, n_units, 2))
        step_bounds(np.zeros(n_units), 3 * fires, steps, residual, curvature, bounds)
        tight = 0
        for j in range(n_units):
            for k, step in enumerate(steps[0, j]):
                shifted = values + step * fires[j]
                best_c = refit_bias(shifted, weight, n_positive, n, c, space)
                after = subset_loss(shifted, weight, n_positive, n, best_c, space)
                change = (after - present) / weight.sum()
                bound = bounds[0, j, k] / weight.sum()
                assert bound <= change + 1e-9
                tight += change - bound < 0.25 * abs(change) + 1e-9
        assert tight >= n_units  # bounds that prune nothing would pass, too


def test_extent_is_the_least_and_the_largest():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(300) * 10.0 ** rng.integers(-320, 300, 300)
    values[[7, 8, 9]] = 0.0, -0.0, 5e-324
    for sign in (values, abs(values), -abs(values)):
        for n in (1, 8, 9, 300):
            assert extent(sign, n) == (sign[:n].min(), sign[:n].max())
    infinite = np.array([-np.inf, 1.0, np.inf])
    assert extent(infinite, 3) == (-np.inf, np.inf)


def test_tables_of_loss_and_sigmoid_are_as_fine_as_they_say():
    a = np.concatenate([np.linspace(0, 45, 10_007), [39.999999, 40, 1e9]])
    for function, expected in [
        (losses.softplus, np.logaddexp(0, -a)),
        (losses.sigmoid, np.exp(-np.logaddexp(0, a))),
    ]:
        error = np.abs([function(v) for v in a] - expected)
        assert error.max() < 3e-11


@pytest.mark.parametrize("n", [0, 1, 3, 4, 7, 1000])
def test_values_of_tables_are_the_same_one_or_many_at_a_time(n):
    a = np.abs(np.random.default_rng(n).standard_normal(n)) * 10
    a[: n // 2] *= np.array([0.0, 1.0, 1e-9, 1e30, 40.0])[np.arange(n // 2) % 5]
    for many, one in [
        (losses.write_softplus, losses.softplus),
        (losses.write_sigmoids, losses.sigmoid),
    ]:
        for c in (0.0, -3.0):
            values = np.full(n + 1, 7.0)
            many(a, c, n, values)
            assert values.tolist() == [one(abs(v + c)) for v in a] + [7.0]


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
        total = losses.total_loss(
            20, 45, weight, outputs, 0.0, cross_entropy, np.empty(50)
        )
        assert total / weight.sum() == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_projection_is_the_matrix_product(dtype):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 255, (700, 30)).astype(dtype)
    W, out, part = rng.standard_normal((3, 30)), np.empty((3, 700)), np.empty((3, 700))
    columns, room = as_columns(np.ascontiguousarray(X.T)), projection_space()
    project(columns, W, 0, 3, room, out)
    np.testing.assert_allclose(out, W @ X.T, rtol=1e-12, atol=1e-9)
    project(columns, W, 1, 2, room, part)  # one unit alone: the same bits
    np.testing.assert_array_equal(part[1], out[1])


@pytest.mark.parametrize("n_draw", [3, 5, 7, 10])
def test_draws_are_uniform_and_without_replacement(n_draw):
    state = np.array([42], dtype=np.uint64)
    out, marks = np.empty(11, dtype=np.uint32), np.empty(10, dtype=np.uint8)
    rows, pairs, fronts = np.zeros(20), np.zeros((20, 20)), np.zeros(10)
    n, pool = 20_000, [0, 1, 2, *range(10, 17)]
    for _ in range(n):
        draw_sorted(10, 3, 7, n_draw, state, marks, out)  # from 0, 1, 2, 10, ..., 16
        drawn = out[:n_draw]
        assert (np.diff(drawn.astype(int)) > 0).all()
        rows[drawn] += 1
        pairs[np.ix_(drawn, drawn)] += 1
        permutation = np.arange(10)
        shuffle_front(permutation, 3, state)
        assert sorted(permutation) == list(range(10))
        fronts[permutation[:3]] += 1
    np.testing.assert_allclose(rows[pool] / n, n_draw / 10, atol=0.02)
    assert rows.sum() == rows[pool].sum()
    both = pairs[np.ix_(pool, pool)][~np.eye(10, dtype=bool)] / n
    np.testing.assert_allclose(both, n_draw * (n_draw - 1) / 90, atol=0.02)
    np.testing.assert_allclose(fronts / n, 0.3, atol=0.02)
    counts = np.bincount([random_below(7, state) for _ in range(n)], minlength=7)
    np.testing.assert_allclose(counts / n, 1 / 7, atol=0.01)
