"""A binary network trained by gradient, the counterpart of SCDCEBNN.

Courbariaux, Hubara, Soudry, El-Yaniv and Bengio: Binarized neural networks (2016). The
paper names Larq's; this one is built by the same recipe.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

HIDDEN_UNITS = 20


def sign_ste(x: torch.Tensor) -> torch.Tensor:
    """Return the sign of `x`, +1 for 0, with a straight-through gradient.

    Backwards it passes for the identity clipped to [-1, 1]: the gradient goes through
    unchanged where ``|x| <= 1`` and ends elsewhere.
    """
    signs = torch.where(x >= 0, 1.0, -1.0).to(x.dtype)
    if not torch.is_grad_enabled():
        return signs
    clipped = x.clamp(-1, 1)
    return signs + (clipped - clipped.detach())


class SignNetwork(nn.Module):
    """One hidden layer of sign units with binary weights, a logistic output.

    A unit is ``sign(batch_norm(w . x) + bias)``. Its weights count by their signs, +1
    or -1; the real numbers behind them, which the gradient moves, are held within
    [-1, 1]. Batch normalization has no weights of its own: once trained it shifts the
    unit's threshold and changes nothing else. The output, one linear function of the
    units a class, has real weights.

    Parameters
    ----------
    n_features : int
        Length of a row.
    n_classes : int
        Number of outputs.
    hidden_units : int, default=20
        Number of sign units.
    """

    def __init__(
        self, n_features: int, n_classes: int, hidden_units: int = HIDDEN_UNITS
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(hidden_units, n_features))
        self.bias = nn.Parameter(torch.zeros(hidden_units))
        self.norm = nn.BatchNorm1d(hidden_units, affine=False)
        self.output = nn.Linear(hidden_units, n_classes)
        nn.init.xavier_uniform_(self.weight)

    def hidden(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the units' signs, shape (n_samples, hidden_units)."""
        projections = functional.linear(rows, sign_ste(self.weight))
        return sign_ste(self.norm(projections) + self.bias)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (n_samples, n_classes)."""
        if self.training:
            # Beyond the clip no gradient would ever bring a weight back.
            with torch.no_grad():
                self.weight.clamp_(-1, 1)
        return self.output(self.hidden(rows))


def build(
    n_features: int, image_shape: tuple[int, ...] | None, n_classes: int
) -> SignNetwork:
    """Return a network of 20 sign units, its weights drawn anew.

    Parameters
    ----------
    n_features : int
        Length of a row.
    image_shape : tuple of int or None
        Not looked at: pixels and measurements are the same to it.
    n_classes : int
        Number of outputs.

    Returns
    -------
    module
        From rows (n_samples, n_features) to logits (n_samples, n_classes).
    """
    return SignNetwork(n_features, n_classes)


@dataclass(frozen=True)
class Layers:
    """A trained network as arrays, all of float32.

    A unit is the sign of ``(row @ signs - mean) * scale + bias``.

    Parameters
    ----------
    signs : ndarray of shape (n_features, hidden_units)
        The binary weights.
    means, scales, biases : ndarray of shape (hidden_units,)
        What batch normalization subtracts and multiplies by, and what is added.
    outputs : ndarray of shape (hidden_units, n_classes)
    output_biases : ndarray of shape (n_classes,)
    """

    signs: np.ndarray
    means: np.ndarray
    scales: np.ndarray
    biases: np.ndarray
    outputs: np.ndarray
    output_biases: np.ndarray


def read_layers(module: SignNetwork) -> Layers:
    """Read a network that is trained, wherever its weights are."""
    norm, output = module.norm, module.output
    with torch.no_grad():
        parts = (
            sign_ste(module.weight).T,
            norm.running_mean,
            1 / torch.sqrt(norm.running_var + norm.eps),
            module.bias,
            output.weight.T,
            output.bias,
        )
        return Layers(*(np.ascontiguousarray(part.cpu().numpy()) for part in parts))
