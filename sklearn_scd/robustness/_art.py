"""The subclass of ART's classifier. Imports ART."""

from __future__ import annotations

import numpy as np
from art.estimators.classification.scikitlearn import ScikitlearnClassifier

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

    def __init__(self, estimator, labels, clip_values, response_method):
        self._labels = labels
        self._response_method = response_method
        super().__init__(estimator, clip_values=clip_values)

    def _get_input_shape(self, model):
        return (model.n_features_in_,)

    def _get_nb_classes(self):
        return self._labels.classes.size

    def predict(self, x, **kwargs):
        """Probabilities of the classes, or 1 for the class predicted and 0 else.

        Parameters
        ----------
        x : ndarray of shape (n_samples, n_features)
        **kwargs : dict
            Ignored; ART hands over a batch size.

        Returns
        -------
        prediction : ndarray of shape (n_samples, n_classes)
        """
        if self._response_method == "predict_proba":
            return ask(self.model, "predict_proba", x)
        codes = self._labels.predict(self.model, x)
        return np.eye(self.nb_classes, dtype=np.float32)[codes]
