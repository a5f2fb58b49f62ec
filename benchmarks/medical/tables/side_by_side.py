"""The paper's tables and ours side by side, from condensed records.

Records come in groups, one for each data set: see :mod:`.condensed`.
"""

from collections.abc import Iterable, Sequence
from statistics import fmean, stdev

import numpy as np
from scipy.stats import binomtest

from benchmarks.common.table import Cell, Table, slug
from benchmarks.medical.paper import PROTOCOL, TABLE_1, TABLE_5, TABLE_7, TABLES_2_TO_4
from benchmarks.medical.reading import (
    NOTHING,
    distance,
    percent,
    shown_by_others,
    transfer_counts,
)
from benchmarks.medical.tables.at_a_glance import bound_text
from benchmarks.medical.tables.condensed import (
    attacked,
    found_by_decisions,
    is_paper,
    known_of,
    labels_of,
    of_one_training,
    one_of_each_set,
    trials_of,
    whole_or_largest,
)
from benchmarks.medical.tables.separation import median, median_interval


def accuracies(groups: dict[str, list[dict]]) -> Table:
    """Return Table 1: clean accuracy over the seeds, the paper's figure below."""
    names = labels_of(record for group in groups.values() for record in group)
    rows = [
        [label, *[_accuracy(group, name) for group in groups.values()]]
        for name, label in names.items()
    ]
    return Table(
        "medical-accuracy",
        "Table 1",
        "Clean accuracy on the test images, %: mean ± standard deviation over splits, "
        "their number in brackets, or of one split with Wilson's 95% interval; then in "
        "brackets the paper's figure",
        "",
        ["Model", *groups],
        rows,
    )


def distances(group: Sequence[dict]) -> Table:
    """Return Tables 2 to 4 of a data set: all that is known of a model in a row."""
    dataset = group[0]["dataset"]
    row = dataset["paper_row"]
    paper = TABLES_2_TO_4.get(row, {})
    full = [record for record in group if is_paper(record)]
    brief = [record for record in attacked(group) if not is_paper(record)]
    header = ["Model", "The paper"]
    header += ["HopSkipJump, its protocol"] * bool(full)
    header += ["HopSkipJump, brief"] * bool(brief)
    header += ["Best attack", "Certified", "Wrong", "None"]
    rows = []
    for name, label in labels_of(attacked(group)).items():
        bounds, same = known_of(group, name), of_one_training(group, name)
        cells = [f"{paper[name]:.2f}" if name in paper else NOTHING]
        cells += [
            _by_decisions([record for record in records if record in same], name)
            for records in (full, brief)
            if records
        ]
        cells += [_median(bounds.best), bounds.certified_text()]
        cells += [str(bounds.n_wrong), str(bounds.n_none)]
        rows.append([label, *cells])
    return Table(
        f"medical-{slug(dataset['name']).lower()}",
        "Tables 2 to 4",
        f"{dataset['name']}: L2 sizes of perturbations",
        "",
        header,
        rows,
        notes=_notes(group, full, brief),
    )


def means(groups: dict[str, list[dict]]) -> Table:
    """Return Table 5: what HopSkipJump needs in the mean, by data set and over all."""
    names = labels_of(record for group in groups.values() for record in group)
    runs = {title: _fullest(group) for title, group in groups.items()}
    sets = one_of_each_set(groups)
    kinds = {is_paper(runs[title][0]) for title in sets}
    rows = []
    for name, label in names.items():
        found = [found_by_decisions(records, name) for records in runs.values()]
        if not any(found):
            continue
        of_sets = [f for f, title in zip(found, runs, strict=True) if title in sets]
        pooled = [value for values in of_sets for value in values]
        paper = f"{TABLE_5[name]:.2f}" if name in TABLE_5 else NOTHING
        everywhere = all(of_sets) and len(of_sets) > 1 and len(kinds) == 1
        over_all = f"{fmean(pooled):.2f} ({len(pooled)})" if everywhere else NOTHING
        cells = [f"{fmean(v):.2f} ({len(v)})" if v else NOTHING for v in found]
        rows.append([label, *cells, over_all, paper])
    brief = [title for title, records in runs.items() if not is_paper(records[0])]
    notes = [
        "In brackets: how many images the mean is over. “All” is the mean over all of "
        "them, of models that were attacked on every set in the same way, one split a "
        "set; the paper's is over its own three sets."
    ]
    if brief:
        notes.append(f"Brief attacks, not the paper's protocol: {', '.join(brief)}.")
    return Table(
        "medical-means",
        "Table 5",
        "Mean L2 size of HopSkipJump's perturbations; upper bounds",
        "",
        ["Model", *groups, "All", "The paper, all sets"],
        rows,
        notes=notes,
    )


