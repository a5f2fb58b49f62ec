"""The form in which every data set reaches the benchmark."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.common.errors import UserError
from benchmarks.datasets._file_search import describe_left_out


@dataclass(frozen=True)
class Dataset:
    """A labeled data set: images, or a table of measurements.

    Parameters
    ----------
    name : str
        Short name for tables and files.
    X : ndarray of shape (n_samples, height, width), \
            (n_samples, height, width, 3) or (n_samples, n_features)
        Gray images, RGB images or a table. Images keep the dtype they are stored
        in: uint8, uint16, or floating point within [0, 1].
    y : ndarray of shape (n_samples,), dtype intp
        Classes as positions in `class_names`.
    class_names : tuple of str
        A name for each class.
    source : str
        Where the data come from.
    licence : str
        Terms of use, "unknown" where the source is the user's own file.
    group : ndarray of shape (n_samples,), optional
        What must not be on both sides of a split, such as the patient.
    is_test : ndarray of bool, shape (n_samples,), optional
        The test rows, for a set that comes with its own split.
    left_out : mapping of str to int
        What lay there and is not in the set: reason and number.
    remarks : tuple of str
        What was decided in the user's stead.
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    class_names: tuple[str, ...]
    source: str
    licence: str = "unknown"
    group: np.ndarray | None = None
    is_test: np.ndarray | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """Shape of one image, None for a table."""
        return self.X.shape[1:] if self.X.ndim > 2 else None

    def class_counts(self, rows: np.ndarray | slice = slice(None)) -> dict[str, int]:
        """Count the samples of each class among `rows`."""
        counts = np.bincount(self.y[rows], minlength=len(self.class_names))
        return dict(zip(self.class_names, counts.tolist(), strict=True))

    def __post_init__(self) -> None:
        """Refuse what no model can be measured on, whichever loader it is from."""
        if len(self.class_names) < 2:
            raise UserError(
                f"{self.name}: only one class ({', '.join(self.class_names)}); "
                "give at least two" + self._beside()
            )
        for side, rows in self._given_sides():
            for name, count in self.class_counts(rows).items():
                if count == 0:
                    raise UserError(
                        f"{self.name}: class {name!r} has no sample in {side}; "
                        "add some or leave the class out" + self._beside()
                    )

    def _beside(self) -> str:
        """Say what was left out, where that may be why something is missing."""
        if not self.left_out:
            return ""
        return f" (left out: {describe_left_out(self.left_out)})"

    def _given_sides(self) -> list[tuple[str, np.ndarray | slice]]:
        if self.is_test is None:
            return [("the set", slice(None))]
        return [("train", ~self.is_test), ("test", self.is_test)]


@dataclass(frozen=True)
class Recipe:
    """A data set that is yet to be read: from what, and how.

    A loader that decodes images returns one, so that the cache can be asked first.

    Parameters
    ----------
    loader : str
        Name of the loader.
    version : int
        Version of the loader, raised whenever it makes something else of the same
        files.
    root : Path
        The folder that the files lie in.
    files : tuple of Path
        All that `read` opens.
    read : callable
        Takes nothing, returns the `Dataset`, its images in uint8.
    options : dict
        What else the result depends on, as JSON can hold it.
    left_out : mapping of str to int
        What was left out in finding the files; `read` has it in its result.
    """

    loader: str
    version: int
    root: Path
    files: tuple[Path, ...]
    read: Callable[[], Dataset]
    options: dict[str, object] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
