"""Some of many samples, class by class, none of which is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import resample


def draw_some(
    labels: NDArray[Any], n_samples: int, rng: np.random.RandomState
) -> NDArray[np.intp]:
    """Draw samples in proportion to their classes, and one of each class at least.

    Parameters
    ----------
    labels : ndarray of shape (n,)
    n_samples : int
        As many are drawn, and one more for each class that is too rare.
    rng : numpy.random.RandomState

    Returns
    -------
    places : ndarray of shape (n_drawn,)
        All, in their order, where there are no more than `n_samples`.
    """
    places = np.arange(len(labels))
    if len(labels) <= n_samples:
        return places
    drawn = resample(
        places, replace=False, n_samples=n_samples, stratify=labels, random_state=rng
    )
    missing = np.setdiff1d(labels, labels[drawn])
    rare = [rng.choice(np.flatnonzero(labels == label)) for label in missing]
    return np.concatenate([drawn, np.array(rare, dtype=np.intp)])
