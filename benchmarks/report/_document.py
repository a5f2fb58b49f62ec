"""The page as a whole, from the record and what can be drawn of it."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks._paper import TABLE_1
from benchmarks._report import describe_split
from benchmarks._results import FILE_NAME
from benchmarks.report import _tables
from benchmarks.report._bands import MOST_IMAGES
from benchmarks.report._charts import Chart, shown_images, shown_samples
from benchmarks.report._gallery import adversarial_cells, sample_rows
from benchmarks.report._html import Child, Markup, clean, join, tag
from benchmarks.report._iterations import chosen_image
from benchmarks.report._pictures import Pictures, data_uri
from benchmarks.report._record import (
    attack_name,
    attacked_counts,
    attacked_entries,
    norm_name,
    noun,
    was_attacked,
    was_evaluated,
)
from benchmarks.report._style import DARK, LIGHT, render
from benchmarks.report._text import PAPER, bounds, meaning, protocol, summary_line
from benchmarks.report._transfer import has_transfer

STYLESHEET = Path(__file__).with_name("page.css")
# Nothing is fetched and nothing runs, whatever a name in the data may hold.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
NOT_OF_THE_MODEL = ("n_estimators", "random_state", "verbose", "n_jobs")
TITLE = "Sign networks beside the usual models"


def render_document(
    data: dict,
    charts: Mapping[str, Mapping[str, Chart]],
    pictures: Mapping[str, Pictures],
) -> str:
    """Return the report as one HTML file.

    Parameters
    ----------
    data : dict
        The record.
    charts : mapping of str to mapping of str to Chart
        The figures of each data set, by its key in the record.
    pictures : mapping of str to Pictures
        Images by the same keys.

    Returns
    -------
    str
    """
    sections = [
        _dataset_section(place, data, entry, charts[key], pictures.get(key))
        for place, (key, entry) in enumerate(data["datasets"].items(), start=1)
    ]
    body = [
        _header(data),
        tag("main", _overview(data), _meaning(data), sections, _made_with(data)),
    ]
    return f"<!DOCTYPE html>\n{tag('html', _head(), tag('body', body), lang='en')}\n"


def _head() -> Markup:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", TITLE),
        tag("style", Markup(STYLESHEET.read_text(encoding="utf-8"))),
    )


def _header(data: dict) -> Markup:
    names = [entry["name"] for entry in data["datasets"].values()]
    measured = "Clean accuracy"
    if attacked_entries(data):
        measured += " and the distances to adversarial images that an attack found"
    links = [tag("a", name, href=f"#set-{k}") for k, name in enumerate(names, start=1)]
    links += [tag("a", "Made with", href="#made-with")]
    return tag(
        "header",
        tag("p", "sklearn_scd, medical benchmark", class_="kicker"),
        tag("h1", TITLE),
        tag("p", f"{measured}, on {_list(names)}.", class_="lead"),
        tag("p", summary_line(data), class_="quiet"),
        tag("nav", [join(link, " ") for link in links], aria_label="Contents"),
    )


def _overview(data: dict) -> Markup | None:
    """Return the tables over all data sets, if there are several to compare."""
    entries = attacked_entries(data)
    parts = []
    if len(data["datasets"]) > 1:
        parts.append(_tables.accuracy_overview(data))
    if len(entries) > 1:
        parts.append(_tables.mean_distances(data))
    shown = [entry for entry in entries if has_transfer(entry)]
    if len(shown) > 1:
        parts.append(_tables.transfer_accuracy(data, shown))
    return tag("section", tag("h2", "All data sets"), parts) if parts else None


def _meaning(data: dict) -> Markup:
    heading = tag("h2", "What the figures mean, and what they don't")
    return tag("section", heading, tag("div", meaning(data), class_="prose"))


def _dataset_section(
    place: int,
    data: dict,
    entry: dict,
    charts: Mapping[str, Chart],
    pictures: Pictures | None,
) -> Markup:
    return tag(
        "section",
        tag("h2", entry["name"]),
        _facts(entry),
        _samples(pictures),
        _tables.accuracy(entry) if entry["models"] else None,
        _attack(data, entry, charts, pictures) if was_attacked(entry) else None,
        id=f"set-{place}",
    )


def _facts(entry: dict) -> Markup:
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
    return tag("dl", [join(tag("dt", k), tag("dd", v)) for k, v in facts.items()])


def _samples(pictures: Pictures | None) -> Markup | None:
    samples = shown_samples(pictures)
    if not samples:
        return None
    caption = _caption("Figure 3", "Sample images of each class.")
    return tag("figure", sample_rows(samples), caption, class_="samples")


def _attack(
    data: dict, entry: dict, charts: Mapping[str, Chart], pictures: Pictures | None
) -> Markup:
    plots = [
        _plot(charts[name], *_plot_caption(name, entry))
        for name in ("iterations", "robust-accuracy", "transfer")
        if name in charts
    ]
    shown = has_transfer(entry)
    if shown:
        plots.append(_tables.transfer_accuracy(data, [entry]))
    return join(
        tag("h3", "Adversarial ", noun(entry)),
        tag("p", protocol(entry), class_="quiet"),
        _tables.distances(entry),
        tag("div", plots, class_="plots") if plots else None,
        _folded("Table 6: who is fooled by whose, in numbers", _tables.transfer(entry))
        if shown
        else None,
        _bounds(entry, charts) if was_evaluated(entry) else None,
        _gallery(entry, pictures),
    )


def _bounds(entry: dict, charts: Mapping[str, Chart]) -> Markup:
    """Return what is known from below and from above."""
    one = noun(entry, 1)
    return join(
        tag("h3", "Between certificate and best attack"),
        tag("p", bounds(entry), class_="quiet"),
        _tables.bounds(entry),
        _folded(f"Table 8 by {one}", _tables.bounds_by_image(entry)),
        tag("div", _plot(charts["bands"], *_band_caption(entry)), class_="single"),
    )


def _band_caption(entry: dict) -> tuple[str, str]:
    """Return the name of the figure and what it shows."""
    n_images = len(entry["attack"]["images"])
    shown = f"#1 to #{min(n_images, MOST_IMAGES)}" if n_images > 1 else "#1"
    left_out = " The others are not shown." if n_images > MOST_IMAGES else ""
    return "What is known", (
        f"For each model the {noun(entry)} {shown} from above to below.{left_out} "
        f"Somewhere in the band is the nearest adversarial {noun(entry, 1)}, by its "
        f"{norm_name(entry['evaluation'])} distance. A band that fades to the left is "
        "of a model without a certificate: it may be as near as you like. Diamond: "
        f"what {attack_name(entry['attack'])} found. Logarithmic scale."
    )


def _plot_caption(name: str, entry: dict) -> tuple[str, str]:
    """Return the name of a figure and what it shows."""
    attack = entry["attack"]
    with_what = f"{attack_name(attack)}, {norm_name(attack)}"
    if name == "iterations":
        place = chosen_image(attack)
        image = attack["images"][place]
        return "Figure 4", (
            f"The smallest distance so far against iterations, {noun(entry, 1)} "
            f"#{place + 1} (row {image['row']}, {image['class']}): the first of those "
            f"that most models have a course for. {with_what}, logarithmic scale."
        )
    if name == "robust-accuracy":
        counts = " to ".join(map(str, attacked_counts(entry)))
        return "Accuracy under attack", (
            f"Share of the {counts} attacked {noun(entry)} for which nothing "
            f"within epsilon was found, an upper bound. {with_what}. "
            "Band: Wilson's 95% interval. Grey: the other models."
        )
    return "Transfer", (
        f"Share of a model's adversarial {noun(entry)} (lines) that fool another model "
        f"(columns). {with_what}. Hatched: a model against its own, left out."
    )


def _plot(chart: Chart, lead: str, text: str) -> Markup:
    """Embed a chart twice; the reader's system chooses the light or the dark one."""
    light, dark = (
        data_uri(render(chart.draw, theme, "svg"), "image/svg+xml")
        for theme in (LIGHT, DARK)
    )
    picture = tag(
        "picture",
        tag("source", srcset=dark, media="(prefers-color-scheme: dark)"),
        tag("img", src=light, alt=chart.alt),
    )
    return tag("figure", picture, _caption(lead, text))


