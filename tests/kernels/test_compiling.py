"""Kernels where nothing can be kept, or what is kept is damaged; what is said of it.

The kernels here are small ones: each case is a process of its own, which compiles them.
"""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sklearn_scd
from sklearn_scd import (
    SCDClassifier,
    SignConvolution,
    _classifier,
    _precompile,
    precompile,
)
from sklearn_scd._kernels import compiling

PACKAGE = Path(sklearn_scd.__file__).parent
SAID = "sklearn_scd compile"

# Two kernels, whether they do what they should, and how many were read, not compiled.
KERNELS = """
import numpy as np
from sklearn_scd._kernels.rows import copy_values, scale_values

def use_kernels():
    values, copy = np.arange(3.0), np.empty(3)
    copy_values(values, copy)
    scale_values(copy, 2.0)
    return int((copy == 2 * values).all())

"""
REPORT = """
print(use_kernels(), sum(len(k.stats.cache_hits) for k in (copy_values, scale_values)))
"""
TOGETHER = """
from sklearn_scd._kernels.compiling import announced_once
with announced_once():
    use_kernels()
"""


def _run(code, cache, package=PACKAGE, **environment):
    """What code prints in a fresh process: (lines, stderr)."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(package.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_CACHE_DIR": str(cache),
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=package.parent,  # which comes first on the path
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A folder that has both kernels, and what was said when they were compiled."""
    cache = tmp_path_factory.mktemp("kernels")
    return cache, _run(KERNELS + TOGETHER, cache)[1]


def _package_that_nobody_writes_to(folder):
    """Plain files where folders of caches would be: also root can't write there."""
    shutil.copytree(
        PACKAGE, folder / "sklearn_scd", ignore=shutil.ignore_patterns("__pycache__")
    )
    folders = [d for d in (folder / "sklearn_scd").rglob("*") if d.is_dir()]
    for place in [folder / "sklearn_scd", *folders]:
        (place / "__pycache__").touch()
    return folder / "sklearn_scd"


def test_kernels_compile_and_warn_once_where_no_folder_can_be_written_to(tmp_path):
    package = _package_that_nobody_writes_to(tmp_path)
    # Workers that are processes are in the same place.
    code = """
from joblib import Parallel, delayed
from sklearn_scd._training_set import canonical_rows
X = np.arange(12.0).reshape(4, 3)
calls = [delayed(canonical_rows)(X, np.zeros(4, int), np.ones(4)) for _ in range(2)]
print(*(len(rows) for rows, _ in Parallel(2, "loky")(calls)))
"""
    home = {"HOME": "/proc/nowhere", "XDG_CACHE_HOME": "/proc/nowhere"}
    out, err = _run(KERNELS + REPORT, "", package, **home)
    assert out == ["1", "0"]
    assert err.count("NUMBA_CACHE_DIR") == 1
    out, err = _run(KERNELS + code, "", package, **home)
    assert out == ["4", "4"]
    assert 1 <= err.count("NUMBA_CACHE_DIR") <= 2  # workers


def test_import_alone_says_nothing(tmp_path):
    package = _package_that_nobody_writes_to(tmp_path)
    home = {"HOME": "/proc/nowhere", "XDG_CACHE_HOME": "/proc/nowhere"}
    _, err = _run("import sklearn_scd", "", package, PYTHONWARNINGS="error", **home)
    assert err == ""


@pytest.mark.skipif(os.name == "nt", reason="needs limits on the size of files")
@pytest.mark.parametrize(
    "harm",
    [
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))",  # full
        "import shutil; shutil.rmtree(CACHE); open(CACHE, 'w').close()",
    ],
)
def test_a_cache_that_can_no_longer_be_written_to_ends_no_fit(harm, tmp_path):
    cache = tmp_path / "cache"
    code = KERNELS + f"CACHE = {str(cache)!r}\n" + harm + REPORT
    out, err = _run(code, cache)
    assert out == ["1", "0"]
    assert err.count("NUMBA_CACHE_DIR") == 1


