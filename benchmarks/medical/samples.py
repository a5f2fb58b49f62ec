"""Which training images a report shows, to see what models are asked to tell apart."""

import numpy as np

PER_CLASS = 8
MAX_CLASSES = 10


def choose_samples(
    y: np.ndarray, class_names: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Choose some samples of each of the first classes, always the same ones.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Classes as positions in `class_names`.
    class_names : tuple of str

    Returns
    -------
    dict of str to ndarray of int
        Positions in `y`, by class name.
    """
    generator = np.random.default_rng(0)
    chosen = {}
    for code, name in enumerate(class_names[:MAX_CLASSES]):
        members = np.flatnonzero(y == code)
        n_shown = min(PER_CLASS, len(members))
        chosen[name] = generator.choice(members, n_shown, replace=False)
    return chosen
