"""The one form of the data that every model gets."""

import numpy as np
from sklearn.preprocessing import StandardScaler

from benchmarks.datasets import Dataset
from benchmarks.datasets.splits import Split


def describe_scaling(dataset: Dataset) -> str:
    """Say in a few words what `scale` does to a data set."""
    if dataset.image_shape is not None:
        return "float32 pixels in [0, 1], the same for every model"
    return "StandardScaler fitted on train, float32, the same for every model"


def scale(dataset: Dataset, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Flatten images to pixels in [0, 1], or standardize a table.

    Returns
    -------
    X_train, X_test : ndarray of shape (n_samples, n_features), dtype float32
    """
    sides = dataset.X[split.train], dataset.X[split.test]
    if dataset.image_shape is None:
        scaler = StandardScaler().fit(sides[0])
        X_train, X_test = (scaler.transform(X).astype(np.float32) for X in sides)
    else:
        X_train, X_test = (_to_pixels(X) for X in sides)
    return X_train, X_test


def _to_pixels(images: np.ndarray) -> np.ndarray:
    pixels = images.reshape(len(images), -1).astype(np.float32)
    if images.dtype.kind == "u":
        pixels /= np.iinfo(images.dtype).max
    return pixels
