"""Sign networks with smooth units, whose votes have a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from sklearn_scd._vote_rule import mean_probabilities
from sklearn_scd.robustness._hyperplanes.geometry import small_basis
from sklearn_scd.robustness._hyperplanes.networks import SignNetworks

LEAST = 1e-4  # weight of votes out of reach: without it some gradients would be 0
_STEEPEST = 15.0  # sigmoids are cut off there, while float32 still has their slopes


class SmoothNetworks:
    """The networks, and the gradient of their smooth surrogates. All in float32.

    Parameters
    ----------
    networks : SignNetworks
    """

    def __init__(self, networks: SignNetworks) -> None:
        self.networks = networks
        rows, basis = networks.normals, small_basis(networks.normals)
        self._basis = None
        if basis is not None:  # two thin products instead of a thick one
            rows, self._basis = rows @ basis.T, basis.astype(np.float32)
        self._rows = rows.astype(np.float32)
        self._coef = networks.output_coef.astype(np.float32)
        self._intercept = networks.output_intercept.astype(np.float32)

    def movements(self, steps: NDArray[Any]) -> NDArray[Any]:
        """How far steps move along the normals, (n, n_rows)."""
        if self._basis is not None:
            steps = steps @ self._basis.T
        moved: NDArray[Any] = steps @ self._rows.T
        return moved

    def shares(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Shares of the votes, or mean probabilities, that decide: (n, n_classes)."""
        networks = self.networks
        if networks.voting == "hard":
            return networks.counts(outputs) / networks.n_votes
        return mean_probabilities(outputs)

    def predict(self, outputs: NDArray[Any]) -> NDArray[np.intp]:
        """Class codes, shape (n,); of equal shares the first class is predicted."""
        return self.shares(outputs).argmax(axis=1)

    def gradient(
        self,
        positions: NDArray[Any],
        outputs: NDArray[Any],
        codes: NDArray[np.intp],
        targets: NDArray[np.intp],
        straight: NDArray[np.bool_],
        temperatures: NDArray[np.float32],
        widths: NDArray[np.float32],
    ) -> NDArray[Any]:
        """Gradient of another class's lead over the true one, up to a factor.

        Parameters
        ----------
        positions : ndarray of shape (n, n_rows)
        outputs : ndarray of shape (n, n_votes, n_rivals)
            Of the real networks.
        codes : ndarray of shape (n,)
            The classes to get away from.
        targets : ndarray of shape (n,)
            Those to get to; -1 for whichever is the strongest.
        straight : ndarray of shape (n,), bool
        temperatures, widths : ndarray of shape (n,), float32
            Of the sigmoids of units and votes.

        Returns
        -------
        gradient : ndarray of shape (n, n_features)
        """
        sides = self._sides(outputs, codes, targets)
        if self.networks.distances_are_outputs:
            weights = self._vote_weights(outputs, sides, widths)
            weights = weights.reshape(positions.shape) * self.networks.scales
        else:
            slopes, smooth = self._fire(positions, temperatures)
            smooth = smooth.reshape(outputs.shape)
            smooth[straight] = outputs[straight]
            weights = self._vote_weights(smooth, sides, widths)
            slopes *= self._coef
            slopes *= weights.reshape(len(positions), -1, 1)
            weights = slopes.reshape(positions.shape)
        gradient: NDArray[Any] = weights.astype(np.float32, copy=False) @ self._rows
        return gradient if self._basis is None else gradient @ self._basis

    def _fire(
        self, positions: NDArray[Any], temperatures: NDArray[np.float32]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Slopes of smooth units, and the outputs of networks of them."""
        z = positions / temperatures[:, np.newaxis]
        np.clip(z, -_STEEPEST, _STEEPEST, out=z)
        firing = expit(z, out=z).reshape(len(z), *self._coef.shape)
        outputs = np.einsum("inj,nj->in", firing, self._coef) + self._intercept
        return firing * (1.0 - firing), outputs

    def _vote_weights(
        self, outputs: NDArray[Any], sides: NDArray[Any], widths: NDArray[Any]
    ) -> NDArray[Any]:
        """Gradient of the lead by the outputs, shape (n, n_votes, n_rivals)."""
        if self.networks.voting == "soft":
            shares = expit(outputs)
        else:
            # Where all votes are far from changing, so far must the sigmoids reach.
            lag = -np.median((outputs * sides).sum(axis=2), axis=1)
            widths = np.maximum(widths, lag)[:, np.newaxis, np.newaxis]
            z = outputs / widths
            if self.networks.n_rivals > 1:
                shares = softmax(z, axis=2)
                lead = (shares * sides).sum(axis=2, keepdims=True)
                weights: NDArray[Any] = shares * (sides - lead) + LEAST * sides
                return weights
            shares = expit(np.clip(z, -_STEEPEST, _STEEPEST))
        slopes: NDArray[Any] = (shares * (1.0 - shares) + LEAST) * sides
        return slopes

    def _sides(
        self,
        outputs: NDArray[Any],
        codes: NDArray[np.intp],
        targets: NDArray[np.intp],
    ) -> NDArray[Any]:
        """1 for the outputs of the other class, -1 for those of the true one."""
        if self.networks.n_rivals == 1:
            return np.where(codes == 1, -1.0, 1.0)[:, np.newaxis, np.newaxis]
        rows = np.arange(len(codes))
        strongest = self.others(outputs, codes)[:, 0]
        sides = np.zeros((len(codes), 1, self.networks.n_classes))
        sides[rows, 0, codes] = -1.0
        sides[rows, 0, np.where(targets < 0, strongest, targets)] = 1.0
        return sides

    def others(
        self, outputs: NDArray[Any], codes: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """The other classes, the strongest first: shape (n, n_classes - 1)."""
        # Of equal shares, that with larger outputs.
        shares = self.shares(outputs)
        if self.networks.n_rivals > 1:
            shares += 1e-6 * expit(outputs).mean(axis=1)
        shares[np.arange(len(codes)), codes] = -np.inf
        return np.argsort(-shares, axis=1, kind="stable")[:, :-1]
