"""A run: split after split, model after model, then the table."""

import argparse
from importlib.util import find_spec

from joblib import effective_n_jobs
from sklearn.model_selection import ParameterGrid

from benchmarks.certified.certified_estimate import Budgets, estimate
from benchmarks.certified.certified_record import CertifiedRecord
from benchmarks.certified.certified_table import TABLE, make_table
from benchmarks.certified.measuring import (
    CRITERION,
    N_ATTACKED,
    PIXELS,
    Images,
    certify,
)
from benchmarks.certified.norms import NORMS, Norm, with_bounds_in
from benchmarks.common.checkpoints import Checkpoints
from benchmarks.common.errors import UserError, check_modules
from benchmarks.common.table import write_table
from benchmarks.datasets import Dataset, describe_loaded, load
from benchmarks.datasets.fingerprint import fingerprint
from benchmarks.datasets.scaling import scale
from benchmarks.datasets.splits import Split, draw_split, split_kind
from benchmarks.models import MODELS, Budget, Model
from benchmarks.models.smoothing import ALPHA

DEFAULT_EXTRA = "benchmarks"  # its absence is an error


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
    norm = NORMS[arguments.norm]
    models = installed([MODELS[name] for name in dict.fromkeys(arguments.models)])
    models = with_bounds_in(norm, models)
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
        Budget(arguments.votes, jobs, copies=arguments.copies),
        Budget(arguments.search_votes, jobs, copies=arguments.search_copies),
        arguments.smoothed_images,
    )
    record = CertifiedRecord(arguments, jobs, dataset, kind)
    checkpoints = Checkpoints(arguments.output, arguments.resume)
    splits = [draw_split(dataset, kind, seed) for seed in range(arguments.seeds)]
    print(estimate(models, dataset, splits, budgets, norm), flush=True)
    for seed, split in enumerate(splits):
        images = images_of(dataset, split)
        for model in models:
            parameters = depends_on(model, split, seed, budgets, images, norm)
            name = f"{model.name}-{seed}"
            result = checkpoints.load(name, data, parameters)
            if result is None:
                result = certify(
                    model,
                    images,
                    seed,
                    budgets.final,
                    budgets.search,
                    budgets.n_smoothed,
                    norm,
                )
                checkpoints.save(name, data, parameters, result)
            for column, trial in record.add(model, seed, result).items():
                shares = " ".join(f"{share:.3f}" for share in trial["accuracies"])
                print(
                    f"seed {seed} {column:14} {shares}  {trial['chosen']}", flush=True
                )
    record.finish()
    table = make_table(record.data)
    print("\n" + table.to_text())
    write_table(table, arguments.output, kinds=("txt", "csv", "rst"))
    print(
        f"\nWritten to {arguments.output}: {record.path.name}, {TABLE} (txt, csv, rst)"
    )


def installed(models: list[Model]) -> list[Model]:
    """Leave out models of an extra that is not there, and say so in one line.

    Raises
    ------
    UserError
        If none is left.
    """
    missing = {
        model.name: model.extra
        for model in models
        if model.extra != DEFAULT_EXTRA
        and any(find_spec(name) is None for name in model.modules)
    }
    if missing:
        extras = " and ".join(
            f"'sklearn-scd[{e}]'" for e in sorted({*missing.values()})
        )
        told = f"{', '.join(missing)}: not installed; pip install {extras}"
        if len(missing) == len(models):
            raise UserError(told)
        print(f"Left out {told}", flush=True)
    return [model for model in models if model.name not in missing]


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
    model: Model,
    split: Split,
    seed: int,
    budgets: Budgets,
    images: Images,
    norm: Norm,
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
        "grid": list(ParameterGrid(model.grid)) if model.grid else [],
        "folds": model.folds,
        "smoothing": [ALPHA, budgets.n_smoothed, *model.sigmas],
        "copies": [budgets.final.copies, budgets.search.copies],
        "search": [CRITERION, *norm.search_sizes],
        "bounding": [type(model.bounding).__name__, N_ATTACKED, *PIXELS],
        "norm": norm.name,
    }
