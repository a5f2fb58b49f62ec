"""Tiles of colorectal tissue under the microscope, two kinds of eight (Kather 2016).

The layout is that of ``Kather_texture_2016_image_tiles_5000``: a folder a tissue, from
``01_TUMOR`` to ``08_EMPTY``, each with 625 tiles of 150x150 pixels. Their names tell
the slide, ``CRC-Prim-HE-01`` to ``-10``, and a region of it, as in
``1A11_CRC-Prim-HE-07_022.tif_Row_601_Col_151.tif``. Tiles are grouped by the slide. Not
every slide shows every tissue: where the split by group leaves a side without one of
the two, it says so, and ``--split random`` is what remains.
"""

import re
from pathlib import Path

import numpy as np

from benchmarks.common.errors import UserError
from benchmarks.datasets._base import Dataset, Recipe
from benchmarks.datasets._groups import groups_by_name
from benchmarks.datasets._images import (
    SIZE,
    check_folder,
    list_folders,
    list_images,
    read_images,
)

VERSION = 1
PAPER_CLASSES = ("04_LYMPHO", "06_MUCOSA")
SLIDE = re.compile(r"CRC-Prim-HE-\d+")


def load_histology(path: Path, classes: tuple[str, str] = PAPER_CLASSES) -> Recipe:
    """Load the tiles of two tissues, RGB, resized to 96x96.

    Parameters
    ----------
    path : Path
        Holds a folder a tissue.
    classes : tuple of str
        Names of two of the folders, class 0 first.

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
    present = [folder.name for folder in list_folders(path)]
    for name in classes:
        if name not in present:
            raise UserError(
                f"{path}: no folder {name!r} (it has {', '.join(present) or 'none'}); "
                "give the folder that holds the tissues, or two of them by classes=A+B"
            )
    listed = [list_images(path / name) for name in classes]
    files = [file for one in listed for file in one]
    title = path.resolve().name
    is_papers = set(classes) == set(PAPER_CLASSES)

    def read() -> Dataset:
        return Dataset(
            name="histopathology" if is_papers else "-".join(["histology", *classes]),
            X=read_images(files, title, "RGB"),
            y=np.repeat(np.arange(len(classes)), [len(one) for one in listed]),
            class_names=classes,
            source=f"Kather et al. 2016, folder {title}, resized to {SIZE}x{SIZE}",
            licence="CC BY 4.0",
            group=groups_by_name(files, SLIDE),
        )

    options = {"classes": list(classes)}
    return Recipe("histology", VERSION, path, tuple(files), read, options)
