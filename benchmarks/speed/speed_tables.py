"""The table of a run, from its record alone."""

import textwrap

from benchmarks.common.table import WIDTH, Table

_SMALLER = (1e-6, 1e9, "ns"), (1e-3, 1e6, "us"), (1, 1e3, "ms")  # than a second


def render(data: dict) -> str:
    """Return all sections and the aims as text for a terminal.

    Parameters
    ----------
    data : dict
        The record, of a whole run or of its first sections.
    """
    parts = [_describe_run(data)]
    parts += [render_section(section) for section in data["sections"].values()]
    parts.append(render_targets(data))
    return "\n\n".join(part for part in parts if part)


def render_section(section: dict) -> str:
    """Return a section's measurements and notes."""
    entries = section["measurements"]
    if entries and all("column" in entry["about"] for entry in entries):
        return _render_crossed(section)
    rows = []
    for entry in entries:
        shown = [show(entry[key], entry["unit"]) for key in ("median", "min", "max")]
        if len(entry["values"]) == 1:  # one repeat has no spread
            shown[1:] = ["", ""]
        rows.append([entry["name"], *shown])
    header = ["", "median", "least", "most"]
    table = Table("section", "", section["title"], "", header, rows, section["notes"])
    return table.to_text()


def _render_crossed(section: dict) -> str:
    """Return a table of what was measured in rows and columns of a name each."""
    cells: dict[str, dict[str, list[str]]] = {}
    columns: dict[str, None] = {}
    for entry in section["measurements"]:
        row, column = entry["about"]["row"], entry["about"]["column"]
        columns[column] = None
        shown = show(entry["median"], entry["unit"])
        cells.setdefault(row, {}).setdefault(column, []).append(shown)
    rows = [
        [row, *(", ".join(of.get(column, [])) for column in columns)]
        for row, of in cells.items()
    ]
    header, notes = ["", *columns], section["notes"]
    return Table("section", "", section["title"], "", header, rows, notes).to_text()


def render_targets(data: dict) -> str:
    """Return every aim of the run, what was measured, and whether it was met."""
    rows = []
    for section in data["sections"].values():
        for target in section["targets"]:
            side = "at least" if target["at_least"] else "at most"
            limit = f"{side} {show(target['limit'], target['unit'])}"
            value = show(target["value"], target["unit"])
            met = "met" if target["met"] else "missed"
            rows.append([target["name"], value, limit, met])
    header = ["Aims", "measured", "aim", ""]
    return Table("aims", "", "", "", header, rows).to_text() if rows else ""


def show(value: float, unit: str) -> str:
    """Return a figure of three digits with a unit that suits its size."""
    if unit == "bytes":
        return f"{value / 2**20:.1f} MiB"
    if unit == "s":
        for limit, factor, name in _SMALLER:
            if abs(value) < limit:
                return f"{_digits(value * factor)} {name}"
    return f"{_digits(value)} {unit}".rstrip()


def _digits(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _describe_run(data: dict) -> str:
    environment = data["environment"]
    versions = ", ".join(f"{k} {v}" for k, v in environment["versions"].items() if v)
    machine = (
        f"{environment['cpu']}, {environment['cores_available']} of "
        f"{environment['cores']} cores, {environment['platform']}"
    )
    lines = [f"Started {data['started_utc']}. {machine}. {versions}."]
    if data["arguments"].get("quick"):
        lines.append(
            "A quick run: sizes and repeats are cut, so the aims are only indicative."
        )
    return "\n".join(line for text in lines for line in textwrap.wrap(text, WIDTH))
