"""Graphs of our projections: a product, or sums over blocks. Imports skl2onnx."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper
from skl2onnx.common.data_types import (
    DoubleTensorType,
    FloatTensorType,
    guess_proto_type,
)
from skl2onnx.common.utils import check_input_and_output_numbers

from sklearn_scd.export._graph import require_opset
from sklearn_scd.export._nodes import Graph


def set_output_type(operator: Any) -> None:
    """Set type and shape of the projected samples: float64 unless X is float32.

    Parameters
    ----------
    operator : skl2onnx Operator
    """
    check_input_and_output_numbers(operator, input_count_range=1, output_count_range=1)
    X = operator.inputs[0]
    in_single = isinstance(X.type, FloatTensorType)
    floats = FloatTensorType if in_single else DoubleTensorType
    n_components = operator.raw_operator.components_.shape[0]
    operator.outputs[0].set_type(floats([X.get_first_dimension(), n_components]))


def convert_product(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a fitted ActiveSubspace.

    Parameters
    ----------
    scope : skl2onnx Scope
    operator : skl2onnx Operator
    container : skl2onnx ModelComponentContainer
    """
    graph = Graph(scope, container)
    X, projected = operator.inputs[0], operator.outputs[0]
    compute_type = guess_proto_type(projected.type)
    dtype = helper.tensor_dtype_to_np_dtype(compute_type)
    directions = graph.constant(operator.raw_operator.components_.T.astype(dtype))
    rows = graph.cast(X.full_name, compute_type)
    graph.add("MatMul", rows, directions, output=projected.full_name)


def convert_blocks(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of fitted PixelMeans.

    A product would store a weight for each pixel and block. Here each block's pixels
    are gathered, weighted and summed, in float64 as in transform.

    Parameters
    ----------
    scope : skl2onnx Scope
    operator : skl2onnx Operator
    container : skl2onnx ModelComponentContainer
    """
    require_opset(container)
    rows = operator.raw_operator.components_
    n_pixels = np.diff(rows.indptr)
    there = np.arange(n_pixels.max()) < n_pixels[:, None]
    pixels = np.zeros(there.shape, dtype=np.int64)
    weights = np.zeros(there.shape)  # and so where a block has fewer pixels
    pixels[there], weights[there] = rows.indices, rows.data
    graph = Graph(scope, container)
    X, projected = operator.inputs[0], operator.outputs[0]
    blocks = graph.add("Gather", X.full_name, graph.constant(pixels), axis=1)
    blocks = graph.cast(blocks, TensorProto.DOUBLE)
    sums = graph.sum(graph.add("Mul", blocks, graph.constant(weights)), axis=2)
    graph.cast(sums, guess_proto_type(projected.type), output=projected.full_name)
