"""Growth: time in rows, features, classes and votes; memory at the largest size.

What an iteration takes is of two parts: what each candidate takes on the rows, and all
that there is beside the candidates. Fits with fewer candidates tell the two apart.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.speed import _memory
from benchmarks.speed.made_images import made_images
from benchmarks.speed.measurements import SectionRecord
from benchmarks.speed.processes import run_child
from benchmarks.speed.timing import interleaved
from sklearn_scd import SCDClassifier

# 1 is linear; what is above may be caches that the data outgrow.
MOST_EXPONENT = 1.1
MOST_FEATURE_GROWTH = 1.5
MOST_BESIDE = 12e-6  # seconds an iteration beside the candidates, at TABLE_ROWS
MOST_CANDIDATE = 1.2e-9  # seconds a candidate and row, from FULL_ROWS on
TABLE_ROWS, FULL_ROWS = 427, 200
ROWS_WANTED = 200_000
MEMORY_SLACK = 1.1
# Of the input: a copy of it would be 1, what training keeps a row is less.
MOST_OF_A_COPY = 0.5
WARM_UP_ROWS = 200
BIG_ROWS, BIG_REPEATS = 50_000, 2
STEPS = 2  # candidates a feature: up and down
LABELS = {"01": "SCD01", "ce": "SCDCE"}
AXES = ("rows", "features", "classes", "votes")
PARTS = {
    "iteration": "an iteration",
    "start": "start",
    "candidate": "a candidate and row",
    "beside": "beside candidates",
}


@dataclass(frozen=True)
class Sizes:
    """How far to grow.

    Parameters
    ----------
    rows, features, classes, votes : tuple of int
        Each grown alone, the others at `base_rows`, `base_features`, 2 and 1.
    base_rows, base_features : int
    max_features, fewer_features : int
        Tried an iteration, at every size the same numbers, where there are as many: the
        difference is what the further candidates take.
    max_iter, max_iter_features : tuple of int
        Two numbers, the latter as features grow: their difference in time is that of
        iterations alone. Where the start takes long, the difference must too.
    repeats : int
        Rounds; with very many rows fewer, with many networks one.
    memory_rows, memory_votes, memory_max_iter : int
        Of the fit whose memory is measured.
    """

    rows: tuple[int, ...] = (200, 427, 1_000, 5_000, 20_000, 60_000, 200_000)
    features: tuple[int, ...] = (4, 30, 100, 784, 5_000, 20_000, 50_000)
    classes: tuple[int, ...] = (2, 5, 10, 30, 100)
    votes: tuple[int, ...] = (1, 10, 100, 1_000)
    base_rows: int = 2526
    base_features: int = 784
    max_features: int = 100
    fewer_features: int = 20
    max_iter: tuple[int, int] = (10, 110)
    max_iter_features: tuple[int, int] = (10, 1_010)
    repeats: int = 3
    memory_rows: int = 200_000
    memory_votes: int = 2
    memory_max_iter: int = 5


def run(sizes: Sizes, say: Callable[[str], None]) -> SectionRecord:
    """Grow rows, features, classes and votes, then measure memory."""
    record = SectionRecord(
        "Growth: synthetic images, uint8, one vote, one thread, "
        f"{sizes.max_features} features tried an iteration, processor time",
        notes=[
            "An iteration: what a fit of more iterations takes longer than one of "
            "fewer, by their difference. Start: the rest, above all one projection "
            "of all rows on all features. A candidate: what an iteration that tries "
            f"{sizes.fewer_features} features takes less, by their difference and by "
            "rows. Beside candidates: the rest of an iteration.",
        ],
    )
    for axis in AXES:
        for size in getattr(sizes, axis):
            say(f"{size:,} {axis}")
            _measure(record, axis, size, sizes)
    _aim_at_times(record)
    if _memory.measurable():
        _measure_memory(record, sizes, say)
    else:
        record.notes.append("Memory: this platform does not tell a process's peak.")
    return record


def _measure(record: SectionRecord, axis: str, size: int, sizes: Sizes) -> None:
    """Enter the time of an iteration, its parts and the start at one size."""
    shape = {
        "rows": sizes.base_rows,
        "features": sizes.base_features,
        "classes": 2,
        "votes": 1,
    } | {axis: size}
    X, y = made_images(shape["rows"], shape["features"], shape["classes"])
    few, many = sizes.max_iter_features if axis == "features" else sizes.max_iter
    n_most = min(sizes.max_features, shape["features"])
    n_less = min(sizes.fewer_features, (n_most + 1) // 2)
    plans = [(few, n_most), (many, n_most)]
    if axis in ("rows", "features"):
        plans += [(few, n_less), (many, n_less)]
    losses = ["ce"] if axis in ("classes", "votes") else ["01", "ce"]
    tasks = {
        (loss, *plan): partial(_model(loss, *plan, shape["votes"]).fit, X, y)
        for loss in losses
        for plan in plans
    }
    every = max(1, len(y) // WARM_UP_ROWS)
    for loss in losses:
        _model(loss, 1, n_most).fit(X[::every], y[::every])
    most = BIG_REPEATS if len(y) >= BIG_ROWS else sizes.repeats
    most = 1 if shape["votes"] * shape["classes"] >= 100 else most
    seconds = interleaved(tasks, min(most, sizes.repeats), clock=time.process_time)
    for loss in losses:
        about = {"axis": axis, "size": size, "model": LABELS[loss], "shape": shape}

        def iteration(n_features: int, loss: str = loss) -> np.ndarray:
            longer = np.subtract(
                seconds[loss, many, n_features], seconds[loss, few, n_features]
            )
            return longer / (many - few)

        each = iteration(n_most)
        parts = {
            "iteration": each,
            "start": np.maximum(0.0, seconds[loss, few, n_most] - few * each),
        }
        if len(plans) > 2:
            candidate = (each - iteration(n_less)) / (STEPS * (n_most - n_less))
            parts["candidate"] = candidate / shape["rows"]
            parts["beside"] = each - STEPS * n_most * candidate
        for part, values in parts.items():
            label = f"{LABELS[loss]}, {size:,} {axis}, {PARTS[part]}"
            record.add(label, values.tolist(), part=part, **about)


def _model(
    loss: str, max_iter: int, max_features: int, votes: int = 1
) -> SCDClassifier:
    return SCDClassifier(
        loss,
        n_estimators=votes,
        max_iter=max_iter,
        max_features=max_features,
        n_jobs=1,
        random_state=0,
    )


def points(
    measurements: list[dict], axis: str, model: str, part: str = "iteration"
) -> tuple[list[int], list[float]]:
    """Return sizes and median seconds of one curve, from the record's measurements.

    A difference that noise has made negative is no point of it.
    """
    chosen = [
        m
        for m in measurements
        if (m["about"].get("axis"), m["about"].get("model"), m["about"].get("part"))
        == (axis, model, part)
        and m["median"] > 0
    ]
    return [m["about"]["size"] for m in chosen], [m["median"] for m in chosen]


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Return the slope of log time over log size, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def _aim_at_times(record: SectionRecord) -> None:
    measurements = [m.to_dict() for m in record.measurements]
    for model in LABELS.values():
        sizes, seconds = points(measurements, "rows", model)
        if len(sizes) > 1:
            record.aim(
                f"{model}, exponent of time in rows",
                exponent(sizes, seconds),
                MOST_EXPONENT,
            )
        sizes, seconds = points(measurements, "features", model)
        many = [k for k, size in enumerate(sizes) if size >= 100]
        if len(many) > 1:
            record.aim(
                f"{model}, time at {sizes[-1]:,} features / {sizes[many[0]]:,}",
                seconds[-1] / seconds[many[0]],
                MOST_FEATURE_GROWTH,
            )
        beside = dict(zip(*points(measurements, "rows", model, "beside"), strict=True))
        if TABLE_ROWS in beside:
            record.aim(
                f"{model}, an iteration beside candidates, {TABLE_ROWS} rows",
                beside[TABLE_ROWS], MOST_BESIDE, unit="s",
            )  # fmt: skip
        sizes, seconds = points(measurements, "rows", model, "candidate")
        full = [value for size, value in zip(sizes, seconds, strict=True)
                if size >= FULL_ROWS]  # fmt: skip
        if full:
            record.aim(
                f"{model}, a candidate and row, the most", max(full), MOST_CANDIDATE,
                unit="s",
            )  # fmt: skip


def _measure_memory(
    record: SectionRecord, sizes: Sizes, say: Callable[[str], None]
) -> None:
    """Enter the peak on one thread and on two, in fresh processes."""
    n_rows = sizes.memory_rows
    shape = f"{n_rows:,} x {sizes.base_features:,} uint8"
    extra = {}
    for jobs in (1, 2):
        say(f"memory at {n_rows:,} rows, {jobs} threads")
        case = {
            "task": "fit",
            "n_rows": n_rows,
            "n_features": sizes.base_features,
            "votes": sizes.memory_votes,
            "jobs": jobs,
            "max_iter": sizes.memory_max_iter,
        }
        found = run_child("-m", "benchmarks.speed._memory", json.dumps(case))
        extra[jobs] = found["extra"]
        threads = "one thread" if jobs == 1 else "two threads"
        record.add(
            f"memory of fitting {shape}, {threads}", [found["extra"]], "bytes", **found
        )
    record.add("memory of X", [found["X"]], "bytes")
    needed = 2 * found["X"] + found["y"] + found["model"]
    if n_rows >= ROWS_WANTED:
        record.aim(f"{shape} trains, rows", n_rows, ROWS_WANTED, at_least=True)
    record.aim(
        "memory of fit / (X and y + copy of X + model)",
        extra[1] / needed,
        MEMORY_SLACK,
    )
    record.aim(
        "memory of a second thread / X",
        (extra[2] - extra[1]) / found["X"],
        MOST_OF_A_COPY,
    )
    record.notes.append(_memory.HOW)
