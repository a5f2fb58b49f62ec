"""A fitted SCDClassifier as hyperplanes in the units of its input, and their votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._typing import FittedClassifier, Floats
from sklearn_scd.robustness._affine import fold, split_pipeline

# The model computes in float32: within this share of |x| + |b| of a hyperplane it may
# see a sample on either side.
ROUNDING = 2.0**-20


@dataclass(frozen=True)
class SignNetworks:
    """The networks of an ensemble, their first layer as hyperplanes.

    Row ``n * n_units + j`` is unit j of network n; with more than two classes network
    ``v * n_rivals + k`` is that of class k in vote v. A unit fires where
    ``normals @ x + offsets > 0``, and that is the signed L2 distance to its hyperplane.

    Attributes
    ----------
    normals : ndarray of shape (n_rows, n_features), float64
        Rows of unit L2 norm, or all zero for a unit that no input changes.

    offsets : ndarray of shape (n_rows,), float64

    output_coef : ndarray of shape (n_networks, n_units), float64

    output_intercept : ndarray of shape (n_networks,), float64

    n_classes : int

    voting : {'hard', 'soft'}

    distances_are_outputs : bool
        Whether an output is the one unit's signed distance (linear classifiers under
        0/1 loss) and not a sum over firing units; `scales` has the rows' norms then.

    scales : ndarray of shape (n_rows,), float64
        L2 norms that the rows had.
    """

    normals: Floats
    offsets: Floats
    output_coef: Floats
    output_intercept: Floats
    n_classes: int
    voting: Literal["hard", "soft"]
    distances_are_outputs: bool
    scales: Floats

    @property
    def n_rivals(self) -> int:
        """Networks a vote is made of."""
        return 1 if self.n_classes == 2 else self.n_classes

    @property
    def n_units(self) -> int:
        """Hidden units of a network."""
        return self.output_coef.shape[1]

    @property
    def n_votes(self) -> int:
        """Votes of the ensemble."""
        return self.output_coef.shape[0] // self.n_rivals

    def positions(self, X: NDArray[Any]) -> Floats:
        """Signed distances to the hyperplanes, shape (n_samples, n_rows)."""
        return X.astype(np.float64, copy=False) @ self.normals.T + self.offsets

    def rounding(self, X: NDArray[Any]) -> Floats:
        """How near to a hyperplane its side may be rounded, (n_samples, n_rows)."""
        sizes = np.linalg.norm(X.astype(np.float64, copy=False), axis=1)
        return ROUNDING * (sizes[:, np.newaxis] + np.abs(self.offsets))

    def outputs(self, positions: NDArray[Any]) -> Floats:
        """Outputs of the networks, shape (n_samples, n_votes, n_rivals).

        Parameters
        ----------
        positions : ndarray of shape (n_samples, n_rows)
            As :meth:`positions` gives them; units fire where they are above 0.
        """
        shape = (len(positions), self.n_votes, self.n_rivals)
        if self.distances_are_outputs:
            return (positions * self.scales).reshape(shape)
        firing = (positions > 0).reshape(len(positions), *self.output_coef.shape)
        outputs = np.einsum("inj,nj->in", firing, self.output_coef)
        return (outputs + self.output_intercept).reshape(shape)

    def named(self, outputs: Floats) -> NDArray[np.intp]:
        """Class code that each vote names, shape (n_samples, n_votes)."""
        if self.n_rivals == 1:
            return (outputs[:, :, 0] > 0).astype(np.intp)
        return outputs.argmax(axis=2)

    def counts(self, outputs: Floats) -> NDArray[np.intp]:
        """Votes for each class, shape (n_samples, n_classes)."""
        named = self.named(outputs)
        return (named[:, :, np.newaxis] == np.arange(self.n_classes)).sum(axis=1)


def scd_steps(
    estimator: FittedClassifier,
) -> tuple[Any, SCDClassifier]:
    """The steps before a fitted SCDClassifier, and the SCDClassifier.

    Parameters
    ----------
    estimator : SCDClassifier, or Pipeline that ends with one
        Or a search over them.

    Returns
    -------
    transformer : Pipeline or None
        None where there are no steps before the classifier.
    classifier : SCDClassifier

    Raises
    ------
    TypeError
        If the classifier is no SCDClassifier.
    NotFittedError
        If it is not fitted.
    """
    transformer, classifier = split_pipeline(estimator)
    if not isinstance(classifier, SCDClassifier):
        raise TypeError(
            "The networks' weights are needed: estimator must be a fitted "
            "SCDClassifier or a Pipeline that ends with one, got "
            f"{type(classifier).__name__}."
        )
    check_is_fitted(classifier)
    return transformer, classifier


def sign_networks(estimator: FittedClassifier, X: NDArray[Any]) -> SignNetworks:
    """Read the networks off a fitted estimator.

    Parameters
    ----------
    estimator : SCDClassifier, or Pipeline of affine steps and an SCDClassifier
        Or a search over them.
    X : ndarray of shape (n_samples, n_features)
        Samples, by which the steps are checked to be affine.

    Returns
    -------
    networks : SignNetworks

    Raises
    ------
    TypeError
        If the classifier is no SCDClassifier.
    ValueError
        If a step before it is not affine, or a weight is NaN or infinite.
    """
    transformer, classifier = scd_steps(estimator)
    for name in ("hidden_coef_", "hidden_intercept_", "output_coef_",
                 "output_intercept_"):  # fmt: skip
        # Comparisons with NaN are false: bounds would be those of another model.
        assert_all_finite(getattr(classifier, name), input_name=f"estimator.{name}")
    shape = classifier.hidden_coef_.shape
    normals = classifier.hidden_coef_.reshape(-1, shape[2]).astype(np.float64)
    offsets = classifier.hidden_intercept_.astype(np.float64).ravel()
    if transformer is not None:
        normals, shift = fold(transformer, normals, X)
        offsets = offsets + shift
    scales = np.linalg.norm(normals, axis=1)
    divisors = np.where(scales > 0, scales, 1.0)
    normals /= divisors[:, np.newaxis]
    linear = classifier.hidden_units == 0 and classifier.loss == "01"
    u = classifier.output_coef_.astype(np.float64)
    c = classifier.output_intercept_.astype(np.float64)
    if linear:  # says class 1 where its unit fires
        u, c = np.ones_like(u), np.zeros_like(c)
    return SignNetworks(
        normals, offsets / divisors, u, c, classifier.classes_.size, classifier.voting,
        linear and classifier.classes_.size > 2, divisors,
    )  # fmt: skip
