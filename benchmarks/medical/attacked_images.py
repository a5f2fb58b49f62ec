"""The attack stage: minimal adversarial perturbations of some test images."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.base import ClassifierMixin

from benchmarks.common.record import finite
from benchmarks.datasets import Dataset
from benchmarks.datasets.splits import Split
from benchmarks.medical.curves import choose_epsilons, record_curve
from benchmarks.medical.protocols import Protocol
from sklearn_scd.robustness import (
    DistortionResult,
    minimum_distortion,
    transfer_matrix,
)


@dataclass(frozen=True)
class Targets:
    """The images to attack, the same for every model.

    Parameters
    ----------
    rows : ndarray of int, shape (n_images,)
        Rows of the data set.
    X : ndarray of shape (n_images, n_features)
    y : ndarray of shape (n_images,)
    X_start : ndarray of shape (init_size, n_features)
        Training images to start from.
    clip_values : tuple of (float, float)
        Range of a feature's values.
    """

    rows: np.ndarray
    X: np.ndarray
    y: np.ndarray
    X_start: np.ndarray
    clip_values: tuple[float, float]


@dataclass(frozen=True)
class AttackedImage:
    """What one model's attack on one image gave; arrays have one row."""

    result: DistortionResult
    seconds: float


def draw_targets(
    dataset: Dataset,
    split: Split,
    X_train: np.ndarray,
    X_test: np.ndarray,
    protocol: Protocol,
    seed: int,
) -> Targets:
    """Draw test images at random, and training images to start from.

    The first images are the same however many are drawn.
    """
    generator = np.random.default_rng(seed)
    chosen = generator.permutation(len(split.test))[: protocol.images]
    starts = generator.permutation(len(split.train))[: protocol.init_size]
    clip_values = (0.0, 1.0)
    if dataset.image_shape is None:
        low = min(X_train.min(), X_test.min())
        high = max(X_train.max(), X_test.max())
        clip_values = float(low), float(high)
    rows = split.test[chosen]
    return Targets(
        rows, X_test[chosen], dataset.y[rows], X_train[np.sort(starts)], clip_values
    )


def attack_image(
    estimator: ClassifierMixin,
    targets: Targets,
    image: int,
    protocol: Protocol,
    seed: int,
    jobs: int,
) -> AttackedImage:
    """Attack one image by HopSkipJump."""
    start = time.perf_counter()
    result = minimum_distortion(
        estimator,
        targets.X[image : image + 1],
        targets.y[image : image + 1],
        clip_values=targets.clip_values,
        n_restarts=protocol.restarts,
        max_iter=protocol.max_iter,
        init_size=protocol.init_size,
        X_train=targets.X_start,
        random_state=_seed_of(seed, targets.rows[image]),
        n_jobs=jobs,
    )
    return AttackedImage(result, time.perf_counter() - start)


def _seed_of(*parts: int) -> int:
    sequence = np.random.SeedSequence([int(part) for part in parts])
    return int(sequence.generate_state(1)[0])


def join(images: list[AttackedImage]) -> DistortionResult:
    """Put the results of single images into one."""
    results = [image.result for image in images]
    return DistortionResult(
        *(
            np.concatenate([getattr(result, name) for result in results])
            for name in ("distances", "adversarials", "queries", "status", "history")
        ),
        norm=results[0].norm,
        attack=results[0].attack,
    )


def record_attacks(
    dataset: Dataset,
    targets: Targets,
    protocol: Protocol,
    attacked: Mapping[str, list[AttackedImage]],
    labels: Mapping[str, str],
    seed: int,
) -> dict:
    """Return the attack stage's part of the record, for the images attacked so far.

    Parameters
    ----------
    dataset, targets, protocol
        What was attacked, and how.
    attacked : mapping of str to list of AttackedImage
        By model name, in the order of the images; perhaps not all yet.
    labels : mapping of str to str
        Headings of the models.
    seed : int
        Of the split, the models and the draws.
    """
    models = {}
    for name, images in attacked.items():
        if images:
            seconds = sum(image.seconds for image in images)
            models[name] = {"label": labels[name], **_entry(join(images), seconds)}
    return {
        "protocol": protocol.name,
        "attack": "hop_skip_jump",
        "norm": 2,
        "seed": seed,
        "settings": protocol.settings(),
        "clip_values": targets.clip_values,
        "images": [
            {"row": int(row), "class": dataset.class_names[label]}
            for row, label in zip(targets.rows, targets.y, strict=True)
        ],
        "models": models,
        "robust": _robust({name: entry["distances"] for name, entry in models.items()}),
    }


def record_transfer(
    estimators: Mapping[str, ClassifierMixin],
    targets: Targets,
    found: Mapping[str, DistortionResult | np.ndarray],
) -> dict:
    """Return which images transfer to which model, as it goes into the record.

    Parameters
    ----------
    estimators : mapping of str to ClassifierMixin
        By model name.
    targets : Targets
    found : mapping of str to DistortionResult or ndarray
        By the name of the model that was attacked: adversarial images, or rows of NaN.
    """
    transfer = transfer_matrix(estimators, found, targets.y)
    return {
        "names": list(transfer.names),
        "sources": list(transfer.sources),
        "fooled": transfer.fooled.tolist(),
        "valid": transfer.valid.tolist(),
        "rates": finite(transfer.rates),
        "accuracies": finite(transfer.accuracies),
    }


def _entry(result: DistortionResult, seconds: float) -> dict:
    found = (result.status != "misclassified") & np.isfinite(result.distances)
    distances = result.distances[found]
    quartiles = np.quantile(distances, [0.25, 0.5, 0.75]) if found.any() else [None] * 3
    return {
        "distances": finite(result.distances),
        "status": result.status.tolist(),
        "queries": result.queries.tolist(),
        "history": finite(result.history),
        "seconds": seconds,
        "summary": {
            "n": int(found.size),
            "n_attacked": int(found.sum()),
            "n_misclassified": int((result.status == "misclassified").sum()),
            "n_failed": int(np.isinf(result.distances).sum()),
            "q1": quartiles[0],
            "median": quartiles[1],
            "q3": quartiles[2],
            "mean": distances.mean() if found.any() else None,
        },
    }


def _robust(distances: Mapping[str, list]) -> dict:
    """Curves of robust accuracy, over epsilons up to the largest distance found."""
    arrays = {
        name: np.array([np.inf if d is None else d for d in values])
        for name, values in distances.items()
    }
    epsilons = choose_epsilons(arrays.values())
    curves = {name: record_curve(array, epsilons) for name, array in arrays.items()}
    return {"epsilons": epsilons.tolist(), "models": curves}
