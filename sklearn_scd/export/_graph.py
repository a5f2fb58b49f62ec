"""The graph of an SCDClassifier: what predict_proba computes, as nodes of ONNX.

Imports skl2onnx. Shapes in the comments: n samples, V votes, K networks a vote (one
with two classes), J units a network, D features. ``V * K`` networks and ``V * K * J``
units are stacked as in the fitted arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int32TensorType,
    Int64TensorType,
    StringTensorType,
    UInt8TensorType,
    guess_proto_type,
)
from skl2onnx.common.utils import (
    check_input_and_output_numbers,
    check_input_and_output_types,
)
from skl2onnx.common.utils_classifier import get_label_classes

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd.export._nodes import Graph

_MIN_OPSET = 13  # ReduceSum with axes as an input


def set_output_types(operator: Any) -> None:
    """Set types and shapes of the two outputs, labels and probabilities.

    Parameters
    ----------
    operator : skl2onnx Operator
    """
    check_input_and_output_numbers(operator, input_count_range=1, output_count_range=2)
    check_input_and_output_types(
        operator,
        good_input_types=[
            BooleanTensorType,
            DoubleTensorType,
            FloatTensorType,
            Int32TensorType,
            Int64TensorType,
            UInt8TensorType,
        ],
    )
    classes = _label_values(
        get_label_classes(operator.scope_inst, operator.raw_operator)
    )
    n_samples = operator.inputs[0].get_first_dimension()
    labels = StringTensorType if classes.dtype.kind == "U" else Int64TensorType
    in_double = isinstance(operator.inputs[0].type, DoubleTensorType)
    probabilities = DoubleTensorType if in_double else FloatTensorType
    operator.outputs[0].set_type(labels([n_samples]))
    operator.outputs[1].set_type(probabilities([n_samples, len(classes)]))


def convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a fitted SCDClassifier.

    Parameters
    ----------
    scope : skl2onnx Scope
    operator : skl2onnx Operator
    container : skl2onnx ModelComponentContainer
    """
    require_opset(container)
    model = operator.raw_operator
    graph = Graph(scope, container)
    probabilities = add_probabilities(graph, operator.inputs[0].full_name, model)
    labels, floats = operator.outputs
    classes = get_label_classes(scope, model)
    add_labels(graph, probabilities, classes, labels.full_name)
    scores = probabilities
    if container.get_options(model, {"raw_scores": False})["raw_scores"]:
        scores = _decision_scores(graph, probabilities, model)
    graph.cast(scores, guess_proto_type(floats.type), output=floats.full_name)


def require_opset(container: Any) -> None:
    """Refuse to write a graph for runtimes that lack operators.

    Raises
    ------
    ValueError
        If the opset is too old.
    """
    if container.target_opset < _MIN_OPSET:
        raise ValueError(
            f"This model needs target_opset={_MIN_OPSET} or later, got "
            f"{container.target_opset}."
        )


def add_probabilities(graph: Graph, X: str, model: SCDClassifier) -> str:
    """Add what predict_proba computes, in double precision, (n, n_classes)."""
    model._check_voting()
    outputs = _outputs(graph, X, model)
    if model.voting == "hard":
        return _shares(graph, outputs, model)
    return _mean_probabilities(graph, outputs, model)


def add_labels(
    graph: Graph, probabilities: str, classes: NDArray[Any], output: str
) -> None:
    """Add the labels of the largest probabilities, of equals the first, (n,)."""
    codes = graph.add("ArgMax", probabilities, axis=1, keepdims=0)
    labels = graph.constant(_label_values(classes))
    graph.add("Gather", labels, codes, output=output)


def _label_values(classes: NDArray[Any]) -> NDArray[Any]:
    """Class labels as ONNX has them: strings, or int64."""
    if all(isinstance(label, str) for label in classes):
        return np.array(classes, dtype=np.str_)
    return np.array(classes, dtype=np.int64)  # floats that label classes are whole


