"""The sections in the order they run in, and their sizes in a quick run."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.speed import (
    accuracy_over_time,
    defaults,
    ensemble,
    fit,
    growth,
    predict,
    start,
    twins,
)
from benchmarks.speed.measurements import SectionRecord


@dataclass(frozen=True)
class Section:
    """A section: what runs it, and its sizes in a full and in a quick run.

    `seconds` are those of a full and of a quick run, added up from the parts that
    docs/performance.rst has, on one core; None: not known.
    """

    run: Callable[..., SectionRecord]
    full: object
    quick: object
    seconds: tuple[float, float] | None = None


SECTIONS: dict[str, Section] = {
    "defaults": Section(
        defaults.run,
        defaults.Sizes(),
        defaults.Sizes(votes=5, n_rows=400, n_features=784),
    ),
    "accuracy": Section(
        accuracy_over_time.run,
        accuracy_over_time.Sizes(),
        accuracy_over_time.Sizes(("breast cancer", "wine"), (50, 500), repeats=1),
    ),
    "fit": Section(fit.run, fit.Sizes(), fit.Sizes(repeats=1), (135, 30)),
    "ensemble": Section(
        ensemble.run,
        ensemble.Sizes(),
        ensemble.Sizes(votes=20, max_iter=100, repeats=1),
        (120, 10),
    ),
    "growth": Section(
        growth.run,
        growth.Sizes(),
        growth.Sizes(
            rows=(1_000, 5_000, 20_000),
            features=(100, 784, 5_000),
            classes=(2, 4),
            votes=(1, 10),
            max_iter=(10, 60),
            max_iter_features=(10, 210),
            repeats=3,
            memory_rows=60_000,
        ),
    ),
    "predict": Section(
        predict.run,
        predict.Sizes(),
        predict.Sizes(n_rows=500, repeats=3, memory_rows=60_000),
    ),
    "start": Section(
        start.run,
        start.Sizes(),
        start.Sizes(imports=3, warm=1, dtypes=("float32",)),
        (150, 50),
    ),
    "twins": Section(twins.run, twins.Sizes(), twins.Sizes(repeats=1)),
}
