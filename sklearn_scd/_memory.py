"""What a fit needs of memory, what there is, and the error where that is too little."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

MAX_ROWS = 2**32 - 1  # kernels number rows in 32 bits


class Need(NamedTuple):
    """Bytes that a fit needs beside the data it is given."""

    data: int  # the copy of the training set
    threads: int  # what networks in training need, one a thread
    model: int


def fit_need(
    n_rows: int,
    n_features: int,
    dtype: np.dtype[Any],
    copied: np.dtype[Any],
    n_networks: int,
    n_threads: int,
    options: dict[str, Any],
    n_old: int = 0,
) -> Need:
    """Bytes that a fit fills for sure; in the end it may be somewhat more.

    Parameters
    ----------
    n_rows : int
        Distinct rows, noisy copies included.
    n_features : int
    dtype : dtype
        Of the data.
    copied : dtype
        Of the copy of them.
    n_networks : int
        To be trained.
    n_threads : int
        That train them.
    options : dict
        The estimator's parameters, with ``max_iter`` resolved.
    n_old : int, default=0
        Networks of the last fit, to which these are added.

    Returns
    -------
    need : Need
    """
    size = 8 if dtype == np.float64 else 4  # of a weight in the model
    n_units, max_iter = max(int(options["hidden_units"]), 1), int(options["max_iter"])
    n_networks, n_old = int(n_networks), int(n_old)  # numpy's own would overflow
    # Projections and firing, output, draws; samples (row, value, gain), what is read of
    # them, their bins.
    row = n_units * (8 + 1) + 8 + (4 + 1) + (4 + 8 + 8) + (8 + 8) + 2
    weights = n_units * n_features
    stored = 1 if options["binary_weights"] else size
    per_network = weights * stored + n_units * (size + stored) + 4 * max_iter
    stacked = 2 * n_networks + n_old if n_old else n_networks
    return Need(
        data=n_rows * (n_features * copied.itemsize + 8),
        threads=min(n_threads, n_networks) * (n_rows * row + 2 * weights * 8),
        model=stacked * per_network,
    )


def require_memory(n_rows: int, need: Need) -> None:
    """Raise where a fit can't be held.

    Parameters
    ----------
    n_rows : int
    need : Need

    Raises
    ------
    MemoryError
        If it needs more than is available, as far as the system tells, or than can be
        addressed.
    ValueError
        If there are more rows than kernels can number.
    """
    total, free = sum(need), available_memory()
    addressable = 2**63 - 1
    if total > (addressable if free is None else free):
        largest = max(need._fields, key=lambda name: getattr(need, name))
        held = "" if free is None else f", and {_readable(free)} are available"
        raise MemoryError(
            f"This fit needs {_readable(total)} of memory, most of it for "
            f"{_WHAT[largest]} ({_readable(getattr(need, largest))}){held}: "
            f"{_ADVICE[largest]}."
        )
    if n_rows > MAX_ROWS:
        raise ValueError(
            f"At most {MAX_ROWS} distinct rows can be trained on, noisy copies "
            f"included, got {n_rows}."
        )


_UNITS = "B", "KiB", "MiB", "GiB", "TiB"
_WHAT = {
    "data": "a copy of the distinct rows and their noisy copies",
    "threads": "the networks in training, one a thread",
    "model": "the trained networks",
}
_ADVICE = {
    "data": "give fewer samples or features, float32 or uint8 data, or fewer "
    "noisy_copies",
    "threads": "give a smaller n_jobs, fewer samples, noisy_copies or hidden_units",
    "model": "give fewer n_estimators, hidden_units, features or max_iter",
}


def _readable(n_bytes: int) -> str:
    """Bytes in the unit that suits them."""
    exponent = min(max(int(math.log2(max(n_bytes, 1))) // 10, 0), 4)
    return f"{n_bytes / 1024**exponent:,.1f} {_UNITS[exponent]}"


def available_memory(root: str | os.PathLike[str] = "/") -> int | None:
    """Bytes that this process can still fill, swap included.

    Parameters
    ----------
    root : path-like, default='/'
        Where ``proc`` and ``sys`` are.

    Returns
    -------
    n_bytes : int or None
        The least that the machine and the control groups of the process leave on
        Linux; None where none of them tells, as on other systems.
    """
    root = Path(root)
    found = [_machine(root), *_control_groups(root)]
    return min((n for n in found if n is not None), default=None)


def _machine(root: Path) -> int | None:
    """What the kernel estimates that can be filled without harm, and swap."""
    fields = _fields(root / "proc/meminfo", ":")
    if "MemAvailable" not in fields:
        return None
    return 1024 * (fields["MemAvailable"] + fields.get("SwapFree", 0))


def _control_groups(root: Path) -> Iterator[int]:
    """What the memory limits leave, of the process's group and those above it."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            folder, names = "sys/fs/cgroup", ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            folder = "sys/fs/cgroup/memory"
            names = "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        group = PurePosixPath(path)
        for part in (group, *group.parents):
            place = root / folder / str(part).lstrip("/")
            limit, used = (_read(place / name).strip() for name in names)
            if limit.isdigit() and used.isdigit():  # "max" is no limit
                files = _fields(place / "memory.stat", " ")
                # Files that are cached count as used, yet give way.
                cached = files.get("active_file", 0) + files.get("inactive_file", 0)
                yield max(int(limit) - int(used) + cached, 0)


def _fields(path: Path, separator: str) -> dict[str, int]:
    """Numbers by name, of a file with one a line."""
    fields = {}
    for line in _read(path).splitlines():
        name, _, value = line.partition(separator)
        if value.split():
            fields[name] = int(value.split()[0])
    return fields


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
