"""``results.json``: all that was measured, and what it was measured with.

Tables are made from this record alone, so that they can be made again from the file.
"""

import json
import os
import statistics
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from benchmarks._environment import environment
from benchmarks._errors import UserError
from benchmarks._models import Model
from benchmarks._paper import TABLE_1
from benchmarks._scaling import describe_scaling
from benchmarks._splits import Split
from benchmarks._trials import Trial
from benchmarks.datasets import Dataset

SCHEMA = 3
FILE_NAME = "results.json"


class Results:
    """The record of a run, written anew after each trial.

    Parameters
    ----------
    folder : Path
        Where the file goes; made if missing.
    arguments : dict
        What the user asked for.

    Attributes
    ----------
    data : dict
        The record: plain containers, numbers and text.

    Raises
    ------
    UserError
        If the folder cannot be made or written to.
    """

    def __init__(self, folder: Path, arguments: dict):
        self.path = folder / FILE_NAME
        self.data = {
            "schema": SCHEMA,
            "benchmark": "medical",
            "started_utc": _now(),
            "finished_utc": None,
            "arguments": arguments,
            "environment": environment(),
            "datasets": {},
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            remove_drafts(folder)
        except OSError as error:
            raise UserError(
                f"{folder}: can't make the output folder ({error.strerror}); "
                "give another with --output"
            ) from error
        self.save()

    def add_dataset(
        self, spec: str, dataset: Dataset, kind: str, paper_row: str | None
    ) -> None:
        """Enter a data set, before its trials."""
        groups = dataset.group
        self.data["datasets"][spec] = {
            "name": dataset.name,
            "source": dataset.source,
            "licence": dataset.licence,
            "n_samples": len(dataset.y),
            "sample_shape": list(dataset.X.shape[1:]),
            "image": dataset.image_shape is not None,
            "dtype": str(dataset.X.dtype),
            "classes": dataset.class_counts(),
            "left_out": dict(dataset.left_out),
            "remarks": list(dataset.remarks),
            "n_groups": None if groups is None else len(np.unique(groups)),
            "scaling": describe_scaling(dataset),
            "paper_row": paper_row,
            "split": {"kind": kind, "seeds": {}},
            "models": {},
        }

    def add_split(self, spec: str, dataset: Dataset, seed: int, split: Split) -> None:
        """Enter how many samples of each class a seed's split has on either side."""
        self.data["datasets"][spec]["split"]["seeds"][str(seed)] = {
            "train": dataset.class_counts(split.train),
            "test": dataset.class_counts(split.test),
        }

    def add_trial(
        self, spec: str, model: Model, parameters: dict, seed: int, trial: Trial
    ) -> None:
        """Enter a trial, bring its model's summary up to date and write the file."""
        entry = self.data["datasets"][spec]
        paper = TABLE_1.get(entry["paper_row"])
        column = entry["models"].setdefault(
            model.name,
            {
                "label": model.label,
                # The seed is in each trial, the one parameter in which they differ.
                "parameters": {k: parameters[k] for k in sorted(parameters)}
                | {"random_state": "the seed"},
                "paper_accuracy": paper and _share(paper.accuracy.get(model.name)),
                "seeds": {},
            },
        )
        column["seeds"][str(seed)] = {
            "accuracy": trial.accuracy,
            "n_correct": trial.n_correct,
            "n_test": trial.n_test,
            "wilson_95": trial.interval,
            "fit_seconds": trial.fit_seconds,
            "predict_seconds": trial.predict_seconds,
            "notes": list(trial.notes),
        }
        column |= _summary(list(column["seeds"].values()))
        self.save()

    def set_attack(self, spec: str, attack: dict) -> None:
        """Enter how far the attacks on a data set's models are, and write the file."""
        self.data["datasets"][spec]["attack"] = attack
        self.save()

    def set_evaluation(self, spec: str, evaluation: dict) -> None:
        """Enter what is known of a data set's models so far, and write the file."""
        self.data["datasets"][spec]["evaluation"] = evaluation
        self.save()

    def finish(self) -> None:
        """Write the file for the last time."""
        self.data["finished_utc"] = _now()
        self.save()

    def save(self) -> None:
        """Replace the file in one step: a reader or an interruption finds it whole."""
        text = json.dumps(self.data, indent=2, default=plain) + "\n"
        write_atomically(self.path, text.encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file beside its place, then move it there.

    Raises
    ------
    UserError
        If that fails; the file is then as it was before.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        os.replace(draft, path)
    except OSError as error:
        raise UserError(
            f"{path}: can't write ({error.strerror}); give another folder with --output"
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()


def remove_drafts(folder: Path) -> None:
    """Remove what a run that was killed while it wrote has left beside its files."""
    for path in folder.glob(".*.*"):
        if path.suffix[1:].isdigit() and path.is_file():
            path.unlink(missing_ok=True)


def _summary(trials: list[dict]) -> dict[str, float | None]:
    accuracy = [trial["accuracy"] for trial in trials]
    return {
        "mean": statistics.fmean(accuracy),
        "std": statistics.stdev(accuracy) if len(accuracy) > 1 else None,
        "min": min(accuracy),
        "max": max(accuracy),
        "fit_seconds": statistics.fmean(t["fit_seconds"] for t in trials),
        "predict_seconds": statistics.fmean(t["predict_seconds"] for t in trials),
    }


def _share(percent: float | None) -> float | None:
    return None if percent is None else round(percent / 100, 6)


def finite(values: np.ndarray) -> list:
    """Return nested lists with None where a number is not finite: JSON has no such."""
    return np.where(np.isfinite(values), values, None).tolist()


def plain(value: object) -> object:
    """Turn what an estimator's parameters may hold into what JSON can."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return type(value).__name__


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
