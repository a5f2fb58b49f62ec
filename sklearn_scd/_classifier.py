"""SCDClassifier: its parameters and the training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from joblib import cpu_count, effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import (
    Interval,
    Options,
    RealNotInt,
    StrOptions,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    validate_data,
)

from sklearn_scd._class_weights import codes_and_weights
from sklearn_scd._convergence import warn_of_a_constant
from sklearn_scd._data_scale import automatic_size, sizes_of_radii
from sklearn_scd._doc_link import DocumentedHere
from sklearn_scd._ensemble import Networks, train_networks
from sklearn_scd._kernels.compiling import announced_once
from sklearn_scd._margin_norm import InputMap, MarginNorm, margin_norm_of
from sklearn_scd._memory import fit_need, require_memory
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
from sklearn_scd._voting_networks import DTYPES, VotingNetworks
from sklearn_scd._warm_start import stack_networks, votes_to_keep

if TYPE_CHECKING:
    from typing_extensions import Self  # of typing from Python 3.11 on

_PASSES = 60  # over the samples, by loss='radius'
_RADIUS_UNITS, _FEW_UNITS = 50, 10  # hidden_units='auto'
_RAMP = 0.3  # of 0/1 loss
_UNEVEN = 1_000  # times the weight of another class
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
    "target_loss",
)


def trains_by_radii(loss: str, margin: float | str) -> bool:
    """Whether these parameters have two classes trained by certified radii."""
    return loss == "radius" or (loss == "auto" and margin == "auto")


class SCDClassifier(DocumentedHere, VotingNetworks):
    """Majority vote of sign-activation networks trained by coordinate descent.

    Each network has one hidden layer of units with step activations,
    ``H_j(x) = 1 if w_j . x + b_j > 0 else 0``, and votes for class 1 where
    ``f(x) = sum_j u_j H_j(x) + c`` is positive. Training is stochastic coordinate
    descent, without gradients: from a random start, an iteration draws rows, tries
    steps on the output weights and on weights of one hidden unit, each with the bias
    that an exact search over all thresholds finds for it, and keeps what improves the
    loss. The ensemble is `n_estimators` such networks from independent seeds [1]_.

    The paper's SCD01 is ``loss='01', ramp=0``, its SCDCE is ``loss='ce'`` and its
    SCDCEBNN is ``loss='ce', binary_weights=True``.

    Parameters
    ----------
    loss : {'ce', '01', 'radius', 'auto'}, default='ce'
        Loss that training reduces: ``'01'`` the weighted error, ``'ce'`` cross-entropy,
        the logistic loss of ``f(x)``, ``'radius'`` that of the network's certified
        radius over `margin`. The last is not coordinate descent, see the notes.
        ``'auto'`` is ``'ce'`` for more than two classes, as outputs of networks trained
        with another loss hardly compare; for two it is ``'radius'`` if `margin` is
        ``'auto'``, too, and ``'01'`` if it is a number.

    binary_weights : bool, default=False
        Whether every weight of hidden and output units is +1 or -1; biases stay real.
        Not with ``loss='radius'``.

    n_estimators : int, default=100
        Number of votes. With more than two classes each vote is made of one network
        a class, trained to tell it from the rest.

    hidden_units : int or 'auto', default=20
        Number of hidden units; ``'auto'`` is 50 with ``loss='radius'``, else 10, which
        suit training with `margin`. 0 gives the linear classifier of the paper's
        section 2.1: one sign node (under CE with the log-odds of its two sides), stored
        as a hidden layer of one unit. Under 0/1 loss its output is the signed distance.

    max_iter : int, default=None
        Iterations of a network: None means 1,000, with binary weights 10,000, for two
        classes under 0/1 loss with a ramp 500. With ``loss='radius'`` they are passes
        over the samples and their noisy copies, and None means 60, with noise ``60 //
        (1 + noisy_copies)``, which takes as long.

    max_features : int, float or None, default=128
        Features tried an iteration: a number (at most all), a fraction of all, or all.

    learning_rate : float, default=0.17
        Step on a hidden weight, whose unit's weights have unit L2 norm; at most 1,000.
        Binary weights are flipped instead. With ``loss='radius'`` the largest rate of
        descent by up to ten units, in units of `margin` over the spread of the samples;
        more units, which have fewer samples each, learn faster in proportion.

    output_learning_rate : float, default=0.2
        Step on an output weight, from 1e-4 to 1,000. Under 0/1 loss output weights have
        unit L2 norm.

    ramp : float or 'auto', default='auto'
        Half-width of a ramp that stands for the step of 0/1 loss where hidden units are
        trained: a sample's loss falls linearly from 1 to 0 while its output goes from
        wrong by `ramp` to right by `ramp`, in units of the output weights' L2 norm. The
        output node and the choice of the best iterate keep the 0/1 loss. With K > 2
        classes and a ramp, samples of the class that a network tells from the others
        weigh K - 1 times as much in it. 0 is the paper's training. ``'auto'`` is 0.3
        with real weights, no margin and no class that outweighs another 1,000 times,
        else 0. At most 1,000. Cross-entropy has no use for it.

    subsample : float, default=0.75
        Fraction of each class's distinct samples that an iteration draws, without
        replacement.

    margin : float or 'auto', default=0.0
        L2 distance, in the units of X, within which a hidden unit counts as decided
        against the sample: training reduces the loss at the worst that perturbations of
        this size can do to each unit. 0 is the paper's training. With ``loss='radius'``
        the scale of radii in the loss, in `margin_norm`: the larger, the more it pays
        to raise those that are large already. ``'auto'`` takes a size from the data,
        see the notes, which is then ``margin_``.

    margin_norm : {2, numpy.inf, 'inf'}, default=2
        Norm of the perturbations that ``loss='radius'`` trains against, in which
        `margin` is then. Infinity is for perturbations that change no feature by more
        than some size, such as a number of gray levels a pixel. It is measured in the
        features of X, or where `input_map` leads from, see :meth:`fit`;
        :class:`RobustPipeline` gives that. Other losses have 2 only.

    margin_growth : float, default=0.5
        Fraction of `max_iter` in which the margin grows from 0; only then the best
        iterate is looked for. With the whole margin from the start, random units are
        wrong about so many samples that ``'01'`` may end at a constant.

    noise : float or 'auto', default=0.0
        Standard deviation, in the units of X, of Gaussian noise on copies of the
        samples that are trained on beside them. It keeps a training with `margin` from
        fitting single samples. 0: no copies. ``'auto'`` takes a size from the data,
        too.

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
        ``'balanced'`` makes the sums of these products alike. With
        ``loss='radius'`` None stands for classes that count alike, as a constant has
        the largest radii where one class is rare.

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

    target_loss : float, default=0.0
        Stop a network when its mean loss, by which the best iterate is chosen, is no
        more than this. At 0 the stop changes no network: nothing is lower than a loss
        of 0.

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
        Samples weigh what they do in the training of the network, see `ramp`.

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
    With ``loss='radius'`` all output weights are alike, and a network names a class
    where some number of its units are active: where an order statistic of the signed
    distances ``w_j . x + b_j`` is positive. No perturbation smaller than that distance
    changes the answer. Training is stochastic subgradient descent on the logistic loss
    of that distance: each sample moves the one unit whose distance it is and, less and
    less as training goes on, those whose distances are near it. Which order statistic
    it is, the median or one near either end, short trainings tell. Of the
    parameters of coordinate descent, `max_features`, `output_learning_rate`,
    `subsample` and `margin_growth` do nothing then. ``margin='auto'`` is the spread of
    the samples (the root of their mean squared distance to the mean), times the square
    of the overlap of two classes: their variance along the line between the means over
    its squared length, or 1. ``noise='auto'`` is a tenth of the spread.

    With ``margin_norm=numpy.inf`` the distance to a hyperplane is ``|w . x + b|`` over
    the L1 norm of its row w or, behind a linear map, of ``input_map.T @ w``.
    ``margin='auto'`` is the size above over the mean of that norm, for rows of unit L2
    norm and any direction. The noise stays as it is, Gaussian in the features of X.

    With the other losses ``margin='auto'`` and ``noise='auto'`` take the smaller of two
    sizes: 0.14 of the median distance of a sample to the nearest one of another class,
    and 0.4 of that to the hyperplane by which a ridge classifier of standardized
    features tells the sample's class from the rest. Of more than 2,000 distinct samples
    so many are drawn. What these fractions do is told in :doc:`/robust_training`.

    A fit whose model predicts nearly one class alone warns by scikit-learn's
    ``ConvergenceWarning``.

    Training computes in float64, and weights and biases are then rounded to the dtype
    of the model. Of ``float32`` samples that lie 10,000 times farther from 0 than they
    differ, networks do not reach the losses in ``loss_curve_``, as biases of that size
    have no digits left: center such features, or pass float64.

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

    _parameter_constraints: dict[str, list[Any]] = {
        "loss": [StrOptions({"01", "ce", "radius", "auto"})],
        "binary_weights": ["boolean"],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "hidden_units": [
            Interval(Integral, 0, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "max_features": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
            None,
        ],
        "learning_rate": [Interval(Real, 0, 1_000, closed="right")],
        "output_learning_rate": [Interval(Real, 1e-4, 1_000, closed="both")],
        "ramp": [Interval(Real, 0, 1_000, closed="both"), StrOptions({"auto"})],
        "subsample": [Interval(Real, 0, 1, closed="right")],
        "margin": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "margin_norm": [Options(Real, {2, np.inf}), StrOptions({"inf"})],
        "margin_growth": [Interval(Real, 0, 1, closed="both")],
        "noise": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "noisy_copies": [Interval(Integral, 1, None, closed="left")],
        "voting": [StrOptions({"hard", "soft"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
        "target_loss": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        loss: Literal["ce", "01", "radius", "auto"] = "ce",
        *,
        binary_weights: bool = False,
        n_estimators: int = 100,
        hidden_units: int | Literal["auto"] = 20,
        max_iter: int | None = None,
        max_features: float | None = 128,
        learning_rate: float = 0.17,
        output_learning_rate: float = 0.2,
        ramp: float | Literal["auto"] = "auto",
        subsample: float = 0.75,
        margin: float | Literal["auto"] = 0.0,
        margin_norm: float | Literal["inf"] = 2,
        margin_growth: float = 0.5,
        noise: float | Literal["auto"] = 0.0,
        noisy_copies: int = 4,
        voting: Literal["hard", "soft"] = "hard",
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        tol: float = 0.0,
        n_iter_no_change: int | None = None,
        target_loss: float = 0.0,
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
        self.ramp = ramp
        self.subsample = subsample
        self.margin = margin
        self.margin_norm = margin_norm
        self.margin_growth = margin_growth
        self.noise = noise
        self.noisy_copies = noisy_copies
        self.voting = voting
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.target_loss = target_loss
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
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        input_map: InputMap = None,
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

        input_map : array-like or sparse array of shape (n_features, n_inputs) or \
callable, default=None
            For ``margin_norm=numpy.inf``: the linear map by which the features of X
            come from the input in which perturbations are measured, ``X = inputs @
            input_map.T`` but for a constant. A callable is called without arguments and
            returns it. None: X is the input.

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
        X, y = validate_data(self, X, y, dtype=DTYPES, reset=not adding)
        check_classification_targets(y)
        classes = np.unique(y)
        if classes.size < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes in the "
                f"data, but the data contains only one class: {classes[0]!r}"
            )
        loss = self._loss_for(classes.size)
        self._check_voting(loss)
        self._check_radius(loss)
        margin_norm = margin_norm_of(loss, self.margin_norm, X.shape[1], input_map)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        n_old = 0
        if adding:
            seed = self._seed
            n_old = votes_to_keep(
                self, classes, loss=loss, linear=self._is_linear(loss),
                hidden_units=self._n_units(loss), binary_weights=self.binary_weights,
                n_estimators=self.n_estimators,
            )  # fmt: skip
        if n_old < self.n_estimators:
            labels, weights = codes_and_weights(
                type(self).__name__, X, y, classes, self.class_weight, sample_weight
            )
            with announced_once():  # small kernels, too, before progress is timed
                options = {
                    **self._training_options(
                        X.shape[1], loss, np.bincount(labels, weights)
                    ),
                    **self._sizes(X, labels, weights, seed, loss, margin_norm.typical),
                    "loss": loss,
                }
                sets = self._prepare(X, labels, weights, options, seed, n_old)
                compile_for(X, noise=bool(options["noise"]), losses=(loss,))
            new = self._train(
                *sets, self._rivals(classes.size), options, seed, n_old, margin_norm
            )
            networks = stack_networks(self._networks, new) if adding else new
            for name, values in networks._asdict().items():
                setattr(self, f"{name}_", values)
            self.margin_, self.noise_ = options["margin"], options["noise"]
        self.classes_ = classes
        self._seed, self._loss, self._linear = seed, loss, self._is_linear(loss)
        if n_old < self.n_estimators:
            warn_of_a_constant(self, X, labels, weights, new, options)
        return self

    @staticmethod
    def _rivals(n_classes: int) -> Sequence[int]:
        """Classes that a vote has a network for, which tells it from the others."""
        return [1] if n_classes == 2 else range(n_classes)

    def _prepare(
        self,
        X: NDArray[Any],
        labels: NDArray[np.intp],
        weights: Floats,
        options: dict[str, Any],
        seed: int,
        n_old: int,
    ) -> tuple[TrainingSet, TrainingSet | None]:
        """Samples to train on and those held out, where memory is enough for all."""
        n_rivals = len(self._rivals(int(labels.max()) + 1))
        need = {
            "n_features": X.shape[1],
            "dtype": X.dtype,
            "n_networks": (self.n_estimators - n_old) * n_rivals,
            # The workers of a cluster take their memory elsewhere.
            "n_threads": min(effective_n_jobs(self.n_jobs), cpu_count()),
            "options": options,
            "n_old": n_old * n_rivals,
        }
        return self._training_sets(X, labels, weights, options["noise"], seed, need)

    def _train(
        self,
        training: TrainingSet,
        held_out: TrainingSet | None,
        rivals: Sequence[int],
        options: dict[str, Any],
        seed: int,
        n_old: int,
        margin_norm: MarginNorm,
    ) -> Networks:
        """Networks of the votes from number `n_old` on."""
        return train_networks(
            training,
            rivals=rivals,
            votes=range(n_old, self.n_estimators),
            options=options,
            master_seed=seed,
            n_jobs=self.n_jobs,
            progress=self._progress((self.n_estimators - n_old) * len(rivals)),
            held_out=held_out,
            margin_norm=margin_norm,
        )

    def _loss_for(self, n_classes: int) -> str:
        """The loss that the parameters ask for."""
        if self.loss != "auto":
            return self.loss
        if n_classes > 2:
            return "ce"
        return "radius" if trains_by_radii(self.loss, self.margin) else "01"

    def _n_units(self, loss: str) -> int:
        """Hidden units that the parameters ask for."""
        if self.hidden_units == "auto":
            return _RADIUS_UNITS if loss == "radius" else _FEW_UNITS
        return int(self.hidden_units)

    def _check_radius(self, loss: str) -> None:
        """Refuse parameters that a training by radii can do nothing with."""
        if loss != "radius":
            return
        if self.binary_weights:
            raise ValueError("loss='radius' has no binary_weights; give '01' or 'ce'.")
        if self.margin == 0:
            raise ValueError(
                "loss='radius' needs a margin above 0, which is the scale of radii in "
                "it; margin='auto' takes it from the data."
            )

    def _is_linear(self, loss: str) -> bool:
        """Whether the parameters ask for the linear classifier of 0/1 loss."""
        return bool(loss == "01" and self.hidden_units == 0)

    def _sizes(
        self,
        X: NDArray[Any],
        labels: NDArray[np.intp],
        weights: Floats,
        seed: int,
        loss: str,
        typical: float,
    ) -> dict[str, float]:
        """Margin and noise, by the data where they are 'auto'.

        `typical` is the length of a row of unit L2 norm in the margin's norm.
        """
        sizes = {"margin": self.margin, "noise": self.noise}
        automatic: dict[str, float] = {}
        if "auto" in sizes.values():
            rows, _ = canonical_rows(X, labels, weights)
            if loss == "radius":
                automatic = sizes_of_radii(X, labels, rows)
                automatic["margin"] /= typical
            else:
                automatic = dict.fromkeys(sizes, automatic_size(X, labels, rows, seed))
        return {k: automatic[k] if v == "auto" else float(v) for k, v in sizes.items()}

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
        require_memory(plan.n_rows, fit_need(plan.n_rows, copied=plan.dtype, **need))
        training = copy_rows(X, labels, plan, n_classes, seed)
        if held_out is not None:
            held_out = in_dtype_of(training, held_out)
        return training, held_out

    def _training_options(
        self, n_features: int, loss: str, class_weights: NDArray[Any]
    ) -> dict[str, Any]:
        """Parameters of training, with those resolved that depend on the data.

        Read by their attributes: those that a subclass presets are none of its own
        parameters, and missing in its `get_params`.
        """
        ramp = self.ramp
        if ramp == "auto":  # on where it was measured
            uneven = class_weights.max() > _UNEVEN * class_weights.min()
            off = self.binary_weights or self.margin or uneven
            ramp = 0.0 if off else _RAMP
        if loss != "01" or self.hidden_units == 0:
            ramp = 0.0
        max_iter = self.max_iter
        if max_iter is None:
            few = ramp > 0 and class_weights.size == 2
            max_iter = 10_000 if self.binary_weights else 500 if few else 1_000
            if loss == "radius":
                copies = self.noisy_copies if self.noise else 0
                max_iter = max(_PASSES // (1 + copies), 1)
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
            "hidden_units": self._n_units(loss),
            "ramp": ramp,
            "max_iter": max_iter,
            "n_candidates": n_candidates,
            "n_iter_no_change": patience,
            "alike": self.class_weight is None,
        }

    def _progress(self, n_networks: int) -> Callable[[float], None]:
        """What is called as networks are done."""
        if not self.verbose:
            return lambda loss: None
        measure = "training error" if self.loss == "01" else "training loss"
        return ProgressLine(type(self).__name__, "networks", n_networks, measure)
