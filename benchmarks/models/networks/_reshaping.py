"""From the flat rows that every model of the benchmark gets to torch's images."""

import torch
from torch import nn


class ToImages(nn.Module):
    """Reshape rows of pixels to images with the channels first.

    Parameters
    ----------
    image_shape : tuple of int
        Height and width, for color also the number of channels, as the rows were
        flattened from.

    Attributes
    ----------
    height, width, n_channels : int

    Raises
    ------
    ValueError
        If there is no such shape.
    """

    def __init__(self, image_shape: tuple[int, ...] | None):
        super().__init__()
        if image_shape is None or len(image_shape) not in (2, 3):
            raise ValueError(
                f"image_shape={image_shape} is no shape of images, which this network "
                "needs; give (height, width) or (height, width, channels)"
            )
        self.height, self.width, self.n_channels = (*image_shape, 1)[:3]

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return images of shape (n_samples, n_channels, height, width)."""
        images = rows.reshape(-1, self.height, self.width, self.n_channels)
        return images.permute(0, 3, 1, 2)
