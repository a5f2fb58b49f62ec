"""Accuracy over processor time: what more iterations buy under each loss."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_wine,
    make_classification,
    make_moons,
)
from sklearn.model_selection import train_test_split

from benchmarks.speed.made_images import given_images
from benchmarks.speed.measurements import SectionRecord
from sklearn_scd import SCDClassifier

MODELS = {
    "SCD01": {"loss": "01"},
    "SCD01, the paper's": {"loss": "01", "ramp": 0.0},
    "SCDCE": {"loss": "ce"},
}
TEST_SHARE = 0.2


@dataclass(frozen=True)
class Sizes:
    """How much to fit.

    Parameters
    ----------
    data_sets : tuple of str
        Of "breast cancer", "wine", "digits", "two moons" and "four classes".
    iterations : tuple of int
        Each is a fit from the start.
    votes : int
    repeats : int
        Splits, with a seed of their own.
    data : str, optional
        A data set to load in their place.
    skip_unreadable : bool
        Whether to leave out what cannot be read of it.
    """

    data_sets: tuple[str, ...] = (
        "breast cancer", "wine", "digits", "two moons", "four classes",
    )  # fmt: skip
    iterations: tuple[int, ...] = (50, 150, 500, 1_000, 2_000)
    votes: int = 10
    repeats: int = 2
    data: str | None = None
    skip_unreadable: bool = False


def run(sizes: Sizes, say: Callable[[str], None]) -> SectionRecord:
    """Fit each model for more and more iterations, all of them on the same splits."""
    record = SectionRecord(
        "Accuracy over iterations: fit, processor seconds of one thread, and accuracy",
        notes=[
            f"{sizes.votes} votes; {TEST_SHARE:.0%} of the samples, drawn at random, "
            "are kept apart for accuracy. SCD01 is trained on a ramp, as by default; "
            "the paper's without."
        ],
    )
    loaded = [sizes.data] if sizes.data else sizes.data_sets
    for given in loaded:
        name, X, y = _load(given, sizes)
        parts = [
            train_test_split(X, y, test_size=TEST_SHARE, stratify=y, random_state=k)
            for k in range(sizes.repeats)
        ]
        for options in MODELS.values():
            _fit(options, 1, sizes, 0, parts[0])  # compiles
        for model, options in MODELS.items():
            for n_iter in sizes.iterations:
                say(f"{name}, {model}, {n_iter} iterations")
                found = [
                    _fit(options, n_iter, sizes, k, part)
                    for k, part in enumerate(parts)
                ]
                label = f"{model}, {n_iter:,} iterations"
                about = {
                    "row": label, "column": name, "model": model, "max_iter": n_iter,
                }  # fmt: skip
                seconds, right = zip(*found, strict=True)
                record.add(f"{name}, {label}", seconds, **about)
                record.add(f"{name}, {label}, accuracy", right, "", **about)
    return record


def curves(measurements: list[dict]) -> dict[str, dict[str, np.ndarray]]:
    """Return what a record has by data set and model.

    Returns
    -------
    dict of str to dict of str to ndarray of shape (n_sizes, 3)
        Iterations, mean seconds and mean accuracy, in the order of the record.
    """
    found: dict[str, dict[str, dict[int, list[float]]]] = {}
    for entry in measurements:
        about = entry["about"]
        models = found.setdefault(about["column"], {})
        values = models.setdefault(about["model"], {})
        values.setdefault(about["max_iter"], []).append(float(np.mean(entry["values"])))
    return {
        data: {
            model: np.array([[n_iter, *values] for n_iter, values in of.items()])
            for model, of in models.items()
        }
        for data, models in found.items()
    }


def _fit(
    options: dict, n_iter: int, sizes: Sizes, seed: int, parts: list[np.ndarray]
) -> tuple[float, float]:
    """Return processor seconds of a fit, and its accuracy on the samples kept apart."""
    X, X_test, y, y_test = parts
    model = SCDClassifier(
        **options, n_estimators=sizes.votes, max_iter=n_iter, random_state=seed
    )
    start = time.process_time()
    model.fit(X, y)
    seconds = time.process_time() - start
    return seconds, float(model.score(X_test, y_test))


def _load(name: str, sizes: Sizes) -> tuple[str, np.ndarray, np.ndarray]:
    if sizes.data:
        title, stored, _, y = given_images(name, sizes.skip_unreadable)
        return title, stored, y
    if name == "two moons":
        X, y = make_moons(1_000, noise=0.3, random_state=0)
    elif name == "four classes":
        X, y = make_classification(
            1_500, 20, n_informative=10, n_redundant=0, n_classes=4, random_state=0
        )
    else:
        loaders = {
            "breast cancer": load_breast_cancer,
            "wine": load_wine,
            "digits": load_digits,
        }
        X, y = loaders[name](return_X_y=True)
    return name, X, y
