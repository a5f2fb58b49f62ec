"""The command line from end to end: results, table, and one line for each mistake."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("PIL")
pytest.importorskip("skimage")
pytest.importorskip("threadpoolctl")
pytest.importorskip("tqdm")

from benchmarks.common import errors
from benchmarks.datasets import Dataset
from benchmarks.medical import __main__ as medical
from benchmarks.medical import train
from benchmarks.medical.paper import (
    MEANS_OF_ROWS,
    TABLE_1,
    TABLE_5,
    TABLE_7,
    TABLES_2_TO_4,
    find_row,
)
from benchmarks.medical.results import Results
from benchmarks.medical.tables import accuracy_in_full, make_tables
from benchmarks.medical.trials import Trial
from benchmarks.models import MODELS

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared" / "data" / "chestxray.npz"
QUICK = ["--votes", "2", "--train-iter", "3", "--jobs", "1", "--seeds", "2"]
QUICK += ["--protocol", "none"]
NAMES = ["breast-cancer", "shades"]
LIGHT = ["scd01", "scdce", "scdcebnn", "linear01", "mlp", "random-forest"]


@pytest.fixture
def images(tmp_path):
    """Thirty grey images of two shades and some noise, as the argument of --dataset."""
    rng = np.random.default_rng(0)
    y = np.arange(30) % 2
    X = rng.integers(0, 100, (30, 8, 8)) + 100 * y[:, None, None]
    np.savez(tmp_path / "shades.npz", X=X.astype(np.uint8), y=y)
    return f"npz:{tmp_path / 'shades.npz'}"


def complain(capsys, *argv):
    """Run `main` on a mistake, check the status and return what stderr says."""
    try:
        status = medical.main([*map(str, argv)])
    except SystemExit as stop:  # argparse's own way
        status = stop.code
    output = capsys.readouterr()
    assert status == 2
    assert "Traceback" not in output.err
    return output.err


def complain_in_one_line(capsys, *argv):
    message = complain(capsys, *argv)
    assert message.startswith("benchmarks.medical: error: ")
    assert message.count("\n") == 1
    assert message.endswith("\n")
    return message


def complain_about_data(capsys, *argv):
    """The same for a run that needs neither ART nor torch."""
    plain = ["--models", "random-forest", "--protocol", "none"]
    return complain_in_one_line(capsys, *plain, *argv)


def test_a_run_of_all_models_but_those_of_torch(images, tmp_path, capsys):
    folder = tmp_path / "out" / "deep"
    argv = ["--dataset", images, "breast-cancer", *QUICK, "--output", str(folder)]
    assert medical.main([*argv, "--models", *LIGHT]) == 0
    data = json.loads((folder / "results.json").read_text())
    assert data["arguments"]["models"] == LIGHT
    assert data["finished_utc"] >= data["started_utc"]
    assert data["environment"]["versions"]["numpy"] == np.__version__
    assert list(data["datasets"]) == [images, "breast-cancer"]
    entry = data["datasets"][images]
    assert entry["split"] == {
        "kind": "random",
        "seeds": {
            s: {"train": {"0": 12, "1": 12}, "test": {"0": 3, "1": 3}}
            for s in ("0", "1")
        },
    }
    assert list(entry["models"]) == LIGHT
    for model in entry["models"].values():
        trials = list(model["seeds"].values())
        shares = [trial["n_correct"] / 6 for trial in trials]
        assert [trial["accuracy"] for trial in trials] == shares
        assert model["mean"] == pytest.approx(np.mean(shares))
        assert model["std"] == pytest.approx(np.std(shares, ddof=1))
        assert all(trial["fit_seconds"] > 0 for trial in trials)
    assert entry["models"]["scdcebnn"]["parameters"]["binary_weights"] is True
    assert entry["models"]["scdcebnn"]["parameters"]["n_estimators"] == 2
    assert entry["models"]["mlp"]["parameters"]["estimator__max_iter"] == 3
    assert "2 of 2 runs" in entry["models"]["mlp"]["seeds"]["0"]["notes"][0]
    assert sorted(file.name for file in folder.iterdir()) == [
        "accuracy.csv",
        "checkpoints",
        "figures",
        "report.html",
        "results.json",
        *(f"table1-{name}.{k}" for name in NAMES for k in ("csv", "rst")),
        "table1.csv",
        "table1.rst",
    ]
    printed = capsys.readouterr().out
    for table in make_tables(data):
        assert table.to_text() in printed
    assert "StandardScaler fitted on train" in printed
    # Each model's accuracy as soon as it is known.
    for trained in data["datasets"].values():
        for model in trained["models"].values():
            for seed, trial in model["seeds"].items():
                shown = rf"{model['label']} +{seed} +{100 * trial['accuracy']:.2f} "
                assert re.search(shown, printed)
    assert (folder / "accuracy.csv").read_text() == accuracy_in_full(data).to_csv()


def test_three_classes(tmp_path):
    X = np.repeat(np.arange(3, dtype=np.uint8) * 100, 10)[:, None, None]
    np.savez(tmp_path / "three.npz", X=np.tile(X, (1, 4, 4)), y=X[:, 0, 0])
    spec = f"npz:{tmp_path / 'three.npz'}"
    argv = ["--dataset", spec, "--models", "scdce", "random-forest", "--seeds", "1"]
    argv += ["--votes", "5", "--protocol", "none", "--output", str(tmp_path / "out")]
    assert medical.main(argv) == 0
    data = json.loads((tmp_path / "out" / "results.json").read_text())
    models = data["datasets"][spec]["models"]
    assert {name: model["mean"] for name, model in models.items()} == {
        "scdce": 1.0,
        "random-forest": 1.0,
    }


def test_the_seed_makes_the_figures(images, tmp_path):
    figures = []
    for name in ("one", "two"):
        argv = ["--dataset", images, *QUICK, "--output", str(tmp_path / name)]
        assert medical.main([*argv, "--models", *LIGHT]) == 0
        data = json.loads((tmp_path / name / "results.json").read_text())
        models = data["datasets"][images]["models"].values()
        figures.append([t["n_correct"] for m in models for t in m["seeds"].values()])
    assert figures[0] == figures[1]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_run_keeps_its_trials(images, tmp_path, monkeypatch, error):
    trials = iter([train.run_trial, train.run_trial, None])

    def run_two_trials(*args):
        trial = next(trials)
        if trial is None:
            raise error
        return trial(*args)

    monkeypatch.setattr(train, "run_trial", run_two_trials)
    argv = ["--dataset", images, "--models", "random-forest", "mlp", *QUICK]
    argv += ["--output", str(tmp_path / "out")]
    if error is KeyboardInterrupt:
        assert medical.main(argv) == 130
    else:
        with pytest.raises(RuntimeError):
            medical.main(argv)
    data = json.loads((tmp_path / "out" / "results.json").read_text())
    assert data["finished_utc"] is None
    models = data["datasets"][images]["models"]
    assert {name: list(m["seeds"]) for name, m in models.items()} == {
        "random-forest": ["0"],
        "mlp": ["0"],
    }


def make_record(tmp_path, row):
    """A record of two seeds of one model, with figures easy to check."""
    dataset = Dataset(
        "chestxray", np.zeros((4, 96, 96), np.uint8), np.arange(4) % 2, ("a", "b"), "s"
    )
    model = MODELS["scd01"]
    arguments = {"seeds": 2, "votes": 5, "jobs": 1, "paper_row": "auto"}
    results = Results(tmp_path, arguments)
    results.add_dataset("npz:x", dataset, "random", row)
    for seed, correct in enumerate((90, 80)):
        trial = Trial(correct, 100, 1.5 + seed, 0.1, ("slow",))
        results.add_trial("npz:x", model, {"random_state": seed}, seed, trial)
    return results.data


def test_table_sets_the_paper_beside_ours(tmp_path):
    data = make_record(tmp_path, "chest-xray")
    overview, of_the_set = make_tables(data)
    assert [[str(cell) for cell in row] for row in overview.rows] == [
        ["SCD01", "85.00 ± 7.07 (90.69)"]
    ]
    (line,) = csv.DictReader(of_the_set.to_csv().splitlines())
    assert line["accuracy, %"] == "85.00 ± 7.07"
    assert (line["the paper"], line["fit, s"]) == ("90.69", "2.0")
    text = of_the_set.to_text()
    assert text.startswith("Table 1. Clean accuracy on the test rows. chestxray\n")
    assert "\nchestxray, SCD01, seed 0, 1: slow" in text
    assert "Yang" in text
    (row,) = csv.DictReader(accuracy_in_full(data).to_csv().splitlines())
    assert float(row["mean"]) == 0.85
    assert float(row["min"]) == 0.8
    assert float(row["paper_accuracy"]) == 0.9069


def test_table_of_a_set_that_is_not_the_papers(tmp_path):
    for table in make_tables(make_record(tmp_path, None)):
        assert "the paper" not in table.to_text()
        assert "Yang" not in table.to_text()


def test_the_table_says_how_many_runs_are_voted(tmp_path):
    data = make_record(tmp_path, None)
    (entry,) = data["datasets"].values()
    model = entry["models"]["scd01"]
    for name, parameters in {
        "voted": {"n_estimators": 5},
        "behind a front": {"scdclassifier__n_estimators": 5},
        "forest": {"n_estimators": 100},
        "single": {"max_iter": 9},
    }.items():
        entry["models"][name] = {**model, "label": name, "parameters": parameters}
    del entry["models"]["scd01"]
    text = " ".join(make_tables(data)[0].to_text().split())
    assert "Votes: 5; forest 100 runs or trees; single runs: single." in text


@pytest.mark.parametrize(
    ("name", "shape", "row"),
    [
        ("ChestXray", (96, 96), "chest-xray"),
        ("chest_x-ray", (96, 96), "chest-xray"),
        ("histopathology", (96, 96, 3), "histopathology"),
        ("chestxray", (8, 8), None),
        ("chestxray2", (96, 96), None),
        ("brats18", (9216,), None),
    ],
)
def test_paper_row_by_name_and_size(name, shape, row):
    X = np.zeros((2, *shape), np.uint8)
    dataset = Dataset(name, X, np.array([0, 1]), ("a", "b"), "here")
    assert find_row(dataset) == row
    assert find_row(dataset, "none") is None
    assert find_row(dataset, "brats18") == "brats18"


def test_paper_figures():
    """A figure of each row of Table 1 and of each other table, from the paper."""
    assert TABLE_1["brats18"].accuracy["scdcebnn"] == 95.31
    assert TABLE_1["chest-xray"].accuracy["mlp"] == 88.72
    assert TABLE_1["histopathology"].accuracy["scd01"] == 99.2
    assert TABLES_2_TO_4["chest-xray"]["resnet18"] == 0.52
    assert MEANS_OF_ROWS["brats18"]["scdcebnn"] == 12.20
    assert TABLE_5["mlp"] == 8.59
    assert TABLE_7["random-forest"] == 57.14


def test_wilson_interval():
    low, high = Trial(8, 10, 0, 0).interval
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)


def test_list(capsys):
    assert medical.main(["--list"]) == 0
    printed = capsys.readouterr().out
    for name in ("colon-ihc", "breast-cancer", "npz:FILE", "folder:DIR", "scdcebnn"):
        assert f"  {name} " in printed


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--dataset", "colon"], "choose from colon-ihc, breast-cancer, npz:FILE"),
        (["--dataset", "npz:"], "unknown data set 'npz:'"),
        (["--models", "svm"], "unknown model 'svm' (choose from scd01, scdce,"),
        (["--seeds", "0"], "'0' is not a whole number above 0"),
    ],
)
def test_arguments_are_checked(capsys, argv, words):
    assert words in complain(capsys, *argv)


def test_missing_file(capsys):
    message = complain_about_data(capsys, "--dataset", "npz:nowhere.npz")
    assert "nowhere.npz: no such file" in message
    message = complain_about_data(capsys, "--dataset", "folder:nowhere")
    assert "nowhere: no such folder" in message


def test_npz_without_y(tmp_path, capsys):
    np.savez(tmp_path / "half.npz", X=np.zeros((4, 2, 2), np.uint8))
    message = complain_about_data(capsys, "--dataset", f"npz:{tmp_path}/half.npz")
    assert "half.npz: no array 'y'" in message
    assert "numpy.savez" in message


def test_unreadable_image(tmp_path, capsys):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "torn.png").write_bytes(b"\x89PNG\r\n")
    message = complain_about_data(capsys, "--dataset", f"folder:{tmp_path}")
    assert "torn.png: unreadable image" in message


def test_class_without_image(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    message = complain_about_data(capsys, "--dataset", f"folder:{tmp_path}")
    assert "class 'empty' has no image" in message


def test_output_that_cannot_be_written(images, tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    for place in ("taken", "taken/deeper"):
        argv = ["--dataset", images, *QUICK, "--output", tmp_path / place]
        assert "--output" in complain_about_data(capsys, *argv)
    (tmp_path / "out" / "results.json").mkdir(parents=True)
    argv = ["--dataset", images, *QUICK, "--output", tmp_path / "out"]
    assert "results.json: can't write" in complain_about_data(capsys, *argv)


def test_wrong_combinations(images, tmp_path, capsys):
    other = tmp_path / "other" / "shades.npz"
    other.parent.mkdir()
    other.write_bytes(Path(images.removeprefix("npz:")).read_bytes())
    for argv, words in [
        (["--dataset", "colon-ihc", "--split", "random"], "--split auto"),
        (["--dataset", images, "--split", "group"], "has no groups"),
        (["--dataset", images, f"npz:{other}"], "two data sets are named shades"),
        (
            ["--dataset", images, "colon-ihc", "--paper-row", "brats18"],
            "give a single --dataset",
        ),
    ]:
        assert words in complain_about_data(capsys, *argv)


def test_missing_extra(capsys, monkeypatch):
    find_spec = errors.find_spec
    monkeypatch.setattr(
        errors, "find_spec", lambda name: None if name == "tqdm" else find_spec(name)
    )
    message = complain_in_one_line(capsys, "--list")
    assert "tqdm" in message
    assert "pip install 'sklearn-scd[benchmarks]'" in message


def test_a_model_of_another_extra_names_that_one(capsys, monkeypatch):
    find_spec = errors.find_spec
    monkeypatch.setattr(
        errors, "find_spec", lambda name: None if name == "deel" else find_spec(name)
    )
    argv = ["--protocol", "none", "--models", "random-forest"]
    message = complain_in_one_line(capsys, *argv, "lipschitz-mlp")
    assert "no module named deel" in message
    assert "pip install 'sklearn-scd[rivals]'" in message


def test_missing_torch(capsys, monkeypatch):
    """The attack on a smooth model's gradient needs it, even where it trains none."""
    pytest.importorskip("art")
    find_spec = errors.find_spec
    monkeypatch.setattr(
        errors, "find_spec", lambda name: None if name == "torch" else find_spec(name)
    )
    argv = ["--dataset", "npz:nowhere.npz", "--models"]
    assert "torch" in complain_in_one_line(capsys, *argv, "scd01", "mlp")
    for more in (["scd01"], ["mlp", "--no-white-box"], ["mlp", "--protocol", "none"]):
        assert "nowhere.npz" in complain_in_one_line(capsys, *argv, *more)


