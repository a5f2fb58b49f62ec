"""The share of images that stand a perturbation of some size, a panel a model."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.medical.reading import labels, search
from benchmarks.medical.report._style import (
    WIDTH,
    Theme,
    draw_grid,
    lines_of,
    mix,
    short,
)

COLUMNS = 3


def draw_robust_accuracy(entry: dict, theme: Theme) -> Figure:
    """Draw each model's curve with its interval, the other models' behind it.

    Parameters
    ----------
    entry : dict
        A data set's part of the record.
    theme : Theme

    Returns
    -------
    Figure
    """
    robust = entry["attack"]["robust"]
    models, named = robust["models"], labels(entry)
    n_columns = 2 if len(models) == 4 else min(COLUMNS, len(models))
    n_lines = math.ceil(len(models) / n_columns)
    figure = Figure(
        figsize=(WIDTH, 3.2 if n_lines == 1 else 1.5 * n_lines + 0.6),
        layout="constrained",
    )
    panels = figure.subplots(
        n_lines, n_columns, sharex=True, sharey=True, squeeze=False
    )
    lines = lines_of(models, theme)
    for ax in panels.flat[len(models) :]:
        ax.set_visible(False)
    for ax, name in zip(panels.flat, models, strict=False):
        for other in models.values():
            _plot(ax, robust, other, color=mix(theme.faint, theme.ground, 0.6), lw=0.7)
        line = lines[name]
        _plot(ax, robust, models[name], color=line.colour, lw=2.0)
        low, high = ([100 * v for v in models[name][k]] for k in ("low", "high"))
        ax.fill_between(
            robust["epsilons"], low, high, color=line.colour, alpha=0.2, lw=0
        )
        title = short(named.get(name, name))
        ax.set_title(title, color=line.colour, fontsize="medium", loc="left", pad=4)
        ax.set(ylim=(-3, 103), xlim=(0, max(robust["epsilons"]) or 1))
        ax.set_yticks([0, 50, 100])
        draw_grid(ax, theme)
    _show_lowest_ticks(panels, len(models))
    figure.supxlabel(f"epsilon: {search(entry['attack'])}", fontsize="medium")
    figure.supylabel("accuracy, %", fontsize="medium")
    return figure


def _plot(ax: Axes, robust: dict, model: dict, **style: object) -> None:
    shares = [100 * value for value in model["accuracies"]]
    ax.plot(robust["epsilons"], shares, **style)


def _show_lowest_ticks(panels, n_models: int) -> None:
    """Label the x axis under the lowest panel of each column, not of the grid alone."""
    n_columns = panels.shape[1]
    for place in range(max(0, n_models - n_columns), n_models):
        panels.flat[place].tick_params(labelbottom=True)
