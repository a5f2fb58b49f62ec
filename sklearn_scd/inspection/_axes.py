"""What all displays do first: matplotlib, axes, and the user's style over ours."""

from __future__ import annotations

from sklearn.utils._optional_dependencies import check_matplotlib_support


def axes_of(display, ax):
    """The axes to draw on, new ones for None, and their figure.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    check_matplotlib_support(f"{type(display).__name__}.plot")
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots()
    return ax, ax.figure


def with_defaults(given, defaults, artist):
    """Keyword arguments of an artist: what is given, defaults for the rest.

    Parameters
    ----------
    given : dict
        May have aliases, as ``lw`` for ``linewidth``.
    defaults : dict
        Without aliases.
    artist : type
        The artist's class, which knows its aliases.

    Raises
    ------
    TypeError
        If a keyword is given under two names.
    """
    from matplotlib.cbook import normalize_kwargs

    return {**defaults, **normalize_kwargs(given, artist)}
