"""A data set's part of the page."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup

from benchmarks.common.table import Table
from benchmarks.medical.facts import describe_split
from benchmarks.medical.paper import TABLE_1
from benchmarks.medical.reading import (
    attack_name,
    norm_name,
    noun,
    was_attacked,
)
from benchmarks.medical.report import _captions
from benchmarks.medical.report._answer import answer
from benchmarks.medical.report._charts import Chart, shown_images, shown_samples
from benchmarks.medical.report._gallery import (
    GallerySheet,
    Shown,
    sample_images,
    sheet_of,
)
from benchmarks.medical.report._pictures import Pictures, data_uri
from benchmarks.medical.report._style import DARK, LIGHT, render
from benchmarks.medical.report._text import bounds, protocol
from benchmarks.medical.tables import tables_by_name

PLOTS = frozenset({"summary", "iterations", "robust-accuracy", "transfer", "bands"})


@dataclass(frozen=True)
class Plot:
    """A chart on the page, in light and in dark; its size is a width and a height."""

    light: Markup
    dark: Markup
    alt: str
    lead: str
    caption: str
    size: tuple[float, float] | None = None


@dataclass
class Section:
    """What the templates say of a data set; without an attack most is empty.

    Parameters
    ----------
    anchor : str
        Its place on the page.
    entry : dict
        Its part of the record.
    facts : dict of str to str
    tables : dict of str to Table
        By the name of the function that makes them; None where there is none.
    samples : dict of str to list of Shown
        Images of each class.
    answer : list of str
        Sentences.
    summary : Table or None
        The answer in a table, its notes apart.
    summary_notes : sequence of str
    summary_plot : Plot or None
    plots : list of Plot
        Of the decision-based attack.
    robust_accuracy, bands : Plot or None
    gallery : list of GallerySheet
        Attacked images.
    n_left_out : int
        Attacked images that are not in the gallery.
    is_grey : bool
    """

    anchor: str
    entry: dict
    facts: dict[str, str]
    tables: dict[str, Table | None]
    samples: dict[str, list[Shown]]
    answer: list[str]
    summary: Table | None = None
    summary_notes: Sequence[str] = ()
    summary_plot: Plot | None = None
    plots: list[Plot] = field(default_factory=list)
    robust_accuracy: Plot | None = None
    bands: Plot | None = None
    gallery: list[GallerySheet] = field(default_factory=list)
    n_left_out: int = 0
    is_grey: bool = True

    @property
    def parts(self) -> dict[str, str]:
        """Titles of its parts by their anchors, those that are there."""
        parts = {
            "accuracy": ("Accuracy", self.tables["accuracy"]),
            "bounds": ("Certified radii and best attacks", self.tables["bounds"]),
            "attack": ("The paper's attack", self.tables["distances"]),
            "gallery": ("Adversarial images", self.gallery),
        }
        return {
            f"{self.anchor}-{key}": title for key, (title, has) in parts.items() if has
        }

    @property
    def one(self) -> str:
        """What the set consists of, one of them."""
        return noun(self.entry, 1)

    @property
    def several(self) -> str:
        """The same in the plural."""
        return noun(self.entry)

    @property
    def protocol(self) -> str:
        """How it was attacked."""
        return protocol(self.entry)

    @property
    def bounds(self) -> str:
        """What certified radii and attacks tell."""
        return bounds(self.entry)

    @property
    def norm(self) -> str:
        """Norm of the distances."""
        return norm_name(self.entry["attack"])

    @property
    def attack(self) -> str:
        """Name of the decision-based attack."""
        return attack_name(self.entry["attack"])


def make_section(
    place: int,
    data: dict,
    entry: dict,
    charts: Mapping[str, Chart],
    pictures: Pictures | None,
) -> Section:
    """Gather what the page says of a data set.

    Parameters
    ----------
    place : int
        Counted from 1.
    data : dict
        The record.
    entry : dict
        The data set's part of it.
    charts : mapping of str to Chart
    pictures : Pictures or None

    Returns
    -------
    Section
    """
    samples = shown_samples(pictures)
    section = Section(
        anchor=f"set-{place}",
        entry=entry,
        facts=_facts(entry),
        tables=tables_by_name(data, entry),
        samples={name: sample_images(name, shown) for name, shown in samples.items()},
        answer=answer(entry),
    )
    if not was_attacked(entry):
        return section
    table = section.tables["summary"]
    if table is not None:
        section.summary = replace(table, notes=())
        section.summary_notes = table.notes
    plots = {
        name: _plot(chart, *_captions.of_plot(name, entry))
        for name, chart in charts.items()
        if name in PLOTS
    }
    section.summary_plot = plots.get("summary")
    section.plots = [plots[k] for k in ("iterations", "transfer") if k in plots]
    section.robust_accuracy = plots.get("robust-accuracy")
    section.bands = plots.get("bands")
    places = shown_images(entry, pictures)
    if places:
        section.gallery = [sheet_of(entry, pictures, place) for place in places]
        section.n_left_out = len(entry["attack"]["images"]) - len(places)
        section.is_grey = pictures.originals.ndim == 3
    return section


def _facts(entry: dict) -> dict[str, str]:
    size = "x".join(str(n) for n in entry["sample_shape"])
    features = "" if entry["image"] else " features"
    kind = f"{entry['n_samples']:,} {noun(entry)} of {size}{features}"
    groups = f", {entry['n_groups']:,} groups" if entry["n_groups"] else ""
    counts = ", ".join(f"{name} {n:,}" for name, n in entry["classes"].items())
    facts = {"Data": kind + groups, "Classes": counts}
    if entry["split"]["seeds"]:
        facts["Split"] = describe_split(entry["split"])
    facts |= {
        "Input": entry["scaling"],
        "Source": entry["source"],
        "Licence": entry["licence"],
    }
    if entry["paper_row"]:
        facts["In the paper"] = TABLE_1[entry["paper_row"]].title
    return facts


def _plot(chart: Chart, lead: str, caption: str) -> Plot:
    drawn = [render(chart.draw, theme, "svg") for theme in (LIGHT, DARK)]
    light, dark = (data_uri(content, "image/svg+xml") for content in drawn)
    return Plot(light, dark, chart.alt, lead, caption, _size(drawn[0]))


def _size(svg: bytes) -> tuple[float, float] | None:
    """Return the width and height that an SVG of matplotlib's gives itself."""
    found = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    return (float(found[1]), float(found[2])) if found else None
