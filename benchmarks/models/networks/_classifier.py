"""A scikit-learn classifier around a network of torch."""

import warnings
from importlib import import_module
from numbers import Integral, Real

import numpy as np
from joblib import effective_n_jobs
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

# What imports torch is imported in functions: torch takes seconds, and many runs of
# the benchmark do without.

NETWORKS = {
    "bnn-ste": "sign_ste",
    "cnn": "small_cnn",
    "lenet": "lenet",
    "mlp": "mlp",
    "resnet18": "resnet",
}


class TorchClassifier(ClassifierMixin, BaseEstimator):
    """A network trained from scratch by Adam on cross-entropy, with early stopping.

    A share of the training rows is held out; training ends when their loss has not
    fallen for some epochs, and the weights of the best epoch are kept. Rows are not
    augmented.

    Parameters
    ----------
    network : str or callable, default="bnn-ste"
        What to train: "bnn-ste", "cnn", "lenet", "mlp" or "resnet18". A callable takes
        the number of features, `image_shape` and the number of classes, and returns a
        `torch.nn.Module` from rows (n_samples, n_features) to logits
        (n_samples, n_classes).
    image_shape : tuple of int, default=None
        What the rows were flattened from: height and width, for color also the number
        of channels. Networks with convolutions need it.
    max_iter : int, default=100
        Most epochs.
    batch_size : int, default=32
        Rows a step; the batches of an epoch are of nearly the same size, none smaller.
    learning_rate : float, default=0.001
        Adam's.
    validation_fraction : float, default=0.1
        Share of each class that is held out: at least one sample of it, unless it has
        no other.
    n_iter_no_change : int, default=10
        Epochs without a lower held-out loss after which training ends.
    epsilon : float, default=0.0
        Above 0, training and the rows held out are those that ART's projected gradient
        descent makes of them, within this L2 distance; features lie in [0, 1] then.
    noise : float, default=0.0
        Above 0, the standard deviation of Gaussian noise that is added to the rows,
        drawn anew in each epoch, and to those held out. Not together with `epsilon`.
    device : {"cpu", "auto"}, default="cpu"
        Where it computes; "auto" is the first CUDA GPU, if there is one. Results on a
        GPU are others: sums are rounded in another order.
    precision : {"float32", "bfloat16"}, default="float32"
        In what the products and convolutions of the network compute; all else is
        float32. With bfloat16 they have 8 bits of precision and, where the processor
        has instructions for them, take half the time, else far longer.
    n_jobs : int, default=None
        Threads, one by default. With another number of them sums may be rounded in
        another order, and training then takes another course.
    random_state : int, RandomState instance or None, default=None
        Draws the rows held out, the first weights and the order of the rows: the same
        weights for the same seed, on one machine and with as many threads. Torch's own
        random state is as before afterwards.
    verbose : int, default=0
        Whether to show a progress bar, on a terminal.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels seen in `fit`.
    n_features_in_ : int
        Number of features seen in `fit`.
    n_iter_ : int
        Epochs run.
    torch_module_ : torch.nn.Module
        The trained network, for gradients: from rows as `fit` takes them, float32 of
        shape (n_samples, n_features_in_) and of the same scale, to logits in the order
        of `classes_`. It is in the mode for evaluation.
    validation_losses_ : ndarray of shape (n_iter_,)
        Mean cross-entropy of the rows held out, after each epoch.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` ends training, or no held-out loss was finite; the weights are
        then the first ones.
    """

    _parameter_constraints = {
        "network": [StrOptions(set(NETWORKS)), callable],
        "image_shape": [tuple, None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "device": [StrOptions({"cpu", "auto"})],
        "precision": [StrOptions({"float32", "bfloat16"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        network="bnn-ste",
        *,
        image_shape=None,
        max_iter=100,
        batch_size=32,
        learning_rate=1e-3,
        validation_fraction=0.1,
        n_iter_no_change=10,
        epsilon=0.0,
        noise=0.0,
        device="cpu",
        precision="float32",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.network = network
        self.image_shape = image_shape
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.epsilon = epsilon
        self.noise = noise
        self.device = device
        self.precision = precision
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples, used as float32.
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        self : TorchClassifier

        Raises
        ------
        ValueError
            If `image_shape` does not fit X or the network, the samples are too few to
            hold some out, or `epsilon` and `noise` are both above 0.
        """
        from benchmarks.common.torch_runtime import limited_threads, seeded

        X, y = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        self._check_image_shape(X.shape[1])
        if self.epsilon > 0 and self.noise > 0:
            raise ValueError(
                f"epsilon={self.epsilon} and noise={self.noise} are two ways to train; "
                "set one of them to 0"
            )
        self.classes_, codes = np.unique(y, return_inverse=True)
        random_state = check_random_state(self.random_state)
        held = hold_out(codes, self.validation_fraction, random_state)
        seed = int(random_state.randint(np.iinfo(np.int32).max))
        with seeded(seed), limited_threads(effective_n_jobs(self.n_jobs)):
            self._train((X[~held], codes[~held]), (X[held], codes[held]))
        return self

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Classes in the order of `classes_`.
        """
        return softmax(self._logits(X).astype(np.float64), axis=1)

    def predict(self, X):
        """Return the most probable class, of equals the first in `classes_`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        logits = self._logits(X)
        return self.classes_[logits.argmax(axis=1)]

    def _check_image_shape(self, n_features):
        if self.image_shape is not None and np.prod(self.image_shape) != n_features:
            raise ValueError(
                f"image_shape={self.image_shape} does not make the {n_features} "
                "features of X; give the shape that its rows were flattened from"
            )

    def _train(self, fitted, held_out):
        from benchmarks.models.networks._training import (
            Settings,
            choose_device,
            train,
        )

        build = self.network
        if isinstance(build, str):
            build = import_module(f"benchmarks.models.networks.{NETWORKS[build]}").build
        module = build(self.n_features_in_, self.image_shape, len(self.classes_))
        settings = Settings(
            self.max_iter,
            self.batch_size,
            self.learning_rate,
            self.n_iter_no_change,
            self.verbose,
            self.precision,
        )
        module.to(choose_device(self.device))
        adversary = None
        if self.epsilon > 0:
            from benchmarks.models.networks._adversary import make_adversary

            adversary = make_adversary(
                module, self.n_features_in_, len(self.classes_), self.epsilon
            )
        if self.noise > 0:
            from benchmarks.models.networks._noise import make_noisy

            adversary = make_noisy(self.noise)
        losses = train(module, fitted, held_out, settings, adversary)
        self.torch_module_ = module
        self.validation_losses_ = np.asarray(losses)
        self.n_iter_ = len(losses)
        self._warn_of_convergence()

    def _warn_of_convergence(self):
        if not np.isfinite(self.validation_losses_).any():
            message = "No held-out loss was finite; the network is not trained."
        elif self._epochs_without_gain() < self.n_iter_no_change:
            message = (
                f"Maximum of {self.max_iter} epochs reached before the held-out loss "
                "stopped falling."
            )
        else:
            return
        warnings.warn(message, ConvergenceWarning, stacklevel=5)

    def _epochs_without_gain(self):
        return self.n_iter_ - 1 - np.nanargmin(self.validation_losses_)

    def _logits(self, X):
        from benchmarks.common.torch_runtime import limited_threads
        from benchmarks.models.networks._training import evaluate

        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        with limited_threads(effective_n_jobs(self.n_jobs)):
            return evaluate(self.torch_module_, X, self.precision)


def hold_out(
    codes: np.ndarray, fraction: float, random_state: np.random.RandomState
) -> np.ndarray:
    """Choose rows of each class by which to stop training.

    Parameters
    ----------
    codes : ndarray of int, shape (n_samples,)
        Classes as positions from 0.
    fraction : float
        Share of each class: at least one row of it, and never the last.
    random_state : RandomState
        Draws them.

    Returns
    -------
    ndarray of bool, shape (n_samples,)

    Raises
    ------
    ValueError
        If no row can be held out, or fewer than two would be left to train on.
    """
    counts = np.bincount(codes)
    n_held = np.clip(np.rint(fraction * counts).astype(int), 1, counts - 1)
    if n_held.sum() < 1 or (counts - n_held).sum() < 2:
        raise ValueError(
            f"n_samples={len(codes)}, n_classes={len(counts)}: too few to hold some "
            "out for early stopping; give two samples a class and three in all"
        )
    held = np.zeros(len(codes), dtype=bool)
    for code, n_of_class in enumerate(n_held):
        rows = np.flatnonzero(codes == code)
        held[random_state.choice(rows, n_of_class, replace=False)] = True
    return held
