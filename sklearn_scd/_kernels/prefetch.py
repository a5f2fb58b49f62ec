"""Asking for memory ahead of its use, by the processor's own instruction."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic

LINE = 64  # bytes that are fetched at a time
_READ, _SECOND_LEVEL, _DATA = 0, 2, 1  # of LLVM's prefetch: how, how near, what


def _prefetch(typing_context: Any, array: Any, row: Any, column: Any) -> Any:
    """Fetch an entry of a matrix into the second-level cache; never fails."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        matrix = context.make_array(signature.args[0])(context, builder, args[0])
        pointer = cgutils.get_item_pointer(
            context, builder, signature.args[0], matrix, args[1:]
        )
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [byte, number, number, number]),
            "llvm.prefetch.p0",
        )
        hints = [number(hint) for hint in (_READ, _SECOND_LEVEL, _DATA)]
        builder.call(function, [builder.bitcast(pointer, byte), *hints])
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), generate


def _no_prefetch(array: Any, row: int, column: int) -> None:
    """Kernels that are not compiled do without."""


_is_plain: bool = config.DISABLE_JIT  # type: ignore[attr-defined]
prefetch = _no_prefetch if _is_plain else intrinsic(_prefetch)
