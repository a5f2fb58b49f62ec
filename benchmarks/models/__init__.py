"""The models that the programs compare, each built, trained and bounded in one way.

``entries.py`` lists them. What imports torch is imported when it is needed: torch takes
seconds, and many runs do without.
"""

from benchmarks.models.entries import MODELS, models_of
from benchmarks.models.model import Budget, ImageShape, Model

__all__ = ["MODELS", "Budget", "ImageShape", "Model", "models_of"]
