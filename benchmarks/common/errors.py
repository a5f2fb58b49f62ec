"""Errors that a user can mend, shown as one line instead of a traceback."""

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec

NEEDED = (
    "PIL",
    "jinja2",
    "matplotlib",
    "nibabel",
    "numba",
    "platformdirs",
    "skimage",
    "sklearn",
    "sklearn_scd",
    "threadpoolctl",
    "tqdm",
)


class UserError(Exception):
    """A mistake in what the user gave: says what is wrong and what to do.

    The command line prints the message as one line and exits with status 2.
    """


def check_modules(modules: tuple[str, ...] = NEEDED, extra: str = "benchmarks") -> None:
    """Stop before any work if a package is missing.

    Parameters
    ----------
    modules : tuple of str
        Names of top-level modules.
    extra : str, default="benchmarks"
        The package's extra that installs them.

    Raises
    ------
    UserError
        If one of them cannot be found.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise UserError(
            f"no module named {', '.join(missing)}: the benchmark needs the extra: "
            f"pip install 'sklearn-scd[{extra}]'"
        )


def exit_status(program: str, work: Callable[[], None], if_interrupted: str) -> int:
    """Do a program's work, and say in one line what stopped it.

    Parameters
    ----------
    program : str
        Its name, as users type it.
    work : callable
    if_interrupted : str
        What to tell a user who interrupts it.

    Returns
    -------
    int
        0, 2 after an error of the user's, 130 if interrupted, 141 if nobody reads its
        output any more, as a shell says of programs that this ends.
    """
    try:
        try:
            return _status_of(program, work, if_interrupted)
        finally:
            sys.stdout.flush()  # at exit it could not be caught
    except BrokenPipeError:
        # What is left to write goes nowhere, or the interpreter would complain of it.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return 141


def _status_of(program: str, work: Callable[[], None], if_interrupted: str) -> int:
    try:
        check_modules()
        work()
    except UserError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"interrupted: {if_interrupted}", file=sys.stderr)
        return 130
    return 0


def one_line(error: BaseException) -> str:
    """Return an exception's message without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__
