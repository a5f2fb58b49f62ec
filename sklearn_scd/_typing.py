"""What type hints share, and scikit-learn's validation with the hints it lacks.

To a type checker a function under an untyped decorator is untyped itself: it would
neither check a user's arguments nor know what comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.utils._param_validation import validate_params

RandomState: TypeAlias = int | np.random.RandomState | None
Norm: TypeAlias = float | Literal["inf"]
Floats: TypeAlias = NDArray[np.float64]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class FittedClassifier(Protocol):
    """Any fitted classifier: one of scikit-learn's, of ours, a Pipeline, a search."""

    @property
    def classes_(self) -> ArrayLike:
        """Class labels."""

    @property
    def n_features_in_(self) -> int:
        """Number of features seen in fit."""

    def predict(self, X: Any, /) -> Any:
        """Predict classes."""


def validated_fit(method: _Function) -> _Function:
    """Validate the estimator's parameters before `method` runs."""
    decorated: _Function = _fit_context(prefer_skip_nested_validation=True)(method)
    return decorated


def validated(constraints: dict[str, list[Any]]) -> Callable[[_Function], _Function]:
    """Validate a function's arguments, each by a list of what it may be."""
    decorator: Callable[[_Function], _Function] = validate_params(
        constraints, prefer_skip_nested_validation=True
    )
    return decorator
