"""The course of a run: load, split, then each model on each seed's split."""

import argparse
from dataclasses import dataclass

import joblib
from tqdm import tqdm

from benchmarks._errors import UserError
from benchmarks._models import MODELS, Budget, Model
from benchmarks._paper import find_row
from benchmarks._report import describe_dataset, render_csv, render_table
from benchmarks._results import Results, write_atomically
from benchmarks._samples import write_samples
from benchmarks._scaling import scale
from benchmarks._splits import Split, draw_split, split_kind
from benchmarks._trials import run_trial, warm_up
from benchmarks.datasets import Dataset, load


@dataclass(frozen=True)
class Task:
    """A data set with a split for each seed."""

    spec: str
    dataset: Dataset
    kind: str
    splits: tuple[Split, ...]


def run(arguments: argparse.Namespace) -> None:
    """Carry out what the command line asks for.

    Parameters
    ----------
    arguments : argparse.Namespace
        As ``medical.parse_arguments`` returns it.

    Raises
    ------
    UserError
        If a data set or the output folder is unusable.
    """
    jobs = arguments.jobs or joblib.cpu_count()
    budget = Budget(arguments.votes, jobs, arguments.max_iter)
    models = [MODELS[name] for name in dict.fromkeys(arguments.models)]
    # Everything is loaded and split first, so that a mistake shows at once.
    tasks = prepare_tasks(arguments)
    results = Results(arguments.output, record_arguments(arguments, jobs))
    for task in tasks:
        row = find_row(task.dataset, arguments.paper_row)
        results.add_dataset(task.spec, task.dataset, task.kind, row)
        for seed, split in enumerate(task.splits):
            results.add_split(task.spec, task.dataset, seed, split)
        write_samples(task.dataset, task.splits[0].train, arguments.output)
        print(describe_dataset(results.data["datasets"][task.spec]), end="\n\n")
    n_trials = len(tasks) * arguments.seeds * len(models)
    with tqdm(total=n_trials, desc="trials", unit="trial", leave=False) as progress:
        for task in tasks:
            run_task(task, models, budget, results, progress)
    results.finish()
    write_atomically(arguments.output / "table1.csv", render_csv(results.data).encode())
    print(render_table(results.data))
    print(f"\nWritten to {arguments.output}: {results.path.name}, table1.csv, samples")


def run_task(
    task: Task, models: list[Model], budget: Budget, results: Results, progress: tqdm
) -> None:
    """Train and test each model on each seed's split."""
    for seed, split in enumerate(task.splits):
        X_train, X_test = scale(task.dataset, split)
        train = X_train, task.dataset.y[split.train]
        test = X_test, task.dataset.y[split.test]
        for model in models:
            progress.set_postfix_str(f"{task.dataset.name}, seed {seed}, {model.label}")
            if seed == 0:
                warm_up(model, budget.jobs, *train)
            estimator = model.build(seed, budget)
            parameters = estimator.get_params()
            trial = run_trial(estimator, budget.jobs, train, test)
            results.add_trial(task.spec, model, parameters, seed, trial)
            progress.update()


def prepare_tasks(arguments: argparse.Namespace) -> list[Task]:
    """Load and split the data sets."""
    specs = list(dict.fromkeys(arguments.dataset))
    if arguments.paper_row not in ("auto", "none") and len(specs) > 1:
        raise UserError("--paper-row names one set; give a single --dataset with it")
    tasks = []
    for spec in specs:
        dataset = load(spec)
        if dataset.name in [task.dataset.name for task in tasks]:
            raise UserError(
                f"two data sets are named {dataset.name}; rename a file or folder"
            )
        kind = split_kind(dataset, arguments.split)
        splits = [draw_split(dataset, kind, seed) for seed in range(arguments.seeds)]
        tasks.append(Task(spec, dataset, kind, tuple(splits)))
    return tasks


def record_arguments(arguments: argparse.Namespace, jobs: int) -> dict:
    """Return the arguments as they go into the record, paths as the user typed them."""
    recorded = {key: value for key, value in vars(arguments).items() if key != "list"}
    return recorded | {"output": str(arguments.output), "jobs": jobs}
