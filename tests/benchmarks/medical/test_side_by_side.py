"""Condensed records, and the paper's tables and ours made from them."""

import json

import numpy as np
import pytest

from benchmarks.medical import condense
from benchmarks.medical.tables import condensed, detection, side_by_side
from benchmarks.medical.tables.at_a_glance import summary

PAPER = {"images": 5, "restarts": 10, "max_iter": 100, "init_size": 1000}
BRIEF = {"images": 5, "restarts": 2, "max_iter": 5, "init_size": 100}


def _record(settings, decisions, nearest, certified=None, rows=(7, 3, 5)):
    """A condensed record of two models; the second one is only attacked."""
    trial = {"n_correct": 90, "n_test": 100, "wilson_95": [0.8256, 0.9448]}
    models = {
        "scdce": {"label": "SCDCE", "paper_accuracy": 0.9132, "seeds": {"0": trial}},
        "lenet": {"label": "LeNet", "paper_accuracy": 0.9259, "seeds": {"0": trial}},
    }
    status = ["misclassified" if d == 0 else "attacked" for d in decisions]
    transfer = {
        "names": ["scdce", "lenet"],
        "sources": ["scdce", "lenet"],
        "valid": [[1, 1, 0], [1, 1, 1]],
        "fooled": [[[1, 1, 0], [0, 1, 0]], [[0, 0, 0], [1, 1, 1]]],
    }
    return {
        "dataset": {"name": "Chest X-rays", "paper_row": "chest-xray"},
        "arguments": {"votes": 100},
        "models": models,
        "attack": {
            "settings": settings,
            "images": [{"row": row} for row in rows],
            "models": {"scdce": {"distances": decisions, "status": status}},
            "transfer": transfer,
        },
        "evaluation": {
            "models": {
                "scdce": {
                    "certificate": "certified" if certified else None,
                    "certified": certified,
                    "nearest": nearest,
                }
            },
            "transfer": transfer,
        },
    }


def _row(table, label):
    (row,) = [row for row in table.rows if str(row[0]) == label]
    return dict(zip(table.header, map(str, row), strict=True))


def test_a_row_has_the_paper_s_figure_and_all_of_ours():
    """An image is known by its row; of two runs the nearest image counts."""
    full = _record(PAPER, [4.0, None], [0.5, 0.25], [0.4, 0.2], rows=(7, 3))
    brief = _record(BRIEF, [6.0, 8.0, 0.0], [0.3, 0.75, 0.0], [0.2, 0.1, 0.0])
    (group,) = condensed.by_dataset([brief, full]).values()
    table = side_by_side.distances(group)
    row = _row(table, "SCDCE")
    assert row["The paper"] == "14.81"
    assert row["HopSkipJump, its protocol"] == "4.00 (1)"
    assert row["HopSkipJump, brief"] == "7.00; 7.00 (2)"
    # Of 0.3 and 0.25: the second run came nearer to one image.
    assert row["Best attack"] == "0.275 (0.250 to 0.300)"
    assert (row["Wrong"], row["None"]) == ("1", "0")
    text = table.to_text()
    assert "of 5 images: SCDCE 2; not attacked: LeNet" in " ".join(text.split())
    # Of the one model three different images are known, of the other none.
    assert "Images in the best attack's column: 3 (SCDCE)." in " ".join(text.split())


def test_what_is_known_of_another_network_stays_out_of_a_row():
    """Trained on another machine it may be right on other images."""
    full = _record(PAPER, [4.0, 2.0], [0.5, 0.25], [0.4, 0.2], rows=(7, 3))
    brief = _record(BRIEF, [6.0, 8.0], [0.3, 0.2], [0.1, 0.1], rows=(7, 3))
    alone = _row(side_by_side.distances([full]), "SCDCE")
    trained_anew = {"n_correct": 91, "n_test": 100, "wilson_95": [0.8377, 0.9519]}
    brief["models"]["scdce"]["seeds"] = {"0": trained_anew}
    row = _row(side_by_side.distances([full, brief]), "SCDCE")
    assert row.pop("HopSkipJump, brief") == "\N{EN DASH}"
    assert row == alone


def test_accuracy_is_over_the_seeds_of_the_record_that_has_most():
    one = _record(BRIEF, [1.0, 2.0, 0.0], [0.3, 0.7, 0.0])
    trials = [{"n_correct": k, "n_test": 200, "wilson_95": [0, 1]} for k in (180, 190)]
    models = {name: dict(model) for name, model in one["models"].items()}
    models["scdce"]["seeds"] = dict(enumerate(trials))
    several = {"dataset": one["dataset"], "models": models}
    groups = condensed.by_dataset([one, several])
    row = _row(side_by_side.accuracies(groups), "SCDCE")
    assert row["Chest X-rays"] == "92.50 ± 3.54 (2) (91.32)"
    # A run that attacked nothing has no part in what attacks found.
    alone = side_by_side.distances([one]).rows
    assert side_by_side.distances(groups["Chest X-rays"]).rows == alone


