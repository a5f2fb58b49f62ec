"""Numba kernels on plain arrays; they know no estimator.

Data layout
-----------
``columns``
    (n_features, n_rows), feature-major and C-contiguous, uint8, float32 or
    float64: one shared copy of the training set. Rows are in canonical order, class
    after class: the positive rows of a binary problem are those in [start, stop).
    Floats of at most 256 distinct values are uint8, too: the codes of these values.
    Kernels get them as :class:`.rows.Columns`, the same type whatever the dtype, and
    compute in float64: all data share one version of each.
``weight``
    (n_rows,) int64. Weights are fixed-point (see :mod:`.losses`), so a sum of weights
    or gains is the same in any order: kernels, their naive twins and any number of
    threads agree to the bit.
``projections``
    (hidden_units, n_rows) float64: ``w_j . x_i``. Node j is active on row i,
    ``H_j(x_i) = 1``, where they are above ``thresholds[j]``. With a margin, they are
    first moved by it to where the node hurts its row: against the sign of ``u_j`` for
    a positive row, else along it.
``firing``
    (hidden_units, n_rows) uint8: 1 where node j is active on row i if ``u_j`` is
    positive, plus 2 where it is active if ``u_j`` is not. Without a margin that is the
    same.
``drive``
    (n_rows,) float64: ``sum_j u_j H_j(x_i)``, the output without its bias.
    ``u`` and ``c`` live on a binary grid (see :mod:`.losses`), so it is exact.

Modules, from the bottom up: :mod:`.parts`, :mod:`.compiling`, :mod:`.random`,
:mod:`.prefetch`, :mod:`.lanes`, :mod:`.splines`, :mod:`.codes`, :mod:`.rows`,
:mod:`.losses`, :mod:`.threshold`, :mod:`.contenders`, :mod:`.steps`, :mod:`.network`,
:mod:`.levels`, :mod:`.output_01`, :mod:`.output_ce`, :mod:`.hidden`,
:mod:`.held_out`, :mod:`.training`, :mod:`.input_norm`, :mod:`.radius`,
:mod:`.prediction`, and :mod:`.convolution`, which has a layout of its own. Naive twins
are in :mod:`sklearn_scd._reference`.

Numba's cache pickles the NamedTuples of these modules by name: one that is renamed or
moved leaves caches behind that can't be read. Keep their places.
"""

from numba.core import options as _numba_options

from sklearn_scd._kernels.compiling import compiled

# Every kernel is compiled so. Division by zero gives inf or nan as numpy's does; the
# check for it that Python asks for would be in every loop. A literal among a kernel's
# arguments makes a version of its own, np.int64(0) does not.
_options = {"nogil": True, "error_model": "numpy"}

# For kernels that make arrays of their own.
allocating_kernel = compiled(**_options)

# The others get all their arrays from Python, which holds them meanwhile. So references
# need not be counted wherever one kernel hands an array to another, which took up to a
# seventh of the time of a fit, and of that of compiling it. The option is numba's own:
# a version without it counts them, and comes to the same numbers.
if hasattr(getattr(_numba_options, "DefaultOptions", None), "_nrt"):
    _options["_nrt"] = False
kernel = compiled(**_options)
