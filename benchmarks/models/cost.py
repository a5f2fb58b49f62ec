"""What models cost, to say beforehand how long a run will take.

Seconds were measured once, on one machine and data set, and are scaled to what is asked
for by simple rules: an estimate may be off by a factor of two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Reference:
    """What the seconds were measured on."""

    rows: int  # to train on
    features: int
    votes: int


# colon-ihc.
REFERENCE = Reference(rows=372, features=3_072, votes=20)
COMPILING = 20.0  # of the kernels of both losses, at the first run
REPORT = 8.0  # tables, figures and report of a data set


@dataclass(frozen=True)
class Cost:
    """Processor seconds of a model, measured on `REFERENCE`.

    Parameters
    ----------
    fit : float
        Training of one vote, or of the single run.
    iterations : int
        Iterations or epochs of such a fit, at most.
    queries : float
        1,000 queries of HopSkipJump, with all votes of `REFERENCE`.
    bounds : float
        An image's certificate and the attacks that know the model.
    distance : float
        An image in ``benchmarks.certified``: its certificate, or the attack on it.
    smoothing : float, default=0.0
        An image of 10,000 noisy copies there.
    candidate : float, default=0.0
        A fit in a search, of one vote behind a step that is fitted already, and its
        score; 0: none.
    voted : {"always", "asked", "never"}, default="always"
        Whether votes are taken.
    """

    fit: float
    iterations: int
    queries: float = 0.0
    bounds: float = 0.0
    distance: float = 0.0
    smoothing: float = 0.0
    candidate: float = 0.0
    voted: Literal["always", "asked", "never"] = "always"

    def training(
        self, rows: int, features: int, votes: int, max_iter: int | None, all_vote: bool
    ) -> float:
        """Return the seconds of one fit: in proportion to its size and iterations."""
        n_runs = votes if self._is_voted(all_vote) else 1
        size = rows * features / (REFERENCE.rows * REFERENCE.features)
        share = 1.0 if max_iter is None else max_iter / self.iterations
        return self.fit * n_runs * size * share

    def search(self, rows: int, votes: int) -> float:
        """Return the seconds of a candidate's fit, behind fitted steps."""
        n_runs = votes if self._is_voted(False) else 1
        return self.candidate * n_runs * rows / REFERENCE.rows

    def growth(self, features: int, votes: int, all_vote: bool) -> float:
        """Return how much dearer a prediction is than measured.

        Small models are no cheaper: what a call costs by itself is most of it.
        """
        growth = features / REFERENCE.features
        if self._is_voted(all_vote):
            growth *= votes / (REFERENCE.votes if self.voted == "always" else 1)
        return max(1.0, growth)

    def _is_voted(self, all_vote: bool) -> bool:
        return self.voted == "always" or (self.voted == "asked" and all_vote)


def duration(seconds: float) -> str:
    """Say a time in round figures."""
    if seconds < 100:
        return f"{max(10, round(seconds, -1)):.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def announcement(
    parts: Mapping[str, float], jobs: int, unknown: Sequence[str], compiling: float
) -> str:
    """Say how long a run will take.

    Parameters
    ----------
    parts : mapping of str to float
        Seconds of each stage, on these cores.
    jobs : int
        Cores.
    unknown : sequence of str
        Models whose cost was never measured.
    compiling : float
        Seconds of one core, at a first run.
    """
    times = {stage: seconds for stage, seconds in parts.items() if seconds > 0}
    cores = "1 core" if jobs == 1 else f"{jobs} cores"
    stages = ", ".join(f"{stage} {duration(time)}" for stage, time in times.items())
    lines = [
        f"Estimate: {duration(sum(times.values()))} on {cores}, give or take a factor "
        f"of two: {stages}; and {duration(compiling)} more where kernels are not "
        "compiled yet."
    ]
    if unknown:
        lines.append(f"Not in it, for want of measurements: {', '.join(unknown)}.")
    return "\n".join(lines)
