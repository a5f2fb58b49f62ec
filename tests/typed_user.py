"""What a user's type checker makes of the package: mypy reads this file, nothing runs.

Right code has the types that are asserted. Wrong code is marked with the error that it
must give; mypy fails on a mark without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_scd import SCDClassifier, make_robust_scd
from sklearn_scd import robustness as rb

if TYPE_CHECKING:
    from typing_extensions import assert_type  # of typing from Python 3.11 on

    class Named(SCDClassifier):
        """A subclass, which fit must not turn into its parent."""


def fits_and_predicts(X: NDArray[np.uint8], y: list[str]) -> None:
    model = SCDClassifier(loss="01", random_state=np.random.RandomState(0))
    assert_type(model.fit(X, y), SCDClassifier)
    assert_type(Named().fit(X, y), Named)
    assert_type(SCDClassifier(loss="01").fit(X, y).predict(X), NDArray[Any])
    assert_type(model.fit([[0.0], [1.0]], [0, 1]).agreement(X), NDArray[np.float64])
    assert_type(model.loss_curve_, NDArray[np.float32])
    SCDClassifier(max_features=0.5, class_weight={"ill": 2.0, "well": 1})
    smoothed = rb.SmoothedClassifier(model, 0.5, random_state=0).fit(X, y)
    assert_type(smoothed, rb.SmoothedClassifier)
    assert_type(smoothed.certified_distortion(X, y), NDArray[np.float64])
    make_robust_scd(n_components=8, random_state=0, margin=0.5).fit(X, y)


def fits_wrongly(X: NDArray[np.uint8], y: list[str]) -> None:
    SCDClassifier(loss="hinge")  # type: ignore[arg-type]
    SCDClassifier("01", True)  # type: ignore[call-arg]
    SCDClassifier(n_votes=10)  # type: ignore[call-arg]
    SCDClassifier(n_estimators="10")  # type: ignore[arg-type]
    SCDClassifier().fit(X)  # type: ignore[call-arg]
    SCDClassifier().fit(X, y).predict(X, y)  # type: ignore[call-arg]
    make_robust_scd(n_components="all")  # type: ignore[arg-type]


def looks(sample: rb.AttackedSample, rng: np.random.Generator) -> None:
    assert_type(sample.ask(rng.random((3, sample.x.size))), NDArray[np.bool_])


def measures(X: NDArray[np.float32], y: NDArray[np.intp]) -> None:
    model = SCDClassifier().fit(X, y)
    assert_type(rb.certified_distortion(model, X, y, norm=2), NDArray[np.float64])
    assert_type(rb.exact_distance(LogisticRegression(), X), NDArray[np.float64])
    found = rb.nearest_flip(make_pipeline(StandardScaler(), model), X, y, norm="inf")
    assert_type(found, rb.DistortionResult)
    assert_type(rb.line_search(model, X, y, norm=1, target=2), rb.DistortionResult)
    assert_type(rb.run_attack(looks, model, X, y), rb.DistortionResult)
    assert_type(rb.robust_accuracy(found, [0.1, 0.5]).low, NDArray[np.float64])
    result = rb.evaluate_robustness(model, X, y, attacks={"nearest_flip": found})
    assert_type(result.attacks["nearest_flip"], rb.DistortionResult)
    transfer = rb.transfer_matrix({"votes": model}, {"votes": found}, y)
    assert_type(transfer.rates, NDArray[np.float64])
    score = rb.certified_accuracy_scorer([0.0, 0.5], method="order")
    assert_type(score(model, X, y), float)


def measures_wrongly(X: NDArray[np.float32], y: NDArray[np.intp]) -> None:
    model = SCDClassifier().fit(X, y)
    rb.certified_distortion("model", X)  # type: ignore[arg-type]
    rb.certified_distortion(model, X, norm="l2")  # type: ignore[arg-type]
    rb.nearest_flip(model, X)  # type: ignore[call-arg]
    rb.minimum_distortion(model, X, y, attack="pgd")  # type: ignore[arg-type]
    rb.robust_accuracy(np.zeros(3), epsilon=[0.1])  # type: ignore[call-arg]
    rb.transfer_matrix([model], {}, y)  # type: ignore[arg-type]
