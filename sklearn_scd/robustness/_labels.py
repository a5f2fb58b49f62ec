"""Classes as whole numbers, whatever the labels are: attacks know no others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import check_is_fitted

from sklearn_scd._typing import FittedClassifier
from sklearn_scd.robustness._inputs import ask, known_of


class LabelCodes:
    """Places of labels in an estimator's `classes_`.

    ART takes labels for column indices. With -1 and 1 every attack fails and the model
    looks perfectly robust; strings raise.

    Parameters
    ----------
    estimator : fitted classifier
        Anything with `classes_` and `predict`.

    Raises
    ------
    TypeError
        If it has no `classes_`.
    ValueError
        If it has a single class: nothing changes what it says, and that is no
            robustness.
    """

    def __init__(self, estimator: FittedClassifier) -> None:
        if hasattr(estimator, "fit"):  # or it came trained
            check_is_fitted(estimator)
        self.classes = np.asarray(known_of(estimator, "classes_"))
        if self.classes.size < 2:
            raise ValueError(
                f"{type(estimator).__name__} was fitted on a single class, "
                f"{self.classes.tolist()}: without another one nothing can be "
                "misclassified, and robustness is not defined."
            )
        self._order = np.argsort(self.classes, kind="stable")
        self._sorted = self.classes[self._order]

    def encode(self, labels: ArrayLike, name: str) -> NDArray[np.intp]:
        """Codes of labels.

        Parameters
        ----------
        labels : array-like of shape (n,) or (n, 1)
        name : str
            What the labels are called in an error.

        Returns
        -------
        codes : ndarray of shape (n,), dtype intp

        Raises
        ------
        ValueError
            If a label is none of the classes, or there is not one a sample.
        """
        # Attacks ask thousands of times, and the check takes as long as a small model.
        if not (type(labels) is np.ndarray and labels.ndim == 1):
            labels = column_or_1d(labels)
        try:
            places = np.searchsorted(self._sorted, labels)
        except TypeError:  # such as None, which can't be sorted among numbers
            places = np.zeros(labels.size, dtype=np.intp)
        places = np.minimum(places, self.classes.size - 1)
        known = self._sorted[places] == labels
        if not np.all(known):
            label = labels[~known].tolist()[0]
            raise ValueError(
                f"{name} has the label {label!r}, which is none of the estimator's "
                f"classes {self.classes.tolist()}."
            )
        return self._order[places]

    def from_art(self, y: ArrayLike) -> NDArray[np.intp]:
        """Codes out of labels in any of ART's shapes.

        Parameters
        ----------
        y : array-like of shape (n,), (n, 1) or (n, n_classes)
            Codes, or a row for each sample that is largest at its code. Strings, which
            can't be codes, are labels.

        Returns
        -------
        codes : ndarray of shape (n,), dtype intp

        Raises
        ------
        ValueError
            If `y` has another shape, is not finite, or a code is none.
        """
        y = np.asarray(y)
        n_classes = self.classes.size
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim not in (1, 2) or (y.ndim == 2 and y.shape[1] != n_classes):
            raise ValueError(
                f"y must be of shape (n,), (n, 1) or (n, {n_classes}), got {y.shape}."
            )
        if y.dtype.kind in "OSU":
            return self.encode(y, "y")
        if y.ndim == 2:
            return check_array(y, input_name="y").argmax(axis=1)
        known = np.isin(y, np.arange(n_classes))
        if not known.all():
            raise ValueError(
                f"y has {y[~known][0].item()!r}, but codes of classes are whole "
                f"numbers from 0 to {n_classes - 1}. Get those of labels by "
                "encode_labels."
            )
        return y.astype(np.intp)

    def predict(self, estimator: FittedClassifier, X: Any) -> NDArray[np.intp]:
        """Codes of the classes that an estimator predicts, shape (n_samples,).

        Raises
        ------
        ValueError
            If it predicts what is none of its classes, or not one label a sample: what
            is broadcast instead would count as an answer.
        """
        codes = self.encode(ask(estimator, "predict", X), "The estimator's prediction")
        if len(codes) != len(X):
            raise ValueError(
                f"The estimator's prediction has {len(codes)} labels for {len(X)} "
                "samples."
            )
        return codes
