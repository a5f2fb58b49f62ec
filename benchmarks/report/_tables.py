"""The paper's tables with this run's figures, a line a model.

Models are lines, not columns as in the paper: so a table fits a telephone.
"""

from statistics import median

from benchmarks._paper import TABLE_1
from benchmarks.report._html import Child, Markup, join, tag
from benchmarks.report._paper import MEANS_OF_ROWS, TABLE_5, TABLE_7, TABLES_2_TO_4
from benchmarks.report._record import (
    MISCLASSIFIED,
    NOTHING,
    STOPPED,
    all_labels,
    attack_name,
    attacked_entries,
    distance,
    labels,
    named_attack,
    norm_name,
    noun,
    outcome,
    shown_by_others,
    transfer_counts,
)
from benchmarks.report._strip import draw_strip, strip_range, wilson

MOST_IMAGE_COLUMNS = 10
UNBOUNDED = "∞"


def table(
    number: str, title: Child, head: list[Child], rows: list[list[Child]], *notes: Child
) -> Markup:
    """Return a table that scrolls by itself where it is wider than the page.

    Parameters
    ----------
    number : str
        Such as "Table 1".
    title : str or Markup
    head : list of str or Markup
        Of the columns, the first being that of the models.
    rows : list of lists of str or Markup
    *notes : str, Markup or None
        What stands beneath, a paragraph each.

    Returns
    -------
    Markup
    """
    columns = tag("tr", [tag("th", cell, scope="col") for cell in head])
    lines = [
        tag("tr", tag("th", row[0], scope="row"), [tag("td", cell) for cell in row[1:]])
        for row in rows
    ]
    # The span keeps its place where the table scrolls.
    caption = tag("caption", tag("span", tag("b", number), " ", title))
    grid = tag("table", caption, tag("thead", columns), tag("tbody", lines))
    beneath = [tag("p", note, class_="note") for note in notes if note is not None]
    # A region that scrolls must be reachable by keyboard.
    scroller = tag(
        "div", grid, class_="scroll", role="region", tabindex=0, aria_label=number
    )
    return tag("div", scroller, beneath, class_="table")


def accuracy_overview(data: dict) -> Markup:
    """Return Table 1 for all data sets, the paper's figure beneath ours."""
    entries = list(data["datasets"].values())
    rows = []
    for name, label in all_labels(data).items():
        cells = [_two_lines(entry["models"].get(name)) for entry in entries]
        if any(name in entry["models"] for entry in entries):
            rows.append([label, *cells])
    note = "Second line: the paper's figure for that set." if has_paper(data) else None
    return table(
        "Table 1",
        "Clean accuracy on the test rows, %",
        ["", *[entry["name"] for entry in entries]],
        rows,
        note,
    )


def accuracy(entry: dict) -> Markup:
    """Return a data set's Table 1, with intervals drawn."""
    models = entry["models"].values()
    of_paper = any(model["paper_accuracy"] is not None for model in models)
    low, high = strip_range(models)
    head = ["", "accuracy, %", "Wilson 95%", f"{100 * low:.0f} to {100 * high:.0f}%"]
    head += ["the paper"] * of_paper + ["fit, s"]
    rows = [
        [
            model["label"],
            mean_accuracy(model),
            _interval(model),
            draw_strip(model, low, high),
            *[percent(model["paper_accuracy"])] * of_paper,
            f"{model['fit_seconds']:.1f}",
        ]
        for model in models
    ]
    several = any(len(model["seeds"]) > 1 for model in models)
    note = "Dot: a seed" if several else "Dot: the accuracy"
    note += "; line: Wilson's 95% interval"
    if several:
        note += ", from the lowest end of any seed's to the highest"
    if of_paper:
        title = TABLE_1[entry["paper_row"]].title
        note += f"; hollow diamond: the paper's figure for {title}"
    return table("Table 1", "Clean accuracy on the test rows", head, rows, note + ".")


