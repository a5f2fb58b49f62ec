"""A user's own arrays from an ``.npz`` file."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from benchmarks.common.errors import UserError, one_line
from benchmarks.datasets._base import Dataset


def load_npz(path: Path) -> Dataset:
    """Load ``X``, ``y`` and, where there is one, ``group``.

    Parameters
    ----------
    path : Path
        An ``.npz`` file. ``X`` holds grey images (n, height, width), RGB images
        (n, height, width, 3) or a table (n, features); images are uint8, uint16 or
        floating point within [0, 1]. ``y`` holds a label a sample: numbers, truth
        values or text. ``group`` tells which samples belong together.

    Raises
    ------
    UserError
        If the file is missing or is no ``.npz``, or an array is missing or unusable.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file; check the path after npz:")
    advice = "save one with numpy.savez(file, X=..., y=...)"
    arrays, names = read_arrays(path, ("X", "y", "group"), advice)
    for key in ("X", "y"):
        if key not in arrays:
            raise UserError(
                f"{path}: no array {key!r} (it has {', '.join(names) or 'none'}); "
                "save it with numpy.savez(file, X=..., y=...)"
            )
    X, labels, group = arrays["X"], arrays["y"], arrays.get("group")
    _check_samples(path, X)
    _check_labels(path, "y", labels, len(X))
    if group is not None:
        _check_labels(path, "group", group, len(X))
    classes, y = np.unique(labels, return_inverse=True)
    return Dataset(
        name=path.stem,
        # A grey image may come with an axis for its one channel.
        X=X[..., 0] if X.ndim == 4 and X.shape[-1] == 1 else X,
        y=y,
        class_names=tuple(str(label) for label in classes),
        source=f"npz file {path.name}",
        group=group,
    )


def read_arrays(
    path: Path, keys: Collection[str], advice: str
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Read arrays from an ``.npz`` file, unpickling nothing.

    Parameters
    ----------
    path : Path
        The file.
    keys : collection of str
        Names of the arrays that matter.
    advice : str
        What the user should do if the file is none.

    Returns
    -------
    arrays : dict of str to ndarray
        Those of `keys` that there are.
    names : list of str
        The names of all arrays in the file.

    Raises
    ------
    UserError
        If the file cannot be read as an archive of plain arrays.
    """
    try:
        # Opened here, as np.load leaves a file open that is no whole archive.
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, NpzFile):
                raise ValueError("it holds a single array")
            wanted = [key for key in keys if key in archive.files]
            return {key: archive[key] for key in wanted}, archive.files
    except Exception as error:
        # Damaged archives raise many kinds, from zipfile, zlib and NumPy's own parser.
        raise UserError(
            f"{path}: not an .npz file of plain arrays ({one_line(error)}); {advice}"
        ) from error


def _check_samples(path: Path, X: np.ndarray) -> None:
    def refuse(problem: str) -> None:
        raise UserError(
            f"{path}: X {problem}; give images (n, height, width[, 3]) in uint8, "
            "uint16 or floats within [0, 1], or a table (n, features) of numbers"
        )

    if X.dtype.kind not in "buif":
        refuse(f"has dtype {X.dtype}")
    if X.ndim not in (2, 3, 4) or (X.ndim == 4 and X.shape[-1] not in (1, 3)):
        refuse(f"has shape {X.shape}")
    if X.size == 0:
        refuse(f"is empty, shape {X.shape}")
    if X.dtype.kind == "f" and not np.isfinite(X).all():
        refuse("holds NaN or infinity")
    if X.ndim == 2:
        return
    if X.dtype.kind == "f":
        if X.min() < 0 or X.max() > 1:
            refuse(f"holds images with values from {X.min():g} to {X.max():g}")
    elif X.dtype not in (np.uint8, np.uint16):
        refuse(f"holds images of dtype {X.dtype}")


def _check_labels(path: Path, key: str, labels: np.ndarray, n_samples: int) -> None:
    if labels.shape != (n_samples,):
        raise UserError(
            f"{path}: {key} has shape {labels.shape} for {n_samples} samples in X; "
            "give one value a sample"
        )
    if labels.dtype.kind not in "buifUS":
        raise UserError(f"{path}: {key} has dtype {labels.dtype}; give numbers or text")
    if labels.dtype.kind == "f" and not np.array_equal(labels, np.trunc(labels)):
        raise UserError(
            f"{path}: {key} holds numbers that are not whole; give a label a sample"
        )
