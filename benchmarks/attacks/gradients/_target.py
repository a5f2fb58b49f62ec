"""One image to attack, in torch."""

from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.attacks.gradients._vote import DifferentiableVote, lead_of_others

FIRST_RADIUS = 0.01  # of the diagonal of all values allowed


@dataclass(frozen=True)
class Target:
    """An image to attack.

    Parameters
    ----------
    x : Tensor of shape (n_features,)
    code : int
        Position of its class.
    clip_values : tuple of (float, float)
    scale : float
        Mean size of its votes' margins.
    """

    x: torch.Tensor
    code: int
    clip_values: tuple[float, float]
    scale: float

    def distances(self, rows: torch.Tensor) -> torch.Tensor:
        """Return L2 distances of rows, shape (n_rows,)."""
        return (rows - self.x).norm(dim=1)

    def clip(self, rows: torch.Tensor) -> torch.Tensor:
        """Return rows within the clip values."""
        return rows.clamp(*self.clip_values)

    @property
    def first_radius(self) -> float:
        """Distance of the first step."""
        low, high = self.clip_values
        return FIRST_RADIUS * (high - low) * self.x.numel() ** 0.5


def make_target(
    vote: DifferentiableVote, x: np.ndarray, code: int, clip_values: tuple[float, float]
) -> Target:
    """Read an image, float32, into torch and ask for its votes' margins."""
    rows = torch.from_numpy(x)[np.newaxis]
    with torch.no_grad():
        margins = lead_of_others(vote(rows)[0], code)
    # Not 0, which would be divided by.
    scale = max(margins.abs().mean().item(), 1e-12)
    return Target(rows[0], code, clip_values, scale)
