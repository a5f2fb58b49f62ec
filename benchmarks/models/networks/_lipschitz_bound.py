"""Upper bounds of a trained network's Lipschitz constants, from its weights alone.

A convolution with zeros around the image is a part of the cyclic convolution on a torus
that is larger by the kernel's size less one: nothing wraps around. The norm of the
latter is the largest over all frequencies of the kernel's transform (Sedghi, Gupta,
Long: The singular values of convolutional layers, ICLR 2019), that of the part is no
larger.
"""

import numpy as np
import torch
from deel import torchlip
from torch import nn

from benchmarks.models.networks._reshaping import ToImages

UPWARDS = 1 + 1e-9  # more than singular values in float64 may lose
# None of these moves two points further apart.
ISOMETRIC = (
    ToImages,
    nn.Flatten,
    nn.PixelUnshuffle,
    torchlip.GroupSort,  # sorting is one of the permutations nearest to each other
)


def lipschitz_constants(module: nn.Sequential) -> np.ndarray:
    """Bound how fast the difference of each two outputs can change, in L2.

    Parameters
    ----------
    module : nn.Sequential
        Plain layers; the last is linear. Rows go in.

    Returns
    -------
    ndarray of shape (n_classes, n_classes)
        0 on the diagonal. A single output is that of the second of two classes, the
        first has 0.

    Raises
    ------
    TypeError
        If nothing is known of a layer.
    """
    *layers, last = module
    bound, image_shape = 1.0, None
    for layer in layers:
        bound *= _norm(layer, image_shape)
        image_shape = _shape_behind(layer, image_shape)
    weights = last.weight.detach().numpy()
    if len(weights) == 1:
        weights = np.concatenate([np.zeros_like(weights), weights])
    differences = weights[:, np.newaxis] - weights
    return bound * UPWARDS * np.linalg.norm(differences, axis=2)


def _norm(layer: nn.Module, image_shape: tuple[int, int] | None) -> float:
    if isinstance(layer, ISOMETRIC):
        return 1.0
    if type(layer) is nn.Linear:
        return UPWARDS * float(np.linalg.norm(_float64(layer.weight), 2))
    if isinstance(layer, nn.Conv2d) and image_shape is not None:
        plain = (
            layer.stride == (1, 1)
            and layer.dilation == (1, 1)
            and layer.groups == 1
            and layer.padding_mode == "zeros"
        )
        if plain:
            return UPWARDS * convolution_norm(_float64(layer.weight), image_shape)
    raise TypeError(f"no Lipschitz constant is known of {layer}")


def convolution_norm(kernel: np.ndarray, image_shape: tuple[int, int]) -> float:
    """Bound the spectral norm of a convolution with zeros around the image.

    Parameters
    ----------
    kernel : ndarray of shape (n_out, n_in, height, width)
    image_shape : tuple of (int, int)
        Height and width of what goes in.

    Returns
    -------
    float
    """
    torus = [n + k - 1 for n, k in zip(image_shape, kernel.shape[2:], strict=True)]
    transform = np.fft.fft2(kernel, torus).transpose(2, 3, 0, 1)
    return float(np.linalg.norm(transform, 2, axis=(2, 3)).max())


def _shape_behind(
    layer: nn.Module, image_shape: tuple[int, int] | None
) -> tuple[int, int] | None:
    """Height and width of the maps that a layer returns."""
    if isinstance(layer, ToImages):
        return layer.height, layer.width
    if image_shape is None or isinstance(layer, nn.Flatten):
        return None
    height, width = image_shape
    if isinstance(layer, nn.PixelUnshuffle):
        return height // layer.downscale_factor, width // layer.downscale_factor
    if isinstance(layer, nn.Conv2d):
        pad_y, pad_x = layer.padding
        k_y, k_x = layer.kernel_size
        return height + 2 * pad_y - k_y + 1, width + 2 * pad_x - k_x + 1
    return image_shape


def _float64(weight: torch.Tensor) -> np.ndarray:
    return weight.detach().double().numpy()
