"""What is known of each model, in one line: medians with their intervals."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.medical.reading import norm_name
from benchmarks.medical.report._bands import (
    Band,
    add_legend,
    draw_bands_of,
    limits,
    name_models,
)
from benchmarks.medical.report._style import WIDTH, Theme, lines_of
from benchmarks.medical.tables.separation import (
    ModelBounds,
    median,
    median_interval,
    model_bounds,
)

ROW = 0.235  # inches
INTERVAL = {"lw": 1.1, "zorder": 1}


def draw_summary_bands(entry: dict, theme: Theme) -> Figure:
    """Draw a band a model, from the median certified radius to the median best attack.

    Parameters
    ----------
    entry : dict
        A data set's part of the record, with an evaluation.
    theme : Theme

    Returns
    -------
    Figure
        Models as they are ordered in the summary. Thin lines are the 95% intervals of
        the two medians; one that is open ends at the axis's end.
    """
    models = [model for model in model_bounds(entry) if model.best.size]
    bands = [_band_of(model) for model in models]
    figure = Figure(figsize=(WIDTH, ROW * len(models) + 1.05), layout="constrained")
    ax = figure.subplots()
    norm = norm_name(entry["evaluation"])
    ax.set(xscale="log", xlabel=f"{norm} size of the perturbation, median")
    ax.set_xlim(limits([*bands, *map(_intervals_of, models)]))
    ax.set_ylim(len(models) - 0.4, -0.6)
    lines = lines_of([model.name for model in models], theme)
    for height, (model, band) in enumerate(zip(models, bands, strict=True)):
        line = lines[model.name]
        draw_bands_of(ax, [band], np.array([height]), line, theme)
        _draw_interval(ax, model, height, line.colour)
    named = {model.name: model.label for model in models}
    name_models(ax, range(len(models)), named, theme)
    add_legend(figure, entry, theme)
    return figure


def _band_of(model: ModelBounds) -> Band:
    ends = (model.certified_radii, model.best_attacks, model.decision_attacks)
    low, high, decisions = map(median, ends)
    return Band(low, high, decisions, is_wrong=model.best_attacks.size == 0)


def _intervals_of(model: ModelBounds) -> Band:
    """Return the outer ends of both intervals, to have room for them."""
    low, _ = median_interval(model.certified_radii)
    _, high = median_interval(model.best_attacks)
    return Band(low, high, np.nan, is_wrong=False)


def _draw_interval(ax: Axes, model: ModelBounds, height: int, colour: str) -> None:
    left, right = ax.get_xlim()
    for values in (model.certified_radii, model.best_attacks):
        if median(values) > 0:
            ends = np.clip(median_interval(values), left, right)
            ax.plot(ends, [height, height], color=colour, **INTERVAL)
