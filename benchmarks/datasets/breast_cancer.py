"""Scikit-learn's breast cancer table, the one set that is not made of images."""

import sklearn.datasets

from benchmarks.datasets._base import Dataset


def load_breast_cancer() -> Dataset:
    """Load the Wisconsin diagnostic set: 569 samples, 30 measurements."""
    bunch = sklearn.datasets.load_breast_cancer()
    return Dataset(
        name="breast-cancer",
        X=bunch.data,
        y=bunch.target.astype("intp"),
        class_names=tuple(str(name) for name in bunch.target_names),
        source="Wisconsin diagnostic breast cancer (scikit-learn, load_breast_cancer)",
        licence="CC BY 4.0",
    )
