"""Rows held out of training: by their loss the iterate that is kept is chosen."""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.losses import total_loss
from sklearn_scd._kernels.network import Network, rebuild_drive
from sklearn_scd._kernels.rows import project


class HeldOut(NamedTuple):
    """Rows that no step sees, and what the network in training gives on them."""

    columns: np.ndarray  # (n_features, n_rows), dtype of the training set's
    weight: np.ndarray  # (n_rows,) int64, fixed-point; no row: training's loss decides
    network: Network  # the parameters of that in training, projections of these rows
    curve: np.ndarray  # (max_iter,) float32, filled as `loss_curve` of `train`


@kernel
def project_held_out(first, last, held_out):
    """Compute the projections of units [first, last) afresh."""
    network = held_out.network
    project(
        held_out.columns, network.weights[first:last], network.projections[first:last]
    )


@kernel
def held_out_loss(held_out, cross_entropy):
    """Fixed-point loss of the network as it is now, at the margin as it is now."""
    network = held_out.network
    rebuild_drive(network)
    return total_loss(
        network.start, network.stop, held_out.weight, network.drive, network.c[0],
        cross_entropy,
    )  # fmt: skip
