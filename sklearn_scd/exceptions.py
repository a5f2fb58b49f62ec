"""Warnings of the package."""


class ConstantModelWarning(UserWarning):
    """Warns of a model that names the same class whatever the sample.

    No perturbation changes what it says, so that it has an infinite certified radius
    and full robust accuracy on the samples of that class: that is no robustness.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_scd.exceptions import ConstantModelWarning
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", ConstantModelWarning)
    """
