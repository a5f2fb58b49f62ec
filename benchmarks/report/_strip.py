"""The chart within Table 1: a line for each model, all on the same scale."""

import math
from collections.abc import Iterable

from benchmarks.report._html import Markup, tag

WIDTH, HEIGHT, MARGIN = 120, 16, 5  # pixels


def wilson(model: dict) -> tuple[float, float]:
    """Return the lowest and the highest end of the seeds' intervals."""
    intervals = [seed["wilson_95"] for seed in model["seeds"].values()]
    return min(low for low, _ in intervals), max(high for _, high in intervals)


def strip_range(models: Iterable[dict]) -> tuple[float, float]:
    """Return the range that the strips show: all of them the same, in steps of 5%."""
    models = list(models)
    ends = [end for model in models for end in wilson(model)]
    ends += [m["paper_accuracy"] for m in models if m["paper_accuracy"] is not None]
    low, high = math.floor(20 * min(ends)) / 20, math.ceil(20 * max(ends)) / 20
    return (low, high) if high > low else (0.0, 1.0)


def draw_strip(model: dict, low: float, high: float) -> Markup:
    """Draw an interval, its seeds and the paper's figure on a line."""
    middle = HEIGHT / 2

    def place(share: float) -> float:
        return round(MARGIN + (share - low) / (high - low) * (WIDTH - 2 * MARGIN), 2)

    ends = [place(end) for end in wilson(model)]
    parts = [
        tag("line", x1=MARGIN, x2=WIDTH - MARGIN, y1=middle, y2=middle, class_="axis"),
        tag("line", x1=ends[0], x2=ends[1], y1=middle, y2=middle, class_="interval"),
    ]
    if model["paper_accuracy"] is not None:
        x = place(model["paper_accuracy"])
        outline = f"M{x - 4.5} {middle}l4.5 -4.5l4.5 4.5l-4.5 4.5z"
        parts.append(tag("path", d=outline, class_="paper"))
    for seed in model["seeds"].values():
        x = place(seed["accuracy"])
        parts.append(tag("circle", cx=x, cy=middle, r=3, class_="seed"))
    # The figures are in the other columns.
    return tag("svg", parts, width=WIDTH, height=HEIGHT, aria_hidden="true")
