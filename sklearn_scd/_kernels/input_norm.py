"""Rows of hyperplanes measured where perturbations are: in the input, by L-infinity.

A perturbation that changes no input by more than eps moves ``w . x`` by at most eps
times the L1 norm of ``map.T @ w``, where ``map`` makes features of inputs. Divided by
this norm N(w) a distance is one in L-infinity, and its slope in the row is, where N is
1, ``x - (w . x) dN/dw``.

N takes a pass over the map, which may be much longer than the step of a sample: rows
are measured every so many samples and brought back to N = 1. In between dN/dw is that
of the last time, and a row keeps its L2 length.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel

GROUP = 4  # inputs, and features, that are read at a time


class InputNorm(NamedTuple):
    """The map from inputs to features.

    Inputs are in groups of four, each with the features that some of them go into, a
    multiple of four, too: without that, most of the time would go into sums that are
    loaded and stored. Places left over have entries of 0.
    """

    starts: np.ndarray  # (n_groups + 1,) int64, where those of each group begin
    features: np.ndarray  # (n_places,) int64
    entries: np.ndarray  # (n_places, 4) float64, of each input
    every: int  # samples, after which rows are measured


class Measured(NamedTuple):
    """What is known of rows since they were measured."""

    slopes: np.ndarray  # (n_features, n_units) float64: dN/dw
    lengths: np.ndarray  # (n_units,) L2 norms
    outputs: np.ndarray  # (4, n_units) of a group of inputs, overwritten


@kernel
def _write_signs(norm, first, last, q, weights, out, lengths):
    """Add sizes of outputs of an input to the norms of rows, and write their signs."""
    features, entries, n_units = norm.features, norm.entries, out.shape[0]
    for j in range(n_units):
        out[j] = 0.0
    for k in range(first, last, GROUP):
        a, b = entries[k, q], entries[k + 1, q]
        c, d = entries[k + 2, q], entries[k + 3, q]
        wa, wb = weights[features[k]], weights[features[k + 1]]
        wc, wd = weights[features[k + 2]], weights[features[k + 3]]
        for j in range(n_units):
            out[j] = out[j] + a * wa[j] + b * wb[j] + c * wc[j] + d * wd[j]
    for j in range(n_units):
        output = out[j]
        lengths[j] += abs(output)
        out[j] = 1.0 if output > 0.0 else (-1.0 if output < 0.0 else 0.0)


@kernel
def _add_slopes(norm, first, last, signs, slopes):
    """Add what a group of inputs adds to the slopes of the norms of rows."""
    ga, gb, gc, gd = signs[0], signs[1], signs[2], signs[3]
    for k in range(first, last):
        entries, out = norm.entries[k], slopes[norm.features[k]]
        a, b, c, d = entries[0], entries[1], entries[2], entries[3]
        for j in range(out.shape[0]):
            out[j] = out[j] + a * ga[j] + b * gb[j] + c * gc[j] + d * gd[j]


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
        for q in range(GROUP):
            _write_signs(norm, first, last, q, weights, outputs[q], lengths)
        _add_slopes(norm, first, last, outputs, slopes)
    factors = outputs[0]
    for j in range(n_units):
        factors[j] = 1.0 / lengths[j] if lengths[j] > 0.0 else 1.0
        lengths[j] = 0.0
    for f in range(slopes.shape[0]):
        row = weights[f]
        for j in range(n_units):
            row[j] *= factors[j]
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
