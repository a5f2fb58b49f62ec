"""Records of runs small enough to be kept with the code: no pictures, no paths.

``python -m benchmarks.medical.condense RESULTS OUT --title NAME`` reads the
``results.json`` of a run on one data set. Tables of the documentation are made from
such records by ``docs/make_tables.py``.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common.files import write_atomically

SCHEMA = 1
DIGITS = 5  # that count: a perturbation may be tiny and is not 0
ATTACK = ("attack", "norm", "settings", "protocol")
BOUNDS = ("agreement_clean", "agreement_adversarial", "roc_auc")
TRANSFER = ("names", "sources", "fooled", "valid")
RUN = ("split", "votes", "seeds", "train_iter", "vote_all")


def condense(data: dict, title: str, source: str, command: str = "") -> dict:
    """Return what tables and figures need of a record.

    Parameters
    ----------
    data : dict
        The record of a run on one data set.
    title : str
        What the data set is called.
    source : str
        Where it is from, and its license.
    command : str, default=""
        What was typed, without paths.
    """
    (entry,) = data["datasets"].values()
    record = {
        "schema": SCHEMA,
        "benchmark": "medical",
        "date": data["started_utc"][:10],
        "command": command,
        "arguments": {name: data["arguments"][name] for name in RUN},
        "environment": data["environment"],
        "dataset": {
            "name": title,
            "source": source,
            "n_samples": entry["n_samples"],
            "sample_shape": entry["sample_shape"],
            "classes": entry["classes"],
            "split": entry["split"]["kind"],
            "paper_row": entry["paper_row"],
        },
        "models": {name: _model(model) for name, model in entry["models"].items()},
    }
    if attack := entry.get("attack"):
        record["attack"] = _attack(attack)
    if evaluation := entry.get("evaluation"):
        record["evaluation"] = _evaluation(evaluation)
    return record


def _model(model: dict) -> dict:
    return {
        "label": model["label"],
        "paper_accuracy": model["paper_accuracy"],
        "seeds": {
            seed: {
                "n_correct": trial["n_correct"],
                "n_test": trial["n_test"],
                "wilson_95": rounded(trial["wilson_95"]),
                "fit_seconds": round(trial["fit_seconds"], 2),
                "notes": trial["notes"],
            }
            for seed, trial in model["seeds"].items()
        },
    }


def _attack(attack: dict) -> dict:
    return {
        **{name: attack[name] for name in ATTACK},
        "images": attack["images"],
        "models": {
            name: {
                "distances": rounded(model["distances"]),
                "status": model["status"],
                "queries": model["queries"],
                "history": rounded(model["history"]),
                "seconds": round(model["seconds"], 1),
            }
            for name, model in attack["models"].items()
        },
        "transfer": _transfer(attack),
    }


def _evaluation(evaluation: dict) -> dict:
    return {
        "norm": evaluation["norm"],
        "models": {
            name: {
                "certificate": model["certificate"],
                "certified": rounded(model["certified"]),
                "distances": {
                    attack: rounded(distances)
                    for attack, distances in model["distances"].items()
                },
                "nearest": rounded(model["nearest"]),
                "nearest_by": model["nearest_by"],
                **{name: rounded(model[name]) for name in BOUNDS},
                "seconds": round(model["seconds"], 1),
            }
            for name, model in evaluation["models"].items()
        },
        "transfer": _transfer(evaluation),
    }


def _transfer(part: dict) -> dict | None:
    """Return which images transfer to which model, as ones and zeros."""
    transfer = part.get("transfer")
    if transfer is None:
        return None
    kept = {name: transfer[name] for name in TRANSFER}
    kept["fooled"] = [
        [[int(image) for image in target] for target in source]
        for source in kept["fooled"]
    ]
    kept["valid"] = [[int(image) for image in source] for source in kept["valid"]]
    return kept


def rounded(values: Any) -> Any:
    """Round numbers in lists; None stands for what is not finite or not there."""
    if isinstance(values, list | tuple):
        return [rounded(value) for value in values]
    return float(f"{values:.{DIGITS}g}") if isinstance(values, float) else values


def to_json(record: dict) -> str:
    """Write a record with each list of numbers on a line."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    lists = re.compile(r"\[[^\[\]{}]*\]")
    return lists.sub(lambda m: f"[{' '.join(m[0][1:-1].split())}]", text) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the condensed record of a run."""
    parser = argparse.ArgumentParser("python -m benchmarks.medical.condense")
    parser.add_argument("results", type=Path, help="results.json of a run on one set")
    parser.add_argument("out", type=Path, help="file to write")
    parser.add_argument("--title", required=True, help="name of the data set")
    parser.add_argument("--source", default="", help="where it is from, its license")
    parser.add_argument("--command", default="", help="what was typed, without paths")
    given = parser.parse_args(argv)
    data = json.loads(given.results.read_text(encoding="utf-8"))
    record = condense(data, given.title, given.source, given.command)
    write_atomically(given.out, to_json(record).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
