"""Data of few distinct values, as those of images are: one byte for each number.

Values are told apart by their bits: 0.0 and -0.0 are two, and whatever is computed of
values read back is what it was to the bit. A multiplication takes each of them to an
address of its own in a table that has its code.
"""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel

MOST_VALUES = 256  # in a byte
_ADDRESSES = 1 << 16  # so many that every second multiplier keeps 256 values apart
_SHIFT = np.uint64(48)
_SAMPLE = 8, 512  # rows, and features of each, that are looked at first
_BLOCK = 64  # rows and features at a time


class Codes(NamedTuple):
    """Codes of at most MOST_VALUES values, which are places in ascending order."""

    multiplier: np.uint64
    codes: np.ndarray  # (_ADDRESSES,) uint8; 0 where there is no value
    bits: np.ndarray  # (n_values,) uint64, of the values
    values: np.ndarray  # (n_values,) float64


@kernel
def _bits_of(value):
    return np.float64(value).view(np.uint64)


@kernel
def _find_row(X, first, multiplier, codes, bits):
    """Find the first row from one on that has a value without a code, or their number.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    first : int
    multiplier, codes, bits
        As Codes has them.
    """
    for i in range(first, X.shape[0]):
        n_others = np.int64(0)
        for f in range(X.shape[1]):
            present = _bits_of(X[i, f])
            n_others += bits[codes[(present * multiplier) >> _SHIFT]] != present
        if n_others > 0:
            return i
    return X.shape[0]


@kernel
def encode_columns(X, rows, multiplier, codes, columns):
    """Copy the codes of rows of `X` feature by feature.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Of values that have codes.
    rows : ndarray of shape (n_rows,), int
    multiplier, codes
        As Codes has them.
    columns : ndarray of shape (n_features, n_rows), dtype uint8
        Filled in place.
    """
    n_features, n_rows = columns.shape
    for first in range(0, n_rows, _BLOCK):
        part = rows[first : first + _BLOCK]
        for f in range(0, n_features, _BLOCK):
            for k in range(f, min(f + _BLOCK, n_features)):
                out = columns[k, first : first + part.shape[0]]
                for i in range(part.shape[0]):
                    out[i] = codes[(_bits_of(X[part[i], k]) * multiplier) >> _SHIFT]


def _distinct(X):
    """Bits of the values of an array, each once."""
    return np.unique(np.ascontiguousarray(X, dtype=np.float64).view(np.uint64))


def _codes_of(bits):
    """Make the codes of values from their bits."""
    bits = bits[np.argsort(bits.view(np.float64), kind="stable")]
    rng = np.random.RandomState(0)
    while True:
        multiplier = rng.randint(1 << 63, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        addresses = (bits * multiplier) >> _SHIFT
        if np.unique(addresses).size == bits.size:
            break
    codes = np.zeros(_ADDRESSES, dtype=np.uint8)
    codes[addresses] = np.arange(bits.size)
    return Codes(multiplier, codes, bits, bits.view(np.float64))


def find_codes(X):
    """Codes of the values of an array of floats, if there are few of them.

    Where there are many, a look at some thousand entries tells.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)

    Returns
    -------
    found : Codes or None
        None if there are more than MOST_VALUES values.
    """
    by_column = X.flags.f_contiguous and not X.flags.c_contiguous
    X = X.T if by_column else X
    n_rows, n_features = _SAMPLE
    bits = _distinct(X[:: -(-len(X) // n_rows), :n_features])
    row = 0
    while bits.size <= MOST_VALUES:
        found = _codes_of(bits)
        row = _find_row(X, row, found.multiplier, found.codes, found.bits)
        if row == len(X):
            return found
        bits = np.union1d(bits, _distinct(X[row]))
    return None
