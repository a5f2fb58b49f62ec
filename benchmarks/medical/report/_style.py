"""How the report's charts look, in light and in dark."""

import io
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import cycle

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from sklearn.isotonic import isotonic_regression

from benchmarks.common.pages import clean

# Inches. At this width text of 11 points can be read on a telephone, and two charts
# have room beside each other on a larger screen.
WIDTH = 5.4
LONGEST_NAME = 24
LINE_HEIGHT = 1.25  # of names beside lines, in font sizes


@dataclass(frozen=True)
class Theme:
    """Colors of a chart's parts.

    Parameters
    ----------
    ink, faint, grid, ground : str
        Of text, of axes and what is less important, of grid lines, of the background.
    lighten : float
        Share of white in the colors of lines.
    """

    ink: str
    faint: str
    grid: str
    ground: str
    lighten: float = 0.0

    def settings(self) -> dict[str, object]:
        """Return matplotlib's settings."""
        return {
            "font.size": 11,
            "text.color": self.ink,
            # A name may hold a dollar sign.
            "text.parse_math": False,
            "axes.labelcolor": self.ink,
            "axes.edgecolor": self.faint,
            "axes.facecolor": "none",
            "xtick.color": self.ink,
            "ytick.color": self.ink,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.facecolor": self.ground,
            "svg.hashsalt": "report",  # the same record makes the same file
        }


LIGHT = Theme("#22282d", "#8a9299", "#e9ebec", "#ffffff")
DARK = Theme("#dfe3e6", "#79828a", "#2c3338", "#15191c", lighten=0.35)

Draw = Callable[[Theme], Figure]


@dataclass(frozen=True)
class Line:
    """How a model's line is drawn: told apart by color and by dashes."""

    colour: str
    dashes: str | tuple
    width: float


# Sign networks have full lines and strong colors, the others dashes.
_LINES = {
    "scd01": Line("#d1603d", "-", 2.0),
    "scdce": Line("#1f6f8b", "-", 2.0),
    "scdcebnn": Line("#c08d12", "-", 2.0),
    "linear01": Line("#6aa5bb", "-", 1.4),
    "scd01-robust": Line("#9c3a1c", "-", 2.6),
    "scdce-robust": Line("#124a5e", "-", 2.6),
    "scd01-margin-3": Line("#e39a7f", "-", 2.6),
    "mlp": Line("#5b6770", (0, (6, 2)), 1.4),
    "bnn-ste": Line("#8d7a3a", (0, (4, 1.5, 1, 1.5)), 1.4),
    "lenet": Line("#8a4f7d", (0, (3, 1.5)), 1.4),
    "resnet18": Line("#3b4a8f", (0, (1, 1.2)), 1.7),
    "random-forest": Line("#4f7f4a", (0, (6, 1.5, 1, 1.5, 1, 1.5)), 1.4),
}
_OTHER_COLOURS = ("#22282d", "#a0522d", "#2f7f6f", "#7a5ba6")


def lines_of(names: Iterable[str], theme: Theme) -> dict[str, Line]:
    """Choose each model's line: a model has the same one in every chart."""
    others = cycle(_OTHER_COLOURS)
    chosen = {}
    for name in names:
        line = _LINES.get(name) or Line(next(others), (0, (8, 1.5)), 1.4)
        colour = mix(line.colour, "#ffffff", theme.lighten)
        chosen[name] = Line(colour, line.dashes, line.width)
    return chosen


def mix(colour: str, other: str, share: float) -> str:
    """Mix a share of another color into one."""
    return to_hex(
        (1 - share) * np.array(to_rgb(colour)) + share * np.array(to_rgb(other))
    )


def short(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a name as a chart has room for it."""
    text = clean(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def render(draw: Draw, theme: Theme = LIGHT, kind: str = "png") -> bytes:
    """Draw a chart.

    Parameters
    ----------
    draw : callable
        Takes the theme, returns a figure.
    theme : Theme, default=LIGHT
    kind : {"png", "svg"}
        An SVG has no background of its own.

    Returns
    -------
    bytes
        The file's content.
    """
    content = io.BytesIO()
    with matplotlib.rc_context(theme.settings()), warnings.catch_warnings():
        # Names may be in any script; what the font lacks is shown as a box.
        warnings.filterwarnings("ignore", r"Glyph .* missing from")
        figure = draw(theme)
        if kind == "svg":
            options = {"metadata": {"Date": None}, "transparent": True}
        else:
            options = {"dpi": 160}
        figure.savefig(content, format=kind, **options)
    return content.getvalue()


def draw_grid(ax: Axes, theme: Theme, axis: str = "y") -> None:
    """Draw grid lines behind the data."""
    ax.grid(axis=axis, color=theme.grid, lw=0.8)
    ax.set_axisbelow(True)


def label_powers(axis: Axis) -> None:
    """Write powers of ten on a logarithmic axis, where they are few 2 and 5 as well."""

    def minor_label(value: float, _: int) -> str:
        low, high = axis.get_view_interval()
        digit = round(value / 10 ** np.floor(np.log10(value)))
        return f"{value:g}" if digit in (2, 5) and high < 1000 * low else ""

    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(minor_label)


def name_lines(ax: Axes, ends: list[tuple[str, float, float, str]]) -> None:
    """Write each line's name to the right of the axes, none over another.

    Parameters
    ----------
    ax : Axes
        Its limits and scales must be final.
    ends : list of (name, x, y, color)
        The last point of each line.
    """
    points = [(x, y) for _, x, y, _ in ends]
    heights = (ax.transScale + ax.transLimits).transform(points)[:, 1]
    size = matplotlib.rcParams["font.size"]
    gap = LINE_HEIGHT * size / (72 * 0.8 * ax.get_figure().get_figheight())
    for end, height in zip(ends, spread(heights, gap, 0.0, 1.0), strict=True):
        name, x, y, colour = end
        ax.annotate(
            short(name),
            (x, y),
            xytext=(1.06, height),
            textcoords="axes fraction",
            va="center",
            color=colour,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.6, "shrinkB": 2},
        )


def spread(heights: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """Move heights as little as possible, in least squares, until all have room.

    Parameters
    ----------
    heights : array-like of shape (n,)
    gap : float
        Least distance between two of them.
    low, high : float
        Limits, kept where the gaps leave room between them.

    Returns
    -------
    ndarray of shape (n,)
    """
    heights = np.asarray(heights, dtype=float)
    order = np.argsort(heights, kind="stable")
    offsets = gap * np.arange(len(heights))
    # With the gaps taken away, "at least a gap apart" reads "not decreasing".
    highest = max(low, high - offsets[-1])
    moved = isotonic_regression(heights[order] - offsets, y_min=low, y_max=highest)
    placed = np.empty_like(heights)
    placed[order] = moved + offsets
    return placed
