"""Files that are there whole or not at all."""

import os
from contextlib import suppress
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


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file beside its place, then move it there.

    Raises
    ------
    UserError
        If that fails; the file is then as it was before.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        os.replace(draft, path)
    except OSError as error:
        raise UserError(
            f"{path}: can't write ({error.strerror}); give another folder with --output"
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()


def remove_drafts(folder: Path) -> None:
    """Remove what a run that was killed while it wrote has left beside its files."""
    for path in folder.glob(".*.*"):
        if path.suffix[1:].isdigit() and path.is_file():
            path.unlink(missing_ok=True)
