"""The package as a guest in a process: its threads, forks of it, its global state."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV

import sklearn_scd
from sklearn_scd import SCDClassifier

PREAMBLE = """
import json
import numpy as np
from sklearn_scd import SCDClassifier

rng = np.random.default_rng(0)
X = rng.standard_normal((4_000, 20))
y = (X[:, 0] * X[:, 1] > 0).astype(int)

def fit(n_jobs, **params):
    model = SCDClassifier(n_estimators=6, max_iter=20, n_jobs=n_jobs, random_state=0)
    return model.set_params(**params).fit(X, y)
"""


def _answer(code, seconds=1_800):
    """What code prints as JSON in a fresh process, in which a warning is an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(sklearn_scd.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,  # of what would hang
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_fit_takes_n_jobs_threads_and_starts_no_other_pool(n_jobs):
    code = """
import os, threading, time
from numba import threading_layer
from threadpoolctl import threadpool_info
X @ X.T  # the pool of the BLAS, if it has one
tasks = lambda: set(os.listdir("/proc/self/task"))
ticks = lambda task: sum(map(int, open(f"/proc/self/task/{task}/stat").read()
                             .rpartition(")")[2].split()[11:13]))
before, pools, done = tasks(), len(threadpool_info()), threading.Event()
used = {task: ticks(task) for task in before}
seen, busy = {}, {}
def watch():
    while not done.wait(0.002):
        for task in tasks():
            try:
                seen[task] = ticks(task)
            except OSError:
                pass
watcher = threading.Thread(target=watch)
watcher.start()
fit(N_JOBS, n_estimators=12, max_iter=200)
done.set()
watcher.join()
end = time.monotonic() + 60
while tasks() - before and time.monotonic() < end:
    time.sleep(0.01)  # threads that were told to stop need not have stopped yet
seen.pop(str(watcher.native_id), None)
took = {task: n - used.get(task, 0) for task, n in seen.items()}
worked = [n for n in took.values() if n > max(took.values()) / 4]
try:
    layer = threading_layer()
except ValueError:
    layer = None
print(json.dumps([len(worked), len(tasks() - before), layer,
                  len(threadpool_info()) - pools]))
"""
    worked, left, layer, pools = _answer(PREAMBLE + code.replace("N_JOBS", str(n_jobs)))
    # Beside the workers the main thread, which prepares the data and keeps the results.
    assert min(n_jobs, 2) <= worked <= n_jobs + (n_jobs > 1)
    assert (left, layer, pools) == (0, None, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fit_in_a_fork_after_a_fit_in_threads():
    code = """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
fit(2).predict(X)
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.write(write, fit(2).predict(X).astype("uint8").tobytes())
    os._exit(0)
os.close(write)
got = b""
while part := os.read(read, 65536):
    got += part
_, status = os.waitpid(child, 0)
print(json.dumps([status, got == fit(1).predict(X).astype("uint8").tobytes()]))
"""
    assert _answer(PREAMBLE + code) == [0, True]


def test_all_processors_within_a_search_on_all_processors():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 3)), np.arange(60) % 2
    X[:, 0] += y
    scores = [
        GridSearchCV(
            SCDClassifier(n_estimators=3, max_iter=10, n_jobs=n_jobs, random_state=0),
            {"hidden_units": [0, 3]},
            cv=2,
            n_jobs=n_jobs,
        )
        .fit(X, y)
        .cv_results_["mean_test_score"]
        for n_jobs in [1, -1]
    ]
    assert_array_equal(*scores)


def test_import_fit_and_prediction_leave_global_state_alone():
    code = """
import json, logging, locale, multiprocessing, os, random, signal, sys, threading
import warnings
import joblib, numba, numpy as np, scipy.optimize, scipy.special
import sklearn, sklearn.model_selection, sklearn.pipeline, sklearn.decomposition
import sklearn.svm, sklearn.neural_network, sklearn.ensemble
from threadpoolctl import threadpool_info

def pools():
    return {p["filepath"]: p["num_threads"] for p in threadpool_info()}

known = pools()
def state():
    return {
        "numpy errors": np.geterr(),
        "numpy printing": repr(np.get_printoptions()),
        "numpy random": repr(np.random.get_state()),
        "random": hash(random.getstate()),
        "warnings": repr(warnings.filters),
        "showwarning": repr(warnings.showwarning),
        "environment": dict(os.environ),
        "pools": {path: n for path, n in pools().items() if path in known},
        "numba threads": numba.get_num_threads(),
        "threads": threading.active_count(),
        "path": list(sys.path),
        "folder": os.getcwd(),
        "recursion": sys.getrecursionlimit(),
        "hooks": [repr(sys.excepthook), repr(sys.displayhook)],
        "signals": [repr(signal.getsignal(s)) for s in signal.valid_signals()],
        "logging": [logging.root.level, repr(logging.root.handlers)],
        "locale": locale.setlocale(locale.LC_ALL),
        "start method": multiprocessing.get_start_method(allow_none=True),
        "scikit-learn": sklearn.get_config(),
        "files": sorted(os.listdir()),
        "joblib": repr(joblib.parallel.get_active_backend()[0].__class__),
    }

differences = {}
def compare(when):
    after = state()
    differences[when] = [name for name in before if before[name] != after[name]]

before = state()
import sklearn_scd, sklearn_scd.robustness
compare("import")
X = np.random.default_rng(0).standard_normal((30, 3))
y = np.arange(30) % 2
for n_jobs in (1, 2):
    model = sklearn_scd.SCDClassifier(n_estimators=3, max_iter=5, n_jobs=n_jobs)
    model.set_params(random_state=0, margin=0.1, noise=0.1).fit(X, y).predict(X)
compare("fit")
sklearn_scd.robustness.certified_distortion(model, X, y)
compare("certificate")
print(json.dumps(differences))
"""
    assert _answer(code) == {"import": [], "fit": [], "certificate": []}
