"""A hard majority over independent runs of any classifier.

The sign networks are voted, so their baseline is voted in the same way. Scikit-learn's
BaggingClassifier would average probabilities instead of counting votes. Its
VotingClassifier counts votes (the tests hold this class against it), but it repeats the
parameters for each of 100 members, gives no shares of votes, shows no progress and
leaves BLAS threads to themselves.
"""

import warnings
from collections import Counter
from numbers import Integral

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from benchmarks.models.stacked import stack

STUCK = "Every training sample is given the same class."


class VotedClassifier(ClassifierMixin, BaseEstimator):
    """Majority vote over runs that differ in their `random_state` alone.

    Parameters
    ----------
    estimator : estimator object
        A classifier with the parameter `random_state`.
    n_estimators : int, default=100
        Number of runs.
    n_jobs : int, default=None
        Runs fitted at a time, each with a single BLAS thread. The result does not
        depend on it.
    random_state : int, RandomState instance or None, default=None
        Draws the seeds of the runs.
    verbose : int, default=0
        Whether to show a progress bar, on a terminal.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels seen in `fit`.
    estimators_ : list of estimators
        The fitted runs, which predict positions in `classes_`.
    n_features_in_ : int
        Number of features seen in `fit`.

    Warns
    -----
    ConvergenceWarning
        If runs did not converge, or give every training sample the same class; such
        runs vote all the same.
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"])],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self, estimator, n_estimators=100, *, n_jobs=None, random_state=None, verbose=0
    ):
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y):
        """Fit every run on all samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        self : VotedClassifier
        """
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        seeds = check_random_state(self.random_state).randint(
            np.iinfo(np.int32).max, size=self.n_estimators
        )
        runs = Parallel(n_jobs=self.n_jobs, return_as="generator")(
            delayed(_fit_run)(self.estimator, X, codes, seed) for seed in seeds
        )
        progress = tqdm(
            runs,
            f"votes of {type(self.estimator).__name__}",
            total=self.n_estimators,
            leave=False,
            # None shows it on a terminal only.
            disable=None if self.verbose else True,
        )
        self.estimators_, caught = zip(*progress, strict=True)
        self._stacked = stack(self.estimators_)
        _warn_once_a_message(caught)
        return self

    def predict_proba(self, X):
        """Return each class's share of the votes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        shares : ndarray of shape (n_samples, n_classes)
            Classes in the order of `classes_`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        votes = np.zeros((len(X), len(self.classes_)))
        for codes in self._predict_runs(X):
            votes[np.arange(len(X)), codes] += 1
        return votes / len(self.estimators_)

    def _predict_runs(self, X):
        """Return an iterable of what each run predicts."""
        if self._stacked is None or self._stacked.runs is not self.estimators_:
            return (run.predict(X) for run in self.estimators_)
        return self._stacked.predict(X).T

    def __getstate__(self):
        """Leave out the stack, which is made again."""
        return {k: v for k, v in super().__getstate__().items() if k != "_stacked"}

    def __setstate__(self, state):
        """Make the stack again."""
        super().__setstate__(state)
        if hasattr(self, "estimators_"):
            self._stacked = stack(self.estimators_)

    def predict(self, X):
        """Return the class with most votes, of equals the first in `classes_`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _fit_run(estimator, X, codes, seed):
    """Fit one run; hand its warnings over, which a worker process would just print."""
    run = clone(estimator).set_params(random_state=seed)
    with (
        threadpool_limits(limits=1, user_api="blas"),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        run.fit(X, codes)
        if codes.any() and len(np.unique(run.predict(X))) == 1:
            # Logistic units can saturate at the start and never leave it. Such a run
            # is kept, as no baseline is helped, but it must not go unnoticed.
            warnings.warn(STUCK, ConvergenceWarning, stacklevel=1)
    return run, [(str(warning.message), warning.category) for warning in caught]


def _warn_once_a_message(caught):
    counts = Counter(warning for of_run in caught for warning in dict.fromkeys(of_run))
    for (message, category), count in counts.items():
        warnings.warn(
            f"{count} of {len(caught)} runs: {message}", category, stacklevel=3
        )
