"""SCDClassifier: parameters, validation, fit and predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import signature
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal, TypeGuard
from warnings import warn

import numpy as np
from joblib import cpu_count, effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
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

from sklearn_scd._convergence import (
    class_shares,
    constant_class,
    draw_classes_alike,
    no_better_than_constants,
)
from sklearn_scd._data_scale import automatic_size
from sklearn_scd._ensemble import Networks, train_networks
from sklearn_scd._memory import fit_need, require_memory
from sklearn_scd._outputs import evaluate_networks
from sklearn_scd._precompile import compile_for
from sklearn_scd._progress import ProgressLine
from sklearn_scd._storage import read_state, write_state
from sklearn_scd._training_set import (
    TrainingSet,
    canonical_rows,
    copy_rows,
    plan_rows,
    training_set,
)
from sklearn_scd._typing import Floats, RandomState, validated_fit
from sklearn_scd._validation_rows import hold_out, in_dtype_of
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
)


def _append(
    old: NDArray[Any] | None, new: NDArray[Any] | None, n_old: int, n_new: int
) -> NDArray[Any] | None:
    """Stack arrays; curves of unequal length, or that one lacks, are NaN there."""
    if old is None and new is None:
        return None
    old = np.empty((n_old, 0), dtype=np.float32) if old is None else old
    new = np.empty((n_new, 0), dtype=np.float32) if new is None else new
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
    loss : {'ce', '01', 'auto'}, default='ce'
        Loss that training reduces: ``'01'`` the weighted error, ``'ce'`` cross-entropy,
        the logistic loss of ``f(x)``. ``'auto'`` is ``'01'`` for two classes and
        ``'ce'`` for more, as outputs of networks trained with 0/1 loss hardly compare.

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

    margin : float or 'auto', default=0.0
        L2 distance, in the units of X, within which a hidden unit counts as decided
        against the sample: training reduces the loss at the worst that perturbations of
        this size can do to each unit. 0 is the paper's training. ``'auto'`` takes a
        fraction of the distances between the classes, see the notes, which is then
        ``margin_``.

    margin_growth : float, default=0.5
        Fraction of `max_iter` in which the margin grows from 0; only then the best
        iterate is looked for. With the whole margin from the start, random units are
        wrong about so many samples that ``'01'`` may end at a constant.

    noise : float or 'auto', default=0.0
        Standard deviation, in the units of X, of Gaussian noise on copies of the
        samples that are trained on beside them. It keeps a training with `margin` from
        fitting single samples. 0: no copies. ``'auto'`` is the size that it is for
        `margin`.

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

    early_stopping : bool, default=False
        Whether to hold rows out of training, to stop a network when its loss on them no
        longer falls, and to keep the iterate at which it was least. Otherwise all are
        trained on, and their loss decides.

    validation_fraction : float, default=0.1
        Fraction of each class's distinct samples that is held out for
        `early_stopping`: the same for all networks, and without noise.

    tol : float, default=0.0
        Decrease of the mean loss that counts as progress for `n_iter_no_change`.

    n_iter_no_change : int, default=None
        Stop a network after this many iterations without progress, on the held-out rows
        with `early_stopping`, else in training. None: never, with `early_stopping` a
        tenth of `max_iter`. While a margin grows no network stops.

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

    validation_scores_ : ndarray of shape (n_networks, max_iter), dtype float32
        With `early_stopping` minus the mean loss, over the rows held out and at the
        iteration's margin, of the best network so far; NaN after the stop. Else None.

    margin_ : float
        The margin that the networks of the last fit were trained with.

    noise_ : float
        The noise that they were trained with.

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
    ``margin='auto'`` and ``noise='auto'`` take the smaller of two sizes: 0.14 of the
    median distance of a sample to the nearest one of another class, and 0.4 of that to
    the hyperplane by which a ridge classifier of standardised features tells the
    sample's class from the rest. Of more than 2,000 distinct samples so many are drawn.
    What these fractions do is told in :doc:`/robust_training`.

    A fit whose model predicts nearly one class alone warns by scikit-learn's
    ``ConvergenceWarning``.

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
    validation_scores_: NDArray[np.float32] | None
    margin_: float
    noise_: float
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
        "loss": [StrOptions({"01", "ce", "auto"})],
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
        "margin": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "margin_growth": [Interval(Real, 0, 1, closed="both")],
        "noise": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "noisy_copies": [Interval(Integral, 1, None, closed="left")],
        "voting": [StrOptions({"hard", "soft"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        loss: Literal["ce", "01", "auto"] = "ce",
        *,
        binary_weights: bool = False,
        n_estimators: int = 100,
        hidden_units: int = 20,
        max_iter: int | None = None,
        max_features: float | None = 128,
        learning_rate: float = 0.17,
        output_learning_rate: float = 0.2,
        subsample: float = 0.75,
        margin: float | Literal["auto"] = 0.0,
        margin_growth: float = 0.5,
        noise: float | Literal["auto"] = 0.0,
        noisy_copies: int = 4,
        voting: Literal["hard", "soft"] = "hard",
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
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
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
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
        adding = self.warm_start and hasattr(self, "hidden_coef_")
        X, y = validate_data(self, X, y, dtype=_DTYPES, reset=not adding)
        check_classification_targets(y)
        classes = np.unique(y)
        if classes.size < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes in the "
                f"data, but the data contains only one class: {classes[0]!r}"
            )
        loss = self._loss_for(classes.size)
        self._check_voting(loss)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        n_old = 0
        if adding:
            seed, n_old = self._seed, self._n_votes_to_keep(classes)
        n_rivals = 1 if classes.size == 2 else classes.size
        if n_old < self.n_estimators:
            labels, weights = self._labels_and_weights(X, y, classes, sample_weight)
            sizes = self._sizes(X, labels, weights, seed)
            options = {**self._training_options(X.shape[1]), **sizes, "loss": loss}
            need = {
                "n_features": X.shape[1],
                "dtype": X.dtype,
                "n_networks": (self.n_estimators - n_old) * n_rivals,
                # The workers of a cluster take their memory elsewhere.
                "n_threads": min(effective_n_jobs(self.n_jobs), cpu_count()),
                "options": options,
                "n_old": n_old * n_rivals,
            }
            training, held_out = self._training_sets(
                X, labels, weights, sizes["noise"], seed, need
            )
            # Before progress is timed.
            compile_for(X, noise=bool(sizes["noise"]), losses=(self.loss,))
            new = train_networks(
                training,
                rivals=[1] if n_rivals == 1 else range(n_rivals),
                votes=range(n_old, self.n_estimators),
                options=options,
                master_seed=seed,
                n_jobs=self.n_jobs,
                progress=self._progress((self.n_estimators - n_old) * n_rivals),
                held_out=held_out,
            )
            self._keep(new, append=adding)
            self.margin_, self.noise_ = sizes["margin"], sizes["noise"]
        self.classes_ = classes
        self._seed, self._loss, self._linear = seed, loss, self._is_linear(loss)
        if n_old < self.n_estimators:
            self._warn_of_a_constant(X, labels, weights, new)
        return self

    def _loss_for(self, n_classes: int) -> str:
        """The loss that the parameters ask for."""
        if self.loss == "auto":
            return "01" if n_classes == 2 else "ce"
        return self.loss

    def _is_linear(self, loss: str) -> bool:
        """Whether the parameters ask for the linear classifier of 0/1 loss."""
        return bool(loss == "01" and self.hidden_units == 0)

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

    def _labels_and_weights(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        classes: NDArray[Any],
        sample_weight: ArrayLike | None,
    ) -> tuple[NDArray[np.intp], Floats]:
        """Class code and weight of each sample."""
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
        return labels, weights

    def _sizes(
        self, X: NDArray[Any], labels: NDArray[np.intp], weights: Floats, seed: int
    ) -> dict[str, float]:
        """Margin and noise, by the data where they are 'auto'."""
        sizes = {"margin": self.margin, "noise": self.noise}
        automatic = 0.0
        if "auto" in sizes.values():
            rows, _ = canonical_rows(X, labels, weights)
            automatic = automatic_size(X, labels, rows, seed)
        return {k: automatic if v == "auto" else float(v) for k, v in sizes.items()}

    def _training_sets(
        self,
        X: NDArray[Any],
        labels: NDArray[np.intp],
        weights: Floats,
        noise: float,
        seed: int,
        need: dict[str, Any],
    ) -> tuple[TrainingSet, TrainingSet | None]:
        """Rows to train on, and those held out, if there is the memory they need."""
        n_classes, held_out = int(labels.max()) + 1, None
        if self.early_stopping:
            weights, held = hold_out(X, labels, weights, self.validation_fraction, seed)
            held_out = training_set(X, labels, held, n_classes)
        plan = plan_rows(X, labels, weights, noise, self.noisy_copies)
        require_memory(plan.n_rows, fit_need(plan.n_rows, **need))
        training = copy_rows(X, labels, plan, n_classes, seed)
        if held_out is not None:
            held_out = in_dtype_of(training, held_out)
        return training, held_out

    def _warn_of_a_constant(
        self,
        X: NDArray[Any],
        labels: NDArray[np.intp],
        weights: Floats,
        networks: Networks,
    ) -> None:
        """Warn if the model, or its networks within their margin, are constants."""
        shares = class_shares(labels, weights)
        if shares is None:
            return
        rows = draw_classes_alike(labels, weights, self._seed)
        predicted = self._probabilities(self._evaluate(X[rows])).argmax(axis=1)
        found = constant_class(labels[rows], predicted)
        if found is not None:
            code, share = found
            what = (
                f"{self.classes_.tolist()[code]!r} is predicted for {share:.1%} of the "
                "training samples, all classes counting alike"
            )
        elif self.margin_ and no_better_than_constants(networks, self._loss, shares):
            what = "within the margin the networks are no better than a constant"
        else:
            return
        advice = (
            "scale the features, as by a StandardScaler, or give a larger max_iter or "
            "class_weight='balanced'"
        )
        if self.margin_ or self.noise_:
            advice = (
                f"give a smaller margin and less noise than {self.margin_:.3g} and "
                f"{self.noise_:.3g}: they are L2 sizes in the units of X, and 'auto' "
                "takes them from the data"
            )
        warn(
            f"The fit ended at or near a constant: {what}. If that is not what you "
            f"want, {advice}.",
            ConvergenceWarning,
            stacklevel=4,
        )

    def _n_votes_to_keep(self, classes: NDArray[Any]) -> int:
        """Number of votes of the last fit that a warm start goes on from."""
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start needs the classes of the last fit, "
                f"{self.classes_.tolist()}, got {classes.tolist()}."
            )
        same_loss = self._loss_for(classes.size) == self._loss
        kept = {
            "loss": same_loss,
            "hidden_units": max(self.hidden_units, 1) == self.hidden_coef_.shape[1]
            and (not same_loss or self._is_linear(self._loss) == self._linear),
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
        patience = self.n_iter_no_change
        if patience is None and self.early_stopping:
            patience = max(max_iter // 10, 1)
        return {
            **{name: getattr(self, name) for name in _OPTIONS},
            "max_iter": max_iter,
            "n_candidates": n_candidates,
            "n_iter_no_change": patience,
        }

    def _progress(self, n_networks: int) -> Callable[[float], None]:
        """What is called as networks are done."""
        if not self.verbose:
            return lambda loss: None
        measure = "training error" if self.loss == "01" else "training loss"
        return ProgressLine(type(self).__name__, "networks", n_networks, measure)

    def _keep(self, networks: Networks, append: bool) -> None:
        """Set the fitted arrays from new networks, after those of the last fit."""
        n_old = len(self.n_iter_) if append else 0
        n_new = len(networks.n_iter)
        for name, new in networks._asdict().items():
            attribute = f"{name}_"
            if append:
                new = _append(getattr(self, attribute), new, n_old, n_new)
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
        return self._evaluate(X)

    def _evaluate(self, X: NDArray[Any]) -> Floats:
        """Outputs of the networks on samples that are validated."""
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

    def staged_predict_proba(self, X: ArrayLike) -> Iterator[Floats]:
        """Probabilities of the classes after each vote.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : iterator of ndarray of shape (n_samples, n_classes)
            Those of the first vote, of the first two, and so on: what
            :meth:`predict_proba` of a model with so many `n_estimators` returns.
        """
        outputs = self._outputs(X)
        stages = range(1, outputs.shape[1] + 1)
        return (self._probabilities(outputs[:, :n_votes]) for n_votes in stages)

    def staged_predict(self, X: ArrayLike) -> Iterator[NDArray[Any]]:
        """Predict classes after each vote.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : iterator of ndarray of shape (n_samples,)
            Class labels by the first vote, by the first two, and so on.
        """
        stages = self.staged_predict_proba(X)
        return (self.classes_[stage.argmax(axis=1)] for stage in stages)

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
