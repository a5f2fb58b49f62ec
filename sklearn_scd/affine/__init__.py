"""Affine transformers, by knowledge: rules that read an exact map off a fitted step.

A certificate behind a `Pipeline` holds in the units of the pipeline's input because the
steps before the classifier are affine, and says how far what they compute in floating
point may be from that. Both come from here: a rule for each type of step, for
scikit-learn's and for others that are registered. Trying a step out proves neither.
"""

from sklearn_scd._rounding import rounding_factor
from sklearn_scd.affine._map import AffineMap
from sklearn_scd.affine._registry import NotAffineError, affine_map, register_affine

__all__ = [
    "AffineMap",
    "NotAffineError",
    "affine_map",
    "register_affine",
    "rounding_factor",
]
