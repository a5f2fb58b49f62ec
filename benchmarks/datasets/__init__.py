"""The benchmark's data sets, one loader a file.

A loader returns a `Dataset`, or a `Recipe` for one where decoded images are worth
keeping; `load` finds the loader for what the user typed. To add a data set, write a
loader beside the others and enter it in ``_registry.py``.
"""

from benchmarks.datasets._base import Dataset, Recipe
from benchmarks.datasets._registry import check_spec, describe, load
from benchmarks.datasets._summary import describe_details, describe_loaded

__all__ = [
    "Dataset",
    "Recipe",
    "check_spec",
    "describe",
    "describe_details",
    "describe_loaded",
    "load",
]
