"""The attack stage of the medical benchmark: distances, tables, and going on."""

import csv
import shutil

import numpy as np
import pytest

pytest.importorskip("art")
pytest.importorskip("matplotlib")
pytest.importorskip("PIL")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")

from _benchmark_helpers import measured, read

from benchmarks import _attacking, _bounds, _distances, _evaluating, _training, medical
from benchmarks._pieces import Pieces
from benchmarks._protocols import PROTOCOLS
from benchmarks._tables import Table, make_tables

MODELS = ["scdce", "linear01", "random-forest"]
SHORT = ["--votes", "3", "--train-iter", "10", "--jobs", "1", "--seeds", "1"]
SHORT += ["--images", "3", "--restarts", "2", "--max-iter", "2", "--init-size", "12"]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Sixty grey images of two shades and much noise, as the argument of --dataset."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.integers(0, 200, (60, 6, 6)) + 55 * y[:, None, None]
    path = tmp_path_factory.mktemp("data") / "shades.npz"
    np.savez(path, X=X.astype(np.uint8), y=y)
    return f"npz:{path}"


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory):
    """The folder of a finished run, to be copied where a test goes on with it."""
    folder = tmp_path_factory.mktemp("finished")
    _run(images, folder)
    return folder


def _run(images, folder, *more, models=MODELS):
    argv = ["--dataset", images, "--models", *models, *SHORT, "--output", str(folder)]
    assert medical.main([*argv, *more]) == 0
    return read(folder)


def _infinite(distances):
    return [np.inf if d is None else d for d in distances]


def test_every_model_is_attacked_on_the_same_images(images, tmp_path, capsys):
    folder = tmp_path / "out"
    data = _run(images, folder)
    attack = data["datasets"][images]["attack"]
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
    assert {f"{name}.{kind}" for name in tables for kind in ("csv", "rst")} <= names
    assert {"results.json", "accuracy.csv", "report.html"} <= names
    printed = capsys.readouterr().out
    assert "restarts: 2, iterations: 2, images to start from: 12" in printed


def test_no_attack_comes_nearer_than_the_certificate(images, finished, tmp_path):
    """And none that knows the weights is farther than HopSkipJump."""
    folder = shutil.copytree(finished, tmp_path / "out")
    data = _run(images, folder, "--resume", "--images", "6")
    entry = data["datasets"][images]
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


def test_a_smooth_model_is_attacked_by_its_gradient(images, tmp_path):
    pytest.importorskip("torch")
    data = _run(images, tmp_path / "out", models=["mlp"])
    model = data["datasets"][images]["evaluation"]["models"]["mlp"]
    assert list(model["distances"]) == ["hop_skip_jump", "gradient"]
    assert model["certificate"] is None
    for name, nearest in zip(model["nearest_by"], model["nearest"], strict=True):
        assert (name is None) == (nearest in (0, None))


def test_nothing_finished_is_computed_twice(images, finished, tmp_path, monkeypatch):
    first = read(finished)
    folder = shutil.copytree(finished, tmp_path / "out")

    def fail(*args, **kwargs):
        raise AssertionError("computed again")

    monkeypatch.setattr(_training, "run_trial", fail)
    monkeypatch.setattr(_attacking, "attack_image", fail)
    monkeypatch.setattr(_evaluating, "evaluate_model", fail)
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
    ("stage", "module", "piece", "n_done"),
    [
        (_attacking, _distances, "attack_image", 1),
        (_attacking, _distances, "attack_image", 8),
        (_evaluating, _bounds, "evaluate_model", 1),
    ],
)
def test_an_interrupted_run_goes_on_to_the_same_result(
    images, finished, tmp_path, monkeypatch, stage, module, piece, n_done
):
    work, done = getattr(module, piece), []

    def do_some(*args):
        if len(done) == n_done:
            raise KeyboardInterrupt
        done.append(args)
        return work(*args)

    folder = tmp_path / "part"
    argv = ["--dataset", images, "--models", *MODELS, *SHORT, "--output", str(folder)]
    with monkeypatch.context() as patch:
        patch.setattr(stage, piece, do_some)
        assert medical.main(argv) == 130
    entry = read(folder)["datasets"][images]
    if stage is _attacking:
        assert (
            sum(len(m["status"]) for m in entry["attack"]["models"].values()) == n_done
        )
        assert "evaluation" not in entry
    else:
        assert list(entry["evaluation"]["models"]) == MODELS[:n_done]
    assert measured(_run(images, folder, "--resume")) == measured(read(finished))


def test_a_damaged_piece_is_computed_again(images, tmp_path, capsys):
    folder = tmp_path / "out"
    first = _run(images, folder, models=["random-forest"])
    for piece in (folder / "pieces").iterdir():
        piece.write_bytes(piece.read_bytes()[:50])
    again = _run(images, folder, "--resume", models=["random-forest"])
    assert measured(again) == measured(first)
    assert "damaged" in capsys.readouterr().out


def test_pieces_of_another_basis_are_not_found(tmp_path):
    pieces = Pieces(tmp_path, resume=True)
    pieces.save("model", {"a": 1, "b": [2]}, "it")
    assert pieces.load("model", {"b": [2], "a": 1}) == "it"
    assert pieces.load("model", {"a": 1, "b": [3]}) is None
    assert pieces.load("attack", {"a": 1, "b": [2]}) is None
    assert Pieces(tmp_path, resume=False).load("model", {"a": 1, "b": [2]}) is None


