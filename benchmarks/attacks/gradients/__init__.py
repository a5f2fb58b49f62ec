"""The nearest adversarial images that a model's gradient leads to. Imports torch."""

from benchmarks.attacks.gradients._gradient_attack import gradient_attack
from benchmarks.attacks.gradients._vote import DifferentiableVote

__all__ = ["DifferentiableVote", "gradient_attack"]
