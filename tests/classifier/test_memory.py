"""Memory: what a fit needs, what there is, and what is left behind."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sklearn_scd
from sklearn_scd import SCDClassifier, _memory, _training_set

GIB = 2**30


def _data(n=20):
    return np.random.default_rng(0).standard_normal((n, 40)), np.arange(n) % 2


def _write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


MACHINE = {
    "proc/meminfo": "MemTotal: 99 kB\nMemAvailable: 4096 kB\nSwapFree: 1024 kB\n"
}
VERSION_1 = {
    "proc/self/cgroup": "5:cpu,memory:/a/b\n0::/\n",
    "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712\n",
    "sys/fs/cgroup/memory/a/b/memory.usage_in_bytes": "5000000\n",
    "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "3000000\n",
    "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "2000000\n",
    "sys/fs/cgroup/memory/a/memory.stat": "inactive_file 300000\nrss 7\n",
}
VERSION_2 = {
    "proc/self/cgroup": "0::/a\n",
    "sys/fs/cgroup/a/memory.max": "max\n",
    "sys/fs/cgroup/a/memory.current": "1000\n",
    "sys/fs/cgroup/memory.max": "2000000\n",
    "sys/fs/cgroup/memory.current": "2100000\n",
    "sys/fs/cgroup/memory.stat": "active_file 150000\nanon 7\n",
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"proc/meminfo": "MemTotal: 99 kB\nno number:\n"}, None),
        (MACHINE, 5120 * 1024),
        ({**MACHINE, **VERSION_1}, 1_300_000),
        (VERSION_2, 50_000),
        ({**VERSION_2, "sys/fs/cgroup/memory.current": "9999999"}, 0),
        ({**MACHINE, "proc/self/cgroup": "0::/gone\n"}, 5120 * 1024),
    ],
)
def test_available_is_the_least_that_machine_and_control_groups_leave(
    files, expected, tmp_path
):
    assert _memory.available_memory(_write(tmp_path, files)) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="other systems don't tell")
def test_available_is_told_on_linux():
    assert 0 < _memory.available_memory() < 2**50


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_estimators": 10**9}, "the trained networks .* fewer n_estimators"),
        ({"max_iter": np.int64(2**40)}, "the trained networks .* max_iter"),
        ({"hidden_units": 10**8, "n_estimators": 1}, "one a thread .* hidden_units"),
        ({"noise": 1.0, "noisy_copies": 10**8, "hidden_units": 0}, "a copy of the dis"),
    ],
)
def test_fit_that_does_not_fit_says_so_before_it_starts(params, message, monkeypatch):
    def start(*args):
        raise AssertionError("it starts")

    monkeypatch.setattr(_memory, "available_memory", lambda: GIB)
    model = SCDClassifier(**params)
    monkeypatch.setattr(_training_set, "copy_columns", start)
    monkeypatch.setattr(_training_set, "_noisy_columns", start)
    with pytest.raises(MemoryError) as error:
        model.fit(*_data())
    assert re.fullmatch(
        r"This fit needs [\d,.]+ [GT]iB of memory, most of it for .* "
        r"\([\d,.]+ [GT]iB\), and 1\.0 GiB are available: give .*\.",
        str(error.value),
    )
    assert re.search(message, str(error.value))
    assert not hasattr(model, "hidden_coef_")


def test_what_is_available_suffices_or_does_not(monkeypatch):
    X, y = _data()
    model = SCDClassifier(n_estimators=2, max_iter=2, hidden_units=2)
    need = sum(
        _memory.fit_need(
            20, 40, X.dtype, X.dtype, 2, 1, model.get_params() | {"max_iter": 2}
        )
    )
    for copies in [1, 3]:  # equal rows are one
        many = np.repeat(X, copies, axis=0), np.repeat(y, copies)
        monkeypatch.setattr(_memory, "available_memory", lambda: need)
        model.fit(*many)
        monkeypatch.setattr(_memory, "available_memory", lambda: need - 1)
        with pytest.raises(MemoryError):
            model.fit(*many)


@pytest.mark.parametrize(
    "params",
    [
        {"n_estimators": 10**30},
        {"max_iter": np.int64(2**62)},
        {"noise": 1.0, "noisy_copies": 10**18},
    ],
)
def test_where_the_system_does_not_tell_what_none_could_hold_is_refused(
    params, monkeypatch
):
    monkeypatch.setattr(_memory, "available_memory", lambda: None)
    X, y = _data()
    SCDClassifier(n_estimators=1, max_iter=2).fit(X, y)
    with pytest.raises(MemoryError, match=r"This fit needs [\d,.]+ TiB"):
        SCDClassifier(**params).fit(X, y)


def test_more_rows_than_kernels_can_number_are_refused(monkeypatch):
    monkeypatch.setattr(_memory, "available_memory", lambda: None)
    nothing = _memory.Need(0, 0, 0)
    _memory.require_memory(2**32 - 1, nothing)
    with pytest.raises(ValueError, match="At most 4294967295 distinct rows"):
        _memory.require_memory(2**32, nothing)


def _tell(code):
    """Numbers that code prints in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(sklearn_scd.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [float(number) for number in done.stdout.split()]


PREAMBLE = """
import numpy as np
from sklearn_scd import SCDClassifier
from sklearn_scd._memory import fit_need

def held(key):
    with open("/proc/self/status") as status:
        return next(int(s.split()[1]) * 1024 for s in status if s.startswith(key))

def data(n_rows, n_features):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features), dtype=np.float32)
    return X, (X[:, 0] > 0).astype(int)
"""
in_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="this system doesn't tell"
)


@in_proc
def test_estimate_of_memory_is_near_what_a_fit_takes():
    code = """
model = SCDClassifier(n_estimators=60, max_iter=1, n_jobs=2, random_state=0)
model.fit(*data(50, 500))
X, y = data(30_000, 500)
before = held("VmRSS")
model.fit(X, y)
params = {**model.get_params(), "max_iter": 1}
print(held("VmHWM") - before, *fit_need(30_000, 500, X.dtype, X.dtype, 60, 2, params))
"""
    taken, *need = _tell(PREAMBLE + code)
    assert min(need) > 0.03 * sum(need)  # or not all parts are tested
    assert 0.75 * taken < sum(need) < 1.02 * taken


@in_proc
def test_repeated_fits_leave_nothing_behind():
    code = """
X, y = data(1_000, 50)
def fit(times):
    for seed in range(times):
        model = SCDClassifier(n_estimators=2, max_iter=2, n_jobs=2, random_state=seed)
        model.fit(X, y).predict(X)
    return held("VmRSS")
before = fit(20)
print(fit(100) - before, X.nbytes)
"""
    grown, size = _tell(PREAMBLE + code)
    assert grown < 20 * size  # of 100 copies of the data; allocators keep some MiB
