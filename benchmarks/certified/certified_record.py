"""``results.json``: what was chosen and certified, and what it was measured with."""

import argparse
from collections.abc import Sequence

import numpy as np

from benchmarks.certified.measuring import BOTH, CRITERION, N_ATTACKED, OWN, SMOOTHED
from benchmarks.certified.norms import NORMS
from benchmarks.common.files import make_folder
from benchmarks.common.record import Record, finite
from benchmarks.datasets import Dataset
from benchmarks.models import Model
from benchmarks.models.bounding import RandomisedSmoothing
from benchmarks.models.smoothing import ALPHA

SCHEMA = 2
FILE_NAME = "results.json"
# Models whose radii are of several kinds have a column for each.
SUFFIXES = {OWN: "", SMOOTHED: "+smoothing", BOTH: "+either"}


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
        norm = NORMS[arguments.norm]
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
            norm=norm.name,
            sizes=list(norm.sizes),
            criterion=CRITERION,
            n_attacked=N_ATTACKED,
            smoothing={
                "alpha": ALPHA,
                "copies": arguments.copies,
                "n_images": arguments.smoothed_images,
            },
            models={},
        )

    def add(self, model: Model, seed: int, results: dict[str, dict]) -> dict[str, dict]:
        """Enter a model's results on the split of a seed, and write the file.

        Parameters
        ----------
        model : Model
        seed : int
        results : dict of str to dict
            As `measuring.certify` returns it.

        Returns
        -------
        dict of str to dict
            The entries, by the names of their columns.
        """
        entries = {}
        for whose, result in results.items():
            name = f"{model.name}{SUFFIXES[whose]}"
            column = self.data["models"].setdefault(
                name,
                {
                    "label": model.label,
                    "certificate": kind_of_radii(model, whose),
                    "seeds": {},
                },
            )
            entries[name] = column["seeds"][str(seed)] = {
                "accuracy": float(result["accuracy"]),
                "chosen": result["chosen"],
                "distances": finite(result["distances"]),
                "accuracies": accuracies(result, self.data["sizes"]).tolist(),
                "radius": finite(average_radius(result)),
                "seconds": result["seconds"],
            }
            _sum_up(column)
        self.save()
        return entries


def kind_of_radii(model: Model, whose: str) -> str | None:
    """Return "exact", "certified", SMOOTHED or BOTH.

    None: distances are what an attack found, so upper bounds.
    """
    if whose != OWN:
        return whose
    if isinstance(model.bounding, RandomisedSmoothing):
        return SMOOTHED
    return model.bounding.certificate


def _sum_up(column: dict) -> None:
    """Write means and standard deviations over the splits, as :mod:`statistics` does.

    Splits are a sample of those that could be drawn, so that one less than their number
    divides, as in the tables of accuracy; of a single one the deviation is 0.
    """
    trials = column["seeds"].values()
    shares = np.array([trial["accuracies"] for trial in trials])
    ddof = min(1, len(shares) - 1)
    column["mean"] = shares.mean(axis=0).tolist()
    column["std"] = shares.std(axis=0, ddof=ddof).tolist()
    radii = np.array([trial["radius"] for trial in trials], dtype=float)
    known = np.isfinite(radii).all()
    column["radius_mean"] = float(radii.mean()) if known else None
    column["radius_std"] = float(radii.std(ddof=ddof)) if known else None
    column["seconds"] = float(np.mean([trial["seconds"] for trial in trials]))


def accuracies(result: dict, sizes: Sequence[float]) -> np.ndarray:
    """Share of test images that are right, and certified or found beyond each size."""
    distances = result["distances"][:, np.newaxis]
    if not distances.size:
        return np.zeros(len(sizes))
    return result["accuracy"] * (distances > sizes).mean(axis=0)


def average_radius(result: dict) -> float:
    """Mean distance over test images, 0 where the model is wrong."""
    distances = result["distances"]
    return float(result["accuracy"] * distances.mean()) if distances.size else 0.0
