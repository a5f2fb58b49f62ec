"""Figures 3 and 5 to 7 on the page: images in cells that wrap as the page narrows."""

from collections.abc import Mapping

import numpy as np

from benchmarks.report._html import Markup, join, tag
from benchmarks.report._pictures import Pictures, png_uri, show_difference, to_bytes
from benchmarks.report._record import labels
from benchmarks.report._sheets import PER_CLASS, describe


def sample_rows(samples: Mapping[str, np.ndarray]) -> Markup:
    """Return a line of images for each class."""
    return join(
        tag(
            "div",
            tag("h4", name),
            tag(
                "div",
                [
                    _image(to_bytes(image), f"{name}, sample {place}")
                    for place, image in enumerate(images[:PER_CLASS], start=1)
                ],
                class_="row",
            ),
        )
        for name, images in samples.items()
    )


def adversarial_cells(entry: dict, pictures: Pictures, place: int) -> Markup:
    """Return an image and, for each model, its adversarial one and the difference.

    Parameters
    ----------
    entry : dict
        A data set's part of the record.
    pictures : Pictures
        Its images.
    place : int
        Which of the attacked images.

    Returns
    -------
    Markup
    """
    attack, named = entry["attack"], labels(entry)
    original = np.asarray(pictures.originals[place])
    image_class = attack["images"][place]["class"]
    cells = [
        tag(
            "div",
            _image(to_bytes(original), f"original, {image_class}"),
            tag("p", tag("b", "Original"), " ", image_class),
            class_="cell original",
        )
    ]
    cells += [
        tag(
            "div",
            _pair(original, pictures.adversarial(name, place), named[name]),
            tag("p", tag("b", named[name]), " ", describe(attack, model, place)),
            class_="cell",
        )
        for name, model in attack["models"].items()
    ]
    return tag("div", cells, class_="cells")


def _pair(original: np.ndarray, adversarial: np.ndarray | None, label: str) -> Markup:
    """Return an adversarial image above the difference, as far as there are any."""
    if adversarial is None:
        return tag("div", class_="blank")
    shown = _image(to_bytes(adversarial), f"adversarial image of {label}")
    difference, scale = show_difference(original, adversarial)
    if not scale:
        return shown
    alt = f"difference to the original, at most {scale:.2g}"
    scaled = tag("span", f"±{scale:.2g}", class_="scale")
    return join(shown, tag("div", _image(difference, alt), scaled, class_="difference"))


def _image(pixels: np.ndarray, alt: str) -> Markup:
    height, width = pixels.shape[:2]
    return tag("img", src=png_uri(pixels), alt=alt, width=width, height=height)
