"""The two-dimensional sets of MedMNIST, as the package ``medmnist`` lists them.

The package tells what there is, where it lies and how its classes are called; the file
is fetched and read here, so that torch, which the package loads images with, is not
needed for it. The file goes where the package itself looks for it.
"""

import hashlib
import io
import shutil
from contextlib import redirect_stdout
from http.client import HTTPException, HTTPResponse
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import BinaryIO
from urllib.request import urlopen

import numpy as np
from tqdm import tqdm

from benchmarks.common.errors import UserError, one_line
from benchmarks.common.files import replacing
from benchmarks.datasets._base import Dataset, Recipe
from benchmarks.datasets.npz import one_label_each, read_arrays

VERSION = 2
SIZE = 28  # of which a file's name and the keys in the package's list say nothing
TIMEOUT = 60  # seconds without an answer
CHUNK = 2**20  # bytes
REMOVE = "remove it to have it fetched again"
SIDES = ("train", "val", "test")


def load_medmnist(name: str, size: int = SIZE) -> Recipe:
    """Load a set of MedMNIST with its own split: train and val against test.

    Parameters
    ----------
    name : str
        The package's name of the set, such as ``pneumoniamnist``.
    size : int
        Side of the images: 28, 64, 128 or 224.

    Returns
    -------
    Recipe
        Of a set of gray or RGB images, uint8.

    Raises
    ------
    UserError
        If the package is missing, there is no such set of plain images with a class
        each, or its file cannot be fetched; when it is read, if the file is not the one
        that the package means.
    """
    if name.endswith(".npz"):
        raise UserError(
            f"medmnist:{name}: a file, where the name of a set is wanted; give "
            f"npz:{name} for one of MedMNIST's files"
        )
    package = _import_package()
    info = _find(package, name)
    suffix = "" if size == SIZE else f"_{size}"
    if f"url{suffix}" not in info:
        sizes = [key.removeprefix("url_") for key in info if key.startswith("url_")]
        raise UserError(
            f"medmnist:{name}: no images of size {size} (choose from "
            f"{', '.join([str(SIZE), *sizes])})"
        )
    file = _folder(package) / f"{name}{suffix}.npz"
    if not file.exists():
        _fetch(info[f"url{suffix}"], info[f"MD5{suffix}"], file)

    def read() -> Dataset:
        if _md5(file) != info[f"MD5{suffix}"]:
            raise UserError(f"{file}: its MD5 is not that of MedMNIST's file; {REMOVE}")
        X, y, is_test, n_val = _read_sides(file)
        names = info["label"]
        return Dataset(
            name=name + suffix.replace("_", "-"),
            X=X,
            y=y,
            class_names=tuple(names[str(code)] for code in range(len(names))),
            source=f"MedMNIST {package.__version__}, {info['python_class']}, "
            f"{size}x{size}, train and val against test",
            licence=info["license"],
            is_test=is_test,
            remarks=(f"the images of val join train ({n_val:,})",),
        )

    # Names of classes come with the package.
    options = {"name": name, "size": size, "package": package.__version__}
    return Recipe("medmnist", VERSION, file.parent, (file,), read, options)


def _import_package() -> ModuleType:
    """Import the package's list of sets."""
    try:
        # The package prints if torch, which its other half needs, can't be imported.
        with redirect_stdout(io.StringIO()):
            return import_module("medmnist.info")
    except ImportError as error:
        raise UserError(
            f"no module named {error.name or 'medmnist'}: sets of MedMNIST need the "
            "extra: pip install 'sklearn-scd[medmnist]'"
        ) from error


def _find(package: ModuleType, name: str) -> dict:
    """Return what the package knows of a set, if its images have a class each."""
    usable = {
        key: info
        for key, info in package.INFO.items()
        if not key.endswith("3d") and "multi-label" not in info["task"]
    }
    if name not in usable:
        reason = (
            "has volumes, or several labels an image"
            if name in package.INFO
            else "is no set of MedMNIST"
        )
        raise UserError(
            f"medmnist:{name}: {name!r} {reason} (choose from {', '.join(usable)})"
        )
    return usable[name]


def _folder(package: ModuleType) -> Path:
    """Return the package's folder, which importing it makes."""
    if package.DEFAULT_ROOT is None:
        raise UserError(
            "medmnist can't make its folder .medmnist in your home folder; make it"
        )
    return Path(package.DEFAULT_ROOT)


def _fetch(url: str, expected: str, file: Path) -> None:
    """Fetch the file with this MD5, with a progress bar if that is to be seen."""
    try:
        with replacing(file) as draft:
            with urlopen(url, timeout=TIMEOUT) as answer, draft.open("wb") as target:
                _copy(answer, target, f"fetching {file.name}")
            if _md5(draft) != expected:
                raise OSError("what came is not the file, by its MD5")
    except (OSError, HTTPException) as error:
        raise UserError(
            f"{url}: can't fetch it ({one_line(error)}); check the network, or put the "
            f"file at {file} yourself"
        ) from error


def _copy(answer: HTTPResponse, target: BinaryIO, title: str) -> None:
    size = int(answer.headers.get("Content-Length", 0)) or None
    with tqdm.wrapattr(
        answer, "read", total=size, desc=title, leave=False, disable=None
    ) as source:
        shutil.copyfileobj(source, target, CHUNK)


def _md5(file: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as content:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _read_sides(file: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Read images, classes, whether a row is for the test, and how many are of val."""
    keys = [f"{side}_{kind}" for side in SIDES for kind in ("images", "labels")]
    arrays, _ = read_arrays(file, keys, REMOVE)
    images = [arrays[f"{side}_images"] for side in SIDES]
    is_test = np.repeat([side == "test" for side in SIDES], [len(x) for x in images])
    y = np.concatenate(
        [one_label_each(file, arrays[f"{side}_labels"]) for side in SIDES]
    )
    return np.concatenate(images), y.astype(np.intp), is_test, len(images[1])
