"""The best of sums for several hidden units at a time, in vector instructions.

Compilers make them of loops over long arrays. For a few units at each of many places
they would need to be told that no array overlaps another.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic

LANES = 8  # int64 of a cache's line, and of the longest vectors there are

_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, LANES)


def _vectors_at(array: Any, builder: Any) -> Any:
    return builder.bitcast(array.data, _VECTOR.as_pointer())


def _load(builder: Any, pointer: Any) -> Any:
    """Load a vector, which numpy may have aligned to no more than its entries."""
    return builder.load(pointer, align=8)


def _raise_to_sums(
    typing_context: Any,
    gains: Any,
    parts: Any,
    upper: Any,
    lower: Any,
    first: Any,
    last: Any,
    best: Any,
) -> Any:
    """Raise ``best`` to the sums at each of some pairs of places.

    They are ``gains[a] - parts[a, lane] + parts[b, lane]`` for a and b of
    ``upper[first:last]`` and ``lower[first:last]``.

    Parameters
    ----------
    gains : ndarray of shape (n,), int64
    parts : ndarray of shape (n, LANES), int64
    upper, lower : ndarray of uint32
    first, last : int
    best : ndarray of shape (LANES,), int64
        Changed in place.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        gain, part, high, low, result = (
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args, args, strict=True)
            if isinstance(kind, types.Array)
        )
        start, stop = args[4:6]
        held = cgutils.alloca_once_value(
            builder, _load(builder, _vectors_at(result, builder))
        )

        def place(array: Any, k: Any) -> Any:
            return builder.zext(builder.load(builder.gep(array.data, [k])), _WORD)

        def parts_at(k: Any) -> Any:
            return _load(builder, builder.gep(_vectors_at(part, builder), [k]))

        with cgutils.for_range_slice(builder, start, stop, _WORD(1), _WORD) as (k, _):
            a, b = place(high, k), place(low, k)
            number, none = ir.IntType(32), ir.Constant(_VECTOR, ir.Undefined)
            all_on = builder.load(builder.gep(gain.data, [a]))
            all_on = builder.insert_element(none, all_on, number(0))
            all_on = builder.shuffle_vector(
                all_on, none, ir.Constant(ir.VectorType(number, LANES), [0] * LANES)
            )
            total = builder.add(builder.sub(all_on, parts_at(a)), parts_at(b))
            present = builder.load(held)
            higher = builder.icmp_signed(">", total, present)
            builder.store(builder.select(higher, total, present), held)
        builder.store(builder.load(held), _vectors_at(result, builder), align=8)
        return context.get_dummy_value()

    words = types.int64, types.int64
    return types.void(gains, parts, upper, lower, *words, best), generate


def _raise_one_by_one(
    gains: Any, parts: Any, upper: Any, lower: Any, first: int, last: int, best: Any
) -> None:
    """The same for kernels that are not compiled."""
    for k in range(first, last):
        a, b = upper[k], lower[k]
        for lane in range(LANES):
            total = gains[a] - parts[a, lane] + parts[b, lane]
            best[lane] = max(best[lane], total)


_is_plain: bool = config.DISABLE_JIT  # type: ignore[attr-defined]
raise_to_sums = _raise_one_by_one if _is_plain else intrinsic(_raise_to_sums)
