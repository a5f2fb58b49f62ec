"""Figures 3 and 5 to 7 as files: sample images, and adversarial ones of each model."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from benchmarks.medical.reading import NOTHING, labels, norm_name, outcome, search
from benchmarks.medical.report._pictures import Pictures, show_difference, to_bytes
from benchmarks.medical.report._style import Theme, short

ACROSS = 5
PER_CLASS = 8
# Inches: side of an image, the gap beside it, and a line of text.
SIDE, GAP, TEXT = 1.3, 0.12, 0.19
LONGEST_NAME = 18  # as wide as an image


class Sheet:
    """A figure of images placed by hand.

    Layout engines would take a second for what needs no search.

    Parameters
    ----------
    n_across : int
        Images beside each other.
    height : float
        In inches.
    """

    def __init__(self, n_across: int, height: float):
        self.figure = Figure(figsize=(n_across * (SIDE + GAP) + GAP, height))

    def show(self, column: int, top: float, pixels: np.ndarray) -> None:
        """Draw an image, `top` inches below the upper edge of the figure."""
        width, height = self.figure.get_size_inches()
        left, bottom = self._left(column) / width, 1 - (top + SIDE) / height
        ax = self.figure.add_axes((left, bottom, SIDE / width, SIDE / height))
        ax.set_axis_off()
        # The same grey for the same value, not each image stretched to its own range.
        grey = {} if pixels.ndim == 3 else {"cmap": "gray", "vmin": 0, "vmax": 255}
        ax.imshow(pixels, interpolation="nearest", **grey)

    def write(self, column: int, top: float, text: str, **style: object) -> None:
        """Write a line whose upper edge is `top` inches below that of the figure."""
        width, height = self.figure.get_size_inches()
        x, y = self._left(column) / width, 1 - top / height
        self.figure.text(x, y, text, va="top", **{"fontsize": 9, **style})

    @staticmethod
    def _left(column: int) -> float:
        return GAP + column * (SIDE + GAP)


def draw_samples(samples: Mapping[str, np.ndarray], theme: Theme) -> Figure:
    """Draw a line of images for each class."""
    n_across = min(PER_CLASS, max(len(images) for images in samples.values()))
    step = TEXT + SIDE + GAP
    sheet = Sheet(max(2, n_across), len(samples) * step + GAP)
    for place, (name, images) in enumerate(samples.items()):
        top = GAP + place * step
        sheet.write(0, top, short(name), color=theme.ink)
        for column, image in enumerate(images[:n_across]):
            sheet.show(column, top + TEXT, to_bytes(image))
    return sheet.figure


def draw_adversarials(
    entry: dict, pictures: Pictures, place: int, theme: Theme
) -> Figure:
    """Draw an image, each model's adversarial one and, under it, the difference.

    Parameters
    ----------
    entry : dict
        A data set's part of the record.
    pictures : Pictures
        Its images.
    place : int
        Which of the attacked images.
    theme : Theme

    Returns
    -------
    Figure
    """
    attack, named = entry["attack"], labels(entry)
    models = attack["models"]
    n_across = min(ACROSS, 1 + len(models))
    step = 3 * TEXT + 2 * (SIDE + GAP)
    height = math.ceil((1 + len(models)) / n_across) * step + TEXT + 2 * GAP
    sheet = Sheet(n_across, height)
    sheet.write(0, height - TEXT - GAP, search(attack), color=theme.faint, fontsize=8)
    original = np.asarray(pictures.originals[place])
    sheet.write(0, GAP, "original")
    image_class = short(attack["images"][place]["class"], LONGEST_NAME)
    sheet.write(0, GAP + TEXT, image_class, color=theme.faint)
    sheet.show(0, GAP + 2 * TEXT, to_bytes(original))
    for k, (name, model) in enumerate(models.items(), start=1):
        column, top = k % n_across, GAP + k // n_across * step
        sheet.write(column, top, short(named[name], LONGEST_NAME))
        sheet.write(
            column, top + TEXT, describe(attack, model, place), color=theme.faint
        )
        adversarial = pictures.adversarial(name, place)
        if adversarial is not None:
            sheet.show(column, top + 2 * TEXT, to_bytes(adversarial))
            difference, scale = show_difference(original, adversarial)
            if scale:
                lower = top + 2 * TEXT + SIDE + GAP / 2
                sheet.show(column, lower, difference)
                sheet.write(column, lower + SIDE + 0.03, f"±{scale:.2g}", fontsize=8)
    return sheet.figure


def describe(attack: dict, model: dict, place: int) -> str:
    """Say what the attack found for an image, with the norm."""
    found = outcome(model, place)
    words = {
        "wrong": "misclassified as it is",
        "none": "nothing found",
        NOTHING: "not attacked yet",
    }
    return words.get(found) or f"{norm_name(attack)} {found}"
