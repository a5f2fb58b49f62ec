"""Timing: competitors take turns, so that a machine's drift hits all alike."""

import gc
import math
import time
from collections.abc import Callable, Mapping

Task = Callable[[], object]

_LEAST_SECONDS = 0.02  # of one timing; shorter tasks are repeated within it
_MOST_CALLS = 2000


def interleaved(
    tasks: Mapping[str, Task], repeats: int, loop: bool = False
) -> dict[str, list[float]]:
    """Time tasks in turns: A B C A B C ...

    Parameters
    ----------
    tasks : mapping of str to callable
        To be warm already: compiled, imported, in memory.
    repeats : int
        Rounds.
    loop : bool
        Whether to repeat a task within a timing until that takes long enough.

    Returns
    -------
    dict of str to list of float
        Seconds a call, one entry a round.
    """
    calls = {name: _calls_needed(task) if loop else 1 for name, task in tasks.items()}
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            seconds[name].append(time_once(task, calls[name]))
    return seconds


def time_once(task: Task, calls: int = 1) -> float:
    """Return seconds a call, garbage collected before and not meanwhile."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(calls):
            task()
        return (time.perf_counter() - start) / calls
    finally:
        if enabled:
            gc.enable()


def ratios(of: list[float], to: list[float]) -> list[float]:
    """Return the ratio within each round."""
    return [a / b for a, b in zip(of, to, strict=True)]


def _calls_needed(task: Task) -> int:
    task()
    seconds = time_once(task)
    return min(_MOST_CALLS, max(1, math.ceil(_LEAST_SECONDS / max(seconds, 1e-9))))
