"""Shares of patches of an image on which hidden units are active.

No patch is copied: a unit's sum is taken at offsets from where the patch begins in its
row. Sums of 16 units on four patches at a time stay in registers, and so do the counts
over a region; compilers would load and store them at every step.
"""

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic

from sklearn_scd._kernels import kernel

LANES = 16  # float32 of the longest vectors there are
_PATCHES = 4  # at a time: two vectors each of AVX2, and there are 16 registers

_WORD, _NUMBER, _FLOAT = ir.IntType(64), ir.IntType(32), ir.FloatType()
_FLOATS, _COUNTS = ir.VectorType(_FLOAT, LANES), ir.VectorType(_NUMBER, LANES)


def _in_all_lanes(builder: Any, value: Any) -> Any:
    none = ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined)
    first = builder.insert_element(none, value, _NUMBER(0))
    return builder.shuffle_vector(first, none, ir.Constant(_COUNTS, [0] * LANES))


def _at(builder: Any, array: Any, place: Any) -> Any:
    return builder.load(builder.gep(array.data, [place]))


def _count_active(
    typing_context: Any,
    x: Any,
    offsets: Any,
    starts: Any,
    first: Any,
    last: Any,
    weights: Any,
    intercept: Any,
    counts: Any,
) -> Any:
    """Count the patches ``starts[first:last]`` on which each of some units is active.

    Parameters
    ----------
    x : ndarray of shape (n_features,), float32
    offsets : ndarray of shape (n_taps,), int64
        From the start of a patch in `x`.
    starts : ndarray of shape (n_patches,), int64
    first, last : int
    weights : ndarray of shape (n_taps, LANES), float32
    intercept : ndarray of shape (LANES,), float32
    counts : ndarray of shape (LANES,), int32
        Written.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        row, offset, start, weight, bias, result = (
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args, args, strict=True)
            if isinstance(kind, types.Array)
        )
        begin, end = args[3:5]
        final = builder.sub(end, _WORD(1))
        n_taps = cgutils.unpack_tuple(builder, offset.shape, 1)[0]
        # Numpy may have aligned vectors to no more than their entries.
        biases = builder.load(builder.bitcast(bias.data, _FLOATS.as_pointer()), align=4)
        taps = builder.bitcast(weight.data, _FLOATS.as_pointer())
        # One rounding a product and sum, where the processor has an instruction for it.
        multiply_add = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(_FLOATS, [_FLOATS] * 3),
            f"llvm.fmuladd.v{LANES}f32",
        )
        no_count = ir.Constant(_COUNTS, [0] * LANES)
        total = cgutils.alloca_once_value(builder, no_count)
        sums = [cgutils.alloca_once(builder, _FLOATS) for _ in range(_PATCHES)]

        loop = partial(cgutils.for_range_slice, builder, intp=_WORD)
        with loop(begin, end, _WORD(_PATCHES)) as (n, _):
            patches, counted = [], []
            for k, held in enumerate(sums):
                place = builder.add(n, _WORD(k))
                inside = builder.icmp_signed("<", place, end)
                place = builder.select(inside, place, final)
                patches.append(builder.gep(row.data, [_at(builder, start, place)]))
                counted.append(_in_all_lanes(builder, inside))
                builder.store(biases, held)
            with loop(_WORD(0), n_taps, _WORD(1)) as (t, _):
                tap = builder.load(builder.gep(taps, [t]), align=4)
                step = _at(builder, offset, t)
                for patch, held in zip(patches, sums, strict=True):
                    value = builder.load(builder.gep(patch, [step]))
                    value = _in_all_lanes(builder, value)
                    product = [tap, value, builder.load(held)]
                    builder.store(builder.call(multiply_add, product), held)
            count = builder.load(total)
            for inside, held in zip(counted, sums, strict=True):
                zero = ir.Constant(_FLOATS, [0.0] * LANES)
                active = builder.fcmp_ordered(">", builder.load(held), zero)
                active = builder.and_(active, inside)
                count = builder.add(count, builder.zext(active, _COUNTS))
            builder.store(count, total)
        out = builder.bitcast(result.data, _COUNTS.as_pointer())
        builder.store(builder.load(total), out, align=4)
        return context.get_dummy_value()

    patch = x, offsets, starts, types.int64, types.int64
    return types.void(*patch, weights, intercept, counts), generate


def _count_one_by_one(
    x: Any,
    offsets: Any,
    starts: Any,
    first: int,
    last: int,
    weights: Any,
    intercept: Any,
    counts: Any,
) -> None:
    """The same for kernels that are not compiled."""
    for lane in range(LANES):
        counts[lane] = 0
        for n in range(first, last):
            total = intercept[lane]
            for t in range(len(offsets)):
                total = total + weights[t, lane] * x[starts[n] + offsets[t]]
            counts[lane] += total > 0


_is_plain: bool = config.DISABLE_JIT  # type: ignore[attr-defined]
_count = _count_one_by_one if _is_plain else intrinsic(_count_active)


def in_lanes(coef: np.ndarray, intercept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Units in groups of as many as a vector has entries, as the kernel reads them.

    Parameters
    ----------
    coef : ndarray of shape (n_units, n_taps), float32
    intercept : ndarray of shape (n_units,), float32

    Returns
    -------
    weights : ndarray of shape (n_groups, n_taps, LANES), float32
    intercept : ndarray of shape (n_groups, LANES), float32
        Units that the last group lacks have weights of 0.
    """
    n_groups = -(-len(coef) // LANES)
    filled = np.zeros((n_groups * LANES, coef.shape[1] + 1), dtype=np.float32)
    filled[: len(coef), :-1], filled[: len(coef), -1] = coef, intercept
    groups = filled.reshape(n_groups, LANES, -1).transpose(0, 2, 1)
    return np.ascontiguousarray(groups[:, :-1]), np.ascontiguousarray(groups[:, -1])


@kernel
def active_shares(X, offsets, starts, borders, weights, intercept, counts, out):
    """Share of each region's patches on which each unit is active.

    A unit is active where ``w . x + b > 0``. Its sum begins with b and takes the taps
    in their order, whatever the region and the other images.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32
    offsets : ndarray of shape (n_taps,), int64
        Of a patch's values in a row, from the first one.
    starts : ndarray of shape (n_patches,), int64
        Of the patches in a row, region after region.
    borders : ndarray of shape (n_regions + 1,), int64
        Region g has ``starts[borders[g]:borders[g + 1]]``, at least one.
    weights : ndarray of shape (n_groups, n_taps, LANES), float32
        As of :func:`in_lanes`.
    intercept : ndarray of shape (n_groups, LANES), float32
    counts : ndarray of shape (LANES,), int32
        Overwritten.
    out : ndarray of shape (n_samples, n_regions, n_units), float32
        Written.
    """
    n_units = out.shape[2]
    for i in range(X.shape[0]):
        for g in range(out.shape[1]):
            first, last = borders[g], borders[g + 1]
            for k in range(weights.shape[0]):
                _count(
                    X[i], offsets, starts, first, last, weights[k], intercept[k], counts
                )
                done = k * LANES
                for lane in range(min(LANES, n_units - done)):
                    out[i, g, done + lane] = counts[lane] / (last - first)
