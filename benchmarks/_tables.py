"""The paper's tables 1 to 7 and one more from the record of a run, as csv and rst."""

import csv
import io
import re
import statistics
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks._columns import align
from benchmarks._protocols import ATTACK_NAMES
from benchmarks._results import write_atomically

WIDTH = 88
EMPTY = "-"
NOT_FOUND = "none found"
MISCLASSIFIED = "0 (misclassified)"


@dataclass(frozen=True)
class Table:
    """A table of text.

    Parameters
    ----------
    name : str
        Its file's name without the suffix.
    title : str
        With all that a figure is nothing without: norm, attack, budget.
    header : list of str
    rows : list of list of str
    """

    name: str
    title: str
    header: list[str]
    rows: list[list[str]]

    def to_csv(self) -> str:
        """Return the table as comma-separated values, the title left out."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([self.header, *self.rows])
        return text.getvalue()

    def to_text(self) -> str:
        """Return the table in columns, for a terminal."""
        lines = align([self.header, *self.rows])
        return "\n".join([*textwrap.wrap(self.title, WIDTH), "", *lines])

    def to_rst(self) -> str:
        """Return the table as reStructuredText, to be included in a document."""
        lines = [f".. list-table:: {_plain_rst(self.title)}", "   :header-rows: 1", ""]
        for row in [self.header, *self.rows]:
            lines += [
                f"   {'*' if place == 0 else ' '} - {_plain_rst(cell)}".rstrip()
                for place, cell in enumerate(row)
            ]
        return "\n".join(lines) + "\n"


def write_tables(data: dict, folder: Path) -> list[Path]:
    """Write every table that the record has figures for.

    Returns
    -------
    list of Path
    """
    paths = []
    for table in make_tables(data):
        for suffix, text in (("csv", table.to_csv()), ("rst", table.to_rst())):
            path = folder / f"{table.name}.{suffix}"
            write_atomically(path, text.encode())
            paths.append(path)
    return paths


def make_tables(data: dict) -> list[Table]:
    """Make the tables, in the paper's order.

    Parameters
    ----------
    data : dict
        The record; its form is told in ``_results.py``.
    """
    entries = list(data["datasets"].values())
    tables = [_accuracy_table(entries)] if any(e["models"] for e in entries) else []
    attacked = [entry for entry in entries if entry.get("attack", {}).get("models")]
    tables += [_distance_table(entry) for entry in attacked]
    if attacked:
        tables.append(_mean_distance_table(attacked))
    shown = [entry for entry in attacked if entry["attack"].get("transfer")]
    tables += [table for entry in shown if (table := _one_image_table(entry))]
    if shown:
        tables.append(_transfer_table(shown))
    tables += [
        _bounds_table(e) for e in entries if e.get("evaluation", {}).get("models")
    ]
    return tables


def describe_budget(attack: dict) -> str:
    """Say in a few words with what distances were found."""
    s = attack["settings"]
    return (
        f"HopSkipJump, L2, restarts: {s['restarts']}, iterations: {s['max_iter']}, "
        f"images to start from: {s['init_size']}"
    )


def _accuracy_table(entries: list[dict]) -> Table:
    labels = _labels(entry["models"] for entry in entries)

    def cell(model: dict) -> str:
        mean = f"{100 * model['mean']:.2f}"
        return mean if model["std"] is None else f"{mean} ± {100 * model['std']:.2f}"

    rows = []
    for entry in entries:
        rows.append(_row(entry["name"], labels, entry["models"], cell))
        if entry["paper_row"]:
            rows.append(_row("the paper", labels, entry["models"], _paper_cell))
    return Table(
        "table1",
        "Table 1. Clean accuracy on test rows, %, mean ± standard deviation over seeds",
        ["data set", *labels.values()],
        rows,
    )


def _paper_cell(model: dict) -> str:
    figure = model["paper_accuracy"]
    return EMPTY if figure is None else f"{100 * figure:.2f}"


def _distance_table(entry: dict) -> Table:
    attack = entry["attack"]
    models = attack["models"]
    labels = _labels([models])
    rows = [
        _row(f"image {i + 1} ({image['class']})", labels, models, partial(_distance, i))
        for i, image in enumerate(attack["images"])
    ]
    for key in ("mean", "median", "q1", "q3"):
        name = {"q1": "lower quartile", "q3": "upper quartile"}.get(key, key)
        rows.append(_row(f"{name} of those found", labels, models, partial(_size, key)))
    for key, name in (("n_misclassified", "misclassified"), ("n_failed", NOT_FOUND)):
        rows.append(_row(name, labels, models, partial(_count, key)))
    return Table(
        f"table2-{slug(entry['name'])}",
        f"Tables 2 to 4. {entry['name']}: distance to the nearest adversarial image "
        f"found ({describe_budget(attack)}), an upper bound",
        ["image", *labels.values()],
        rows,
    )


def _distance(i: int, model: dict) -> str:
    if i >= len(model["status"]):
        return EMPTY  # not attacked yet
    if model["status"][i] == "misclassified":
        return MISCLASSIFIED
    distance = model["distances"][i]
    return NOT_FOUND if distance is None else f"{distance:.3f}"


def _count(key: str, model: dict) -> str:
    return str(model["summary"][key])


def _size(key: str, model: dict) -> str:
    value = model["summary"][key]
    return EMPTY if value is None else f"{value:.3f}"


def _mean_distance_table(entries: list[dict]) -> Table:
    labels = _labels(entry["attack"]["models"] for entry in entries)
    rows = [
        _row(entry["name"], labels, entry["attack"]["models"], partial(_size, "mean"))
        for entry in entries
    ]
    overall = ["mean over data sets"]
    for name in labels:
        means = [
            entry["attack"]["models"].get(name, {}).get("summary", {}).get("mean")
            for entry in entries
        ]
        known = [mean for mean in means if mean is not None]
        complete = len(known) == len(entries)
        overall.append(f"{statistics.fmean(known):.3f}" if complete else EMPTY)
    return Table(
        "table5",
        "Table 5. Mean distance to the nearest adversarial image found, over the "
        f"images where one was found ({describe_budget(entries[0]['attack'])})",
        ["data set", *labels.values()],
        [*rows, overall],
    )


def _one_image_table(entry: dict) -> Table | None:
    """Show who is fooled on the first image that every model has an adversarial of."""
    transfer = entry["attack"]["transfer"]
    shared = [all(image) for image in zip(*transfer["valid"], strict=True)]
    if not any(shared):
        return None
    i = shared.index(True)
    labels = _labels([entry["models"]])
    rows = [
        [labels[source]]
        + [
            "own" if source == target else ("fooled" if fooled[i] else "right")
            for target, fooled in zip(transfer["names"], by_target, strict=True)
        ]
        for source, by_target in zip(
            transfer["sources"], transfer["fooled"], strict=True
        )
    ]
    return Table(
        f"table6-{slug(entry['name'])}",
        f"Table 6. {entry['name']}: models (columns) shown the adversarial images of "
        f"image {i + 1} that were made against a model (rows)",
        ["made against", *(labels[name] for name in transfer["names"])],
        rows,
    )


def _transfer_table(entries: list[dict]) -> Table:
    labels = _labels(entry["models"] for entry in entries)
    rows = []
    for entry in entries:
        transfer = entry["attack"]["transfer"]
        accuracies = dict(zip(transfer["names"], transfer["accuracies"], strict=True))
        rows.append([entry["name"], *(_percent(accuracies.get(n)) for n in labels)])
    return Table(
        "table7",
        "Table 7. Accuracy on the other models' adversarial images, %",
        ["data set", *labels.values()],
        rows,
    )


def _bounds_table(entry: dict) -> Table:
    """Set the certificate beside the best attack and the paper's one."""
    attack, models = entry["attack"], entry["evaluation"]["models"]
    others = dict.fromkeys(
        name for model in models.values() for name in model["distances"]
    )
    others.pop(attack["attack"], None)
    known = ", ".join(ATTACK_NAMES[name] for name in others) or "none"
    return Table(
        f"table8-{slug(entry['name'])}",
        f"Table 8 (not in the paper). {entry['name']}: medians over the images "
        "classified correctly, L2. Certificate: nothing nearer is adversarial. Nearest "
        f"found: by {describe_budget(attack)}, and by the attacks that know the "
        f"weights ({known}), as far as a model allows them",
        ["model", "images", "certificate", "nearest found", "found by", "HopSkipJump",
         "certificate / nearest"],
        [_bounds_row(model, attack["attack"]) for model in models.values()],
    )  # fmt: skip


