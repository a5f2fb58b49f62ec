"""A row of the benchmark run again gives the figures that are kept."""

import copy
import json
from pathlib import Path

import pytest

from benchmarks.medical import repeat
from benchmarks.medical.__main__ import main

RECORD = Path(__file__).parents[3] / "benchmarks" / "records" / "repeat-colon-ihc.json"


def test_certificates_and_best_attacks_are_those_of_the_record(tmp_path, capsys):
    """On any machine to two digits; the command tells how far each attack's are.

    Of networks on pixels: behind a projection those of another processor are others.
    """
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    options = record["command"].partition("benchmarks.medical ")[2].split()
    assert main([*options, "--output", str(tmp_path)]) == 0
    capsys.readouterr()
    assert repeat.main([str(RECORD), str(tmp_path / "results.json")]) == 0
    shown = capsys.readouterr().out
    assert "certified" in shown
    assert "hop_skip_jump" in shown


@pytest.mark.parametrize(
    ("column", "status"),
    [("certified", 1), ("nearest", 1), ("surrogate", 0), ("hop_skip_jump", 0)],
)
def test_certificates_and_best_attacks_alone_decide_the_status(
    tmp_path, monkeypatch, column, status
):
    monkeypatch.setattr(repeat, "condense", lambda data, *_: data)
    other = json.loads(RECORD.read_text(encoding="utf-8"))
    model = next(iter(other["evaluation"]["models"].values()))
    values = model[column] if column in model else model["distances"][column]
    values[next(k for k, distance in enumerate(values) if distance)] *= 1.02
    results = tmp_path / "results.json"
    results.write_text(json.dumps(other), encoding="utf-8")
    assert repeat.main([str(RECORD), str(results)]) == status


def test_a_figure_that_moved_is_told():
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    other = copy.deepcopy(record)
    name, model = next(iter(other["evaluation"]["models"].items()))
    label = record["models"][name]["label"]
    place = next(k for k, d in enumerate(model["certified"]) if d)
    model["certified"][place] *= 1.02
    assert repeat.differences(record, other)[label]["certified"] == pytest.approx(
        0.02 / 1.02, abs=1e-3
    )
    model["certified"][place] = None
    assert repeat.differences(record, other)[label]["certified"] == float("inf")
