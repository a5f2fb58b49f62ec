"""Networks that are 1-Lipschitz by construction, certified by their output's size.

Anil, Lucas, Grosse: Sorting out Lipschitz function approximation (ICML 2019); the
layers are deel-torchlip's, which the extra ``rivals`` installs.
"""

from numbers import Integral, Real

import numpy as np
from joblib import effective_n_jobs
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data


class LipschitzClassifier(ClassifierMixin, BaseEstimator):
    """A 1-Lipschitz network, trained on cross-entropy.

    No perturbation moves the difference of two outputs further than it is long, times a
    constant that is computed from the trained weights in float64: the layers keep it
    near 1, but the proof does not rest on that. Outputs are computed in float64, too.

    Parameters
    ----------
    network : {"mlp", "cnn"}, default="mlp"
        Two hidden layers of 128 and 64 sorted units, or three convolutions.
    image_shape : tuple of int, default=None
        What the rows were flattened from, which "cnn" needs.
    temperature : float, default=0.5
        Factor of the outputs in the loss: the smaller, the more it pays to raise
        outputs that are large already.
    max_iter : int, default=60
        Epochs.
    batch_size : int, default=128
        Rows a step.
    learning_rate : float, default=0.004
        Largest of Adam's, on a schedule of one cycle.
    device : {"cpu", "auto"}, default="cpu"
        Where it is trained; "auto" is a CUDA GPU, if there is one.
    n_jobs : int, default=None
        Threads, one by default.
    random_state : int, RandomState instance or None, default=None
        Draws the first weights and the order of the rows.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels seen in `fit`.
    n_features_in_ : int
        Number of features seen in `fit`.
    centre_ : ndarray of shape (n_features_in_,)
        Mean of the rows, which is subtracted.
    torch_module_ : torch.nn.Module
        The trained network without constraints, in float64: from centered rows to
        outputs, one for two classes.
    lipschitz_ : ndarray of shape (n_classes, n_classes)
        Upper bounds of the Lipschitz constants of differences of outputs.
    """

    _parameter_constraints = {
        "network": [StrOptions({"mlp", "cnn"})],
        "image_shape": [tuple, None],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "device": [StrOptions({"cpu", "auto"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        network="mlp",
        *,
        image_shape=None,
        temperature=0.5,
        max_iter=60,
        batch_size=128,
        learning_rate=0.004,
        device="cpu",
        n_jobs=None,
        random_state=None,
    ):
        self.network = network
        self.image_shape = image_shape
        self.temperature = temperature
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state

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
        self : LipschitzClassifier
        """
        from benchmarks.common.torch_runtime import limited_threads, seeded
        from benchmarks.models.networks._lipschitz_bound import lipschitz_constants
        from benchmarks.models.networks._lipschitz_training import train_lipschitz
        from benchmarks.models.networks._training import choose_device

        X, y = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if self.classes_.size < 2:
            raise ValueError(f"y has the single class {self.classes_[0]!r}; give two")
        self.centre_ = X.mean(axis=0, dtype=np.float64)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        with seeded(int(seed)), limited_threads(effective_n_jobs(self.n_jobs)):
            self.torch_module_ = train_lipschitz(
                (X - self.centre_).astype(np.float32),
                codes,
                self.network,
                self.image_shape,
                self.temperature,
                self.max_iter,
                self.batch_size,
                self.learning_rate,
                choose_device(self.device),
            )
            self.lipschitz_ = lipschitz_constants(self.torch_module_)
        return self

    def predict_proba(self, X):
        """Return the softmax of the outputs, times the temperature.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Classes in the order of `classes_`.
        """
        return softmax(self.temperature * self._outputs(X), axis=1)

    def predict(self, X):
        """Return the class of the largest output, of equals the first in `classes_`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        return self.classes_[self._outputs(X).argmax(axis=1)]

    def certified_distortion(self, X, y):
        """Return the L2 size below which no perturbation changes a sample's class.

        It holds of real numbers. Outputs are rounded in float64, which is not counted:
        of samples that lie on the boundary to all digits, distances to a sample of
        another class were up to 1e-16 below the radius.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            True labels: a sample that is misclassified has the radius 0.

        Returns
        -------
        radii : ndarray of shape (n_samples,)

        Raises
        ------
        ValueError
            If a label is none of `classes_`.
        """
        outputs = self._outputs(X)
        check_consistent_length(outputs, y)
        places = LabelEncoder()
        places.classes_ = self.classes_
        codes = places.transform(y)
        rows = np.arange(len(outputs))
        gaps = outputs[rows, codes][:, np.newaxis] - outputs
        radii = np.zeros_like(gaps)  # a draw is no radius, whatever its slope
        with np.errstate(divide="ignore"):
            np.divide(gaps, self.lipschitz_[codes], out=radii, where=gaps > 0)
        radii[rows, codes] = np.inf
        return radii.min(axis=1)

    def _outputs(self, X):
        """Return an output a class; of two classes the first has 0."""
        from benchmarks.common.torch_runtime import limited_threads
        from benchmarks.models.networks._training import evaluate

        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        with limited_threads(effective_n_jobs(self.n_jobs)):
            outputs = evaluate(self.torch_module_, X - self.centre_)
        if outputs.shape[1] == 1:
            outputs = np.column_stack([np.zeros(len(outputs)), outputs])
        return outputs
