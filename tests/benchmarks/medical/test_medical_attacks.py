"""The attack stage of the medical benchmark: distances, tables, and going on."""

import csv

import numpy as np
import pytest

pytest.importorskip("art")
pytest.importorskip("matplotlib")
pytest.importorskip("PIL")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")

from _benchmark_helpers import MODELS, measured, medical_arguments, read, timeless

from benchmarks.medical import attack as attack_stage
from benchmarks.medical import attacked_images, evaluation, train
from benchmarks.medical import evaluate as evaluation_stage
from benchmarks.medical.__main__ import main
from benchmarks.medical.protocols import PROTOCOLS
from benchmarks.medical.reading import NOTHING
from benchmarks.medical.tables import make_tables


def _run(images, folder, *more, models=MODELS):
    assert main(medical_arguments(images, folder, models, *more)) == 0
    return read(folder)


def _infinite(distances):
    return [np.inf if d is None else d for d in distances]


def test_every_model_is_attacked_on_the_same_images(shades, finished):
    folder, data, printed = finished
    attack = data["datasets"][shades]["attack"]
    assert attack["protocol"] == "custom"
    assert attack["settings"] == {
        "images": 3, "restarts": 2, "max_iter": 2, "init_size": 12
    }  # fmt: skip
    assert len({image["row"] for image in attack["images"]}) == 3
    assert list(attack["models"]) == MODELS
    found = 0
    for model in attack["models"].values():
        summary = model["summary"]
        kinds = ("attacked", "misclassified", "failed")
        assert sum(summary[f"n_{kind}"] for kind in kinds) == summary["n"] == 3
        for status, distance, history in zip(
            model["status"], model["distances"], model["history"], strict=True
        ):
            assert (distance == 0) == (status == "misclassified")
            assert len(history) == 3
            if status == "attacked":
                found += 1
                assert history[-1] == pytest.approx(distance, rel=1e-6)
        known = [d for d in model["distances"] if d]
        assert summary["median"] == (pytest.approx(np.median(known)) if known else None)
    assert found >= 5  # or this test shows little
    transfer = attack["transfer"]
    assert transfer["names"] == transfer["sources"] == MODELS
    for k, model in enumerate(attack["models"].values()):
        fooled, valid = transfer["fooled"][k][k], transfer["valid"][k]
        assert valid == [status == "attacked" for status in model["status"]]
        assert fooled == valid
    for model in attack["robust"]["models"].values():
        assert (np.diff(model["accuracies"]) <= 0).all()
    names = {file.name for file in folder.iterdir()}
    tables = {"table1", "table2-shades", "table5", "table7", "table8-shades"}
    tables |= {"table6-shades-all", "table6-shades-best"}
    assert {f"{name}.{kind}" for name in tables for kind in ("csv", "rst")} <= names
    assert {"results.json", "accuracy.csv", "report.html"} <= names
    assert "restarts: 2, iterations: 2, images to start from: 12" in printed


def test_no_attack_comes_nearer_than_the_certificate(shades, finished):
    """And none that knows the weights is farther than HopSkipJump."""
    entry = finished.data["datasets"][shades]
    attack, evaluation = entry["attack"], entry["evaluation"]
    assert list(evaluation["models"]) == MODELS
    n_bands = 0
    for name, model in evaluation["models"].items():
        distances = model["distances"]
        assert distances["hop_skip_jump"] == attack["models"][name]["distances"]
        has_networks = name != "random-forest"
        attacks = ["surrogate", "nearest_flip"] if has_networks else ["trees"]
        assert list(distances) == ["hop_skip_jump", *attacks]
        assert model["certificate"] == "certified"
        by_image = zip(*distances.values(), strict=True)
        smallest = [min(_infinite(found)) for found in by_image]
        assert _infinite(model["nearest"]) == smallest
        assert model["summary"]["nearest"] == pytest.approx(
            np.median([d for d in smallest if d]), nan_ok=True
        )
        for place, by in enumerate(model["nearest_by"]):
            if by is not None:
                assert distances[by][place] == model["nearest"][place]
        assert "hop_skip_jump" not in model["nearest_by"]
        assert has_networks or model["roc_auc"] is None
        pairs = list(zip(_infinite(model["certified"]), smallest, strict=True))
        assert all(low <= high for low, high in pairs)
        assert all((low > 0) == (high > 0) for low, high in pairs)
        n_bands += sum(0 < low < high < np.inf for low, high in pairs)
        assert model["summary"]["n_misclassified"] == smallest.count(0)
        curves = evaluation["curves"]["models"][name]
        proven, left = (curves[k]["accuracies"] for k in ("certified", "attacked"))
        assert (np.array(proven) <= left).all()
        assert proven[0] == left[0] == np.mean([high > 0 for _, high in pairs])
    assert n_bands >= 5  # or this test shows little