def test_damaged_files_are_compiled_anew_and_mended(filled, tmp_path):
    shutil.copytree(filled[0], tmp_path, dirs_exist_ok=True)
    indices = sorted(tmp_path.rglob("*.nbi"))
    assert len(indices) >= 2
    for i, path in enumerate(indices):  # of one kernel the index, of another the code
        if i % 2 == 0:
            content = path.read_bytes()
            path.write_bytes(content[: len(content) // 2])
            continue
        codes = list(path.parent.glob(path.stem + ".*.nbc"))
        assert codes
        for code in codes:
            code.write_bytes(b"\x00" * 99)
    out, err = _run(KERNELS + REPORT, tmp_path)
    assert out == ["1", "0"]
    assert "NUMBA_CACHE_DIR" not in err
    assert _run(KERNELS + REPORT, tmp_path) == (["1", "2"], "")


def test_a_cache_that_is_read_only_is_read(filled):
    """As a container's image has it, which another user filled."""
    code = """
import tempfile, numba.core.caching
def refuse(**options):
    raise PermissionError(13, "read-only")
tempfile.TemporaryFile = refuse  # by which numba tries folders
"""
    assert _run(code + KERNELS + REPORT, filled[0]) == (["1", "2"], "")


def test_kernels_are_compiled_anew_when_another_file_of_kernels_changes(tmp_path):
    package = tmp_path / "sklearn_scd"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    cache = tmp_path / "cache"
    _run(KERNELS + REPORT, cache, package)
    assert _run(KERNELS + REPORT, cache, package)[0] == ["1", "2"]
    with open(package / "_kernels" / "losses.py", "a", encoding="utf-8") as file:
        file.write("\n# another line\n")
    assert _run(KERNELS + REPORT, cache, package)[0] == ["1", "0"]


def test_compilation_is_told_when_it_begins_and_ends_and_only_then(filled, tmp_path):
    first, last = filled[1].splitlines()  # of two kernels
    assert first.startswith("sklearn_scd compiles its kernels")
    assert last.startswith("sklearn_scd compiled its kernels in ")
    assert _run(KERNELS + TOGETHER, filled[0])[1] == ""  # they were read
    # As certificates and attacks do.
    alone = _run(KERNELS + "use_kernels()", tmp_path / "alone")[1]
    assert alone.splitlines() == [
        "sklearn_scd compiles kernels as they are first used, some seconds in all."
    ]
    silence = "import logging; logging.getLogger('sklearn_scd').setLevel('ERROR')\n"
    assert _run(silence + KERNELS + TOGETHER, tmp_path / "silent")[1] == ""


def test_a_fit_tells_of_one_compilation_that_of_its_rows_included(monkeypatch):
    """Else the small kernels that plan rows are told of first, and by themselves."""
    n_open = {}

    def watched(name, function):
        def call(*args, **kwargs):
            n_open[name] = compiling._announcer._n_open
            return function(*args, **kwargs)

        return call

    for name in ("canonical_rows", "plan_rows", "compile_for", "train_networks"):
        monkeypatch.setattr(
            _classifier, name, watched(name, getattr(_classifier, name))
        )
    X, y = np.arange(8.0).reshape(-1, 1), np.arange(8) // 4
    SCDClassifier(n_estimators=1, max_iter=1, margin="auto", random_state=0).fit(X, y)
    assert n_open == {
        "canonical_rows": 1, "plan_rows": 1, "compile_for": 1, "train_networks": 0,
    }  # fmt: skip


def _n_compiled():
    """Versions of all training and prediction kernels in this process."""
    modules = [
        m for n, m in sys.modules.items() if n.startswith("sklearn_scd._kernels")
    ]
    kernels = {
        id(value): value
        for module in modules
        for value in vars(module).values()
        if hasattr(value, "overloads")
    }
    return sum(len(kernel.overloads) for kernel in kernels.values())


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("dtype", _precompile.DTYPES)
def test_precompiled_is_all_that_a_fit_and_its_predictions_need(dtype, noise):
    precompile([dtype])
    before = _n_compiled()
    assert before > 4  # or this test shows nothing
    X = np.random.default_rng(0).integers(0, 99, (60, 5)).astype(dtype)
    for loss, labels in [("01", X[:, 0] > 50), ("ce", X[:, 0] % 3)]:
        for hidden_units in (0, 3):
            model = SCDClassifier(
                loss, hidden_units=hidden_units, n_estimators=2, max_iter=5,
                noise=noise, margin=1.0, random_state=0,
            )  # fmt: skip
            model.fit(X, labels.astype(int)).predict(X)
    SignConvolution((1, 5), kernel_size=1).fit_transform(X)
    assert _n_compiled() == before


TRAINED = """
from numba import types
from sklearn_scd._kernels.training import _train

print([types.none in signature for signature in _train.signatures])
"""


def _trained_after(code):
    """Versions of the training in a process that ran some code: of CE or not."""
    done = subprocess.run(
        [sys.executable, "-c", code + TRAINED],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_prediction_alone_does_not_compile_training(tmp_path):
    X, path = np.random.default_rng(0).standard_normal((30, 3)), tmp_path / "model.pkl"
    model = SCDClassifier(n_estimators=2, max_iter=2, random_state=0)
    path.write_bytes(pickle.dumps((model.fit(X, np.arange(30) % 2), X)))
    code = f"""
import pickle
model, X = pickle.load(open({str(path)!r}, "rb"))
model.predict(X), model.predict_proba(X)
"""
    assert _trained_after(code) == "[]"


@pytest.mark.parametrize("loss", _precompile.LOSSES)
def test_a_fit_compiles_its_own_loss_alone(loss):
    code = f"""
import numpy as np
from sklearn_scd import SCDClassifier
X, y = np.random.default_rng(0).standard_normal((20, 2)), np.arange(20) % 2
SCDClassifier({loss!r}, n_estimators=1, max_iter=2, margin=1.0).fit(X, y)
"""
    compiled = {"01": "[False]", "ce": "[True]", "radius": "[]"}
    assert _trained_after(code) == compiled[loss]


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype(np.float32)])
def test_precompile_takes_a_single_dtype(dtype, monkeypatch):
    asked = []
    monkeypatch.setattr(
        _precompile, "compile_for", lambda X, noise: asked.append(X.dtype)
    )
    precompile(dtype)
    assert set(asked) == {np.dtype(np.float32)}


def test_precompile_names_a_dtype_that_fits_do_not_use():
    with pytest.raises(ValueError, match=r"among .*'uint8'.*got 'int16'"):
        precompile(["int16"])


def test_progress_starts_its_clock_when_kernels_are_compiled(monkeypatch, capsys):
    """A fit compiles before the first network, not in it."""
    order = []
    monkeypatch.setattr(
        "sklearn_scd._classifier.compile_for",
        lambda X, noise, losses: order.append("compiled"),
    )
    monkeypatch.setattr(
        "sklearn_scd._classifier.ProgressLine",
        lambda *_: order.append("clock") or (lambda loss: None),
    )
    X = np.random.default_rng(0).standard_normal((20, 2))
    SCDClassifier(n_estimators=1, max_iter=2, verbose=1).fit(X, np.arange(20) % 2)
    assert order == ["compiled", "clock"]


def test_events_of_other_kernels_are_not_announced():
    class Event:
        data = {"dispatcher": type("D", (), {"py_func": np.testing.assert_equal})}

    assert not compiling._announcer._is_ours(Event())


def test_what_only_kernels_call_is_compiled_into_them_alone(tmp_path):
    code = (
        KERNELS
        + """
from sklearn_scd._kernels.rows import normalise_rows

rows = np.array([[3.0, 4.0], [0.0, 2.0]])
normalise_rows(rows)
print(len(normalise_rows.overloads), len(scale_values.overloads), end=" ")
print(int(np.allclose(rows, [[0.6, 0.8], [0.0, 1.0]])), use_kernels(), end=" ")
print(len(scale_values.overloads))
"""
    )
    # The normalisation calls kernels that Python calls at the end only, or never.
    assert _run(code, tmp_path)[0] == ["1", "0", "1", "1", "1"]
    kept = {path.name.partition("-")[0] for path in tmp_path.rglob("*.nbi")}
    assert kept == {"rows.normalise_rows", "rows.copy_values", "rows.scale_values"}