def _gallery(entry: dict, pictures: Pictures | None) -> Markup | None:
    """Return figures 5 to 7: the first image, the others folded away."""
    places = shown_images(entry, pictures)
    if not places:
        return None
    attack = entry["attack"]
    colours = (
        "Orange: brighter than the original, blue: darker"
        if pictures.originals.ndim == 3
        else "Each channel's difference about a middle grey"
    )
    caption = _caption(
        "Figures 5 to 7",
        f"An image, each model's adversarial one with its {norm_name(attack)} distance "
        f"({attack_name(attack)}) and, beneath, the difference. {colours}; each is on "
        "a scale of its own, and the fullest colour is the figure after ±, in units of "
        "the pixel range.",
    )
    parts = []
    for place in places:
        image = attack["images"][place]
        title = f"Image #{place + 1}: row {image['row']}, {image['class']}"
        cells = adversarial_cells(entry, pictures, place)
        first = place == places[0]
        parts.append(
            join(tag("h4", title), cells) if first else _folded(title, cells)
        )  # fmt: skip
        if first:
            parts.append(caption)
    left_out = len(attack["images"]) - len(places)
    if left_out:
        parts.append(tag("p", f"Not shown: {left_out} more.", class_="note"))
    return tag("figure", parts, class_="gallery")


