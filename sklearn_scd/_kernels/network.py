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


@kernel
def write_firing(j, network, out):
    """Write 1 for the rows on which node j fires, else 0."""
    projections, threshold = network.projections[j], network.thresholds[j]
    for i in range(projections.shape[0]):
        out[i] = projections[i] > threshold


@kernel
def add_to_drive(j, u_j, network):
    """Change the drive by `u_j` where node j fires."""
    projections, threshold = network.projections[j], network.thresholds[j]
    drive = network.drive
    for i in range(drive.shape[0]):
        drive[i] += u_j if projections[i] > threshold else 0.0


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
    below, above = neighbours(network.projections[j], network.thresholds[j])
    if below > -np.inf and above < np.inf:
        network.thresholds[j] = midpoint(below, above)
    add_to_drive(j, network.u[j], network)
