"""A run stage after stage, from the command line's arguments to the report."""

import argparse
from itertools import chain

import joblib

from benchmarks.common.checkpoints import Checkpoints
from benchmarks.common.errors import check_modules
from benchmarks.datasets import describe_details
from benchmarks.medical.attack import attack_models, make_pictures
from benchmarks.medical.context import RunContext
from benchmarks.medical.estimate import estimate
from benchmarks.medical.evaluate import evaluate_models
from benchmarks.medical.facts import describe_dataset
from benchmarks.medical.paper import find_row
from benchmarks.medical.protocols import PROTOCOLS, Protocol
from benchmarks.medical.report import write_report
from benchmarks.medical.results import Results
from benchmarks.medical.tables import make_tables, write_tables
from benchmarks.medical.tables.accuracy import accuracy
from benchmarks.medical.tasks import Task, prepare_tasks
from benchmarks.medical.train import train_models
from benchmarks.models import MODELS, Budget, Model


def run(arguments: argparse.Namespace) -> None:
    """Carry out what the command line asks for.

    Parameters
    ----------
    arguments : argparse.Namespace
        As ``__main__.parse_arguments`` returns it.

    Raises
    ------
    UserError
        If a data set or the output folder is unusable, a model's modules are missing,
        or no model is for a data set.
    """
    jobs = arguments.jobs or joblib.cpu_count()
    budget = Budget(
        arguments.votes, jobs, arguments.train_iter, vote_all=arguments.vote_all
    )
    models = [MODELS[name] for name in dict.fromkeys(arguments.models)]
    protocol = choose_protocol(arguments)
    needed = ["art"] if protocol is not None else []
    if protocol is not None and arguments.white_box:
        needed += [name for model in models for name in model.bounding.modules]
    check_modules(tuple(dict.fromkeys(needed)))
    for extra in dict.fromkeys(model.extra for model in models):
        of_extra = [m.modules for m in models if m.extra == extra]
        check_modules(tuple(dict.fromkeys(chain(*of_extra))), extra)
    # Everything is loaded and split first, so that a mistake shows at once.
    tasks = prepare_tasks(arguments, models)
    results = Results(arguments.output, record_arguments(arguments, jobs))
    checkpoints = Checkpoints(arguments.output, arguments.resume)
    context = RunContext(budget, protocol, results, checkpoints, arguments.white_box)
    for task in tasks:
        introduce(task, models, arguments, results)
    print(estimate(tasks, budget, protocol, arguments.white_box), flush=True)
    pictures = {}
    for task in tasks:
        trained = train_models(context, task)
        entry = results.data["datasets"][task.spec]
        print(f"\n{accuracy(results.data, entry).to_text()}\n", flush=True)
        targets, attacked = attack_models(context, task, trained)
        evaluate_models(context, task, trained, targets, attacked)
        if shown := make_pictures(task, targets, attacked):
            pictures[task.spec] = shown
    results.finish()
    data = results.data
    write_tables(data, arguments.output)
    write_report(arguments.output, data, pictures)
    print("\n\n".join(table.to_text() for table in make_tables(data)))
    print(
        f"\nWritten to {arguments.output}: {results.path.name}, tables (csv, rst), "
        "figures, report.html"
    )


def choose_protocol(arguments: argparse.Namespace) -> Protocol | None:
    """Return the protocol with the knobs that the user set, None for none."""
    if arguments.protocol == "none":
        return None
    return PROTOCOLS[arguments.protocol].with_knobs(
        images=arguments.images,
        restarts=arguments.restarts,
        max_iter=arguments.max_iter,
        init_size=arguments.init_size,
    )


def introduce(
    task: Task, models: list[Model], arguments: argparse.Namespace, results: Results
) -> None:
    """Enter a data set and its splits, and tell the user about them."""
    row = find_row(task.dataset, arguments.paper_row)
    results.add_dataset(task.spec, task.dataset, task.kind, row)
    for seed, split in enumerate(task.splits):
        results.add_split(task.spec, task.dataset, seed, split)
    print(describe_dataset(results.data["datasets"][task.spec]))
    first = task.splits[0]
    print(describe_details(task.dataset, {"train": first.train, "test": first.test}))
    left_out = [model.label for model in models if model not in task.models]
    if left_out:
        print(f"  not run: {', '.join(left_out)}, which need images")
    print()


def record_arguments(arguments: argparse.Namespace, jobs: int) -> dict:
    """Return the arguments as they go into the record, paths as the user typed them."""
    recorded = {key: value for key, value in vars(arguments).items() if key != "list"}
    return recorded | {"output": str(arguments.output), "jobs": jobs}
