"""Models smoothed by noise: how they are built, and what noise they are offered."""

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.base import ClassifierMixin
from sklearn.frozen import FrozenEstimator

from benchmarks.models.model import Budget
from sklearn_scd.robustness import SmoothedClassifier

SIGMAS = (0.25, 0.5, 1.0)  # standard deviations, L2 in pixels: those of the literature
ALPHA = 0.001  # a radius is wrong at most that often


def smoothed(
    estimator: ClassifierMixin, seed: int, budget: Budget, sigma: float = SIGMAS[1]
) -> SmoothedClassifier:
    """Return a model that is to be trained and smoothed."""
    return SmoothedClassifier(estimator, sigma, budget.copies, ALPHA, random_state=seed)


def smoothed_as_it_is(
    estimator: ClassifierMixin, seed: int, budget: Budget, sigma: float
) -> SmoothedClassifier:
    """Return a fitted model that is to be smoothed, not trained."""
    return smoothed(FrozenEstimator(estimator), seed, budget, sigma).set_params(
        n_jobs=budget.jobs
    )


def noise_grid(
    trained_with: str | None, others: Mapping[str, Sequence[Any]]
) -> list[Mapping[str, Sequence[Any]]]:
    """Return a grid in which a model is trained with the noise that smooths it.

    Parameters
    ----------
    trained_with : str or None
        The model's parameter for noise in training; None if it is trained without.
    others : mapping of str to sequence
        Further parameters of the model.

    Returns
    -------
    list of mapping
        Of the smoothed model.
    """
    inner = {f"estimator__{name}": list(values) for name, values in others.items()}
    noises = [
        {"sigma": [sigma]}
        | ({} if trained_with is None else {f"estimator__{trained_with}": [sigma]})
        for sigma in SIGMAS
    ]
    return [noise | inner for noise in noises]