def test_protocols_and_their_knobs():
    paper = PROTOCOLS["paper"]
    assert paper.settings() == {
        "images": 5, "restarts": 10, "max_iter": 100, "init_size": 1000
    }  # fmt: skip
    assert paper.with_knobs(images=None, restarts=10) is paper
    changed = paper.with_knobs(images=2)
    assert (changed.name, changed.images, changed.restarts) == ("custom", 2, 10)


def test_without_a_protocol_nothing_is_attacked(images, tmp_path, monkeypatch):
    monkeypatch.setattr(_attacking, "attack_image", None)
    data = _run(images, tmp_path / "out", "--protocol", "none", "--images", "2")
    assert "attack" not in data["datasets"][images]
    assert (tmp_path / "out" / "report.html").exists()
    assert not (tmp_path / "out" / "table5.csv").exists()


def _record():
    """A record of two models and two images, with figures easy to check."""
    accuracy = {"mean": 0.9, "std": None, "paper_accuracy": None}
    models = {name: {"label": name.upper(), **accuracy} for name in ("a", "b|c")}
    budget = {"images": 2, "restarts": 1, "max_iter": 5, "init_size": 9}

    def attacked(distances, status, **summary):
        return {
            "label": "x",
            "distances": distances,
            "status": status,
            "summary": {
                **dict.fromkeys(("mean", "median", "q1", "q3")),
                "n_misclassified": 0,
                "n_failed": 0,
                **summary,
            },
        }

    attack = {
        "settings": budget,
        "images": [{"class": "ill"}, {"class": "well"}],
        "models": {
            "a": attacked([1.5, 2.5], ["attacked"] * 2, mean=2.0),
            "b|c": attacked([None, 0.0], ["no_start", "misclassified"], n_failed=1),
        },
        "transfer": {
            "names": ["a", "b|c"],
            "sources": ["a", "b|c"],
            "fooled": [[[True, True], [False, True]], [[False] * 2, [False] * 2]],
            "valid": [[True, True], [False, False]],
            "accuracies": [None, 0.5],
        },
    }
    entry = {"name": "my set", "models": models, "paper_row": None, "attack": attack}
    return {"datasets": {"npz:x": entry}}


def test_tables_say_what_was_found_and_what_was_not():
    tables = {table.name: table for table in make_tables(_record())}
    assert list(tables) == ["table1", "table2-my-set", "table5", "table7"]
    distances = list(csv.reader(tables["table2-my-set"].to_csv().splitlines()))
    assert distances[1] == ["image 1 (ill)", "1.500", "none found"]
    assert distances[2] == ["image 2 (well)", "2.500", "0 (misclassified)"]
    assert ["mean of those found", "2.000", "-"] in distances
    assert ["none found", "0", "1"] in distances
    assert "restarts: 1, iterations: 5" in tables["table2-my-set"].title
    assert tables["table5"].rows[-1] == ["mean over data sets", "2.000", "-"]
    assert tables["table7"].rows == [["my set", "-", "50.00"]]


def test_the_table_of_bounds_says_what_is_not_known():
    data = _record()
    (entry,) = data["datasets"].values()
    entry["attack"]["attack"] = "hop_skip_jump"

    def evaluated(label, certificate, by, **summary):
        return {
            "label": label,
            "certificate": certificate,
            "distances": by,
            "summary": {"n": 4, "n_misclassified": 0, "n_nearest_by": by, **summary},
        }

    medians = {"certified": 0.25, "nearest": 0.5, "tightness": 0.6}
    none = dict.fromkeys(medians)
    entry["evaluation"] = {
        "models": {
            "a": evaluated(
                "A", "certified", {"hop_skip_jump": 1, "nearest_flip": 2},
                distances={"hop_skip_jump": 3.0}, **medians | {"n_misclassified": 1},
            ),
            "b": evaluated("B", None, {"hop_skip_jump": 0}, distances={}, **none),
            "c": evaluated(
                "C", None, {"hop_skip_jump": 0}, distances={}, **none | {"n": 0}
            ),
        }
    }  # fmt: skip
    table = make_tables(data)[-1]
    assert table.name == "table8-my-set"
    assert "not in the paper" in table.title
    assert "restarts: 1, iterations: 5" in table.title
    assert "the weights (nearest flip)" in table.title
    assert table.rows == [
        ["A", "3 of 4", "0.250", "0.500", "HopSkipJump 1, nearest flip 2", "3.000",
         "0.600"],
        ["B", "4 of 4", "-", "none found", "-", "none found", "-"],
        ["C", "0 of 0", *["-"] * 5],
    ]  # fmt: skip


def test_tables_are_documents_that_docutils_reads():
    core = pytest.importorskip("docutils.core")
    table = Table("t", "A *title* | with `marks`_", ["a", "b"], [["<b>", "1_ 2"]])
    html = core.publish_string(
        table.to_rst(), writer="html5", settings_overrides={"report_level": 1}
    ).decode()
    for text in ("A *title* | with `marks`_", "&lt;b&gt;", "1_ 2"):
        assert text in html
    assert 'class="system-message' not in html
