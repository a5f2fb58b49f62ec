"""What a fitted vote of sign networks says of samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_scd._ensemble import Networks
from sklearn_scd._outputs import evaluate_networks
from sklearn_scd._typing import Floats
from sklearn_scd._vote_rule import count_votes, mean_probabilities, named_classes

DTYPES = [np.float64, np.float32, np.uint8]  # the first is for all others


class VotingNetworks(ClassifierMixin, BaseEstimator):
    """Predictions from what `fit` stored, and from one parameter, `voting`.

    :class:`~sklearn_scd.SCDClassifier` adds the parameters and the training.
    """

    classes_: NDArray[Any]
    hidden_coef_: NDArray[Any]
    hidden_intercept_: NDArray[Any]
    output_coef_: NDArray[Any]
    output_intercept_: Floats
    loss_curve_: NDArray[np.float32]
    n_iter_: NDArray[np.int64]
    validation_scores_: NDArray[np.float32] | None
    margin_: float
    noise_: float
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    voting: Literal["hard", "soft"]
    _seed: int
    _loss: str  # that the networks were trained with
    _linear: bool  # whether their outputs are signed distances
    _parameter_constraints: dict[str, list[Any]]

    @property
    def _networks(self) -> Networks:
        return Networks(*(getattr(self, f"{name}_") for name in Networks._fields))

    @property
    def _n_votes(self) -> int:
        return self.hidden_coef_.shape[0] // self._n_rivals

    @property
    def _n_rivals(self) -> int:
        """Networks that a vote is made of."""
        return 1 if self.classes_.size == 2 else self.classes_.size

    def _outputs(self, X: ArrayLike) -> Floats:
        """Outputs of the networks, (n_samples, n_votes, n_rivals)."""
        check_is_fitted(self)
        if not self._is_valid_row(X):
            X = validate_data(self, X, dtype=DTYPES, reset=False)
        return self._evaluate(X)

    def _evaluate(self, X: NDArray[Any]) -> Floats:
        """Outputs of the networks on samples that are validated."""
        outputs = evaluate_networks(X, self._networks, self._linear, self._n_rivals)
        return outputs.reshape(X.shape[0], self._n_votes, -1)

    def _is_valid_row(self, X: ArrayLike) -> TypeGuard[NDArray[Any]]:
        """Whether validation would return `X`, a single sample, as it is.

        Attacks ask for one sample at a time, and validation would take as long as all
        the rest of a small model.
        """
        return (
            type(X) is np.ndarray
            and X.shape == (1, self.n_features_in_)
            and X.dtype in DTYPES
            and not hasattr(self, "feature_names_in_")
            and bool(np.isfinite(X).all())
        )

    def votes(self, X: ArrayLike) -> NDArray[Any]:
        """Class that each vote names.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        votes : ndarray of shape (n_samples, n_estimators)
            Class labels. With more than two classes a vote names the class whose
            network has the largest output.
        """
        outputs = self._outputs(X)
        return self.classes_[named_classes(outputs)]

    def agreement(self, X: ArrayLike) -> Floats:
        """Share of votes for the predicted class: low for images near the boundary.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        agreement : ndarray of shape (n_samples,)
            In [0, 1].
        """
        outputs = self._outputs(X)
        predicted = self._probabilities(outputs).argmax(axis=1)
        counts = count_votes(named_classes(outputs), self.classes_.size)
        return counts[np.arange(outputs.shape[0]), predicted] / outputs.shape[1]

    def _probabilities(self, outputs: Floats) -> Floats:
        """Probabilities of the classes, (n_samples, n_classes)."""
        if self.voting == "hard":
            counts = count_votes(named_classes(outputs), self.classes_.size)
            return counts / outputs.shape[1]
        self._check_voting()
        return mean_probabilities(outputs)

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Shares of votes, or with ``voting='soft'`` the networks' mean probabilities.
        """
        return self._probabilities(self._outputs(X))

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """Logarithms of the probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            Logarithms of what :meth:`predict_proba` returns: ``-inf`` for a class
            without votes.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def decision_function(self, X: ArrayLike) -> Floats:
        """Lead of each class, from the probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Binary: probability of the second class minus that of the first; the second
            is predicted where this is positive. Otherwise the probabilities.
        """
        probabilities = self.predict_proba(X)
        if self.classes_.size == 2:
            return probabilities[:, 1] - probabilities[:, 0]
        return probabilities

    def staged_predict_proba(self, X: ArrayLike) -> Iterator[Floats]:
        """Probabilities of the classes after each vote.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : iterator of ndarray of shape (n_samples, n_classes)
            Those of the first vote, of the first two, and so on: what
            :meth:`predict_proba` of a model with so many `n_estimators` returns.
        """
        outputs = self._outputs(X)
        stages = range(1, outputs.shape[1] + 1)
        return (self._probabilities(outputs[:, :n_votes]) for n_votes in stages)

    def staged_predict(self, X: ArrayLike) -> Iterator[NDArray[Any]]:
        """Predict classes after each vote.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : iterator of ndarray of shape (n_samples,)
            Class labels by the first vote, by the first two, and so on.
        """
        stages = self.staged_predict_proba(X)
        return (self.classes_[stage.argmax(axis=1)] for stage in stages)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict classes: that of the largest probability, of equals the first.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def _check_voting(self, loss: str | None = None) -> None:
        """Refuse probabilities of networks that have none.

        Parameters
        ----------
        loss : str, default=None
            Of the networks; None is that of the last fit.
        """
        loss = self._loss if loss is None else loss
        voting = {"voting": self.voting}  # may have been set after fit
        validate_parameter_constraints(
            self._parameter_constraints, voting, type(self).__name__
        )
        if self.voting == "soft" and loss != "ce":
            raise ValueError(
                f"voting='soft' needs loss='ce', got loss={loss!r}: networks "
                "trained with another loss have no probabilities."
            )
