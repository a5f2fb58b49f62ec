"""Numba kernels on plain arrays; they know no estimator.

Data layout
-----------
``columns``
    (n_features, n_rows), feature-major and C-contiguous, uint8, float32 or
    float64: one shared copy of the training set, row order canonical.
``target``, ``weight``
    (n_rows,) bool and int64. Weights are fixed-point (see :mod:`.losses`), so a sum
    of weights or gains is the same in any order: kernels, their naive twins and any
    number of threads agree to the bit.
``projections``
    (hidden_units, n_rows), float32 (float64 for float64 columns): ``w_j . x_i``.
``hidden``
    (hidden_units, n_rows) uint8: ``H_j(x_i)``. It has the layout of ``columns``,
    because the hidden units are the features of the output node.
``drive``
    (n_rows,) float64: ``sum_j u_j H_j(x_i)``, the output without its bias.
    ``u`` and ``c`` live on a binary grid (see :mod:`.losses`), so it is exact.

Modules, from the bottom up: :mod:`.random`, :mod:`.rows`, :mod:`.losses`,
:mod:`.threshold`, :mod:`.contenders`, :mod:`.steps`, :mod:`.output`, :mod:`.hidden`,
:mod:`.training`, and :mod:`.prediction`. Naive twins are in
:mod:`sklearn_scd._reference`.

Numba's cache pickles the NamedTuples of these modules by name: one that is renamed or
moved leaves caches behind that can't be read. Keep their places.
"""
