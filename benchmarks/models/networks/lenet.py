"""LeNet-5: two convolutions, three dense layers.

LeCun, Bottou, Bengio and Haffner: Gradient-based learning applied to document
recognition (1998), as it is mostly built since: ReLU for its sigmoids, maxima for its
trained averages, a softmax for its radial basis functions.
"""

from torch import nn

from benchmarks.models.networks._pooling import PairwiseMaxPool2d
from benchmarks.models.networks._reshaping import ToImages

LEAST_SIDE = 32  # of the original's input
KERNEL = 5


def build(
    n_features: int, image_shape: tuple[int, ...] | None, n_classes: int
) -> nn.Sequential:
    """Return a LeNet-5 for images of any size and number of channels.

    Smaller images than the original's 32x32 get a black border, as its 28x28 digits
    did. Larger ones keep their size: the first dense layer grows with them.

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
    top, bottom = _border(to_images.height)
    left, right = _border(to_images.width)
    height = _side_of_maps(top + to_images.height + bottom)
    width = _side_of_maps(left + to_images.width + right)
    return nn.Sequential(
        to_images,
        nn.ZeroPad2d((left, right, top, bottom)),
        nn.Conv2d(to_images.n_channels, 6, KERNEL),
        nn.ReLU(),
        PairwiseMaxPool2d(),
        nn.Conv2d(6, 16, KERNEL),
        nn.ReLU(),
        PairwiseMaxPool2d(),
        nn.Flatten(),
        nn.Linear(16 * height * width, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, n_classes),
    )


def _border(side: int) -> tuple[int, int]:
    missing = max(0, LEAST_SIDE - side)
    return missing // 2, missing - missing // 2


def _side_of_maps(side: int) -> int:
    """Follow a side through both convolutions, each halved after it."""
    for _ in range(2):
        side = (side - KERNEL + 1) // 2
    return side
