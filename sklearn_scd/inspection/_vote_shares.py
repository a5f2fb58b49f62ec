"""Shares of votes, counted: what a display of votes draws."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length

from sklearn_scd._typing import FittedClassifier, Floats
from sklearn_scd.robustness._hyperplanes.networks import scd_steps


def votes_of(
    estimator: FittedClassifier, X: ArrayLike, y: ArrayLike | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Labels, predicted ones where none are given, and the votes of each sample."""
    transformer, classifier = scd_steps(estimator)
    y = np.asarray(estimator.predict(X) if y is None else y)
    if transformer is not None:
        X = transformer.transform(X)
    return y, classifier.votes(X)


def changed_rows(X: ArrayLike, X_adversarial: ArrayLike) -> NDArray[np.intp]:
    """Rows with an adversarial sample that is another one than the sample itself.

    Attacks return NaN where they found nothing, and the sample where it is
    misclassified as it is.
    """
    adversarials = np.asarray(X_adversarial, dtype=np.float64)
    differences = np.abs(adversarials - np.asarray(X, dtype=np.float64))
    # NaN is not larger than 0.
    return np.flatnonzero(differences.max(axis=1, initial=0.0) > 0)


def counted(
    y: ArrayLike,
    votes: ArrayLike,
    adversarial_y: ArrayLike | None,
    adversarial_votes: ArrayLike | None,
) -> dict[str, Any]:
    """Parameters of a display: the shares of these votes, and whose they are.

    Raises
    ------
    ValueError
        If votes are no tables of a row a label, or those of adversarial samples do not
        belong to the others.
    """
    y, votes = _check_votes(y, votes, "y_votes")
    parameters = {"shares": _shares(y, votes), "y": y, "n_votes": votes.shape[1]}
    if adversarial_y is None and adversarial_votes is None:
        return parameters
    if adversarial_y is None or adversarial_votes is None:
        raise ValueError(
            "y_true_adversarial and y_votes_adversarial belong together, but one of "
            "them is None."
        )
    y, others = _check_votes(adversarial_y, adversarial_votes, "y_votes_adversarial")
    if others.shape[1] != votes.shape[1]:
        raise ValueError(
            f"y_votes_adversarial has {others.shape[1]} votes a sample, but y_votes "
            f"has {votes.shape[1]}."
        )
    shares = _shares(y, others)
    return {**parameters, "adversarial_shares": shares, "adversarial_y": y}


def _check_votes(
    y: ArrayLike, votes: ArrayLike, name: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    y, votes = np.asarray(y), np.asarray(votes)
    if votes.ndim != 2 or votes.shape[1] == 0:
        raise ValueError(
            f"{name} must be of shape (n_samples, n_votes), a label each vote, got "
            f"shape {votes.shape}."
        )
    check_consistent_length(y, votes)
    return y, votes


def _shares(y: NDArray[Any], votes: NDArray[Any]) -> Floats:
    """Share of votes that name the class in `y`, (n_samples,)."""
    return (votes == y[:, np.newaxis]).mean(axis=1)


def bin_edges(n_votes: int, max_bins: int) -> Floats:
    """Edges of bins of shares from 0 to 1; two classes change places at one.

    Shares are k / n_votes, and the inner edges lie midway between two of them.

    Raises
    ------
    ValueError
        If `max_bins` is less than 2.
    """
    if not (isinstance(max_bins, (int, np.integer)) and max_bins >= 2):
        raise ValueError(
            f"max_bins must be a whole number from 2 on, got {max_bins!r}."
        )
    n_below = (n_votes + 1) // 2  # numbers of votes that are less than half
    n_above = n_votes + 1 - n_below
    step = -(-n_above // (max_bins // 2))  # rounded up, as below
    bins = np.arange(-n_below // step, -(-n_above // step) + 1)
    return np.clip((n_below - 0.5 + step * bins) / n_votes, 0.0, 1.0)


def histograms(
    shares: Floats, y: NDArray[Any], classes: NDArray[Any], edges: Floats
) -> Floats:
    """Share of each class's samples in each bin, (n_classes, n_bins)."""
    counts = np.array([np.histogram(shares[y == c], edges)[0] for c in classes])
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
