"""Rows with fresh Gaussian noise, for training what is smoothed afterwards."""

import numpy as np
import torch

from benchmarks.models.networks._training import Adversary


def make_noisy(noise: float) -> Adversary:
    """Return what adds noise of this standard deviation, by torch's random state."""

    def noisy(X: np.ndarray, y: np.ndarray) -> np.ndarray:
        # Drawn on the processor wherever the network is: the same noise for a seed.
        return X + np.float32(noise) * torch.randn(X.shape).numpy()

    return noisy
