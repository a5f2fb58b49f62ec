"""One image file as pixels of the size that all loaders give."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from benchmarks.common.errors import UserError, one_line
from benchmarks.datasets._file_search import suffix_of

SIZE = 96
# By what Pillow finds in a file. Other formats are not even tried: fewer decoders for a
# hostile file. MPO is JPEG with further pictures behind the first.
SUFFIXES = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp", ".dib"),
    "DIB": (".bmp", ".dib"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "JPEG2000": (".jp2", ".j2k", ".jpx", ".jpf", ".j2c"),
}
FORMATS = tuple(name for name in SUFFIXES if name != "MPO")
FORMATS_IN_WORDS = "png, jpeg, tiff, bmp, gif, webp, pnm or jpeg 2000"
SKIP = "leave out such files with --skip-unreadable"
# Tags of TIFF, and values of theirs.
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
_SAMPLE_FORMAT, _SIGNED = 339, 2
ALL_SUFFIXES = frozenset(suffix for group in SUFFIXES.values() for suffix in group)


@dataclass(frozen=True)
class Picture:
    """An image, resized.

    Parameters
    ----------
    pixels : ndarray of shape (96, 96) or (96, 96, 3)
        uint8, or, of an image with more than 8 bits, its own values as float32.
    size : (int, int)
        Width and height in the file, turned as it is shown.
    depth : {"8 bits", "integers", "floating point"}
        What a pixel is in the file.
    low, high : float
        The smallest and the largest value in the file, 0 and 255 of most with 8 bits.
    upper_bits : bool
        Whether only the upper 8 of 16 bits a channel were read.
    has_more : bool
        Whether there are pages or frames behind the first.
    """

    pixels: np.ndarray
    size: tuple[int, int]
    depth: str
    low: float
    high: float
    upper_bits: bool
    has_more: bool


def read_picture(file: Path, mode: str | None) -> Picture:
    """Read and resize one image.

    Parameters
    ----------
    file : Path
    mode : {"L", "RGB"}, optional
        Makes one of 8 bits gray or RGB. By default it is gray if all that it shows is.

    Raises
    ------
    UserError
        If the file cannot be read as an image, or is of another format than its suffix
        says.
    """
    try:
        with warnings.catch_warnings():
            # Of what is odd but readable. A file of no use raises.
            warnings.simplefilter("ignore")
            # By name, Pillow maps plain TIFFs into memory, and scrambles those of which
            # EXIF says that they lie on their side.
            with (
                file.open("rb") as content,
                Image.open(content, formats=FORMATS) as image,
            ):
                found = image.format
                picture = _decode(image, mode)
    except Exception as error:
        # Damaged images raise many kinds, from Pillow's decoders and from zlib.
        raise UserError(
            f"{file}: unreadable image ({_reason(file, error)}); mend or remove it, or "
            f"{SKIP}"
        ) from error
    if suffix_of(file) not in SUFFIXES[found]:
        raise UserError(
            f"{file}: holds a {found} image whatever its name says; rename it to "
            f"{SUFFIXES[found][0]} or remove it, or {SKIP}"
        )
    return picture


def _reason(file: Path, error: Exception) -> str:
    if file.is_file() and file.stat().st_size == 0:
        return "an empty file"
    if isinstance(error, UnidentifiedImageError):
        return (
            f"not {FORMATS_IN_WORDS}, or a rare kind of one: save it with 8 or 16 bits"
        )
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return one_line(error)


def _decode(image: Image.Image, mode: str | None) -> Picture:
    upper_bits = _holds_16_bits(image) and not _is_deep(image)
    has_more = _has_more(image)
    _check_tiff(image)
    image = ImageOps.exif_transpose(image)
    if _is_deep(image):
        values = np.asarray(image)
        depth = "floating point" if image.mode == "F" else "integers"
        if not np.isfinite(values).all():
            raise ValueError("holds NaN or infinity")
        low, high = float(values.min()), float(values.max())
        pixels = values.astype(np.float32)
    else:
        depth, low, high = "8 bits", 0.0, 255.0
        image = _to_plain_mode(image)
        pixels = np.asarray(image if mode is None else image.convert(mode))
        if mode is None and pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
            pixels = pixels[..., 0]
        if upper_bits:
            high = float(pixels.max())
    resized = Image.fromarray(pixels).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return Picture(
        np.asarray(resized), image.size, depth, low, high, upper_bits, has_more
    )


def _is_deep(image: Image.Image) -> bool:
    """Tell whether pixels are numbers of more than 8 bits, which are always gray."""
    return image.mode == "F" or image.mode.startswith("I")


def _holds_16_bits(image: Image.Image) -> bool:
    """Tell whether a file that is not read yet has 16 bits a channel."""
    # What a decoder is told: the order of the bytes first, such as "RGB;16B".
    told = [tile[3] for tile in getattr(image, "tile", None) or ()]
    orders = [args[0] if isinstance(args, tuple) and args else args for args in told]
    return any(isinstance(order, str) and ";16" in order for order in orders)


def _check_tiff(image: Image.Image) -> None:
    """Refuse the two kinds of TIFF whose numbers Pillow takes for others."""
    if image.format != "TIFF":
        return
    if _is_deep(image) and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        raise ValueError("16 bits with 0 for white, save it with 0 for black")
    if not _is_deep(image) and _SIGNED in np.ravel(image.tag_v2.get(_SAMPLE_FORMAT, 1)):
        raise ValueError("8 bits with a sign, save it with values from 0 to 255")


def _has_more(image: Image.Image) -> bool:
    if image.format == "MPO":  # what is behind the first is its thumbnail or its twin
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # damaged behind the first
        return True
    finally:
        image.seek(0)


def _to_plain_mode(image: Image.Image) -> Image.Image:
    """Convert any of Pillow's modes of 8 bits to L or RGB."""
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "black")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
