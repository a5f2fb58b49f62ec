"""What is known of a data set's models together, and what of it tells them apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, binomtest

from benchmarks.medical.reading import labels, was_attacked, was_evaluated

UNKNOWN = float("nan")
CONFIDENCE = 0.95


@dataclass(frozen=True)
class ModelBounds:
    """A model's accuracy, and the bounds on its minimal adversarial perturbations.

    Parameters
    ----------
    name, label : str
    accuracy : float or None
        Mean over seeds; None where it was not measured.
    accuracy_interval : tuple of (float, float) or None
    certified : ndarray of shape (n_images,)
        Certified radii, 0 where there is none or the image is misclassified.
    best : ndarray of shape (n_images,)
        Smallest perturbations that any attack found, inf for none; 0 where the image is
        misclassified. Empty where the decision-based attack alone was run.
    decisions : ndarray of shape (n_images,)
        The same of the decision-based attack; empty where it was not run.
    certificate : {"exact", "certified"} or None
    """

    name: str
    label: str
    accuracy: float | None
    accuracy_interval: tuple[float, float] | None
    certified: np.ndarray
    best: np.ndarray
    decisions: np.ndarray
    certificate: str | None

    @property
    def certified_radii(self) -> np.ndarray:
        """Certified radii of the images that it classifies correctly."""
        return self.certified[self.best > 0]

    @property
    def best_attacks(self) -> np.ndarray:
        """What the best attack needs on the images that it classifies correctly."""
        return self.best[self.best > 0]

    @property
    def decision_attacks(self) -> np.ndarray:
        """What the decision-based attack needs on them."""
        return self.decisions[self.decisions > 0]

    def is_above(self, other: "ModelBounds") -> np.ndarray:
        """Tell on which images this model is more robust than another, for certain.

        There its certified radius, a lower bound, is above what the best attack on the
        other one needs, an upper bound.
        """
        return self.certified > other.best


def model_bounds(entry: dict) -> list[ModelBounds]:
    """Return what is known of each model of a data set, the most robust first.

    The order is that of the medians of certified radii, then of best attacks; where
    neither is known it is that of the record. A decision-based attack orders nothing.

    Parameters
    ----------
    entry : dict
        A data set's part of the record.
    """
    models = [_bounds_of(entry, name, label) for name, label in labels(entry).items()]
    return sorted(models, key=_order)


def median(values: np.ndarray) -> float:
    """Return the median, nan of none; infinite values are larger than all others."""
    return float(np.median(values)) if values.size else UNKNOWN


def median_interval(values: np.ndarray) -> tuple[float, float]:
    """Return an interval of at least 95% for the median of what values are drawn from.

    Its ends are order statistics, and the number of values alone chooses which
    (Conover, Practical Nonparametric Statistics, section 3.2). Of fewer than six
    values none is far enough out: the interval is then from 0 to infinity.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        Not negative.
    """
    if not values.size:
        return 0.0, np.inf
    # The largest k for which fewer than k of n fall below the median in under 2.5%.
    k = int(binom.ppf((1 - CONFIDENCE) / 2, values.size, 0.5))
    if k == 0:
        return 0.0, np.inf
    ranked = np.sort(values)
    return float(ranked[k - 1]), float(ranked[-k])


def is_most(n_yes: int, n: int) -> bool:
    """Tell whether a share is above one half, by the exact 95% interval."""
    if n == 0:
        return False
    low = binomtest(n_yes, n).proportion_ci(CONFIDENCE, method="exact").low
    return bool(low > 0.5)


def separated(
    leader: ModelBounds, others: Sequence[ModelBounds]
) -> dict[str, tuple[ModelBounds, int]]:
    """Return the models that are less robust than another one, on most images.

    Parameters
    ----------
    leader : ModelBounds
    others : sequence of ModelBounds

    Returns
    -------
    dict of str to (ModelBounds, int)
        By name: the model, and the number of images on which it is so for certain. The
        95% interval of their share is above one half.
    """
    counts = {
        other.name: (other, int(leader.is_above(other).sum()))
        for other in others
        if other.best.shape == leader.certified.shape
    }
    n_images = leader.certified.size
    return {k: pair for k, pair in counts.items() if is_most(pair[1], n_images)}


def _bounds_of(entry: dict, name: str, label: str) -> ModelBounds:
    trained = entry["models"].get(name)
    intervals = [s["wilson_95"] for s in trained["seeds"].values()] if trained else []
    decisions = certified = best = np.empty(0)
    certificate = None
    if was_attacked(entry) and name in entry["attack"]["models"]:
        decisions = _finite_or_inf(entry["attack"]["models"][name]["distances"])
    if was_evaluated(entry) and name in entry["evaluation"]["models"]:
        evaluated = entry["evaluation"]["models"][name]
        best = _finite_or_inf(evaluated["nearest"])
        certificate = evaluated["certificate"]
        certified = np.zeros_like(best)
        if evaluated["certified"]:
            certified = _finite_or_inf(evaluated["certified"])
    return ModelBounds(
        name,
        label,
        trained["mean"] if trained else None,
        (min(low for low, _ in intervals), max(high for _, high in intervals))
        if intervals
        else None,
        certified,
        best,
        decisions,
        certificate,
    )


def _finite_or_inf(values: list) -> np.ndarray:
    """Read distances from the record, where None is infinitely far."""
    return np.array([np.inf if v is None else v for v in values], dtype=float)


def _order(model: ModelBounds) -> tuple[float, ...]:
    medians = map(median, (model.certified_radii, model.best_attacks))
    return tuple(np.inf if np.isnan(value) else -value for value in medians)
