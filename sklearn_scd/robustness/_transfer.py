"""Transfer: success rates of adversarial samples on other models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length

from sklearn_scd._typing import FittedClassifier, Floats
from sklearn_scd.robustness._labels import LabelCodes
from sklearn_scd.robustness._results import (
    DistortionResult,
    as_html,
    frame_of,
    in_one_line,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class TransferResult:
    """Transfer success rates of adversarial samples between models.

    Attributes
    ----------
    names : tuple of str
        The estimators, in the order of the rows and columns.

    fooled : ndarray of shape (n_sources, n_targets, n_samples), bool
        Whether the target misclassifies the source's adversarial sample (the paper's
        Table 6 for one sample). False where the source has none.

    valid : ndarray of shape (n_sources, n_samples), bool
        Where the source has an adversarial sample.

    sources : tuple of str
        Whose adversarial samples these are, in the order of the rows.
    """

    names: tuple[str, ...]
    fooled: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    sources: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """The rates as a data frame.

        Returns
        -------
        frame : pandas.DataFrame
            A row a source, a column a target.
        """
        rates = dict(zip(self.names, self.rates.T, strict=True))
        return frame_of("TransferResult", rates).set_index(
            np.array(self.sources, dtype=object)
        )

    def _facts(self) -> dict[str, str]:
        return {
            "sources": ", ".join(self.sources) or "none",
            "targets": ", ".join(self.names) or "none",
            "samples": str(self.valid.shape[1]),
            **{
                f"accuracy of {name}": f"{accuracy:.3g}"
                for name, accuracy in zip(self.names, self.accuracies, strict=True)
            },
        }

    def __repr__(self) -> str:
        return in_one_line("TransferResult", self._facts())

    def _repr_html_(self) -> str:
        return as_html("TransferResult", self._facts())

    @property
    def rates(self) -> Floats:
        """Share of a source's adversarial samples that fool a target.

        Shape (n_sources, n_targets); NaN for a source without any.
        """
        counts = self.valid.sum(axis=1)[:, np.newaxis]
        with np.errstate(invalid="ignore"):
            return self.fooled.sum(axis=2) / counts

    @property
    def accuracies(self) -> Floats:
        """Accuracy of each target on the other models' adversarial samples.

        Shape (n_targets,): the paper's Table 7. A model's own samples are left out;
        NaN where there are no others.
        """
        accuracies = np.full(len(self.names), np.nan)
        for k, name in enumerate(self.names):
            others = np.array([source != name for source in self.sources])
            n = self.valid[others].sum()
            if n:
                accuracies[k] = 1.0 - self.fooled[others, k].sum() / n
        return accuracies


def transfer_matrix(
    estimators: Mapping[str, FittedClassifier],
    adversarials: Mapping[str, ArrayLike | DistortionResult],
    y: ArrayLike,
) -> TransferResult:
    """Show each model's adversarial samples to every model.

    Parameters
    ----------
    estimators : mapping of str to fitted classifier
        The models that are shown them.

    adversarials : mapping of str to ndarray of shape (n_samples, n_features)
        A model's adversarial samples, by its name in `estimators` or another one, or
        the :class:`DistortionResult` that has them. Rows with a NaN are none; samples
        that were misclassified as they were, by their status in the result, are none
        either.

    y : array-like of shape (n_samples,)
        True labels of the samples that were attacked.

    Returns
    -------
    result : TransferResult
        Who is fooled on which sample, rates and accuracies.

    Raises
    ------
    TypeError
        If `estimators` or `adversarials` is no mapping.
    ValueError
        If lengths differ, a label is none of a model's classes, or a model has a single
        class.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import minmax_scale
    >>> from sklearn_scd import SCDClassifier
    >>> from sklearn_scd.robustness import nearest_flip, transfer_matrix
    >>> X, y = load_iris(return_X_y=True)
    >>> X = minmax_scale(X)
    >>> votes = SCDClassifier(n_estimators=5, max_iter=50, random_state=0).fit(X, y)
    >>> found = nearest_flip(votes, X[:3], y[:3], random_state=0)
    >>> models = {"votes": votes, "logistic": LogisticRegression().fit(X, y)}
    >>> result = transfer_matrix(models, {"votes": found}, y[:3])
    >>> dict(zip(result.names, result.rates[0].tolist(), strict=True))
    {'votes': 1.0, 'logistic': 0.0}
    """
    for name, given in (("estimators", estimators), ("adversarials", adversarials)):
        if not isinstance(given, Mapping):
            raise TypeError(
                f"{name} must be a mapping from names, got {type(given).__name__}."
            )
    sources = {name: _adversarial_rows(given) for name, given in adversarials.items()}
    for rows, _ in sources.values():
        check_consistent_length(rows, y)
    n_samples = len(np.asarray(y))
    fooled = np.zeros((len(sources), len(estimators), n_samples), dtype=bool)
    for k, estimator in enumerate(estimators.values()):
        labels = LabelCodes(estimator)
        codes = labels.encode(y, "y")
        for s, (rows, valid) in enumerate(sources.values()):
            if valid.any():
                predicted = labels.predict(estimator, rows[valid])
                fooled[s, k, valid] = predicted != codes[valid]
    valid = np.array([valid for _, valid in sources.values()])
    return TransferResult(
        tuple(estimators),
        fooled,
        valid.reshape(len(sources), n_samples),
        tuple(sources),
    )


def _adversarial_rows(
    given: ArrayLike | DistortionResult,
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Samples, and which of them are adversarial."""
    rows = np.asarray(getattr(given, "adversarials", given))
    valid = ~np.isnan(rows).any(axis=1)
    status = getattr(given, "status", None)
    if status is not None:
        valid &= status != "misclassified"
    return rows, valid
