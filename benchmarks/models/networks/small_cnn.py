"""A small convolutional network: three convolutions, each normalized and halved."""

from torch import nn

from benchmarks.models.networks._reshaping import ToImages

CHANNELS = (16, 32, 64)
UNITS = 64


def build(
    n_features: int, image_shape: tuple[int, ...] | None, n_classes: int
) -> nn.Sequential:
    """Return a network for images of any size, its weights drawn anew.

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
    to_images = ToImages(image_shape)
    layers: list[nn.Module] = [to_images]
    n_in, height, width = to_images.n_channels, to_images.height, to_images.width
    for n_out in CHANNELS:
        layers += [
            nn.Conv2d(n_in, n_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
        ]
        n_in, height, width = n_out, -(-height // 2), -(-width // 2)
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(n_in * height * width, UNITS),
        nn.ReLU(),
        nn.Linear(UNITS, n_classes),
    )
