"""The speed benchmark's machinery on tiny sizes; no time is asserted."""

import json
import math
import re
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

pytest.importorskip("matplotlib")
pytest.importorskip("PIL")
pytest.importorskip("skimage")
pytest.importorskip("threadpoolctl")
pytest.importorskip("tqdm")

from benchmarks.speed import __main__ as speed
from benchmarks.speed import (
    _memory,
    _start_child,
    accuracy_over_time,
    defaults,
    ensemble,
    fit,
    growth,
    made_images,
    predict,
    start,
    timing,
    twins,
)
from benchmarks.speed.measurements import Measurement, SectionRecord, Target
from benchmarks.speed.sections import SECTIONS, Section
from benchmarks.speed.sections_run import run
from benchmarks.speed.speed_tables import render, render_targets, show
from benchmarks.speed.timing import interleaved
from sklearn_scd import SCDClassifier

TINY = {
    "defaults": defaults.Sizes(("breast cancer", "synthetic images"), 2, 60, 40),
    "accuracy": accuracy_over_time.Sizes(("wine", "two moons"), (1, 3), votes=2),
    "fit": fit.Sizes(60, 40, 4, 4, max_features=8, epochs=2, trees=2, repeats=2),
    "ensemble": ensemble.Sizes(60, 40, votes=2, max_iter=2, repeats=1),
    "growth": growth.Sizes(
        rows=(50, 100),
        features=(16, 64),
        classes=(2, 3),
        votes=(1, 2),
        base_rows=60,
        base_features=16,
        max_features=8,
        fewer_features=2,
        max_iter=(1, 40),
        max_iter_features=(1, 40),
        repeats=1,
    ),
    "predict": predict.Sizes(100, 40, votes=2, repeats=1),
    "twins": twins.Sizes(50, 30, 9, n_candidates=4, max_iter=2, repeats=1),
}


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory):
    """Path and content of the record of a run of tiny sections."""
    path = tmp_path_factory.mktemp("speed") / "out.json"
    arguments = speed.parse_arguments(
        ["--quick", "--sections", *TINY, "--output", str(path)]
    )
    sections = {
        name: Section(SECTIONS[name].run, sizes, sizes) for name, sizes in TINY.items()
    }
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(_memory, "measurable", lambda: False)  # no new processes here
        # Between timings so short it takes nearly all of the time of a long session.
        patch.setattr(timing.gc, "collect", lambda: 0)
        warnings.simplefilter("ignore", ConvergenceWarning)  # of an iteration or two
        run(arguments, sections)
    return path, json.loads(path.read_text())


def test_the_record_holds_every_section(tiny_run):
    _, data = tiny_run
    assert data["benchmark"] == "speed"
    assert data["finished_utc"] >= data["started_utc"]
    assert data["environment"]["versions"]["numpy"] == np.__version__
    assert list(data["sections"]) == list(TINY)
    for section in data["sections"].values():
        assert section["measurements"]
        for entry in section["measurements"]:
            assert entry["min"] <= entry["median"] <= entry["max"]
            assert all(map(math.isfinite, entry["values"]))
        for target in section["targets"]:
            over = target["value"] - target["limit"]
            assert target["met"] == (over >= 0 if target["at_least"] else over <= 0)
    names = [m["name"] for m in data["sections"]["fit"]["measurements"]]
    assert {"SCD01", "SCDCE (stored)", "SCDCEBNN / MLP"} < set(names)
    names = [m["name"] for m in data["sections"]["growth"]["measurements"]]
    assert "SCDCE, 3 classes, an iteration" in names
    assert {"SCD01, 50 rows, a candidate and row", "SCDCE, 2 votes, start"} < set(names)


def test_the_table_is_made_from_the_record(tiny_run):
    _, data = tiny_run
    text = render(data)
    assert "A quick run" in text
    for section in data["sections"].values():
        assert section["title"].split(":")[0] in text
        for target in section["targets"]:
            assert target["name"] in text
    assert ("met" in text) or ("missed" in text)
    # Models at their defaults: a row each, time and accuracy in a column a data set.
    assert re.search(r"\nSCDCE( +[\d.]+ m?s, [\d.]+){2}\n", text)


def test_plots_are_written(tiny_run, tmp_path, capsys):
    path, _ = tiny_run
    assert speed.main(["--plot", str(path), str(tmp_path / "new")]) == 0
    names = sorted(file.name for file in (tmp_path / "new").iterdir())
    assert names == [
        "speed_accuracy.png",
        "speed_accuracy.svg",
        "speed_fit.png",
        "speed_fit.svg",
        "speed_growth.png",
        "speed_growth.svg",
    ]
    assert "speed_fit.svg" in capsys.readouterr().out


def test_a_file_that_is_no_record_is_one_line_of_error(tmp_path, capsys):
    (tmp_path / "other.json").write_text('{"benchmark": "medical"}')
    for name in ("other.json", "missing.json"):
        assert speed.main(["--plot", str(tmp_path / name), str(tmp_path)]) == 2
        message = capsys.readouterr().err
        assert message.startswith("benchmarks.speed: error: ")
        assert message.count("\n") == 1


def test_data_that_are_not_there_leave_an_earlier_record(tmp_path, capsys):
    path = tmp_path / "speed.json"
    path.write_text("earlier")
    argv = ["--data", "npz:nowhere.npz", "--sections", "accuracy", "--quick"]
    assert speed.main([*argv, "--output", str(path)]) == 2
    assert "nowhere.npz: no such file" in capsys.readouterr().err
    assert path.read_text() == "earlier"


