"""A vote of networks as functions of torch. Imports torch."""

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

# A network: from rows and a slope for its sign units to logits and relaxed logits.
Network = Callable[[torch.Tensor, float], tuple[torch.Tensor, torch.Tensor]]
LAST_SLOPE = 128.0  # where sign units are nearly what they are


class DifferentiableVote:
    """The networks of a model in torch.

    Parameters
    ----------
    networks : sequence of callable
        Each takes rows (n_rows, n_features) and the slope of tanh in the place of its
        sign units, and returns logits and relaxed ones, both (n_rows, n_classes).
    is_smooth : bool
        Whether no network has sign units.

    Attributes
    ----------
    is_smooth : bool
    n_queries : int
        Rows that went through the model.
    """

    def __init__(self, networks: Sequence[Network], is_smooth: bool):
        self._networks = list(networks)
        self.is_smooth = is_smooth
        self.n_queries = 0

    def __call__(
        self, rows: torch.Tensor, slope: float = LAST_SLOPE
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits and relaxed ones, each of shape (n_rows, n_votes, n_classes).

        They are the same where a network has no sign units.
        """
        self.n_queries += len(rows)
        outputs = [network(rows, slope) for network in self._networks]
        logits, relaxed = zip(*outputs, strict=True)
        return torch.stack(logits, dim=1), torch.stack(relaxed, dim=1)


def lead_of_others(logits: torch.Tensor, code: int) -> torch.Tensor:
    """Return each vote's lead of the best other class, shape (n_rows, n_votes)."""
    others = logits.clone()
    others[:, :, code] = -torch.inf
    return others.amax(dim=2) - logits[:, :, code]


def is_fooled(logits: torch.Tensor, code: int) -> torch.Tensor:
    """Return whether the majority is for another class, shape (n_rows,)."""
    return majority(logits.argmax(dim=2), logits.shape[2]) != code


def majority(named: torch.Tensor, n_classes: int) -> torch.Tensor:
    """Return the class that most votes name, shape (n_rows,).

    Parameters
    ----------
    named : Tensor of int, shape (n_rows, n_votes)
    n_classes : int
    """
    counts = functional.one_hot(named, n_classes).sum(dim=1)
    # Of equals the first, which torch's argmax does not promise.
    order = torch.arange(n_classes, 0, -1)
    return (counts * (n_classes + 1) + order).argmax(dim=1)
