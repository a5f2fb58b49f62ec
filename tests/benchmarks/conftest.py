"""What tests of the benchmark share: images, and a run that trains once a session."""

import contextlib
import io
import shutil

import numpy as np
import pytest
from _benchmark_helpers import MODELS, FinishedRun, medical_arguments, read


@pytest.fixture(scope="session")
def shades(tmp_path_factory):
    """Sixty grey images of two shades and much noise, as the argument of --dataset."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.integers(0, 200, (60, 6, 6)) + 55 * y[:, None, None]
    path = tmp_path_factory.mktemp("data") / "shades.npz"
    np.savez(path, X=X.astype(np.uint8), y=y)
    return f"npz:{path}"


@pytest.fixture(scope="session")
def finished(shades, tmp_path_factory):
    """A finished run of `MODELS`; its folder is not to be written to."""
    pytest.importorskip("art")
    from benchmarks.medical.__main__ import main

    folder, printed = tmp_path_factory.mktemp("finished"), io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(medical_arguments(shades, folder, MODELS)) == 0
    return FinishedRun(folder, read(folder), printed.getvalue())


@pytest.fixture
def finished_copy(finished, tmp_path):
    """Folder of the same run, to go on with."""
    return shutil.copytree(finished.folder, tmp_path / "finished")


@pytest.fixture
def no_report(monkeypatch):
    """Leave out the report, whose figures take most of the time of small runs."""
    from benchmarks.medical import stages

    monkeypatch.setattr(stages, "write_report", lambda *_: None)
