"""From what the user types to a loader."""

from collections.abc import Callable
from pathlib import Path

from benchmarks._errors import UserError
from benchmarks.datasets._base import Dataset
from benchmarks.datasets.breast_cancer import load_breast_cancer
from benchmarks.datasets.colon_ihc import load_colon_ihc
from benchmarks.datasets.folder import load_folder
from benchmarks.datasets.npz import load_npz

NAMED: dict[str, tuple[Callable[[], Dataset], str]] = {
    "colon-ihc": (load_colon_ihc, "colon tissue tiles, DAB stain or not (default)"),
    "breast-cancer": (load_breast_cancer, "30 measurements of cell nuclei"),
}
FROM_PATH: dict[str, tuple[Callable[[Path], Dataset], str, str]] = {
    "npz": (load_npz, "FILE", "arrays X, y and, if there are groups, group"),
    "folder": (load_folder, "DIR", "a folder a class, in train/ and test/ or not"),
}


def describe() -> dict[str, str]:
    """Return what a user may ask for, each with a line about it."""
    named = {name: text for name, (_, text) in NAMED.items()}
    return named | {
        f"{prefix}:{what}": text for prefix, (_, what, text) in FROM_PATH.items()
    }


def check_spec(spec: str) -> str:
    """Return `spec` if there is a loader for it.

    Raises
    ------
    UserError
        If there is none; the message lists the choices.
    """
    prefix, _, path = spec.partition(":")
    if spec in NAMED or (prefix in FROM_PATH and path):
        return spec
    choices = ", ".join(describe())
    raise UserError(f"unknown data set {spec!r} (choose from {choices})")


def load(spec: str) -> Dataset:
    """Load the data set that `spec` stands for.

    Parameters
    ----------
    spec : str
        A name, ``npz:FILE`` or ``folder:DIR``.

    Raises
    ------
    UserError
        If `spec` is unknown, or what it names is missing or unusable.
    """
    check_spec(spec)
    if spec in NAMED:
        return NAMED[spec][0]()
    prefix, _, path = spec.partition(":")
    return FROM_PATH[prefix][0](Path(path))
