"""Finished pieces of a run on disk, so that ``--resume`` computes none twice."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import joblib
from tqdm import tqdm

from benchmarks._errors import UserError
from benchmarks._results import plain, write_atomically

FOLDER = "pieces"


class Pieces:
    """Trained models and attacked images in the output folder.

    A piece's file is named by a hash of all that it depends on: a piece of other
    settings is not found. Files are unpickled, so resume only runs of your own.

    Parameters
    ----------
    folder : Path
        The output folder.
    resume : bool
        Whether pieces of an earlier run count. Otherwise they are removed.

    Raises
    ------
    UserError
        If the folder can't be made or emptied.
    """

    def __init__(self, folder: Path, resume: bool):
        self.folder = folder / FOLDER
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not resume:
                for path in self.folder.glob("*.joblib"):
                    path.unlink()
        except OSError as error:
            raise UserError(
                f"{self.folder}: can't be used ({error.strerror}); give another folder "
                "with --output"
            ) from error

    def load(self, name: str, basis: dict) -> Any:
        """Return a piece, or None if there is none or its file is damaged.

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
            return joblib.load(path)
        except Exception as error:  # a damaged pickle may raise anything
            tqdm.write(f"{path}: damaged ({type(error).__name__}), computed again")
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
        write_atomically(self._path(name, basis), content.getvalue())

    def _path(self, name: str, basis: dict) -> Path:
        text = json.dumps(basis, sort_keys=True, default=plain)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return self.folder / f"{name}-{digest}.joblib"
