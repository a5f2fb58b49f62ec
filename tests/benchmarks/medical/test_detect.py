"""The command that measures how well votes tell adversarial samples."""

import json

import numpy as np

from benchmarks.medical.detect import main


def test_thresholds_hold_and_who_knows_them_is_not_flagged(tmp_path, capsys):
    out = tmp_path / "record.json"
    arguments = [str(out), "--dataset", "breast-cancer", "--votes", "7"]
    arguments += ["--images", "5", "--models-from", str(tmp_path)]
    assert main(arguments) == 0
    record = json.loads(out.read_text(encoding="utf-8"))
    (model,) = record["models"].values()
    clean = np.array(model["agreement_clean"])
    assert set(model["thresholds"]) == {"0.05", "0.01"}
    for rate, threshold in model["thresholds"].items():
        assert (clean < threshold).mean() <= float(rate)
        aware = model["attacks"][f"nearest_flip, {rate}"]["agreement"]
        assert all(share >= threshold - 1e-4 for share in aware if share is not None)
    free = model["attacks"]["nearest_flip"]
    assert len(free["distances"]) == 5
    # What is finished is taken from the folder.
    first = out.read_text(encoding="utf-8")
    out.unlink()
    assert main(arguments) == 0
    assert out.read_text(encoding="utf-8") == first
    capsys.readouterr()
