"""The layers of 1-Lipschitz networks, and their training."""

import numpy as np
import torch
from deel import torchlip
from torch import nn
from torch.nn import functional

from benchmarks.models.networks._reshaping import ToImages

HIDDEN_UNITS = (128, 64)
CHANNELS = (16, 32, 64)


def train_lipschitz(
    X: np.ndarray,
    codes: np.ndarray,
    network: str,
    image_shape: tuple[int, ...] | None,
    temperature: float,
    max_iter: int,
    batch_size: int,
    learning_rate: float,
    device: torch.device,
) -> nn.Module:
    """Train a network by Adam on cross-entropy.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32
        Centered.
    codes : ndarray of shape (n_samples,)
        Positions of the classes.
    network, image_shape, temperature, max_iter, batch_size, learning_rate
        As in `LipschitzClassifier`.
    device : torch.device
        Where to train.

    Returns
    -------
    module
        Plain layers with the weights that the constraints made, in float64, on the
        processor.
    """
    n_classes = codes.max() + 1
    n_outputs = 1 if n_classes == 2 else int(n_classes)
    if network == "mlp":
        module = _dense(X.shape[1], n_outputs)
    else:
        module = _convolutions(image_shape, n_outputs)
    module.to(device)
    optimiser = torch.optim.Adam(module.parameters(), lr=learning_rate / 2)
    n_batches = -(-len(X) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=max_iter * n_batches
    )
    rows, targets = torch.from_numpy(X).to(device), torch.from_numpy(codes).to(device)
    module.train()
    for _ in range(max_iter):
        for batch in torch.randperm(len(X)).split(batch_size):
            outputs = temperature * module(rows[batch])
            loss = _cross_entropy(outputs, targets[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    module.eval()
    with torch.no_grad():
        module(rows[:1])  # the constraints act when weights are used
    constrained = module if network == "mlp" else module[1]
    before = [] if network == "mlp" else [module[0]]
    plain = nn.Sequential(*before, *constrained.vanilla_export())
    return plain.cpu().double().eval()


def _cross_entropy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    if outputs.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(
            outputs[:, 0], targets.to(outputs.dtype)
        )
    return functional.cross_entropy(outputs, targets)


def _dense(n_features: int, n_outputs: int) -> nn.Module:
    first, second = HIDDEN_UNITS
    return torchlip.Sequential(
        torchlip.SpectralLinear(n_features, first),
        torchlip.FullSort(),
        torchlip.SpectralLinear(first, second),
        torchlip.FullSort(),
        torchlip.FrobeniusLinear(second, n_outputs),
    )


def _convolutions(image_shape: tuple[int, ...] | None, n_outputs: int) -> nn.Module:
    """Halve sides that are even after each convolution, pixels turning to channels."""
    to_images = ToImages(image_shape)
    n_in, height, width = to_images.n_channels, to_images.height, to_images.width
    layers: list[nn.Module] = []
    for n_out in CHANNELS:
        layers += [
            torchlip.SpectralConv2d(n_in, n_out, 3, padding=1),
            torchlip.GroupSort2(),
        ]
        n_in = n_out
        if height % 2 == 0 and width % 2 == 0:
            layers.append(torchlip.InvertibleDownSampling(2))
            n_in, height, width = 4 * n_out, height // 2, width // 2
    constrained = torchlip.Sequential(
        *layers,
        nn.Flatten(),
        torchlip.SpectralLinear(n_in * height * width, HIDDEN_UNITS[1]),
        torchlip.FullSort(),
        torchlip.FrobeniusLinear(HIDDEN_UNITS[1], n_outputs),
    )
    return nn.Sequential(to_images, constrained)
