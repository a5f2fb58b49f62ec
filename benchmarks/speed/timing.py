"""Timing: competitors take turns, so that a machine's drift hits all alike."""

import gc
import math
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

Task = Callable[[], object]
Clock = Callable[[], float]
K = TypeVar("K", bound=Hashable)

_LEAST_SECONDS = 0.02  # of one timing; shorter tasks are repeated within it
_MOST_CALLS = 2000


def interleaved(
    tasks: Mapping[K, Task],
    repeats: int,
    loop: bool = False,
    clock: Clock = time.perf_counter,
) -> dict[K, list[float]]:
    """Time tasks in turns: A B C A B C ...

    Parameters
    ----------
    tasks : mapping of str to callable
        To be warm already: compiled, imported, in memory.
    repeats : int
        Rounds.
    loop : bool
        Whether to repeat a task within a timing until that takes long enough.
    clock : callable
        ``time.process_time`` leaves out what other processes take.

    Returns
    -------
    dict of list of float
        Seconds a call, one entry a round.
    """
    calls = {name: _calls_needed(task) if loop else 1 for name, task in tasks.items()}
    seconds: dict[K, list[float]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            seconds[name].append(time_once(task, calls[name], clock))
    return seconds


def time_once(task: Task, calls: int = 1, clock: Clock = time.perf_counter) -> float:
    """Return seconds a call, garbage collected before and not meanwhile."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = clock()
        for _ in range(calls):
            task()
        return (clock() - start) / calls
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