def test_given_data_are_read_once(tmp_path, monkeypatch):
    """However many sections take them, and the look before the run."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "few.npz", X=images, y=np.arange(40) % 2)
    reads, load = [], made_images.load
    monkeypatch.setattr(
        made_images, "load", lambda *a, **k: (reads.append(a), load(*a, **k))[1]
    )
    names = ["accuracy", "fit"]
    out = tmp_path / "speed.json"
    argv = ["--quick", "--sections", *names, "--data", f"npz:{tmp_path / 'few.npz'}"]
    arguments = speed.parse_arguments([*argv, "--output", str(out)])
    sections = {
        name: Section(SECTIONS[name].run, TINY[name], TINY[name]) for name in names
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        run(arguments, sections)
    assert len(reads) == 1
    made = json.loads(out.read_text())["sections"]
    assert all("few" in json.dumps(section) for section in made.values())


def test_targets_are_met_on_the_right_side():
    assert Target("time", 1.0, 1.0).met
    assert not Target("time", 1.1, 1.0).met
    assert Target("speed-up", 1.9, 1.8, at_least=True).met
    assert not Target("speed-up", 1.7, 1.8, at_least=True).met
    aims = [Target("time", 1.1, 1.0, unit="s"), Target("gain", 2, 1.8, at_least=True)]
    table = render_targets(
        {"sections": {"a": {"targets": [t.to_dict() for t in aims]}}}
    )
    lines = [" ".join(line.split()) for line in table.splitlines()]
    assert lines[2:] == [
        "time 1.1 s at most 1 s missed",
        "gain 2 at least 1.8 met",
    ]


def test_figures_have_units_that_suit_them():
    assert show(0.00012, "s") == "120 us"
    assert show(6.9e-10, "s") == "0.69 ns"
    assert show(0.25, "s") == "250 ms"
    assert show(2**21, "bytes") == "2.0 MiB"
    assert show(1.234, "") == "1.23"
    assert Measurement("a", (3.0, 1.0, 2.0)).to_dict()["median"] == 2.0


def test_competitors_take_turns():
    calls = []
    tasks = {name: lambda name=name: calls.append(name) for name in "ABC"}
    seconds = interleaved(tasks, 2)
    assert calls == list("ABCABC")
    assert [len(values) for values in seconds.values()] == [2, 2, 2]


def test_made_images_are_smooth_and_repeatable():
    X, y = made_images.made_images(300, 400, n_classes=3)
    again, _ = made_images.made_images(300, 400, n_classes=3)
    np.testing.assert_array_equal(X, again)
    assert X.dtype == np.uint8
    assert np.bincount(y).tolist() == [100, 100, 100]
    images = X.reshape(-1, 20, 20).astype(float)
    assert np.abs(np.diff(images, axis=2)).mean() < 0.5 * images.std()


def test_the_yardstick_of_the_import_is_what_the_package_imports():
    modules = _start_child.list_imports("sklearn_scd")["modules"]
    assert {"numpy", "numba", "sklearn.base"} <= set(modules)
    assert not [m for m in modules if m.startswith(("sklearn_scd", "typing"))]


def test_the_start_is_timed_in_fresh_processes(monkeypatch):
    # Stand-ins: the imports take seconds, the cold compilation half a minute.
    answers = {
        "list": {"modules": ["numpy"]},
        "import": {"seconds": 1.0},
        "fit": {"fit": 0.5, "fit and predict": 40.0, "processor": 19.0},
    }
    monkeypatch.setattr(start, "_child", lambda task, *_: answers[task])
    record = start.run(start.Sizes(2, 2, ("uint8", "float64")), lambda _: None)
    assert [target.value for target in record.targets] == [1.0, 0.5, 0.5, 40.0]
    assert [target.met for target in record.targets] == [True, True, True, False]
    assert _start_child.time_import(["json"])["seconds"] >= 0


def test_growth_is_read_off_the_record():
    record = SectionRecord("Growth")
    for size in (10, 100, 1000):
        about = {"axis": "rows", "model": "SCDCE", "part": "iteration", "size": size}
        record.add(f"{size}", [size**0.5 * 1e-3], **about)
    curve = growth.points(record.to_dict()["measurements"], "rows", "SCDCE")
    assert curve[0] == [10, 100, 1000]
    assert growth.exponent(*curve) == pytest.approx(0.5)


def test_accuracy_is_told_of_each_number_of_iterations(tiny_run):
    _, data = tiny_run
    section = data["sections"]["accuracy"]
    found = accuracy_over_time.curves(section["measurements"])
    assert list(found) == ["wine", "two moons"]
    for models in found.values():
        assert list(models) == list(accuracy_over_time.MODELS)
        for curve in models.values():
            assert curve[:, 0].tolist() == [1, 3]
            assert (curve[:, 1] > 0).all()
    X, y = load_wine(return_X_y=True)
    right = []
    for seed in range(2):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=0.2, stratify=y, random_state=seed
        )
        model = SCDClassifier("01", n_estimators=2, max_iter=3, random_state=seed)
        right.append(model.fit(X_train, y_train).score(X_test, y_test))
    assert found["wine"]["SCD01"][1, 2] == pytest.approx(np.mean(right))


@pytest.mark.skipif(not _memory.measurable(), reason="no peaks on this platform")
@pytest.mark.parametrize("task", ["fit", "predict"])
def test_memory_of_a_fresh_process(task):
    case = {"task": task, "n_rows": 20_000, "n_features": 400, "max_iter": 1}
    command = (
        "-m",
        "benchmarks.speed._memory",
        json.dumps(case | {"votes": 1, "jobs": 1}),
    )
    found = predict.run_child(*command)
    assert found["X"] == 20_000 * 400
    assert found["extra"] > found["X"]
    assert found["model"] > 0
