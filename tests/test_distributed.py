"""Training on a dask cluster of processes: the bits are those of one machine."""

import os
import signal
import time

import numpy as np
import pytest
from joblib import Parallel, parallel_config
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV

from sklearn_scd import SCDClassifier, _ensemble

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

FITTED = [
    "hidden_coef_",
    "hidden_intercept_",
    "output_coef_",
    "output_intercept_",
    "loss_curve_",
    "n_iter_",
]


@pytest.fixture(scope="module")
def client():
    """Two workers, each a process of one thread."""
    # A LocalCluster gives up a worker that takes longer than this to come back.
    config = {"distributed.deploy.lost-worker-timeout": "10 minutes"}
    # Any free port: without an address it takes one that may be in use, and warns.
    size = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with (
        dask.config.set(config),
        distributed.LocalCluster(**size) as c,
        distributed.Client(c) as client,
    ):
        yield client


@pytest.fixture
def cluster(client):
    """The client, once both workers are there."""
    client.wait_for_workers(2, timeout=300)
    with parallel_config("dask", wait_for_workers_timeout=300):
        yield client


def _model(**params):
    params = {
        "n_estimators": 20,
        "max_iter": 30,
        "hidden_units": 5,
        "random_state": 0,
        **params,
    }
    return SCDClassifier("01", **params)


def _data():
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    X = rng.standard_normal((300, 100)) + np.eye(3, 100)[y]
    return X.astype(np.float32), y


@pytest.fixture(scope="module")
def expected():
    """What one thread of this process trains."""
    return _model(n_jobs=1).fit(*_data())


def _assert_same_networks(a, b):
    for name in FITTED:
        assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


def _watch(monkeypatch, watch):
    """Let a function be called, with their number, as networks are done."""

    def progress(self, n_networks):
        numbers = iter(range(1, n_networks + 1))
        return lambda loss: watch(next(numbers))

    monkeypatch.setattr(SCDClassifier, "_progress", progress)


def _kill(pid):
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def test_workers_train_what_one_machine_trains(cluster, expected, monkeypatch):
    def refuse(*args):
        raise AssertionError("trained in the process that has the client")

    monkeypatch.setattr(_ensemble, "train_network", refuse)
    _assert_same_networks(_model().fit(*_data()), expected)


def test_samples_are_sent_once_not_with_every_network(cluster, monkeypatch):
    cloudpickle = pytest.importorskip("cloudpickle")
    X, y = _data()
    data, tasks = {}, {}

    def watch(n):
        for key, task in dict(cluster.cluster.scheduler.tasks).items():
            if "train_on" in key:
                tasks[key] = len(cloudpickle.dumps(task.run_spec))
            else:
                data[key] = task.nbytes

    _watch(monkeypatch, watch)
    _model().fit(X, y)
    assert sum(size >= X.nbytes for size in data.values()) == 1
    assert sum(data.values()) < 1.1 * X.nbytes
    assert len(tasks) > 2
    assert max(tasks.values()) < 0.1 * X.nbytes


def _running(cluster):
    """Processes of the workers; for a moment one that was killed is still listed."""
    end = time.monotonic() + 60
    while True:
        try:
            return cluster.run(os.getpid).values()
        except OSError:  # a CommClosedError
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@pytest.mark.parametrize("n_killed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_fit_outlives_its_workers(cluster, expected, monkeypatch, n_killed):
    pids = list(cluster.run(os.getpid).values())

    def watch(n):
        if n == 2:
            for pid in pids[:n_killed]:
                _kill(pid)

    _watch(monkeypatch, watch)
    _assert_same_networks(_model().fit(*_data()), expected)
    cluster.wait_for_workers(2, timeout=300)
    assert not set(pids[:n_killed]) & set(_running(cluster))


def test_samples_that_are_lost_are_sent_anew(cluster, expected, monkeypatch):
    lost, runs = [], []
    run = Parallel.__call__

    def watch(n):
        if n == 2:
            lost.extend(key for key in cluster.who_has() if "train_on" not in key)
            futures = [distributed.Future(key, cluster) for key in lost]
            cluster.cancel(futures, force=True)

    def counted(self, jobs):
        runs.append(jobs)
        return run(self, jobs)

    _watch(monkeypatch, watch)
    monkeypatch.setattr(Parallel, "__call__", counted)
    _assert_same_networks(_model().fit(*_data()), expected)
    assert lost
    assert len(runs) == 2


def test_interrupted_fit_leaves_model_and_cluster_free(cluster, expected, monkeypatch):
    X, y = _data()
    model = _model(n_estimators=2, warm_start=True).fit(X, y)
    before = model.predict_proba(X)

    def interrupt(n):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        _watch(patch, interrupt)
        with parallel_config("dask"), pytest.raises(KeyboardInterrupt):
            model.set_params(n_estimators=200).fit(X, y)
    assert_array_equal(model.predict_proba(X), before)
    deadline = time.monotonic() + 300  # a worker may still load its kernels
    while any(cluster.processing().values()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(cluster.processing().values())
    _assert_same_networks(model.set_params(n_estimators=20).fit(X, y), expected)


def test_search_on_the_workers_nests(cluster):
    X, y = _data()
    grid = {"hidden_units": [1, 5]}
    search = GridSearchCV(_model(n_estimators=2), grid, cv=2)
    on_cluster = search.fit(X, y).cv_results_["mean_test_score"]
    with parallel_config("sequential"):
        here = search.fit(X, y).cv_results_["mean_test_score"]
    assert_array_equal(on_cluster, here)