def _outputs(graph: Graph, X: str, model: SCDClassifier) -> str:
    """Outputs of the networks in double precision, (n, V, K).

    A unit is active where ``p + b > 0``, which also in floating point is ``p > -b``. In
    this form no runtime fuses the bias into the product and rounds otherwise. Output
    weights are on a grid, so that their sums are exact in any order.
    """
    thresholds = -model.hidden_intercept_
    compute_type = helper.np_dtype_to_tensor_dtype(thresholds.dtype)
    n_networks, n_units, n_features = model.hidden_coef_.shape
    coef = model.hidden_coef_.reshape(n_networks * n_units, n_features).T
    weights = graph.constant(coef)  # (D, V * K * J)
    if coef.dtype != thresholds.dtype:
        weights = graph.cast(weights, compute_type)
    projections = graph.add("MatMul", graph.cast(X, compute_type), weights)
    bounds = graph.constant(thresholds.ravel())
    if model._linear:
        distances = graph.add("Sub", projections, bounds)
        outputs = graph.cast(distances, TensorProto.DOUBLE)
    else:
        firing = graph.add("Greater", projections, bounds)
        firing = graph.reshape(firing, n_networks, n_units)
        u = graph.constant(model.output_coef_.astype(np.float64))
        driven = graph.add("Where", firing, u, graph.constant(0.0))
        c = graph.constant(model.output_intercept_.astype(np.float64))
        outputs = graph.add("Add", graph.sum(driven, axis=2), c)
    return graph.reshape(outputs, model._n_votes, n_networks // model._n_votes)


def _shares(graph: Graph, outputs: str, model: SCDClassifier) -> str:
    """Shares of votes in double precision, (n, n_classes)."""
    if model.classes_.size == 2:
        positive = graph.add("Greater", outputs, graph.constant(0.0))
        named = graph.cast(positive, TensorProto.INT64)
    else:
        named = graph.add("ArgMax", outputs, axis=2, keepdims=1)
    codes = graph.constant(np.arange(model.classes_.size))
    named = graph.add("Equal", named, codes)  # (n, V, n_classes)
    counts = graph.sum(graph.cast(named, TensorProto.DOUBLE), axis=1)
    return graph.add("Div", counts, graph.constant(float(model._n_votes)))


def _mean_probabilities(graph: Graph, outputs: str, model: SCDClassifier) -> str:
    """Mean probabilities in double precision, (n, n_classes)."""
    one = graph.constant(1.0)
    total = graph.sum(expit(graph, outputs), axis=1)
    means = graph.add("Div", total, graph.constant(float(model._n_votes)))  # (n, K)
    if model.classes_.size == 2:
        return graph.add("Concat", graph.add("Sub", one, means), means, axis=1)
    total = graph.sum(means, axis=1, keepdims=1)
    unknown = graph.add("Equal", total, graph.constant(0.0))
    means = graph.add("Where", unknown, one, means)
    return graph.add("Div", means, graph.sum(means, axis=1, keepdims=1))


def _decision_scores(graph: Graph, probabilities: str, model: SCDClassifier) -> str:
    """What decision_function gives, a column a class: of two, the first is negated."""
    if model.classes_.size > 2:
        return probabilities
    # (p_0, p_1) times this is (p_0 - p_1, p_1 - p_0), each rounded once.
    leads = graph.constant(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    return graph.add("MatMul", probabilities, leads)


def expit(graph: Graph, outputs: str) -> str:
    """``1 / (1 + exp(-f))``; runtimes' Sigmoid gives 0 far from where it is 0."""
    one = graph.constant(1.0)
    falling = graph.add("Exp", graph.add("Neg", graph.add("Abs", outputs)))
    negative = graph.add("Min", outputs, graph.constant(0.0))
    return graph.add("Div", graph.add("Exp", negative), graph.add("Add", one, falling))
