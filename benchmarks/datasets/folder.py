"""A user's own images, a folder a class.

The folders of the classes lie side by side, or in one for each side of the split:
``train`` and ``test``, and perhaps ``val``. Other names of these are ``training``,
``valid``, ``validation`` and ``testing``, in capitals or not.
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benchmarks.common.errors import UserError
from benchmarks.datasets._base import Dataset, Recipe
from benchmarks.datasets._file_search import (
    check_folder,
    list_files,
    list_folders,
    shown_name,
    walk,
)
from benchmarks.datasets._images import list_images, read_images

VERSION = 2
SIDES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
VAL_CHOICES = ("train", "test", "out")
_MASK = re.compile(r"[ _-](?:mask|seg|segmentation|gt)(?:[ _-]?\d+)?$", re.IGNORECASE)
_OUTSIDE = "files outside the classes' folders"


def load_folder(
    path: Path, val: str = "train", skip_unreadable: bool = False
) -> Recipe:
    """Load the images below a folder, resized to 96x96.

    Parameters
    ----------
    path : Path
        Holds a folder a class, or ``train`` and ``test`` that each do, and perhaps
        ``val``. Images at any depth below a class's folder are of that class. Of a file
        with several pages the first counts.
    val : {"train", "test", "out"}
        What the images in ``val`` join; "out" leaves them out. Without a folder
        ``test`` they are the test images.
    skip_unreadable : bool
        Whether to leave out and count images that cannot be read.

    Returns
    -------
    Recipe
        Of a set in gray if every image is gray, else in RGB; uint8.

    Raises
    ------
    UserError
        If a folder is missing or holds no image; when it is read, if an image cannot
        be.
    """
    check_folder(path, "folder")
    left_out: Counter[str] = Counter()
    sides = _find_sides(path, val, left_out)
    listed = {
        side: _class_files(folder, left_out, may_lack=side == "val")
        for side, folder in sides.items()
    }
    if "" in listed:
        _check_no_wrapper(path, listed[""])
    joined, remarks = _join_val(path, listed, val, left_out)
    class_names = tuple(sorted(next(iter(joined.values()))))
    title = shown_name(path.resolve())
    files, y, is_test = [], [], []
    for side, classes in joined.items():
        for code, name in enumerate(class_names):
            files += classes[name]
            y += [code] * len(classes[name])
            is_test += [side == "test"] * len(classes[name])
    class_level = set(sides.values())
    if n_below := sum(file.parent.parent not in class_level for file in files):
        remarks.append(
            f"images in folders below their class's own count to it ({n_below:,})"
        )
    if n_masks := sum(_MASK.search(file.stem) is not None for file in files):
        remarks.append(
            f"files named as masks are read as images, too ({n_masks:,}); move them "
            "out of the folder if they are"
        )

    def read() -> Dataset:
        pictures = read_images(files, title, None, skip_unreadable)
        return Dataset(
            name=title,
            X=pictures.X,
            y=np.asarray(y, dtype=np.intp)[pictures.kept],
            class_names=class_names,
            source=f"folder {title}, {pictures.sizes}",
            is_test=np.asarray(is_test)[pictures.kept] if len(joined) == 2 else None,
            left_out=left_out + pictures.left_out,
            remarks=(*remarks, *pictures.remarks),
        )

    options = {"val": val, "skip_unreadable": skip_unreadable}
    return Recipe("folder", VERSION, path, tuple(files), read, options, left_out)


def _find_sides(path: Path, val: str, left_out: Counter[str]) -> dict[str, Path]:
    """Find the folders of train, val and test, or the one of all classes, named ''.

    What lies beside them is counted.
    """
    folders = list_folders(path)
    sides: dict[str, Path] = {}
    for side, names in SIDES.items():
        found = [folder for folder in folders if folder.name.lower() in names]
        if len(found) > 1:
            raise UserError(
                f"{path}: both {found[0].name} and {found[1].name} may hold its {side} "
                "images; rename or remove one"
            )
        if found:
            sides[side] = found[0]
    if n_outside := len(list_files(path, left_out)):
        left_out[_OUTSIDE] += n_outside
    if not {"train", "test"} & set(sides):
        return {"": path}
    if "train" not in sides:
        raise UserError(f"{path / 'train'}: no such folder; give both train/ and test/")
    if "test" not in sides and ("val" not in sides or val == "out"):
        raise UserError(
            f"{path / 'test'}: no such folder; give both train/ and test/, or "
            f"folder:{sides['train']} to have it split"
        )
    for folder in folders:
        if folder not in sides.values() and (n_files := sum(1 for _ in walk(folder))):
            left_out[f"files in {shown_name(folder)}, beside the sides"] += n_files
    return sides


def _class_files(
    folder: Path, left_out: Counter[str], may_lack: bool = False
) -> dict[str, list[Path]]:
    """List the image files of each class, in the order of their paths."""
    classes: dict[str, list[Path]] = {}
    for entry in list_folders(folder):
        try:
            files = list_images(entry, left_out)
        except UserError:
            if not may_lack:
                raise
            continue
        classes.setdefault(shown_name(entry), []).extend(files)
    if not classes and not may_lack:
        raise UserError(
            f"{folder}: no folder in it; put the images of each class in one, or give "
            "the folder that holds the classes"
        )
    return classes


def _check_no_wrapper(path: Path, classes: dict[str, list[Path]]) -> None:
    """Name the folder to give where the one given holds nothing but another."""
    if len(classes) > 1:
        return
    (inner,) = (f for f in list_folders(path) if shown_name(f) in classes)
    below = [shown_name(folder) for folder in list_folders(inner)]
    if len(below) > 1:
        raise UserError(
            f"{path}: only one class ({inner.name}); give at least two, or "
            f"folder:{inner} if its folders are the classes ({', '.join(below)})"
        )


def _join_val(
    path: Path,
    listed: dict[str, dict[str, list[Path]]],
    val: str,
    left_out: Counter[str],
) -> tuple[dict[str, dict[str, list[Path]]], list[str]]:
    """Let the images of val join train or test, and say so."""
    if "" in listed:
        return listed, []
    extra = listed.pop("val", None)
    remarks = []
    if extra is not None:
        n_extra = sum(map(len, extra.values()))
        if "test" not in listed:
            listed["test"] = extra
            remarks.append(f"no folder test: the images of val are it ({n_extra:,})")
        elif val == "out":
            left_out["images in val, by val=out"] += n_extra
        else:
            for name in sorted(set(extra).difference(listed[val])):
                raise UserError(
                    f"{path / 'val'}: class {name!r} is not one of {val}; rename or "
                    "remove its folder"
                )
            for name, files in extra.items():
                listed[val][name] = [*listed[val][name], *files]
            others = " or ".join(f"val={c}" for c in VAL_CHOICES if c != val)
            remarks.append(
                f"the images of val join {val} ({n_extra:,}; otherwise {others})"
            )
    _check_same_classes(path, listed["train"], listed["test"])
    return listed, remarks


def _check_same_classes(path: Path, train: Iterable[str], test: Iterable[str]) -> None:
    for name in sorted(set(train).symmetric_difference(test)):
        side = "test" if name in set(train) else "train"
        raise UserError(
            f"{path / side}: class {name!r} has no image; add some or remove the "
            "folder on the other side"
        )
