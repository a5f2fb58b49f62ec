"""Tables of text for a terminal."""


def align(rows: list[list[str]]) -> list[str]:
    """Set rows in columns, the first to the left, a rule under the first row.

    Parameters
    ----------
    rows : list of list of str
        The header first; short ones are filled up.

    Returns
    -------
    list of str
        Lines.
    """
    n_columns = max(map(len, rows))
    rows = [row + [""] * (n_columns - len(row)) for row in rows]
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
