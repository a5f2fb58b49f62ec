"""Classes as whole numbers, whatever the labels are: attacks know no others."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_scd.robustness._samples import ask


class LabelCodes:
    """Places of labels in an estimator's `classes_`.

    ART takes labels for column indices. With -1 and 1 every attack fails and the model
    looks perfectly robust; strings raise.

    Parameters
    ----------
    estimator : fitted classifier
        Anything with `classes_` and `predict`.
    """

    def __init__(self, estimator):
        if hasattr(estimator, "fit"):  # or it came trained
            check_is_fitted(estimator)
        self.classes = np.asarray(estimator.classes_)
        self._order = np.argsort(self.classes, kind="stable")
        self._sorted = self.classes[self._order]

    def encode(self, labels, name):
        """Codes of labels.

        Parameters
        ----------
        labels : array-like of shape (n,)
        name : str
            What the labels are called in an error.

        Returns
        -------
        codes : ndarray of shape (n,), dtype intp

        Raises
        ------
        ValueError
            If a label is none of the classes.
        """
        labels = np.asarray(labels)
        places = np.searchsorted(self._sorted, labels)
        places = np.minimum(places, self.classes.size - 1)
        known = self._sorted[places] == labels
        if not np.all(known):
            label = labels[~known].tolist()[0]
            raise ValueError(
                f"{name} has the label {label!r}, which is none of the estimator's "
                f"classes {self.classes.tolist()}."
            )
        return self._order[places]

    def predict(self, estimator, X):
        """Codes of the classes that an estimator predicts, shape (n_samples,)."""
        predicted = ask(estimator, "predict", X)
        return self.encode(predicted, "The estimator's prediction")