def test_a_smooth_model_is_attacked_by_its_gradient(shades, tmp_path, no_report):
    pytest.importorskip("torch")
    data = _run(shades, tmp_path / "out", models=["mlp"])
    model = data["datasets"][shades]["evaluation"]["models"]["mlp"]
    assert list(model["distances"]) == ["hop_skip_jump", "gradient"]
    assert model["certificate"] is None
    for name, nearest in zip(model["nearest_by"], model["nearest"], strict=True):
        assert (name is None) == (nearest in (0, None))


def test_a_linear_model_has_its_distance_for_a_certificate(shades, tmp_path, no_report):
    data = _run(shades, tmp_path / "out", models=["logistic"])
    model = data["datasets"][shades]["evaluation"]["models"]["logistic"]
    assert model["certificate"] == "exact"
    assert list(model["distances"]) == ["hop_skip_jump"]
    pairs = list(zip(model["certified"], _infinite(model["nearest"]), strict=True))
    assert all((low > 0) == (high > 0) for low, high in pairs)
    assert any(0 < low <= high for low, high in pairs)


@pytest.mark.slow
def test_the_record_does_not_depend_on_the_cores(shades, finished, tmp_path, no_report):
    """With two of them models are certified beside each other, in processes."""
    beside = _run(shades, tmp_path / "two", "--jobs", "2")
    for part in ("attack", "evaluation"):
        one, two = (r["datasets"][shades][part] for r in (finished.data, beside))
        assert timeless(two) == timeless(one)


def test_nothing_finished_is_computed_twice(
    shades, finished, finished_copy, no_report, monkeypatch
):
    first, folder, images = finished.data, finished_copy, shades

    def fail(*args, **kwargs):
        raise AssertionError("computed again")

    monkeypatch.setattr(train, "run_trial", fail)
    monkeypatch.setattr(attack_stage, "attack_image", fail)
    monkeypatch.setattr(evaluation_stage, "evaluate_model", fail)
    again = _run(images, folder, "--resume")
    assert measured(again) == measured(first)
    # Fewer images, in the same order, are part of what is there.
    fewer = _run(images, folder, "--resume", "--images", "2", "--no-white-box")
    assert "evaluation" not in fewer["datasets"][images]
    both = (r["datasets"][images]["attack"]["images"] for r in (fewer, first))
    assert next(both) == next(both)[:2]
    with pytest.raises(AssertionError, match="computed again"):
        _run(images, folder, "--resume", "--max-iter", "3")
    with pytest.raises(AssertionError, match="computed again"):
        _run(images, folder)  # without --resume all is new


