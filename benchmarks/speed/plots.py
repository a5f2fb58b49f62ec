"""Pictures for the documentation, from the record of a run alone."""

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from benchmarks.common.errors import UserError
from benchmarks.speed.accuracy_over_time import curves
from benchmarks.speed.growth import points
from benchmarks.speed.measurements import read_record
from benchmarks.speed.speed_tables import show

OURS, OTHERS = "#1f6f8b", "#b8bec4"
COLOURS = {"SCD01": "#d1603d", "SCDCE": "#1f6f8b"}
PAPER_S = "SCD01, the paper's"
INK, FAINT = "#22282d", "#8a9299"
FORMATS = ("png", "svg")
STYLE = {
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "svg.hashsalt": "speed",  # the same record makes the same file
}
AXES = {
    "rows": "training rows",
    "features": "features",
    "classes": "classes",
    "votes": "votes",
}
PARTS = {  # unit and factor
    "iteration": ("ms an iteration", 1e3),
    "candidate": ("ns a candidate and row", 1e9),
    "beside": ("us an iteration beside candidates", 1e6),
    "start": ("ms before the first iteration", 1e3),
}
PANELS = (
    (("rows", "iteration"), ("features", "iteration"),
     ("classes", "iteration"), ("votes", "iteration")),
    (("rows", "candidate"), ("features", "candidate"),
     ("rows", "beside"), ("features", "start")),
)  # fmt: skip


def plot(file: Path, folder: Path) -> list[Path]:
    """Draw what a record holds.

    Parameters
    ----------
    file : Path
        A record of ``python -m benchmarks.speed``.
    folder : Path
        Made if missing.

    Returns
    -------
    list of Path
        The pictures, PNG and SVG of each.

    Raises
    ------
    UserError
        If the file can't be read, has nothing to draw, or the folder can't be used.
    """
    sections = read_record(file)["sections"]
    drawings = {
        "fit": draw_fit,
        "growth": draw_growth,
        "accuracy": draw_accuracy,
    }
    wanted = {name: draw for name, draw in drawings.items() if name in sections}
    if not wanted:
        raise UserError(f"{file}: has none of the sections {', '.join(drawings)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [
            path
            for name, draw in wanted.items()
            for path in _save(draw, sections[name], folder / f"speed_{name}")
        ]
    except OSError as error:
        raise UserError(f"{folder}: can't write ({error.strerror})") from error


def _save(draw: Callable[[dict], Figure], section: dict, stem: Path) -> list[Path]:
    with matplotlib.rc_context(STYLE):
        figure = draw(section)
        paths = [stem.with_suffix(f".{kind}") for kind in FORMATS]
        for path in paths:
            undated = {"Date": None} if path.suffix == ".svg" else None
            figure.savefig(path, dpi=150, metadata=undated)
    return paths


