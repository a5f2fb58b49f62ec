"""Noisy copies of a sample, drawn where they are cheapest, and the votes on them.

Noise ``N(0, sigma^2 I)`` in the input of an affine map ``A (x - c) + v`` is noise
``N(0, sigma^2 A A^T)`` behind it. What lies outside the rows of A changes nothing, so
that a classifier behind a projection from 9,216 pixels to 16 directions needs 16 normal
numbers a copy, and each sample is projected once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import linalg, sparse
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from sklearn_scd._typing import FittedClassifier, Floats
from sklearn_scd.affine import AffineMap, affine_map
from sklearn_scd.affine._compose import compose, diagonal
from sklearn_scd.affine._guard import check_map, transformed
from sklearn_scd.affine._map import Matrix
from sklearn_scd.affine._pipeline import passes_on, redefined, split_pipeline

_RIGHT_ANGLE = 1e-12  # correlations below it are rounding
_MOST_NUMBERS = 2**22  # of the copies held at a time, where nothing else is asked for


@dataclass(frozen=True)
class NoisySpace:
    """The space that noise is drawn in, and what classifies there.

    Attributes
    ----------
    front : Pipeline or None
        Affine steps that lead there; None where it is the input.
    classifier : fitted classifier
        The estimator without these steps.
    n_features : int
        Dimensions of the space.
    factor : ndarray of shape (n_features, n_features) or (n_features,), or None
        Rows of standard normal numbers times it have the covariance that standard
        normal noise in the input has there; a vector is a diagonal, None the identity.
    """

    front: Pipeline | None
    classifier: FittedClassifier
    n_features: int
    factor: Floats | None

    def project(self, X: NDArray[Any]) -> NDArray[Any]:
        """Bring samples into the space, in the dtype of `X`."""
        if self.front is None:
            return X
        return transformed(self.front, X).astype(X.dtype, copy=False)

    def copies(
        self,
        z: NDArray[Any],
        sigma: float,
        n_copies: int,
        batch_size: int | None,
        generator: np.random.Generator,
    ) -> Iterator[NDArray[Any]]:
        """Yield noisy copies of a sample, the same ones for any size of batches.

        Parameters
        ----------
        z : ndarray of shape (n_features,)
            The sample in the space.
        sigma : float
            Standard deviation of the noise, in the units of the input.
        n_copies : int
        batch_size : int or None
            Copies at a time; None: as many as take some 32 MB in float64.
        generator : numpy.random.Generator

        Yields
        ------
        ndarray of shape (n_batch, n_features), in the dtype of `z`
        """
        if batch_size is None:
            batch_size = max(1, _MOST_NUMBERS // self.n_features)
        for start in range(0, n_copies, batch_size):
            n_batch = min(batch_size, n_copies - start)
            noise = generator.standard_normal((n_batch, self.n_features))
            if self.factor is None:
                noise *= sigma
            elif self.factor.ndim == 1:
                noise *= sigma * self.factor
            else:
                noise = noise @ (sigma * self.factor)
            noise += z
            yield noise.astype(z.dtype, copy=False)


def noisy_space(estimator: FittedClassifier, X: NDArray[Any]) -> NoisySpace:
    """Find the space of fewest dimensions behind an estimator's leading affine steps.

    Parameters
    ----------
    estimator : fitted classifier
        A pipeline is looked into, also a frozen one and the best of a search.
    X : ndarray of shape (n_samples, n_features)
        Samples, at which the rules for the steps are compared with what they compute.

    Returns
    -------
    NoisySpace
        The input itself where no step leaves fewer dimensions, and where a pipeline or
        a search predicts otherwise than the classifier in it.

    Raises
    ------
    NotAffineError
        If a rule says something else than its step computes.
    """
    n_features = X.shape[1]
    bare = estimator
    while isinstance(bare, FrozenEstimator) and redefined(bare) is None:
        bare = bare.estimator
    if isinstance(bare, FrozenEstimator) or not passes_on(bare):
        return NoisySpace(None, estimator, n_features, None)
    transformer, classifier = split_pipeline(bare)
    steps = [] if transformer is None else transformer.steps
    n_steps, front_map = _narrowest(steps, n_features, X.dtype)
    if front_map is None:
        return NoisySpace(None, estimator, n_features, None)
    front = Pipeline(steps[:n_steps])
    check_map(front, front_map, X.dtype, X)
    if n_steps < len(steps):
        classifier = Pipeline([*steps[n_steps:], ("classifier", classifier)])
    return NoisySpace(front, classifier, front_map.n_out, _factor(front_map.matrix))


def _factor(matrix: Matrix) -> Floats:
    """Return what standard normal numbers are multiplied by, for an affine map's noise.

    Directions at right angles, such as principal components or means of pixels, have
    noise that is independent: in 576 of them the product with a full matrix would take
    as long as all the rest.
    """
    gram = matrix @ matrix.T
    deviations = np.sqrt(gram.diagonal())
    # In units of each direction: what is small in all may be one and the same noise.
    units = 1 / np.where(deviations > 0, deviations, 1.0)
    # Of thousands of blocks of pixels the full matrix would be gigabytes.
    if sparse.issparse(gram):
        correlations = diagonal(units) @ gram @ diagonal(units)
        alone = diagonal(correlations.diagonal())
    else:
        correlations = units[:, np.newaxis] * gram * units
        alone = np.diag(correlations.diagonal())
    if abs(correlations - alone).max() <= _RIGHT_ANGLE:
        return deviations
    dense = matrix.toarray() if sparse.issparse(matrix) else matrix
    # A^T = Q R, so that A A^T = R^T R.
    factor: Floats = linalg.qr(dense.T, mode="economic")[1]
    return factor


def _narrowest(
    steps: list[tuple[str, Any]], n_features: int, dtype: DTypeLike
) -> tuple[int, AffineMap | None]:
    """How many leading steps leave the fewest dimensions, and their map."""
    best: tuple[int, AffineMap | None] = 0, None
    so_far, least, n_out = None, n_features, n_features
    for place, (_, step) in enumerate(steps):
        try:
            of_step = affine_map(step, n_out, dtype)
            so_far = of_step if so_far is None else compose(so_far, of_step)
        except ValueError:  # not affine, or out of range: noise is drawn before it
            break
        n_out, dtype = so_far.n_out, so_far.dtype
        if n_out < least or (n_out == least and best[1] is not None):
            best, least = (place + 1, so_far), n_out
    return best
