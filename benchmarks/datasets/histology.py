"""Tiles of colorectal tissue under the microscope, two kinds of eight (Kather 2016).

The layout is that of ``Kather_texture_2016_image_tiles_5000``: a folder a tissue, from
``01_TUMOR`` to ``08_EMPTY``, each with 625 tiles of 150x150 pixels. The folder may lie
in others, as an archive's name makes them. Their names tell
the slide, ``CRC-Prim-HE-01`` to ``-10``, and a region of it, as in
``1A11_CRC-Prim-HE-07_022.tif_Row_601_Col_151.tif``. Tiles are grouped by the slide. Not
every slide shows every tissue: where the split by group leaves a side without one of
the two, it says so, and ``--split random`` is what remains.
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
)
from benchmarks.datasets._groups import groups_by_name
from benchmarks.datasets._images import list_images, read_images

VERSION = 2
PAPER_CLASSES = ("04_LYMPHO", "06_MUCOSA")
SLIDE = re.compile(r"CRC-Prim-HE-\d+")


def load_histology(
    path: Path,
    classes: tuple[str, str] = PAPER_CLASSES,
    skip_unreadable: bool = False,
) -> Recipe:
    """Load the tiles of two tissues, RGB, resized to 96x96.

    Parameters
    ----------
    path : Path
        Holds a folder a tissue, or a folder that does.
    classes : tuple of str
        Names of two of the folders, class 0 first.
    skip_unreadable : bool
        Whether to leave out and count tiles that cannot be read.

    Returns
    -------
    Recipe
        Of a set grouped by slide. It has the paper's name for it if the classes are the
        paper's.

    Raises
    ------
    UserError
        If a folder is missing or holds no image; when it is read, if an image cannot
        be.
    """
    check_folder(path, "histology")
    place = _find_tissues(path, classes)
    left_out: Counter[str] = Counter()
    listed = [list_images(place / name, left_out) for name in classes]
    files = [file for one in listed for file in one]
    others = [shown_name(f) for f in list_folders(place) if f.name not in classes]
    if others:
        left_out[f"folders of other classes, {', '.join(others)}"] = len(others)
    remarks = () if place == path else (f"read from {place}",)
    title = shown_name(path.resolve())
    is_papers = set(classes) == set(PAPER_CLASSES)

    def read() -> Dataset:
        pictures = read_images(files, title, "RGB", skip_unreadable)
        y = np.repeat(np.arange(len(classes)), [len(one) for one in listed])
        return Dataset(
            name="histopathology" if is_papers else "-".join(["histology", *classes]),
            X=pictures.X,
            y=y[pictures.kept],
            class_names=classes,
            source=f"Kather et al. 2016, folder {title}, {pictures.sizes}",
            licence="CC BY 4.0",
            group=groups_by_name([files[i] for i in pictures.kept], SLIDE),
            left_out=left_out + pictures.left_out,
            remarks=(*remarks, *pictures.remarks),
        )

    options = {"classes": list(classes), "skip_unreadable": skip_unreadable}
    return Recipe("histology", VERSION, path, tuple(files), read, options, left_out)


def _find_tissues(path: Path, classes: tuple[str, str]) -> Path:
    """Find the uppermost folder that holds the two tissues."""
    for level in find_nested(path):
        found = [f for f in level if all((f / name).is_dir() for name in classes)]
        if len(found) > 1:
            places = ", ".join(map(str, found))
            raise UserError(f"{path}: several sets lie in it ({places}); give one")
        if found:
            return found[0]
    present = [folder.name for folder in list_folders(path)]
    missing = next((n for n in classes if n not in present), classes[0])
    raise UserError(
        f"{path}: no folder {missing!r} (it has {', '.join(present) or 'none'}); give "
        "the folder that holds the tissues, or two of them by classes=A+B"
    )