def _bounds_row(model: dict, decisions: str) -> list[str]:
    summary = model["summary"]
    n_right = summary["n"] - summary["n_misclassified"]
    row = [model["label"], f"{n_right} of {summary['n']}"]
    if not n_right:
        return row + [EMPTY] * 5
    by = [ATTACK_NAMES[k] + f" {n}" for k, n in summary["n_nearest_by"].items() if n]
    certified, nearest = summary["certified"], summary["nearest"]
    return [
        *row,
        _median(certified, "none is adversarial") if model["certificate"] else EMPTY,
        _median(nearest, NOT_FOUND),
        ", ".join(by) or EMPTY,
        _median(summary["distances"].get(decisions), NOT_FOUND),
        _median(summary["tightness"], EMPTY),
    ]


def _median(value: float | None, infinite: str) -> str:
    return infinite if value is None else f"{value:.3f}"


def _percent(share: float | None) -> str:
    return EMPTY if share is None else f"{100 * share:.2f}"


def _labels(groups) -> dict[str, str]:
    return {name: model["label"] for models in groups for name, model in models.items()}


def _row(
    first: str, labels: dict, models: dict, show: Callable[[dict], str]
) -> list[str]:
    cells = [show(models[name]) if name in models else EMPTY for name in labels]
    return [first, *cells]


def slug(name: str) -> str:
    """Return a name as part of a file name."""
    return re.sub("[^A-Za-z0-9._-]+", "-", name)


def _plain_rst(text: str) -> str:
    """Escape what reStructuredText would read as markup, on one line."""
    return re.sub(r"([\\*`|_<>])", r"\\\1", " ".join(text.split()))
