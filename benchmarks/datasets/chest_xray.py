"""Chest X-rays of children, with pneumonia or without (Kermany et al. 2018).

The layout is that of the set on Kaggle: ``train``, ``val`` and ``test``, each with
``NORMAL`` and ``PNEUMONIA``. The three are merged, as the paper splits 80:20 itself,
and as one patient's images can lie in several of them.

They may lie further down: Kaggle's archive has them in ``chest_xray`` and, once more,
in ``chest_xray/chest_xray``, beside a Mac's ``__MACOSX``; others in
``ChestXRay2017/chest_xray`` or ``CellData/chest_xray``. The uppermost are read, and
copies further down are not.

File names tell the patient, read thus: ``person397_virus_790.jpeg`` is patient 397's,
``IM-0525-0001-0002.jpeg`` is number 525's and ``NORMAL2-IM-0525-0001.jpeg`` that of
number 525 in a second series. Another publication of the set has
``BACTERIA-1008087-0001.jpeg``: disease, patient, image. The same number counts as the
same patient in all three folders and with either disease, which at worst keeps together
what could be apart. A file named otherwise is a patient of its own.
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.common.errors import UserError
from benchmarks.datasets._base import Dataset, Recipe
from benchmarks.datasets._file_search import (
    check_folder,
    find_nested,
    list_folders,
    shown_name,
    walk,
)
from benchmarks.datasets._groups import groups_by_name
from benchmarks.datasets._images import list_images, read_images

VERSION = 2
SIDES = ("train", "val", "test")
CLASSES = ("NORMAL", "PNEUMONIA")
PER_CLASS = 1584  # as many as the paper used
PATIENT = re.compile(
    r"^(?:(person\d+)_|((?:NORMAL2-)?IM-\d+)-|(?:NORMAL|BACTERIA|VIRUS)-(\d+)-)"
)


def load_chest_xray(
    path: Path, per_class: int = PER_CLASS, skip_unreadable: bool = False
) -> Recipe:
    """Load the X-rays, gray, 96x96, as many of one class as of the other.

    Parameters
    ----------
    path : Path
        Holds those of ``train``, ``val`` and ``test`` that there are, or a folder that
        does; or ``NORMAL`` and ``PNEUMONIA`` themselves.
    per_class : int
        Images of each class, or as many as the smaller class has if that is less; drawn
        at random, for the same files always the same ones.
    skip_unreadable : bool
        Whether to leave out and count images that cannot be read.

    Returns
    -------
    Recipe
        Of a set grouped by patient.

    Raises
    ------
    UserError
        If a folder is missing or holds no image; when it is read, if an image cannot
        be.
    """
    check_folder(path, "chest-xray")
    place, sides = _find_sides(path)
    left_out: Counter[str] = Counter()
    classes = [
        [
            file
            for side in sides
            for file in list_images(_class_folder(side, name), left_out)
        ]
        for name in CLASSES
    ]
    _count_beside(place, sides, left_out)
    title = shown_name(path.resolve())
    n_drawn = min(per_class, *map(len, classes))
    files = _draw(classes, n_drawn)
    if n_surplus := sum(map(len, classes)) - len(files):
        left_out[f"images not drawn, for {n_drawn:,} of each class"] = n_surplus
    remarks = () if place == path else (f"read from {place}",)

    def read() -> Dataset:
        pictures = read_images(files, title, "L", skip_unreadable)
        y, rows = _balance(pictures.kept >= n_drawn)
        kept = [files[position] for position in pictures.kept[rows]]
        n_cut = len(pictures.X) - len(rows)
        return Dataset(
            name="chest-xray",
            X=pictures.X[rows] if n_cut else pictures.X,
            y=y,
            class_names=CLASSES,
            source=f"Kermany et al. 2018, {len(rows) // 2:,} a class drawn from folder "
            f"{title}, {pictures.sizes}",
            licence="CC BY 4.0",
            group=groups_by_name(kept, PATIENT),
            left_out=left_out
            + pictures.left_out
            + Counter({"images more than the other class has": n_cut}),
            remarks=(*remarks, *pictures.remarks),
        )

    options: dict[str, object] = {
        "per_class": per_class,
        "skip_unreadable": skip_unreadable,
    }
    return Recipe("chest-xray", VERSION, path, tuple(files), read, options, left_out)


def _find_sides(path: Path) -> tuple[Path, list[Path]]:
    """Find the uppermost folder with images of both classes, and its sides.

    Where nothing has both, the sides of `path` are what is wrong, so they are returned.
    """
    for level in find_nested(path):
        found = [(folder, sides) for folder in level if (sides := _sides_of(folder))]
        if len(found) > 1:
            places = ", ".join(str(folder) for folder, _ in found)
            raise UserError(f"{path}: several sets lie in it ({places}); give one")
        if found:
            return found[0]
    sides = _named_as_sides(path)
    if not sides:
        raise UserError(
            f"{path}: no folder train, val or test with {' and '.join(CLASSES)}, in it "
            "or below; give the one that holds them"
        )
    return path, sides


def _sides_of(folder: Path) -> list[Path]:
    """Return a folder's train, val and test, or itself, if both classes are there."""
    for sides in (_named_as_sides(folder), [folder]):
        if {name for side in sides for name in _classes_in(side)} == set(CLASSES):
            return sides
    return []


def _named_as_sides(folder: Path) -> list[Path]:
    """Return a folder's train, val and test, in this order."""
    named = {below.name.lower(): below for below in list_folders(folder)}
    return [named[side] for side in SIDES if side in named]


def _classes_in(folder: Path) -> set[str]:
    return {entry.name.upper() for entry in list_folders(folder)} & set(CLASSES)


def _class_folder(side: Path, name: str) -> Path:
    """Return the folder of a class, whose name may be in small letters."""
    found = [entry for entry in list_folders(side) if entry.name.upper() == name]
    return found[0] if found else side / name


def _count_beside(place: Path, sides: list[Path], left_out: Counter[str]) -> None:
    """Count the files that lie neither in a side nor, without sides, in a class."""
    if sides == [place]:
        used = [_class_folder(place, name) for name in CLASSES]
    else:
        used = sides
    for folder in list_folders(place):
        if folder not in used and (n_files := sum(1 for _ in walk(folder))):
            left_out[f"files in {shown_name(folder)}, beside what is read"] += n_files


def _draw(classes: list[list[Path]], n_drawn: int) -> list[Path]:
    """Draw as many files from each class, one class after the other."""
    rng = np.random.default_rng(0)
    return [
        files[position]
        for files in classes
        for position in np.sort(rng.choice(len(files), n_drawn, replace=False))
    ]


def _balance(is_second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return classes and rows with as many of one class as of the other."""
    first, second = np.flatnonzero(~is_second), np.flatnonzero(is_second)
    n_rows = min(len(first), len(second))
    return np.repeat([0, 1], n_rows), np.concatenate([first[:n_rows], second[:n_rows]])
