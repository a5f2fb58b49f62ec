"""The image files of a set as one array, the same way for every loader."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.common.errors import UserError
from benchmarks.datasets._file_search import (
    describe_left_out,
    name_some,
    not_read,
    suffix_of,
    walk,
)
from benchmarks.datasets._levels import find_levels
from benchmarks.datasets._picture_files import (
    ALL_SUFFIXES,
    FORMATS_IN_WORDS,
    SIZE,
    Picture,
    read_picture,
)

UNREADABLE = "unreadable images"
# Of 16 bits a channel Pillow keeps the upper 8. With 14 bits used, 6 of them are left.
_LEAST_OF_UPPER_BITS = 64


@dataclass(frozen=True)
class Pictures:
    """Images read from files.

    Parameters
    ----------
    X : ndarray of shape (n_read, 96, 96) or (n_read, 96, 96, 3), dtype uint8
    kept : ndarray of int, shape (n_read,)
        Positions of the files they are from.
    left_out : Counter
        How many could not be read.
    remarks : tuple of str
        What was decided for all of them.
    sizes : str
        Of the images in the files, the narrowest and the widest, and of these.
    """

    X: np.ndarray
    kept: np.ndarray
    sizes: str
    left_out: Counter[str] = field(default_factory=Counter)
    remarks: tuple[str, ...] = ()


def list_images(folder: Path, left_out: Counter[str] | None = None) -> list[Path]:
    """Return the image files of a class, in the order of their paths.

    Parameters
    ----------
    folder : Path
        The class's folder. Files in folders below it belong to the class.
    left_out : Counter, optional
        Hidden files and those with other suffixes are counted there.

    Raises
    ------
    UserError
        If there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such folder; each class needs one, with its images"
        )
    here: Counter[str] = Counter()
    files = []
    for file in walk(folder, here):
        if suffix_of(file) in ALL_SUFFIXES:
            files.append(file)
        else:
            here[not_read(file)] += 1
    if not files:
        beside = f" (it has {describe_left_out(here)})" if here else ""
        raise UserError(
            f"{folder}: class {folder.name!r} has no image{beside}; add "
            f"{FORMATS_IN_WORDS} files or remove the folder"
        )
    if left_out is not None:
        left_out.update(here)
    return files


def read_images(
    files: Sequence[Path], title: str, mode: str | None = None, skip: bool = False
) -> Pictures:
    """Read images as one array, with a progress bar if that is to be seen.

    Parameters
    ----------
    files : sequence of Path
        At least one.
    title : str
        What is read, for the progress bar.
    mode : {"L", "RGB"}, optional
        Makes all of them gray or RGB. By default they are gray if every one is, else
        RGB.
    skip : bool
        Whether to leave out and count what cannot be read.

    Raises
    ------
    UserError
        If a file, or with `skip` every file, cannot be read as an image; or if too
        little of its 16 bits a channel can.
    """
    pictures, kept, refused = [], [], []
    for position, file in enumerate(
        tqdm(files, f"reading {title}", leave=False, disable=None)
    ):
        try:
            pictures.append(read_picture(file, mode))
            kept.append(position)
        except UserError as error:
            if not skip:
                raise
            refused.append((file, error))
    if not pictures:
        raise UserError(
            f"{title}: none of {len(files)} images can be read; the first: "
            f"{refused[0][1]}"
        )
    read = [files[position] for position in kept]
    _check_upper_bits(read, pictures)
    remarks: list[str] = []
    X = _stack(_to_8_bits(pictures, remarks))
    if X.ndim == 3 and mode == "RGB":
        X = np.repeat(X[..., None], 3, axis=3)
    if n_more := sum(picture.has_more for picture in pictures):
        remarks.append(
            f"the first page or frame is used of files with several ({n_more:,})"
        )
    left_out: Counter[str] = Counter()
    if refused:
        left_out[UNREADABLE] = len(refused)
        remarks.append(f"can't be read: {name_some([file for file, _ in refused])}")
    sizes = _describe_sizes(pictures)
    return Pictures(X, np.asarray(kept), sizes, left_out, tuple(remarks))


def read_image(file: Path, mode: str | None = None) -> np.ndarray:
    """Read one image as uint8, shape (96, 96) if it is gray, else (96, 96, 3).

    Transparent parts become black, and a color image whose channels are all equal
    counts as gray. Of several pages the first counts. More than 8 bits are scaled as
    for a set of this one file.

    Parameters
    ----------
    file : Path
        An image in one of `FORMATS`, named as such.
    mode : {"L", "RGB"}, optional
        Makes it gray, by Pillow's weights of the channels, or RGB.

    Raises
    ------
    UserError
        If the file cannot be read as an image, or is of another format than its suffix
        says.
    """
    return read_images([file], file.name, mode).X[0]


def _check_upper_bits(files: Sequence[Path], pictures: Sequence[Picture]) -> None:
    """Refuse colors of which next to nothing could be read."""
    # A quarter of what 8 bits hold at most is what is left of 14 bits.
    cut = [i for i, picture in enumerate(pictures) if picture.upper_bits]
    if cut and 0 < max(pictures[i].high for i in cut) < _LEAST_OF_UPPER_BITS:
        raise UserError(
            f"{files[cut[0]]}: 16 bits a channel, of which only the upper 8 can be "
            f"read, and the set's {len(cut)} files of that kind hardly use them; save "
            "them with 8 bits a channel"
        )


def _to_8_bits(pictures: Sequence[Picture], remarks: list[str]) -> list[np.ndarray]:
    """Scale deep pictures, each kind by what the set uses, and add what was done."""
    levels = {}
    for depth in ("integers", "floating point"):
        ranges = [(p.low, p.high) for p in pictures if p.depth == depth]
        if ranges:
            levels[depth] = find_levels(ranges)
            what = "more than 8 bits" if depth == "integers" else "floating point"
            remarks.append(
                f"{what} ({len(ranges):,} of {len(pictures):,} images), values from "
                f"{min(low for low, _ in ranges):,g} to "
                f"{max(high for _, high in ranges):,g}: in all of them {levels[depth]}"
            )
    return [
        levels[p.depth].to_8_bit(p.pixels) if p.depth in levels else p.pixels
        for p in pictures
    ]


def _describe_sizes(pictures: Sequence[Picture]) -> str:
    sizes = sorted({picture.size for picture in pictures})
    sides = [f"{width}x{height}" for width, height in (sizes[0], sizes[-1])]
    span = sides[0] if len(sizes) == 1 else f"{sides[0]} to {sides[1]}"
    return f"images of {span} pixels, resized to {SIZE}x{SIZE}"


def _stack(images: Sequence[np.ndarray]) -> np.ndarray:
    """Stack images, as gray if they all are, else as RGB."""
    if any(image.ndim == 3 for image in images):
        images = [
            image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
            for image in images
        ]
    return np.stack(images)