def test_means_are_those_of_the_paper_s_protocol_where_a_set_has_it():
    full = _record(PAPER, [4.0, 2.0], [0.5, 0.25], rows=(7, 3))
    brief = _record(BRIEF, [6.0, 8.0], [0.3, 0.75], rows=(7, 3))
    other = _record(BRIEF, [9.0, 0.0], [0.3, 0.0], rows=(7, 3))
    other["dataset"] = {"name": "MRI", "paper_row": None}
    table = side_by_side.means(condensed.by_dataset([brief, full, other]))
    row = _row(table, "SCDCE")
    assert (row["Chest X-rays"], row["MRI"]) == ("3.00 (2)", "9.00 (1)")
    assert (row["All"], row["The paper, all sets"]) == ("\N{EN DASH}", "18.26")
    assert any(note.endswith("protocol: MRI.") for note in table.notes)
    row = _row(side_by_side.means(condensed.by_dataset([brief, other])), "SCDCE")
    assert row["All"] == "7.67 (3)"
    # Another split of a set has its mean, but is no other set.
    split = _record(BRIEF, [1.0, 1.0], [0.3, 0.3], rows=(7, 3))
    split["dataset"] = {**brief["dataset"], "name": "Chest X-rays, by patient"}
    groups = condensed.by_dataset([brief, split, other])
    row = _row(side_by_side.means(groups), "SCDCE")
    assert (row["Chest X-rays, by patient"], row["All"]) == ("1.00 (2)", "7.67 (3)")


def test_transfer_is_that_of_the_paper_s_protocol_where_it_has_all_images():
    rows = (7, 3, 5, 1, 2)
    larger = _record(BRIEF, [1.0] * 6, [0.5] * 6, rows=(*rows, 4))
    nobody = [[[0] * 5] * 2] * 2
    for n_images, expected in ((5, "0/5, 0/5"), (4, "1/2, 1/2")):
        full = _record(PAPER, [1.0] * n_images, [0.5] * n_images, rows=rows[:n_images])
        for part in (full["attack"], full["evaluation"]):
            part["transfer"] = part["transfer"] | {
                "fooled": nobody,
                "valid": [[1] * 5] * 2,
            }
        table = side_by_side.transfers([larger, full])
        assert _row(table, "SCDCE")["LeNet"] == expected


def test_transfer_counts_both_kinds_of_images():
    group = [_record(BRIEF, [1.0, 2.0, 0.0], [0.3, 0.7, 0.0])]
    row = _row(side_by_side.transfer_accuracies(group), "LeNet")
    assert row["The paper, all sets"] == "81.48"
    assert row["HopSkipJump's"] == row["The best attack's"] == "50.0 (1 of 2; 9 to 91)"
    # Of two records the larger one counts: most images are the same.
    fewer = _record(PAPER, [1.0], [0.3], rows=(7,))
    fewer["attack"]["transfer"] = fewer["evaluation"]["transfer"] = None
    both = side_by_side.transfer_accuracies([fewer, *group])
    assert _row(both, "LeNet") == row
    pairs = _row(side_by_side.transfers([fewer, *group]), "SCDCE")
    assert pairs["LeNet"] == "1/2, 1/2"
    assert (
        "90.00, 82.6 to 94.5 (92.59)"
        in side_by_side.accuracies({"Chest X-rays": group}).to_text()
    )


def test_a_condensed_record_has_the_figures_and_no_path(made_results):
    data, title = made_results, "Somewhere"
    record = condense.condense(data, title, "nobody")
    text = condense.to_json(record)
    assert json.loads(text) == record
    assert "/" not in json.dumps({**record, "environment": None, "dataset": None})
    (entry,) = data["datasets"].values()
    for name, model in entry["attack"]["models"].items():
        kept = record["attack"]["models"][name]["distances"]
        np.testing.assert_allclose(
            np.array(kept, dtype=float),
            np.array(model["distances"], dtype=float),
            rtol=1e-4,
        )
    assert record["attack"]["transfer"]["names"] == list(entry["attack"]["models"])


def test_a_condensed_record_has_the_same_summary_as_the_run(made_results):
    (entry,) = made_results["datasets"].values()
    record = condense.condense(made_results, entry["name"], "nobody")
    record = json.loads(condense.to_json(record))
    made = summary({}, condensed.as_entry(record))
    assert made.to_text() == summary(made_results, entry).to_text()
    assert len(made.rows) == len(entry["models"]) > 1


@pytest.fixture
def made_results(tmp_path):
    """What a run leaves, its data set named by a path."""
    from _made_records import make_record

    make_record(tmp_path)
    data = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    (entry,) = data["datasets"].values()
    data["datasets"] = {"npz:/home/somebody/xrays.npz": entry}
    data["arguments"] |= dict.fromkeys(condense.RUN, None)
    data["arguments"]["output"] = "/home/somebody/out"
    return data


def test_flagged_shares_and_the_roc_follow_from_the_agreements():
    clean, adversarial = np.array([0.6, 0.9, 1.0, 1.0]), np.array([0.5, 0.6, 1.0])
    # Pairs with less agreement, and half of the ties.
    assert detection.roc_auc(clean, adversarial) == pytest.approx((4 + 3.5 + 1) / 12)
    rates, hits, low, high = detection.roc_band(clean, adversarial)
    # Flagged is what lies below 0.5, 0.6, 0.9, 1 and all.
    assert rates.tolist() == [0, 0, 25, 50, 100]
    np.testing.assert_allclose(hits, [0, 100 / 3, 200 / 3, 200 / 3, 100])
    assert (low <= hits).all()
    assert (hits <= high).all()
    record = {
        "dataset": {"name": "X"},
        "arguments": {"votes": 10},
        "settings": BRIEF,
        "models": {
            "scdce": {
                "label": "SCDCE",
                "thresholds": {"0.05": 0.6, "0.01": 0.55},
                "agreement_clean": clean.tolist(),
                "attacks": {
                    "nearest_flip, 0.05": {
                        "distances": [0.1, 0.3, 0.2, None],
                        "agreement": [*adversarial.tolist(), None],
                    }
                },
            }
        },
    }
    row = _row(detection.detection(record), "SCDCE")
    assert row["Attack"].endswith("knows the 5% threshold")
    assert (row["Images"], row["Median L2"]) == ("3", "0.200")
    assert row["Flagged at 5%, %"].startswith("33 (")
    assert row["AUC"].startswith("0.71 (")