def _fullest(group: Sequence[dict]) -> list[dict]:
    """Return the records of the paper's protocol, or if there are none all others."""
    runs = attacked(group)
    return [record for record in runs if is_paper(record)] or runs


def transfer_accuracies(group: Sequence[dict]) -> Table:
    """Return Table 7: accuracy on the other models' images, of both kinds of attack."""
    record = whole_or_largest(group)
    dataset = record["dataset"]
    kinds = {"HopSkipJump's": [record["attack"]["transfer"]]}
    if "evaluation" in record:
        kinds["The best attack's"] = [record["evaluation"]["transfer"]]
    rows = []
    for name, label in labels_of(group).items():
        counts = [_shown(transfers, name) for transfers in kinds.values()]
        if any(shown for _, shown in counts):
            paper = f"{TABLE_7[name]:.2f}" if name in TABLE_7 else NOTHING
            rows.append([label, paper, *[_share(*count) for count in counts]])
    return Table(
        f"medical-transfer-{slug(dataset['name']).lower()}",
        "Table 7",
        f"{dataset['name']}: accuracy on the other models' adversarial images, %",
        "",
        ["Model", "The paper, all sets", *kinds],
        rows,
        notes=[
            "Right answers of images shown, with Wilson's 95% interval, which takes "
            "them for independent. The best attack's images are the nearest ones that "
            "any attack on the other model found, most of them by white-box attacks."
        ],
    )


def transfers(group: Sequence[dict]) -> Table:
    """Return Table 6: how many of a model's images fool another one."""
    record = whole_or_largest(group)
    parts = [record["attack"]["transfer"]]
    if "evaluation" in record:
        parts.append(record["evaluation"]["transfer"])
    named = labels_of([record])
    counts = [transfer_counts(part) for part in parts if part]
    names = parts[0]["names"]
    rows = [
        [named[source], *[_pair(counts, source, target) for target in names]]
        for source in parts[0]["sources"]
    ]
    name = record["dataset"]["name"]
    return Table(
        f"medical-transfer-pairs-{slug(name).lower()}",
        "Table 6",
        f"{name}: adversarial images of the model on the left that fool the one above, "
        "of those shown to it; first HopSkipJump's, then the best attack's",
        "",
        ["Made against", *[named[name] for name in names]],
        rows,
    )


def _pair(counts: Sequence[dict], source: str, target: str) -> str:
    """Write how many of a source's images fool a target, for each kind of attack."""
    if source == target:
        return NOTHING
    found = (of_kind.get((source, target), (0, 0)) for of_kind in counts)
    return ", ".join(f"{fooled}/{shown}" for fooled, shown in found)


def _accuracy(group: Sequence[dict], name: str) -> Cell:
    """Write a model's accuracy: over seeds, or of one with its interval."""
    trials, paper = trials_of(group, name)
    if not trials:
        return Cell(NOTHING)
    shares = [100 * trial["n_correct"] / trial["n_test"] for trial in trials]
    if len(shares) > 1:
        text = f"{fmean(shares):.2f} ± {stdev(shares):.2f} ({len(shares)})"
    else:
        low, high = (100 * end for end in trials[0]["wilson_95"])
        text = f"{shares[0]:.2f}, {low:.1f} to {high:.1f}"
    return Cell(text, below="" if paper is None else percent(paper))


def _by_decisions(records: Sequence[dict], name: str) -> str:
    """Write mean and median of what HopSkipJump found, and on how many images."""
    values = found_by_decisions(records, name)
    if not values:
        return NOTHING
    middle = f"; {distance(median(np.array(values)))}" if len(values) > 1 else ""
    return f"{distance(fmean(values))}{middle} ({len(values)})"


