"""What attacks share, taken from the attacks of `sklearn_scd.robustness`.

No other module of the benchmark reaches into what is private there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import ClassifierMixin

from sklearn_scd.robustness import DistortionResult
from sklearn_scd.robustness._attacks import minimum_distortion as distortion
from sklearn_scd.robustness._attacks.minimum_distortion import distance_between
from sklearn_scd.robustness._hyperplanes.least_distance import least_distance_in_box
from sklearn_scd.robustness._inputs import check_clip_values
from sklearn_scd.robustness._labels import LabelCodes

if TYPE_CHECKING:
    from sklearn_scd.robustness._attacks.legacy import Record

__all__ = ["Found", "Problem", "distance_between", "least_distance_in_box"]


@dataclass(frozen=True)
class Found:
    """What an attack found for one image.

    Parameters
    ----------
    best : ndarray of shape (n_features,) or None
        The nearest adversarial image.
    distance : float
        Its L2 distance, inf without one.
    n_queries : int
        Images that the model was asked about.
    """

    best: np.ndarray | None
    distance: float
    n_queries: int


class Problem:
    """A model, and the images to attack it by.

    Parameters
    ----------
    attack : str
        Name of the attack.
    estimator : fitted classifier
    X : ndarray of shape (n_samples, n_features)
        Images, within `clip_values`.
    y : ndarray of shape (n_samples,)
        Their true labels.
    clip_values : tuple of (float, float)
        Smallest and largest value that a feature may take.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
    codes : ndarray of int, shape (n_samples,)
        Positions of their classes.
    clip_values : tuple of (float, float)

    Raises
    ------
    ValueError
        If X, y or the clip values are invalid.
    """

    def __init__(
        self,
        attack: str,
        estimator: ClassifierMixin,
        X: np.ndarray,
        y: np.ndarray,
        clip_values: tuple[float, float],
    ):
        self._estimator, self._labels = estimator, LabelCodes(estimator)
        self.clip_values = check_clip_values(clip_values)
        self.X = distortion.check_samples(X, "X", estimator, self.clip_values)
        self.codes = self._labels.encode(y, "y")
        self._shared = distortion.Problem(
            estimator, self._labels, attack, 2.0, self.clip_values,
            max_iter=0, init_size=0, starts={},
        )  # fmt: skip

    def predict(self, samples: np.ndarray) -> np.ndarray:
        """Return the positions of the classes that the model gives samples."""
        return self._labels.predict(self._estimator, samples)

    def right(self) -> np.ndarray:
        """Return the places of the images that the model classifies correctly."""
        return np.flatnonzero(self.predict(self.X) == self.codes)

    def record(self, image: np.ndarray, code: int) -> "Record":
        """Return what keeps the nearest adversarial image of those asked about."""
        from sklearn_scd.robustness._attacks.legacy import Record  # imports ART

        return Record(image, code, self.predict, 2.0)

    def ask_beyond(self, record: "Record", image: np.ndarray) -> None:
        """Ask about an image, and farther out where rounding makes it right."""
        for k in range(distortion._NUDGES):
            stretch = np.float32(1 + (distortion._HAIR * 2.0**k if k else 0.0))
            moved = np.clip(record.x + stretch * (image - record.x), *self.clip_values)
            record.ask(moved[np.newaxis])
            if record.best is not None:
                return

    def search_boundary(self, record: "Record") -> None:
        """Go from the nearest adversarial image to the boundary."""
        distortion._search_boundary(record, self.clip_values)

    def collect(self, found: Mapping[int, Found]) -> DistortionResult:
        """Return the result of all images, from what was found for the right ones."""
        by_sample = {
            i: [distortion.Attempt(f.best, f.distance, f.n_queries, [], stopped=False)]
            for i, f in found.items()
        }
        return distortion.collect(self._shared, self.X, self.codes, by_sample)
