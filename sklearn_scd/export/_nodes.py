"""Nodes and constants of a graph. Imports onnx."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from onnx import TensorProto, numpy_helper


class Graph:
    """Nodes and constants, added by the names of their outputs.

    Parameters
    ----------
    scope : skl2onnx Scope
    container : skl2onnx ModelComponentContainer
    """

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope, self._container = scope, container

    def add(
        self, op_type: str, *inputs: str, output: str | None = None, **attributes: Any
    ) -> str:
        """Add a node of one output."""
        output = output or self._scope.get_unique_variable_name(f"scd_{op_type}")
        name = self._scope.get_unique_operator_name(f"SCD_{op_type}")
        self._container.add_node(op_type, [*inputs], [output], name=name, **attributes)
        return output

    def constant(self, values: ArrayLike) -> str:
        """Add a constant array."""
        values = np.asarray(values)
        name = self._scope.get_unique_variable_name("scd_constant")
        if values.dtype.kind == "U":
            encoded = [value.encode() for value in values]
            self._container.add_initializer(
                name, TensorProto.STRING, values.shape, encoded
            )
        else:  # as bytes, not number by number
            tensor = numpy_helper.from_array(np.ascontiguousarray(values), name)
            self._container.add_initializer(name, None, values.shape, tensor)
        return name

    def cast(self, name: str, to: int, output: str | None = None) -> str:
        """Cast to a type of TensorProto."""
        return self.add("Cast", name, to=to, output=output)

    def sum(self, name: str, axis: int, keepdims: int = 0) -> str:
        """Sum along an axis."""
        axes = self.constant(np.array([axis]))
        return self.add("ReduceSum", name, axes, keepdims=keepdims)

    def reshape(self, name: str, *shape: int) -> str:
        """Reshape all but the first axis."""
        return self.add("Reshape", name, self.constant(np.array([0, *shape])))
