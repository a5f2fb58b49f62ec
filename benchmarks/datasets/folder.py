"""A user's own images, a folder a class."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from benchmarks._errors import UserError, one_line
from benchmarks.datasets._base import Dataset

SIZE = 96
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff"})


def load_folder(path: Path) -> Dataset:
    """Load the images below a folder, resized to 96x96.

    Parameters
    ----------
    path : Path
        Holds a folder a class, or ``train`` and ``test`` that each do. Of a file with
        several pages the first counts.

    Returns
    -------
    Dataset
        In grey if every image is grey, else in RGB; uint8.

    Raises
    ------
    UserError
        If a folder is missing or holds no image, or an image cannot be read.
    """
    if not path.is_dir():
        raise UserError(f"{path}: no such folder; check the path after folder:")
    if (path / "train").is_dir() or (path / "test").is_dir():
        sides = [_class_files(path / side) for side in ("train", "test")]
        _check_same_classes(path, *sides)
    else:
        sides = [_class_files(path)]
    class_names = tuple(sides[0])
    files, y, is_test = [], [], []
    for position, classes in enumerate(sides):
        for code, name in enumerate(class_names):
            files += classes[name]
            y += [code] * len(classes[name])
            is_test += [position == 1] * len(classes[name])
    return Dataset(
        name=path.resolve().name,
        X=_stack(
            read_image(file)
            for file in tqdm(files, f"reading {path.name}", leave=False, disable=None)
        ),
        y=np.asarray(y, dtype=np.intp),
        class_names=class_names,
        source=f"folder {path.name} of images, resized to {SIZE}x{SIZE}",
        is_test=np.asarray(is_test) if len(sides) == 2 else None,
    )


def read_image(file: Path) -> np.ndarray:
    """Read one image as uint8, shape (96, 96) if it is grey, else (96, 96, 3).

    Transparent parts become black, 16 bits become 8, and a colour image whose
    channels are all equal counts as grey.

    Raises
    ------
    UserError
        If the file cannot be read as an image.
    """
    try:
        with Image.open(file) as image:
            pixels = np.asarray(_to_8_bit(ImageOps.exif_transpose(image)))
    except Exception as error:
        # Damaged images raise many kinds, from Pillow's decoders and from zlib.
        raise UserError(
            f"{file}: unreadable image ({one_line(error)}); mend or remove it"
        ) from error
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
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


def _class_files(folder: Path) -> dict[str, list[Path]]:
    """List the image files of each class, in the order of their names."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give both train/ and test/")
    classes = {
        entry.name: sorted(file for file in entry.iterdir() if _is_image(file))
        for entry in sorted(folder.iterdir())
        if entry.is_dir() and not entry.name.startswith(".")
    }
    if not classes:
        raise UserError(
            f"{folder}: no folder in it; put the images of each class in one"
        )
    for name, files in classes.items():
        if not files:
            raise UserError(
                f"{folder / name}: class {name!r} has no image; add png, jpeg or tiff "
                "files or remove the folder"
            )
    return classes


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def _check_same_classes(path: Path, train: dict, test: dict) -> None:
    for name in sorted(set(train).symmetric_difference(test)):
        side = "test" if name in train else "train"
        raise UserError(
            f"{path / side}: class {name!r} has no image; add some or remove the "
            "folder on the other side"
        )


def _stack(images: Iterable[np.ndarray]) -> np.ndarray:
    """Stack images, as grey if they all are, else as RGB."""
    listed = list(images)
    if any(image.ndim == 3 for image in listed):
        listed = [
            image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
            for image in listed
        ]
    return np.stack(listed)
