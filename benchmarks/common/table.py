"""A table is one object; text, csv, reStructuredText and HTML are formats of it."""

import csv
import io
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from markupsafe import Markup

from benchmarks.common.files import write_atomically
from benchmarks.common.pages import render_template

WIDTH = 88  # of text, in characters
TEMPLATE = Path(__file__).with_name("table.html")
Format = Literal["txt", "csv", "rst", "html"]


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Parameters
    ----------
    text : str
        What it says in every format.
    kind : {"", "strong", "aside"}, default=""
        Its weight, where a format has weights.
    small : str, default=""
        What is beside the text and of less weight.
    below : str, default=""
        What is under it, in brackets where a cell is a single line.
    drawing : Markup or None, default=None
        What HTML shows in the place of the text.
    """

    text: str
    kind: Literal["", "strong", "aside"] = ""
    small: str = ""
    below: str = ""
    drawing: Markup | None = None

    def __str__(self) -> str:
        """Return it as a line of text."""
        below = f"({self.below})" if self.below else ""
        return " ".join(part for part in (self.text, self.small, below) if part)


@dataclass(frozen=True)
class Table:
    """A table and its formats.

    Parameters
    ----------
    name : str
        Its file's name without the suffix.
    number : str
        Such as "Table 1".
    title : str
        What its figures are.
    setting : str
        What a figure is nothing without: data, attack, norm, budget. On the page of a
        report it is above the table.
    header : sequence of str
    rows : sequence of sequence of Cell or str
    notes : sequence of str, default=()
        What is beneath, a paragraph each.
    footnotes : sequence of str, default=()
        The same where the table is by itself: a page says it elsewhere.
    drawn : sequence of int, default=()
        Columns that are drawings and that HTML alone has.
    legend : str, default=""
        What drawings and second lines mean, for HTML.
    """

    name: str
    number: str
    title: str
    setting: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell | str]]
    notes: Sequence[str] = ()
    footnotes: Sequence[str] = field(default=(), kw_only=True)
    drawn: Sequence[int] = field(default=(), kw_only=True)
    legend: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        """Make every cell a `Cell`, and refuse rows of another length."""
        rows = [
            [cell if isinstance(cell, Cell) else Cell(cell) for cell in row]
            for row in self.rows
        ]
        if any(len(row) != len(self.header) for row in rows):
            raise ValueError(f"{self.name}: a row is not as long as the header")
        object.__setattr__(self, "rows", rows)

    @property
    def caption(self) -> str:
        """Number, title and setting, for a table by itself."""
        return ". ".join(
            part for part in (self.number, self.title, self.setting) if part
        )

    def to_format(self, kind: Format) -> str:
        """Return the table in a format, by the suffix of its file."""
        formats = {
            "txt": self.to_text,
            "csv": self.to_csv,
            "rst": self.to_rst,
            "html": self.to_html,
        }
        return formats[kind]()

    def to_csv(self) -> str:
        """Return the table as comma-separated values, without caption and notes."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(self._lines())
        return text.getvalue()

    def to_text(self) -> str:
        """Return the table in columns, for a terminal."""
        notes = [
            line
            for note in (*self.notes, *self.footnotes)
            for line in textwrap.wrap(note, WIDTH)
        ]
        caption = textwrap.wrap(self.caption, WIDTH)
        parts = (caption, align(self._lines()), notes)
        return "\n\n".join("\n".join(lines) for lines in parts if lines)

    def to_rst(self) -> str:
        """Return the table as reStructuredText, to be included in a document."""
        lines = [
            f".. list-table:: {_plain_rst(self.caption)}",
            "   :header-rows: 1",
            "",
        ]
        for row in self._lines():
            lines += [
                f"   {'*' if place == 0 else ' '} - {_plain_rst(cell)}".rstrip()
                for place, cell in enumerate(row)
            ]
        for note in (*self.notes, *self.footnotes):
            lines += ["", _plain_rst(note)]
        return "\n".join(lines) + "\n"

    def to_html(self) -> Markup:
        """Return the table as part of a page, which says the setting."""
        return render_template(TEMPLATE, table=self)

    def _lines(self) -> list[list[str]]:
        """Return header and rows as text, without the columns that are drawings."""
        kept = [k for k in range(len(self.header)) if k not in self.drawn]
        return [[str(row[k]) for k in kept] for row in (self.header, *self.rows)]


def write_table(
    table: Table, folder: Path, kinds: Sequence[Format] = ("csv", "rst")
) -> None:
    """Write a table into files named after it.

    Raises
    ------
    UserError
        If that fails.
    """
    for kind in kinds:
        text = table.to_format(kind).rstrip("\n") + "\n"
        write_atomically(folder / f"{table.name}.{kind}", text.encode())


def slug(name: str) -> str:
    """Return a name as part of a file name."""
    return re.sub("[^A-Za-z0-9._-]+", "-", name)


def align(rows: list[list[str]]) -> list[str]:
    """Set rows in columns, the first to the left, a rule under the first row.

    Parameters
    ----------
    rows : list of list of str
        The header first; all of the same length.

    Returns
    -------
    list of str
        Lines.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    return lines


def _plain_rst(text: str) -> str:
    """Escape what reStructuredText would read as markup, on one line."""
    return re.sub(r"([\\*`|_<>])", r"\\\1", " ".join(text.split()))
