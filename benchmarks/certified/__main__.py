"""The command line of ``python -m benchmarks.certified``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.arguments import Parser, positive
from benchmarks.common.errors import exit_status

# Modules that need the extra are imported in functions, after check_modules.

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

    def work() -> None:
        arguments = parse_arguments(argv)
        if arguments.list:
            from benchmarks.models.choices import list_choices

            print(list_choices("certified"))
        else:
            from benchmarks.certified.comparison import run

            run(arguments)

    return exit_status("benchmarks.certified", work, "go on with --resume")


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; like argparse, exit with status 2 if it is wrong."""
    from benchmarks.certified.norms import NORMS
    from benchmarks.datasets.argument import dataset
    from benchmarks.datasets.splits import KINDS
    from benchmarks.models import models_of
    from benchmarks.models.choices import model

    parser = Parser(
        "python -m benchmarks.certified",
        "Certified accuracy of sign networks beside other models.",
        "--list tells the data sets and models.",
    )
    add = parser.add_argument
    add(
        "--dataset",
        type=dataset,
        default="colon-ihc",
        metavar="NAME",
        help="a data set of --list (default: %(default)s)",
    )
    add(
        "--models",
        nargs="+",
        type=model,
        default=models_of("certified"),
        metavar="NAME",
        help=f"models of --list (default: {', '.join(models_of('certified'))})",
    )
    add(
        "--norm",
        choices=sorted(NORMS),
        default="2",
        help="of perturbations: L2, or inf, in gray levels of a pixel "
        "(default: %(default)s)",
    )
    for option, default, what in (
        ("--seeds", 5, "splits 0 to N-1"),
        ("--votes", 100, "networks of a final model"),
        ("--search-votes", 15, "networks of a model that is tried in the search"),
        ("--copies", 10_000, "noisy copies an image, where a model is smoothed"),
        ("--search-copies", 1_000, "the same in the search"),
    ):
        add(
            option,
            type=positive,
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )
    add(
        "--smoothed-images",
        type=positive,
        metavar="N",
        help="test images of a split that are certified by smoothing (default: all)",
    )
    add(
        "--split",
        choices=KINDS,
        default="auto",
        help="auto: the set's own, else by group if it has groups, else random "
        "(default: %(default)s)",
    )
    add("--jobs", type=positive, metavar="N", help="processor cores (default: all)")
    add(
        "--output",
        type=Path,
        default=Path(DEFAULT_OUTPUT),
        metavar="DIR",
        help="folder for results (default: %(default)s)",
    )
    add("--skip-unreadable", action="store_true", help="leave out what can't be read")
    add("--resume", action="store_true", help="keep what an earlier run finished")
    add("--list", action="store_true", help="list data sets and models, then stop")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