def _made_with(data: dict) -> Markup:
    environment = data["environment"]
    versions = [f"{k} {v}" for k, v in environment["versions"].items() if v]
    cores = f"{environment['cores_available']} of {environment['cores']} cores"
    arguments = {k: _argument(v) for k, v in data["arguments"].items() if v is not None}
    seeds = sorted(
        {
            seed
            for entry in data["datasets"].values()
            for model in entry["models"].values()
            for seed in model["seeds"]
        },
        key=int,
    )
    facts = {
        "Seeds": ", ".join(seeds) or "none yet",
        "Arguments": "; ".join(f"{k} {v}" for k, v in arguments.items()),
        "Versions": ", ".join(versions),
        "Machine": f"{environment['cpu']}, {cores}, {environment['platform']}",
        "Record": f"{FILE_NAME}, from which all of this is made",
    }
    if _tables.has_paper(data) or attacked_entries(data):
        facts["The paper"] = PAPER
    return tag(
        "section",
        tag("h2", "Made with"),
        tag("dl", [join(tag("dt", k), tag("dd", v)) for k, v in facts.items()]),
        [_models(entry) for entry in data["datasets"].values() if entry["models"]],
        id="made-with",
    )


def _models(entry: dict) -> Markup:
    """List the models of a data set: runs in the vote, parameters and notes."""
    lines = [
        join(tag("dt", model["label"]), tag("dd", _about_model(model)))
        for model in entry["models"].values()
    ]
    return _folded(f"Models on {entry['name']}", tag("dl", lines))


def _about_model(model: dict) -> list[Markup]:
    parameters = model["parameters"]
    runs = parameters.get("n_estimators")
    shown = [
        f"{name}={value}"
        for name, value in parameters.items()
        if value is not None and not name.endswith(NOT_OF_THE_MODEL)
    ]
    notes = {note: None for seed in model["seeds"].values() for note in seed["notes"]}
    size = "A single run" if runs is None else f"{runs} runs or trees"
    return [tag("p", f"{size}. {', '.join(shown)}"), *[tag("p", n) for n in notes]]


def _argument(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _folded(title: str, content: Child) -> Markup:
    return tag("details", tag("summary", title), content)


def _caption(lead: str, text: str) -> Markup:
    return tag("figcaption", tag("b", lead), " ", text)


def _list(names: list[str]) -> str:
    names = [clean(name) for name in names]
    if len(names) < 2:
        return "".join(names) or "no data set"
    return f"{', '.join(names[:-1])} and {names[-1]}"
