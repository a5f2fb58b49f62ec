"""One hidden layer, in torch: scikit-learn's MLP can't be trained against attacks."""

from torch import nn

HIDDEN_UNITS = 100


def build(
    n_features: int, image_shape: tuple[int, ...] | None, n_classes: int
) -> nn.Sequential:
    """Return a network of one hidden layer of ReLU, its weights drawn anew.

    Parameters
    ----------
    n_features : int
        Length of a row.
    image_shape : tuple of int or None
        Ignored.
    n_classes : int
        Number of outputs.

    Returns
    -------
    module
        From rows (n_samples, n_features) to logits (n_samples, n_classes).
    """
    return nn.Sequential(
        nn.Linear(n_features, HIDDEN_UNITS),
        nn.ReLU(),
        nn.Linear(HIDDEN_UNITS, n_classes),
    )
