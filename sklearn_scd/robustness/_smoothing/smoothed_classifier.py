"""Randomized smoothing of any classifier of scikit-learn's kind.

Cohen, Rosenfeld, Kolter: Certified Adversarial Robustness via Randomized Smoothing,
ICML 2019. ART 1.20.1 has it for networks only: NumpyRandomizedSmoothing of ART's own
SklearnClassifier ends in an AttributeError. It draws all copies of a sample at once, by
NumPy's global random state, and knows no projection.
"""

from __future__ import annotations

from hashlib import blake2b
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from scipy.stats import beta, norm
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing, check_consistent_length, indexable
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    process_routing,
)
from sklearn.utils.validation import (
    _check_method_params,
    check_is_fitted,
    validate_data,
)
from threadpoolctl import threadpool_limits

from sklearn_scd._doc_link import DocumentedHere
from sklearn_scd._frames import as_known
from sklearn_scd._typing import Floats, RandomState
from sklearn_scd.robustness._inputs import as_numbers, draw_seed
from sklearn_scd.robustness._labels import LabelCodes
from sklearn_scd.robustness._smoothing.noise import NoisySpace, noisy_space

if TYPE_CHECKING:
    from typing_extensions import Self  # of typing from Python 3.11 on


class SmoothedClassifier(
    DocumentedHere, MetaEstimatorMixin, ClassifierMixin, BaseEstimator
):
    """The class that a classifier predicts most often under Gaussian noise.

    Whatever the classifier, the smoothed one has a certified L2 radius [1]_: if the
    class A has a probability of at least p > 1/2 under noise of standard deviation
    `sigma`, no perturbation smaller than ``sigma * norm.ppf(p)`` makes another class
    more probable. p is not known; it is bounded from below by drawing noise, and the
    bound fails with a probability of at most `alpha`.

    Parameters
    ----------
    estimator : estimator object
        The classifier. A clone is fitted; to smooth one that is fitted already, wrap it
        in :class:`~sklearn.frozen.FrozenEstimator`. It should have seen noise in
        training: by `n_train_copies`, or noise of its own as
        ``SCDClassifier(noise=...)`` has.

    sigma : float, default=0.5
        Standard deviation of the noise, in the units of X. Larger noise certifies
        larger radii, and blurs more: choose it on data that are not tested.

    n_samples : int, default=10000
        Noisy copies of each sample by which p is bounded. No radius exceeds
        ``sigma * norm.ppf(alpha ** (1 / n_samples))``: 3.2 `sigma` by default, 3.8
        `sigma` with 100,000 copies.

    alpha : float, default=0.001
        Probability, over the noise that is drawn, that a sample's certified radius is
        wrong. It is for each sample by itself: for all of m samples to be right with
        that confidence, take ``alpha / m``.

    n_selection_samples : int, default=100
        Further copies, which come first and choose the class whose p is bounded.

    n_train_copies : int, default=0
        Noisy copies of each sample that the classifier is trained on, in place of the
        samples, all held at once. 0: the samples as they are. One that is frozen is not
        trained. A classifier that holds samples out, as for early stopping, holds out
        copies of those that it is trained on.

    abstention_label : int, float, str or None, default=None
        What `predict` returns where no class is certified. None: the class predicted
        most often, though nothing is known of it.

    batch_size : int or None, default=None
        Copies that are held, and classified, at a time. None: as many as take some
        32 MB. The noise does not depend on it.

    n_jobs : int or None, default=None
        Threads, each with samples of its own, or what :func:`joblib.parallel_config`
        says. The noise does not depend on it.

    random_state : int, RandomState instance or None, default=None
        Draws the noise, once for all in `fit`: a fitted model always says the same of
        the same sample. Different samples have independent noise, and neither their
        order nor what else is asked about matters. Noise in training is drawn from it,
        too.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.

    classes_ : ndarray of shape (n_classes,)
        Class labels.

    n_features_in_ : int
        Number of features seen in fit.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of features seen in fit, where all of them are strings.

    See Also
    --------
    certified_distortion : Certificates of sign networks, without noise or chance.

    Notes
    -----
    Behind steps that are affine (scalers, PCA and others that
    :mod:`sklearn_scd.affine` knows) noise is drawn where they leave the fewest
    dimensions, with the covariance that noise in the input has there.

    The certificate is for the exact mean over Gaussian noise. In floating point noise
    and sums are rounded, which it does not cover, unlike that of
    :func:`certified_distortion`.

    References
    ----------
    .. [1] Cohen, Rosenfeld, Kolter, "Certified Adversarial Robustness via Randomized
       Smoothing", ICML 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from sklearn_scd.robustness import SmoothedClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SmoothedClassifier(SVC(), sigma=0.3, n_samples=1000, random_state=0)
    >>> model.fit(X, y).score(X, y) > 0.9
    True
    >>> radii = model.certified_distortion(X[::50], y[::50])
    >>> (radii > 0).tolist()
    [True, True, True]
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_selection_samples": [Interval(Integral, 1, None, closed="left")],
        "n_train_copies": [Interval(Integral, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "abstention_label": [Real, str, None],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        sigma: float = 0.5,
        n_samples: int = 10_000,
        alpha: float = 0.001,
        *,
        n_selection_samples: int = 100,
        n_train_copies: int = 0,
        abstention_label: float | str | None = None,
        batch_size: int | None = None,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.sigma = sigma
        self.n_samples = n_samples
        self.alpha = alpha
        self.n_selection_samples = n_selection_samples
        self.n_train_copies = n_train_copies
        self.abstention_label = abstention_label
        self.batch_size = batch_size
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, **params: Any) -> Self:
        """Fit a clone of the classifier; a frozen one stays as it is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, handed on as they are, or in noisy copies.

        y : array-like of shape (n_samples,)
            Class labels.

        **params : dict
            For the classifier's `fit`, where metadata routing is enabled. What has an
            entry for each sample, as weights, has it for each of its copies.

        Returns
        -------
        self : SmoothedClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If there is a single class, or `abstention_label` is a class.

        TypeError
            If X is sparse.
        """
        self._validate_params()
        _raise_for_params(params, self, "fit")
        routed = process_routing(self, "fit", **params)
        if issparse(X):
            raise TypeError(
                "Sparse data was passed, but noise leaves no entry zero. Use "
                "'.toarray()' to convert it to dense."
            )
        validate_data(self, X, y, skip_check_array=True)
        fit_params = routed.estimator.fit
        if self.n_train_copies > 0 and not isinstance(self.estimator, FrozenEstimator):
            X, y, fit_params = self._noisy(X, y, fit_params)
        self.estimator_ = clone(self.estimator).fit(X, y, **fit_params)
        self.classes_ = LabelCodes(self.estimator_).classes
        if self.abstention_label in self.classes_.tolist():
            raise ValueError(
                f"abstention_label={self.abstention_label!r} is one of the classes, "
                f"{self.classes_.tolist()}: give one that is not."
            )
        # What predictions need, whatever becomes of the parameters.
        self._seed = draw_seed(self.random_state)
        self._sigma, self._alpha = float(self.sigma), float(self.alpha)
        self._n_samples = int(self.n_samples)
        self._n_selection_samples = int(self.n_selection_samples)
        self._abstention_label = self.abstention_label
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class that the classifier predicts most often under noise.

        It abstains where no class is certified to be predicted more than half of the
        time, that is where :meth:`certified_distortion` is 0.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Classes, and `abstention_label`, if it is not None, where it abstains.
        """
        counts, _, radii = self._vote(self._check(X))
        labels = self.classes_[counts.argmax(axis=1)]
        if self._abstention_label is None:
            return labels
        label = np.asarray(self._abstention_label)
        return np.where(radii > 0, labels, label)

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the share of noisy copies that each class is predicted for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        shares : ndarray of shape (n_samples, n_classes)
            Classes in the order of `classes_`.
        """
        counts, _, _ = self._vote(self._check(X))
        return counts / self._n_samples

    def certified_distortion(self, X: ArrayLike, y: ArrayLike | None = None) -> Floats:
        """Size below which no perturbation changes a sample's class, by smoothing.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        y : array-like of shape (n_samples,), default=None
            True labels. None: every sample has the class that is predicted for it.

        Returns
        -------
        radii : ndarray of shape (n_samples,), float64
            L2, in the units of X, each with the confidence ``1 - alpha``. 0 where it
            abstains, and where the class is not that of `y`.
        """
        X = self._check(X)
        _, selected, radii = self._vote(X)
        if y is not None:
            check_consistent_length(X, y)
            radii[selected != LabelCodes(self).encode(y, "y")] = 0.0
        return radii

    def get_metadata_routing(self) -> MetadataRouter:
        """Get metadata routing of this object.

        Returns
        -------
        routing : MetadataRouter
            What `fit` hands on to the classifier.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=self).add(
            estimator=self.estimator, method_mapping=mapping
        )

    def _noisy(
        self, X: ArrayLike, y: ArrayLike, params: dict[str, Any]
    ) -> tuple[Any, ArrayLike, dict[str, Any]]:
        """Noisy copies of samples, and what `fit` takes with them for each copy."""
        X, y = indexable(X, y)
        samples = as_numbers(X, "X", self, small_as=np.float64)
        n_samples, n_features = samples.shape
        # Not the numbers of the votes, whose generators have more than one seed.
        generator = np.random.default_rng(draw_seed(self.random_state))
        copies = generator.standard_normal(
            (n_samples, self.n_train_copies, n_features), dtype=samples.dtype
        )
        copies *= self.sigma
        copies += samples[:, None]
        rows = np.repeat(np.arange(n_samples), self.n_train_copies)
        return (
            as_known(self, copies.reshape(-1, n_features)),
            _safe_indexing(y, rows),
            _check_method_params(X, params, rows),
        )

    def _check(self, X: ArrayLike) -> NDArray[Any]:
        check_is_fitted(self)
        with config_context(assume_finite=False):  # noise on NaN proves nothing
            checked: NDArray[Any] = validate_data(
                self, X, dtype=[np.float64, np.float32], reset=False
            )
        return checked

    def _vote(
        self, X: NDArray[Any]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
        """Count predictions on noisy copies.

        Returns
        -------
        counts : ndarray of shape (n_samples, n_classes)
            Of the copies that bound the probability.
        selected : ndarray of shape (n_samples,)
            Codes of the classes chosen by the copies before.
        radii : ndarray of shape (n_samples,)
            Certified for these.
        """
        space = noisy_space(self.estimator_, X)
        labels = LabelCodes(self)
        jobs = (
            delayed(self._votes_on)(space, labels, x, z)
            for x, z in zip(X, space.project(X), strict=True)
        )
        # Of several threads each has one of BLAS.
        limit = 1 if effective_n_jobs(self.n_jobs) > 1 else None
        with threadpool_limits(limits=limit, user_api="blas"):
            votes = np.array(Parallel(n_jobs=self.n_jobs, prefer="threads")(jobs))
        selected = votes[:, 0].argmax(axis=1)
        counts = votes[:, 1]
        count = counts[np.arange(len(X)), selected]
        lower = lower_confidence_bound(count, self._n_samples, self._alpha)
        radii = self._sigma * norm.ppf(np.maximum(lower, 0.5))
        # With alpha above 1/2 a class of fewer than half of the copies has a radius.
        radii[selected != counts.argmax(axis=1)] = 0.0
        return counts, selected, radii

    def _votes_on(
        self, space: NoisySpace, labels: LabelCodes, x: NDArray[Any], z: NDArray[Any]
    ) -> NDArray[np.intp]:
        """Count the classes of a sample's copies: to select by, then to bound by."""
        n_selection = self._n_selection_samples
        batches = space.copies(
            z,
            self._sigma,
            n_selection + self._n_samples,
            self.batch_size,
            _generator(self._seed, x),
        )
        codes = np.concatenate(
            [labels.predict(space.classifier, batch) for batch in batches]
        )
        parts = codes[:n_selection], codes[n_selection:]
        n_classes = labels.classes.size
        return np.array([np.bincount(part, minlength=n_classes) for part in parts])


def lower_confidence_bound(
    count: NDArray[np.intp], n_trials: int, alpha: float
) -> Floats:
    """Bound probabilities from below, by Clopper and Pearson.

    Parameters
    ----------
    count : ndarray of shape (n,)
        Successes of `n_trials`.
    n_trials : int
    alpha : float
        Probability that the bound is above the true probability, at most.

    Returns
    -------
    ndarray of shape (n,), float64
    """
    # As binomtest(...).proportion_ci(1 - alpha, 'exact'), for all at once.
    bound = beta.ppf(alpha, np.maximum(count, 1), n_trials - count + 1)
    # With alpha next to 1 it is rounded to 1, whose radius would be infinite.
    return np.where(count > 0, np.minimum(bound, np.nextafter(1.0, 0.0)), 0.0)


def _generator(seed: int, x: NDArray[Any]) -> np.random.Generator:
    """Random numbers of a sample's own, whatever else is asked about."""
    values = np.asarray(x, dtype="<f8") + 0.0  # of the two zeros one
    digest = blake2b(values.tobytes(), digest_size=16).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, dtype="<u4").tolist()])
