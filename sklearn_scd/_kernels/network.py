"""A network in training: its parameters, and what its nodes give on each row."""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.threshold import (
    HIGHEST,
    LOWEST,
    midpoint,
    order_of,
    value_at,
)


class Network(NamedTuple):
    """A network in training, and what its nodes give on each row."""

    weights: np.ndarray  # (hidden_units, n_features) float64
    thresholds: np.ndarray  # (hidden_units,): node j fires above thresholds[j]
    u: np.ndarray  # (hidden_units,) float64
    c: np.ndarray  # (1,) float64
    projections: np.ndarray  # (hidden_units, n_rows) float64
    firing: np.ndarray  # (hidden_units, n_rows) uint8, see `_kernels.__init__`
    drive: np.ndarray  # (n_rows,) float64
    n_moves: np.ndarray  # (hidden_units,) since the projections were computed
    margin: np.ndarray  # (1,) in the units of projections
    start: int  # rows in [start, stop) are of the positive class
    stop: int


@kernel
def firing_mask(u_j):
    """The bit of `firing` that counts for a node of output weight `u_j`."""
    return np.uint8(1) if u_j > 0.0 else np.uint8(2)


@kernel
def add_to_drive(j, u_j, mask, firing, drive):
    """Change the drive by `u_j` where node j is active."""
    for i in range(drive.shape[0]):
        drive[i] += u_j if (firing[j, i] & mask) != 0 else 0.0


@kernel
def set_output_weight(j, u_j, network):
    """Change ``u_j`` and the drive of every row."""
    u, firing, drive = network.u, network.firing, network.drive
    add_to_drive(j, -u[j], firing_mask(u[j]), firing, drive)
    u[j] = u_j
    add_to_drive(j, u_j, firing_mask(u_j), firing, drive)


@kernel
def write_values_after(j, step, u, rows, values, n, firing, out):
    """Write outputs of n rows without the bias, after a step on ``u_j``.

    A step that changes the sign of ``u_j``, which is `u`, also changes what counts as
    active within the margin.
    """
    new, before, after = u + step, firing_mask(u), firing_mask(u + step)
    for i in range(n):
        bits = firing[j, rows[i]]
        fired = u if (bits & before) != 0 else 0.0
        fires = new if (bits & after) != 0 else 0.0
        out[i] = values[i] + (fires - fired)


@kernel
def rebuild_drive(network):
    """Sum up the drive of every row."""
    u, firing, drive = network.u, network.firing, network.drive
    for i in range(drive.shape[0]):
        drive[i] = 0.0
    for j in range(u.shape[0]):
        add_to_drive(j, u[j], firing_mask(u[j]), firing, drive)


@kernel
def _write_run(j, first, last, margin, threshold, helped, hurt, projections, firing):
    for i in range(np.uint64(first), np.uint64(last)):
        value = projections[j, i]
        firing[j, i] = (helped if value - margin > threshold else np.uint8(0)) | (
            hurt if value + margin > threshold else np.uint8(0)
        )


@kernel
def write_firing(j, network):
    """Write on which rows node j is active."""
    projections, firing = network.projections, network.firing
    threshold, margin = network.thresholds[j], network.margin[0]
    first, helped, hurt = np.int64(0), np.uint8(2), np.uint8(1)
    for last in (network.start, network.stop, projections.shape[1]):
        _write_run(j, first, last, margin, threshold, helped, hurt, projections, firing)
        first, helped, hurt = last, hurt, helped


@kernel
def set_margin(margin, network):
    """Change the margin, what is active within it, and the drive of every row."""
    network.margin[0] = margin
    for j in range(network.u.shape[0]):
        write_firing(j, network)
    rebuild_drive(network)


@kernel
def silence(j, network):
    """Take node j out of the drive."""
    u_j = network.u[j]
    add_to_drive(j, -u_j, firing_mask(u_j), network.firing, network.drive)


@kernel
def _neighbours(j, first, last, shift, threshold, below, above, projections):
    """Orders of the largest of shifted values up to a threshold and of the next one."""
    for i in range(np.uint64(first), np.uint64(last)):
        value = projections[j, i] - shift
        order, off = order_of(value), value <= threshold
        below = max(below, order if off else LOWEST)
        above = min(above, HIGHEST if off else order)
    return below, above


@kernel
def fire(j, network):
    """Bring node j back into the drive.

    Its threshold moves midway between the two rows next to it, the same rows active:
    no hyperplane runs through a row of the training set.
    """
    projections, threshold = network.projections, network.thresholds[j]
    u_j = network.u[j]
    shift = -network.margin[0] if u_j > 0.0 else network.margin[0]
    below, above, first = LOWEST, HIGHEST, np.int64(0)
    for last in (network.start, network.stop, projections.shape[1]):
        below, above = _neighbours(
            j, first, last, shift, threshold, below, above, projections
        )
        first, shift = last, -shift
    if below > LOWEST and above < HIGHEST:
        network.thresholds[j] = midpoint(value_at(below), value_at(above))
    write_firing(j, network)
    add_to_drive(j, u_j, firing_mask(u_j), network.firing, network.drive)
