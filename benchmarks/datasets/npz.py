"""A user's own arrays from an ``.npz`` file."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from benchmarks.common.errors import UserError, one_line
from benchmarks.datasets._base import Dataset
from benchmarks.datasets._levels import find_levels

SIDES = ("train", "val", "test")
BEGINNINGS = (b"PK", b"\x93NUMPY")  # of archives and of single arrays

# Names of images and labels, a pair a side, as they are published: MedMNIST's files,
# those of Keras, and what people save in the words of scikit-learn.
SIDED = tuple(
    {side: tuple(name.format(side) for name in names) for side in SIDES}
    for names in (
        ("{}_images", "{}_labels"),
        ("x_{}", "y_{}"),
        ("X_{}", "y_{}"),
    )
)


def load_npz(path: Path) -> Dataset:
    """Load ``X``, ``y`` and, where there is one, ``group``; or sides of a split.

    Parameters
    ----------
    path : Path
        An ``.npz`` file. ``X`` holds gray images (n, height, width), RGB images
        (n, height, width, 3) or a table (n, features); images are uint8, uint16 or
        floating point within [0, 1]. ``y`` holds a label a sample, (n,) or (n, 1):
        numbers, truth values or text. ``group`` tells which samples belong together.

        A file with its own split has ``train_images``, ``train_labels``,
        ``test_images`` and ``test_labels``, as those of MedMNIST, or ``X_train``,
        ``y_train``, ``X_test`` and ``y_test``; what is for validation joins train.

    Raises
    ------
    UserError
        If the file is missing or is no ``.npz``, or an array is missing or unusable.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file; check the path after npz:")
    advice = (
        "save one with numpy.savez(file, X=..., y=...), labels that are text as "
        "y.astype(str)"
    )
    sided = [name for names in SIDED for pair in names.values() for name in pair]
    arrays, names = read_arrays(path, ("X", "y", "group", *sided), advice)
    remarks: list[str] = []
    is_test = None
    if not {"X", "y"} & set(arrays):
        arrays, is_test = _join_sides(path, arrays, remarks)
    for key in ("X", "y"):
        if key not in arrays:
            raise UserError(
                f"{path}: no array {key!r} (it has {', '.join(names) or 'none'}); "
                "save it with numpy.savez(file, X=..., y=...)"
            )
    X, group = arrays["X"], arrays.get("group")
    _check_samples(path, X)
    labels = one_label_each(path, arrays["y"])
    _check_labels(path, "y", labels, len(X))
    if group is not None:
        _check_labels(path, "group", group, len(X))
    classes, y = np.unique(labels, return_inverse=True)
    return Dataset(
        name=path.stem,
        X=_to_images(X, remarks),
        y=y,
        class_names=tuple(str(label) for label in classes),
        source=f"npz file {path.name}",
        group=group,
        is_test=is_test,
        remarks=tuple(remarks),
    )


def one_label_each(path: Path, labels: np.ndarray) -> np.ndarray:
    """Return labels of shape (n, 1) as (n,), and refuse several a sample."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    if labels.ndim > 1:
        raise UserError(
            f"{path}: labels of shape {labels.shape}, several a sample; give one"
        )
    return labels


def _join_sides(
    path: Path, arrays: dict[str, np.ndarray], remarks: list[str]
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Put the sides of a split one below the other, if that is what the file has."""
    for names in SIDED:
        needed = {*names["train"], *names["test"]}
        if not needed <= set(arrays):
            continue
        sides = [side for side in SIDES if set(names[side]) <= set(arrays)]
        X, y = ([arrays[names[side][i]] for side in sides] for i in (0, 1))
        y = [one_label_each(path, labels) for labels in y]
        if len({images.shape[1:] for images in X}) > 1 or any(
            len(images) != len(labels) for images, labels in zip(X, y, strict=True)
        ):
            shapes = ", ".join(
                f"{name} {arrays[name].shape}" for side in sides for name in names[side]
            )
            raise UserError(
                f"{path}: its arrays don't fit each other ({shapes}); give a label an "
                "image, and images of one size"
            )
        if "val" in sides:
            remarks.append(f"the samples of val join train ({len(X[1]):,})")
        is_test = np.repeat([side == "test" for side in sides], [len(x) for x in X])
        return {"X": np.concatenate(X), "y": np.concatenate(y)}, is_test
    return {}, None


def _to_images(X: np.ndarray, remarks: list[str]) -> np.ndarray:
    """Drop the axis of a single channel, and scale 16 bits by what they use."""
    if X.ndim == 4 and X.shape[-1] == 1:
        X = X[..., 0]
    if X.ndim > 2 and X.dtype == np.uint16:
        levels = find_levels([(float(X.min()), float(X.max()))])
        if levels.white < np.iinfo(np.uint16).max:
            remarks.append(f"values to {X.max():,} in 16 bits: {levels}")
            X = levels.to_unit(X)
    return X


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
            if not file.read(6).startswith(BEGINNINGS):
                raise ValueError("it begins as no file of NumPy does")
            file.seek(0)
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, NpzFile):
                raise ValueError("it holds a single array")
            wanted = [key for key in keys if key in archive.files]
            return {key: archive[key] for key in wanted}, archive.files
    except MemoryError as error:
        raise UserError(
            f"{path}: needs more memory than there is ({one_line(error)}); give a "
            "smaller file"
        ) from error
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
