"""One model, trained and tested once."""

import time
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from benchmarks.models import Budget, ImageShape, Model
from benchmarks.models.components import with_fewer_components

WARM_UP_ROWS = 10  # of each class


@dataclass(frozen=True)
class Trial:
    """What one training and testing gave.

    Parameters
    ----------
    n_correct, n_test : int
        Test samples classified correctly, and all of them.
    fit_seconds, predict_seconds : float
        Wall times, the latter for the whole test set.
    notes : tuple of str
        What a reader should know of it, such as runs that did not converge.
    """

    n_correct: int
    n_test: int
    fit_seconds: float
    predict_seconds: float
    notes: tuple[str, ...] = ()

    @property
    def accuracy(self) -> float:
        """Share of the test samples classified correctly."""
        return self.n_correct / self.n_test

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the accuracy, test samples taken as independent."""
        test = binomtest(self.n_correct, self.n_test)
        interval = test.proportion_ci(method="wilson")
        return float(interval.low), float(interval.high)


def run_trial(
    estimator: ClassifierMixin,
    jobs: int,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
) -> Trial:
    """Fit an estimator on `train`, predict `test` and take the times.

    Parameters
    ----------
    estimator : estimator object
        Fitted in place.
    jobs : int
        Limit of BLAS threads. What else the estimator starts is in its own parameters.
    train, test : tuple of ndarray
        X and y of either side.

    Returns
    -------
    Trial
    """
    with (
        threadpool_limits(limits=jobs, user_api="blas"),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always", ConvergenceWarning)
        start = time.perf_counter()
        estimator.fit(*train)
        fitted = time.perf_counter()
        predicted = estimator.predict(test[0])
        end = time.perf_counter()
    return Trial(
        n_correct=int(np.count_nonzero(predicted == test[1])),
        n_test=len(test[1]),
        fit_seconds=fitted - start,
        predict_seconds=end - fitted,
        notes=tuple(_keep_convergence(caught)),
    )


def warm_up(
    model: Model, jobs: int, image_shape: ImageShape, X: np.ndarray, y: np.ndarray
) -> None:
    """Fit on a few rows, so that no trial's time has compilation or imports in it."""
    rows = np.concatenate(
        [np.flatnonzero(y == label)[:WARM_UP_ROWS] for label in np.unique(y)]
    )
    budget = Budget(votes=jobs, jobs=jobs, max_iter=1)
    estimator = with_fewer_components(model.build(0, budget, image_shape), X[rows])
    run_trial(estimator, jobs, (X[rows], y[rows]), (X[rows], y[rows]))


def _keep_convergence(caught: list[warnings.WarningMessage]) -> list[str]:
    """Take what is about convergence into the notes and show the rest as usual."""
    notes = []
    for warning in caught:
        if issubclass(warning.category, ConvergenceWarning):
            notes.append(" ".join(str(warning.message).split()))
        else:
            warnings.showwarning(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    return notes
