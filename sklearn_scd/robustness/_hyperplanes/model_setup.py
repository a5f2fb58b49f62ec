"""What is worked out once for a model, and kept as long as the model lives.

Folding the steps before a classifier into its first layer, and the inner products of
its hyperplanes, take seconds for large models, as long as certificates of many images.
They are kept between calls, for the classifier they were made for. Each call compares
a digest of all that they were made from, so that a classifier that is fitted anew, or
whose arrays somebody changed, never gets those of another. Pickles and copies of a
model are without them.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._typing import FittedClassifier
from sklearn_scd.affine._fold import steps_map
from sklearn_scd.affine._map import AffineMap
from sklearn_scd.robustness._hyperplanes.geometry import Geometry, geometry_of
from sklearn_scd.robustness._hyperplanes.networks import (
    SignNetworks,
    scd_steps,
    sign_networks,
)

_MOST_BYTES = 2**29  # of all that are kept, but for the one used last

T = TypeVar("T")


class ModelSetup:
    """The networks of a model, and what is made from them when it is first needed.

    Parameters
    ----------
    networks : SignNetworks
    digest : bytes
        Of what the networks were made from.
    """

    def __init__(self, networks: SignNetworks, digest: bytes) -> None:
        self.networks = networks
        self.digest = digest
        self._parts: dict[object, Any] = {}
        self._lock = threading.RLock()

    def once(self, key: object, make: Callable[[], T]) -> T:
        """What `make` returned when it was first called for a key."""
        with self._lock:
            if key not in self._parts:
                self._parts[key] = make()
            part: T = self._parts[key]
            return part

    @property
    def geometry(self) -> Geometry:
        """How the hyperplanes lie to one another."""
        networks = self.networks
        return self.once(
            "geometry", lambda: geometry_of(networks.normals, networks.span)
        )

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays."""
        arrays: dict[int, int] = {}
        for owner in (self.networks, *list(self._parts.values())):
            for value in vars(owner).values():
                if isinstance(value, np.ndarray):
                    base = value if value.base is None else value.base
                    arrays[id(base)] = getattr(base, "nbytes", value.nbytes)
        return sum(arrays.values())


class _Store:
    """Set-ups by classifier, the one used last at the end."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._setups: WeakKeyDictionary[SCDClassifier, ModelSetup] = WeakKeyDictionary()

    def find(self, classifier: SCDClassifier, digest: bytes) -> ModelSetup | None:
        """Those of the classifier as it is; others of it are dropped."""
        with self._lock:
            setup = self._setups.pop(classifier, None)
            if setup is None or setup.digest != digest:
                return None
            self._setups[classifier] = setup
            return setup

    def keep(self, classifier: SCDClassifier, setup: ModelSetup) -> None:
        """Keep one more, and as many others as there is room for."""
        with self._lock:
            self._setups.pop(classifier, None)
            n_bytes = 0
            for other in reversed(list(self._setups)):
                n_bytes += self._setups[other].n_bytes
                if n_bytes + setup.n_bytes > _MOST_BYTES:
                    del self._setups[other]
            self._setups[classifier] = setup


_store = _Store()


_OTHERS = (
    " Others have exact_distance, if they are linear, certified_distortion of a "
    "SmoothedClassifier, and the attacks line_search and minimum_distortion."
)


def set_up(estimator: FittedClassifier, X: NDArray[Any]) -> ModelSetup:
    """Read the networks off a fitted estimator, or take those that were kept.

    Parameters
    ----------
    estimator : SCDClassifier, or Pipeline of affine steps and an SCDClassifier
        Or a search over them.
    X : ndarray of shape (n_samples, n_features)
        Samples, by which the rules of the steps are checked, and whose dtype says what
        the steps compute in.

    Returns
    -------
    setup : ModelSetup
        Its arrays are shared with other calls, and are not to be written to.

    Raises
    ------
    TypeError
        If the classifier is no SCDClassifier.
    NotAffineError
        If a step before it is not known to be affine.
    ValueError
        If a weight is NaN or infinite.
    """
    transformer, classifier = scd_steps(estimator, _OTHERS)
    n_features, steps = X.shape[1], None
    if transformer is not None:
        n_transformed = classifier.hidden_coef_.shape[2]
        steps = steps_map(transformer, n_transformed, X.dtype, X)
    digest = _digest_of(classifier, steps, n_features, X.dtype)
    setup = _store.find(classifier, digest)
    if setup is None:
        networks = sign_networks(steps, classifier, n_features, X.dtype)
        setup = ModelSetup(networks, digest)
        _store.keep(classifier, setup)
    return setup


def _digest_of(
    classifier: SCDClassifier,
    steps: AffineMap | None,
    n_features: int,
    dtype: np.dtype[Any],
) -> bytes:
    """SHA-256 of all that :func:`.sign_networks` reads."""
    digest = hashlib.sha256()
    numbers = n_features, classifier.classes_.size, classifier._linear
    digest.update(repr((numbers, dtype.str, classifier.voting)).encode())
    arrays = [
        classifier.hidden_coef_, classifier.hidden_intercept_,
        classifier.output_coef_, classifier.output_intercept_,
    ]  # fmt: skip
    if steps is not None:
        digest.update(repr(steps.dtype).encode())
        arrays += [steps.centre, steps.value, steps.rounding_floor]
        for matrix in (steps.matrix, steps.rounding_coef):
            if isinstance(matrix, np.ndarray):
                arrays.append(matrix)
            else:
                arrays += [matrix.data, matrix.indices, matrix.indptr]
    for array in arrays:
        digest.update(repr((array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