@pytest.mark.parametrize(
    ("stage", "module", "step", "n_done"),
    [
        (attack_stage, attacked_images, "attack_image", 8),
        (evaluation_stage, evaluation, "evaluate_model", 1),
    ],
)
def test_an_interrupted_run_goes_on_to_the_same_result(
    shades, finished, tmp_path, no_report, monkeypatch, stage, module, step, n_done
):
    work, done, images = getattr(module, step), [], shades

    def do_some(*args):
        if len(done) == n_done:
            raise KeyboardInterrupt
        done.append(args)
        return work(*args)

    folder = tmp_path / "part"
    with monkeypatch.context() as patch:
        patch.setattr(stage, step, do_some)
        assert main(medical_arguments(images, folder, MODELS)) == 130
    entry = read(folder)["datasets"][images]
    if stage is attack_stage:
        assert (
            sum(len(m["status"]) for m in entry["attack"]["models"].values()) == n_done
        )
        assert "evaluation" not in entry
    else:
        assert list(entry["evaluation"]["models"]) == MODELS[:n_done]
    assert measured(_run(images, folder, "--resume")) == measured(finished.data)


def test_a_damaged_checkpoint_is_computed_again(shades, tmp_path, no_report, capsys):
    folder, images = tmp_path / "out", shades
    first = _run(images, folder, models=["linear01"])
    for path in (folder / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    again = _run(images, folder, "--resume", models=["linear01"])
    assert measured(again) == measured(first)
    assert "damaged" in capsys.readouterr().out


def test_protocols_and_their_knobs():
    paper = PROTOCOLS["paper"]
    assert paper.settings() == {
        "images": 5, "restarts": 10, "max_iter": 100, "init_size": 1000
    }  # fmt: skip
    assert paper.with_knobs(images=None, restarts=10) is paper
    changed = paper.with_knobs(images=2)
    assert (changed.name, changed.images, changed.restarts) == ("custom", 2, 10)


def test_without_a_protocol_nothing_is_attacked(shades, tmp_path, monkeypatch):
    monkeypatch.setattr(attack_stage, "attack_image", None)
    images = shades
    data = _run(images, tmp_path / "out", "--protocol", "none", "--images", "2")
    assert "attack" not in data["datasets"][images]
    assert (tmp_path / "out" / "report.html").exists()
    assert not (tmp_path / "out" / "table5.csv").exists()


def _record():
    """A record of two models and two images, with figures easy to check."""
    seed = {"accuracy": 0.9, "wilson_95": (0.8, 0.95), "notes": []}
    model = {"mean": 0.9, "std": None, "paper_accuracy": None, "fit_seconds": 1.0}
    model |= {"parameters": {"n_estimators": 5}, "seeds": {"0": seed}}
    models = {name: {"label": name.upper(), **model} for name in ("a", "b|c")}

    def attacked(label, distances, status, **summary):
        return {
            "label": label,
            "distances": distances,
            "status": status,
            "queries": [7, 9],
            "seconds": 2.0,
            "summary": {
                **dict.fromkeys(("mean", "median", "q1", "q3")),
                **{f"n_{kind}": 0 for kind in ("attacked", "misclassified", "failed")},
                "n": 2,
                **summary,
            },
        }

    found = attacked("A", [1.5, 2.5], ["attacked"] * 2, mean=2.0, n_attacked=2)
    none = attacked(
        "B|C", [None, 0.0], ["no_start", "misclassified"], n_failed=1, n_misclassified=1
    )
    attack = {
        "attack": "hop_skip_jump",
        "norm": 2,
        "settings": {"images": 2, "restarts": 1, "max_iter": 5, "init_size": 9},
        "images": [{"row": 3, "class": "ill"}, {"row": 5, "class": "well"}],
        "models": {"a": found, "b|c": none},
        "transfer": {
            "names": ["a", "b|c"],
            "sources": ["a", "b|c"],
            "fooled": [[[True, True], [False, True]], [[False] * 2, [False] * 2]],
            "valid": [[True, True], [False, False]],
            "accuracies": [None, 0.5],
        },
    }
    entry = {"name": "my set", "models": models, "paper_row": None, "attack": attack}
    entry |= {"image": True, "split": {"kind": "random"}}
    arguments = {"seeds": 1, "votes": 5, "jobs": 1, "paper_row": "auto"}
    return {"datasets": {"npz:x": entry}, "arguments": arguments}


def test_tables_say_what_was_found_and_what_was_not():
    tables = {table.name: table for table in make_tables(_record())}
    assert list(tables) == [
        "table1", "table5", "table7", "table1-my-set", "table2-my-set",
        "table6-my-set-all", "summary-my-set",
    ]  # fmt: skip
    lines = list(csv.DictReader(tables["table2-my-set"].to_csv().splitlines()))
    found, none = lines
    assert (found["#1"], found["#2"], found["mean"]) == ("1.50", "2.50", "2.00")
    assert (none["#1"], none["#2"], none["mean"]) == ("none", "wrong", NOTHING)
    assert (found["found"], none["none"]) == ("2 of 2", "1")
    assert "restarts: 1, iterations: 5" in tables["table2-my-set"].caption
    notes = tables["table2-my-set"].notes
    assert any("Wrong: misclassified as it is" in note for note in notes)
    rows = [[str(cell) for cell in row] for row in tables["table5"].rows]
    assert rows == [
        ["A", "2.00 (2 of 2)", "2.00"],
        ["B|C", f"{NOTHING} (0 of 1)", NOTHING],
    ]
    rows = [[str(cell) for cell in row] for row in tables["table7"].rows]
    assert rows == [["B|C", "50.00 (1 of 2; 9 to 91)"]]


def test_transfer_is_counted_for_the_nearest_images_too():
    data = _record()
    (entry,) = data["datasets"].values()
    transfer = entry["attack"]["transfer"]
    entry["evaluation"] = {
        "models": {},
        "transfer": transfer
        | {"fooled": [[[True] * 2, [True] * 2], [[False] * 2] * 2]},
    }
    tables = {table.name: table for table in make_tables(data)}
    (row,) = csv.DictReader(tables["table7"].to_csv().splitlines())
    assert row["my set"] == "50.00 (1 of 2; 9 to 91)"
    assert row["best attacks'"] == "0.00 (0 of 2; 0 to 66)"


def test_the_table_of_bounds_says_what_is_not_known():
    data = _record()
    (entry,) = data["datasets"].values()

    def evaluated(certificate, by, **summary):
        return {
            "certificate": certificate,
            "certified": None,
            "distances": by,
            "nearest": [0.5, None],
            "agreement_clean": None,
            "roc_auc": None,
            "seconds": 3.0,
            "summary": {
                "n": 4, "n_misclassified": 0, "n_failed": 0, "n_nearest_by": by,
                **summary,
            },
        }  # fmt: skip

    medians = {"certified": 0.25, "nearest": 0.5, "tightness": 0.6}
    none = dict.fromkeys(medians)
    by = {"hop_skip_jump": 1, "nearest_flip": 2}
    entry["evaluation"] = {
        "norm": 2,
        "models": {
            "a": evaluated(
                "certified", by, distances={"hop_skip_jump": 3.0},
                **medians | {"n_misclassified": 1},
            ),
            "b|c": evaluated(None, {"hop_skip_jump": 0}, distances={}, **none),
        },
    }  # fmt: skip
    tables = {table.name: table for table in make_tables(data)}
    table = tables["table8-my-set"]
    assert "not in the paper" in table.title
    assert "restarts: 1, iterations: 5" in table.setting
    assert "each on the models that allow it: nearest flip" in table.setting
    found, unknown = csv.DictReader(table.to_csv().splitlines())
    assert found["certified"] == "0.250"
    assert found["best attack"] == "0.500"
    assert found["found by"] == "HopSkipJump 1, nearest flip 2"
    assert (found["HopSkipJump"], found["wrong"]) == ("3.00", "1")
    assert (unknown["certified"], unknown["best attack"]) == (NOTHING, "∞")
    assert (unknown["found by"], unknown["HopSkipJump"]) == (NOTHING, "∞")
    _, line, _ = tables["table8-my-set-images"].to_csv().splitlines()
    assert line == "A,0 to 0.500,0 to ∞"
