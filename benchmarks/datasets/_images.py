"""Image files as arrays, the same way for every loader."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from benchmarks.common.errors import UserError, one_line

SIZE = 96
# Other formats are not even tried: fewer decoders for a hostile file.
FORMATS = ("PNG", "JPEG", "TIFF")
# By what Pillow finds in a file. MPO is JPEG with further pictures behind the first.
SUFFIXES = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "MPO": (".jpg", ".jpeg"),
    "TIFF": (".tif", ".tiff"),
}
_ALL_SUFFIXES = frozenset(suffix for group in SUFFIXES.values() for suffix in group)


def check_folder(path: Path, prefix: str) -> None:
    """Raise a `UserError` if there is no folder where the user said."""
    if not path.is_dir():
        raise UserError(f"{path}: no such folder; check the path after {prefix}:")


def list_folders(folder: Path) -> list[Path]:
    """Return the folders in a folder, hidden ones left out, in the order of names."""
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith(".")
    )


def list_images(folder: Path) -> list[Path]:
    """Return the image files of a class, in the order of their names.

    Parameters
    ----------
    folder : Path
        The class's folder. Hidden files and those with other suffixes are left out.

    Raises
    ------
    UserError
        If there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such folder; each class needs one, with its images"
        )
    files = sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in _ALL_SUFFIXES and not file.name.startswith(".")
    )
    if not files:
        raise UserError(
            f"{folder}: class {folder.name!r} has no image; add png, jpeg or tiff "
            "files or remove the folder"
        )
    return files


def read_images(
    files: Sequence[Path], title: str, mode: str | None = None
) -> np.ndarray:
    """Read images as one array, with a progress bar if that is to be seen.

    Parameters
    ----------
    files : sequence of Path
        At least one.
    title : str
        What is read, for the progress bar.
    mode : {"L", "RGB"}, optional
        Makes all of them grey or RGB. By default they are grey if every one is, else
        RGB.

    Returns
    -------
    ndarray of shape (n_files, 96, 96) or (n_files, 96, 96, 3), dtype uint8

    Raises
    ------
    UserError
        If a file cannot be read as an image.
    """
    bar = tqdm(files, f"reading {title}", leave=False, disable=None)
    return _stack(read_image(file, mode) for file in bar)


def read_image(file: Path, mode: str | None = None) -> np.ndarray:
    """Read one image as uint8, shape (96, 96) if it is grey, else (96, 96, 3).

    Transparent parts become black, 16 bits become 8, and a colour image whose
    channels are all equal counts as grey. Of several pages the first counts.

    Parameters
    ----------
    file : Path
        A png, jpeg or tiff file, named as such.
    mode : {"L", "RGB"}, optional
        Makes it grey, by Pillow's weights of the channels, or RGB.

    Raises
    ------
    UserError
        If the file cannot be read as an image, or is of another format than its suffix
        says.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            found = image.format
            image = _to_8_bit(ImageOps.exif_transpose(image))
    except Exception as error:
        # Damaged images raise many kinds, from Pillow's decoders and from zlib.
        raise UserError(
            f"{file}: unreadable image ({one_line(error)}); mend or remove it"
        ) from error
    if file.suffix.lower() not in SUFFIXES[found]:
        raise UserError(
            f"{file}: holds a {found} image whatever its name says; rename it to "
            f"{SUFFIXES[found][0]} or remove it"
        )
    pixels = np.asarray(image if mode is None else image.convert(mode))
    if mode is None and pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    resized = Image.fromarray(pixels).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Convert any of Pillow's modes to L or RGB."""
    if image.mode.startswith("I"):
        # Pillow's own conversion clips 16 bits instead of scaling them.
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise ValueError("more than 16 bits a pixel")
        return Image.fromarray((values / 257).round().astype(np.uint8))
    if image.mode == "F":
        raise ValueError("floating-point pixels, save it in 8 or 16 bits")
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "black")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _stack(images: Iterable[np.ndarray]) -> np.ndarray:
    """Stack images, as grey if they all are, else as RGB."""
    listed = list(images)
    if any(image.ndim == 3 for image in listed):
        listed = [
            image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
            for image in listed
        ]
    return np.stack(listed)