def distances(entry: dict) -> Markup:
    """Return what the attack found on a data set, as the paper's Tables 2 to 4 do."""
    attack, named = entry["attack"], labels(entry)
    paper = paper_distances(entry)
    places = range(len(attack["images"]))
    if len(places) > MOST_IMAGE_COLUMNS:
        places = range(0)
    head = ["", *[f"#{place + 1}" for place in places]]
    head += ["median", "quartiles", "mean", "found", "none", "wrong", "queries"]
    head += ["the paper"] if paper else []
    rows = []
    for name, model in attack["models"].items():
        summary = model["summary"]
        row = [named[name], *[_outcome_cell(model, place) for place in places]]
        row += [tag("strong", distance(summary["median"])), _quartiles(summary)]
        row += [distance(summary["mean"]), *_counts(summary), _queries(model)]
        rows.append(row + [paper.get(name, NOTHING)] * bool(paper))
    return table(
        "Tables 2 to 4",
        f"Smallest {norm_name(attack)} distance found, by {noun(entry, 1)} and model",
        head,
        rows,
        *_distance_notes(entry, bool(places), bool(paper)),
    )


def bounds(entry: dict) -> Markup:
    """Return medians of certificates and attacks on a data set."""
    attack, evaluation = entry["attack"], entry["evaluation"]
    named = labels(entry)
    head = ["", "certificate", "nearest found", attack_name(attack), "found by"]
    head += ["certificate / nearest", "agreement", "AUC", "wrong", "none", "time, s"]
    rows = []
    for name, model in evaluation["models"].items():
        summary = model["summary"]
        rows.append(
            [
                named[name],
                _certificate(model),
                tag("strong", _median(summary, summary["nearest"])),
                _median(summary, summary["distances"].get(attack["attack"])),
                _found_by(summary),
                distance(summary["tightness"]),
                _agreement(model),
                NOTHING if model["roc_auc"] is None else f"{model['roc_auc']:.2f}",
                str(summary["n_misclassified"]),
                str(summary["n_failed"]),
                f"{model['seconds']:,.0f}",
            ]
        )
    return table(
        "Table 8",
        f"Median {norm_name(evaluation)} distances, from below and from above; not in "
        "the paper",
        head,
        rows,
        *_bounds_notes(entry),
    )


def bounds_by_image(entry: dict) -> Markup:
    """Return certificate and nearest adversarial image, a column an image."""
    evaluation, named = entry["evaluation"], labels(entry)
    places = range(len(entry["attack"]["images"]))
    rows = [
        [named[name], *[_band_cell(model, place) for place in places]]
        for name, model in evaluation["models"].items()
    ]
    return table(
        "Table 8",
        f"{norm_name(evaluation)} distance from certificate to nearest adversarial "
        f"{noun(entry, 1)} found; 0 where there is no certificate",
        ["", *[f"#{place + 1}" for place in places]],
        rows,
    )


def mean_distances(data: dict) -> Markup:
    """Return the paper's Table 5: mean distances, a column a data set."""
    entries = attacked_entries(data)
    paper = TABLE_5 if any(paper_distances(entry) for entry in entries) else {}
    head = ["", *[entry["name"] for entry in entries], "all"]
    rows = []
    for name, label in all_labels(data).items():
        summaries = [
            entry["attack"]["models"].get(name, {}).get("summary") for entry in entries
        ]
        if any(summaries):
            cells = [_mean_of(summary) for summary in summaries]
            shown = f"{paper[name]:.2f}" if name in paper else NOTHING
            rows.append(
                [label, *cells, _pooled_mean(summaries), *[shown] * bool(paper)]
            )
    norms = ", ".join(dict.fromkeys(norm_name(entry["attack"]) for entry in entries))
    return table(
        "Table 5",
        f"Mean of the smallest {norms} distances found",
        head + ["the paper"] * bool(paper),
        rows,
        "In brackets: how many of those attacked the mean is over. “All” is the mean "
        "over all of these; distances grow with the number of pixels, so sets of "
        "different sizes do not weigh the same.",
        "The paper's figure is over its own three sets, as printed." if paper else None,
    )


def transfer(entry: dict) -> Markup:
    """Return the paper's Table 6: how many of a source's images fool a target."""
    record, named = entry["attack"]["transfer"], labels(entry)
    counts = transfer_counts(record)
    rows = []
    for source in record["sources"]:
        row = [named.get(source, source)]
        for target in record["names"]:
            fooled, shown = counts.get((source, target), (0, 0))
            row.append(f"{fooled}/{shown}" if shown else NOTHING)
        rows.append(row)
    return table(
        "Table 6",
        f"Adversarial {noun(entry)} of the model on the left that fool the one above, "
        "of those shown to it",
        ["", *[named.get(name, name) for name in record["names"]]],
        rows,
    )


