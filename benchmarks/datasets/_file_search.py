"""What lies in a folder, and what of it is left out.

Folders come as archives, file servers and desktops leave them: with hidden files,
copies of a Mac's metadata, links, notes, and pictures in formats that are not read. All
that is passed over is counted, so that nobody misses half a set without a word.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.common.errors import UserError

# Put there by macOS, Synology's file servers and Windows, beside the user's own.
_FOREIGN_FOLDERS = frozenset({"__MACOSX", "@eaDir", "System Volume Information"})
_FOREIGN_FILES = frozenset({"thumbs.db", "desktop.ini"})
HIDDEN = "hidden files"


def check_folder(path: Path, prefix: str) -> None:
    """Raise a `UserError` if there is no folder where the user said."""
    if path.is_file():
        raise UserError(
            f"{path}: a file; if it is an archive, unpack it, and give the folder "
            f"after {prefix}:"
        )
    if not path.is_dir():
        raise UserError(f"{path}: no such folder; check the path after {prefix}:")


def shown_name(path: Path) -> str:
    """Return a name as text that can be printed and compared.

    A Mac writes accents as signs of their own, other systems don't; a name that is no
    UTF-8 can't be printed as Python holds it.
    """
    plain = path.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return unicodedata.normalize("NFC", plain)


def list_folders(folder: Path) -> list[Path]:
    """Return the folders in a folder, hidden ones left out, in the order of names."""
    return [
        entry for entry in _entries(folder) if entry.is_dir() and not _is_foreign(entry)
    ]


def list_files(folder: Path, left_out: Counter[str] | None = None) -> list[Path]:
    """Return the files right in a folder, hidden ones left out and counted."""
    files = [entry for entry in _entries(folder) if not entry.is_dir()]
    return [file for file in files if not _count_hidden(file, left_out)]


def walk(folder: Path, left_out: Counter[str] | None = None) -> Iterator[Path]:
    """Find all files below a folder, in the order of their paths.

    Parameters
    ----------
    folder : Path
        Links to folders are followed, but none that leads back to a folder above.
    left_out : Counter, optional
        Hidden files are counted there. Hidden folders are not looked into.

    Yields
    ------
    Path
        A file, or a link that leads nowhere.
    """
    yield from _walk(folder, left_out, frozenset(folder.resolve().parents))


def _walk(
    folder: Path, left_out: Counter[str] | None, above: frozenset[Path]
) -> Iterator[Path]:
    place = folder.resolve()
    if place in above:
        return
    for entry in _entries(folder):
        if entry.is_dir():
            if not _is_foreign(entry):
                yield from _walk(entry, left_out, above | {place})
        elif not _count_hidden(entry, left_out):
            yield entry


def find_nested(path: Path, depth: int = 4) -> Iterator[list[Path]]:
    """Go down the folders below a path, those of one level at a time.

    Yields
    ------
    list of Path
        `path` alone, then the folders in it, then those in them.
    """
    level = [path]
    for _ in range(depth):
        yield level
        level = [below for folder in level for below in list_folders(folder)]
        if not level:
            return


def suffix_of(file: Path) -> str:
    """Return the ending in lower case, ``.nii.gz`` as a whole."""
    name = file.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else Path(name).suffix


def not_read(file: Path) -> str:
    """Return the reason to leave out a file by its ending, as it is counted."""
    suffix = suffix_of(file)
    return f"{suffix} files" if suffix else "files without an ending"


def name_some(names: Sequence[object], n_named: int = 3) -> str:
    """Return the first of some names, and how many more there are."""
    named = ", ".join(map(str, names[:n_named]))
    n_more = len(names) - n_named
    return f"{named} and {n_more:,} more" if n_more > 0 else named


def describe_left_out(left_out: Mapping[str, int]) -> str:
    """Return what was left out, and how many of it, as one phrase."""
    return "; ".join(f"{what} ({count:,})" for what, count in left_out.items())


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise UserError(
            f"{folder}: can't be listed ({error.strerror}); see to its permissions"
        ) from error


def _is_foreign(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _FOREIGN_FOLDERS


def _count_hidden(file: Path, left_out: Counter[str] | None) -> bool:
    """Tell whether a file is hidden or a system's own, and count it if so."""
    is_hidden = file.name.startswith(".") or file.name.lower() in _FOREIGN_FILES
    if is_hidden and left_out is not None:
        left_out[HIDDEN] += 1
    return is_hidden
