"""What an attack found for each sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._typing import Floats

ATTACKED, MISCLASSIFIED, NO_START, STOPPED, NOT_ATTACKED, IS_TARGET = (
    "attacked",
    "misclassified",
    "no_start",
    "stopped",
    "not_attacked",
    "is_target",
)


@dataclass(frozen=True)
class DistortionResult:
    """What an attack found for each sample.

    Attributes
    ----------
    distances : ndarray of shape (n_samples,), float64
        Distance to the nearest adversarial sample found, in the units of X: an upper
        bound of what the sample can stand. 0 where it is misclassified as it is, inf
        where nothing was found, NaN where an attack that was ended did not get to.

    adversarials : ndarray of shape (n_samples, n_features)
        The adversarial samples; the sample itself where it is misclassified, NaN where
        nothing was found.

    queries : ndarray of shape (n_samples,), int64
        Samples that the classifier was asked about, all restarts together.

    status : ndarray of shape (n_samples,), str
        ``'attacked'``; ``'misclassified'``: there is nothing to attack; ``'no_start'``:
        no sample of another class was found to start from; ``'stopped'``: no restart
        could go on to its last iteration, the best found until then is kept;
        ``'not_attacked'``: the attack was ended before this sample.

    history : ndarray of shape (n_samples, max_iter + 1), float64
        The smallest distance, over the restarts, after 0, 1, ... iterations of
        HopSkipJump. NaN where it did not run.

    norm : float
        2 or inf.

    attack : str
        Its name.
    """

    distances: Floats
    adversarials: NDArray[Any]
    queries: NDArray[np.int64]
    status: NDArray[np.str_]
    history: Floats = field(repr=False)
    norm: float = 2.0
    attack: str = "hop_skip_jump"
