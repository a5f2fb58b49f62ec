"""The paper's Tables 2 to 5, with the best attack beside HopSkipJump.

The paper ranks models by HopSkipJump. Its distances are upper bounds, and how loose
they are depends on the model. So each table also has what the best attack needs.
"""

from benchmarks.common.table import Cell, Table, slug
from benchmarks.medical.paper import MEANS_OF_ROWS, TABLE_1, TABLE_5, TABLES_2_TO_4
from benchmarks.medical.reading import (
    MISCLASSIFIED,
    NOTHING,
    STOPPED,
    all_labels,
    attack_name,
    budget,
    distance,
    labels,
    norm_name,
    noun,
    outcome,
    was_evaluated,
)
from benchmarks.medical.tables.at_a_glance import bound_text
from benchmarks.medical.tables.separation import median, model_bounds

BEST = "best attack"

MOST_IMAGE_COLUMNS = 10


def distances(data: dict, entry: dict) -> Table:
    """Return what the attack found on a data set, as the paper's Tables 2 to 4 do."""
    attack, named = entry["attack"], labels(entry)
    paper = paper_distances(entry)
    places = range(len(attack["images"]))
    if len(places) > MOST_IMAGE_COLUMNS:
        places = range(0)
    best = best_medians(entry)
    # What compares models comes first: on a telephone the rest is behind the edge.
    header = ["model", "median", *[BEST] * bool(best), "mean"]
    header += ["the paper"] * bool(paper)
    header += ["quartiles", "found", "none", "wrong", "queries"]
    header += [f"#{place + 1}" for place in places]
    rows = []
    for name, model in attack["models"].items():
        summary = model["summary"]
        row = [named[name], distance(summary["median"])]
        row += [Cell(best.get(name, NOTHING), "strong")] * bool(best)
        row += [distance(summary["mean"]), *[paper.get(name, NOTHING)] * bool(paper)]
        row += [_quartiles(summary), *_counts(summary), _queries(model)]
        rows.append(row + [_outcome_cell(model, place) for place in places])
    return Table(
        f"table2-{slug(entry['name'])}",
        "Tables 2 to 4",
        f"Smallest {norm_name(attack)} perturbation that {attack_name(attack)} found, "
        f"by {noun(entry, 1)} and model",
        f"{entry['name']}: {budget(attack)}; upper bounds",
        header,
        rows,
        _distance_notes(entry, bool(places), bool(paper), bool(best)),
    )


def mean_distances(data: dict, entries: list[dict]) -> Table:
    """Return the paper's Table 5: mean distances, a column a data set."""
    paper = TABLE_5 if any(paper_distances(entry) for entry in entries) else {}
    best = [best_medians(entry) for entry in entries]
    header = ["model", *[entry["name"] for entry in entries], "all"]
    header += best_headings(entries)
    rows = []
    for name, label in all_labels(data).items():
        summaries = [
            entry["attack"]["models"].get(name, {}).get("summary") for entry in entries
        ]
        if any(summaries):
            cells = [_mean_of(summary) for summary in summaries]
            shown = f"{paper[name]:.2f}" if name in paper else NOTHING
            rows.append(
                [label, *cells, _pooled_mean(summaries)]
                + [found.get(name, NOTHING) for found in best if found]
                + [shown] * bool(paper)
            )
    norms = ", ".join(dict.fromkeys(norm_name(entry["attack"]) for entry in entries))
    notes = [
        "In brackets: how many of those attacked the mean is over. “All” is the mean "
        "over all of these; distances grow with the number of pixels, so sets of "
        "different sizes do not weigh the same."
    ]
    if any(best):
        notes.append(
            "Best attack: the median of what the best of all attacks needs. Compare "
            "models by it."
        )
    if paper:
        notes.append("The paper's figure is over its own three sets, as printed.")
    budgets = dict.fromkeys(budget(entry["attack"]) for entry in entries)
    return Table(
        "table5",
        "Table 5",
        f"Mean of the smallest {norms} perturbations that one attack found",
        f"{'; '.join(budgets)}; upper bounds",
        header + ["the paper"] * bool(paper),
        rows,
        notes,
    )


def best_medians(entry: dict) -> dict[str, str]:
    """Return what the best attack needs in the median, by model; empty if not known."""
    if not was_evaluated(entry):
        return {}
    return {
        model.name: bound_text(median(model.best_attacks))
        for model in model_bounds(entry)
        if model.best.size
    }


def best_headings(entries: list[dict]) -> list[str]:
    """Return headings of the best attack, one for each data set that has it."""
    with_best = [entry for entry in entries if was_evaluated(entry)]
    if len(entries) == 1:
        return [BEST] * len(with_best)
    return [f"{BEST}, {entry['name']}" for entry in with_best]


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


def _outcome_cell(model: dict, place: int) -> Cell:
    shown = outcome(model, place)
    return Cell(shown, "aside" if shown in ("wrong", "none") else "")


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


def _distance_notes(
    entry: dict, has_columns: bool, has_paper: bool, has_best: bool
) -> list[str]:
    attack, one = entry["attack"], noun(entry, 1)
    statuses = {s for model in attack["models"].values() for s in model["status"]}
    notes = [
        "Median, quartiles and mean are over those found. None: attacked, nothing "
        "found. Wrong: misclassified as it is, not attacked. Queries: mean number of "
        f"samples the model was asked about for an attacked {one}, all restarts "
        "together."
    ]
    if has_best:
        notes.append(
            "Best attack: the median of what the best of all attacks needs (Table 8), "
            f"over the {noun(entry)} classified correctly. Compare models by it and by "
            f"their certified radii, not by {attack_name(attack)}."
        )
    else:
        notes.append(f"{attack_name(attack)} alone does not rank models.")
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
            "; in brackets the mean of its five rows, which differs"
            if entry["paper_row"] in MEANS_OF_ROWS
            else ""
        )
        notes.append(f"The paper: the average it prints for {title}{own}.")
    return notes


def _mean_of(summary: dict | None) -> Cell:
    if not summary:
        return Cell(NOTHING)
    of = f"({summary['n_attacked']} of {summary['n'] - summary['n_misclassified']})"
    return Cell(distance(summary["mean"]), small=of)


def _pooled_mean(summaries: list[dict | None]) -> str:
    found = [s for s in summaries if s and s["n_attacked"]]
    total = sum(s["n_attacked"] for s in found)
    if not total:
        return NOTHING
    return distance(sum(s["mean"] * s["n_attacked"] for s in found) / total)
