"""What all displays do first: matplotlib, axes, and the user's style over ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sklearn.utils._optional_dependencies import check_matplotlib_support

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def axes_of(display: object, ax: Axes | None) -> tuple[Any, Any]:
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


def with_defaults(
    given: Mapping[str, Any], defaults: Mapping[str, Any], artist: type
) -> dict[str, Any]:
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

    return {**defaults, **normalize_kwargs(dict(given), artist)}
