"""Start: import, first fit, compilation, each in fresh processes."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.measurements import SectionRecord
from benchmarks.speed.processes import run_child
from benchmarks.speed.timing import ratios

MOST_OF_THE_YARDSTICK = 1.25
MOST_SECONDS_WARM = 1.0
MOST_SECONDS_COLD = 30.0


@dataclass(frozen=True)
class Sizes:
    """How often to start.

    Parameters
    ----------
    imports, warm : int
        Fresh processes each.
    dtypes : tuple of str
        Of the data that the kernels are compiled for.
    """

    imports: int = 7
    warm: int = 5
    dtypes: tuple[str, ...] = ("uint8", "float32", "float64")


def run(sizes: Sizes, say: Callable[[str], None]) -> SectionRecord:
    """Time imports, compilation into an empty cache, first fits from a full one."""
    record = SectionRecord("Start: fresh processes")
    _time_imports(record, sizes, say)
    _time_fits(record, sizes, say)
    return record


def _child(task: str, argument: object, cache: Path | None = None) -> dict:
    command = ("-m", "benchmarks.speed._start_child", task, json.dumps(argument))
    return run_child(*command, cache=cache)


def _time_imports(
    record: SectionRecord, sizes: Sizes, say: Callable[[str], None]
) -> None:
    """Enter the import against that of what it imports from others."""
    say("imports")
    needed = _child("list", "sklearn_scd")["modules"]
    cases = {"sklearn_scd": ["sklearn_scd"], "what it imports": needed}
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for modules in cases.values():
        _child("import", modules)  # brings the files into the system's cache
    for _ in range(sizes.imports):
        for name, modules in cases.items():
            seconds[name].append(_child("import", modules)["seconds"])
    for name, values in seconds.items():
        record.add(f"import {name}", values)
    share = record.add(
        "import, over what it imports",
        ratios(seconds["sklearn_scd"], seconds["what it imports"]),
        "",
    )
    record.aim(share.name, share.median, MOST_OF_THE_YARDSTICK)
    record.notes.append(f"What it imports: {', '.join(needed)}.")


def _time_fits(record: SectionRecord, sizes: Sizes, say: Callable[[str], None]) -> None:
    """Enter first fits of each dtype, compiled at first and from the cache later."""
    compiled, warm = {}, {}
    for dtype in sizes.dtypes:
        say(f"compilation for {dtype}, then first fits")
        with tempfile.TemporaryDirectory() as folder:
            cold = _child("fit", dtype, Path(folder))
            later = [_child("fit", dtype, Path(folder)) for _ in range(sizes.warm)]
        compiled[dtype] = cold["fit and predict"]
        record.add(f"compilation for {dtype}", [compiled[dtype]])
        # What other programs take of the machine is not in this.
        record.add(f"compilation for {dtype}, processor", [cold["processor"]])
        warm[dtype] = [first["fit"] for first in later]
    for dtype, seconds in warm.items():
        first = record.add(f"first fit, warm cache, {dtype}", seconds)
        record.aim(first.name, first.median, MOST_SECONDS_WARM, unit="s")
    slowest = max(compiled, key=compiled.get)
    record.aim(
        f"compilation of all kernels ({slowest})",
        compiled[slowest],
        MOST_SECONDS_COLD,
        unit="s",
    )
    record.notes.append(
        "First fits: 200 x 30, one vote, 100 iterations, the import not included. "
        "Compilation: the first fit and prediction with an empty NUMBA_CACHE_DIR, all "
        "kernels that the dtype needs; warm: the same folder later."
    )
