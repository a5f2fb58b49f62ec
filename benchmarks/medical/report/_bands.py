"""What lies between certified radius and best attack, on each image of each model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.medical.reading import attack_name, labels, norm_name
from benchmarks.medical.report._style import (
    WIDTH,
    Line,
    Theme,
    draw_grid,
    label_powers,
    lines_of,
    mix,
    short,
)

MOST_IMAGES = 10  # a model
STEP = 0.15  # inches from band to band
GAP = 1.0  # between models, in bands
THICK = 5.0  # points
N_SHADES = 24  # of a band that fades where it has no end
FULLEST = 0.55  # share of the ground in a band's colour
CERTIFICATE = {"ls": "", "marker": "|", "ms": THICK + 3, "mew": 1.8}
NEAREST = {"ls": "", "marker": "o", "ms": THICK - 0.5}
DECISIONS = {"ls": "", "marker": "D", "ms": THICK - 1, "mew": 1}


@dataclass(frozen=True)
class Band:
    """What is known of one model on one image.

    Parameters
    ----------
    low : float
        The certified radius: 0 for none, inf where nothing is adversarial.
    high : float
        What the best attack needs, inf where none found anything.
    decisions : float
        What the decision-based attack needs; nan if it was not run.
    is_wrong : bool
        Whether the image is misclassified as it is.
    """

    low: float
    high: float
    decisions: float
    is_wrong: bool


def bands_of(entry: dict, name: str) -> list[Band]:
    """Return a model's bands, those of the first images.

    Parameters
    ----------
    entry : dict
        A data set's part of the record, with an evaluation.
    name : str
        Of the model.
    """
    model = entry["evaluation"]["models"][name]
    nearest = model["nearest"]
    certified = model["certified"] or [0.0] * len(nearest)
    decisions = model["distances"][entry["attack"]["attack"]]
    bands = [
        Band(*(np.inf if d is None else d for d in distances), distances[1] == 0)
        for distances in zip(certified, nearest, decisions, strict=True)
    ]
    return bands[:MOST_IMAGES]


def _words(band: Band) -> str | None:
    """Say what a band can't show."""
    if band.is_wrong:
        return "misclassified"
    if band.low == np.inf:
        return "certified at any distance"
    return "nothing found" if band.low == 0 and band.high == np.inf else None


def draw_bands(entry: dict, theme: Theme) -> Figure:
    """Draw bands from certified radius to best attack, a line an image.

    Parameters
    ----------
    entry : dict
        A data set's part of the record, with an evaluation.
    theme : Theme

    Returns
    -------
    Figure
        Words take the place of a band where an image is misclassified without a
        perturbation, or nothing is known.
    """
    bands = {name: bands_of(entry, name) for name in entry["evaluation"]["models"]}
    heights, height = {}, 0.0
    for name, of_model in bands.items():
        heights[name] = height + np.arange(len(of_model))
        height += len(of_model) + GAP
    figure = Figure(figsize=(WIDTH, STEP * height + 1.3), layout="constrained")
    ax = figure.subplots()
    norm = norm_name(entry["evaluation"])
    ax.set(xscale="log", xlabel=f"{norm} size of the perturbation")
    ax.set_xlim(limits(band for of_model in bands.values() for band in of_model))
    ax.set_ylim(height - GAP, -1)
    lines, named = lines_of(bands, theme), labels(entry)
    for name, of_model in bands.items():
        draw_bands_of(ax, of_model, heights[name], lines[name], theme)
    names_at = [of_model.mean() for of_model in heights.values()]
    name_models(ax, names_at, {name: named.get(name, name) for name in bands}, theme)
    add_legend(figure, entry, theme)
    return figure


def name_models(
    ax: Axes, heights: Sequence[float], named: Mapping[str, str], theme: Theme
) -> None:
    """Write models' names beside their bands, and finish the axes."""
    lines = lines_of(named, theme)
    ax.set_yticks(heights, [short(label) for label in named.values()])
    for tick, name in zip(ax.get_yticklabels(), named, strict=True):
        tick.set_color(lines[name].colour)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    label_powers(ax.xaxis)
    ax.tick_params(axis="x", which="both", length=3, pad=3.5)
    draw_grid(ax, theme, "x")


def limits(bands: Iterable[Band]) -> tuple[float, float]:
    """Ends of the axis, a little beyond all that has a place on a logarithmic one."""
    ends = [[band.low, band.high, band.decisions] for band in bands]
    values = np.array(ends, dtype=float)
    known = values[np.isfinite(values) & (values > 0)]
    if not known.size:
        return 0.5, 2.0
    return known.min() / 1.7, known.max() * 1.4


def draw_bands_of(
    ax: Axes, bands: list[Band], heights: np.ndarray, line: Line, theme: Theme
) -> None:
    """Draw a model's bands, then their ends, each kind at once."""
    steps, colours, ways, ends = [], [], [], []
    for y, band in zip(heights, bands, strict=True):
        if words := _words(band):
            ax.text(ax.get_xlim()[0], y, words, va="center", size=8, color=theme.faint)
            continue
        for low, high, share in _steps(band, *ax.get_xlim()):
            steps.append([(low, y), (high, y)])
            colours.append(mix(line.colour, theme.ground, share))
        ends.append((band.low, band.high, band.decisions, y))
        ways.append([(band.high, y), (band.decisions, y)])
    if not ends:
        return
    bars = LineCollection(steps, colors=colours, linewidths=THICK, capstyle="butt")
    ax.add_collection(bars, autolim=False)
    known = [way for way in ways if np.isfinite(way).all()]
    ax.add_collection(LineCollection(known, colors=theme.faint, lw=0.7), autolim=False)
    # What is 0 or infinite has no place on the axis and is not drawn.
    low, high, decisions, y = np.transpose(ends)
    ax.plot(low, y, color=line.colour, **CERTIFICATE)
    ax.plot(high, y, color=line.colour, **NEAREST)
    ax.plot(decisions, y, **DECISIONS, **_hollow(theme))


def _steps(band: Band, left: float, right: float) -> list[tuple[float, float, float]]:
    """Cut a band into steps, each with the share of the ground in its color.

    One step, unless it has no end on a side: there it fades on its way to that of the
    axis.
    """
    low, high = max(band.low, left), min(band.high, right)
    if band.low > 0 and band.high < np.inf:
        return [(low, high, FULLEST)]
    edges = np.geomspace(low, high, N_SHADES + 1)
    shares = np.linspace(1.0, FULLEST, N_SHADES)
    # Each lies over the one before: side by side they would show seams.
    if band.low > 0:
        return [(low, edge, s) for edge, s in zip(edges[:0:-1], shares, strict=True)]
    return [(edge, high, s) for edge, s in zip(edges[:-1], shares, strict=True)]


def _hollow(theme: Theme) -> dict[str, str]:
    return {"markerfacecolor": theme.ground, "markeredgecolor": theme.ink}


def add_legend(figure: Figure, entry: dict, theme: Theme) -> None:
    """Say below the axes what the marks mean."""
    handles = [
        Line2D([], [], label="certified radius", color=theme.ink, **CERTIFICATE),
        Line2D([], [], label="best attack", color=theme.ink, **NEAREST),
        Line2D(
            [], [], label=attack_name(entry["attack"]), **DECISIONS, **_hollow(theme)
        ),
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=3, frameon=False,
        fontsize="small", handletextpad=0.2, columnspacing=1.2,
    )  # fmt: skip
