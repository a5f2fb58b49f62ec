"""The page as a whole: what its templates say, from the record and the pictures."""

import hashlib
import itertools
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from benchmarks.common.pages import clean, render_template
from benchmarks.medical.paper import TITLE as PAPER
from benchmarks.medical.reading import (
    attack_name,
    attacked_entries,
    has_paper,
    runs_of,
    was_evaluated,
)
from benchmarks.medical.report._charts import Chart
from benchmarks.medical.report._pictures import Pictures
from benchmarks.medical.report._section import Section, make_section
from benchmarks.medical.report._text import (
    about_white_box,
    count,
    protocol,
    summary_line,
)
from benchmarks.medical.results import FILE_NAME
from benchmarks.medical.tables import tables_over_datasets

TEMPLATE = Path(__file__).with_name("page.html")
SCRIPT = Path(__file__).with_name("page.js")
NOT_OF_THE_MODEL = ("n_estimators", "random_state", "verbose", "n_jobs")


@dataclass(frozen=True)
class ListedModel:
    """A model in the list at the end: runs in the vote, parameters and notes."""

    label: str
    size: str
    parameters: str
    notes: list[str]


def render_page(
    data: dict,
    charts: Mapping[str, Mapping[str, Chart]],
    pictures: Mapping[str, Pictures],
) -> Markup:
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
    Markup
    """
    entries = data["datasets"]
    script = SCRIPT.read_text(encoding="utf-8")
    sections: list[Section] = [
        make_section(place, data, entry, charts[key], pictures.get(key))
        for place, (key, entry) in enumerate(entries.items(), start=1)
    ]
    return render_template(
        TEMPLATE,
        data=data,
        title=_title([entry["name"] for entry in entries.values()]),
        script=Markup(script),
        # The page runs this script and no other, whatever a name in the data may hold.
        script_hash=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        number=itertools.count(1).__next__,
        summary=summary_line(data),
        sections=sections,
        # A table over a single set would say what its own says.
        overview=tables_over_datasets(data, fewest=2),
        made_with=_made_with(data),
        models_on={
            entry["name"]: [_listed(model) for model in entry["models"].values()]
            for entry in entries.values()
            if entry["models"]
        },
        **_meaning(data),
    )


def _meaning(data: dict) -> dict[str, object]:
    """Return what the paragraphs on the figures' meaning depend on."""
    datasets, entries = data["datasets"].values(), attacked_entries(data)
    meaning: dict[str, object] = {
        "kinds": sorted({entry["split"]["kind"] for entry in datasets}),
        "grouped": any(entry["n_groups"] for entry in datasets),
        "beside_paper": has_paper(data),
        "paper": PAPER,
        "attacked": bool(entries),
    }
    if not entries:
        return meaning
    attacks = [entry["attack"] for entry in entries]
    summaries = [m["summary"] for attack in attacks for m in attack["models"].values()]
    return meaning | {
        "attacks": " and ".join(dict.fromkeys(map(attack_name, attacks))),
        "white_box": about_white_box(entries),
        "protocols": {entry["name"]: protocol(entry) for entry in entries},
        "failures": {
            key: sum(summary[key] for summary in summaries)
            for key in ("n", "n_misclassified", "n_failed")
        },
        "compared": any(map(was_evaluated, entries)),
    }


def _made_with(data: dict) -> dict[str, str]:
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
    if has_paper(data) or attacked_entries(data):
        facts["The paper"] = PAPER
    return facts


def _listed(model: dict) -> ListedModel:
    shown = [
        f"{name}={value}"
        for name, value in model["parameters"].items()
        if value is not None and not name.endswith(NOT_OF_THE_MODEL)
    ]
    notes = {note: None for seed in model["seeds"].values() for note in seed["notes"]}
    runs = runs_of(model)
    size = "A single network" if runs is None else f"{runs} networks or trees"
    return ListedModel(model["label"], size, ", ".join(shown), list(notes))


def _argument(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _title(names: list[str]) -> str:
    on = clean(names[0]) if len(names) == 1 else count(len(names), "data set")
    return f"Accuracy and robustness on {on}"
