"""The record of a run: all that was measured, and what it was measured with."""

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.environment import environment
from benchmarks.common.files import write_atomically


class Record:
    """A JSON file, written anew after each piece of work.

    Parameters
    ----------
    path : Path
        The file, replaced if it is there. Its folder must exist.
    benchmark : str
        Name of the program.
    schema : int
        Version of the file's form.
    arguments : dict
        What the user asked for.
    **parts
        What the program measures, empty at first.

    Attributes
    ----------
    data : dict
        The record: plain containers, numbers and text.

    Raises
    ------
    UserError
        If the file can't be written.
    """

    def __init__(
        self, path: Path, benchmark: str, schema: int, arguments: dict, **parts: Any
    ):
        self.path = path
        self.data: dict[str, Any] = {
            "schema": schema,
            "benchmark": benchmark,
            "started_utc": _now(),
            "finished_utc": None,
            "arguments": arguments,
            "environment": environment(),
            **parts,
        }
        self.save()

    def finish(self) -> None:
        """Write the file for the last time."""
        self.data["finished_utc"] = _now()
        self.save()

    def save(self) -> None:
        """Replace the file in one step: a reader or an interruption finds it whole."""
        text = json.dumps(self.data, indent=2, default=plain) + "\n"
        write_atomically(self.path, text.encode())


def finite(values: np.ndarray) -> list:
    """Return nested lists with None where a number is not finite: JSON has no such."""
    return np.where(np.isfinite(values), values, None).tolist()


def plain(value: object) -> object:
    """Turn what an estimator's parameters may hold into what JSON can."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return type(value).__name__


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
