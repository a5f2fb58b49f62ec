"""The oracle itself, against brute force with models whose arithmetic is exact."""

from math import inf

import numpy as np
import pytest
from small_problems import Problem

NORMS = [1, 2, inf]


def whole_problem(rng, n_features, kind):
    """Small whole numbers, so that predictions are exact and ties are frequent."""
    n_classes = int(rng.integers(2, 5))
    n_rivals = 1 if n_classes == 2 else n_classes
    n_units = 1 if kind == "linear" else int(rng.integers(1, 3))
    n_votes = max(1, int(rng.integers(1, 7)) // (n_rivals * n_units))
    shape = (n_votes * n_rivals, n_units)
    return Problem(
        rng.integers(-2, 3, (*shape, n_features)).tolist(),
        rng.integers(-2, 3, shape).tolist(),
        rng.integers(-2, 3, shape).tolist(),
        rng.integers(-1, 2, shape[0]).tolist(),
        (rng.integers(-4, 5, (1, n_features)) / 2).tolist(),
        n_classes=n_classes,
        loss="01" if kind == "linear" else "ce",
        voting="soft" if kind == "soft" else "hard",
        linear=kind == "linear",
    )


def points_around(rng, x, distance, norm):
    """Points of a grid, on which hyperplanes of whole numbers meet, and of a ball."""
    axis = np.arange(-4, 4.5, 0.5 if len(x) < 3 else 1)
    grid = np.stack(np.meshgrid(*[axis] * len(x)), axis=-1).reshape(-1, len(x))
    size = distance if 0 < distance < inf else 50.0
    steps = rng.standard_normal((500, len(x)))
    steps /= np.linalg.norm(steps, ord=norm, axis=1, keepdims=True)
    steps *= size * rng.random((500, 1)) ** (1 / len(x))
    return np.concatenate([grid, x + np.round(steps * 2.0**20) / 2.0**20])


@pytest.mark.parametrize("kind", ["hard", "soft", "linear"])
@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_nothing_nearer_is_decided_otherwise_and_the_witness_is(n_features, kind):
    rng = np.random.default_rng(n_features)
    met = 0
    for i in range(20):
        problem = whole_problem(rng, n_features, kind)
        norm, box = NORMS[i % 3], [None, (-2, 1)][i // 3 % 2]
        oracle, x = problem.oracle, problem.samples[0]
        code = problem.model.predict(x[np.newaxis])[0]
        answer = oracle.nearest(x, norm, code, box=box)
        distance = float(answer.distance) ** (0.5 if norm == 2 else 1)
        points = points_around(rng, x, distance, norm)
        predicted = problem.model.predict(points)
        for point, other in zip(points[::7], predicted[::7], strict=True):
            assert other in oracle.classes_at(point)
        if kind == "soft":  # ties of means are left open
            other = [oracle.classes_at(point) for point in points]
            predicted = np.array([min(c - {code}, default=code) for c in other])
            predicted[[code in c for c in other]] = code
        if box is not None:
            points, predicted = (
                a[((points >= box[0]) & (points <= box[1])).all(axis=1)]
                for a in (points, predicted)
            )
        steps = np.linalg.norm(points - x, ord=norm, axis=1)
        assert steps[predicted != code].min(initial=inf) >= distance * (1 - 1e-12)
        if distance == inf:
            continue
        met += 1
        step = np.array(answer.point, dtype=float) - x
        assert np.linalg.norm(step, ord=norm) == pytest.approx(distance)
        assert code not in oracle.classes_at(answer.witness)
        moved = [abs(p - q) for p, q in zip(answer.witness, answer.point, strict=True)]
        assert max(moved) < 1e-10
        if box is not None:
            assert box[0] <= min(answer.witness) <= max(answer.witness) <= box[1]
    assert met > 5


@pytest.mark.parametrize("target", [None, 1])
def test_on_a_line_it_is_the_nearest_breakpoint_beside_another_class(target):
    rng = np.random.default_rng(7)
    for _ in range(30):
        problem = whole_problem(rng, 1, "hard")
        x = problem.samples[0]
        rows = zip(
            np.ravel(problem.hidden_coef),
            np.ravel(problem.hidden_intercept),
            strict=True,
        )
        breaks = np.array([-b / w for w, b in rows if w])
        near = np.concatenate([breaks, breaks - 2.0**-30, breaks + 2.0**-30, x])
        predicted = problem.model.predict(near[:, np.newaxis])
        code = predicted[-1]
        wanted = predicted != code if target is None else predicted == target
        expected = np.abs(near - x)[wanted].min(initial=inf)
        for norm in NORMS:
            answer = problem.oracle.nearest(x, norm, code, target)
            distance = float(answer.distance) ** (0.5 if norm == 2 else 1)
            assert distance == pytest.approx(expected, abs=2.0**-29)


def test_edges_and_vertices_have_classes_of_their_own():
    # Off the axes one unit of each pair is active, on an axis only one of all four.
    def distances(output_intercept):
        problem = Problem(
            hidden_coef=[[[1, 0], [-1, 0], [0, 1], [0, -1]]],
            hidden_intercept=[[0, 0, 0, 0]],
            output_coef=[[1, 1, 1, 1]],
            output_intercept=[output_intercept],
            X=[[3.0, 4.0]],
        )
        answers = [problem.oracle.nearest([3.0, 4.0], norm, 1) for norm in NORMS]
        assert all(answer.witness == answer.point for answer in answers)
        return [answer.distance for answer in answers]

    assert distances(-1) == [3, 9, 3]
    assert distances(-0.5) == [7, 25, 4]
    assert distances(0.5) == [inf, inf, inf]
