"""``results.json``: what was chosen and certified, and what it was measured with."""

import argparse

import numpy as np

from benchmarks.certified.measuring import CRITERION, N_ATTACKED
from benchmarks.common.files import make_folder
from benchmarks.common.record import Record, finite
from benchmarks.datasets import Dataset
from benchmarks.models import Model

SCHEMA = 1
FILE_NAME = "results.json"
SIZES = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0)  # L2


class CertifiedRecord(Record):
    """The record of a run, written anew after each model.

    Parameters
    ----------
    arguments : argparse.Namespace
    jobs : int
        Processor cores.
    dataset : Dataset
    kind : {"given", "random", "group"}
        Of the splits.

    Raises
    ------
    UserError
        If the output folder can't be made or written to.
    """

    def __init__(
        self, arguments: argparse.Namespace, jobs: int, dataset: Dataset, kind: str
    ):
        asked = {key: value for key, value in vars(arguments).items() if key != "list"}
        asked |= {"output": str(arguments.output), "jobs": jobs}
        super().__init__(
            make_folder(arguments.output) / FILE_NAME,
            "certified",
            SCHEMA,
            asked,
            dataset={
                "name": dataset.name,
                "source": dataset.source,
                "licence": dataset.licence,
                "n_samples": len(dataset.y),
                "sample_shape": list(dataset.X.shape[1:]),
                "classes": dataset.class_counts(),
                "split": kind,
            },
            norm=2,
            sizes=list(SIZES),
            criterion=CRITERION,
            n_attacked=N_ATTACKED,
            models={},
        )

    def add(self, model: Model, seed: int, result: dict) -> dict:
        """Enter a model's result on the split of a seed, and write the file.

        Returns
        -------
        dict
            The entry.
        """
        column = self.data["models"].setdefault(
            model.name,
            {
                "label": model.label,
                # None: distances are what an attack found, so accuracies upper bounds.
                "certificate": model.bounding.certificate,
                "seeds": {},
            },
        )
        trial = {
            "accuracy": result["accuracy"],
            "chosen": result["chosen"],
            "distances": finite(result["distances"]),
            "accuracies": accuracies(result).tolist(),
        }
        column["seeds"][str(seed)] = trial
        shares = np.array([t["accuracies"] for t in column["seeds"].values()])
        column["mean"] = shares.mean(axis=0).tolist()
        column["std"] = shares.std(axis=0).tolist()
        self.save()
        return trial


def accuracies(result: dict) -> np.ndarray:
    """Share of test images that are right, and certified or found beyond each size."""
    distances = result["distances"][:, np.newaxis]
    return result["accuracy"] * (distances > SIZES).mean(axis=0)
