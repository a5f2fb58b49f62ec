"""Whose adversarial images fool whom: the paper's Table 6, over all images."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchmarks.medical.reading import labels, search, transfer_counts
from benchmarks.medical.report._style import WIDTH, Theme, short

FULL = "#1f6f8b"
FULL_IN_DARK = "#8cc4d8"


def draw_transfer(entry: dict, theme: Theme) -> Figure:
    """Draw a heat map of the shares of a source's images that fool a target.

    Parameters
    ----------
    entry : dict
        A data set's part of the record.
    theme : Theme

    Returns
    -------
    Figure
        A model's cell against itself is crossed out, one without images is empty.
    """
    transfer, named = entry["attack"]["transfer"], labels(entry)
    sources, targets = transfer["sources"], transfer["names"]
    counts = transfer_counts(transfer)
    shares = np.full((len(sources), len(targets)), np.nan)
    for (source, target), (fooled, shown) in counts.items():
        if shown:
            shares[sources.index(source), targets.index(target)] = fooled / shown
    full = FULL_IN_DARK if theme.lighten else FULL
    colours = LinearSegmentedColormap.from_list("share", [theme.grid, full])
    figure = Figure(figsize=(WIDTH, 0.38 * len(sources) + 1.9), layout="constrained")
    ax = figure.subplots()
    ax.imshow(shares, cmap=colours, vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        if sources[row] == targets[column]:
            _cross_out(ax, row, column, theme)
        elif not np.isnan(share):
            ink = theme.ground if share > 0.55 else theme.ink
            label = f"{100 * share:.0f}"
            ax.text(
                column, row, label, ha="center", va="center", color=ink, fontsize=10
            )
    ax.set_yticks(range(len(sources)), [short(named.get(n, n)) for n in sources])
    ax.set_xticks(
        range(len(targets)),
        [short(named.get(n, n)) for n in targets],
        rotation=40,
        ha="left",
        rotation_mode="anchor",
    )
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_ylabel("adversarial images of")
    title = f"fooled, % of those shown\n{search(entry['attack'])}"
    figure.supxlabel(title, fontsize="medium")
    return figure


def _cross_out(ax, row: int, column: int, theme: Theme) -> None:
    box = Rectangle(
        (column - 0.5, row - 0.5), 1, 1, fill=False, hatch="////", lw=0,
        edgecolor=theme.grid,
    )  # fmt: skip
    ax.add_patch(box)
