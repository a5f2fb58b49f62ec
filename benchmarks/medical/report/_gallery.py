"""Figures 3 and 5 to 7 on the page: images in cells that wrap as the page narrows."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from benchmarks.medical.reading import distance, labels
from benchmarks.medical.report._iterations import best_attacks
from benchmarks.medical.report._pictures import (
    Pictures,
    png_uri,
    show_difference,
    to_bytes,
)
from benchmarks.medical.report._sheets import PER_CLASS, describe


@dataclass(frozen=True)
class Shown:
    """An image on the page.

    Parameters
    ----------
    pixels : ndarray of shape (height, width[, 3]), dtype uint8
    alt : str
        What it is, for those who can't see it.
    """

    pixels: np.ndarray
    alt: str

    @property
    def uri(self) -> Markup:
        """Its content as an address."""
        return png_uri(self.pixels)

    @property
    def height(self) -> int:
        """In pixels."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """In pixels."""
        return self.pixels.shape[1]


@dataclass(frozen=True)
class SheetCell:
    """A model's adversarial image above the difference, as far as there are any."""

    label: str
    outcome: str
    adversarial: Shown | None = None
    difference: Shown | None = None
    scale: str = ""


@dataclass(frozen=True)
class GallerySheet:
    """An image that was attacked, and what each model made of it."""

    title: str
    image_class: str
    original: Shown
    cells: list[SheetCell]


def sample_images(name: str, images: np.ndarray) -> list[Shown]:
    """Return the first images of a class."""
    return [
        Shown(to_bytes(image), f"{name}, sample {place}")
        for place, image in enumerate(images[:PER_CLASS], start=1)
    ]


def sheet_of(entry: dict, pictures: Pictures, place: int) -> GallerySheet:
    """Return an image and, for each model, its adversarial one and the difference.

    Parameters
    ----------
    entry : dict
        A data set's part of the record.
    pictures : Pictures
        Its images.
    place : int
        Which of the attacked images.
    """
    attack, named = entry["attack"], labels(entry)
    image = attack["images"][place]
    original = np.asarray(pictures.originals[place])
    return GallerySheet(
        f"Image #{place + 1}: row {image['row']}, {image['class']}",
        image["class"],
        Shown(to_bytes(original), f"original, {image['class']}"),
        [
            _cell(
                original,
                pictures.adversarial(name, place),
                named[name],
                _outcome(entry, name, place),
            )
            for name in attack["models"]
        ],
    )


def _outcome(entry: dict, name: str, place: int) -> str:
    """Say what the attack needed, and beside it what the best attack needs."""
    text = describe(entry["attack"], entry["attack"]["models"][name], place)
    best = best_attacks(entry, place).get(name)
    return text if best is None else f"{text}; best attack {distance(best)}"


def _cell(
    original: np.ndarray, adversarial: np.ndarray | None, label: str, outcome: str
) -> SheetCell:
    if adversarial is None:
        return SheetCell(label, outcome)
    shown = Shown(to_bytes(adversarial), f"adversarial image of {label}")
    difference, scale = show_difference(original, adversarial)
    if not scale:
        return SheetCell(label, outcome, shown)
    alt = f"difference to the original, at most {scale:.2g}"
    return SheetCell(label, outcome, shown, Shown(difference, alt), f"±{scale:.2g}")
