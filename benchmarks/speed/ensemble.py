"""Ensemble: what a second thread saves."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import joblib

from benchmarks.speed.made_images import made_images, to_pixels
from benchmarks.speed.measurements import SectionRecord
from benchmarks.speed.timing import interleaved, ratios
from sklearn_scd import SCDClassifier

LEAST_SPEED_UP = 1.8


@dataclass(frozen=True)
class Sizes:
    """How much to fit."""

    n_rows: int = 2526
    n_features: int = 9216
    votes: int = 100
    max_iter: int = 250
    repeats: int = 3


def run(sizes: Sizes, say: Callable[[str], None]) -> SectionRecord:
    """Time the same ensemble on one thread and on two, in turns."""
    record = SectionRecord(
        f"Ensemble: {sizes.votes} votes of SCDCE, {sizes.n_rows:,} x "
        f"{sizes.n_features:,} float32, {sizes.max_iter} iterations"
    )
    if joblib.cpu_count() < 2:
        record.notes.append("Only one core here: two threads can't be faster.")
    X, y = made_images(sizes.n_rows, sizes.n_features)
    X = to_pixels(X)
    _model(1, sizes, votes=1, max_iter=1).fit(X, y)
    tasks = {
        name: partial(_model(jobs, sizes).fit, X, y)
        for jobs, name in ((1, "one thread"), (2, "two threads"))
    }
    say(f"{sizes.repeats} rounds of one thread, two threads")
    seconds = interleaved(tasks, sizes.repeats)
    for name, values in seconds.items():
        record.add(name, values)
    gain = record.add(
        "speed-up", ratios(seconds["one thread"], seconds["two threads"]), ""
    )
    record.aim("two threads over one", gain.median, LEAST_SPEED_UP, at_least=True)
    return record


def _model(
    jobs: int, sizes: Sizes, votes: int | None = None, max_iter: int | None = None
) -> SCDClassifier:
    return SCDClassifier(
        n_estimators=votes or sizes.votes,
        max_iter=max_iter or sizes.max_iter,
        n_jobs=jobs,
        random_state=0,
    )
