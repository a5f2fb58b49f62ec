"""Meta-estimators around an SCDClassifier: what skl2onnx converts wrongly is refused.

Imports skl2onnx. Its converters of some of scikit-learn's meta-estimators give graphs
that decide otherwise than the model, whatever classifier is inside, without a word.
Each of those converters is put behind a guard, which looks at models that hold an
SCDClassifier and hands all others over as they are. One is replaced for such models,
that of calibrated ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common._registration import get_converter, register_converter
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import Pipeline

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd.export import _calibration

# A reason not to convert, or None. The flag tells a graph of double precision.
Fault = Callable[[Any, bool], str | None]

_guards: dict[str, Any] = {}


def guard_meta_estimators() -> None:
    """Put skl2onnx's converters behind guards; those that are there stay."""
    for kind, fault in _FAULTS.items():
        alias = sklearn_operator_name_map.get(kind)
        if alias is None:  # an older skl2onnx converts it not at all
            continue
        converter = get_converter(alias)
        if converter is _guards.get(alias):
            continue
        options = converter.get_allowed_options()
        register_converter(
            alias, _guarded(converter, fault), overwrite=True, options=options
        )
        _guards[alias] = get_converter(alias)


def _guarded(converter: Any, fault: Fault) -> Callable[[Any, Any, Any], None]:
    """A converter that refuses models around an SCDClassifier with a fault."""

    def convert(scope: Any, operator: Any, container: Any) -> None:
        model = operator.raw_operator
        if not _holds_ours(model):
            converter(scope, operator, container)
            return
        reason = fault(model, isinstance(operator.inputs[0].type, DoubleTensorType))
        if reason is not None:
            _refuse(model, reason)
        try:
            _REPLACED.get(type(model), converter)(scope, operator, container)
        except KeyError as error:  # it looks the type up, and says no more than that
            (missing,) = error.args or (None,)
            if not isinstance(missing, type):
                raise
            _refuse(model, f"skl2onnx converts no {missing.__name__}")

    return convert


def _refuse(model: Any, reason: str) -> None:
    raise NotImplementedError(
        f"{type(model).__name__} around an SCDClassifier can't be converted: {reason}."
    )


def _holds_ours(value: Any) -> bool:
    """Whether an SCDClassifier is anywhere in an estimator."""
    if isinstance(value, SCDClassifier):
        return True
    if isinstance(value, (list, tuple)):
        return any(map(_holds_ours, value))
    if isinstance(value, dict):
        return any(map(_holds_ours, value.values()))
    # That is no BaseEstimator, but holds one.
    calibrated = type(value).__name__ == "_CalibratedClassifier"
    if isinstance(value, BaseEstimator) or calibrated:
        return any(map(_holds_ours, vars(value).values()))
    return False


def _innermost(estimator: Any) -> Any:
    """The last step of pipelines, the best estimator of searches, what is frozen."""
    if isinstance(estimator, Pipeline):
        return _innermost(estimator.steps[-1][1])
    if isinstance(estimator, FrozenEstimator):
        return _innermost(estimator.estimator)
    if hasattr(estimator, "best_estimator_"):
        return _innermost(estimator.best_estimator_)
    return estimator


def _gives_shares(estimator: Any) -> bool:
    """Whether probabilities are shares of votes, which often are equal."""
    classifier = _innermost(estimator)
    return isinstance(classifier, SCDClassifier) and classifier.voting == "hard"


def _bases(model: CalibratedClassifierCV) -> Iterator[Any]:
    return (calibrated.estimator for calibrated in model.calibrated_classifiers_)


def _calibrated(model: CalibratedClassifierCV, in_double: bool) -> str | None:
    method = model.calibrated_classifiers_[0].method
    if method not in ("sigmoid", "isotonic"):
        return f"method={method!r} is neither 'sigmoid' nor 'isotonic'"
    for base in _bases(model):
        inner = _innermost(base)
        if not isinstance(inner, SCDClassifier):
            return (
                f"it calibrates a {type(inner).__name__}. Calibrate the SCDClassifier, "
                "or a Pipeline that ends with it"
            )
    return _missing_class(_bases(model), model)


def _missing_class(estimators: Any, model: Any) -> str | None:
    """Columns of its models are taken for those of all classes."""
    if all(len(each.classes_) == len(model.classes_) for each in estimators):
        return None
    return "one of its models was fitted without samples of some class"


def _stacking(model: StackingClassifier, in_double: bool) -> str | None:
    other = [name for name in model.stack_method_ if name != "predict_proba"]
    if not other:
        return None
    return (
        f"skl2onnx stacks nothing but probabilities rightly, here {other[0]} of a "
        "model is stacked. Fit with stack_method='predict_proba'"
    )


def _voting(model: VotingClassifier, in_double: bool) -> str | None:
    if model.weights is not None:
        if len(model.weights) != len(model.estimators_):
            return "skl2onnx counts weights of dropped models"
        if not isinstance(model.weights, np.ndarray):
            return "skl2onnx takes weights as a NumPy array alone"
        if model.voting == "hard":
            return (
                "skl2onnx rounds weights before it adds them, and a tie of hard votes "
                "may go to another class. Leave out the weights, or vote softly"
            )
    counted = model.estimators_
    if model.weights is not None:
        counted = [each for each, w in zip(counted, model.weights, strict=True) if w]
    if model.voting == "soft" and all(map(_gives_shares, counted)):
        return (
            "means of shares of votes tie, and skl2onnx rounds them otherwise. Vote "
            "hard, or fit each SCDClassifier with voting='soft'"
        )
    return None


def _bagging(model: BaggingClassifier, in_double: bool) -> str | None:
    if not in_double and any(map(_gives_shares, model.estimators_)):
        return (
            "means of shares of votes tie, and skl2onnx rounds them otherwise. Convert "
            "it for float64 input, or fit the SCDClassifier with voting='soft'"
        )
    return _missing_class(model.estimators_, model)


def _boosting(model: AdaBoostClassifier, in_double: bool) -> str | None:
    if in_double:
        return "skl2onnx mixes types in its graph. Convert it for float32 input"
    return _missing_class(model.estimators_, model)


def _one_versus_rest(model: OneVsRestClassifier, in_double: bool) -> str | None:
    if model.multilabel_ or len(model.estimators_) == 1:
        return None
    if any(map(_gives_shares, model.estimators_)):
        return (
            "where all vote for the rest, skl2onnx divides zeros. An SCDClassifier "
            "takes any number of classes by itself"
        )
    return None


def _one_versus_one(model: OneVsOneClassifier, in_double: bool) -> str | None:
    return (
        "skl2onnx gives numbers of classes for labels, in another shape. An "
        "SCDClassifier takes any number of classes by itself"
    )


def _tuned_threshold(model: TunedThresholdClassifierCV, in_double: bool) -> str | None:
    return "skl2onnx leaves out the threshold"


_FAULTS: dict[type, Fault] = {
    AdaBoostClassifier: _boosting,
    BaggingClassifier: _bagging,
    CalibratedClassifierCV: _calibrated,
    OneVsOneClassifier: _one_versus_one,
    OneVsRestClassifier: _one_versus_rest,
    StackingClassifier: _stacking,
    TunedThresholdClassifierCV: _tuned_threshold,
    VotingClassifier: _voting,
}

_REPLACED = {CalibratedClassifierCV: _calibration.convert}
