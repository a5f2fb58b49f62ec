"""Graphs of sign units over patches. Imports skl2onnx."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.common.utils import check_input_and_output_numbers

from sklearn_scd.export._graph import require_opset
from sklearn_scd.export._nodes import Graph


def set_shares_type(operator: Any) -> None:
    """Set type and shape of the shares: float32 whatever X is.

    Parameters
    ----------
    operator : skl2onnx Operator
    """
    check_input_and_output_numbers(operator, input_count_range=1, output_count_range=1)
    n_samples = operator.inputs[0].get_first_dimension()
    n_shares = operator.raw_operator._n_features_out
    operator.outputs[0].set_type(FloatTensorType([n_samples, n_shares]))


def convert_shares(scope: Any, operator: Any, container: Any) -> None:
    """Add the nodes of a fitted SignConvolution.

    Active patches are counted by a product with ones and zeros. A runtime may divide by
    their number in another order than transform, which rounds the last digit.

    Parameters
    ----------
    scope : skl2onnx Scope
    operator : skl2onnx Operator
    container : skl2onnx ModelComponentContainer
    """
    require_opset(container)
    layer = operator.raw_operator
    height, width, channels = layer._shape
    n_down, n_across = layer._patch
    n_places = (height - n_down + 1) * (width - n_across + 1)
    filters = layer.coef_.reshape(-1, n_down, n_across, channels).transpose(0, 3, 1, 2)
    regions = _regions(layer, n_places)

    graph = Graph(scope, container)
    rows = graph.cast(operator.inputs[0].full_name, TensorProto.FLOAT)
    images = graph.reshape(rows, height, width, channels)
    images = graph.add("Transpose", images, perm=[0, 3, 1, 2])
    weights = graph.constant(filters), graph.constant(layer.intercept_)
    sums = graph.add("Conv", images, *weights, kernel_shape=[n_down, n_across])
    zero = graph.constant(np.zeros(1, dtype=np.float32))
    active = graph.cast(graph.add("Greater", sums, zero), TensorProto.FLOAT)
    active = graph.reshape(active, len(filters), n_places)
    counts = graph.add("MatMul", active, graph.constant(regions))
    shares = graph.add("Div", counts, graph.constant(regions.sum(axis=0)))
    shares = graph.add("Transpose", shares, perm=[0, 2, 1])
    shape = graph.constant(np.array([0, layer._n_features_out]))
    graph.add("Reshape", shares, shape, output=operator.outputs[0].full_name)


def _regions(layer: Any, n_places: int) -> np.ndarray:
    """Which places, row after row, are in which region: 1 or 0, (n_places, n_regions).

    The layer lists where patches start in a row of pixels, region after region.
    """
    _, width, channels = layer._shape
    down, right = np.divmod(layer._starts // channels, width)
    places = down * (width - layer._patch[1] + 1) + right
    members = np.zeros((n_places, len(layer._borders) - 1), dtype=np.float32)
    members[places, np.repeat(np.arange(members.shape[1]), np.diff(layer._borders))] = 1
    return members
