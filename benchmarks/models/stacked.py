"""Runs of one network asked together, their first layers in one product.

An attack asks for one row at a time, and a hundred runs would validate it a hundred
times. What is computed is what each run's `predict` computes, but for the order in
which a product is summed.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy.special import expit
from sklearn.neural_network import MLPClassifier

from benchmarks.models.networks import TorchClassifier

FEW_ROWS = 16  # fewer are multiplied with one run's weights after another's


class Stack(Protocol):
    """Fitted runs that are asked together."""

    runs: Sequence[object]

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return what each run predicts, shape (n_samples, n_runs)."""


class FirstLayers:
    """The first layers of all runs.

    Parameters
    ----------
    weights : sequence of ndarray of shape (n_features, n_units)
        A matrix a run.
    """

    def __init__(self, weights: Sequence[np.ndarray]):
        self.weights = weights
        self.columns: np.ndarray | None = None  # of all runs, made when needed

    def project(self, X: np.ndarray) -> np.ndarray:
        """Return rows times weights, shape (n_samples, n_runs * n_units)."""
        if len(X) < FEW_ROWS:
            return np.concatenate([X @ weights for weights in self.weights], axis=1)
        if self.columns is None:
            self.columns = np.concatenate(self.weights, axis=1)
        return X @ self.columns


class StackedMLPs:
    """Runs of one hidden layer of logistic units that tell two classes apart.

    Parameters
    ----------
    runs : sequence of MLPClassifier
    """

    def __init__(self, runs: Sequence[MLPClassifier]):
        self.runs = runs
        self.first = FirstLayers([run.coefs_[0] for run in runs])
        self.intercepts = np.concatenate([run.intercepts_[0] for run in runs])
        self.last = np.stack([run.coefs_[1] for run in runs])
        self.last_intercepts = np.stack([run.intercepts_[1] for run in runs])
        self.codes = np.stack([run.classes_ for run in runs])

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return what each run predicts, shape (n_samples, n_runs)."""
        hidden = self.first.project(X)
        hidden += self.intercepts
        expit(hidden, out=hidden)
        by_run = hidden.reshape(len(X), len(self.last), -1).transpose(1, 0, 2)
        outputs = expit(by_run @ self.last + self.last_intercepts[:, np.newaxis])
        beyond = (outputs[:, :, 0] > 0.5).astype(np.intp)
        return np.take_along_axis(self.codes, beyond, axis=1).T


class StackedSignNetworks:
    """Runs of sign networks that were trained by gradient.

    Parameters
    ----------
    runs : sequence of TorchClassifier
        Of ``network='bnn-ste'``.
    """

    def __init__(self, runs: Sequence[TorchClassifier]):
        from benchmarks.models.networks.sign_ste import read_layers  # imports torch

        self.runs = runs
        layers = [read_layers(run.torch_module_) for run in runs]
        self.first = FirstLayers([layer.signs for layer in layers])
        self.means = np.concatenate([layer.means for layer in layers])
        self.scales = np.concatenate([layer.scales for layer in layers])
        self.biases = np.concatenate([layer.biases for layer in layers])
        self.last = np.stack([layer.outputs for layer in layers])
        self.last_biases = np.stack([layer.output_biases for layer in layers])
        self.codes = np.stack([run.classes_ for run in runs])

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return what each run predicts, shape (n_samples, n_runs)."""
        inputs = self.first.project(X.astype(np.float32, copy=False))
        inputs = (inputs - self.means) * self.scales + self.biases
        signs = np.where(inputs >= 0, np.float32(1), np.float32(-1))
        by_run = signs.reshape(len(X), len(self.last), -1).transpose(1, 0, 2)
        outputs = by_run @ self.last + self.last_biases[:, np.newaxis]
        return np.take_along_axis(self.codes, outputs.argmax(axis=2), axis=1).T


def stack(runs: Sequence[object]) -> Stack | None:
    """Stack runs if all are of one kind that can be, else return None."""
    if all(type(run) is MLPClassifier for run in runs):
        return _stack_mlps(runs)
    if all(_is_sign_network(run) for run in runs):
        return StackedSignNetworks(runs)
    return None


def _stack_mlps(runs: Sequence[MLPClassifier]) -> StackedMLPs | None:
    """Stack logistic units that tell two classes apart, of one dtype and size."""
    kinds = {
        (
            *(run.activation, run.out_activation_, run.n_layers_),
            *(run.coefs_[0].dtype, run.coefs_[0].shape, len(run.classes_)),
        )
        for run in runs
    }
    (first, *others) = kinds
    if others or first[:3] != ("logistic", "logistic", 3) or first[-1] != 2:
        return None
    return StackedMLPs(runs)


def _is_sign_network(run: object) -> bool:
    """Tell whether a run is one of `SignNetwork`, whose sizes are all the same."""
    return isinstance(run, TorchClassifier) and run.network == "bnn-ste"
