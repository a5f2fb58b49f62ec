"""Fit: one vote, one thread, against scikit-learn's MLP and random forest."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from benchmarks.speed.made_images import given_images, made_images, to_pixels
from benchmarks.speed.measurements import SectionRecord
from benchmarks.speed.timing import interleaved, ratios
from sklearn_scd import SCDClassifier

HIDDEN_UNITS = 20
WARM_UP_ROWS = 64
# Of the MLP's time: where one takes 6.7 s, 0.4 s, 1 s and 4 s.
SHARES_OF_MLP = {"SCD01": 1 / 16, "SCDCE": 1 / 6, "SCDCEBNN": 4 / 6.7}
# "About 1": below this it rounds to 1.
NANOSECONDS = {"SCDCE": 1.5}
VARIANTS = {
    "SCD01": {"loss": "01", "ramp": 0.0},
    "SCDCE": {"loss": "ce"},
    "SCDCEBNN": {"loss": "ce", "binary_weights": True},
}


@dataclass(frozen=True)
class Sizes:
    """How much to fit.

    Parameters
    ----------
    n_rows, n_features : int
        Of the synthetic images; given ones have their own.
    max_iter, max_iter_binary : int
        Iterations of a sign network.
    max_features : int
    epochs : int
        Of the MLP.
    trees : int
    repeats : int
    data : str, optional
        A data set to load in place of the synthetic images.
    skip_unreadable : bool
        Whether to leave out what cannot be read of it.
    """

    n_rows: int = 2526
    n_features: int = 9216
    max_iter: int = 1_000
    max_iter_binary: int = 10_000
    max_features: int = 128
    epochs: int = 150
    trees: int = 100
    repeats: int = 5
    data: str | None = None
    skip_unreadable: bool = False


def run(sizes: Sizes, say: Callable[[str], None]) -> SectionRecord:
    """Time the fits in turns."""
    name, stored, pixels, y = _load(sizes)
    shape = f"{len(y):,} x {pixels.shape[1]:,}"
    record = SectionRecord(
        f"Fit: {name}, {shape}, one vote, one thread",
        notes=[
            "All fit the same float32 pixels; (stored) fits them in the dtype that "
            f"they are stored in, {stored.dtype}.",
            "Start: everything before the first iteration, from a fit of one.",
            "A candidate is one weight with one step, tried on all training rows; "
            "its nanoseconds are the iterations' whole time, the draw, the output "
            "step and the scoring of all rows included.",
        ],
    )
    tasks = _tasks(sizes, stored, pixels, y)
    _warm_up(sizes, stored, pixels, y, say)
    say(f"{sizes.repeats} rounds of {', '.join(tasks)}")
    seconds = interleaved(tasks, sizes.repeats)
    for label, values in seconds.items():
        record.add(label, values, n_rows=len(y), n_features=pixels.shape[1])
    for label in VARIANTS:
        _compare(record, label, sizes, seconds, len(y))
    return record


def _load(sizes: Sizes) -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
    if sizes.data:
        return given_images(sizes.data, sizes.skip_unreadable)
    X, y = made_images(sizes.n_rows, sizes.n_features)
    return "synthetic images", X, to_pixels(X), y


def _network(sizes: Sizes, label: str, max_iter: int | None = None) -> SCDClassifier:
    binary = VARIANTS[label].get("binary_weights", False)
    whole = sizes.max_iter_binary if binary else sizes.max_iter
    return SCDClassifier(
        **VARIANTS[label],
        n_estimators=1,
        hidden_units=HIDDEN_UNITS,
        max_iter=max_iter or whole,
        max_features=sizes.max_features,
        n_jobs=1,
        random_state=0,
    )


def _tasks(
    sizes: Sizes, stored: np.ndarray, pixels: np.ndarray, y: np.ndarray
) -> dict[str, Callable[[], object]]:
    # All epochs: no early stop.
    mlp = MLPClassifier(
        (HIDDEN_UNITS,),
        activation="logistic",
        solver="sgd",
        max_iter=sizes.epochs,
        n_iter_no_change=sizes.epochs + 1,
        random_state=0,
    )
    forest = RandomForestClassifier(sizes.trees, n_jobs=1, random_state=0)
    tasks = {
        f"MLP, {sizes.epochs} epochs": partial(_quiet_fit, mlp, pixels, y),
        f"random forest, {sizes.trees} trees": partial(forest.fit, pixels, y),
    }
    for label in VARIANTS:
        whole, start = _network(sizes, label), _network(sizes, label, 1)
        tasks[label] = partial(whole.fit, pixels, y)
        tasks[f"{label} (stored)"] = partial(whole.fit, stored, y)
        tasks[f"{label}, start"] = partial(start.fit, pixels, y)
    return tasks


def _quiet_fit(mlp: MLPClassifier, X: np.ndarray, y: np.ndarray) -> None:
    """Fit without the warning that the epochs have run out, as they shall."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp.fit(X, y)


def _warm_up(
    sizes: Sizes,
    stored: np.ndarray,
    pixels: np.ndarray,
    y: np.ndarray,
    say: Callable[[str], None],
) -> None:
    say("compiling")
    few = np.concatenate(
        [np.flatnonzero(y == label)[:WARM_UP_ROWS] for label in np.unique(y)]
    )
    for label in VARIANTS:
        for X in (stored, pixels):
            _network(sizes, label, 1).fit(X[few], y[few])
    _quiet_fit(MLPClassifier((2,), max_iter=1), pixels[few], y[few])
    RandomForestClassifier(1, n_jobs=1).fit(pixels[few], y[few])


def _compare(
    record: SectionRecord,
    label: str,
    sizes: Sizes,
    seconds: dict[str, list[float]],
    n_rows: int,
) -> None:
    """Enter a variant's share of the MLP's time and its time a candidate and row."""
    mlp = next(name for name in seconds if name.startswith("MLP"))
    share = record.add(f"{label} / MLP", ratios(seconds[label], seconds[mlp]), "")
    record.aim(share.name, share.median, SHARES_OF_MLP[label])
    binary = VARIANTS[label].get("binary_weights", False)
    iterations = (sizes.max_iter_binary if binary else sizes.max_iter) - 1
    features = min(sizes.max_features, record.measurements[0].about["n_features"])
    steps = iterations * features * (1 if binary else 2) * n_rows
    costs = [
        1e9 * (whole - start) / steps
        for whole, start in zip(seconds[label], seconds[f"{label}, start"], strict=True)
    ]
    cost = record.add(f"{label}, a candidate and row", costs, "ns")
    if label in NANOSECONDS:
        record.aim(cost.name, cost.median, NANOSECONDS[label], unit="ns")
