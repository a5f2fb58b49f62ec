"""Speed of fit, ensemble and predict; growth, memory and start; against yardsticks.

Run ``python -m benchmarks.speed --help`` from a checkout. It prints tables, with what
was measured of every aim, and writes a JSON file, brought up to date after each
section; ``--plot`` draws that file. Compare figures within one run only: competitors
take turns, and a machine's speed changes from one hour to the next.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.arguments import Parser, named, positive
from benchmarks.common.errors import exit_status

# Modules that need the extra are imported in functions, after check_modules.

DEFAULT_OUTPUT = "speed-results.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments, by default those of the command line.

    Returns
    -------
    int
        Exit status: 0 whether aims are met or missed, 2 after an error of the user's,
        130 if interrupted.
    """

    def work() -> None:
        arguments = parse_arguments(argv)
        if arguments.plot:
            from benchmarks.speed.plots import plot

            file, folder = arguments.plot
            print("\n".join(f"Written: {path}" for path in plot(file, folder)))
        else:
            from benchmarks.speed.sections_run import run

            run(arguments)

    return exit_status("benchmarks.speed", work, "the file has the sections finished")


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; like argparse, exit with status 2 if it is wrong."""
    from benchmarks.datasets.argument import dataset
    from benchmarks.speed.sections import SECTIONS

    parser = Parser(
        "python -m benchmarks.speed",
        "Measure speed and memory against yardsticks, in one run.",
        "Leave the machine alone while it runs: other work makes figures worse.",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="smaller sizes, fewer rounds")
    add(
        "--sections",
        nargs="+",
        type=named("section", {name: name for name in SECTIONS}),
        default=list(SECTIONS),
        metavar="NAME",
        help=f"what to measure: {', '.join(SECTIONS)} (default: all)",
    )
    add(
        "--data",
        type=dataset,
        metavar="NAME",
        help="data set of the sections fit and accuracy, as in benchmarks.medical, its "
        "training rows, such as npz:FILE (default: synthetic images of 2,526 x 9,216; "
        "tables)",
    )
    add("--skip-unreadable", action="store_true", help="leave out what can't be read")
    add(
        "--repeats",
        type=positive,
        metavar="N",
        help="rounds in which competitors take turns (default: each section's own)",
    )
    add(
        "--output",
        type=Path,
        default=Path(DEFAULT_OUTPUT),
        metavar="FILE",
        help="JSON file for results, replacing an earlier one (default: %(default)s)",
    )
    add(
        "--plot",
        nargs=2,
        type=Path,
        metavar=("FILE", "FOLDER"),
        help="measure nothing: draw an earlier run's file into a folder",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
