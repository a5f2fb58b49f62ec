"""What bounds the distance to the nearest adversarial image, for each kind of models.

A certificate bounds it from below, an attack from above. An entry in the list of models
has one of these ways; a new attack on a kind of models is a line in its way here.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin

from benchmarks.attacks.forest import ForestBounds, bound_forest
from benchmarks.common.errors import UserError
from sklearn_scd.affine import affine_map
from sklearn_scd.robustness import (
    DistortionResult,
    certified_distortion,
    exact_distance,
)

# By name; None where `evaluate_robustness` has the attack and is to run it.
Attacks = Mapping[str, DistortionResult | None]


@dataclass(frozen=True)
class ImagesToBound:
    """Images whose distances to adversarial ones are asked for.

    Parameters
    ----------
    X : ndarray of shape (n_images, n_features)
    y : ndarray of shape (n_images,)
        Their true labels.
    clip_values : tuple of (float, float)
        Smallest and largest value that a feature may take.
    seed : int
        Of attacks.
    """

    X: np.ndarray
    y: np.ndarray
    clip_values: tuple[float, float]
    seed: int


class Bounding(ABC):
    """How a model is bounded, all distances in L2 unless another norm is given.

    Attributes
    ----------
    certificate : {"exact", "certified"} or None
        Whether its lower bounds are the distances themselves; None where none is
        proven: `distances` are upper bounds then, or hold with a confidence only.
    norms : tuple of float
        Orders of norms in which `distances` are known.
    modules : tuple of str
        Top-level modules that its attacks need and others don't.
    """

    certificate: ClassVar[Literal["exact", "certified"] | None] = None
    norms: ClassVar[tuple[float, ...]] = (2.0,)
    modules: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def evaluation(
        self, estimator: ClassifierMixin, images: ImagesToBound, found: DistortionResult
    ) -> tuple[Attacks, bool | np.ndarray]:
        """Return what `evaluate_robustness` is to run, and what it is told.

        Parameters
        ----------
        estimator : fitted classifier
        images : ImagesToBound
        found : DistortionResult
            What a decision-based attack gave.

        Returns
        -------
        attacks : mapping of str to DistortionResult or None
        certify : bool or ndarray of shape (n_images,)
            Whether it is to certify, or certified radii.
        """

    @abstractmethod
    def distances(
        self, estimator: ClassifierMixin, images: ImagesToBound, norm: float = 2.0
    ) -> np.ndarray:
        """Return the certified radii of images or, without, what an attack found.

        Returns
        -------
        ndarray of shape (n_images,)
        """

    def quick_distances(
        self,
        estimator: ClassifierMixin,
        X: np.ndarray,
        y: np.ndarray,
        norm: float = 2.0,
    ) -> np.ndarray:
        """Return lower bounds that are found soon, to choose parameters by."""
        raise UserError(f"{type(self).__name__}: has nothing to choose parameters by")


class DecisionsOnly(Bounding):
    """Nothing is known of the model but its answers, by which others attack it."""

    def evaluation(
        self, estimator: ClassifierMixin, images: ImagesToBound, found: DistortionResult
    ) -> tuple[Attacks, bool | np.ndarray]:
        """Add nothing."""
        return {}, False

    def distances(
        self, estimator: ClassifierMixin, images: ImagesToBound, norm: float = 2.0
    ) -> np.ndarray:
        """Refuse: there is no bound but that of a decision-based attack."""
        raise UserError(
            f"{type(estimator).__name__}: has neither a certificate nor an attack that "
            "knows it; benchmarks.medical attacks its decisions"
        )


class SignHyperplanes(Bounding):
    """Sign networks: a certificate, and white-box attacks."""

    certificate = "certified"
    norms = (2.0, np.inf)

    def evaluation(
        self, estimator: ClassifierMixin, images: ImagesToBound, found: DistortionResult
    ) -> tuple[Attacks, bool | np.ndarray]:
        """Leave both to the package."""
        return {"surrogate": None, "nearest_flip": None}, True

    def distances(
        self, estimator: ClassifierMixin, images: ImagesToBound, norm: float = 2.0
    ) -> np.ndarray:
        """Return the largest of all certificates."""
        return certified_distortion(estimator, images.X, images.y, norm=norm)

    def quick_distances(
        self,
        estimator: ClassifierMixin,
        X: np.ndarray,
        y: np.ndarray,
        norm: float = 2.0,
    ) -> np.ndarray:
        """Return the order statistic of the networks' own bounds."""
        return certified_distortion(estimator, X, y, norm=norm, method="order")


