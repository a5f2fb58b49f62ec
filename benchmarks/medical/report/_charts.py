"""Which figures a data set's part of the record has enough for."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from benchmarks.medical.reading import has_transfer, noun, was_attacked, was_evaluated
from benchmarks.medical.report._bands import draw_bands
from benchmarks.medical.report._iterations import chosen_image, draw_iterations
from benchmarks.medical.report._pictures import Pictures
from benchmarks.medical.report._robust_accuracy import curves_of, draw_robust_accuracy
from benchmarks.medical.report._sheets import draw_adversarials, draw_samples
from benchmarks.medical.report._style import Draw
from benchmarks.medical.report._summary_bands import draw_summary_bands
from benchmarks.medical.report._transfer import draw_transfer

# A sheet takes a second and the page space; the distances of all are in the table.
MOST_SHEETS = 5


@dataclass(frozen=True)
class Chart:
    """A figure that can be drawn.

    Parameters
    ----------
    name : str
        Part of its file's name, unique in a data set.
    alt : str
        What it shows, for those who can't see it.
    draw : callable
        Takes a theme, returns a figure.
    """

    name: str
    alt: str
    draw: Draw


def charts_of(entry: dict, pictures: Pictures | None) -> dict[str, Chart]:
    """Return the figures of a data set by name.

    Parameters
    ----------
    entry : dict
        Its part of the record.
    pictures : Pictures or None
        Its images, if there are any.
    """
    charts = [*_sheets(entry, pictures), *_plots(entry)]
    return {chart.name: chart for chart in charts}


def shown_images(entry: dict, pictures: Pictures | None) -> range:
    """Return the places of the first attacked images, as far as they can be shown."""
    if pictures is None or not pictures.adversarials or not was_attacked(entry):
        return range(0)
    n_images = min(len(entry["attack"]["images"]), len(pictures.originals))
    return range(min(MOST_SHEETS, n_images))


def shown_samples(pictures: Pictures | None) -> dict:
    """Return the sample images of each class that has any."""
    samples = {} if pictures is None else pictures.samples
    return {name: images for name, images in samples.items() if len(images)}


def _sheets(entry: dict, pictures: Pictures | None) -> Iterator[Chart]:
    samples = shown_samples(pictures)
    if samples:
        alt = f"Images of {entry['name']}, a line a class"
        yield Chart("samples", alt, partial(draw_samples, samples))
    for place in shown_images(entry, pictures):
        alt = "An image, and each model's adversarial one with the difference"
        draw = partial(draw_adversarials, entry, pictures, place)
        yield Chart(f"adversarial-{place + 1}", alt, draw)


def _plots(entry: dict) -> Iterator[Chart]:
    if not was_attacked(entry):
        return
    if was_evaluated(entry):
        yield Chart(
            "summary",
            "Median size of perturbations from certified radius to best attack, a line "
            "a model",
            partial(draw_summary_bands, entry),
        )
    place = chosen_image(entry["attack"])
    if place is not None:
        yield Chart(
            "iterations",
            f"Size of the perturbation against iterations for one {noun(entry, 1)}, a "
            "line a model",
            partial(draw_iterations, entry, place),
        )
    if curves_of(entry).upper:
        yield Chart(
            "robust-accuracy",
            "Accuracy against the size of the perturbation, a panel a model",
            partial(draw_robust_accuracy, entry),
        )
    if was_evaluated(entry):
        yield Chart(
            "bands",
            f"From certified radius to best attack for each {noun(entry, 1)}, grouped "
            "by model",
            partial(draw_bands, entry),
        )
    if has_transfer(entry):
        yield Chart(
            "transfer",
            f"Share of each model's adversarial {noun(entry)} that fool the others",
            partial(draw_transfer, entry),
        )
