"""Steps to the nearest point at which the fewest votes that must turn do so.

To first order, as DeepFool [1]_ and FAB [2]_ do for one network.

.. [1] Moosavi-Dezfooli, Fawzi, Frossard, "DeepFool: A Simple and Accurate Method to
   Fool Deep Neural Networks", CVPR 2016.
.. [2] Croce, Hein, "Minimally Distorted Adversarial Examples with a Fast Adaptive
   Boundary Attack", ICML 2020.
"""

import numpy as np
import torch

from benchmarks.attacks.gradients._target import Target
from benchmarks.attacks.gradients._vote import (
    DifferentiableVote,
    is_fooled,
    lead_of_others,
    majority,
)
from sklearn_scd.robustness._hyperplanes.least_distance import least_distance_in_box

N_PROJECTIONS = 15
BEYOND = 1e-3  # of the way to a boundary, to be on its other side
PARTS = (1.0, 0.5, 0.25, 0.1)  # of a projection that are tried


def project_repeatedly(
    vote: DifferentiableVote, target: Target, row: torch.Tensor, distance: float
) -> tuple[torch.Tensor, float]:
    """Go to the nearest point of the boundary's tangents as long as it is nearer."""
    parts = torch.tensor(PARTS)[:, np.newaxis]
    for _ in range(N_PROJECTIONS):
        projection = _project(vote, target, row)
        if projection is None:
            break
        rows = row + parts * (projection - row)
        # A little farther out each of them may fool the vote where it did not.
        rows = torch.cat([rows, target.x + (1 + 10 * BEYOND) * (rows - target.x)])
        rows = target.clip(rows)
        with torch.no_grad():
            fooled = is_fooled(vote(rows)[0], target.code)
        distances = torch.where(fooled, target.distances(rows), torch.inf)
        best = distances.argmin()
        if not distances[best] < distance:
            break
        row, distance = rows[best], distances[best].item()
    return row, distance


def _project(
    vote: DifferentiableVote, target: Target, row: torch.Tensor
) -> torch.Tensor | None:
    """The point nearest to the image where the votes needed turn, to first order."""
    rows = row[np.newaxis].clone().requires_grad_()
    logits, _ = vote(rows)
    margins = lead_of_others(logits, target.code)[0]
    needed = _votes_needed(logits.detach()[0], margins.detach(), target.code)
    slopes = np.stack(
        [
            torch.autograd.grad(margins[v], rows, retain_graph=True)[0][0].numpy()
            for v in needed
        ]
    ).astype(np.float64)
    start = (row - target.x).double().numpy()
    levels = slopes @ start - margins.detach()[needed].double().numpy()
    sizes = np.linalg.norm(slopes, axis=1)
    if not (sizes > 0).all():
        return None
    x = target.x.double().numpy()
    ends = [end - x for end in target.clip_values]
    move = least_distance_in_box(
        slopes / sizes[:, np.newaxis], (1 + BEYOND) * levels / sizes, *ends
    )
    return None if move is None else torch.from_numpy((x + move).astype(np.float32))


def _votes_needed(
    logits: torch.Tensor, margins: torch.Tensor, code: int
) -> torch.Tensor:
    """The fewest votes that turn the majority, those that turn most easily."""
    order = margins.argsort(descending=True)
    others = logits.clone()
    others[:, code] = -torch.inf
    rivals = others.argmax(dim=1)
    named = torch.full_like(rivals, code)
    for n, vote in enumerate(order, start=1):
        named[vote] = rivals[vote]
        if majority(named[np.newaxis], logits.shape[1])[0] != code:
            return order[:n]
    return order
