"""What tests of the benchmark's runs share."""

import json
from pathlib import Path
from typing import NamedTuple

MODELS = ["scdce", "linear01", "random-forest"]
SHORT = ["--votes", "3", "--train-iter", "10", "--jobs", "1", "--seeds", "1"]
SHORT += ["--images", "3", "--restarts", "2", "--max-iter", "2", "--init-size", "12"]


class FinishedRun(NamedTuple):
    """Where a run wrote to, its record, and what it printed."""

    folder: Path
    data: dict
    printed: str


def medical_arguments(dataset, folder, models, *more):
    """Arguments of a short run of ``benchmarks.medical``."""
    argv = ["--dataset", dataset, "--models", *models, *SHORT, "--output", str(folder)]
    return [*argv, *more]


def measured(data):
    """A run's record without what differs between two runs of the same thing.

    Parameters
    ----------
    data : dict
        As it is in ``results.json``.

    Returns
    -------
    datasets : dict
        Its data sets, without times.
    """
    return timeless(data["datasets"])


def timeless(value):
    """The same part of a record without seconds."""
    if isinstance(value, dict):
        timed = ("seconds", "fit_seconds", "predict_seconds")
        return {k: timeless(v) for k, v in value.items() if k not in timed}
    return [timeless(v) for v in value] if isinstance(value, list) else value


def read(folder):
    """The record in an output folder."""
    return json.loads((folder / "results.json").read_text())
