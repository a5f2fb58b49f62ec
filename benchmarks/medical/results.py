"""``results.json``: all that was measured, and what it was measured with.

Tables are made from this record alone, so that they can be made again from the file.
"""

import statistics
from pathlib import Path

import numpy as np

from benchmarks.common.files import make_folder
from benchmarks.common.record import Record
from benchmarks.datasets import Dataset
from benchmarks.datasets.scaling import describe_scaling
from benchmarks.datasets.splits import Split
from benchmarks.medical.paper import TABLE_1
from benchmarks.medical.trials import Trial
from benchmarks.models import Model

SCHEMA = 3
FILE_NAME = "results.json"


class Results(Record):
    """The record of a run, written anew after each trial.

    Parameters
    ----------
    folder : Path
        Where the file goes; made if missing.
    arguments : dict
        What the user asked for.

    Raises
    ------
    UserError
        If the folder cannot be made or written to.
    """

    def __init__(self, folder: Path, arguments: dict):
        path = make_folder(folder) / FILE_NAME
        super().__init__(path, "medical", SCHEMA, arguments, datasets={})

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
