"""Runs of scikit-learn's MLP asked together, their first layers in one product.

An attack asks for one row at a time, and a hundred runs would validate it a hundred
times. What is computed is what `MLPClassifier.predict` computes.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit
from sklearn.neural_network import MLPClassifier

FEW_ROWS = 16  # fewer are multiplied with one run's weights after another's


class StackedMLPs:
    """Runs of one hidden layer of logistic units that tell two classes apart.

    Parameters
    ----------
    runs : sequence of MLPClassifier
    """

    def __init__(self, runs: Sequence[MLPClassifier]):
        self.runs = runs
        self.first = [run.coefs_[0] for run in runs]
        self.columns: np.ndarray | None = None  # of all runs, made when needed
        self.intercepts = np.concatenate([run.intercepts_[0] for run in runs])
        self.last = np.stack([run.coefs_[1] for run in runs])
        self.last_intercepts = np.stack([run.intercepts_[1] for run in runs])
        self.codes = np.stack([run.classes_ for run in runs])

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return what each run predicts, shape (n_samples, n_runs)."""
        if len(X) < FEW_ROWS:
            hidden = np.concatenate([X @ coef for coef in self.first], axis=1)
        else:
            if self.columns is None:
                self.columns = np.concatenate(self.first, axis=1)
            hidden = X @ self.columns
        hidden += self.intercepts
        expit(hidden, out=hidden)
        by_run = hidden.reshape(len(X), len(self.last), -1).transpose(1, 0, 2)
        outputs = expit(by_run @ self.last + self.last_intercepts[:, np.newaxis])
        beyond = (outputs[:, :, 0] > 0.5).astype(np.intp)
        return np.take_along_axis(self.codes, beyond, axis=1).T


def stack(runs: Sequence[object]) -> StackedMLPs | None:
    """Stack runs if all are such MLPs of the same dtype and size, else return None."""
    if not all(type(run) is MLPClassifier for run in runs):
        return None
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