class ExactDistance(Bounding):
    """Linear classifiers: the distance itself, whatever the range of values."""

    certificate = "exact"
    norms = (2.0, np.inf)

    def evaluation(
        self, estimator: ClassifierMixin, images: ImagesToBound, found: DistortionResult
    ) -> tuple[Attacks, bool | np.ndarray]:
        """Leave it to the package."""
        return {}, True

    def distances(
        self, estimator: ClassifierMixin, images: ImagesToBound, norm: float = 2.0
    ) -> np.ndarray:
        """Return the distances to the plane."""
        return exact_distance(estimator, images.X, images.y, norm=norm)

    def quick_distances(
        self,
        estimator: ClassifierMixin,
        X: np.ndarray,
        y: np.ndarray,
        norm: float = 2.0,
    ) -> np.ndarray:
        """Return the distances to the plane."""
        return exact_distance(estimator, X, y, norm=norm)


class NetworkGradient(Bounding):
    """Networks trained by gradient, and votes over them: attacked along it."""

    modules = ("torch",)

    def evaluation(
        self, estimator: ClassifierMixin, images: ImagesToBound, found: DistortionResult
    ) -> tuple[Attacks, bool | np.ndarray]:
        """Attack by gradient."""
        return {"gradient": self._attack(estimator, images)}, False

    def distances(
        self, estimator: ClassifierMixin, images: ImagesToBound, norm: float = 2.0
    ) -> np.ndarray:
        """Return what the attack found."""
        return self._attack(estimator, images).distances

    def _attack(
        self, estimator: ClassifierMixin, images: ImagesToBound
    ) -> DistortionResult:
        from benchmarks.models.differentiable import attack_gradient  # imports torch

        return attack_gradient(
            estimator, images.X, images.y, images.clip_values, images.seed
        )


class ForestLeaves(Bounding):
    """Random forests: the nearest box of leaves, found and bounded."""

    certificate = "certified"

    def evaluation(
        self, estimator: ClassifierMixin, images: ImagesToBound, found: DistortionResult
    ) -> tuple[Attacks, bool | np.ndarray]:
        """Search from what was found, and bound it from below."""
        bounds = self._bound(estimator, images, found.adversarials)
        return {"trees": bounds.attack}, bounds.certified

    def distances(
        self, estimator: ClassifierMixin, images: ImagesToBound, norm: float = 2.0
    ) -> np.ndarray:
        """Return the lower bounds."""
        return self._bound(estimator, images).certified

    def _bound(
        self,
        estimator: ClassifierMixin,
        images: ImagesToBound,
        X_start: np.ndarray | None = None,
    ) -> ForestBounds:
        return bound_forest(
            estimator, images.X, images.y, images.clip_values, X_start=X_start
        )


class LipschitzConstant(Bounding):
    """1-Lipschitz networks: the difference of outputs over what bounds its slope.

    It is bounded in L2. No change of d features by at most eps each is larger there
    than ``eps * sqrt(d)``, which is what other norms rest on.
    """

    certificate = "certified"
    norms = (2.0, np.inf)

    def evaluation(
        self, estimator: ClassifierMixin, images: ImagesToBound, found: DistortionResult
    ) -> tuple[Attacks, bool | np.ndarray]:
        """Certify."""
        return {}, self.distances(estimator, images)

    def distances(
        self, estimator: ClassifierMixin, images: ImagesToBound, norm: float = 2.0
    ) -> np.ndarray:
        """Return the radii of the network, over the norm of the step before it."""
        front, network = estimator[:-1], estimator[-1]
        radii = network.certified_distortion(front.transform(images.X), images.y)
        matrix = affine_map(front, images.X.shape[1]).matrix
        # All rows at once: sparse where each feature goes into one component.
        gram = matrix @ matrix.T
        gram = gram.toarray() if issparse(gram) else gram
        radii = radii / np.sqrt(np.linalg.norm(gram, 2))
        return radii / np.sqrt(images.X.shape[1]) if norm == np.inf else radii

    def quick_distances(
        self,
        estimator: ClassifierMixin,
        X: np.ndarray,
        y: np.ndarray,
        norm: float = 2.0,
    ) -> np.ndarray:
        """Return the radii."""
        if norm == np.inf:  # of the whole pipeline
            return self.distances(estimator, ImagesToBound(X, y, (0.0, 1.0), 0), norm)
        return estimator.certified_distortion(X, y)


class RandomisedSmoothing(Bounding):
    """Classifiers smoothed by noise: radii that hold with a confidence."""

    def evaluation(
        self, estimator: ClassifierMixin, images: ImagesToBound, found: DistortionResult
    ) -> tuple[Attacks, bool | np.ndarray]:
        """Add nothing: what holds with a confidence is no certificate beside proofs."""
        return {}, False

    def distances(
        self, estimator: ClassifierMixin, images: ImagesToBound, norm: float = 2.0
    ) -> np.ndarray:
        """Return the certified radii, 0 where it abstains."""
        return estimator.certified_distortion(images.X, images.y)

    def quick_distances(
        self,
        estimator: ClassifierMixin,
        X: np.ndarray,
        y: np.ndarray,
        norm: float = 2.0,
    ) -> np.ndarray:
        """Return the certified radii."""
        return estimator.certified_distortion(X, y)
