"""A run: split after split, model after model, then the table."""

import argparse
from dataclasses import dataclass

from joblib import effective_n_jobs

from benchmarks.certified.certified_estimate import estimate
from benchmarks.certified.certified_record import CertifiedRecord
from benchmarks.certified.certified_table import TABLE, make_table
from benchmarks.certified.measuring import (
    CRITERION,
    N_ATTACKED,
    PIXELS,
    SEARCH_SIZES,
    Images,
    certify,
)
from benchmarks.common.checkpoints import Checkpoints
from benchmarks.common.errors import UserError, check_modules
from benchmarks.common.table import write_table
from benchmarks.datasets import Dataset, describe_loaded, load
from benchmarks.datasets.fingerprint import fingerprint
from benchmarks.datasets.scaling import scale
from benchmarks.datasets.splits import Split, draw_split, split_kind
from benchmarks.models import MODELS, Budget, Model


@dataclass(frozen=True)
class Budgets:
    """What a final model may spend, and one that is tried in the search."""

    final: Budget
    search: Budget


def run(arguments: argparse.Namespace) -> None:
    """Carry out what the command line asks for.

    Parameters
    ----------
    arguments : argparse.Namespace
        As ``__main__.parse_arguments`` returns it.

    Raises
    ------
    UserError
        If the data set or the output folder is unusable, or modules are missing.
    """
    models = [MODELS[name] for name in dict.fromkeys(arguments.models)]
    needed = [(*model.modules, *model.bounding.modules) for model in models]
    check_modules(tuple(dict.fromkeys(name for names in needed for name in names)))
    dataset = load(arguments.dataset, True, arguments.skip_unreadable, aloud=False)
    print(describe_loaded(dataset), flush=True)
    if dataset.image_shape is None:
        raise UserError(f"{dataset.name}: a table; the sizes are for pixels in [0, 1]")
    kind = split_kind(dataset, arguments.split)
    data = fingerprint(dataset)
    jobs = effective_n_jobs(arguments.jobs or -1)
    budgets = Budgets(
        Budget(arguments.votes, jobs), Budget(arguments.search_votes, jobs)
    )
    record = CertifiedRecord(arguments, jobs, dataset, kind)
    checkpoints = Checkpoints(arguments.output, arguments.resume)
    splits = [draw_split(dataset, kind, seed) for seed in range(arguments.seeds)]
    print(estimate(models, dataset, splits, budgets.final, budgets.search), flush=True)
    for seed, split in enumerate(splits):
        images = images_of(dataset, split)
        for model in models:
            parameters = depends_on(model, split, seed, budgets, images)
            name = f"{model.name}-{seed}"
            result = checkpoints.load(name, data, parameters)
            if result is None:
                result = certify(model, images, seed, budgets.final, budgets.search)
                checkpoints.save(name, data, parameters, result)
            trial = record.add(model, seed, result)
            shares = " ".join(f"{share:.3f}" for share in trial["accuracies"])
            print(
                f"seed {seed} {model.name:14} {shares}  {trial['chosen']}", flush=True
            )
    record.finish()
    table = make_table(record.data)
    print("\n" + table.to_text())
    write_table(table, arguments.output, kinds=("txt", "csv", "rst"))
    print(
        f"\nWritten to {arguments.output}: {record.path.name}, {TABLE} (txt, csv, rst)"
    )


def images_of(dataset: Dataset, split: Split) -> Images:
    """Return both sides of a split as all models get them."""
    X_train, X_test = scale(dataset, split)
    return Images(
        X_train,
        dataset.y[split.train],
        dataset.group[split.train] if split.kind == "group" else None,
        X_test,
        dataset.y[split.test],
        dataset.image_shape,
    )


def depends_on(
    model: Model, split: Split, seed: int, budgets: Budgets, images: Images
) -> dict:
    """Return all that was set for a result."""
    built = {
        use: model.build(seed, budget, images.image_shape).get_params()
        for use, budget in (("final", budgets.final), ("search", budgets.search))
    }
    return {
        "model": model.name,
        "seed": seed,
        "train": split.train.tolist(),
        "test": split.test.tolist(),
        "by_group": images.groups is not None,
        "parameters": {
            use: {k: repr(v) for k, v in parameters.items()}
            for use, parameters in built.items()
        },
        "grid": {name: list(values) for name, values in model.grid.items()},
        "search": [CRITERION, *SEARCH_SIZES],
        "bounding": [type(model.bounding).__name__, N_ATTACKED, *PIXELS],
    }
