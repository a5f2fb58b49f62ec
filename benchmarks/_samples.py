"""A sheet of sample images, to see what the models are asked to tell apart."""

import io
import re
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks._results import write_atomically
from benchmarks.datasets import Dataset

PER_CLASS = 8
MAX_CLASSES = 10
INCHES = 1.1  # side of an image


def write_samples(dataset: Dataset, rows: np.ndarray, folder: Path) -> Path | None:
    """Draw some images of each class into ``samples-NAME.png``.

    Parameters
    ----------
    dataset : Dataset
        What to draw from; a table draws nothing.
    rows : ndarray of int
        The rows to choose from, those of the training side.
    folder : Path
        Where the file goes.

    Returns
    -------
    Path or None
        The file, if there is one.
    """
    if dataset.image_shape is None:
        return None
    figure = draw_samples(dataset, rows)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=120)
    path = folder / f"samples-{re.sub('[^A-Za-z0-9._-]+', '-', dataset.name)}.png"
    write_atomically(path, content.getvalue())
    return path


def draw_samples(dataset: Dataset, rows: np.ndarray) -> Figure:
    """Draw a line of images for each of the first classes, always the same ones."""
    names = dataset.class_names[:MAX_CLASSES]
    figure = Figure(
        figsize=(PER_CLASS * INCHES, len(names) * (INCHES + 0.3) + 0.35),
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    figure.suptitle(f"{dataset.name}: training images", fontsize=11)
    lines = figure.subfigures(len(names), squeeze=False)[:, 0]
    generator = np.random.default_rng(0)
    for code, (name, line) in enumerate(zip(names, lines, strict=True)):
        members = rows[dataset.y[rows] == code]
        n_shown = min(PER_CLASS, len(members))
        chosen = generator.choice(members, n_shown, replace=False)
        line.suptitle(f"{name} ({len(members)})", x=0.01, ha="left", fontsize=9)
        axes = line.subplots(1, PER_CLASS)
        for ax in axes:
            ax.set_axis_off()
        for ax, row in zip(axes, chosen, strict=False):
            ax.imshow(dataset.X[row], **_imshow_options(dataset.X))
    return figure


def _imshow_options(X: np.ndarray) -> dict:
    if X.ndim == 4:
        return {}
    # The same grey for the same value, not each image stretched to its own range.
    top = 1.0 if X.dtype.kind == "f" else np.iinfo(X.dtype).max
    return {"cmap": "gray", "vmin": 0, "vmax": top}
