"""torchvision's ResNet18, trained from scratch.

He, Zhang, Ren and Sun: Deep residual learning for image recognition (2016).
"""

import torch
from torch import nn

from benchmarks.common.torch_runtime import import_torchvision
from benchmarks.models.networks._reshaping import ToImages

torchvision = import_torchvision()

# What the stages make a single pixel of: they and what comes before halve five times.
LEAST_SIDE = 32


class ResNet18(nn.Sequential):
    """ResNet18 on rows of pixels, fitted to the images' channels and size.

    The first convolution takes as many channels as there are. Where a side is below 32
    pixels the maximum after it is left out, so that all maps are twice as large.

    It is a class so that unpickling it comes by this file, and so by
    `import_torchvision`, before it comes to torchvision.

    Parameters
    ----------
    image_shape : tuple of int
        Height and width, for color also the number of channels.
    n_classes : int
        Number of outputs.
    """

    def __init__(self, image_shape: tuple[int, ...] | None, n_classes: int):
        to_images = ToImages(image_shape)
        network = torchvision.models.resnet18(weights=None, num_classes=n_classes)
        if to_images.n_channels != network.conv1.in_channels:
            network.conv1 = _first_convolution(to_images.n_channels)
        if min(to_images.height, to_images.width) < LEAST_SIDE:
            network.maxpool = nn.Identity()
        super().__init__(to_images, network)
        # The rows' own order of pixels, in which convolutions are faster here.
        self.to(memory_format=torch.channels_last)


def build(
    n_features: int, image_shape: tuple[int, ...] | None, n_classes: int
) -> ResNet18:
    """Return a ResNet18, its weights drawn anew.

    Parameters
    ----------
    n_features : int
        Length of a row; `image_shape` says the same.
    image_shape : tuple of int
        Height and width, for color also the number of channels.
    n_classes : int
        Number of outputs.

    Returns
    -------
    module
        From rows (n_samples, n_features) to logits (n_samples, n_classes).
    """
    return ResNet18(image_shape, n_classes)


def _first_convolution(n_channels: int) -> nn.Conv2d:
    """Return torchvision's own for another number of channels."""
    layer = nn.Conv2d(n_channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer
