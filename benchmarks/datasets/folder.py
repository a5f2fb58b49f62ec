"""A user's own images, a folder a class."""

from pathlib import Path

import numpy as np

from benchmarks.common.errors import UserError
from benchmarks.datasets._base import Dataset, Recipe
from benchmarks.datasets._images import (
    SIZE,
    check_folder,
    list_folders,
    list_images,
    read_images,
)

VERSION = 1


def load_folder(path: Path) -> Recipe:
    """Load the images below a folder, resized to 96x96.

    Parameters
    ----------
    path : Path
        Holds a folder a class, or ``train`` and ``test`` that each do. Of a file with
        several pages the first counts.

    Returns
    -------
    Recipe
        Of a set in grey if every image is grey, else in RGB; uint8.

    Raises
    ------
    UserError
        If a folder is missing or holds no image; when it is read, if an image cannot
        be.
    """
    check_folder(path, "folder")
    if (path / "train").is_dir() or (path / "test").is_dir():
        sides = [_class_files(path / side) for side in ("train", "test")]
        _check_same_classes(path, *sides)
    else:
        sides = [_class_files(path)]
    class_names = tuple(sides[0])
    title = path.resolve().name
    files, y, is_test = [], [], []
    for position, classes in enumerate(sides):
        for code, name in enumerate(class_names):
            files += classes[name]
            y += [code] * len(classes[name])
            is_test += [position == 1] * len(classes[name])

    def read() -> Dataset:
        return Dataset(
            name=title,
            X=read_images(files, title),
            y=np.asarray(y, dtype=np.intp),
            class_names=class_names,
            source=f"folder {title} of images, resized to {SIZE}x{SIZE}",
            is_test=np.asarray(is_test) if len(sides) == 2 else None,
        )

    return Recipe("folder", VERSION, path, tuple(files), read)


def _class_files(folder: Path) -> dict[str, list[Path]]:
    """List the image files of each class, in the order of their names."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give both train/ and test/")
    classes = {entry.name: list_images(entry) for entry in list_folders(folder)}
    if not classes:
        raise UserError(
            f"{folder}: no folder in it; put the images of each class in one"
        )
    return classes


def _check_same_classes(path: Path, train: dict, test: dict) -> None:
    for name in sorted(set(train).symmetric_difference(test)):
        side = "test" if name in train else "train"
        raise UserError(
            f"{path / side}: class {name!r} has no image; add some or remove the "
            "folder on the other side"
        )
