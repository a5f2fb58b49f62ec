"""Principal components that small data do not have."""

import numpy as np
from sklearn.base import ClassifierMixin

NAME = "pca__n_components"  # ends the name of such a parameter, wherever the PCA is


def with_fewer_components(estimator: ClassifierMixin, X: np.ndarray) -> ClassifierMixin:
    """Set a model to as many components as rows and features have, if it has more.

    Parameters
    ----------
    estimator : estimator object
        Changed in place.
    X : ndarray of shape (n_samples, n_features)
        What it is to be fitted on.

    Returns
    -------
    estimator : estimator object
    """
    most = min(X.shape)
    too_many = {
        name: most
        for name, value in estimator.get_params().items()
        if name.endswith(NAME) and value is not None and value > most
    }
    return estimator.set_params(**too_many)
