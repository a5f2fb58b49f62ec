"""Writing the report: the page, and its figures as files beside it."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.common.files import make_folder, write_atomically
from benchmarks.medical.report._charts import charts_of
from benchmarks.medical.report._page import render_page
from benchmarks.medical.report._pictures import Pictures
from benchmarks.medical.report._style import render

FILE_NAME = "report.html"
FIGURES = "figures"


def write_report(
    folder: Path, data: dict, pictures: Mapping[str, Pictures]
) -> list[Path]:
    """Write ``report.html`` and the figures in ``figures/``.

    Parameters
    ----------
    folder : Path
        Where they go, replacing earlier ones.
    data : dict
        The record of a run, finished or not.
    pictures : mapping of str to Pictures
        Images by the keys of ``data["datasets"]``. What is not there is not shown.

    Returns
    -------
    list of Path
        The page, then the figures.

    Raises
    ------
    UserError
        If a file can't be written.
    """
    charts = {
        key: charts_of(entry, pictures.get(key))
        for key, entry in data["datasets"].items()
    }
    page = render_page(data, charts, pictures)
    figures = make_folder(folder / FIGURES)
    stems = file_stems(entry["name"] for entry in data["datasets"].values())
    paths = [folder / FILE_NAME]
    write_atomically(paths[0], page.encode())
    for stem, of_dataset in zip(stems, charts.values(), strict=True):
        for chart in of_dataset.values():
            path = figures / f"{stem}-{chart.name}.png"
            write_atomically(path, render(chart.draw))
            paths.append(path)
    return paths


def file_stems(names: Iterable[str]) -> list[str]:
    """Make names fit for files, each different from the others in any case of letters.

    Parameters
    ----------
    names : iterable of str

    Returns
    -------
    list of str
    """
    stems: list[str] = []
    taken: set[str] = set()
    for name in names:
        first = re.sub("[^A-Za-z0-9_-]+", "-", name).strip("-")[:60] or "dataset"
        stem, count = first, 1
        while stem.lower() in taken:
            count += 1
            stem = f"{first}-{count}"
        taken.add(stem.lower())
        stems.append(stem)
    return stems
