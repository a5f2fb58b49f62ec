"""Curves of robust accuracy, as they go into the record."""

from collections.abc import Iterable

import numpy as np

from sklearn_scd.robustness import robust_accuracy

N_EPSILONS = 101


def choose_epsilons(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """Return sizes of perturbations from 0 to a little above all finite distances."""
    largest = max((d for array in arrays for d in array if np.isfinite(d)), default=0.0)
    return np.linspace(0, 1.05 * max(largest, 1e-6), N_EPSILONS)


def record_curve(distances: np.ndarray, epsilons: np.ndarray) -> dict[str, list]:
    """Return the accuracy at each epsilon, with Wilson's intervals.

    Parameters
    ----------
    distances : ndarray of shape (n_images,)
        0 for a misclassified image, inf where there is none.
    epsilons : ndarray of shape (n_epsilons,)
    """
    # Between two distances nothing changes: an interval for each such step is enough,
    # and there are ten times as many epsilons.
    ranked = np.sort(distances)
    step = sum(np.searchsorted(ranked, epsilons, side) for side in ("left", "right"))
    _, first, place = np.unique(step, return_index=True, return_inverse=True)
    curve = robust_accuracy(distances, epsilons[first])
    return {
        name: getattr(curve, name)[place].tolist()
        for name in ("accuracies", "low", "high")
    }
