"""Errors that a user can mend, shown as one line instead of a traceback."""

from importlib.util import find_spec

NEEDED = (
    "PIL",
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


def check_modules(modules: tuple[str, ...] = NEEDED) -> None:
    """Stop before any work if a package is missing.

    Parameters
    ----------
    modules : tuple of str
        Names of top-level modules.

    Raises
    ------
    UserError
        If one of them cannot be found.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise UserError(
            f"no module named {', '.join(missing)}: the benchmark needs the extra: "
            "pip install 'sklearn-scd[benchmarks]'"
        )


def one_line(error: BaseException) -> str:
    """Return an exception's message without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__
