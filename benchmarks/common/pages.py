"""HTML from Jinja2 templates: all text is escaped, unless it is HTML already."""

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def render_template(path: Path, **values: object) -> Markup:
    """Fill in a template.

    Parameters
    ----------
    path : Path
        The template; it finds others beside it and those of ``benchmarks/common``.
    **values
        What it names. Text is cleaned, typeset and escaped; a `Markup` is taken as it
        is, None leaves nothing.

    Returns
    -------
    Markup
    """
    return Markup(_environment(path.parent).get_template(path.name).render(values))


def clean(text: str) -> str:
    """Return text on one line, without what no font and no encoding can show.

    Names of folders may hold line breaks, control characters and stray bytes.
    """
    unbroken = re.sub(r"\s+", " ", text)
    if unbroken.isprintable():
        return unbroken
    return "".join(char if char.isprintable() else UNKNOWN for char in unbroken)


def typeset(text: str) -> str:
    """Set apostrophes as print does; the code has those of the keyboard."""
    return re.sub(r"(?<=\w)'", "\N{RIGHT SINGLE QUOTATION MARK}", text)


@cache
def _environment(folder: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=True,
        finalize=_finalize,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )


def _finalize(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return typeset(clean(value))
    return value
