"""Predict: batches and single rows, against numpy's own products."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.speed import _memory
from benchmarks.speed.made_images import made_images, to_pixels
from benchmarks.speed.measurements import SectionRecord
from benchmarks.speed.processes import run_child
from benchmarks.speed.timing import interleaved, ratios
from sklearn_scd import SCDClassifier
from sklearn_scd._ensemble import Networks
from sklearn_scd._outputs import evaluate_networks

LEAST_SHARE_OF_NUMPY = 0.7
MOST_OF_NUMPY_FOR_A_ROW = 1.5
MOST_SECONDS_OF_THE_METHOD = 0.2e-3
MOST_OF_A_FLOAT_COPY = 0.5
HIDDEN_UNITS = 20
TRAINING_ROWS = 100  # what a network has learnt does not change what it costs


@dataclass(frozen=True)
class Sizes:
    """What to predict, and with what.

    Parameters
    ----------
    n_rows, n_features, votes : int
        Of a batch and its model.
    repeats : int
        Rounds over batches; single rows get four times as many.
    memory_rows, memory_features, memory_votes : int
        Of the uint8 batch whose memory is measured.
    """

    n_rows: int = 2_000
    n_features: int = 9_216
    votes: int = 100
    repeats: int = 5
    memory_rows: int = 200_000
    memory_features: int = 784
    memory_votes: int = 10


def run(sizes: Sizes, say: Callable[[str], None]) -> SectionRecord:
    """Time batches, then single rows, then measure memory."""
    record = SectionRecord(
        f"Predict: {sizes.votes} votes of {HIDDEN_UNITS} hidden units, "
        f"{sizes.n_features:,} features, one thread",
        notes=[
            "numpy: X @ W and W @ x in float32, with W as the model's weights.",
            "A single row inside the package: without validation and vote. What the "
            "method adds is taken from a model of one hidden unit a network, where "
            "it does not drown in the product's noise.",
        ],
    )
    say("a model")
    X, y = made_images(max(sizes.n_rows, TRAINING_ROWS), sizes.n_features)
    pixels = to_pixels(X)
    few = pixels[:TRAINING_ROWS], y[:TRAINING_ROWS]
    model, light = (
        SCDClassifier(
            n_estimators=sizes.votes, hidden_units=n_units, max_iter=1, random_state=0
        ).fit(*few)
        for n_units in (HIDDEN_UNITS, 1)
    )
    _time_batches(record, model, X, pixels, sizes, say)
    _time_row(record, model, pixels[:1], sizes, say)
    _time_method(record, light, pixels[:1], sizes)
    if _memory.measurable():
        _measure_memory(record, sizes, say)
    return record


def _time_batches(
    record: SectionRecord,
    model: SCDClassifier,
    X: np.ndarray,
    pixels: np.ndarray,
    sizes: Sizes,
    say: Callable[[str], None],
) -> None:
    """Enter a batch of float32 and one of uint8 against numpy's product."""
    say(f"{sizes.repeats} rounds of batches")
    W = np.ascontiguousarray(_flat_weights(model).T)
    tasks = {
        "numpy": lambda: pixels @ W,
        "predict": lambda: model.predict(pixels),
        "predict, uint8": lambda: model.predict(X),
    }
    for task in tasks.values():
        task()
    seconds = interleaved(tasks, sizes.repeats)
    for name, values in seconds.items():
        record.add(f"batch of {len(X):,}, {name}", values)
    share = ratios(seconds["numpy"], seconds["predict"])
    share = record.add("batch, numpy / predict", share, "")
    record.aim(
        "batch, numpy's speed reached",
        share.median,
        LEAST_SHARE_OF_NUMPY,
        at_least=True,
    )


def _time_row(
    record: SectionRecord,
    model: SCDClassifier,
    row: np.ndarray,
    sizes: Sizes,
    say: Callable[[str], None],
) -> None:
    """Enter a single row inside the package and through the public method."""
    say("single rows")
    W, x = np.ascontiguousarray(_flat_weights(model)), row[0].copy()
    tasks = {
        "numpy": lambda: W @ x,
        "inside": _core(model, row),
        "predict": lambda: model.predict(row),
    }
    seconds = interleaved(tasks, 4 * sizes.repeats, loop=True)
    for name, values in seconds.items():
        record.add(f"single row, {name}", values)
    cost = record.add(
        "single row, inside / numpy", ratios(seconds["inside"], seconds["numpy"]), ""
    )
    record.aim(cost.name, cost.median, MOST_OF_NUMPY_FOR_A_ROW)


def _time_method(
    record: SectionRecord, light: SCDClassifier, row: np.ndarray, sizes: Sizes
) -> None:
    """Enter what validation and vote add to a row.

    A light model shows it: beside a product of several ms it drowns in noise.
    """
    tasks = {"inside": _core(light, row), "predict": lambda: light.predict(row)}
    seconds = interleaved(tasks, 4 * sizes.repeats, loop=True)
    added = [
        whole - inside
        for whole, inside in zip(seconds["predict"], seconds["inside"], strict=True)
    ]
    more = record.add("single row, what the method adds", added)
    record.aim(more.name, more.median, MOST_SECONDS_OF_THE_METHOD, unit="s")


def _core(model: SCDClassifier, row: np.ndarray) -> Callable[[], np.ndarray]:
    """Return the networks' outputs on a row, without the public method."""
    networks = Networks(*(getattr(model, f"{name}_") for name in Networks._fields))
    return lambda: evaluate_networks(row, networks)


def _flat_weights(model: SCDClassifier) -> np.ndarray:
    """Rows of all hidden units, (n_networks * hidden_units, n_features)."""
    return model.hidden_coef_.reshape(-1, model.n_features_in_).astype(np.float32)


def _measure_memory(
    record: SectionRecord, sizes: Sizes, say: Callable[[str], None]
) -> None:
    """Enter what a prediction of uint8 rows takes beyond the rows themselves."""
    say("memory")
    case = {
        "task": "predict",
        "n_rows": sizes.memory_rows,
        "n_features": sizes.memory_features,
        "votes": sizes.memory_votes,
        "jobs": 1,
    }
    found = run_child("-m", "benchmarks.speed._memory", json.dumps(case))
    extra = found["extra"] - found["X"] - found["y"]
    shape = f"{sizes.memory_rows:,} x {sizes.memory_features:,} uint8"
    record.add(
        f"memory of predicting {shape}, {sizes.memory_votes} votes", [extra], "bytes"
    )
    record.aim(
        "memory of predict on uint8 / a float32 copy",
        extra / (4 * found["X"]),
        MOST_OF_A_FLOAT_COPY,
    )
    record.notes.append(_memory.HOW)
