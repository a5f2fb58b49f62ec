"""Steps along the gradient, on a sphere around the image that shrinks and grows.

Rony, Hafemann, Oliveira, Ben Ayed, Sabourin and Granger: Decoupling direction and norm
for efficient gradient-based L2 adversarial attacks and defenses (2019).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from benchmarks.attacks.gradients._target import Target
from benchmarks.attacks.gradients._vote import (
    LAST_SLOPE,
    DifferentiableVote,
    is_fooled,
    lead_of_others,
)

RADIUS_CHANGE = 0.05  # a step
LAST_STEP = 0.01  # of the radius


@dataclass(frozen=True)
class Stage:
    """How sharp the relaxation is, and how long the first step.

    Parameters
    ----------
    slope : float
        Of tanh, in the place of the sign units.
    temperature : float
        Of the sigmoids, as a share of the mean margin of the image's votes.
    first_step : float
        Of the radius.
    """

    slope: float
    temperature: float
    first_step: float


STAGES = (Stage(8.0, 0.03, 1.0), Stage(32.0, 0.03, 0.1), Stage(LAST_SLOPE, 0.03, 0.1))


def descend_from_starts(
    vote: DifferentiableVote,
    target: Target,
    steps: int,
    restarts: int,
    generator: torch.Generator,
) -> tuple[torch.Tensor, float]:
    """Return the nearest row found that fools the vote, and its distance."""
    rows = target.x.repeat(restarts, 1)
    noise = torch.randn(rows[1:].shape, generator=generator)
    rows[1:] += target.first_radius * functional.normalize(noise)
    rows = target.clip(rows)
    distances = torch.full((restarts,), torch.inf)
    for stage in STAGES:
        nearer, lengths = _descend(vote, target, rows, stage, steps, generator)
        better = lengths < distances
        distances = torch.where(better, lengths, distances)
        # Where none is found, the last row of one stage is the first of the next.
        kept = better | distances.isinf()
        rows = torch.where(kept[:, np.newaxis], nearer, rows)
    best = distances.argmin()
    return rows[best], distances[best].item()


def _descend(
    vote: DifferentiableVote,
    target: Target,
    rows: torch.Tensor,
    stage: Stage,
    steps: int,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Follow the gradient on spheres around the image.

    Returns
    -------
    rows : Tensor of shape (n_rows, n_features)
        The nearest that fooled the vote; the last one where none did.
    distances : Tensor of shape (n_rows,)
        inf where none did.
    """
    best, distances = rows, torch.full((len(rows),), torch.inf)
    radii = target.distances(rows)
    radii = torch.where(radii > 0, radii, target.first_radius)
    for k in range(steps):
        rows = rows.detach().requires_grad_()
        logits, relaxed = vote(rows, stage.slope)
        fooled = is_fooled(logits.detach(), target.code)
        gradient = _gradient(relaxed, rows, target, stage.temperature, generator)
        rows = rows.detach()
        reached = target.distances(rows)
        nearer = fooled & (reached < distances)
        distances = torch.where(nearer, reached, distances)
        kept = nearer | distances.isinf()
        best = torch.where(kept[:, np.newaxis], rows, best)
        radii = radii * torch.where(fooled, 1 - RADIUS_CHANGE, 1 + RADIUS_CHANGE)
        fade = 0.5 + 0.5 * np.cos(np.pi * k / steps)
        step = LAST_STEP + (stage.first_step - LAST_STEP) * fade
        moves = rows - target.x + step * radii[:, np.newaxis] * gradient
        moves = radii[:, np.newaxis] * functional.normalize(moves)
        rows = target.clip(target.x + moves)
    return best, distances


def _gradient(
    relaxed: torch.Tensor,
    rows: torch.Tensor,
    target: Target,
    temperature: float,
    generator: torch.Generator,
) -> torch.Tensor:
    """Return the direction in which most votes turn; a random one where none does."""
    margins = lead_of_others(relaxed, target.code) / (temperature * target.scale)
    # The logarithm of the mean of the sigmoids: the same direction, no underflow.
    share = functional.logsigmoid(margins).logsumexp(dim=1)
    (gradient,) = torch.autograd.grad(share.sum(), rows)
    gradient = gradient.nan_to_num()
    flat = (gradient == 0).all(dim=1)
    if flat.any():
        noise = torch.randn(gradient.shape, generator=generator)
        gradient = torch.where(flat[:, np.newaxis], noise, gradient)
    largest = gradient.abs().amax(dim=1, keepdim=True)  # its square may underflow
    return functional.normalize(gradient / largest)
