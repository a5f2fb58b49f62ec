"""Tables from the record of a run (see ``_results.py`` for its form)."""

import csv
import io
import textwrap

from benchmarks._columns import align
from benchmarks._paper import TABLE_1

WIDTH = 88
EMPTY = "-"
SINGLE_RUNS = ("lenet", "resnet18")  # unless --vote-all


def describe_dataset(entry: dict) -> str:
    """Return what a reader must know of a data set before its figures.

    Parameters
    ----------
    entry : dict
        A data set's part of the record, with at least one split in it.
    """
    shape = "x".join(str(size) for size in entry["sample_shape"])
    kind = f"images of {shape}" if entry["image"] else f"samples of {shape} features"
    classes = ", ".join(f"{name} {n}" for name, n in entry["classes"].items())
    groups = f", {entry['n_groups']} groups" if entry["n_groups"] else ""
    lines = [
        f"{entry['name']}: {entry['n_samples']} {kind}; {classes}{groups}",
        f"  source: {entry['source']}; licence: {entry['licence']}",
        f"  split:  {describe_split(entry['split'])}",
        f"  input:  {entry['scaling']}",
    ]
    return "\n".join(
        wrapped
        for line in lines
        for wrapped in textwrap.wrap(line, WIDTH, subsequent_indent=" " * 10)
    )


def render_table(data: dict) -> str:
    """Return Table 1, clean accuracy, as text for a terminal.

    Parameters
    ----------
    data : dict
        The record. Models without a finished trial have no column.
    """
    labels = _model_labels(data)
    rows = [["", *labels.values()]]
    for entry in data["datasets"].values():
        rows.append([entry["name"], *_cells(entry, labels, _accuracy)])
        if entry["paper_row"]:
            rows.append(["  the paper", *_cells(entry, labels, _paper_accuracy)])
        rows.append(["  fit, s", *_cells(entry, labels, _fit_seconds)])
    title = "Table 1. Clean accuracy on the test rows, %"
    return "\n".join([title, "", *align(rows), "", *_footnotes(data)])


def render_csv(data: dict) -> str:
    """Return the same figures as shares, a line for each data set and model."""
    columns = ("mean", "std", "min", "max")
    times = ("fit_seconds", "predict_seconds")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["dataset", "model", "split", "n_seeds", *columns, "paper_accuracy", *times]
    )
    for entry in data["datasets"].values():
        for name, model in entry["models"].items():
            writer.writerow(
                [entry["name"], name, entry["split"]["kind"], len(model["seeds"])]
                + [_number(model[key]) for key in (*columns, "paper_accuracy", *times)]
            )
    return text.getvalue()


def _model_labels(data: dict) -> dict[str, str]:
    return {
        name: model["label"]
        for entry in data["datasets"].values()
        for name, model in entry["models"].items()
    }


def _cells(entry: dict, labels: dict, show) -> list[str]:
    models = entry["models"]
    return [show(models[name]) if name in models else EMPTY for name in labels]


def _accuracy(model: dict) -> str:
    mean = f"{100 * model['mean']:.2f}"
    return mean if model["std"] is None else f"{mean} ± {100 * model['std']:.2f}"


def _paper_accuracy(model: dict) -> str:
    figure = model["paper_accuracy"]
    return EMPTY if figure is None else f"{100 * figure:.2f}"


def _fit_seconds(model: dict) -> str:
    return f"{model['fit_seconds']:.1f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def describe_split(split: dict) -> str:
    counts = list(split["seeds"].values())
    sizes = [{side: sum(n.values()) for side, n in seed.items()} for seed in counts]
    first = sizes[0]
    share = 100 * first["test"] / (first["train"] + first["test"])
    text = f"{first['train']} train, {first['test']} test ({share:.0f}%)"
    if split["kind"] == "given":
        return f"the set's own, the same for every seed: {text}"
    by = {
        "random": "random, stratified by class",
        "group": "by group, none on both sides",
    }
    return f"{by[split['kind']]}, drawn anew for each seed: {text} with the first"


def _footnotes(data: dict) -> list[str]:
    arguments = data["arguments"]
    seeds = arguments["seeds"]
    shown = f"Mean ± standard deviation over {seeds} seeds" if seeds > 1 else "One seed"
    notes = [
        f"{shown}. Votes: "
        f"{arguments['votes']}; {_single_runs(data)}the Random Forest has 100 trees. "
        "Fit: mean wall time "
        f"with --jobs {arguments['jobs']}."
    ]
    notes += [
        f"The paper: Yang, Shih, Roshan, Table 1, {TABLE_1[entry['paper_row']].title}, "
        f"100 votes. That {entry['name']} is that set is taken from "
        + ("its name" if arguments["paper_row"] == "auto" else "--paper-row")
        + "; its choice of images and its split may differ from the paper's."
        for entry in data["datasets"].values()
        if entry["paper_row"]
    ]
    for entry in data["datasets"].values():
        for model in entry["models"].values():
            notes += _trial_notes(f"{entry['name']}, {model['label']}", model["seeds"])
    return [line for note in notes for line in textwrap.wrap(note, WIDTH)]


def _single_runs(data: dict) -> str:
    """Name the networks that are not voted, if there are any."""
    if data["arguments"].get("vote_all"):
        return ""
    labels = _model_labels(data)
    single = [labels[name] for name in SINGLE_RUNS if name in labels]
    return f"{' and '.join(single)}: single runs; " if single else ""


def _trial_notes(heading: str, seeds: dict) -> list[str]:
    """Collect the seeds that share a note."""
    seeds_of: dict[str, list[str]] = {}
    for seed, trial in seeds.items():
        for note in trial["notes"]:
            seeds_of.setdefault(note, []).append(seed)
    return [
        f"{heading}, seed {', '.join(named)}: {note}"
        for note, named in seeds_of.items()
    ]
