"""What comes in from outside: no network, no code from data files, bounds in order.

Watched by Python's audit hooks, which can't be taken off: in processes of their own.
"""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
WATCH = """
import logging, sys

logging.getLogger("sklearn_scd").setLevel("ERROR")  # lines on compiling kernels

def refuse(event, arguments):
    if event.startswith({events}):
        raise AssertionError(f"{{event}} {{arguments}}")

sys.addaudithook(refuse)
"""
NETWORK = ("socket.", "urllib.Request", "http.client.", "ftplib.", "smtplib.")
USE = """
import numpy as np
from sklearn_scd import SCDClassifier, make_robust_scd
from sklearn_scd.robustness import (
    certified_distortion, evaluate_robustness, minimum_distortion)

rng = np.random.default_rng(0)
y = np.tile([0, 1], 40)
X = 0.5 * rng.random((80, 40)) + 0.5 * y[:, np.newaxis] * rng.random((80, 40))
model = SCDClassifier(n_estimators=3, max_iter=20, n_jobs=2, random_state=0).fit(X, y)
assert set(model.predict(X)) == {0, 1} and model.agreement(X).max() <= 1
assert certified_distortion(model, X).max() > 0
assert len(evaluate_robustness(model, X[:2], y[:2], random_state=0).nearest) == 2
make_robust_scd(n_estimators=1, max_iter=5, random_state=0).fit(X, y).predict_proba(X)
if ART:
    minimum_distortion(model, X[:2], y[:2], n_restarts=1, max_iter=2, random_state=0)
"""


def run(events, code):
    """Run code in which some events are errors; the watch itself is tried first."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH.format(events=events) + code],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.slow
def test_the_package_uses_no_network():
    trial = "import socket; socket.create_connection(('127.0.0.1', 9))"
    status, error = run(NETWORK, trial)
    assert status == 1
    assert "AssertionError: socket." in error
    assert run(NETWORK, f"ART = {find_spec('art') is not None}" + USE) == (0, "")


def test_data_files_are_not_unpickled(tmp_path):
    """Those of all formats that are read, from the cache too."""
    for name in ("matplotlib", "nibabel", "PIL", "platformdirs", "skimage", "tqdm"):
        pytest.importorskip(name)
    import nibabel
    from PIL import Image

    rng = np.random.default_rng(0)
    np.savez(tmp_path / "it.npz", X=rng.random((20, 9, 9)), y=np.arange(20) % 2)
    for name in ("a", "b"):
        (tmp_path / "folder" / name).mkdir(parents=True)
        for kind in ("png", "jpg", "tif"):
            Image.new("L", (9, 9)).save(tmp_path / "folder" / name / f"it.{kind}")
    (tmp_path / "patients").mkdir()
    volume = np.pad(rng.integers(1, 99, (20, 20, 10)), 2).astype(np.int16)
    mask = np.zeros_like(volume)
    mask[5:9, 5:9, 7:] = 1
    for kind, values in (("flair", volume), ("seg", mask)):
        image = nibabel.Nifti1Image(values, np.eye(4))
        nibabel.save(image, tmp_path / "patients" / f"p_{kind}.nii.gz")
    trial = "import pickle; pickle.loads(pickle.dumps(OSError()))"
    status, error = run(("pickle.",), trial)
    assert status == 1
    assert "AssertionError: pickle.find_class" in error
    code = f"""
import os
os.environ["SKLEARN_SCD_CACHE"] = {str(tmp_path / "cache")!r}
from benchmarks.datasets import load
for spec in ("npz:it.npz", "folder:folder", "brats:patients"):
    kind, _, name = spec.partition(":")
    for _ in range(2):
        assert len(load(kind + ":" + os.path.join({str(tmp_path)!r}, name), True).y)
assert os.listdir(os.environ["SKLEARN_SCD_CACHE"])
load("colon-ihc", True), load("breast-cancer", True)
"""
    assert run(("pickle.", "marshal.loads.", *NETWORK), code) == (0, "")


def test_every_dependency_has_a_bound_and_a_pin():
    tomllib = pytest.importorskip("tomllib")  # from Python 3.11 on
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = {
        line.split("==")[0]
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    extras = project["optional-dependencies"]
    needs = [*project["dependencies"], *(need for ex in extras.values() for need in ex)]
    for need in needs:
        plain = need.partition(";")[0].replace(" ", "")
        parts = re.fullmatch(r"([\w-]+)(?:\[[\w,]+\])?(>=[\d.]+)?", plain)
        name, bound = parts.groups()
        if name == project["name"]:
            continue
        assert bound, f"{need} has no lower bound"
        assert name in pins, f"{name} has no pin"
