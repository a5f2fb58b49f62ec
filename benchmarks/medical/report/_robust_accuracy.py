"""Accuracy against the size of the perturbation, a panel a model."""

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.medical.reading import labels, norm_name, search, was_evaluated
from benchmarks.medical.report._style import (
    WIDTH,
    Line,
    Theme,
    draw_grid,
    lines_of,
    mix,
    short,
)

COLUMNS = 3


@dataclass(frozen=True)
class Curves:
    """The curves of all models, over the same sizes of perturbations.

    Parameters
    ----------
    epsilons : list of float
    upper, lower : dict of str to dict
        By model: what attacks left, and what is certified, which not all models have;
        each with its accuracies and their intervals.
    """

    epsilons: list[float]
    upper: dict[str, dict]
    lower: dict[str, dict]


def curves_of(entry: dict) -> Curves:
    """Return certified and empirical robust accuracy, of all attacks where it is known.

    Parameters
    ----------
    entry : dict
        A data set's part of the record, which was attacked.
    """
    if was_evaluated(entry) and entry["evaluation"].get("curves"):
        curves = entry["evaluation"]["curves"]
        models = curves["models"]
        return Curves(
            curves["epsilons"],
            {name: of_model["attacked"] for name, of_model in models.items()},
            {k: m["certified"] for k, m in models.items() if "certified" in m},
        )
    robust = entry["attack"].get("robust") or {"epsilons": [], "models": {}}
    return Curves(robust["epsilons"], robust["models"], {})


def draw_robust_accuracy(entry: dict, theme: Theme) -> Figure:
    """Draw each model's two curves, the other models' upper ones behind them.

    Parameters
    ----------
    entry : dict
        A data set's part of the record.
    theme : Theme

    Returns
    -------
    Figure
    """
    curves, named = curves_of(entry), labels(entry)
    models = list(curves.upper)
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
        for other in curves.upper.values():
            style = {"color": mix(theme.faint, theme.ground, 0.6), "lw": 0.7}
            ax.plot(curves.epsilons, _percent(other["accuracies"]), **style)
        _draw_model(ax, curves, name, lines[name])
        title = short(named.get(name, name))
        ax.set_title(
            title, color=lines[name].colour, fontsize="medium", loc="left", pad=4
        )
        ax.set(ylim=(-3, 103), xlim=(0, max(curves.epsilons) or 1))
        ax.set_yticks([0, 50, 100])
        draw_grid(ax, theme)
    _show_lowest_ticks(panels, len(models))
    figure.supxlabel(f"radius: {_searched(entry)}", fontsize="medium")
    figure.supylabel("accuracy, %", fontsize="medium")
    return figure


def _draw_model(ax: Axes, curves: Curves, name: str, line: Line) -> None:
    """Draw the interval, what attacks left and, dashed, what is certified."""
    upper, lower = curves.upper[name], curves.lower.get(name)
    ax.plot(curves.epsilons, _percent(upper["accuracies"]), color=line.colour, lw=2.0)
    if lower is not None:
        shares = _percent(lower["accuracies"])
        ax.plot(curves.epsilons, shares, color=line.colour, lw=1.2, ls=(0, (3, 1.5)))
    # From the lowest that the share may be to the highest.
    low = _percent((lower or upper)["low"])
    high = _percent(upper["high"])
    ax.fill_between(curves.epsilons, low, high, color=line.colour, alpha=0.2, lw=0)


def _searched(entry: dict) -> str:
    if was_evaluated(entry):
        return f"{norm_name(entry['evaluation'])}, all attacks"
    return search(entry["attack"])


def _percent(shares: list[float]) -> list[float]:
    return [100 * share for share in shares]


def _show_lowest_ticks(panels: np.ndarray, n_models: int) -> None:
    """Label the x axis under the lowest panel of each column, not of the grid alone."""
    n_columns = panels.shape[1]
    for place in range(max(0, n_models - n_columns), n_models):
        panels.flat[place].tick_params(labelbottom=True)
