"""Estimates of how long a run takes follow what is asked, and say what they lack."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.certified import certified_estimate
from benchmarks.medical import estimate
from benchmarks.medical.protocols import PROTOCOLS
from benchmarks.models import MODELS, Budget, models_of
from benchmarks.models.cost import announcement, duration

QUICK, PAPER = PROTOCOLS["quick"], PROTOCOLS["paper"]
# Enough for long estimates: the longer, the smaller the share of the rounding.
FEATURES, ROWS = 9_216, 200_000


def _split(rows=ROWS):
    return SimpleNamespace(train=range(rows), test=range(100))


def _dataset(features=FEATURES):
    return SimpleNamespace(X=np.empty((1, features)))


def _task(names, n_seeds=1, **sizes):
    models = tuple(MODELS[name] for name in names)
    return SimpleNamespace(
        dataset=_dataset(), splits=[_split(**sizes)] * n_seeds, models=models
    )


def _seconds(text, stage):
    number, unit = re.search(rf"{stage} (\d+) (s|min|h)\b", text).groups()
    return float(number) * {"s": 1, "min": 60, "h": 3600}[unit]


def test_training_grows_with_seeds_votes_rows_and_iterations_and_cores_share_it():
    def training(budget, **more):
        task = _task(["scdcebnn"], **more)
        return _seconds(estimate.estimate([task], budget, None, True), "training")

    base = training(Budget(100, 1))
    assert training(Budget(100, 1), n_seeds=3) == pytest.approx(3 * base, rel=0.02)
    assert training(Budget(300, 1)) == pytest.approx(3 * base, rel=0.02)
    assert training(Budget(100, 1), rows=3 * ROWS) == pytest.approx(3 * base, rel=0.02)
    tenfold = training(Budget(100, 1, max_iter=100_000))
    assert tenfold == pytest.approx(10 * base, rel=0.02)
    assert training(Budget(300, 3)) == pytest.approx(base, rel=0.02)


def test_attacks_follow_the_protocol():
    budget, tasks = Budget(100, 1), [_task(models_of("medical"))]

    def said(protocol, white_box=True):
        return estimate.estimate(tasks, budget, protocol, white_box)

    twice = replace(PAPER, images=2 * PAPER.images)
    base = _seconds(said(PAPER), "HopSkipJump")
    assert _seconds(said(twice), "HopSkipJump") == pytest.approx(2 * base, rel=0.05)
    assert "HopSkipJump" not in said(None)
    assert "white-box" in said(QUICK)
    assert "white-box" not in said(QUICK, white_box=False)


def test_cores_help_attacks_only_as_far_as_there_is_work_beside_each_other():
    tasks = [_task(models_of("medical"))]

    def said(jobs):
        return estimate.estimate(tasks, Budget(100, jobs), PAPER, True)

    half = _seconds(said(1), "HopSkipJump") / 2
    assert _seconds(said(2), "HopSkipJump") == pytest.approx(half, rel=0.1)
    images = PAPER.images * len(models_of("medical"))
    assert _seconds(said(10 * images), "HopSkipJump") == _seconds(
        said(images), "HopSkipJump"
    )


def test_queries_are_those_of_the_papers_protocol():
    """Section 3's attack asks about 670,000 times an image."""
    assert 640_000 < estimate.queries(replace(PAPER, images=1)) < 700_000


def test_certified_counts_the_search():
    model, splits = MODELS["scd01-robust"], [_split()]

    def said(votes):
        budgets = certified_estimate.Budgets(Budget(100, 2), Budget(votes, 2))
        return certified_estimate.estimate([model], _dataset(), splits, budgets)

    assert _seconds(said(3000), "search") == pytest.approx(
        3 * _seconds(said(1000), "search"), rel=0.1
    )


def test_certified_counts_the_copies():
    def said(copies, n_images=None):
        budgets = Budget(100, copies=copies), Budget(15), n_images
        return certified_estimate.estimate(
            [MODELS["cnn-smoothed"]],
            _dataset(),
            [_split()],
            certified_estimate.Budgets(*budgets),
        )

    all_images = _seconds(said(10**6), "smoothing")
    assert _seconds(said(10**7), "smoothing") == pytest.approx(10 * all_images, rel=0.1)
    n_test = len(_split().test)
    half = _seconds(said(10**6, n_test // 2), "smoothing")
    assert half == pytest.approx(0.5 * all_images, rel=0.1)


def test_a_model_without_a_known_cost_is_named_not_counted():
    stranger = replace(MODELS["mlp"], label="Stranger", cost=None)
    task = SimpleNamespace(dataset=_dataset(), splits=[_split()], models=(stranger,))
    said = estimate.estimate([task], Budget(), QUICK, True)
    assert "training" not in said
    assert said.splitlines()[1].endswith("Stranger.")
    known = [task, _task(["mlp"])]
    assert "training" in estimate.estimate(known, Budget(), QUICK, True)


@pytest.mark.parametrize("name", MODELS)
def test_each_model_that_a_program_runs_has_a_cost(name):
    cost = MODELS[name].cost
    if MODELS[name].programs:
        assert cost is not None
        assert cost.fit > 0
        assert cost.iterations > 0
    if "medical" in MODELS[name].programs:
        assert min(cost.queries, cost.bounds) > 0


def test_times_are_said_in_round_figures():
    said = [duration(seconds) for seconds in (1, 44, 99, 101, 3000, 6001, 86_400)]
    assert said == ["10 s", "40 s", "100 s", "2 min", "50 min", "2 h", "24 h"]
    text = announcement({"training": 180.0, "attacks": 0.0}, 2, [], 30.0)
    assert text.startswith("Estimate: 3 min on 2 cores, give or take a factor of two: ")
    assert "attacks" not in text
    assert "30 s more where kernels are not compiled yet" in text


def test_speed_adds_up_the_sections_asked_for_and_names_those_not_known():
    from benchmarks.speed.sections import SECTIONS
    from benchmarks.speed.sections_run import estimate as of_speed

    two = {name: SECTIONS[name] for name in ("fit", "start")}
    total = sum(section.seconds[0] for section in two.values())
    assert f"Estimate: {duration(total)}, give or take" in of_speed(two, False)
    assert of_speed(two, True) != of_speed(two, False)
    assert "not in it" not in of_speed(two, True)
    lone = of_speed({"twins": SECTIONS["twins"]}, True)
    assert lone == "Estimate: none; not in it, for want of measurements: twins."


def test_a_run_says_it_before_its_first_table(finished):
    said = finished.printed.index("Estimate: ")
    assert said < finished.printed.index("Table 1")