def transfer_accuracy(data: dict, entries: list[dict]) -> Markup:
    """Return the paper's Table 7 for some data sets, together if they are several."""
    of_paper = any(paper_distances(entry) for entry in entries)
    head = ["", *[entry["name"] for entry in entries]]
    head += ["all"] * (len(entries) > 1) + ["the paper"] * of_paper
    rows = []
    for name, label in all_labels(data).items():
        counts = [_shown_to(entry, name) for entry in entries]
        if not any(shown for _, shown in counts):
            continue
        row = [label, *[_share_cell(*count) for count in counts]]
        if len(entries) > 1:
            row.append(_share_cell(*map(sum, zip(*counts, strict=True))))
        paper = f"{TABLE_7[name]:.2f}" if name in TABLE_7 else NOTHING
        rows.append(row + [paper] * of_paper)
    return table(
        "Table 7",
        "Accuracy on the other models' adversarial images, %",
        head,
        rows,
        "In brackets: right answers, of images shown. A model is not shown its own.",
        "The paper's figure is over its own three sets and models."
        if of_paper
        else None,
    )


def has_paper(data: dict) -> bool:
    """Tell whether any data set is taken for one of the paper's."""
    return any(entry["paper_row"] for entry in data["datasets"].values())


def paper_distances(entry: dict) -> dict[str, str]:
    """Return the paper's mean distances, if ours are by its attack and in its norm."""
    attack, row = entry["attack"], entry["paper_row"]
    same = attack["attack"] == "hop_skip_jump" and float(attack["norm"]) == 2
    if not same or row not in TABLES_2_TO_4:
        return {}
    other = MEANS_OF_ROWS.get(row, {})
    return {
        name: f"{figure:.2f}" + (f" ({other[name]:.2f})" if name in other else "")
        for name, figure in TABLES_2_TO_4[row].items()
    }


def mean_accuracy(model: dict) -> str:
    """Return the mean over seeds, with the standard deviation if they are several."""
    mean = percent(model["mean"])
    return mean if model["std"] is None else f"{mean} ± {100 * model['std']:.2f}"


def percent(share: float | None) -> str:
    """Write a share in per cent, without the sign."""
    return NOTHING if share is None else f"{100 * share:.2f}"


def _two_lines(model: dict | None) -> Child:
    if model is None:
        return NOTHING
    paper = model["paper_accuracy"]
    below = None if paper is None else tag("small", percent(paper), class_="below")
    return join(mean_accuracy(model), below)


def _interval(model: dict) -> str:
    low, high = wilson(model)
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _outcome_cell(model: dict, place: int) -> Child:
    shown = outcome(model, place)
    return tag("i", shown) if shown in ("wrong", "none") else shown


def _quartiles(summary: dict) -> str:
    if summary["q1"] is None:
        return NOTHING
    return f"{distance(summary['q1'])} to {distance(summary['q3'])}"


def _counts(summary: dict) -> list[str]:
    keys = ("n_attacked", "n_failed", "n_misclassified")
    found, failed, wrong = (summary[key] for key in keys)
    return [f"{found} of {summary['n']}", str(failed), str(wrong)]


def _queries(model: dict) -> str:
    """Return the mean number of queries for an image that was attacked at all."""
    asked = [
        queries
        for queries, status in zip(model["queries"], model["status"], strict=True)
        if status != MISCLASSIFIED
    ]
    return f"{sum(asked) / len(asked):,.0f}" if asked else NOTHING


def _seconds(values: list[float]) -> str:
    low, high = (f"{value:,.0f}" for value in (min(values), max(values)))
    return f"{low} s" if low == high else f"{low} to {high} s"