def draw_fit(section: dict) -> Figure:
    """Bars of the models' fits, with the range over rounds."""
    models = [
        m
        for m in section["measurements"]
        if m["unit"] == "s" and not m["name"].endswith(("start", "(stored)"))
    ]
    models.sort(key=lambda m: m["median"], reverse=True)
    figure = Figure(figsize=(7, 0.5 * len(models) + 1.1), layout="constrained")
    ax = figure.subplots()
    medians = [m["median"] for m in models]
    spread = [
        [m["median"] - m["min"] for m in models],
        [m["max"] - m["median"] for m in models],
    ]
    ax.barh(
        range(len(models)),
        medians,
        xerr=spread,
        height=0.62,
        color=[OURS if m["name"].startswith("SCD") else OTHERS for m in models],
        error_kw={"ecolor": INK, "elinewidth": 1},
    )
    for place, model in enumerate(models):
        ax.annotate(
            show(model["median"], "s"),
            (model["max"], place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
    ax.set_yticks(range(len(models)), [m["name"] for m in models])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set(xlabel="seconds a fit, one vote, one thread", xlim=(0, None))
    ax.margins(x=0.12)
    return figure


def draw_growth(section: dict) -> Figure:
    """Time of an iteration, its parts, and the start, as the data grow; log axes."""
    figure = Figure(figsize=(12, 5.8), layout="constrained")
    panels = figure.subplots(len(PANELS), len(PANELS[0]))
    for row, parts in zip(panels, PANELS, strict=True):
        for ax, (axis, part) in zip(row, parts, strict=True):
            _draw_panel(ax, section["measurements"], axis, part)
            ax.set(xlabel=AXES[axis], ylabel=PARTS[part][0])
            ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    return figure


def draw_accuracy(section: dict, n_columns: int = 4) -> Figure:
    """Accuracy over processor seconds, a panel for each data set."""
    panels = curves(section["measurements"])
    n_rows = -(-len(panels) // n_columns)
    columns = min(n_columns, len(panels))
    figure = Figure(figsize=(3 * columns, 2.7 * n_rows + 0.4), layout="constrained")
    axes = figure.subplots(n_rows, columns, squeeze=False).ravel()
    for ax in axes[len(panels) :]:
        ax.axis("off")
    for ax, (name, models) in zip(axes, panels.items(), strict=False):
        for model, curve in models.items():
            _, seconds, right = curve.T
            color = COLOURS.get(model, COLOURS["SCD01"])
            line = "o:" if model == PAPER_S else "o-"
            ax.plot(seconds, 100 * right, line, ms=4, lw=1.6, color=color, label=model)
        ax.set(xscale="log", title=name)
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.minorticks_off()
        ax.grid(axis="y", color="0.92", lw=0.8)
        ax.set_axisbelow(True)
    figure.supxlabel("processor seconds of a fit", fontsize=10)
    figure.supylabel("accuracy, %", fontsize=10)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, ncol=3, loc="outside upper center", frameon=False)
    return figure


def _draw_panel(ax, measurements: list[dict], axis: str, part: str) -> None:
    ax.set(xscale="log", yscale="log")
    factor, first, ends = PARTS[part][1], np.inf, []
    for model, colour in COLOURS.items():
        sizes, seconds = points(measurements, axis, model, part)
        if not sizes:
            continue
        shown = [factor * value for value in seconds]
        ax.plot(sizes, shown, "o-", ms=4, lw=1.6, color=colour)
        if part in ("iteration", "candidate"):  # else they lie on one another
            _name_line(ax, model, sizes[-1], shown[-1], colour)
        first, ends = min(first, shown[0]), sizes
    if ends:
        if part == "iteration":
            _draw_guide(ax, axis, ends, first)
        shown = ends if len(ends) < 6 else ends[::2]
        ax.set_xticks(shown, [_short(size) for size in shown])
        ax.set_xlim(ends[0] * 0.75, ends[-1] * (ends[-1] / ends[0]) ** 0.34)
        low, high = ax.get_ylim()
        if high < 8 * low:  # or the axis has next to no ticks
            ax.set_ylim(low / 2.5, high * 2.5)
    ax.minorticks_off()
    ax.grid(axis="y", color="0.92", lw=0.8)
    ax.set_axisbelow(True)


def _name_line(ax, model: str, x: float, y: float, colour: str) -> None:
    ax.annotate(
        model, (x, y), xytext=(7, 0), textcoords="offset points", va="center",
        color=colour,
    )  # fmt: skip


def _draw_guide(ax, axis: str, sizes: list[int], start: float) -> None:
    """Draw what the time would be if it grew as it should, from its first point."""
    growth = {
        "rows": ("dashed: linear", lambda size: size / sizes[0]),
        "features": ("dashed: flat", lambda size: 1),
        # Two classes need one network, more need one each.
        "classes": ("dashed: as the networks", lambda size: size if size > 2 else 1),
        "votes": ("dashed: linear", lambda size: size),
    }
    title, factor = growth[axis]
    guide = [start * factor(size) / factor(sizes[0]) for size in sizes]
    ax.plot(sizes, guide, "--", lw=1, color=FAINT, zorder=1)
    ax.set_title(title, fontsize=9, color=FAINT, loc="left")


def _short(size: int) -> str:
    return f"{size // 1000}k" if size >= 1000 and size % 1000 == 0 else str(size)