def _median(values: np.ndarray) -> Cell:
    """Write a median and, of few values, their range: 94% of five as an interval."""
    if not values.size:
        return Cell(NOTHING)
    low, high = median_interval(values)
    if low == 0 and np.isinf(high):
        low, high = values.min(), values.max()
    interval = f"({bound_text(low)} to {bound_text(high)})" if values.size > 1 else ""
    return Cell(bound_text(median(values)), small=interval)


def _shown(transfers: Iterable[dict | None], name: str) -> tuple[int, int]:
    """Return how many images fool a model, over runs, and of how many."""
    fooled = shown = 0
    for transfer in transfers:
        if transfer and name in transfer["names"]:
            more = shown_by_others(transfer, name)
            fooled, shown = fooled + more[0], shown + more[1]
    return fooled, shown


def _share(fooled: int, shown: int) -> str:
    if not shown:
        return NOTHING
    right = shown - fooled
    interval = binomtest(right, shown).proportion_ci(method="wilson")
    ends = f"{100 * interval.low:.0f} to {100 * interval.high:.0f}"
    return f"{100 * right / shown:.1f} ({right} of {shown}; {ends})"


def _brief_settings(records: Sequence[dict]) -> list[dict]:
    """Return the different settings of some records."""
    settings = [record["attack"]["settings"] for record in records]
    return [one for k, one in enumerate(settings) if one not in settings[:k]]


def _notes(
    group: Sequence[dict], full: Sequence[dict], brief: Sequence[dict]
) -> list[str]:
    """Say what the figures are, and which images and models are missing."""
    notes = [
        "HopSkipJump: mean, then median, over the images on which it found something, "
        "their number in brackets; upper bounds. Best attack: median of the smallest "
        "perturbation that any attack found, white-box ones among them, over the "
        "images classified correctly, with a 95% interval; of fewer than six images "
        "the smallest and the largest, a 94% interval of five. Certified: median of "
        "the radii within which nothing changes the decision; an asterisk marks exact "
        "distances. Wrong: images misclassified as they are. None: images for which no "
        "attack found anything."
    ]
    if row := TABLE_1.get(group[0]["dataset"]["paper_row"]):
        notes.append(f"The paper's figures are of its set {row.title}.")
    votes: dict[int, list[str]] = {}
    for record in attacked(group):
        named = votes.setdefault(record["arguments"]["votes"], [])
        named += [m["label"] for m in record["models"].values()]
    if len(votes) == 1:
        notes.append(f"Votes, of models that vote: {next(iter(votes))}.")
    else:
        listed = (f"{n} ({', '.join(dict.fromkeys(k))})" for n, k in votes.items())
        notes.append(f"Votes, of models that vote: {'; '.join(listed)}.")
    counts: dict[int, list[str]] = {}
    for name, label in labels_of(attacked(group)).items():
        counts.setdefault(known_of(group, name).n_images, []).append(label)
    if len(counts) > 1:
        listed = (f"{n} ({', '.join(labels)})" for n, labels in counts.items() if n)
        notes.append(f"Images in the best attack's column: {'; '.join(listed)}.")
    for settings in _brief_settings(brief):
        notes.append(
            f"Brief: {settings['restarts']} restarts of {settings['max_iter']} "
            f"iterations, {settings['init_size']} images to start from, "
            f"{settings['images']} images."
        )
    named = labels_of(group)
    for record in full:
        models = record["attack"]["models"]
        n = {named[k]: len(model["distances"]) for k, model in models.items()}
        short = [f"{k} {count}" for k, count in n.items() if count < PROTOCOL["images"]]
        missing = [label for name, label in named.items() if name not in models]
        said = []
        if short:
            said.append(f"of {PROTOCOL['images']} images: {', '.join(short)}")
        if missing:
            said.append(f"not attacked: {', '.join(missing)}")
        if said:
            notes.append(f"Under the paper's protocol, {'; '.join(said)}.")
    return notes
