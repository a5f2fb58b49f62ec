"""What the stages of a run share."""

from dataclasses import dataclass

from benchmarks.common.checkpoints import Checkpoints
from benchmarks.medical.protocols import Protocol
from benchmarks.medical.results import Results
from benchmarks.medical.tasks import Task
from benchmarks.models import Budget

ATTACKED_SEED = 0  # the split on which models are attacked


@dataclass
class RunContext:
    """A run in progress.

    Parameters
    ----------
    budget : Budget
    protocol : Protocol or None
        None leaves the attacks out.
    results : Results
    checkpoints : Checkpoints
    white_box : bool, default=True
        Whether certificates and white-box attacks follow those of the protocol.
    """

    budget: Budget
    protocol: Protocol | None
    results: Results
    checkpoints: Checkpoints
    white_box: bool = True

    def parameters(self, task: Task, seed: int, name: str) -> dict:
        """Return all that was set for a trained model."""
        split = task.splits[seed]
        model = next(model for model in task.models if model.name == name)
        built = model.build(seed, self.budget, task.dataset.image_shape)
        return {
            "train": split.train.tolist(),
            "test": split.test.tolist(),
            "seed": seed,
            "model": name,
            "parameters": {k: repr(v) for k, v in built.get_params().items()},
            "kept": self.protocol is not None and seed == ATTACKED_SEED,
        }
