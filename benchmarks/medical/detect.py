"""Adversarial images told by the disagreement of votes, also where the attacker knows.

``python -m benchmarks.medical.detect --help``. Models are trained as by
``benchmarks.medical`` with the same options, or taken from its output folder. Test
images that are not attacked choose the detector's thresholds.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from benchmarks.common.arguments import Parser, positive
from benchmarks.common.checkpoints import Checkpoints
from benchmarks.common.environment import environment
from benchmarks.common.errors import exit_status
from benchmarks.common.files import make_folder, write_atomically
from benchmarks.common.record import finite
from benchmarks.datasets.argument import dataset
from benchmarks.datasets.scaling import scale
from benchmarks.datasets.splits import KINDS
from benchmarks.medical.attacked_images import Targets, draw_targets
from benchmarks.medical.condense import rounded, to_json
from benchmarks.medical.context import ATTACKED_SEED, RunContext
from benchmarks.medical.protocols import PROTOCOLS
from benchmarks.medical.results import Results
from benchmarks.medical.tasks import Task, prepare_tasks
from benchmarks.medical.train import train_model
from benchmarks.models import MODELS, Budget
from benchmarks.models.choices import model
from benchmarks.models.threads import use_one_thread
from sklearn_scd.robustness import (
    AgreementDetector,
    DistortionResult,
    minimum_distortion,
    nearest_flip,
)

SCHEMA = 1
RATES = (0.05, 0.01)  # of false alarms
QUICK = PROTOCOLS["quick"]


@dataclass(frozen=True)
class Detected:
    """A model, its test images, and detectors for each rate."""

    estimator: ClassifierMixin
    targets: Targets
    clean: np.ndarray  # images that choose the thresholds
    detectors: dict[str, AgreementDetector]


def detect(run: RunContext, task: Task, name: str) -> dict:
    """Attack a model and measure how well its votes tell.

    Parameters
    ----------
    run : RunContext
    task : Task
    name : str
        The model's.

    Returns
    -------
    dict
        The model's part of the record.
    """
    detected = _prepare(run, task, name)
    agreement = next(iter(detected.detectors.values())).score_samples
    record: dict[str, Any] = {
        "label": MODELS[name].label,
        "thresholds": {r: d.threshold_ for r, d in detected.detectors.items()},
        "agreement_clean": _rounded(agreement(detected.clean)),
        "agreement_attacked": _rounded(agreement(detected.targets.X)),
        "attacks": {},
    }
    for attack, result in _attacks(run, task, name, detected):
        found = np.isfinite(result.distances) & (result.distances > 0)
        agreed = np.full(len(found), np.nan)
        if found.any():
            agreed[found] = agreement(result.adversarials[found])
        record["attacks"][attack] = {
            "distances": _rounded(result.distances),
            "status": result.status.tolist(),
            "agreement": _rounded(agreed),
        }
        print(f"{task.dataset.name}, {MODELS[name].label}: {attack}", flush=True)
    return record


def _prepare(run: RunContext, task: Task, name: str) -> Detected:
    """Train the model and choose thresholds."""
    split, seed = task.splits[ATTACKED_SEED], ATTACKED_SEED
    sides = scale(task.dataset, split)
    targets = draw_targets(task.dataset, split, *sides, run.protocol, seed)
    trained = train_model(run, task, seed, MODELS[name], sides)
    estimator = use_one_thread(trained.estimator)
    clean = sides[1][~np.isin(split.test, targets.rows)]
    detectors = {
        f"{rate:g}": AgreementDetector(estimator, false_alarm_rate=rate).fit(clean)
        for rate in RATES
        if rate * (len(clean) + 1) >= 1  # fewer images can't tell so low a rate
    }
    return Detected(estimator, targets, clean, detectors)


def _attacks(
    run: RunContext, task: Task, name: str, detected: Detected
) -> Iterator[tuple[str, DistortionResult]]:
    """Attack the images: without knowledge of the detector, and with it."""
    targets, thresholds = detected.targets, {None: None}
    thresholds |= {rate: d.threshold_ for rate, d in detected.detectors.items()}
    attacks = [("hop_skip_jump", None)]
    attacks += [("nearest_flip", rate) for rate in thresholds]
    for attack, rate in attacks:
        label = attack if rate is None else f"{attack}, {rate}"
        key = (
            f"detect-{name}-{label.replace(', ', '-')}",
            task.fingerprint,
            {
                **run.parameters(task, ATTACKED_SEED, name),
                "rows": targets.rows.tolist(),
                "attack": label,
                "threshold": thresholds[rate],
                "settings": run.protocol.settings(),
            },
        )
        result = run.checkpoints.load(*key)
        if result is None:
            result = _run(attack, thresholds[rate], detected, run)
            run.checkpoints.save(*key, result)
        yield label, result


def _run(
    attack: str, threshold: float | None, detected: Detected, run: RunContext
) -> DistortionResult:
    targets = detected.targets
    images = detected.estimator, targets.X, targets.y
    common = {
        "clip_values": targets.clip_values,
        "random_state": ATTACKED_SEED,
        "n_jobs": run.budget.jobs,
    }
    if attack == "nearest_flip":
        return nearest_flip(*images, agreement=threshold, **common)
    return minimum_distortion(
        *images,
        n_restarts=run.protocol.restarts,
        max_iter=run.protocol.max_iter,
        init_size=run.protocol.init_size,
        X_train=targets.X_start,
        **common,
    )


def _rounded(values: np.ndarray) -> list:
    return rounded(finite(values))


def run(arguments: argparse.Namespace) -> None:
    """Carry out what the command line asks for, and write the record."""
    models = [MODELS[name] for name in dict.fromkeys(arguments.models)]
    (task,) = prepare_tasks(arguments, models)
    budget = Budget(arguments.votes, arguments.jobs, None)
    protocol = QUICK.with_knobs(images=arguments.images)
    checkpoints = Checkpoints(make_folder(arguments.models_from), resume=True)
    results = Results(make_folder(arguments.models_from) / "detect", {})
    context = RunContext(budget, protocol, results, checkpoints)
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "benchmark": "medical.detect",
        "arguments": {
            "votes": arguments.votes,
            "images": arguments.images,
            "split": arguments.split,
        },
        "environment": environment(),
        "dataset": {
            "name": arguments.title or task.dataset.name,
            "sample_shape": list(task.dataset.X.shape[1:]),
            "split": task.kind,
        },
        "settings": protocol.settings(),
        "models": {},
    }
    for one in task.models:
        record["models"][one.name] = detect(context, task, one.name)
        write_atomically(arguments.out, to_json(record).encode())
    print(f"Written to {arguments.out}")


def make_parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    parser = Parser(
        "python -m benchmarks.medical.detect",
        "Measure how well the disagreement of votes tells adversarial images.",
        "Sign networks only: models whose votes nearest_flip can attack.",
    )
    add = parser.add_argument
    add("out", type=Path, help="record to write")
    add("--dataset", type=dataset, nargs=1, required=True, metavar="NAME")
    add("--title", help="name of the data set in the record")
    add("--models", nargs="+", type=model, default=["scdce"], metavar="NAME")
    add("--split", choices=KINDS, default="auto")
    add("--votes", type=positive, default=100, metavar="N")
    add("--images", type=positive, default=30, metavar="N")
    add("--jobs", type=positive, default=1, metavar="N")
    add(
        "--models-from",
        type=Path,
        default=Path("medical-results"),
        metavar="DIR",
        help="output folder of benchmarks.medical: models and attacks are kept there",
    )
    parser.set_defaults(paper_row="none", cache=True, skip_unreadable=False, seeds=1)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the measurement."""
    return exit_status(
        "benchmarks.medical.detect",
        lambda: run(make_parser().parse_args(argv)),
        "what is finished is kept",
    )


if __name__ == "__main__":
    sys.exit(main())
