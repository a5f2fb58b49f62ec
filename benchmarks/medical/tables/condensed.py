"""What condensed records of several runs on a data set tell of a model.

One record may be of a run under the paper's protocol, another of a briefer one on the
same models, a third of accuracies alone. An image counts by its row.
"""

from collections.abc import Iterable, Sequence
from statistics import fmean

import numpy as np

from benchmarks.medical.paper import COLUMNS, PROTOCOL
from benchmarks.medical.reading import MISCLASSIFIED, NOTHING
from benchmarks.medical.tables.at_a_glance import bound_text
from benchmarks.medical.tables.separation import median


def by_dataset(records: Iterable[dict]) -> dict[str, list[dict]]:
    """Group records by the name of their data set, the paper's protocol first."""
    groups: dict[str, list[dict]] = {}
    for record in records:
        groups.setdefault(record["dataset"]["name"], []).append(record)
    return {
        name: sorted(g, key=lambda r: not is_paper(r)) for name, g in groups.items()
    }


def one_of_each_set(groups: dict[str, list[dict]]) -> dict[str, list[dict]]:
    """Return the first group of each of the paper's sets.

    Another split of a set has a name of its own, but is no other set.
    """
    titles: dict[str, str] = {}
    for title, group in groups.items():
        titles.setdefault(group[0]["dataset"]["paper_row"] or title, title)
    return {title: groups[title] for title in titles.values()}


def attacked(group: Iterable[dict]) -> list[dict]:
    """Return the records of runs that attacked something."""
    return [record for record in group if "attack" in record]


def largest(group: Sequence[dict]) -> dict:
    """Return the record of most images and models: an image is shown once."""

    def size(record: dict) -> int:
        models = record["attack"]["models"].values()
        return sum(len(model["distances"]) for model in models)

    return max(attacked(group), key=size)


def whole_or_largest(group: Sequence[dict]) -> dict:
    """Return the run under the paper's protocol if it has all images, else the largest.

    A few images attacked as the paper did tell less than many attacked briefly.
    """
    full = [record for record in attacked(group) if is_paper(record)]
    n_images = PROTOCOL["images"]
    whole = [r for r in full if len(r["attack"]["images"]) >= n_images]
    return largest(whole or group)


def is_paper(record: dict) -> bool:
    """Tell whether images were attacked as the paper did, however many."""
    settings = record.get("attack", {}).get("settings", {})
    return bool(settings) and all(
        settings[k] == v for k, v in PROTOCOL.items() if k != "images"
    )


def as_entry(record: dict) -> dict:
    """Return a condensed record in the form of a run's record of its data set.

    It has what a summary needs.
    """
    dataset, attack = record["dataset"], record["attack"]
    labels = {name: model["label"] for name, model in record["models"].items()}
    means = {
        name: fmean(t["n_correct"] / t["n_test"] for t in model["seeds"].values())
        for name, model in record["models"].items()
    }
    attacked = {k: {**m, "label": labels[k]} for k, m in attack["models"].items()}
    return {
        **record,
        "name": dataset["name"],
        "image": len(dataset["sample_shape"]) > 1,
        "models": {k: {**m, "mean": means[k]} for k, m in record["models"].items()},
        "attack": {**attack, "models": attacked},
    }


def labels_of(records: Iterable[dict]) -> dict[str, str]:
    """Return the heading of each model that was trained, the paper's first."""
    found = {
        name: model["label"]
        for record in records
        for name, model in record["models"].items()
    }
    return {name: found[name] for name in (*COLUMNS, *found) if name in found}


def trials_of(group: Iterable[dict], name: str) -> tuple[list[dict], float | None]:
    """Return a model's trials by the record that has most, and the paper's accuracy."""
    models = [r["models"][name] for r in group if name in r["models"]]
    if not models:
        return [], None
    most = max(models, key=lambda model: len(model["seeds"]))
    return list(most["seeds"].values()), most["paper_accuracy"]


def of_one_training(group: Iterable[dict], name: str) -> list[dict]:
    """Return the records of a model that are of the first record's network.

    Trained on another machine it can be another network, and what is known of one does
    not hold for the other. One that has as many test images right is taken for the
    same.
    """
    records = [record for record in group if name in record["models"]]

    def right(record: dict) -> dict[str, int]:
        trials = record["models"][name]["seeds"]
        return {seed: trial["n_correct"] for seed, trial in trials.items()}

    first = right(records[0]) if records else {}
    return [
        record
        for record in records
        if all(first.get(seed, n) == n for seed, n in right(record).items())
    ]


class Bounds:
    """What is known of a model on the images of some records.

    Parameters
    ----------
    best, certified : dict of int to float
        By the row of an image: the smallest perturbation that any attack found, inf for
        none, 0 where it is misclassified; and the certified radius.
    certificate : {"exact", "certified"} or None
    """

    def __init__(self, group: Sequence[dict], name: str):
        best: dict[int, float] = {}
        certified: dict[int, float] = {}
        self.certificate = None
        for record in group:
            model = record.get("evaluation", {}).get("models", {}).get(name)
            if model is None:
                continue
            self.certificate = model["certificate"]
            rows = [image["row"] for image in record["attack"]["images"]]
            for row, found in zip(rows, _numbers(model["nearest"]), strict=False):
                best[row] = min(best.get(row, np.inf), found)
            if model["certified"] is not None:
                certified |= zip(rows, _numbers(model["certified"]), strict=False)
        right = [row for row, found in best.items() if found > 0]
        self.best = np.array([best[row] for row in right])
        self.certified = np.array([certified[row] for row in right if certified])
        self.n_images = len(best)
        self.n_wrong = self.n_images - len(right)
        self.n_none = int(np.isinf(self.best).sum())

    def certified_text(self) -> str:
        """Return the median radius; an asterisk stands for exact distances."""
        if self.certificate is None or not self.certified.size:
            return NOTHING
        mark = "*" if self.certificate == "exact" else ""
        return bound_text(median(self.certified)) + mark


def known_of(group: Sequence[dict], name: str) -> Bounds:
    """Return what the records of a data set tell of a model."""
    return Bounds(of_one_training(group, name), name)


def decision_means(records: Sequence[dict], name: str) -> float | None:
    """Return the mean of what HopSkipJump found for a model, None of nothing."""
    found = found_by_decisions(records, name)
    return fmean(found) if found else None


def found_by_decisions(records: Sequence[dict], name: str) -> list[float]:
    """Return the smallest distance of each image that was attacked successfully."""
    by_row: dict[int, float] = {}
    for record in attacked(records):
        if model := record["attack"]["models"].get(name):
            rows = [image["row"] for image in record["attack"]["images"]]
            for row, found, status in zip(
                rows, _numbers(model["distances"]), model["status"], strict=False
            ):
                if status != MISCLASSIFIED and np.isfinite(found):
                    by_row[row] = min(by_row.get(row, np.inf), found)
    return list(by_row.values())


def _numbers(values: list) -> list[float]:
    return [np.inf if value is None else value for value in values]