def _distance_notes(entry: dict, has_columns: bool, has_paper: bool) -> list[Child]:
    attack, one = entry["attack"], noun(entry, 1)
    statuses = {s for model in attack["models"].values() for s in model["status"]}
    notes = [
        "Median, quartiles and mean are over those found. None: attacked, nothing "
        "found. Wrong: misclassified as it is, not attacked. Queries: mean number of "
        f"samples the model was asked about for an attacked {one}, all restarts "
        "together."
    ]
    if has_columns:
        listed = "; ".join(
            f"#{place} row {image['row']}, {image['class']}"
            for place, image in enumerate(attack["images"], start=1)
        )
        notes.append(f"{noun(entry).capitalize()}: {listed}.")
    seconds = [model["seconds"] for model in attack["models"].values()]
    notes.append(f"The attacks took {_seconds(seconds)} a model.")
    if STOPPED in statuses:
        notes.append("‡ No restart came to its last iteration; the best until then.")
    if has_paper:
        title = TABLE_1[entry["paper_row"]].title
        own = (
            "; in brackets the mean of its own five rows, which is another"
            if entry["paper_row"] in MEANS_OF_ROWS
            else ""
        )
        notes.append(f"The paper: the average it prints for {title}{own}.")
    return notes


def _certificate(model: dict) -> str:
    if model["certificate"] is None:
        return NOTHING
    mark = "*" if model["certificate"] == "exact" else ""
    return _median(model["summary"], model["summary"]["certified"]) + mark


def _median(summary: dict, value: float | None) -> str:
    """Write a median over the images that are right; where there are none, nothing."""
    has_any = summary["n_misclassified"] < summary["n"]
    return UNBOUNDED if value is None and has_any else distance(value)


def _found_by(summary: dict) -> str:
    counts = {k: n for k, n in summary["n_nearest_by"].items() if n}
    if len(counts) == 1:
        return named_attack(*counts)
    return ", ".join(f"{named_attack(k)} {n}" for k, n in counts.items()) or NOTHING


def _agreement(model: dict) -> str:
    """Return the medians of clean and of adversarial images, of the same ones."""
    if model["agreement_clean"] is None:
        return NOTHING
    both = zip(model["agreement_clean"], model["agreement_adversarial"], strict=True)
    pairs = [pair for pair in both if pair[1] is not None]
    if not pairs:
        return NOTHING
    clean, adversarial = map(median, zip(*pairs, strict=True))
    return f"{clean:.2f} to {adversarial:.2f}"


def _band_cell(model: dict, place: int) -> Child:
    nearest = model["nearest"][place]
    if nearest == 0:
        return tag("i", "wrong")
    certified = model["certified"][place] if model["certified"] else 0.0
    low = UNBOUNDED if certified is None else distance(certified) if certified else "0"
    return f"{low} to {UNBOUNDED if nearest is None else distance(nearest)}"


def _bounds_notes(entry: dict) -> list[Child]:
    models = entry["evaluation"]["models"].values()
    several = noun(entry)
    notes = [
        f"Medians are over the {several} that the model classifies correctly, where "
        f"nothing was found counts as infinitely far ({UNBOUNDED}). Found by: which "
        f"attack came nearest, and on how many {several}; of equals the first. Wrong: "
        f"{several} misclassified as they are. None: those where nothing was found. "
        f"Time: of all but {attack_name(entry['attack'])}."
    ]
    if any(model["agreement_clean"] is not None for model in models):
        notes.append(
            f"Agreement: share of votes for the answer, on the {several} and on the "
            "nearest adversarial ones. AUC: of telling the two apart by it; those that "
            "lie a little farther away than they must can have full agreement."
        )
    if any(model["certificate"] == "exact" for model in models):
        notes.append("* The distance itself, less what rounding may change.")
    return notes


def _mean_of(summary: dict | None) -> Child:
    if not summary:
        return NOTHING
    of = f"({summary['n_attacked']} of {summary['n'] - summary['n_misclassified']})"
    return join(distance(summary["mean"]), " ", tag("small", of))


def _pooled_mean(summaries: list[dict | None]) -> str:
    found = [s for s in summaries if s and s["n_attacked"]]
    total = sum(s["n_attacked"] for s in found)
    if not total:
        return NOTHING
    return distance(sum(s["mean"] * s["n_attacked"] for s in found) / total)


def _shown_to(entry: dict, name: str) -> tuple[int, int]:
    record = entry["attack"].get("transfer")
    if not record or name not in record["names"]:
        return 0, 0
    return shown_by_others(record, name)


def _share_cell(fooled: int, shown: int) -> Child:
    if not shown:
        return NOTHING
    right = shown - fooled
    return join(percent(right / shown), " ", tag("small", f"({right} of {shown})"))
