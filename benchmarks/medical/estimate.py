"""How long a run of ``benchmarks.medical`` will take, said before it starts."""

from collections.abc import Sequence

from benchmarks.medical.protocols import Protocol
from benchmarks.medical.tasks import Task
from benchmarks.models import Budget
from benchmarks.models.cost import COMPILING, REPORT, announcement

QUERIES_OF_A_STEP = 100  # HopSkipJump's in its first iteration, growing by a root


def estimate(
    tasks: Sequence[Task], budget: Budget, protocol: Protocol | None, white_box: bool
) -> str:
    """Add up what is asked for: models, seeds, votes, images and their protocol.

    Parameters
    ----------
    tasks : sequence of Task
    budget : Budget
    protocol : Protocol or None
        None: nothing is attacked.
    white_box : bool
        Whether certificates and white-box attacks follow.

    Returns
    -------
    str
        One line, and a second one where models have no known cost.
    """
    parts = {"training": 0.0, "HopSkipJump": 0.0, "certificates and white-box": 0.0}
    unknown: dict[str, None] = {}
    jobs = budget.jobs
    for task in tasks:
        attacks, bounding = [0.0], [0.0]
        features = int(task.dataset.X[0].size)
        rows = sum(len(split.train) for split in task.splits)
        for model in task.models:
            cost = model.cost
            if cost is None:
                unknown[model.label] = None
                continue
            fits = cost.training(
                rows, features, budget.votes, budget.max_iter, budget.vote_all
            )
            parts["training"] += fits / jobs
            if protocol is None:
                continue
            growth = cost.growth(features, budget.votes, budget.vote_all)
            # Images of models run beside each other, and later models.
            one = cost.queries * growth * queries(protocol) / 1000 / protocol.images
            attacks += [one] * protocol.images
            if white_box:
                bounding.append(cost.bounds * growth * protocol.images)
        parts["HopSkipJump"] += _shared(attacks, jobs)
        parts["certificates and white-box"] += _shared(bounding, jobs)
    parts["report"] = REPORT * len(tasks)
    return announcement(parts, jobs, list(unknown), COMPILING)


def _shared(jobs: Sequence[float], cores: int) -> float:
    """Return how long jobs take: no less than the longest of them."""
    return max(sum(jobs) / cores, max(jobs))


def queries(protocol: Protocol) -> float:
    """Return about how many predictions HopSkipJump asks of a model, on all images."""
    an_attack = sum(QUERIES_OF_A_STEP * t**0.5 for t in range(1, protocol.max_iter + 1))
    return protocol.images * protocol.restarts * an_attack
