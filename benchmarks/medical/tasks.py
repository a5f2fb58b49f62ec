"""What a run works on: each data set with its splits and the models for it."""

import argparse
from dataclasses import dataclass
from functools import cached_property

from benchmarks.common.errors import UserError
from benchmarks.datasets import Dataset, load
from benchmarks.datasets.fingerprint import fingerprint
from benchmarks.datasets.splits import Split, draw_split, split_kind
from benchmarks.models import Model


@dataclass(frozen=True)
class Task:
    """A data set with a split for each seed and the models that it is for."""

    spec: str
    dataset: Dataset
    kind: str
    splits: tuple[Split, ...]
    models: tuple[Model, ...]

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the data set's content."""
        return fingerprint(self.dataset)


def prepare_tasks(arguments: argparse.Namespace, models: list[Model]) -> list[Task]:
    """Load and split the data sets, and choose the models for each."""
    specs = list(dict.fromkeys(arguments.dataset))
    if arguments.paper_row not in ("auto", "none") and len(specs) > 1:
        raise UserError("--paper-row names one set; give a single --dataset with it")
    tasks = []
    for spec in specs:
        dataset = load(spec, arguments.cache, arguments.skip_unreadable, aloud=False)
        if dataset.name in [task.dataset.name for task in tasks]:
            raise UserError(
                f"two data sets are named {dataset.name}; rename a file or folder"
            )
        kind = split_kind(dataset, arguments.split)
        splits = [draw_split(dataset, kind, seed) for seed in range(arguments.seeds)]
        suited = suited_models(dataset, models)
        tasks.append(Task(spec, dataset, kind, tuple(splits), suited))
    return tasks


def suited_models(dataset: Dataset, models: list[Model]) -> tuple[Model, ...]:
    """Leave out the models that need images if the data set is a table."""
    is_table = dataset.image_shape is None
    suited = tuple(m for m in models if not (m.needs_images and is_table))
    if not suited:
        raise UserError(
            f"{dataset.name}: a table, and {', '.join(m.name for m in models)} need "
            "images; give others with --models"
        )
    return suited
