"""The progress line of a verbose fit."""

from __future__ import annotations

import sys
import time


class ProgressLine:
    """Print networks done, training error and time left, once a network at most.

    On a terminal the line is rewritten; elsewhere a new line comes when another tenth
    is done, so that logs stay short.

    Parameters
    ----------
    n_networks : int
        Networks to train.
    measure : str
        What a network's loss is called.
    """

    def __init__(self, n_networks: int, measure: str) -> None:
        self.n_networks = n_networks
        self.measure = measure
        self.n_done = 0
        self.loss_sum = 0.0
        self.start = time.perf_counter()
        self.tenths_shown = 0

    def __call__(self, loss: float) -> None:
        """Count one more trained network, whose training loss is `loss`."""
        self.n_done += 1
        self.loss_sum += loss
        finished = self.n_done == self.n_networks
        terminal = sys.stdout.isatty()
        tenths = 10 * self.n_done // self.n_networks
        if not terminal and tenths == self.tenths_shown:
            return
        self.tenths_shown = tenths
        elapsed = time.perf_counter() - self.start
        left = elapsed / self.n_done * (self.n_networks - self.n_done)
        line = (
            f"SCDClassifier: {self.n_done}/{self.n_networks} networks, mean training "
            f"{self.measure} {self.loss_sum / self.n_done:.4f}, {elapsed:.0f} s, "
            f"{left:.0f} s left"
        )
        end = "\r" if terminal and not finished else "\n"
        print(line, end=end, flush=True)
