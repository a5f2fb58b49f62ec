"""Outputs of trained networks, from their projections."""

import numpy as np

from sklearn_scd._kernels import kernel


@kernel
def signed_distances(projections, intercept, out):
    """Outputs ``p + b`` of linear classifiers: signed distances to a hyperplane.

    Parameters
    ----------
    projections : ndarray of shape (n_samples, n_networks)
    intercept : ndarray of shape (n_networks, 1)
    out : ndarray of shape (n_samples, n_networks), float64
    """
    for i in range(projections.shape[0]):
        for v in range(intercept.shape[0]):
            out[i, v] = projections[i, v] + intercept[v, 0]


@kernel
def network_outputs(projections, intercept, u, c, tolerance, out, n_near):
    """Outputs ``f = sum_j u_j [p_j + b_j > 0] + c`` of networks whose rows are stacked.

    Parameters
    ----------
    projections : ndarray of shape (n_samples, n_networks * hidden_units)
    intercept : ndarray of shape (n_networks, hidden_units)
    u : ndarray of shape (n_networks, hidden_units)
    c : ndarray of shape (n_networks,)
    tolerance : ndarray of shape (n_samples,), float64
        How near to 0 a ``p_j + b_j`` may have the wrong sign; -1 for nowhere.
    out : ndarray of shape (n_samples, n_networks), float64
    n_near : ndarray of shape (n_samples,), int64
        Units that are so near.
    """
    n_units = intercept.shape[1]
    for i in range(projections.shape[0]):
        near = np.int64(0)
        for v in range(intercept.shape[0]):
            f = np.float64(c[v])
            for j in range(n_units):
                side = projections[i, v * n_units + j] + intercept[v, j]
                if side > 0:
                    f += u[v, j]
                near += abs(side) <= tolerance[i]
            out[i, v] = f
        n_near[i] = near
