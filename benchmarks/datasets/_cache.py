"""Decoded images, kept for the next run.

A set takes two files: ``.npy`` has the images, mapped into memory instead of read, and
``.json`` all else: labels and names, a key of what the set was made from, and a digest.
What the digest does not confirm is not used, and nothing is ever unpickled.
"""

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from benchmarks.common.errors import UserError, one_line
from benchmarks.common.files import replacing
from benchmarks.datasets._base import Dataset, Recipe

# To be raised with the form of the files, and with what loaders share: `_images.py`.
VERSION = 2
FOLDER_VARIABLE = "SKLEARN_SCD_CACHE"
_OTHER_FIELDS = tuple(field.name for field in fields(Dataset) if field.name != "X")


def cache_folder() -> Path:
    """Return the folder of the cache, which may not exist yet.

    It is the one that the environment variable ``SKLEARN_SCD_CACHE`` names, by default
    ``sklearn-scd`` where the system keeps what a user's programs can make again.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else user_cache_path("sklearn-scd", appauthor=False)


def load_cached(recipe: Recipe) -> Dataset:
    """Return the data set from the cache, or read it and keep it there.

    A set of the same folder and options is replaced if a file has changed in name, size
    or modification time. What is damaged, or can't be written, costs a line on stderr
    and no more.

    Parameters
    ----------
    recipe : Recipe
        What to read and how.

    Returns
    -------
    Dataset
        Equal to ``recipe.read()``; its images are read-only if they are from the cache.

    Raises
    ------
    UserError
        If a file of the recipe is gone, or cannot be read as the loader would.
    """
    place = cache_folder() / f"{recipe.loader}-{_digest(_where(recipe))[:16]}"
    key = _digest(_where(recipe), _state(recipe))
    dataset = _restore(place, key)
    if dataset is None:
        dataset = recipe.read()
        _keep(dataset, place, key)
    return dataset


def _where(recipe: Recipe) -> list:
    """Return what tells apart the sets that are kept side by side."""
    return [recipe.loader, str(recipe.root.resolve()), recipe.options]


def _state(recipe: Recipe) -> list:
    """Return what makes a set that is kept outdated, once it has changed."""
    files: list[list[object]] = []
    for file in recipe.files:
        try:
            status = file.stat()
        except OSError as error:
            if recipe.options.get("skip_unreadable"):
                files.append([str(file), None, None])
                continue
            raise UserError(
                f"{file}: unreadable ({error.strerror}); mend or remove it"
            ) from error
        name = file.relative_to(recipe.root).as_posix()
        files.append([name, status.st_size, status.st_mtime_ns])
    return [VERSION, recipe.version, files, dict(recipe.left_out)]


def _restore(place: Path, key: str) -> Dataset | None:
    """Return the set kept at a place, None if there is none with this key."""
    images, record = _files_at(place)
    try:
        kept = json.loads(record.read_bytes())
        if kept["key"] != key:
            return None
        X = np.load(images, mmap_mode="r", allow_pickle=False)
        if _digest(X.dtype.str, X.shape, kept["set"], data=X) != kept["digest"]:
            raise ValueError("it was changed after it was written")
        values = {name: kept["set"][name] for name in _OTHER_FIELDS}
        return Dataset(X=X.view(np.ndarray), **_from_plain(values))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:
        # What someone else wrote there can raise anything.
        _warn(f"{record}: not a cache to use ({one_line(error)}); reading anew")
        return None


def _keep(dataset: Dataset, place: Path, key: str) -> None:
    images, record = _files_at(place)
    values = {name: _to_plain(getattr(dataset, name)) for name in _OTHER_FIELDS}
    X = np.ascontiguousarray(dataset.X)
    digest = _digest(X.dtype.str, X.shape, values, data=X)
    content = {"key": key, "digest": digest, "set": values}
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing(images) as draft, draft.open("wb") as file:
            np.save(file, X, allow_pickle=False)
        with replacing(record) as draft:
            draft.write_text(json.dumps(content), encoding="utf-8")
    except OSError as error:
        _warn(f"{record}: can't write ({error.strerror}); going on without a cache")


def _files_at(place: Path) -> tuple[Path, Path]:
    return place.with_name(f"{place.name}.npy"), place.with_name(f"{place.name}.json")


def _digest(*values: object, data: np.ndarray | None = None) -> str:
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    if data is not None:
        digest.update(data)
    return digest.hexdigest()


def _to_plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return dict(value) if isinstance(value, Mapping) else value


def _from_plain(values: dict) -> dict:
    return values | {
        "y": np.asarray(values["y"], dtype=np.intp),
        "class_names": tuple(values["class_names"]),
        "remarks": tuple(values["remarks"]),
        "group": None if values["group"] is None else np.asarray(values["group"]),
        "is_test": None if values["is_test"] is None else np.asarray(values["is_test"]),
    }


def _warn(text: str) -> None:
    print(text, file=sys.stderr)
