"""Adversarial images to train on. Imports ART.

Madry, Makelov, Schmidt, Tsipras and Vladu: Towards deep learning models resistant to
adversarial attacks (2018).
"""

import numpy as np
from art.attacks.evasion import ProjectedGradientDescentPyTorch
from art.estimators.classification import PyTorchClassifier
from torch import nn

from benchmarks.models.networks._training import Adversary, device_of

N_STEPS = 10
STEP = 0.25  # of epsilon


def make_adversary(
    module: nn.Module, n_features: int, n_classes: int, epsilon: float
) -> Adversary:
    """Return what moves rows to where a network, as it is at that time, is worst.

    It is ART's projected gradient descent from the row itself, within an L2 ball.

    Parameters
    ----------
    module : nn.Module
        From rows (n_samples, n_features) to logits (n_samples, n_classes).
    n_features, n_classes : int
    epsilon : float
        L2 size of the ball.

    Returns
    -------
    callable
        From rows, float32 in [0, 1], and positions of their classes to rows. It leaves
        the network in the mode for evaluation.
    """
    attack = ProjectedGradientDescentPyTorch(
        PyTorchClassifier(
            module,
            nn.CrossEntropyLoss(),
            (n_features,),
            n_classes,
            clip_values=(0.0, 1.0),
            device_type="gpu" if device_of(module).type == "cuda" else "cpu",
        ),
        norm=2,
        eps=epsilon,
        eps_step=STEP * epsilon,
        max_iter=N_STEPS,
        batch_size=128,
        verbose=False,
    )

    def adversary(X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return attack.generate(X, np.eye(n_classes, dtype=np.float32)[y])

    return adversary
