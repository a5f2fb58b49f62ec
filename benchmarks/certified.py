"""Certified accuracy of sign networks beside linear classifiers and other models.

Run ``python -m benchmarks.certified --help`` from a checkout. The parameters of models
that have a certificate are chosen by cross-validation on the training images, by the
geometric mean of their errors, images not right and certified, at L2 0, 0.5, 1 and 2;
the models are then trained on all of them, and certified on the test images. Models
without a certificate are attacked: what is left of their accuracy is an upper bound of
what they stand.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks._arguments import positive
from benchmarks._errors import UserError, check_modules, exit_status

# Modules that need the extra are imported in functions, after check_modules.

SIZES = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0)  # L2
DEFAULT_OUTPUT = "certified-results"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments, by default those of the command line.

    Returns
    -------
    int
        Exit status: 0, 2 after an error of the user's, 130 if interrupted.
    """
    return exit_status(
        "benchmarks.certified",
        lambda: run(parse_arguments(argv)),
        "go on with --resume",
    )


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; like argparse, exit with status 2 if it is wrong."""
    from benchmarks._contestants import CONTESTANTS
    from benchmarks._splits import KINDS

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.certified",
        description="Certified accuracy of sign networks beside linear classifiers.",
    )
    add = parser.add_argument
    add("--dataset", default="colon-ihc", help="as in benchmarks.medical --list")
    add(
        "--models",
        nargs="+",
        choices=CONTESTANTS,
        default=list(CONTESTANTS),
        metavar="NAME",
        help=f"{', '.join(CONTESTANTS)} (default: all)",
    )
    add("--seeds", type=positive, default=5, help="splits 0 to N-1 (default: 5)")
    add("--split", choices=KINDS, default="auto", help="as in benchmarks.medical")
    add("--votes", type=positive, default=100, help="of the final model (default: 100)")
    add("--search-votes", type=positive, default=15, help="in the search (default: 15)")
    add("--jobs", type=positive, help="threads (default: all)")
    add(
        "--output",
        type=Path,
        default=Path(DEFAULT_OUTPUT),
        metavar="DIR",
        help="folder for results (default: %(default)s)",
    )
    add("--skip-unreadable", action="store_true", help="leave out what can't be read")
    add("--resume", action="store_true", help="keep what an earlier run finished")
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace) -> None:
    """Carry out what the command line asks for."""
    from joblib import effective_n_jobs

    from benchmarks._contestants import CONTESTANTS, CRITERION, Images, certify
    from benchmarks._models import Budget
    from benchmarks._pieces import Pieces
    from benchmarks._results import write_atomically
    from benchmarks._scaling import scale
    from benchmarks._splits import draw_split, split_kind
    from benchmarks._tasks import Task
    from benchmarks.datasets import describe_loaded, load

    needed = [CONTESTANTS[name].modules for name in arguments.models]
    check_modules(tuple({module: None for modules in needed for module in modules}))
    dataset = load(arguments.dataset, True, arguments.skip_unreadable, aloud=False)
    print(describe_loaded(dataset), flush=True)
    if dataset.image_shape is None:
        raise UserError(f"{dataset.name}: a table; the sizes are for pixels in [0, 1]")
    kind = split_kind(dataset, arguments.split)
    task = Task(arguments.dataset, dataset, kind, (), ())
    pieces = Pieces(arguments.output, arguments.resume)
    jobs = effective_n_jobs(arguments.jobs or -1)
    budget = Budget(arguments.votes, jobs)
    search = Budget(arguments.search_votes, jobs)
    found: dict[str, list[dict]] = {name: [] for name in arguments.models}
    for seed in range(arguments.seeds):
        split = draw_split(dataset, kind, seed)
        X_train, X_test = scale(dataset, split)
        images = Images(
            X_train,
            dataset.y[split.train],
            dataset.group[split.train] if kind == "group" else None,
            X_test,
            dataset.y[split.test],
            dataset.image_shape,
        )
        for name in found:
            basis = {
                "data": task.fingerprint,
                "kind": kind,
                "seed": seed,
                "model": name,
                "grid": CONTESTANTS[name].grid,
                "measure": CONTESTANTS[name].measure,
                "criterion": CRITERION,
                "votes": [budget.votes, search.votes],
            }
            result = pieces.load(f"{name}-{seed}", basis)
            if result is None:
                result = certify(CONTESTANTS[name], images, seed, budget, search)
                pieces.save(f"{name}-{seed}", basis, result)
            found[name].append(result)
            print(
                f"seed {seed} {name:14} {_row(result)}  {result['chosen']}", flush=True
            )
    table = render(dataset.name, kind, found)
    print("\n" + table)
    write_atomically(arguments.output / "certified.txt", f"{table}\n".encode())


def render(name: str, kind: str, found: dict[str, list[dict]]) -> str:
    """Lay out the mean over all splits, and its standard deviation."""
    from benchmarks._contestants import CONTESTANTS, N_ATTACKED

    seeds = len(next(iter(found.values())))
    lines = [
        f"Certified accuracy, %, {name}, {seeds} splits ({kind}): mean ± deviation",
        f"{'':14} " + " ".join(f"{f'L2 {size:g}':>14}" for size in SIZES),
    ]
    for model, results in found.items():
        shares = np.array([accuracies(result) for result in results]) * 100
        marks = [
            "≤" if CONTESTANTS[model].is_attacked and size > 0 else " "
            for size in SIZES
        ]
        cells = [
            f"{mark}{mean:6.2f} ± {deviation:4.2f}"
            for mark, mean, deviation in zip(
                marks, shares.mean(axis=0), shares.std(axis=0), strict=True
            )
        ]
        lines.append(f"{model:14} " + " ".join(cells))
    if any(CONTESTANTS[model].is_attacked for model in found):
        lines.append(
            f"≤ no certificate: what attacks left, {N_ATTACKED} images a split"
        )
    return "\n".join(lines)


def accuracies(result: dict) -> np.ndarray:
    """Share of test images right and found to stand each size."""
    distances = result["distances"][:, np.newaxis]
    return result["accuracy"] * (distances > SIZES).mean(axis=0)


def _row(result: dict) -> str:
    return " ".join(f"{share:.3f}" for share in accuracies(result))


if __name__ == "__main__":
    sys.exit(main())
