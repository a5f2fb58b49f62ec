"""SCDClassifier: parameters, validation, fit and predictions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import signature
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal, TypeGuard
from warnings import warn

import numpy as np
from joblib import cpu_count, effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils._param_validation import (
    Interval,
    RealNotInt,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from sklearn_scd._ensemble import (
    Networks,
    TrainingSet,
    train_networks,
    training_set,
)
from sklearn_scd._memory import Need, fit_need, require_memory
from sklearn_scd._outputs import evaluate_networks
from sklearn_scd._progress import ProgressLine
from sklearn_scd._storage import read_state, write_state
from sklearn_scd._typing import Floats, RandomState, validated_fit
from sklearn_scd._vote_rule import count_votes, mean_probabilities, named_classes

if TYPE_CHECKING:
    from typing_extensions import Self  # of typing from Python 3.11 on

_DOCUMENTATION = "https://sklearn-scd.readthedocs.io"
_DTYPES = [np.float64, np.float32, np.uint8]  # the first is for all others
_OPTIONS = (  # parameters that the training of a network reads as they are
    "loss",
    "binary_weights",
    "hidden_units",
    "learning_rate",
    "output_learning_rate",
    "subsample",
    "margin",
    "margin_growth",
    "noise",
    "tol",
    "n_iter_no_change",
)


def _append(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
    """Stack arrays; loss curves of unequal length are filled up with NaN."""
    if old.ndim == 2 and old.shape[1] != new.shape[1]:
        width = max(old.shape[1], new.shape[1])
        old, new = (
            np.pad(a, [(0, 0), (0, width - a.shape[1])], constant_values=np.nan)
            for a in (old, new)
        )
    return np.concatenate([old, new])


class SCDClassifier(ClassifierMixin, BaseEstimator):
    """Vote of sign-activation networks trained by stochastic coordinate descent.

    Each network has one hidden layer of units that fire or not,
    ``H_j(x) = 1 if w_j . x + b_j > 0 else 0``, and says class 1 where
    ``f(x) = sum_j u_j H_j(x) + c`` is positive. No gradient is used: from a random
    start, an iteration draws rows, tries steps on the output weights and on weights
    of one hidden unit, each with the bias that an exact search over all thresholds
    finds for it, and keeps what improves the loss. The ensemble is `n_estimators` such
    networks from independent seeds [1]_.

    The paper's SCD01 is ``loss='01'``, its SCDCE is ``loss='ce'`` and its SCDCEBNN is
    ``loss='ce', binary_weights=True``.

    Parameters
    ----------
    loss : {'ce', '01'}, default='ce'
        Loss that training reduces: ``'01'`` the weighted error, ``'ce'`` cross-entropy,
        the logistic loss of ``f(x)``.

    binary_weights : bool, default=False
        Whether every weight of hidden and output units is +1 or -1; biases stay real.

    n_estimators : int, default=100
        Number of votes. With more than two classes each vote is made of one network
        a class, trained to tell it from the rest.

    hidden_units : int, default=20
        Number of hidden units. 0 gives the linear classifier of the paper's section
        2.1: one sign node (under CE with the log-odds of its two sides), stored as a
        hidden layer of one unit. Under 0/1 loss its output is the signed distance.

    max_iter : int, default=None
        Iterations of a network: None means 1,000, with binary weights 10,000.

    max_features : int, float or None, default=128
        Features tried an iteration: a number (at most all), a fraction of all, or all.

    learning_rate : float, default=0.17
        Step on a hidden weight, whose unit's weights have unit L2 norm; at most 1,000.
        Binary weights are flipped instead.

    output_learning_rate : float, default=0.2
        Step on an output weight, from 1e-4 to 1,000. Under 0/1 loss output weights have
        unit L2 norm.

    subsample : float, default=0.75
        Fraction of each class's distinct samples that an iteration draws, without
        replacement.

    margin : float, default=0.0
        L2 distance, in the units of X, within which a hidden unit counts as decided
        against the sample: training reduces the loss at the worst that perturbations of
        this size can do to each unit. 0 is the paper's training.

    margin_growth : float, default=0.5
        Fraction of `max_iter` in which the margin grows from 0; only then the best
        iterate is looked for. With the whole margin from the start, random units are
        wrong about so many samples that ``'01'`` may end at a constant.

    noise : float, default=0.0
        Standard deviation, in the units of X, of Gaussian noise on copies of the
        samples that are trained on beside them. It keeps a training with `margin` from
        fitting single samples. 0: no copies.

    noisy_copies : int, default=4
        Number of such copies of each sample; each has an equal part of its weight. They
        take time and memory as so many more samples.

    voting : {'hard', 'soft'}, default='hard'
        Probabilities are the shares of votes (``'hard'``) or the mean of the networks'
        probabilities (``'soft'``, for ``loss='ce'``). As with scikit-learn's
        :class:`~sklearn.ensemble.VotingClassifier`, this is the one parameter that
        predictions read: training is the same, and a fitted model may change it.

    class_weight : dict, 'balanced' or None, default=None
        Weights of the classes, as in scikit-learn; they multiply `sample_weight`.

    tol : float, default=0.0
        Decrease of the mean loss that counts as progress for `n_iter_no_change`.

    n_iter_no_change : int, default=None
        Stop a network after this many iterations without progress. None: never.

    warm_start : bool, default=False
        Whether a fit with a larger `n_estimators` keeps the networks of the last fit
        and adds to them. As in scikit-learn's forests, other parameters may change and
        go for the networks added; `loss`, `binary_weights` and `hidden_units`, which
        say how networks are read, may not.

    n_jobs : int, default=None
        Threads that train networks; None means 1 unless in a
        :func:`joblib.parallel_config` context, -1 all processors. In such a context
        they may be processes, or the workers of a cluster. The result does not depend
        on it.

    random_state : int, RandomState instance or None, default=None
        Seed of the networks' starts and of all draws in training.

    verbose : int, default=0
        1 shows a line with networks done, training error and time left.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.

    hidden_coef_ : ndarray of shape (n_networks, n_units, n_features)
        Weights ``w`` of the hidden units, rows of unit L2 norm, float32 (float64 for
        float64 data), or int8 entries +1 and -1. ``n_networks`` is `n_estimators`, with
        K > 2 classes ``K * n_estimators``: network ``v * K + k`` is that of class k in
        vote v. ``n_units`` is `hidden_units`, or 1 for a linear classifier.

    hidden_intercept_ : ndarray of shape (n_networks, n_units)
        Biases ``b`` of the hidden units, in the units of ``w . x``.

    output_coef_ : ndarray of shape (n_networks, n_units)
        Weights ``u`` of the output node, float64 or int8.

    output_intercept_ : ndarray of shape (n_networks,), dtype float64
        Biases ``c`` of the output node.

    loss_curve_ : ndarray of shape (n_networks, max_iter), dtype float32
        Mean loss over the training set of the best network so far, which is the one
        that is kept, after each iteration; NaN after an early stop. It falls or stays,
        but rises while a margin grows: losses are those at the iteration's margin.

    n_iter_ : ndarray of shape (n_networks,), dtype int64
        Iterations run.

    n_features_in_ : int
        Number of features seen in fit.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen in fit, where all are strings.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : Networks trained by gradients.
    sklearn.ensemble.RandomForestClassifier : Another vote of piecewise constant models.

    Notes
    -----
    Training depends on the weighted set of samples alone: equal samples count as one
    of their total weight, order does not matter, and neither does the number of
    threads. uint8 data stay uint8 in the one feature-major copy that training makes,
    unless there is noise, which makes them float32.

    References
    ----------
    .. [1] Yang, Shih, Roshan, "Defense Against Adversarial Attacks Based on Stochastic
       Descent Sign Activation Networks on Medical Images", International Journal of
       Pattern Recognition and Artificial Intelligence 36(3), 2022.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_scd import SCDClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     X, y, stratify=y, random_state=0)
    >>> model = make_pipeline(
    ...     StandardScaler(),
    ...     SCDClassifier(n_estimators=10, max_iter=100, random_state=0))
    >>> model.fit(X_train, y_train).score(X_test, y_test) > 0.9
    True
    """

    classes_: NDArray[Any]
    hidden_coef_: NDArray[Any]
    hidden_intercept_: NDArray[Any]
    output_coef_: NDArray[Any]
    output_intercept_: Floats
    loss_curve_: NDArray[np.float32]
    n_iter_: NDArray[np.int64]
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    _seed: int
    _loss: str  # that the networks were trained with
    _linear: bool  # whether their outputs are signed distances

    # Where scikit-learn's diagrams link to.
    _doc_link_module = "sklearn_scd"
    _doc_link_template = (
        _DOCUMENTATION + "/en/stable/generated/{estimator_module}.{estimator_name}.html"
    )

    _parameter_constraints: dict[str, list[Any]] = {
        "loss": [StrOptions({"01", "ce"})],
        "binary_weights": ["boolean"],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "hidden_units": [Interval(Integral, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "max_features": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
            None,
        ],
        "learning_rate": [Interval(Real, 0, 1_000, closed="right")],
        "output_learning_rate": [Interval(Real, 1e-4, 1_000, closed="both")],
        "subsample": [Interval(Real, 0, 1, closed="right")],
        "margin": [Interval(Real, 0, None, closed="left")],
        "margin_growth": [Interval(Real, 0, 1, closed="both")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "noisy_copies": [Interval(Integral, 1, None, closed="left")],
        "voting": [StrOptions({"hard", "soft"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        loss: Literal["ce", "01"] = "ce",
        *,
        binary_weights: bool = False,
        n_estimators: int = 100,
        hidden_units: int = 20,
        max_iter: int | None = None,
        max_features: float | None = 128,
        learning_rate: float = 0.17,
        output_learning_rate: float = 0.2,
        subsample: float = 0.75,
        margin: float = 0.0,
        margin_growth: float = 0.5,
        noise: float = 0.0,
        noisy_copies: int = 4,
        voting: Literal["hard", "soft"] = "hard",
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        tol: float = 0.0,
        n_iter_no_change: int | None = None,
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
        self.binary_weights = binary_weights
        self.n_estimators = n_estimators
        self.hidden_units = hidden_units
        self.max_iter = max_iter
        self.max_features = max_features
        self.learning_rate = learning_rate
        self.output_learning_rate = output_learning_rate
        self.subsample = subsample
        self.margin = margin
        self.margin_growth = margin_growth
        self.noise = noise
        self.noisy_copies = noisy_copies
        self.voting = voting
        self.class_weight = class_weight
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def __getstate__(self) -> dict[str, Any]:
        return write_state(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A subclass may preset parameters that its own signature leaves out.
        defaults = {
            name: parameter.default
            for cls in (SCDClassifier, type(self))
            for name, parameter in signature(cls).parameters.items()
            if parameter.default is not parameter.empty
        }
        super().__setstate__({**defaults, **read_state(state)})

    @validated_fit
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train the networks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples. uint8, float32 and float64 are used as they are, other
            dtypes become float64.

        y : array-like of shape (n_samples,)
            Class labels.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative. Samples of weight 0 are left out.

        Returns
        -------
        self : SCDClassifier
            The fitted estimator.

        Raises
        ------
        MemoryError
            Before training, if it needs more memory than is available; where the system
            doesn't tell that, numpy's own error comes when an array can't be made.
        """
        self._check_voting(self.loss)
        adding = self.warm_start and hasattr(self, "hidden_coef_")
        X, y = validate_data(self, X, y, dtype=_DTYPES, reset=not adding)
        check_classification_targets(y)
        classes = np.unique(y)
        if classes.size < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes in the "
                f"data, but the data contains only one class: {classes[0]!r}"
            )
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        n_old = 0
        if adding:
            seed, n_old = self._seed, self._n_votes_to_keep(classes)
        n_rivals = 1 if classes.size == 2 else classes.size
        if n_old < self.n_estimators:
            options = self._training_options(X.shape[1])
            need = partial(
                fit_need,
                n_features=X.shape[1],
                dtype=X.dtype,
                n_networks=(self.n_estimators - n_old) * n_rivals,
                # The workers of a cluster take their memory elsewhere.
                n_threads=min(effective_n_jobs(self.n_jobs), cpu_count()),
                options=options,
                n_old=n_old * n_rivals,
            )
            new = train_networks(
                self._training_set(X, y, classes, sample_weight, seed, need),
                rivals=[1] if n_rivals == 1 else range(n_rivals),
                votes=range(n_old, self.n_estimators),
                options=options,
                master_seed=seed,
                n_jobs=self.n_jobs,
                progress=self._progress((self.n_estimators - n_old) * n_rivals),
            )
            self._keep(new, append=adding)
        self.classes_ = classes
        self._seed, self._loss, self._linear = seed, self.loss, self._asks_linear
        return self

    @property
    def _asks_linear(self) -> bool:
        """Whether the parameters ask for the linear classifier of 0/1 loss."""
        return bool(self.loss == "01" and self.hidden_units == 0)

    def _check_voting(self, loss: str | None = None) -> None:
        """Refuse probabilities of networks that have none.

        Parameters
        ----------
        loss : str, default=None
            Of the networks; None is that of the last fit.
        """
        loss = self._loss if loss is None else loss
        voting = {"voting": self.voting}  # may have been set after fit
        validate_parameter_constraints(
            self._parameter_constraints, voting, type(self).__name__
        )
        if self.voting == "soft" and loss != "ce":
            raise ValueError(
                f"voting='soft' needs loss='ce', got loss={loss!r}: networks "
                "trained with 0/1 loss have no probabilities."
            )

    def _training_set(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        classes: NDArray[Any],
        sample_weight: ArrayLike | None,
        seed: int,
        need: Callable[[int], Need],
    ) -> TrainingSet:
        """What the networks are trained on, if there is the memory that they need.

        Arrays of a number per sample are not needed in training and end here.
        """
        labels = np.searchsorted(classes, y)
        weights = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        factors = compute_class_weight(self.class_weight, classes=classes, y=y)
        with np.errstate(over="ignore", invalid="ignore"):
            weights = weights * factors[labels]
            total = weights.sum()
        if not np.isfinite(total) or weights.min() < 0:
            raise ValueError(
                "The products of sample_weight and class_weight must not be negative "
                f"and their sum must be finite, got the weights {factors.tolist()} of "
                f"the classes and the sum {total}."
            )
        present = np.unique(labels[weights > 0])
        if present.size < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes with "
                f"positive weight, but sample_weight and class_weight leave "
                f"{present.size} of the {classes.size} classes."
            )
        return training_set(
            X,
            labels,
            weights,
            classes.size,
            self.noise,
            self.noisy_copies,
            seed,
            on_size=lambda n_rows: require_memory(n_rows, need(n_rows)),
        )

    def _n_votes_to_keep(self, classes: NDArray[Any]) -> int:
        """Number of votes of the last fit that a warm start goes on from."""
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start needs the classes of the last fit, "
                f"{self.classes_.tolist()}, got {classes.tolist()}."
            )
        kept = {
            "loss": self.loss == self._loss,
            "hidden_units": max(self.hidden_units, 1) == self.hidden_coef_.shape[1]
            and (self.loss != self._loss or self._asks_linear == self._linear),
            "binary_weights": self.binary_weights
            == (self.hidden_coef_.dtype == np.int8),
        }
        for name, same in kept.items():
            if not same:
                raise ValueError(
                    f"warm_start keeps the networks of the last fit, which had another "
                    f"{name} than {getattr(self, name)!r}."
                )
        if self.n_estimators < self._n_votes:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be larger or equal to "
                f"{self._n_votes}, the number of votes that warm_start keeps."
            )
        if self.n_estimators == self._n_votes:
            warn(
                "Warm-start fitting without increasing n_estimators does not train new "
                "networks.",
                stacklevel=4,
            )
        return self._n_votes

    def _training_options(self, n_features: int) -> dict[str, Any]:
        """Parameters of training, with those resolved that depend on the data.

        Read by their attributes: those that a subclass presets are none of its own
        parameters, and missing in its `get_params`.
        """
        max_iter = self.max_iter
        if max_iter is None:
            max_iter = 10_000 if self.binary_weights else 1_000
        if self.max_features is None:
            n_candidates = n_features
        elif isinstance(self.max_features, Integral):
            n_candidates = min(self.max_features, n_features)
        else:
            n_candidates = max(1, int(self.max_features * n_features))
        options = {name: getattr(self, name) for name in _OPTIONS}
        return {**options, "max_iter": max_iter, "n_candidates": n_candidates}

    def _progress(self, n_networks: int) -> Callable[[float], None]:
        """What is called as networks are done."""
        if not self.verbose:
            return lambda loss: None
        measure = "training error" if self.loss == "01" else "training loss"
        return ProgressLine(type(self).__name__, "networks", n_networks, measure)

    def _keep(self, networks: Networks, append: bool) -> None:
        """Set the fitted arrays from new networks, after those of the last fit."""
        for name, new in networks._asdict().items():
            attribute = f"{name}_"
            if append:
                new = _append(getattr(self, attribute), new)
            setattr(self, attribute, new)

    @property
    def _n_votes(self) -> int:
        return self.hidden_coef_.shape[0] // self._n_rivals

    @property
    def _n_rivals(self) -> int:
        """Networks that a vote is made of."""
        return 1 if self.classes_.size == 2 else self.classes_.size

    def _outputs(self, X: ArrayLike) -> Floats:
        """Outputs of the networks, (n_samples, n_votes, n_rivals)."""
        check_is_fitted(self)
        if not self._is_valid_row(X):
            X = validate_data(self, X, dtype=_DTYPES, reset=False)
        networks = Networks(*(getattr(self, f"{name}_") for name in Networks._fields))
        outputs = evaluate_networks(X, networks, self._linear, self._n_rivals)
        return outputs.reshape(X.shape[0], self._n_votes, -1)

    def _is_valid_row(self, X: ArrayLike) -> TypeGuard[NDArray[Any]]:
        """Whether validation would return `X`, a single sample, as it is.

        Attacks ask for one sample at a time, and validation would take as long as all
        the rest of a small model.
        """
        return (
            type(X) is np.ndarray
            and X.shape == (1, self.n_features_in_)
            and X.dtype in _DTYPES
            and not hasattr(self, "feature_names_in_")
            and bool(np.isfinite(X).all())
        )

    def votes(self, X: ArrayLike) -> NDArray[Any]:
        """Class that each vote names.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        votes : ndarray of shape (n_samples, n_estimators)
            Class labels. With more than two classes a vote names the class whose
            network has the largest output.
        """
        outputs = self._outputs(X)
        return self.classes_[named_classes(outputs)]

    def agreement(self, X: ArrayLike) -> Floats:
        """Share of votes for the predicted class: low for images near the boundary.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        agreement : ndarray of shape (n_samples,)
            In [0, 1].
        """
        outputs = self._outputs(X)
        predicted = self._probabilities(outputs).argmax(axis=1)
        counts = count_votes(named_classes(outputs), self.classes_.size)
        return counts[np.arange(outputs.shape[0]), predicted] / outputs.shape[1]

    def _probabilities(self, outputs: Floats) -> Floats:
        """Probabilities of the classes, (n_samples, n_classes)."""
        if self.voting == "hard":
            counts = count_votes(named_classes(outputs), self.classes_.size)
            return counts / outputs.shape[1]
        self._check_voting()
        return mean_probabilities(outputs)

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Shares of votes, or with ``voting='soft'`` the networks' mean probabilities.
        """
        return self._probabilities(self._outputs(X))

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """Logarithms of the probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            Logarithms of what :meth:`predict_proba` returns: ``-inf`` for a class
            without votes.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def decision_function(self, X: ArrayLike) -> Floats:
        """Lead of each class, from the probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Binary: probability of the second class minus that of the first; the second
            is predicted where this is positive. Otherwise the probabilities.
        """
        probabilities = self.predict_proba(X)
        if self.classes_.size == 2:
            return probabilities[:, 1] - probabilities[:, 0]
        return probabilities

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict classes: that of the largest probability, of equals the first.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]
