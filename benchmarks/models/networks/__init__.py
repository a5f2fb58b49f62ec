"""Networks trained by gradient, the baselines that need torch.

`TorchClassifier` trains any of them; a file each says what it is. torch is imported
when the first is fitted, never before.
"""

from benchmarks.models.networks._classifier import TorchClassifier

__all__ = ["TorchClassifier"]
