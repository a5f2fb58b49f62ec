"""HTML made in Python: all text is escaped, unless it is HTML already."""

import re
from collections.abc import Iterable
from html import escape

EMPTY_ELEMENTS = frozenset({"img", "meta", "source"})
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


class Markup(str):
    """Text that is HTML already and goes into a document as it is."""

    __slots__ = ()


Child = str | Iterable["Child"] | None


def join(*children: Child) -> Markup:
    """Put text and elements side by side.

    Parameters
    ----------
    *children : str, Markup, None or iterable of them
        A `str` is escaped, None is left out.

    Returns
    -------
    Markup
    """
    return Markup("".join(_texts(children)))


def tag(name: str, /, *children: Child, **attributes: object) -> Markup:
    """Return an element.

    Parameters
    ----------
    name : str
        Such as "p".
    *children : str, Markup, None or iterable of them
        As in `join`.
    **attributes
        An underscore at the end is dropped (``class_``), others become hyphens. The
        values are escaped; None leaves the attribute out.

    Returns
    -------
    Markup
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(clean(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in EMPTY_ELEMENTS:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{join(*children)}</{name}>")


def clean(text: str) -> str:
    """Return text on one line, without what no font and no encoding can show.

    Names of folders may hold line breaks, control characters and stray bytes.
    """
    unbroken = re.sub(r"\s+", " ", text)
    if unbroken.isprintable():  # nearly always, and an embedded image is long
        return unbroken
    return "".join(char if char.isprintable() else UNKNOWN for char in unbroken)


def typeset(text: str) -> str:
    """Set apostrophes as print does; the code has those of the keyboard."""
    return re.sub(r"(?<=\w)'", "\N{RIGHT SINGLE QUOTATION MARK}", text)


def _texts(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if isinstance(child, Markup):
            yield child
        elif isinstance(child, str):
            yield escape(typeset(clean(child)))
        elif child is not None:
            yield from _texts(child)
