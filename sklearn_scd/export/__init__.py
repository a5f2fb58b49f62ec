"""Models for other runtimes: ONNX, which the extra ``onnx`` installs.

skl2onnx and onnx are imported where they are needed, not before.
"""

from sklearn_scd.export._onnx import register_onnx_converter, to_onnx

__all__ = ["register_onnx_converter", "to_onnx"]
