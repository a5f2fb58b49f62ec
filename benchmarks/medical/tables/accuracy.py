"""The paper's Table 1: clean accuracy."""

import math
from collections.abc import Iterable
from pathlib import Path

from markupsafe import Markup

from benchmarks.common.pages import render_template
from benchmarks.common.table import Cell, Table, slug
from benchmarks.medical.paper import TABLE_1
from benchmarks.medical.paper import TITLE as PAPER
from benchmarks.medical.reading import NOTHING, all_labels, percent, runs_of

STRIP = Path(__file__).with_name("strip.svg")
WIDTH, HEIGHT, MARGIN = 120, 16, 5  # pixels of a strip


def accuracy_overview(data: dict, entries: list[dict]) -> Table:
    """Return Table 1 for some data sets, the paper's figure beneath ours."""
    rows = []
    for name, label in all_labels(data).items():
        cells = [_beside_paper(entry["models"].get(name)) for entry in entries]
        if any(name in entry["models"] for entry in entries):
            rows.append([label, *cells])
    legend, footnotes = "", _footnotes(data, entries)
    if any(entry["paper_row"] for entry in entries):
        legend = "Second line: the paper's figure for that set."
        footnotes.append("In brackets: the paper's figure for that set.")
    return Table(
        "table1",
        "Table 1",
        "Clean accuracy on the test rows, %",
        "",
        ["model", *[entry["name"] for entry in entries]],
        rows,
        footnotes=footnotes,
        legend=legend,
    )


def accuracy(data: dict, entry: dict) -> Table:
    """Return a data set's Table 1, with intervals drawn."""
    models = entry["models"].values()
    of_paper = any(model["paper_accuracy"] is not None for model in models)
    low, high = strip_range(models)
    drawn = f"{100 * low:.0f} to {100 * high:.0f}%"
    header = ["model", "accuracy, %", "Wilson 95%", drawn]
    header += ["the paper"] * of_paper + ["fit, s"]
    rows = [
        [
            model["label"],
            mean_accuracy(model),
            _interval(model),
            Cell("", drawing=draw_strip(model, low, high)),
            *[percent(model["paper_accuracy"])] * of_paper,
            f"{model['fit_seconds']:.1f}",
        ]
        for model in models
    ]
    several = any(len(model["seeds"]) > 1 for model in models)
    legend = "Dot: a seed" if several else "Dot: the accuracy"
    legend += "; line: Wilson's 95% interval"
    if several:
        legend += ", from the lowest end of any seed's to the highest"
    if of_paper:
        title = TABLE_1[entry["paper_row"]].title
        legend += f"; hollow diamond: the paper's figure for {title}"
    return Table(
        f"table1-{slug(entry['name'])}",
        "Table 1",
        "Clean accuracy on the test rows",
        entry["name"],
        header,
        rows,
        footnotes=[*_footnotes(data, [entry]), *_trial_notes(entry)],
        drawn=[3],
        legend=legend + ".",
    )


def accuracy_in_full(data: dict) -> Table:
    """Return accuracy and seconds as numbers, a line for each data set and model."""
    columns = ("mean", "std", "min", "max", "paper_accuracy")
    times = ("fit_seconds", "predict_seconds")
    rows = [
        [entry["name"], name, entry["split"]["kind"], str(len(model["seeds"]))]
        + [_number(model[key]) for key in (*columns, *times)]
        for entry in data["datasets"].values()
        for name, model in entry["models"].items()
    ]
    return Table(
        "accuracy",
        "",
        "Clean accuracy on the test rows",
        "",
        ["dataset", "model", "split", "n_seeds", *columns, *times],
        rows,
    )


def mean_accuracy(model: dict) -> str:
    """Return the mean over seeds, with the standard deviation if they are several."""
    mean = percent(model["mean"])
    return mean if model["std"] is None else f"{mean} ± {100 * model['std']:.2f}"


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

    def place(share: float) -> float:
        return round(MARGIN + (share - low) / (high - low) * (WIDTH - 2 * MARGIN), 2)

    paper = model["paper_accuracy"]
    return render_template(
        STRIP,
        width=WIDTH,
        height=HEIGHT,
        margin=MARGIN,
        interval=[place(end) for end in wilson(model)],
        paper=None if paper is None else place(paper),
        seeds=[place(seed["accuracy"]) for seed in model["seeds"].values()],
    )


def _beside_paper(model: dict | None) -> Cell:
    if model is None:
        return Cell(NOTHING)
    paper = model["paper_accuracy"]
    return Cell(mean_accuracy(model), below="" if paper is None else percent(paper))


def _interval(model: dict) -> str:
    low, high = wilson(model)
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _footnotes(data: dict, entries: list[dict]) -> list[str]:
    arguments = data["arguments"]
    seeds = arguments["seeds"]
    shown = f"Mean ± standard deviation over {seeds} seeds" if seeds > 1 else "One seed"
    notes = [
        f"{shown}. Votes: {arguments['votes']}{_other_sizes(data, entries)}. Fit: mean "
        f"wall time with --jobs {arguments['jobs']}."
    ]
    return notes + [
        f"The paper: {PAPER}, Table 1, {TABLE_1[entry['paper_row']].title}, 100 votes. "
        f"That {entry['name']} is that set is taken from "
        + ("its name" if arguments["paper_row"] == "auto" else "--paper-row")
        + "; its choice of images and its split may differ from the paper's."
        for entry in entries
        if entry["paper_row"]
    ]


def _other_sizes(data: dict, entries: list[dict]) -> str:
    """Name the models that are not voted over as many runs as others."""
    models = {
        model["label"]: runs_of(model)
        for entry in entries
        for model in entry["models"].values()
    }
    votes = data["arguments"]["votes"]
    others = [
        f"{label} {runs} runs or trees"
        for label, runs in models.items()
        if runs not in (None, votes)
    ]
    single = [label for label, runs in models.items() if runs is None]
    if single:
        others.append(f"single runs: {' and '.join(single)}")
    return "".join(f"; {other}" for other in others)


def _trial_notes(entry: dict) -> list[str]:
    """Collect the seeds of a model that share a note."""
    lines = []
    for model in entry["models"].values():
        seeds_of: dict[str, list[str]] = {}
        for seed, trial in model["seeds"].items():
            for note in trial["notes"]:
                seeds_of.setdefault(note, []).append(seed)
        lines += [
            f"{entry['name']}, {model['label']}, seed {', '.join(named)}: {note}"
            for note, named in seeds_of.items()
        ]
    return lines
