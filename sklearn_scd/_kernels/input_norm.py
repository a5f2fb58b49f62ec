"""Rows of hyperplanes measured where perturbations are: in the input, by L-infinity.

A perturbation that changes no input by more than eps moves ``w . x`` by at most eps
times the L1 norm of ``map.T @ w``, where ``map`` makes features of inputs. Divided by
this norm N(w) a distance is one in L-infinity, and its slope in the row is, where N is
1, ``x - (w . x) dN/dw``.

N takes a pass over the map, a step of one sample does not: rows are measured every
`EVERY` samples and brought back to N = 1. In between dN/dw is that of the last time, and
a row keeps its L2 length.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel

EVERY = 512  # samples, a multiple of those that are read at a time


class InputNorm(NamedTuple):
    """The map from inputs to features, by input; without entries rows have L2 norms."""

    starts: np.ndarray  # (n_inputs + 1,) int64, where the entries of each input begin
    features: np.ndarray  # (n_entries,) int64
    entries: np.ndarray  # (n_entries,) float64


class Measured(NamedTuple):
    """What is known of rows since they were measured."""

    slopes: np.ndarray  # (n_features, n_units) float64: dN/dw
    lengths: np.ndarray  # (n_units,) L2 norms
    outputs: np.ndarray  # (n_units,) of one input, overwritten


@kernel
def measure_rows(norm, weights, measured):
    """Bring rows to a norm of 1; write the slopes of their norms, and their lengths.

    Parameters
    ----------
    norm : InputNorm
    weights : ndarray of shape (n_features, n_units), float64
        Scaled. A row that no input reaches is left as it is.
    measured : Measured
        Written.
    """
    slopes, lengths, outputs = measured
    n_units = lengths.shape[0]
    for j in range(n_units):
        lengths[j] = 0.0
    for f in range(slopes.shape[0]):
        for j in range(n_units):
            slopes[f, j] = 0.0
    for i in range(norm.starts.shape[0] - 1):
        first, last = norm.starts[i], norm.starts[i + 1]
        for j in range(n_units):
            outputs[j] = 0.0
        for k in range(first, last):
            entry, row = norm.entries[k], weights[norm.features[k]]
            for j in range(n_units):
                outputs[j] += entry * row[j]
        for j in range(n_units):
            output = outputs[j]
            lengths[j] += abs(output)
            outputs[j] = 1.0 if output > 0.0 else (-1.0 if output < 0.0 else 0.0)
        for k in range(first, last):
            entry, row = norm.entries[k], slopes[norm.features[k]]
            for j in range(n_units):
                row[j] += entry * outputs[j]
    for j in range(n_units):
        outputs[j] = 1.0 / lengths[j] if lengths[j] > 0.0 else 1.0
        lengths[j] = 0.0
    for f in range(slopes.shape[0]):
        row = weights[f]
        for j in range(n_units):
            row[j] *= outputs[j]
            lengths[j] += row[j] * row[j]
    for j in range(n_units):
        lengths[j] = math.sqrt(lengths[j])


@kernel
def move_measured(planes, x, i, projections, steps, measured, squares):
    """Add the slope of a sample's distance, times a step each, to measured rows.

    Parameters
    ----------
    planes : Planes
        Moved.
    x : ndarray of shape (n_features, n_samples), float64
    i : int
        The sample.
    projections : ndarray of shape (n_units,), float64
        Its ``w . x``.
    steps : ndarray of shape (n_units,), float64
    measured : Measured
    squares : ndarray of shape (n_units,), float64
        Overwritten.
    """
    weights, biases = planes.weights, planes.biases
    n_units = steps.shape[0]
    for j in range(n_units):
        biases[j] += steps[j]
        squares[j] = 0.0
    for f in range(weights.shape[0]):
        value, row, slopes = x[f, i], weights[f], measured.slopes[f]
        for j in range(n_units):
            w = row[j] + steps[j] * (value - projections[j] * slopes[j])
            row[j] = w
            squares[j] += w * w
    for j in range(n_units):
        moved = steps[j] != 0.0 and squares[j] > 0.0
        squares[j] = measured.lengths[j] / math.sqrt(squares[j]) if moved else 1.0
    for f in range(weights.shape[0]):
        row = weights[f]
        for j in range(n_units):
            row[j] *= squares[j]
