"""Jobs on threads and processes: the bits are the same, and who interrupts is heard."""

import os
import time
from concurrent.futures import CancelledError

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config
from numpy.testing import assert_array_equal

from sklearn_scd import SCDClassifier, _ensemble, _jobs
from sklearn_scd._ensemble import network_seed, settings_for
from sklearn_scd._jobs import run_jobs
from sklearn_scd._kernels.training import _train
from sklearn_scd._training_set import training_set

FITTED = [
    "hidden_coef_",
    "hidden_intercept_",
    "output_coef_",
    "output_intercept_",
    "loss_curve_",
    "n_iter_",
]


def _data():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    return rng.standard_normal((90, 20)) + np.eye(3, 20)[y], y


def _model(**params):
    params = {"n_estimators": 4, "max_iter": 20, "random_state": 0, **params}
    return SCDClassifier("01", **params)


def _not_here(train_network):
    """Refuse to train a network in this process."""
    here = os.getpid()

    def checked(*args):
        assert os.getpid() != here
        return train_network(*args)

    return checked


# Python 3.12 warns of a fork beside threads, which is what this backend is.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_processes_train_what_threads_train(backend, monkeypatch, capsys):
    X, y = _data()
    expected = _model(n_jobs=1).fit(X, y)
    with monkeypatch.context() as patch:
        patch.setattr(_ensemble, "train_network", _not_here(_ensemble.train_network))
        # All arrays are handed over as files that are mapped into memory.
        with parallel_config(backend, n_jobs=2, max_nbytes=1):
            model = _model(verbose=1).fit(X, y)
    for name in FITTED:
        assert_array_equal(getattr(model, name), getattr(expected, name))
    assert "12/12 networks" in capsys.readouterr().out.splitlines()[-1]


def test_data_mapped_into_memory_need_no_kernel_of_their_own(tmp_path):
    X, y = _data()
    training = training_set(X, y, np.ones(y.size), 3)
    data = _ensemble.binary_problem(training, 1)
    options = {**_model(ramp=0.0, target_loss=0.0).get_params(), "n_candidates": 5}
    call = settings_for(data, options), 6, network_seed(0, 0, 1)
    expected = _ensemble.train_network(data, *call)
    compiled = list(_train.signatures)
    mapped = []
    for i, field in enumerate(data):
        if isinstance(field, np.ndarray):
            np.save(tmp_path / f"{i}.npy", field)
            field = np.load(tmp_path / f"{i}.npy", mmap_mode="r")
        mapped.append(field)
    for fields in [mapped, [np.copy(f) if np.ndim(f) else f for f in mapped]]:
        trained = _ensemble._train_on(*call, *fields)
        for array, other in zip(trained, expected, strict=True):
            assert_array_equal(array, other)
    assert _train.signatures == compiled


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_interrupt_is_heard_and_stops_the_other_jobs(backend, tmp_path):
    def job(i):
        time.sleep(0.02)
        (tmp_path / f"{i}").touch()
        return i

    def keep(i, result):
        assert i == result
        if i == 1:
            raise KeyboardInterrupt

    with parallel_config(backend), pytest.raises(KeyboardInterrupt):
        run_jobs([delayed(job)(i) for i in range(500)], 2, keep)
    assert 2 <= len(list(tmp_path.iterdir())) < 250


def test_interrupted_fit_leaves_the_model_as_it_was(monkeypatch):
    X, y = _data()
    model = _model(warm_start=True).fit(X, y)
    before = {name: getattr(model, name).copy() for name in FITTED}

    def interrupt(loss):
        raise KeyboardInterrupt

    monkeypatch.setattr(model, "_progress", lambda n_networks: interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(n_estimators=9, n_jobs=2).fit(X, y)
    for name in FITTED:
        assert_array_equal(getattr(model, name), before[name])
    monkeypatch.undo()
    expected = _model(n_estimators=9).fit(X, y)
    assert_array_equal(model.fit(X, y).hidden_coef_, expected.hidden_coef_)


class _LosesData:
    """A cluster that loses data after so many jobs, run by run."""

    def __init__(self, jobs_until_loss):
        self.jobs_until_loss = iter(jobs_until_loss)
        self.runs = []

    def __call__(self, n_jobs, **options):
        self.options = {"n_jobs": n_jobs, **options}
        return self.run

    def run(self, jobs):
        self.runs.append(len(jobs))
        left = next(self.jobs_until_loss, len(jobs))
        for result in Parallel(**self.options)(jobs):
            if not left:
                raise CancelledError
            left -= 1
            yield result


def test_jobs_left_are_run_again_after_a_loss(monkeypatch):
    cluster = _LosesData([0, 3, 0, 2])
    monkeypatch.setattr(_jobs, "Parallel", cluster)
    kept = []
    jobs = [delayed(pow)(2, i) for i in range(10)]
    run_jobs(jobs, None, lambda i, result: kept.append((i, result)))
    assert kept == [(i, 2**i) for i in range(10)]
    assert cluster.runs == [10, 10, 7, 7, 5]


def test_losses_without_a_job_done_in_between_end_the_run(monkeypatch):
    cluster = _LosesData([1, 0, 0, 0, 0, 0])
    monkeypatch.setattr(_jobs, "Parallel", cluster)
    kept = []
    with pytest.raises(CancelledError):
        run_jobs(
            [delayed(pow)(2, i) for i in range(5)],
            None,
            lambda i, result: kept.append(result),
        )
    assert kept == [1]
    assert cluster.runs == [5, 4, 4, 4]
