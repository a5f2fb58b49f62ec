"""What tests of attacks and certificates share."""

from importlib.util import find_spec

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_blobs
from sklearn.preprocessing import MinMaxScaler

from sklearn_scd import SCDClassifier

needs_art = pytest.mark.skipif(find_spec("art") is None, reason="needs the extra art")


class Rule(ClassifierMixin, BaseEstimator):
    """Answers by a function; what a user may hand over that is no model of ours."""

    def __init__(self, rule, n_features=2, classes=(0, 1)):
        self.rule, self.n_features, self.classes = rule, n_features, classes
        self.n_features_in_ = n_features
        self.classes_ = np.array(classes)

    def predict(self, X):
        """Whatever the function returns: true and false are the two classes."""
        answer = self.rule(X)
        is_code = getattr(answer, "dtype", None) in (bool, int)
        return self.classes_[answer.astype(int)] if is_code else answer


def blobs(n_classes=2, n_features=6):
    """Overlapping classes in the unit cube."""
    X, y = make_blobs(
        120, n_features, centers=n_classes, cluster_std=2.5, random_state=1
    )
    return MinMaxScaler().fit_transform(X), y


def small_networks(**options):
    """A vote that is quickly trained, not fitted yet."""
    defaults = {"n_estimators": 9, "hidden_units": 4, "max_iter": 60}
    return SCDClassifier(**{**defaults, **options}, random_state=0)


def assert_is_what_it_says(result, model, X, y, clip_values=(0.0, 1.0), share=0.0):
    """Check all that a result states of each of its samples.

    One that is found is of another class for the model, alone and among the others,
    within the range of values, and at the distance stated.

    Parameters
    ----------
    result : DistortionResult
    model : fitted classifier
    X, y : ndarray
        What was attacked.
    clip_values : tuple of (float, float)
    share : float
        Of the samples that are classified correctly, how many must be found at least.

    Returns
    -------
    found : ndarray of bool, shape (n_samples,)
    """
    X, y = np.asarray(X), np.asarray(y)
    right = model.predict(X) == y
    assert right.any()
    assert_array_equal(result.status == "misclassified", ~right)
    assert_array_equal(result.distances == 0, ~right)
    assert_array_equal(result.adversarials[~right], X[~right])
    found = right & np.isfinite(result.distances)
    assert found.sum() >= share * right.sum()
    none = right & ~found
    unreached = result.status == "not_attacked"
    assert_array_equal(np.isnan(result.distances), unreached)
    assert (result.distances[none & ~unreached] == np.inf).all()
    assert set(result.status[none]) <= {"no_start", "stopped", "not_attacked"}
    assert np.isnan(result.adversarials[none]).all()
    assert set(result.status[found]) <= {"attacked", "stopped"}
    adversarials = result.adversarials[found]
    assert adversarials.dtype == X.dtype
    if not found.any():
        return found
    assert (model.predict(adversarials) != y[found]).all()
    for row, label in zip(adversarials, y[found], strict=True):
        assert model.predict(row[np.newaxis])[0] != label
    assert clip_values[0] <= adversarials.min()
    assert adversarials.max() <= clip_values[1]
    steps = adversarials.astype(float) - X[found]
    distances = np.linalg.norm(steps, ord=result.norm, axis=1)
    assert_allclose(result.distances[found], distances, rtol=1e-12)
    return found
