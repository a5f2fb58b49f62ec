"""Tables of cubic Hermite splines for functions that fall to 0, and reading them.

A compiler that is to read a table for many values at a time collects each of the four
coefficients of a cubic on its own. Here they are read as the vector that they are in
memory, of four values in turn, and transposed: half of the time.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic

from sklearn_scd._kernels import kernel

KNOTS_PER_UNIT = 64
TABLE_END = 40.0  # exp(-40) is below the resolution of a loss
KNOTS = np.arange(int(TABLE_END) * KNOTS_PER_UNIT + 1) / KNOTS_PER_UNIT

_AT_ONCE = 4  # values, as many as a cubic has coefficients
_DOUBLE, _WORD, _INDEX = ir.DoubleType(), ir.IntType(64), ir.IntType(32)
_VECTOR = ir.VectorType(_DOUBLE, _AT_ONCE)
_INDICES = ir.VectorType(_INDEX, _AT_ONCE)


def cubics(values, slopes):
    """Coefficients of the cubics between knots, and a last one that is 0."""
    start, rise, slope = values[:-1], np.diff(values), slopes / KNOTS_PER_UNIT
    cube = slope[:-1] + slope[1:] - 2.0 * rise
    table = np.zeros((len(values), 4))
    table[:-1] = np.stack([start, slope[:-1], rise - slope[:-1] - cube, cube], axis=1)
    return table


@kernel
def spline(table, a):
    """Value at a >= 0 of a table's cubics: 0 from its end on."""
    # Without a branch, so that many are computed at a time.
    place = min(TABLE_END, a) * KNOTS_PER_UNIT
    k = np.int64(place)
    t = place - k
    return table[k, 0] + t * (table[k, 1] + t * (table[k, 2] + t * table[k, 3]))


@kernel
def write_splines(table, n, values):
    """Replace each of the first n values by that of :func:`spline`, to the bit."""
    whole = n - n % _AT_ONCE
    write_fours(table, whole, values)
    for i in range(whole, n):
        values[i] = spline(table, values[i])


def _write_fours(typing_context: Any, table: Any, n: Any, values: Any) -> Any:
    """Do so for n values, a multiple of four."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def pointer(place: int, kind: Any) -> Any:
            array = context.make_array(signature.args[place])
            data = array(context, builder, args[place]).data
            return builder.bitcast(data, kind.as_pointer())

        def choose(left: Any, right: Any, places: list[int]) -> Any:
            chosen = ir.VectorType(_INDEX, len(places))
            return builder.shuffle_vector(left, right, ir.Constant(chosen, places))

        rows, numbers = pointer(0, _VECTOR), pointer(2, _DOUBLE)
        end = ir.Constant(_VECTOR, [TABLE_END] * _AT_ONCE)
        per_unit = ir.Constant(_VECTOR, [float(KNOTS_PER_UNIT)] * _AT_ONCE)
        step = _WORD(_AT_ONCE)
        with cgutils.for_range_slice(builder, _WORD(0), args[1], step, _WORD) as (i, _):
            here = builder.bitcast(builder.gep(numbers, [i]), _VECTOR.as_pointer())
            a = builder.load(here, align=8)
            place = builder.select(builder.fcmp_ordered("<", a, end), a, end)
            place = builder.fmul(place, per_unit)
            k = builder.fptosi(place, _INDICES)
            t = builder.fsub(place, builder.sitofp(k, _VECTOR))
            p, q, r, s = (
                builder.load(
                    builder.gep(rows, [builder.extract_element(k, _INDEX(lane))]),
                    align=8,
                )
                for lane in range(_AT_ONCE)
            )
            total = None
            for c in reversed(range(4)):  # coefficients
                pair, other = choose(p, q, [c, 4 + c]), choose(r, s, [c, 4 + c])
                coefficient = choose(pair, other, [0, 1, 2, 3])
                if total is not None:
                    coefficient = builder.fadd(coefficient, builder.fmul(t, total))
                total = coefficient
            builder.store(total, here, align=8)
        return context.get_dummy_value()

    return types.void(table, types.int64, values), generate


def _write_one_by_one(table: Any, n: int, values: Any) -> None:
    """The same for kernels that are not compiled."""
    for i in range(n):
        values[i] = spline(table, values[i])


_is_plain: bool = config.DISABLE_JIT  # type: ignore[attr-defined]
write_fours = _write_one_by_one if _is_plain else intrinsic(_write_fours)
