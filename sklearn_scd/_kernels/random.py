"""Random numbers for kernels: one word of explicit state, no global generator."""

import numpy as np

from sklearn_scd._kernels import kernel

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_1 = np.uint64(30)
_SHIFT_2 = np.uint64(27)
_HALF_WORD = np.uint64(32)


@kernel
def _below(n, z):
    """Integer in [0, n) from a state."""
    z = (z ^ (z >> _SHIFT_1)) * _MIX_1
    z = (z ^ (z >> _SHIFT_2)) * _MIX_2
    # The upper 32 bits, scaled: no division, a bias below n / 2**32.
    return np.int64(((z >> _HALF_WORD) * np.uint64(n)) >> _HALF_WORD)


@kernel
def random_below(n, state):
    """Uniform integer in [0, n), n < 2**32, by SplitMix64 (Steele et al. 2014).

    Parameters
    ----------
    n : int
    state : ndarray of shape (1,), dtype uint64
        Advanced in place.
    """
    state[0] += _INCREMENT
    return _below(n, state[0])


@kernel
def draw_sorted(n_pool, after, skipped, n_draw, state, marks, out):
    """Draw `n_draw` rows of a pool without replacement, kept in their order.

    The pool is that of all rows from 0 on, without the `skipped` ones that follow row
    ``after - 1``. Floyd's algorithm (Bentley and Floyd, Communications of the ACM 30,
    1987) marks the rows that are drawn or those that are left, whichever are fewer:
    a random number for each of these. Rows in index order are read from memory in
    sequence.

    Parameters
    ----------
    n_pool : int
        Rows to draw from.
    after, skipped : int
    n_draw : int
    state : ndarray of shape (1,), dtype uint64
    marks : ndarray of shape (>= n_pool,), dtype uint8
        Overwritten.
    out : ndarray of shape (>= n_draw + 1,), dtype uint32
        Filled in place; one spare entry lets the loop store without a branch.
    """
    n_marked = min(n_draw, n_pool - n_draw)
    drawn = 1 if n_marked == n_draw else 0
    for i in range(n_pool):
        marks[i] = 0
    # All numbers first, those of :func:`random_below`: several at a time.
    z, first = state[0], n_pool - n_marked
    for k in range(n_marked):
        out[k] = _below(first + k + 1, z + np.uint64(k + 1) * _INCREMENT)
    state[0] = z + np.uint64(n_marked) * _INCREMENT
    for k in range(n_marked):
        i = out[k]
        marks[first + k if marks[i] else i] = 1
    taken = 0
    for i in range(n_pool):
        out[taken] = i + (skipped if i >= after else 0)
        taken += marks[i] == drawn


@kernel
def shuffle_front(permutation, n_draw, state):
    """Bring `n_draw` uniformly drawn entries to the front, in random order."""
    n = permutation.shape[0]
    for i in range(n_draw):
        j = i + random_below(n - i, state)
        permutation[i], permutation[j] = permutation[j], permutation[i]
