"""The graph of a CalibratedClassifierCV around an SCDClassifier. Imports skl2onnx.

skl2onnx has a converter of its own, which takes isotonic calibrations at the nearest
threshold rather than between two, and forgets through pipelines and searches that it
asked for decision scores. Shapes in the comments: n samples, T thresholds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common.data_types import Int64TensorType, guess_proto_type
from skl2onnx.common.utils_classifier import get_label_classes
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd.export._graph import (
    add_labels,
    add_probabilities,
    expit,
    require_opset,
)
from sklearn_scd.export._nodes import Graph


def convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a CalibratedClassifierCV that holds SCDClassifiers.

    Parameters
    ----------
    scope : skl2onnx Scope
    operator : skl2onnx Operator
    container : skl2onnx ModelComponentContainer
    """
    require_opset(container)
    model, graph = operator.raw_operator, Graph(scope, container)
    calibrated = [
        _probabilities(graph, each, operator, scope)
        for each in model.calibrated_classifiers_
    ]
    total = graph.add("Sum", *calibrated)
    mean = graph.add("Div", total, graph.constant(float(len(calibrated))))
    labels, floats = operator.outputs
    add_labels(graph, mean, get_label_classes(scope, model), labels.full_name)
    graph.cast(mean, guess_proto_type(floats.type), output=floats.full_name)


def _probabilities(graph: Graph, calibrated: Any, operator: Any, scope: Any) -> str:
    """Calibrated probabilities of one model, (n, n_classes)."""
    n_classes = len(calibrated.classes)
    shares = _uncalibrated(graph, calibrated.estimator, operator, scope)
    columns = [
        _calibrate(graph, _score(graph, shares, k, n_classes), calibrator)
        for k, calibrator in enumerate(calibrated.calibrators)
    ]
    if n_classes == 2:
        (second,) = columns
        first = graph.add("Sub", graph.constant(1.0), second)
        return graph.add("Concat", first, second, axis=1)
    stacked = graph.add("Concat", *columns, axis=1)
    total = graph.sum(stacked, axis=1, keepdims=1)
    unknown = graph.add("Equal", total, graph.constant(0.0))
    uniform = graph.constant(1.0 / n_classes)
    return graph.add("Where", unknown, uniform, graph.add("Div", stacked, total))


def _uncalibrated(graph: Graph, estimator: Any, operator: Any, scope: Any) -> str:
    """What predict_proba gives, in double precision."""
    while isinstance(estimator, FrozenEstimator):
        estimator = estimator.estimator
    if isinstance(estimator, SCDClassifier):  # not rounded to the type of the input
        return add_probabilities(graph, operator.inputs[0].full_name, estimator)
    inner = scope.declare_local_operator(
        sklearn_operator_name_map[type(estimator)], estimator
    )
    inner.inputs = operator.inputs
    label = scope.declare_local_variable("label", Int64TensorType())
    floats = scope.declare_local_variable(
        "uncalibrated", operator.outputs[1].type.__class__()
    )
    inner.outputs.extend([label, floats])
    return graph.cast(floats.full_name, TensorProto.DOUBLE)


def _score(graph: Graph, shares: str, k: int, n_classes: int) -> str:
    """Column k of the decision function, which is linear in the shares, (n, 1)."""
    weights = np.eye(n_classes)[:, k : k + 1]
    if n_classes == 2:
        weights = np.array([[-1.0], [1.0]])
    return graph.add("MatMul", shares, graph.constant(weights))


def _calibrate(graph: Graph, score: str, calibrator: Any) -> str:
    """Calibrated probability, not yet divided by those of other classes, (n, 1)."""
    if isinstance(calibrator, IsotonicRegression):
        return _interpolate(graph, score, calibrator)
    line = graph.add("Mul", score, graph.constant(float(calibrator.a_)))
    line = graph.add("Add", line, graph.constant(float(calibrator.b_)))
    return expit(graph, graph.add("Neg", line))


def _interpolate(graph: Graph, score: str, calibrator: IsotonicRegression) -> str:
    """Between thresholds as numpy.interp does, to the same rounding.

    Where two calibrations of 0 and 1 are averaged, the last bit decides.
    """
    x = np.asarray(calibrator.X_thresholds_, dtype=np.float64)
    y = np.asarray(calibrator.y_thresholds_, dtype=np.float64)
    low, high = graph.constant(x[0]), graph.constant(x[-1])
    score = graph.add("Max", graph.add("Min", score, high), low)
    beyond = graph.add("GreaterOrEqual", score, graph.constant(x))  # (n, T)
    place = graph.sum(graph.cast(beyond, TensorProto.INT64), axis=1, keepdims=1)
    place = graph.add("Sub", place, graph.constant(1))  # from 0 to T - 1
    slopes = np.append(np.diff(y) / np.diff(x), 0.0)  # nothing is beyond the last
    slope, left, start = (
        graph.add("Gather", graph.constant(values), place) for values in (slopes, x, y)
    )
    rise = graph.add("Mul", slope, graph.add("Sub", score, left))
    return graph.add("Add", rise, start)
