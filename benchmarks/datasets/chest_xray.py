"""Chest X-rays of children, with pneumonia or without (Kermany et al. 2018).

The layout is that of the set on Kaggle: ``train``, ``val`` and ``test``, each with
``NORMAL`` and ``PNEUMONIA``. The three are merged, as the paper splits 80:20 itself,
and as one patient's images can lie in several of them.

File names tell the patient, read thus: ``person397_virus_790.jpeg`` is patient 397's,
``IM-0525-0001-0002.jpeg`` is number 525's and ``NORMAL2-IM-0525-0001.jpeg`` that of
number 525 in a second series. Another publication of the set has
``BACTERIA-1008087-0001.jpeg``: disease, patient, image. The same number counts as the
same patient in all three folders and with either disease, which at worst keeps together
what could be apart. A file named otherwise is a patient of its own.
"""

import re
from pathlib import Path

import numpy as np

from benchmarks.common.errors import UserError
from benchmarks.datasets._base import Dataset, Recipe
from benchmarks.datasets._groups import groups_by_name
from benchmarks.datasets._images import SIZE, check_folder, list_images, read_images

VERSION = 1
SIDES = ("train", "val", "test")
CLASSES = ("NORMAL", "PNEUMONIA")
PER_CLASS = 1584  # as many as the paper used
PATIENT = re.compile(
    r"^(?:(person\d+)_|((?:NORMAL2-)?IM-\d+)-|(?:NORMAL|BACTERIA|VIRUS)-(\d+)-)"
)


def load_chest_xray(path: Path, per_class: int = PER_CLASS) -> Recipe:
    """Load the X-rays, grey, 96x96, as many of one class as of the other.

    Parameters
    ----------
    path : Path
        Holds those of ``train``, ``val`` and ``test`` that there are.
    per_class : int
        Images of each class, or as many as the smaller class has if that is less; drawn
        at random, for the same files always the same ones.

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
    sides = [path / side for side in SIDES if (path / side).is_dir()]
    if not sides:
        raise UserError(
            f"{path}: no folder train, val or test; give the one that holds them"
        )
    classes = [
        [file for side in sides for file in list_images(side / name)]
        for name in CLASSES
    ]
    title = path.resolve().name
    n_drawn = min(per_class, *map(len, classes))
    files = _draw(classes, n_drawn)

    def read() -> Dataset:
        return Dataset(
            name="chest-xray",
            X=read_images(files, title, "L"),
            y=np.repeat(np.arange(len(CLASSES)), n_drawn),
            class_names=CLASSES,
            source=f"Kermany et al. 2018, {n_drawn} a class drawn from folder {title}, "
            f"resized to {SIZE}x{SIZE}",
            licence="CC BY 4.0",
            group=groups_by_name(files, PATIENT),
        )

    options = {"per_class": per_class}
    return Recipe("chest-xray", VERSION, path, tuple(files), read, options)


def _draw(classes: list[list[Path]], n_drawn: int) -> list[Path]:
    """Draw as many files from each class, one class after the other."""
    rng = np.random.default_rng(0)
    return [
        files[position]
        for files in classes
        for position in np.sort(rng.choice(len(files), n_drawn, replace=False))
    ]
