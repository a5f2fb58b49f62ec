"""Curves of the record are those that the package computes, at every epsilon."""

import numpy as np
import pytest

from benchmarks.medical.curves import record_curve
from sklearn_scd.robustness import robust_accuracy


@pytest.mark.parametrize("n_images", [1, 2, 10])
def test_a_curve_is_that_of_the_package_at_each_epsilon(n_images):
    """Epsilons equal to a distance, equal distances, 0 and infinity are among them."""
    rng = np.random.default_rng(n_images)
    for _ in range(20):
        distances = rng.choice([0.0, 0.5, 1.0, 1.3, 2.0, np.inf], n_images)
        epsilons = np.linspace(0, 2.5, 26)
        curve, recorded = (
            robust_accuracy(distances, epsilons),
            record_curve(distances, epsilons),
        )
        for name in ("accuracies", "low", "high"):
            np.testing.assert_array_equal(recorded[name], getattr(curve, name))
