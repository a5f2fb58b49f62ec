"""The nearest adversarial image of a random forest, and a proof that none is nearer."""

from benchmarks.attacks.forest._bounds import ForestBounds, bound_forest

__all__ = ["ForestBounds", "bound_forest"]
