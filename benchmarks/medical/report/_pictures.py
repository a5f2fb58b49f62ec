"""The images that the report shows, and how they become pictures."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup
from PIL import Image

# Ends and middle of the scale of differences: blue and orange stay apart for
# color-blind readers, and the middle is the absence of a difference.
LOWER, NONE, HIGHER = (31, 111, 139), (247, 246, 243), (209, 96, 61)


@dataclass(frozen=True)
class Pictures:
    """Images of one data set, pixels in [0, 1].

    Parameters
    ----------
    originals : ndarray of shape (n_images, height, width) or \
            (n_images, height, width, 3)
        The images that were attacked, in the order of the record.
    adversarials : mapping of str to ndarray of the same shape
        By model name; NaN where a model has none.
    samples : mapping of str to ndarray of shape (n_samples, height, width[, 3])
        Some images of each class, by its name.

    Raises
    ------
    ValueError
        If a model's adversarial images have not the shape of the originals.
    """

    originals: np.ndarray
    adversarials: Mapping[str, np.ndarray] = field(default_factory=dict)
    samples: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what would be drawn beside the wrong original."""
        for name, images in self.adversarials.items():
            if np.shape(images) != np.shape(self.originals):
                raise ValueError(
                    f"adversarial images of {name!r} have shape {np.shape(images)}, "
                    f"the originals {np.shape(self.originals)}."
                )

    def adversarial(self, model: str, place: int) -> np.ndarray | None:
        """Return a model's adversarial image, None if it has none there."""
        if model not in self.adversarials:
            return None
        image = np.asarray(self.adversarials[model][place])
        return None if np.isnan(image).any() else image


def to_bytes(image: np.ndarray) -> np.ndarray:
    """Turn pixels in [0, 1] into uint8, rounded."""
    return (255 * np.clip(image, 0, 1)).round().astype(np.uint8)


def show_difference(
    original: np.ndarray, adversarial: np.ndarray
) -> tuple[np.ndarray, float]:
    """Make a signed difference visible, however small it is.

    Parameters
    ----------
    original, adversarial : ndarray of shape (height, width[, 3])

    Returns
    -------
    picture : ndarray of shape (height, width, 3), dtype uint8
        Of gray images: orange where the adversarial one is brighter, blue where it is
        darker. Of color images: each channel's difference about a middle gray.
    scale : float
        The largest absolute difference, which has the fullest color.
    """
    difference = np.asarray(adversarial, float) - np.asarray(original, float)
    scale = float(np.abs(difference).max())
    share = difference / scale if scale else difference
    if share.ndim == 3:
        return to_bytes(0.5 + 0.5 * share), scale
    ends = np.where(share[..., None] < 0, LOWER, HIGHER)
    picture = np.asarray(NONE) + np.abs(share)[..., None] * (ends - np.asarray(NONE))
    return picture.round().astype(np.uint8), scale


def data_uri(content: bytes, kind: str) -> Markup:
    """Return a file's content as an address that needs no file."""
    return Markup(f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}")


def png_uri(pixels: np.ndarray) -> Markup:
    """Return a uint8 image, gray or RGB, as the address of a PNG."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", optimize=True)
    return data_uri(content.getvalue(), "image/png")
