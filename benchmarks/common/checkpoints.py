"""Finished parts of a run on disk, so that ``--resume`` computes none twice."""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from tqdm import tqdm

import sklearn_scd
from benchmarks.common.environment import versions
from benchmarks.common.errors import UserError, one_line
from benchmarks.common.files import remove_drafts, write_atomically
from benchmarks.common.record import plain
from benchmarks.common.signatures import have_key, key_file, sign, verify

FOLDER = "checkpoints"
PACKAGES = (Path(sklearn_scd.__file__).parent, Path(__file__).parents[1])
# Folders whose code computes nothing that is kept: it shows or times.
SHOWING = frozenset({"report", "speed", "tables"})


class Checkpoints:
    """Trained models and attacked images in the output folder.

    A file is named by a hash of all that its content depends on: that of other
    settings is not found. Files are pickles, so each is signed with the user's key, and
    what was not is not opened: a folder from elsewhere can't run code.

    Parameters
    ----------
    folder : Path
        The output folder.
    resume : bool
        Whether checkpoints of an earlier run count. Otherwise they are removed.

    Raises
    ------
    UserError
        If the folder can't be made or emptied, or there is no key.
    """

    def __init__(self, folder: Path, resume: bool):
        self.folder = folder / FOLDER
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not resume:
                for path in self.folder.glob("*.joblib"):
                    path.unlink()
            remove_drafts(self.folder)
            have_key()  # a mistake shows before anything is computed
        except OSError as error:
            raise UserError(
                f"{self.folder}: can't be used ({error.strerror}); give another folder "
                "with --output"
            ) from error

    def load(self, name: str, data: str, parameters: dict) -> Any:
        """Return what was kept, None if there is none or the file is not to be opened.

        Parameters
        ----------
        name : str
            For people who look into the folder.
        data, parameters
            As in `checkpoint_key`.
        """
        path = self._path(name, data, parameters)
        if not path.exists():
            return None
        try:
            content = verify(path.name, path.read_bytes())
        except OSError as error:
            raise UserError(f"{path}: can't read ({error.strerror})") from error
        if content is None:
            tqdm.write(
                f"{path}: damaged, or signed with another key than {key_file()}; "
                "computed again"
            )
            return None
        try:
            return joblib.load(io.BytesIO(content))
        except Exception as error:  # what has changed in a package may raise anything
            tqdm.write(f"{path}: unreadable ({one_line(error)}); computed again")
            return None

    def save(self, name: str, data: str, parameters: dict, content: Any) -> None:
        """Write a checkpoint in one step.

        Raises
        ------
        UserError
            If that fails.
        """
        pickled = io.BytesIO()
        joblib.dump(content, pickled, compress=1)
        path = self._path(name, data, parameters)
        write_atomically(path, sign(path.name, pickled.getvalue()))

    def _path(self, name: str, data: str, parameters: dict) -> Path:
        key = checkpoint_key(data, parameters)
        return self.folder / f"{name}-{key[:16]}.joblib"


def checkpoint_key(data: str, parameters: dict) -> str:
    """Hash all that a result depends on: data, parameters, code and versions.

    Parameters
    ----------
    data : str
        As `hash_arrays` returns it.
    parameters : dict
        All that was set, plain containers and numbers.

    Returns
    -------
    str
        Hexadecimal digits.
    """
    basis = {
        "data": data,
        "parameters": parameters,
        "code": code_fingerprint(),
        "versions": versions(),
    }
    text = json.dumps(basis, sort_keys=True, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_arrays(arrays: Iterable[np.ndarray | None]) -> str:
    """Hash the content of arrays, with their dtypes and shapes, in their order."""
    digest = hashlib.sha256()
    for array in arrays:
        if array is None:
            digest.update(b"none")
            continue
        digest.update(repr((array.dtype.str, array.shape)).encode())
        is_plain = array.dtype.kind in "biuf"  # others may hold text or objects
        digest.update(
            np.ascontiguousarray(array).data
            if is_plain
            else repr(array.tolist()).encode()
        )
    return digest.hexdigest()


@cache
def code_fingerprint() -> str:
    """Hash the code of the package and of the benchmark, but for what only shows."""
    digest = hashlib.sha256()
    for name, path in _sources(PACKAGES):
        digest.update(f"{name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _sources(packages: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    for package in packages:
        for path in sorted(package.rglob("*.py")):
            name = path.relative_to(package)
            if not SHOWING & set(name.parts):
                yield f"{package.name}/{name.as_posix()}", path
