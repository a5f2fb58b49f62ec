"""A network in training: its parameters, and what its nodes give on each row."""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.threshold import midpoint, neighbours


class Network(NamedTuple):
    """A network in training, and what its nodes give on each row."""

    weights: np.ndarray  # (hidden_units, n_features)
    thresholds: np.ndarray  # (hidden_units,): node j fires above thresholds[j]
    u: np.ndarray  # (hidden_units,) float64
    c: np.ndarray  # (1,) float64
    projections: np.ndarray  # (hidden_units, n_rows)
    drive: np.ndarray  # (n_rows,) float64
    n_moves: np.ndarray  # (hidden_units,) since the projections were computed
    margin: np.ndarray  # (1,) in the units of projections
    start: int  # rows in [start, stop) are of the positive class
    stop: int


@kernel
def handicap(u_j, network):
    """What a positive row's projection loses on a node of output weight `u_j`.

    The others gain as much: with it the node does to every row what hurts that row most
    within the margin.
    """
    return network.margin[0] if u_j > 0.0 else -network.margin[0]


@kernel
def runs(shift, network):
    """First row, last row and handicap of each run of rows of one side."""
    n_rows = network.drive.shape[0]
    return (
        (np.int64(0), network.start, -shift),
        (network.start, network.stop, shift),
        (network.stop, n_rows, -shift),
    )


@kernel
def _add_where_on(u_j, values, shift, threshold, drive):
    for i in range(values.shape[0]):
        drive[i] += u_j if values[i] - shift > threshold else 0.0


@kernel
def add_to_drive(j, u_j, network):
    """Change the drive by `u_j` where node j fires."""
    projections, threshold = network.projections[j], network.thresholds[j]
    for first, last, shift in runs(handicap(network.u[j], network), network):
        _add_where_on(
            u_j, projections[first:last], shift, threshold, network.drive[first:last]
        )


@kernel
def set_output_weight(j, u_j, network):
    """Change ``u_j`` and the drive of every row."""
    silence(j, network)
    network.u[j] = u_j
    add_to_drive(j, u_j, network)


@kernel
def rebuild_drive(network):
    """Sum up the drive of every row."""
    network.drive[:] = 0.0
    for j in range(network.u.shape[0]):
        add_to_drive(j, network.u[j], network)


@kernel
def set_margin(margin, network):
    """Change the margin and the drive of every row."""
    network.margin[0] = margin
    rebuild_drive(network)


@kernel
def silence(j, network):
    """Take node j out of the drive."""
    add_to_drive(j, -network.u[j], network)


@kernel
def fire(j, network):
    """Bring node j back into the drive.

    Its threshold moves midway between the two rows next to it, the same rows firing:
    no hyperplane runs through a row of the training set.
    """
    projections, threshold = network.projections[j], network.thresholds[j]
    dtype = projections.dtype.type
    below, above = dtype(-np.inf), dtype(np.inf)
    for first, last, shift in runs(handicap(network.u[j], network), network):
        off, on = neighbours(projections[first:last], shift, threshold)
        below, above = max(below, off), min(above, on)
    if below > -np.inf and above < np.inf:
        network.thresholds[j] = midpoint(below, above)
    add_to_drive(j, network.u[j], network)
