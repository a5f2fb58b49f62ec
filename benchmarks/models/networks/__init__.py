"""Networks trained by gradient, the baselines that need torch.

`TorchClassifier` trains any of them, `LipschitzClassifier` those whose output can't
change faster than their input; a file each says what it is. torch is imported when the
first is fitted, never before.
"""

from benchmarks.models.networks._classifier import TorchClassifier
from benchmarks.models.networks.lipschitz import LipschitzClassifier

__all__ = ["LipschitzClassifier", "TorchClassifier"]
