"""Accuracy of sign networks and common baselines on medical images.

Run ``python -m benchmarks.medical --help`` from a checkout. It prints the table that
corresponds to the paper's Table 1 and writes ``results.json``, which is brought up to
date after each trial, ``table1.csv`` and a sheet of sample images a data set.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks._errors import UserError, check_modules

# Modules that need the extra are imported in functions, after check_modules.

# With these the default takes about two minutes on two free cores.
DEFAULT_DATASET = "colon-ihc"
DEFAULT_SEEDS = 3
DEFAULT_VOTES = 20
DEFAULT_OUTPUT = "medical-results"


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
    try:
        check_modules()
        from benchmarks._runner import run

        arguments = parse_arguments(argv)
        if arguments.list:
            print(list_choices())
        else:
            run(arguments)
    except UserError as error:
        print(f"benchmarks.medical: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: results.json has what was finished", file=sys.stderr)
        return 130
    return 0


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; like argparse, exit with status 2 if it is wrong."""
    from benchmarks._models import MODELS
    from benchmarks._paper import TABLE_1
    from benchmarks._splits import KINDS

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.medical",
        description="Compare sign networks with common baselines on medical images.",
        epilog="--list tells the data sets and models.",
    )
    add = parser.add_argument
    add(
        "--dataset",
        nargs="+",
        type=_dataset,
        default=[DEFAULT_DATASET],
        metavar="NAME",
        help=f"data sets (default: {DEFAULT_DATASET})",
    )
    add(
        "--models",
        nargs="+",
        choices=MODELS,
        default=list(MODELS),
        metavar="NAME",
        help="models (default: all)",
    )
    add(
        "--seeds",
        type=_positive,
        default=DEFAULT_SEEDS,
        metavar="N",
        help="run the seeds 0 to N-1, each with its own split (default: %(default)s)",
    )
    add(
        "--votes",
        type=_positive,
        default=DEFAULT_VOTES,
        metavar="N",
        help="networks a vote is taken over (default: %(default)s; the paper: 100)",
    )
    add(
        "--max-iter",
        type=_positive,
        metavar="N",
        help="iterations of a sign network and epochs of an MLP, for a quick trial "
        "(default: each model's own)",
    )
    add(
        "--split",
        choices=KINDS,
        default="auto",
        help="auto: the set's own, else by group if it has groups, else random",
    )
    add(
        "--paper-row",
        choices=["auto", "none", *TABLE_1],
        default="auto",
        help="which of the paper's sets the data set is (auto: by its name and size)",
    )
    add(
        "--output",
        type=Path,
        default=Path(DEFAULT_OUTPUT),
        metavar="DIR",
        help="folder for results, replacing earlier ones (default: %(default)s)",
    )
    add(
        "--jobs",
        type=_positive,
        metavar="N",
        help="processor cores to use (default: all)",
    )
    add("--list", action="store_true", help="list data sets and models, then stop")
    return parser.parse_args(argv)


def list_choices() -> str:
    """Return the data sets and models, each with a line about it."""
    from benchmarks._models import MODELS
    from benchmarks.datasets import describe

    models = {model.name: model.summary for model in MODELS.values()}
    lines = []
    for heading, choices in (("data sets", describe()), ("models", models)):
        lines.append(f"{heading}:")
        lines += [f"  {name:<14} {text}" for name, text in choices.items()]
    return "\n".join(lines)


def _dataset(text: str) -> str:
    from benchmarks.datasets import check_spec

    try:
        return check_spec(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
