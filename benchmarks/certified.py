"""Certified accuracy of sign networks beside linear classifiers.

Run ``python -m benchmarks.certified --help`` from a checkout. Each model's parameters
are chosen on a part of the training images that is held out, by its mean certified
accuracy at L2 0, 0.5, 1 and 2; it is then trained on all of them, and certified on the
test images.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks._arguments import positive
from benchmarks._errors import exit_status

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
    add("--resume", action="store_true", help="keep what an earlier run finished")
    return parser.parse_args(argv)


def run(arguments: argparse.Namespace) -> None:
    """Carry out what the command line asks for."""
    from benchmarks._contestants import CONTESTANTS, Budget, certify
    from benchmarks._pieces import Pieces
    from benchmarks._results import write_atomically
    from benchmarks._scaling import scale
    from benchmarks._splits import draw_split, split_kind
    from benchmarks._tasks import Task
    from benchmarks.datasets import load

    dataset = load(arguments.dataset, True)
    kind = split_kind(dataset, arguments.split)
    task = Task(arguments.dataset, dataset, kind, (), ())
    pieces = Pieces(arguments.output, arguments.resume)
    budget = Budget(arguments.votes, arguments.search_votes, arguments.jobs or -1)
    found: dict[str, list[dict]] = {name: [] for name in arguments.models}
    for seed in range(arguments.seeds):
        split = draw_split(dataset, kind, seed)
        X_train, X_test = scale(dataset, split)
        groups = dataset.group[split.train] if kind == "group" else None
        for name in found:
            basis = {
                "data": task.fingerprint,
                "kind": kind,
                "seed": seed,
                "model": name,
                "grid": CONTESTANTS[name].grid,
                "votes": [budget.votes, budget.search_votes],
            }
            result = pieces.load(f"{name}-{seed}", basis)
            if result is None:
                result = certify(
                    CONTESTANTS[name], X_train, dataset.y[split.train], groups, X_test,
                    dataset.y[split.test], seed, budget,
                )  # fmt: skip
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
    seeds = len(next(iter(found.values())))
    lines = [
        f"Certified accuracy, %, {name}, {seeds} splits ({kind}): mean ± deviation",
        f"{'':14} " + " ".join(f"{f'L2 {size:g}':>13}" for size in SIZES),
    ]
    for model, results in found.items():
        shares = np.array([accuracies(result) for result in results]) * 100
        cells = [
            f"{mean:6.2f} ± {deviation:4.2f}"
            for mean, deviation in zip(
                shares.mean(axis=0), shares.std(axis=0), strict=True
            )
        ]
        lines.append(f"{model:14} " + " ".join(cells))
    return "\n".join(lines)


def accuracies(result: dict) -> np.ndarray:
    """Share of test images right and certified beyond each size."""
    return (result["distances"][:, np.newaxis] > SIZES).mean(axis=0)


def _row(result: dict) -> str:
    return " ".join(f"{share:.3f}" for share in accuracies(result))


if __name__ == "__main__":
    sys.exit(main())
