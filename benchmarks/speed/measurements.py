"""What a run leaves: measurements and targets, in a JSON file kept up to date."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.common.errors import UserError, one_line
from benchmarks.common.record import Record

SCHEMA = 1


@dataclass(frozen=True)
class Measurement:
    """One quantity, measured several times.

    Parameters
    ----------
    name : str
        What was measured, unique in its section.
    values : tuple of float
        One a repeat.
    unit : str
        "s" and "bytes" are shown with a fitting prefix, others as they are.
    about : dict
        Sizes and settings, for plots.
    """

    name: str
    values: tuple[float, ...]
    unit: str = "s"
    about: dict = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Middle of the repeats."""
        return statistics.median(self.values)

    def to_dict(self) -> dict:
        """Return what goes into the JSON."""
        summary = {
            "median": self.median,
            "min": min(self.values),
            "max": max(self.values),
        }
        return (
            {"name": self.name, "unit": self.unit}
            | summary
            | {
                "values": list(self.values),
                "about": self.about,
            }
        )


@dataclass(frozen=True)
class Target:
    """An aim and what was measured of it; nothing fails when it is missed.

    Parameters
    ----------
    name : str
        What is aimed at.
    value : float
        What was measured.
    limit : float
        The aim.
    unit : str
        As in `Measurement`.
    at_least : bool
        Whether more is better.
    """

    name: str
    value: float
    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the value is on the right side of the limit, or on it."""
        if self.at_least:
            return self.value >= self.limit
        return self.value <= self.limit

    def to_dict(self) -> dict:
        """Return what goes into the JSON."""
        return asdict(self) | {"met": self.met}


@dataclass
class SectionRecord:
    """What a section measured.

    Parameters
    ----------
    title : str
        What was measured on what.
    measurements : list of Measurement
    targets : list of Target
    notes : list of str
        What a reader must know to read the figures.
    """

    title: str
    measurements: list[Measurement] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, name: str, values: Sequence[float], unit: str = "s", **about: object
    ) -> Measurement:
        """Enter a measurement and return it."""
        measurement = Measurement(name, tuple(map(float, values)), unit, about)
        self.measurements.append(measurement)
        return measurement

    def aim(self, name: str, value: float, limit: float, **kind: object) -> None:
        """Enter a target."""
        self.targets.append(Target(name, float(value), limit, **kind))

    def to_dict(self) -> dict:
        """Return what goes into the JSON."""
        return {
            "title": self.title,
            "measurements": [m.to_dict() for m in self.measurements],
            "targets": [t.to_dict() for t in self.targets],
            "notes": self.notes,
        }


class SpeedRecord(Record):
    """The record of a run, written anew after each section.

    Parameters
    ----------
    path : Path
        The file, replaced if it is there.
    arguments : dict
        What the user asked for.

    Raises
    ------
    UserError
        If the file cannot be written.
    """

    def __init__(self, path: Path, arguments: dict):
        super().__init__(path, "speed", SCHEMA, arguments, sections={})

    def add(self, name: str, section: SectionRecord, seconds: float) -> None:
        """Enter a section and write the file."""
        self.data["sections"][name] = section.to_dict() | {"seconds": seconds}
        self.save()


def read_record(path: Path) -> dict:
    """Read what a run has written.

    Raises
    ------
    UserError
        If the file is missing or is no such record.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: can't read ({one_line(error)})") from error
    known = isinstance(data, dict) and data.get("benchmark") == "speed"
    if not known or data.get("schema") != SCHEMA:
        raise UserError(
            f"{path}: no record of benchmarks.speed of this version; make one with "
            "python -m benchmarks.speed --output FILE"
        )
    return data
