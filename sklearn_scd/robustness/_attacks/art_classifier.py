"""The subclass of ART's classifier. Imports ART."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from art.estimators.classification.scikitlearn import ScikitlearnClassifier
from numpy.typing import NDArray
from sklearn.utils import check_array

from sklearn_scd._typing import FittedClassifier
from sklearn_scd.robustness._labels import LabelCodes
from sklearn_scd.robustness._samples import ask


class ArtClassifier(ScikitlearnClassifier):
    """A fitted scikit-learn classifier, as ART asks for it.

    Parameters
    ----------
    estimator : fitted classifier
    labels : LabelCodes
    clip_values : tuple of (float, float) or None
    response_method : {'predict_proba', 'predict'}
    """

    def __init__(
        self,
        estimator: FittedClassifier,
        labels: LabelCodes,
        clip_values: tuple[float, float] | None,
        response_method: Literal["predict_proba", "predict"],
    ) -> None:
        self._labels = labels
        self._response_method = response_method
        super().__init__(estimator, clip_values=clip_values)

    def _get_input_shape(self, model: FittedClassifier) -> tuple[int, ...]:
        return (model.n_features_in_,)

    def _get_nb_classes(self) -> int:
        return self._labels.classes.size

    def predict(self, x: NDArray[Any], **kwargs: Any) -> NDArray[Any]:
        """Probabilities of the classes, or 1 for the class predicted and 0 else.

        Parameters
        ----------
        x : ndarray of shape (n_samples, n_features)
        **kwargs : dict
            Ignored; ART hands over a batch size.

        Returns
        -------
        prediction : ndarray of shape (n_samples, n_classes)

        Raises
        ------
        ValueError
            If the model's answer is none: NaN, another shape, labels that are none of
            its classes. ART would take the largest entry of it for a class.
        """
        if self._response_method == "predict_proba":
            shares = check_array(
                ask(self.model, "predict_proba", x),
                dtype=None,
                input_name="predict_proba",
            )
            if shares.shape != (len(x), self.nb_classes):
                raise ValueError(
                    f"predict_proba has the shape {shares.shape} for {len(x)} samples "
                    f"and {self.nb_classes} classes."
                )
            return shares
        codes = self._labels.predict(self.model, x)
        return np.eye(self.nb_classes, dtype=np.float32)[codes]
