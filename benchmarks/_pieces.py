"""Finished pieces of a run on disk, so that ``--resume`` computes none twice."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import joblib
from tqdm import tqdm

from benchmarks._errors import UserError, one_line
from benchmarks._results import plain, remove_drafts, write_atomically
from benchmarks._seal import have_key, key_file, seal, unseal

FOLDER = "pieces"


class Pieces:
    """Trained models and attacked images in the output folder.

    A piece's file is named by a hash of all that it depends on: a piece of other
    settings is not found. Files are pickles, so each is sealed with the user's key,
    and what was not is not opened: a folder from elsewhere can't run code.

    Parameters
    ----------
    folder : Path
        The output folder.
    resume : bool
        Whether pieces of an earlier run count. Otherwise they are removed.

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

    def load(self, name: str, basis: dict) -> Any:
        """Return a piece, or None if there is none or its file is not one to open.

        Parameters
        ----------
        name : str
            For people who look into the folder.
        basis : dict
            All that the piece depends on.
        """
        path = self._path(name, basis)
        if not path.exists():
            return None
        try:
            content = unseal(path.name, path.read_bytes())
        except OSError as error:
            raise UserError(f"{path}: can't read ({error.strerror})") from error
        if content is None:
            tqdm.write(
                f"{path}: damaged, or sealed with another key than {key_file()}; "
                "computed again"
            )
            return None
        try:
            return joblib.load(io.BytesIO(content))
        except Exception as error:  # what has changed in a package may raise anything
            tqdm.write(f"{path}: unreadable ({one_line(error)}); computed again")
            return None

    def save(self, name: str, basis: dict, piece: Any) -> None:
        """Write a piece in one step.

        Raises
        ------
        UserError
            If that fails.
        """
        content = io.BytesIO()
        joblib.dump(piece, content, compress=1)
        path = self._path(name, basis)
        write_atomically(path, seal(path.name, content.getvalue()))

    def _path(self, name: str, basis: dict) -> Path:
        text = json.dumps(basis, sort_keys=True, default=plain)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return self.folder / f"{name}-{digest}.joblib"
