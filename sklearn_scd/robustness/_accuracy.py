"""Robust accuracy: the share of samples correct under perturbations of a radius."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest
from sklearn.utils import check_array

from sklearn_scd._typing import Floats
from sklearn_scd.robustness._results import (
    DistortionResult,
    as_html,
    frame_of,
    in_one_line,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class RobustAccuracy:
    """Share of samples whose distance is above each epsilon.

    Attributes
    ----------
    epsilons : ndarray of shape (n_epsilons,)
    accuracies : ndarray of shape (n_epsilons,)
    low : ndarray of shape (n_epsilons,)
        Lower ends of Wilson's intervals, samples taken as independent.
    high : ndarray of shape (n_epsilons,)
        Upper ends.
    n_samples : int
    """

    epsilons: Floats
    accuracies: Floats
    low: Floats
    high: Floats
    n_samples: int

    def to_frame(self) -> pd.DataFrame:
        """The curve as a data frame.

        Returns
        -------
        frame : pandas.DataFrame
            A row an epsilon, with the columns `epsilon`, `accuracy`, `low` and `high`.
        """
        return frame_of(
            "RobustAccuracy",
            {
                "epsilon": self.epsilons, "accuracy": self.accuracies,
                "low": self.low, "high": self.high,
            },
        )  # fmt: skip

    def _facts(self) -> dict[str, str]:
        facts = {"samples": str(self.n_samples), "epsilons": str(self.epsilons.size)}
        for k in sorted({0, self.epsilons.size - 1}) if self.epsilons.size else ():
            facts[f"accuracy at {self.epsilons[k]:.4g}"] = f"{self.accuracies[k]:.3g}"
        return facts

    def __repr__(self) -> str:
        return in_one_line("RobustAccuracy", self._facts())

    def _repr_html_(self) -> str:
        return as_html("RobustAccuracy", self._facts())


def robust_accuracy(
    distances: ArrayLike | DistortionResult,
    epsilons: ArrayLike,
    *,
    confidence_level: float = 0.95,
) -> RobustAccuracy:
    """Robust accuracy: share of samples correct under perturbations up to epsilon.

    Of distances that an attack found it is the empirical robust accuracy, an upper
    bound; of certified radii it is the certified accuracy, a lower bound.

    Parameters
    ----------
    distances : array-like of shape (n_samples,), or DistortionResult
        Distance of each sample to the nearest adversarial one: 0 for a sample that is
        misclassified as it is, inf where none was found.

    epsilons : float or array-like of shape (n_epsilons,)
        Sizes of perturbations, in the norm and units of the distances.

    confidence_level : float, default=0.95
        Of the intervals.

    Returns
    -------
    curve : RobustAccuracy
        Accuracies with their intervals.

    Raises
    ------
    ValueError
        If a distance or epsilon is negative or NaN, or there is no sample.

    Examples
    --------
    >>> from sklearn_scd.robustness import robust_accuracy
    >>> distances = [0.0, 0.2, 0.5, 0.9]  # the first one is misclassified as it is
    >>> curve = robust_accuracy(distances, [0.0, 0.3])
    >>> curve.accuracies.tolist()
    [0.75, 0.5]
    >>> curve.low.round(2).tolist(), curve.high.round(2).tolist()
    ([0.3, 0.15], [0.95, 0.85])
    """
    if isinstance(distances, DistortionResult):
        distances = distances.distances
    distances = check_sizes(distances, "distances")
    epsilons = check_sizes(epsilons, "epsilons")
    if not 0 < confidence_level < 1:
        raise ValueError(
            f"confidence_level must lie between 0 and 1, got {confidence_level!r}."
        )
    standing = (distances > epsilons[:, np.newaxis]).sum(axis=1)
    intervals = [
        binomtest(int(k), distances.size).proportion_ci(confidence_level, "wilson")
        for k in standing
    ]
    return RobustAccuracy(
        epsilons,
        standing / distances.size,
        np.array([interval.low for interval in intervals]),
        np.array([interval.high for interval in intervals]),
        distances.size,
    )


def check_sizes(values: ArrayLike, name: str) -> Floats:
    values = np.atleast_1d(values)  # a single one, too
    values = check_array(
        values, dtype=np.float64, ensure_2d=False, ensure_all_finite=False,
        input_name=name,
    ).ravel()  # fmt: skip
    bad = values[~(values >= 0)]
    if bad.size:
        raise ValueError(f"{name} must not be negative or NaN, got {bad[0]:g}.")
    return values
