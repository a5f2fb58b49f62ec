"""The progress line of what takes long."""

from __future__ import annotations

import sys
import time


class ProgressLine:
    """Print what is done, a mean over it and the time left, once a piece at most.

    On a terminal the line is rewritten; elsewhere a new line comes when another tenth
    is done, so that logs stay short.

    Parameters
    ----------
    title : str
        What goes first in the line.
    pieces : str
        What is counted.
    n_pieces : int
        How many there are.
    measure : str
        What the mean is of.
    """

    def __init__(self, title: str, pieces: str, n_pieces: int, measure: str) -> None:
        self.title, self.pieces = title, pieces
        self.n_pieces = n_pieces
        self.measure = measure
        self.n_done = 0
        self.total = 0.0
        self.start = time.perf_counter()
        self.tenths_shown = 0

    def __call__(self, value: float) -> None:
        """Count one more piece, whose measure is `value`."""
        self.n_done += 1
        self.total += value
        finished = self.n_done == self.n_pieces
        terminal = sys.stdout.isatty()
        tenths = 10 * self.n_done // self.n_pieces
        if not terminal and tenths == self.tenths_shown:
            return
        self.tenths_shown = tenths
        elapsed = time.perf_counter() - self.start
        left = elapsed / self.n_done * (self.n_pieces - self.n_done)
        line = (
            f"{self.title}: {self.n_done}/{self.n_pieces} {self.pieces}, mean "
            f"{self.measure} {self.total / self.n_done:.4f}, {elapsed:.0f} s, "
            f"{left:.0f} s left"
        )
        end = "\r" if terminal and not finished else "\n"
        print(line, end=end, flush=True)
