"""What all attacks share: own attacks, targets, norms, results to look at."""

from functools import partial

import numpy as np
import pytest
from _robustness_helpers import (
    Rule,
    assert_is_what_it_says,
    blobs,
    needs_art,
    small_networks,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_scd.robustness import (
    DistortionResult,
    certified_distortion,
    evaluate_robustness,
    line_search,
    minimum_distortion,
    nearest_flip,
    run_attack,
    surrogate_attack,
    transfer_matrix,
)
from sklearn_scd.robustness._attacks.shortest_step import diamond_in_box

HOP_SKIP_JUMP = partial(minimum_distortion, n_restarts=2, max_iter=10)
WHITE_BOX = [nearest_flip, partial(surrogate_attack, max_iter=60)]
ATTACKS = {
    "nearest_flip": WHITE_BOX[0],
    "surrogate": WHITE_BOX[1],
    "line_search": line_search,
}


def _half(X):
    return X[:, 0] > 0.5


def _random_directions(sample, rng):
    steps = rng.standard_normal((50, sample.x.size))
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    for size in np.geomspace(0.05, 1, 12):
        if sample.ask(sample.x + size * steps).any():
            break


def _grid(n=201):
    axis = np.linspace(0, 1, n, dtype=np.float32)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


@pytest.mark.parametrize(
    "given",
    [
        np.ndarray.tolist,
        lambda X: X.astype(X.dtype.newbyteorder()),
        lambda X: X.astype(np.longdouble),
        lambda X: X.astype(object),
        lambda X: pytest.importorskip("pandas").DataFrame(X).convert_dtypes(),
    ],
    ids=["list", "other byte order", "long double", "object", "nullable"],
)
@pytest.mark.parametrize("attack", [nearest_flip, line_search, evaluate_robustness])
def test_distances_are_those_from_the_samples_given(attack, given):
    """Not from the samples rounded to float32, which may be farther away than that."""
    X, y = blobs(n_features=3)
    X = X + 1e6
    model = make_pipeline(StandardScaler(), small_networks()).fit(X, y)
    X, y = X[:8], y[:8]
    assert (X != X.astype(np.float32)).all()
    options = {"clip_values": (1e6, 1e6 + 1), "random_state": 0}
    result = attack(model, given(X), y, **options)
    right = model.predict(X) == y
    assert right.any()
    steps = result.adversarials[right].astype(float) - X[right]
    distances = getattr(result, "nearest", getattr(result, "distances", None))
    assert_allclose(distances[right], np.linalg.norm(steps, axis=1), rtol=1e-9)
    bounds = certified_distortion(model, X, y)
    assert (distances[right] >= bounds[right]).all()
    again = attack(model, X, y, **options)
    assert_array_equal(result.adversarials, again.adversarials)


def test_starts_are_those_given():
    model, X = Rule(lambda X: X[:, 0] >= 0.1), np.array([[0.0, 0.5]])
    start = np.array([[0.1, 0.5]])  # less than that as float32
    for X_start in (start.tolist(), start.astype(object), start):
        found = line_search(model, X, [0], X_start=X_start, random_state=0)
        assert_array_equal(found.adversarials, start)


def test_samples_that_float32_holds_are_attacked_in_it():
    model = Rule(lambda X: X[:, 0] > 100)
    X = np.array([[50, 3], [200, 7]])
    for dtype in (bool, np.uint8, np.int16, np.float16, ">f4"):
        narrow = X.astype(dtype)
        found = line_search(
            model, narrow, model.predict(narrow), clip_values=(0, 255), random_state=0
        )
        assert found.adversarials.dtype == np.float32


@pytest.mark.parametrize("norm", [1, 2, np.inf, "inf"])
def test_an_attack_of_ones_own_only_asks(norm):
    rng = np.random.default_rng(0)
    X = rng.random((12, 2)).astype(np.float32)
    y = np.append(_half(X[:-1]), ~_half(X[-1:])).astype(int)
    model = Rule(_half)
    run = partial(run_attack, _random_directions, model, X, y, norm=norm)
    one = run(random_state=0)
    assert_is_what_it_says(one, model, X, y, share=1)
    assert one.attack == "_random_directions"
    if norm == 2:
        two = run(random_state=0, n_jobs=2)
        assert_array_equal(one.adversarials, two.adversarials)
    exact = np.abs(X[:-1, 0] - 0.5)  # the same in any norm
    assert (one.distances[:-1] >= exact).all()
    assert (one.distances[:-1] <= 2.1 * exact + 1e-3).all()
    # It lies on the boundary though the attack only took coarse steps.
    inwards = X[:-1] + 0.999 * (one.adversarials[:-1] - X[:-1])
    assert_array_equal(model.predict(inwards), y[:-1])


def test_an_attack_starts_from_what_is_known_and_returns_nothing_worse():
    X = np.array([[0.2, 0.5], [0.3, 0.1]])
    start = np.array([[0.6, 0.5], [np.nan, np.nan]])
    seen = []

    def look(sample, rng):
        seen.append(sample.best)

    found = run_attack(look, Rule(_half), X, [0, 0], X_start=start)
    assert_array_equal(seen[0], start[0])
    assert seen[1] is None
    assert found.status.tolist() == ["attacked", "no_start"]
    assert found.distances[0] == pytest.approx(0.3, rel=1e-3)
    with pytest.raises(ValueError, match="X_start must have the shape of X"):
        run_attack(look, Rule(_half), X, [0, 0], X_start=start[:1])


def _three_strips(X):
    return (X[:, 0] > 0.4).astype(int) + (X[:, 0] > 0.7)


TARGETED = {
    "line_search": line_search,
    "hop_skip_jump": HOP_SKIP_JUMP,
    "boundary": partial(HOP_SKIP_JUMP, attack="boundary"),
}


@needs_art
@pytest.mark.parametrize("name", TARGETED)
def test_a_target_is_the_class_that_must_be_named(name):
    model = Rule(_three_strips, classes=("ill", "well", "grey"))
    X = np.array([[0.2, 0.5], [0.6, 0.5], [0.8, 0.5], [0.9, 0.5], [0.3, 0.4]])
    y = ["ill", "well", "grey", "ill", "well"]  # the last two are misclassified
    attack = partial(TARGETED[name], model, X, y, random_state=0)
    found = attack(target="grey")
    assert_array_equal(
        found.status, ["attacked", "attacked", "is_target", "misclassified", "attacked"]
    )
    attacked = found.status == "attacked"
    assert (model.predict(found.adversarials[attacked]) == "grey").all()
    assert (found.distances[attacked] >= [0.5, 0.1, 0.4]).all()
    assert_allclose(found.distances[attacked], [0.5, 0.1, 0.4], rtol=0.1)
    # Nothing is known of a sample whose class the target is: it does not count.
    assert np.isnan(found.distances[2])
    assert np.isnan(found.adversarials[2]).all()
    assert found.distances[3] == 0
    mixed = attack(target=["well", "ill", "ill", "well", "grey"])
    assert_array_equal(mixed.status == "attacked", [1, 1, 1, 1, 1])
    assert_array_equal(
        model.predict(mixed.adversarials), ["well", "ill", "ill", "well", "grey"]
    )
    with pytest.raises(ValueError, match="target has the label 'blue', which is none"):
        attack(target="blue")
    with pytest.raises(ValueError, match="target has 2 labels for 5 samples"):
        attack(target=["ill", "well"])


@pytest.mark.parametrize("voting", ["hard", "soft"])
@pytest.mark.parametrize("attack", WHITE_BOX, ids=["nearest_flip", "surrogate"])
def test_targets_in_the_plane_are_near_those_of_brute_force(attack, voting):
    X, y = blobs(3, n_features=2)
    model = small_networks(voting=voting, n_estimators=3).fit(X, y)
    grid = _grid()
    there = grid[model.predict(grid) == 2]
    assert len(there) > 0
    X, y = X[:12], y[:12]
    found = attack(model, X, y, target=2, random_state=0)
    predicted = model.predict(X)
    assert_array_equal(found.status == "is_target", y == 2)
    assert_array_equal(found.distances == 0, (predicted == 2) & (y != 2))
    rows = found.status == "attacked"
    assert rows.sum() > 3
    assert (model.predict(found.adversarials[rows]) == 2).all()
    known = np.linalg.norm(there - X[rows, np.newaxis], axis=2).min(axis=1)
    slack = 1.02 if attack is nearest_flip else 1.4
    assert (found.distances[rows] <= slack * known + np.sqrt(2) / 200).all()


@pytest.mark.parametrize("norm", [1, 2, np.inf])
@pytest.mark.parametrize("name", ATTACKS)
def test_distances_to_one_hyperplane_are_those_by_hand(name, norm):
    X, y = blobs(n_features=4)
    model = small_networks(hidden_units=1, n_estimators=1).fit(X, y)
    w = np.array([0.7, -0.5, 0.1, 0.5])
    model.hidden_coef_ = w.astype(np.float32).reshape(1, 1, 4)
    model.hidden_intercept_ = np.array([[-0.3]], dtype=np.float32)
    model.output_coef_ = np.array([[1.0]], dtype=np.float32)
    model.output_intercept_ = np.array([-0.5], dtype=np.float32)
    X = X[:8]
    labels = model.predict(X)
    dual = {1: np.inf, 2: 2, np.inf: 1}[norm]
    exact = np.abs(X @ w - 0.3) / np.linalg.norm(w, ord=dual)
    found = ATTACKS[name](
        model, X, labels, norm=norm, clip_values=(-3, 4), random_state=0
    )
    assert (found.distances >= exact * (1 - 1e-4)).all()
    slack = 1.2 if name == "line_search" else 1.01
    assert_allclose(found.distances, exact, rtol=slack - 1, atol=1e-5)


@pytest.mark.parametrize("factor", [2.0**-1000, 2.0**-530, 2.0**530, 2.0**1000])
@pytest.mark.parametrize("norm", [1, 2, np.inf])
def test_distances_whose_squares_leave_the_range_are_those_by_hand(norm, factor):
    model = Rule(lambda X: X[:, 0] > 0.5 * factor)
    X = np.array([[0.2, 0.3], [0.9, 0.1]]) * factor
    y = model.predict(X)
    options = {"norm": norm, "clip_values": (0, factor), "random_state": 0}
    found = line_search(model, X, y, **options)
    by_hand = np.array([0.3, 0.4]) * factor
    assert (found.distances >= by_hand).all()
    assert_allclose(found.distances, by_hand, rtol=1e-3)
    assert (model.predict(found.adversarials) != y).all()
    certify = by_hand * (1 - 1e-9)
    both = evaluate_robustness(
        model, X, y, attacks={"lines": found}, certify=certify, **options
    )
    assert_array_equal(both.nearest, found.distances)
    with pytest.raises(RuntimeError, match="a certificate of"):
        evaluate_robustness(
            model, X, y, attacks=(), certify=by_hand * 1.1, X_train=X, **options
        )


@pytest.mark.parametrize("seed", range(8))
def test_in_one_dimension_the_nearest_flip_is_exact(seed):
    """Between thresholds the class is constant: all changes are found by hand."""
    rng = np.random.default_rng(seed)
    n_classes = 2 + seed % 2
    X = rng.random((60, 1)).astype(np.float32)
    y = rng.integers(0, n_classes, 60)
    model = small_networks(
        voting=["hard", "soft"][seed // 2 % 2], n_estimators=1 + seed // 4, max_iter=20
    ).fit(X, y)
    normals = model.hidden_coef_.astype(float).ravel()
    ends = np.sort(-model.hidden_intercept_.astype(float).ravel() / normals)
    ends = np.clip(np.concatenate([[0], ends, [1]]), 0, 1)
    wide = np.diff(ends) > 1e-5
    low, high = ends[:-1][wide], ends[1:][wide]
    named = model.predict((0.5 * (low + high))[:, np.newaxis])
    X = X[:6]
    labels = model.predict(X)
    ways = np.maximum(np.maximum(low - X, X - high), 0)
    exact = np.where(named != labels[:, np.newaxis], ways, np.inf).min(axis=1)
    inside = np.isfinite(exact) & (exact > 1e-4)
    norm = [1, 2, np.inf][seed % 3]  # all the same in one dimension
    found = nearest_flip(model, X, labels, norm=norm, random_state=0)
    assert_allclose(found.distances[inside], exact[inside], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("norm", [1, 2, np.inf])
@pytest.mark.parametrize(
    "options",
    [{}, {"voting": "soft"}, {"hidden_units": 0, "loss": "01"}],
    ids=["hard", "soft", "linear"],
)
def test_in_the_plane_the_nearest_flip_is_that_of_brute_force(options, norm):
    rng = np.random.default_rng(1)
    X = rng.random((60, 2)).astype(np.float32)  # without structure: scattered cells
    model = small_networks(n_estimators=3, max_iter=20, **options)
    model.fit(X, rng.integers(0, 3, 60))
    X = X[:5]
    labels = model.predict(X)
    grid = _grid()
    predicted = model.predict(grid)
    others = [grid[predicted != label] - x for x, label in zip(X, labels, strict=True)]
    known = np.array([np.linalg.norm(d, ord=norm, axis=1).min() for d in others])
    found = nearest_flip(model, X, labels, norm=norm, random_state=0)
    assert_is_what_it_says(found, model, X, labels, share=1)
    step = np.linalg.norm([1 / 200, 1 / 200], ord=norm)
    assert (found.distances <= 1.02 * known + step).all()


def test_shortest_l1_steps_take_the_features_that_gain_most():
    rng = np.random.default_rng(0)
    for _ in range(10):
        row, room = rng.standard_normal(6), rng.random(6) + 0.01
        level = 0.7 * np.abs(row) @ room
        step = diamond_in_box(row[np.newaxis], np.array([level]), -room, room)
        left, size = level, 0.0
        for i in np.argsort(-np.abs(row)):
            part = min(room[i], left / np.abs(row[i]))
            left, size = left - part * np.abs(row[i]), size + part
        assert row @ step >= level - 1e-9
        assert (np.abs(step) <= room + 1e-12).all()
        assert_allclose(np.abs(step).sum(), size)
    assert diamond_in_box(row[np.newaxis], np.array([9e9]), -room, room) is None


@pytest.mark.parametrize("norm", [3, 0, "l2", None, True, np.array([2])])
def test_a_norm_that_is_not_known_is_named(norm):
    X, y = blobs()
    model = small_networks(n_estimators=1).fit(X, y)
    for attack in (*WHITE_BOX, line_search, evaluate_robustness):
        with pytest.raises(ValueError, match=r"^norm must be 1, 2 or numpy\.inf, got"):
            attack(model, X, y, norm=norm)


def test_lines_lead_to_corners_faces_and_the_samples_of_other_classes():
    corner = Rule(lambda X: (X > 0.9).all(axis=1))
    found = line_search(corner, [[0.5, 0.5]], [0], random_state=0)
    assert found.distances[0] == pytest.approx(0.4 * np.sqrt(2), rel=0.01)
    spot = Rule(lambda X: np.abs(X - 0.3).max(axis=1) < 0.01, n_features=40)
    X = np.full((2, 40), 0.6)
    X[1] = 0.3
    near, alone = (line_search(spot, X[:n], [0, 1][:n], random_state=0) for n in (2, 1))
    assert near.distances[0] < 0.3 * np.sqrt(40)
    assert alone.status[0] == "no_start"
    trained = line_search(spot, X[:1], [0], X_train=X[1:], random_state=0)
    assert trained.distances[0] < 0.3 * np.sqrt(40)


def test_evaluations_take_single_names_and_attacks_of_ones_own():
    X, y = blobs()
    model = small_networks().fit(X, y)
    X, y = X[:6], y[:6]
    alone = evaluate_robustness(model, X, y, attacks="line_search", random_state=0)
    assert list(alone.attacks) == ["line_search"]
    attacks = {"mine": _random_directions, "nearest_flip": None}
    both = evaluate_robustness(model, X, y, attacks=attacks, random_state=0)
    assert list(both.attacks) == ["mine", "nearest_flip"]
    mine = both.attacks["mine"].distances
    assert (both.attacks["nearest_flip"].distances <= mine).all()
    other = LogisticRegression().fit(X, y)
    found = evaluate_robustness(other, X, y, attacks="line_search", random_state=0)
    assert (found.certified <= found.nearest).all()


@pytest.mark.parametrize(
    ("distances", "told"),
    [
        ([1.0, 5.0], "found: 2, median distance: 3)"),
        ([0, 4, np.inf, 1, 2], "found: 3, median distance: 2, nothing found: 1"),
        ([np.inf], "found: 0, median distance: none, nothing found: 1)"),
    ],
)
def test_the_median_told_is_that_of_samples_found(distances, told):
    distances = np.array(distances)
    status = np.where(distances == 0, "misclassified", "attacked")
    nothing = np.empty((distances.size, 0))
    queries = np.zeros(distances.size, dtype=int)
    assert told in repr(DistortionResult(distances, nothing, queries, status, nothing))


def test_half_of_the_certificates_are_above_the_median_told():
    X = np.array([[0.1], [0.2], [0.8], [0.7]])
    y = np.array([0, 0, 1, 1])
    model = Rule(lambda X: X[:, 0] > 0.5, n_features=1)
    radii = [0.1, 0.3, 0.0, 0.2]
    told = repr(evaluate_robustness(model, X, y, attacks=(), certify=radii))
    assert "median certified: 0.15, median nearest: inf" in told


def test_results_are_told_in_one_line_and_as_tables():
    X, y = blobs()
    model = small_networks().fit(X, y)
    result = evaluate_robustness(model, X[:12], y[:12], random_state=0)
    right = model.predict(X[:12]) == y[:12]
    found = result.attacks["nearest_flip"]
    transfer = transfer_matrix({"it": model}, {"it": found}, y[:12])
    middle = np.median(result.nearest[right])
    text = repr(result)
    for words in (
        "norm: L2", "samples: 12", f"clean accuracy: {right.mean():.3g}",
        f"median nearest: {middle:.4g}", f"attacked: {right.sum()}",
    ):  # fmt: skip
        assert words in text
    assert f"found: {right.sum()}" in repr(found)
    for item in (result, found, result.attacked_accuracy, transfer):
        assert "\n" not in repr(item)
        assert "array" not in repr(item)
        assert item._repr_html_().startswith("<table>")
    pytest.importorskip("pandas")
    frame = result.to_frame()
    assert_array_equal(frame["nearest"], result.nearest)
    assert_array_equal(frame["distance_nearest_flip"], found.distances)
    assert_array_equal(found.to_frame()["status"], found.status)
    assert_array_equal(result.attacked_accuracy.to_frame()["epsilon"], result.epsilons)
    assert transfer.to_frame().loc["it", "it"] == 1
