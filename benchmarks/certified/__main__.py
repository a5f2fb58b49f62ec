"""The command line of ``python -m benchmarks.certified``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.arguments import positive
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
        from benchmarks.certified.comparison import run

        run(arguments)

    return exit_status("benchmarks.certified", work, "go on with --resume")


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; like argparse, exit with status 2 if it is wrong."""
    from benchmarks.datasets.splits import KINDS
    from benchmarks.models import MODELS, models_of

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.certified",
        description="Certified accuracy of sign networks beside linear classifiers.",
    )
    add = parser.add_argument
    add("--dataset", default="colon-ihc", help="as in benchmarks.medical --list")
    add(
        "--models",
        nargs="+",
        choices=MODELS,
        default=models_of("certified"),
        metavar="NAME",
        help="models, as in benchmarks.medical --list (default: "
        f"{', '.join(models_of('certified'))})",
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


if __name__ == "__main__":
    sys.exit(main())
