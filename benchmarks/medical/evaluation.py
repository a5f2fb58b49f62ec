"""The evaluation stage: bounds on the minimal perturbation from below and above.

HopSkipJump gives loose upper bounds. White-box attacks give smaller ones, and where
there is a certificate, nothing is smaller than that.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.base import ClassifierMixin

from benchmarks.common.record import finite
from benchmarks.medical.attacked_images import Targets
from benchmarks.medical.curves import choose_epsilons, record_curve
from benchmarks.models import Model
from benchmarks.models.bounding import ImagesToBound
from sklearn_scd.robustness import (
    DistortionResult,
    RobustnessEvaluation,
    evaluate_robustness,
)


@dataclass(frozen=True)
class EvaluatedModel:
    """What is known of one model on the attacked images.

    Parameters
    ----------
    evaluation : RobustnessEvaluation
    certificate : {"exact", "certified"} or None
        Whether its lower bounds are the distances themselves; None where it has none.
    seconds : float
        All that was computed after HopSkipJump.
    """

    evaluation: RobustnessEvaluation
    certificate: str | None
    seconds: float


def evaluate_model(
    model: Model,
    estimator: ClassifierMixin,
    targets: Targets,
    found: DistortionResult,
    seed: int,
    jobs: int,
) -> EvaluatedModel:
    """Certify a model and attack it by all that it allows.

    Parameters
    ----------
    model : Model
    estimator : ClassifierMixin
        The model, trained.
    targets : Targets
    found : DistortionResult
        What the attack on its decisions gave on all of these images.
    seed : int
        Of the white-box attacks.
    jobs : int

    Raises
    ------
    RuntimeError
        If a certificate is above the distance of an adversarial image.
    """
    start = time.perf_counter()
    images = ImagesToBound(targets.X, targets.y, targets.clip_values, seed)
    attacks, certify = model.bounding.evaluation(estimator, images, found)
    evaluation = evaluate_robustness(
        estimator,
        targets.X,
        targets.y,
        attacks={found.attack: found, **attacks},
        certify=certify,
        clip_values=targets.clip_values,
        random_state=seed,
        n_jobs=jobs,
    )
    seconds = time.perf_counter() - start
    return EvaluatedModel(evaluation, model.bounding.certificate, seconds)


def record_evaluation(
    evaluated: Mapping[str, EvaluatedModel], labels: Mapping[str, str], seed: int
) -> dict:
    """Return the evaluation stage's part of the record, for the models done so far.

    Parameters
    ----------
    evaluated : mapping of str to EvaluatedModel
        By model name. The images are those of the attack stage, in their order.
    labels : mapping of str to str
        Headings of the models.
    seed : int
        Of the models and of the white-box attacks.
    """
    return {
        "norm": 2,
        "seed": seed,
        "models": {
            name: {"label": labels[name], **_entry(model)}
            for name, model in evaluated.items()
        },
        "curves": _curves(evaluated),
    }


def _entry(model: EvaluatedModel) -> dict:
    evaluation = model.evaluation
    return {
        "certificate": model.certificate,
        "certified": finite(evaluation.certified) if model.certificate else None,
        "distances": {
            name: finite(result.distances)
            for name, result in evaluation.attacks.items()
        },
        "nearest": finite(evaluation.nearest),
        "nearest_by": _nearest_by(evaluation),
        "gap": finite(evaluation.gap) if model.certificate else None,
        "agreement_clean": _if_any(evaluation.agreement_clean),
        "agreement_adversarial": _if_any(evaluation.agreement_adversarial),
        "roc_auc": evaluation.roc_auc,
        "seconds": model.seconds,
        "summary": _summary(model),
    }


def _nearest_by(evaluation: RobustnessEvaluation) -> list[str | None]:
    """Name the attack that came nearest on each image, the first of equals."""
    names = list(evaluation.attacks)
    distances = np.array([r.distances for r in evaluation.attacks.values()])
    found = (evaluation.nearest > 0) & np.isfinite(evaluation.nearest)
    return [
        names[k] if of_image else None
        for k, of_image in zip(distances.argmin(axis=0), found, strict=True)
    ]


def _if_any(values: np.ndarray | None) -> list | None:
    return None if values is None else finite(values)


def _summary(model: EvaluatedModel) -> dict:
    """Medians over the images classified correctly.

    One for which nothing was found is farther than all others: attacks are compared on
    the same images. None stands for infinity.
    """
    evaluation = model.evaluation
    right = evaluation.nearest > 0
    nearest, certified = evaluation.nearest[right], evaluation.certified[right]
    tight = np.ones(nearest.size)  # where both are the same, be they infinite
    open_ = certified != nearest
    tight[open_] = certified[open_] / nearest[open_]
    by = Counter(name for name in _nearest_by(evaluation) if name)
    return {
        "n": right.size,
        "n_misclassified": int((~right).sum()),
        "n_failed": int(np.isinf(nearest).sum()),
        "n_nearest_by": {name: by[name] for name in evaluation.attacks},
        "certified": _median(certified),
        "nearest": _median(nearest),
        "distances": {
            name: _median(result.distances[right])
            for name, result in evaluation.attacks.items()
        },
        "tightness": _median(tight),
    }


def _median(values: np.ndarray) -> float | None:
    median = np.median(values) if values.size else np.nan
    return float(median) if np.isfinite(median) else None


def _curves(evaluated: Mapping[str, EvaluatedModel]) -> dict:
    """Accuracy that is certified, and that the attacks left, on the same epsilons."""
    bounds = {}
    for name, model in evaluated.items():
        bounds[name] = {"attacked": model.evaluation.nearest}
        if model.certificate:
            bounds[name]["certified"] = model.evaluation.certified
    epsilons = choose_epsilons(
        d for of_model in bounds.values() for d in of_model.values()
    )
    return {
        "epsilons": epsilons.tolist(),
        "models": {
            name: {
                kind: record_curve(distances, epsilons)
                for kind, distances in of_model.items()
            }
            for name, of_model in bounds.items()
        },
    }
