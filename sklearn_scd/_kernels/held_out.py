"""Rows held out of training: by their loss the iterate that is kept is chosen."""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.losses import total_loss
from sklearn_scd._kernels.network import Network, rebuild_drive, write_firing
from sklearn_scd._kernels.rows import Columns, project


class HeldOut(NamedTuple):
    """Rows that no step sees, and what the network in training gives on them."""

    columns: Columns
    weight: np.ndarray  # (n_rows,) int64, fixed-point; no row: training's loss decides
    network: Network  # the parameters of that in training, projections of these rows
    curve: np.ndarray  # (max_iter,) float32, filled as `loss_curve` of `train`
    space: np.ndarray  # (n_rows,) float64, overwritten


@kernel
def project_held_out(first, last, space, held_out):
    """Compute the projections of units [first, last) afresh."""
    network = held_out.network
    project(held_out.columns, network.weights, first, last, space, network.projections)


@kernel
def held_out_loss(held_out, cross_entropy):
    """Fixed-point loss of the network as it is now, at the margin as it is now."""
    network = held_out.network
    for j in range(network.u.shape[0]):
        write_firing(j, network)
    rebuild_drive(network)
    return total_loss(
        network.start, network.stop, held_out.weight, network.drive, network.c[0],
        cross_entropy, held_out.space,
    )  # fmt: skip
