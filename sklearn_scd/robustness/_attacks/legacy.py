"""What benchmarks ask of attacks until they ask the harness; it goes then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._typing import FittedClassifier
from sklearn_scd.robustness._attacks import collecting
from sklearn_scd.robustness._attacks.problem import AttackProblem
from sklearn_scd.robustness._attacks.sample import (
    AttackedModel,
    AttackedSample,
    Attempt,
    to_just_outside,
)
from sklearn_scd.robustness._labels import LabelCodes
from sklearn_scd.robustness._results import (
    ATTACKED,
    MISCLASSIFIED,
    DistortionResult,
)


@dataclass(frozen=True)
class Problem:
    """What is the same for all samples."""

    estimator: FittedClassifier
    labels: LabelCodes
    attack: str
    norm: float
    clip_values: tuple[float, float]
    max_iter: int
    init_size: int
    starts: Mapping[int, Any]


def collect(
    problem: Problem,
    X: NDArray[Any],
    codes: NDArray[np.intp],
    by_sample: Mapping[int, Sequence[Attempt]],
) -> DistortionResult:
    """As :func:`collecting.collect`."""
    model = AttackedModel(
        problem.estimator, problem.labels, problem.norm, problem.clip_values
    )
    status = np.full(len(X), MISCLASSIFIED, dtype="<U13")
    status[list(by_sample)] = ATTACKED
    targets = np.full(len(X), -1)
    whole = AttackProblem(model, X, codes, targets, codes, status)
    return collecting.collect(whole, by_sample, problem.attack, problem.max_iter)


@dataclass(frozen=True)
class _Asked(AttackedModel):
    function: Callable[..., NDArray[np.intp]]

    def predict(self, points: NDArray[Any]) -> NDArray[np.intp]:
        return self.function(points)


class Record(AttackedSample):
    """A sample under attack that answers with class codes."""

    def __init__(
        self, x: NDArray[Any], code: int, predict: Callable[..., Any], norm: float
    ) -> None:
        anything: Any = None
        bounds = (-np.inf, np.inf)
        super().__init__(_Asked(anything, anything, norm, bounds, predict), x, code)

    def ask(self, points: Any) -> NDArray[Any]:
        """Class codes, -1 for any other class."""
        return np.where(super().ask(points), -1, self.code)


def search_boundary(record: Record, clip_values: tuple[float, float]) -> None:
    """As :func:`to_just_outside`."""
    assert record.best is not None
    sample = AttackedSample(record.model, record.x.astype(np.float32), record.code)
    sample.best, sample.distance = record.best, record.distance
    to_just_outside(sample, 12)
    record.n_queries += sample.n_queries
    assert sample.best is not None
    record.best = np.clip(sample.best, *clip_values)
    record.distance = sample.distance
