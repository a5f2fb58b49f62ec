"""The course of a run, from the command line's arguments to the report."""

import argparse

import joblib

from benchmarks._attacking import attack_models, make_pictures
from benchmarks._course import Course
from benchmarks._errors import check_modules
from benchmarks._evaluating import evaluate_models
from benchmarks._models import MODELS, Budget, Model
from benchmarks._paper import find_row
from benchmarks._pieces import Pieces
from benchmarks._protocols import PROTOCOLS, Protocol
from benchmarks._report import describe_dataset, render_csv, render_table
from benchmarks._results import Results, write_atomically
from benchmarks._tables import make_tables, write_tables
from benchmarks._tasks import Task, prepare_tasks
from benchmarks._training import train_models
from benchmarks.datasets import describe_details
from benchmarks.report import write_report


def run(arguments: argparse.Namespace) -> None:
    """Carry out what the command line asks for.

    Parameters
    ----------
    arguments : argparse.Namespace
        As ``medical.parse_arguments`` returns it.

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
    check_modules(tuple(dict.fromkeys(name for m in models for name in m.modules)))
    protocol = choose_protocol(arguments)
    if protocol is not None:
        check_modules(("art",))
        if arguments.white_box and any(m.white_box == "gradient" for m in models):
            check_modules(("torch",))
    # Everything is loaded and split first, so that a mistake shows at once.
    tasks = prepare_tasks(arguments, models)
    results = Results(arguments.output, record_arguments(arguments, jobs))
    pieces = Pieces(arguments.output, arguments.resume)
    course = Course(budget, protocol, results, pieces, arguments.white_box)
    for task in tasks:
        introduce(task, models, arguments, results)
    pictures = {}
    for task in tasks:
        trained = train_models(course, task)
        targets, attacked = attack_models(course, task, trained)
        evaluate_models(course, task, trained, targets, attacked)
        if shown := make_pictures(task, targets, attacked):
            pictures[task.spec] = shown
    results.finish()
    data = results.data
    write_atomically(arguments.output / "accuracy.csv", render_csv(data).encode())
    write_tables(data, arguments.output)
    write_report(arguments.output, data, pictures)
    print(render_table(data))
    for table in make_tables(data)[1:]:
        print("\n" + table.to_text())
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
