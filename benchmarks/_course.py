"""What the stages of a run share."""

from dataclasses import dataclass

from benchmarks._environment import environment
from benchmarks._models import Budget
from benchmarks._pieces import Pieces
from benchmarks._protocols import Protocol
from benchmarks._results import Results
from benchmarks._tasks import Task

ATTACKED_SEED = 0  # the split on which models are attacked


@dataclass
class Course:
    """A run in progress.

    Parameters
    ----------
    budget : Budget
    protocol : Protocol or None
        None leaves the attacks out.
    results : Results
    pieces : Pieces
    white_box : bool, default=True
        Whether certificates and the attacks that know a model's weights follow the
        attacks of the protocol.
    """

    budget: Budget
    protocol: Protocol | None
    results: Results
    pieces: Pieces
    white_box: bool = True

    def basis(self, task: Task, seed: int, name: str) -> dict:
        """Return all that a trained model depends on."""
        split = task.splits[seed]
        model = next(model for model in task.models if model.name == name)
        built = model.build(seed, self.budget, task.dataset.image_shape)
        return {
            "data": task.fingerprint,
            "train": split.train.tolist(),
            "test": split.test.tolist(),
            "seed": seed,
            "model": name,
            "parameters": {k: repr(v) for k, v in built.get_params().items()},
            "kept": self.protocol is not None and seed == ATTACKED_SEED,
            "versions": environment()["versions"],
        }
