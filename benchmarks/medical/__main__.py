"""Sign networks and common baselines on medical images: accuracy and robustness.

Run ``python -m benchmarks.medical --help`` from a checkout. It prints the paper's
tables as measured here and writes them to the output folder with ``results.json``,
which is brought up to date after each piece of work, figures and ``report.html``.
"""

import argparse
import sys
from collections.abc import Sequence

from benchmarks.common.errors import exit_status

# Modules that need the extra are imported in functions, after check_modules.


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
        from benchmarks.medical.stages import run

        arguments = parse_arguments(argv)
        if arguments.list:
            from benchmarks.models.choices import list_choices

            print(list_choices("medical"))
        else:
            run(arguments)

    return exit_status("benchmarks.medical", work, "go on with --resume")


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; like argparse, exit with status 2 if it is wrong."""
    from benchmarks.medical.options import make_parser

    return make_parser().parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
