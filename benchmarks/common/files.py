"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.common.errors import UserError


def make_folder(folder: Path) -> Path:
    """Make a folder for output, and remove what a killed run has left in it.

    Raises
    ------
    UserError
        If that fails.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_drafts(folder)
    except OSError as error:
        raise UserError(
            f"{folder}: can't make the folder ({error.strerror}); give another with "
            "--output"
        ) from error
    return folder


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a draft to write to, which takes the place of `path` at the end.

    After an error, or an interruption, `path` is as it was and the draft is gone.

    Parameters
    ----------
    path : Path
        The file to write; its folder must exist.

    Yields
    ------
    Path
        A file beside it, yet to be made.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        with suppress(OSError):  # it would hide the one that led here
            draft.unlink()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file beside its place, then move it there.

    Raises
    ------
    UserError
        If that fails; the file is then as it was before.
    """
    try:
        with replacing(path) as draft:
            draft.write_bytes(content)
    except OSError as error:
        raise UserError(
            f"{path}: can't write ({error.strerror}); give another folder with --output"
        ) from error


def remove_drafts(folder: Path) -> None:
    """Remove what a run that was killed while it wrote has left beside its files."""
    for path in folder.glob(".*.*"):
        if path.suffix[1:].isdigit() and path.is_file():
            path.unlink(missing_ok=True)
