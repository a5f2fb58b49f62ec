"""Everything at its defaults: processor time and accuracy beside what is at hand."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from benchmarks.speed.made_images import made_images, to_pixels
from benchmarks.speed.measurements import SectionRecord
from sklearn_scd import SCDClassifier

MOST_FORESTS = {"SCD01": 1.0, "SCDCE": 2.0}  # on images, a forest's time is the unit
MOST_SECONDS = {
    ("breast cancer", "SCD01"): 2.0,
    ("breast cancer", "SCDCE"): 5.0,
    ("digits", "SCD01"): 20.0,
    ("digits", "SCDCE"): 60.0,
}
TEST_SHARE = 0.2
IMAGES = "synthetic images"
# A fit of boosted trees to images takes more than ten minutes: some of its iterations,
# which all take alike, say enough.
BOOSTING, SOME_ITERATIONS = "HistGradientBoosting", 3


@dataclass(frozen=True)
class Sizes:
    """How much to fit.

    Parameters
    ----------
    data_sets : tuple of str
        Of "breast cancer", "digits" and "synthetic images".
    votes : int or None
        None is the default of each ensemble; a number goes for all that have one.
    n_rows, n_features : int
        Of the synthetic images.
    repeats : int
    """

    data_sets: tuple[str, ...] = ("breast cancer", "digits", IMAGES)
    votes: int | None = None
    n_rows: int = 3168
    n_features: int = 9216
    repeats: int = 1


def run(sizes: Sizes, say: Callable[[str], None]) -> SectionRecord:
    """Fit every model on every data set, in turns."""
    record = SectionRecord(
        "At the defaults of each: fit, processor seconds of one thread, and accuracy",
        notes=[
            f"A share of {TEST_SHARE:.0%} of the samples is kept apart for accuracy. "
            "Made images have the shape of the chest X-rays, in float32; tables are "
            "not scaled. SCD01 and SCDCE have 100 votes, the forest 100 trees. On "
            f"images {BOOSTING} is stopped after {SOME_ITERATIONS} of its iterations.",
        ],
    )
    _warm_up(sizes)
    for name in sizes.data_sets:
        X, y = _load(name, sizes)
        seconds: dict[str, list[float]] = {model: [] for model in _models(sizes)}
        right: dict[str, list[float]] = {model: [] for model in seconds}
        for repeat in range(sizes.repeats):
            parts = train_test_split(
                X, y, test_size=TEST_SHARE, stratify=y, random_state=repeat
            )
            for model, estimator in _models(sizes).items():
                say(f"{name}, {model}")
                fitted = clone(estimator).set_params(random_state=repeat)
                if (name, model) == (IMAGES, BOOSTING):
                    fitted.set_params(max_iter=SOME_ITERATIONS)
                seconds[model].append(_processor_seconds(fitted, parts[0], parts[2]))
                right[model].append(fitted.score(parts[1], parts[3]))
        for model, values in seconds.items():
            about = {"row": model, "column": name}
            if (name, model) == (IMAGES, BOOSTING):
                whole = HistGradientBoostingClassifier().max_iter
                of = f"s for {SOME_ITERATIONS} of {whole} iterations"
                record.add(
                    f"{name}, {model}, the first iterations", values, of, **about
                )
                continue
            record.add(f"{name}, {model}", values, **about)
            record.add(f"{name}, {model}, accuracy", right[model], "", **about)
            _aim(record, name, model, values, seconds["random forest"])
    return record


def _aim(
    record: SectionRecord,
    data: str,
    model: str,
    seconds: list[float],
    forest: list[float],
) -> None:
    """Enter an aim, if there is one for this model on this data set."""
    if (data, model) in MOST_SECONDS:
        limit = MOST_SECONDS[data, model]
        record.aim(f"{data}, {model}", float(np.median(seconds)), limit, unit="s")
    elif data == IMAGES and model in MOST_FORESTS:
        share = float(np.median(seconds) / np.median(forest))
        record.aim(f"{data}, {model} / random forest", share, MOST_FORESTS[model])


def _models(sizes: Sizes) -> dict[str, ClassifierMixin]:
    ours: dict[str, int] = {}
    if sizes.votes is not None:
        ours["n_estimators"] = sizes.votes
    return {
        "SCD01": SCDClassifier("01", **ours),
        "SCDCE": SCDClassifier("ce", **ours),
        "random forest": RandomForestClassifier(**ours),
        BOOSTING: HistGradientBoostingClassifier(),
        "MLP": MLPClassifier(),
    }


def _load(name: str, sizes: Sizes) -> tuple[np.ndarray, np.ndarray]:
    if name == IMAGES:
        X, y = made_images(sizes.n_rows, sizes.n_features)
        return to_pixels(X), y
    loaders = {"breast cancer": load_breast_cancer, "digits": load_digits}
    X, y = loaders[name](return_X_y=True)
    return X, y


def _processor_seconds(model: ClassifierMixin, X: np.ndarray, y: np.ndarray) -> float:
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of epochs that ran out: a default
        model.fit(X, y)
    return time.process_time() - start


def _warm_up(sizes: Sizes) -> None:
    """Compile and import before anything is timed."""
    X, y = np.random.default_rng(0).random((40, 3)), np.arange(40) % 2
    for dtype in (np.float64, np.float32):
        for model in _models(sizes).values():
            few = clone(model)
            if isinstance(few, SCDClassifier):
                few.set_params(n_estimators=1, max_iter=1)
            _processor_seconds(few, X.astype(dtype), y)