def run_module(*argv, **environment):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.medical", *argv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_as_a_program(tmp_path):
    """A real process: one line for a mistake, as when tqdm is not installed."""
    done = run_module("--dataset", "npz:nowhere.npz")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "benchmarks.medical: error: nowhere.npz: no such file; "
        "check the path after npz:\n"
    )


def test_without_an_extra_as_a_program():
    """Nothing that needs the extra is imported before it is looked for."""
    code = (
        "import sys; from importlib import util; find = util.find_spec; "
        "sys.modules['tqdm'] = sys.modules['skimage'] = None; "
        "util.find_spec = lambda n: None if n in ('tqdm', 'skimage') else find(n); "
        "from benchmarks.medical.__main__ import main; sys.exit(main([]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "skimage, tqdm" in done.stderr


@pytest.mark.skipif(not SHARED.exists(), reason="needs the project's own data")
def test_patients_are_on_one_side():
    from benchmarks.datasets import load
    from benchmarks.datasets.splits import draw_split, split_kind

    dataset = load(f"npz:{SHARED}")
    assert find_row(dataset) == "chest-xray"
    split = draw_split(dataset, split_kind(dataset), 0)
    assert not set(dataset.group[split.train]) & set(dataset.group[split.test])
    assert abs(len(split.test) / len(dataset.y) - 0.2) < 0.01
    assert abs(dataset.y[split.test].mean() - 0.5) < 0.02
