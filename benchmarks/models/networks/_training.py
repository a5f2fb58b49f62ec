"""Training by gradient with early stopping, and the outputs of what it gave."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

# From rows and positions of their classes to rows.
Adversary = Callable[[np.ndarray, np.ndarray], np.ndarray]
# Of a prediction: more values, and maps of convolutions no longer fit into the cache;
# fewer rows, and what a call costs by itself counts.
VALUES_AT_A_TIME = 300_000
FEWEST_ROWS, MOST_ROWS = 16, 128
ROWS_ON_A_GPU = 4096  # fewer would leave it idle


@dataclass(frozen=True)
class Settings:
    """How long and how fast to train; see `TorchClassifier` for each."""

    max_iter: int
    batch_size: int
    learning_rate: float
    n_iter_no_change: int
    verbose: int
    precision: str


def train(
    module: nn.Module,
    fitted: tuple[np.ndarray, np.ndarray],
    held_out: tuple[np.ndarray, np.ndarray],
    settings: Settings,
    adversary: Adversary | None = None,
) -> list[float]:
    """Train a network by Adam on cross-entropy until the held-out loss stops falling.

    Parameters
    ----------
    module : nn.Module
        From rows (n_samples, n_features) to logits. Trained in place; left with the
        weights of its best epoch and in the mode for evaluation.
    fitted, held_out : tuple of ndarray
        X, float32, and y, positions of classes, of the rows to train on and of those
        that tell when to stop.
    settings : Settings
        How long and how fast.
    adversary : callable, default=None
        From rows and their classes to the rows that take their place, in training and
        when held out.

    Returns
    -------
    list of float
        The held-out loss after each epoch.
    """
    optimiser = torch.optim.Adam(
        module.parameters(), lr=settings.learning_rate, fused=True
    )
    losses: list[float] = []
    best_loss, best_epoch = math.inf, 0
    best_state = copy.deepcopy(module.state_dict())
    epochs = tqdm(
        range(1, settings.max_iter + 1),
        "epochs",
        leave=False,
        # None shows it on a terminal only.
        disable=None if settings.verbose else True,
    )
    for epoch in epochs:
        _run_epoch(module, *fitted, optimiser, settings, adversary)
        losses.append(_loss(module, *held_out, settings, adversary))
        if losses[-1] < best_loss:
            best_loss, best_epoch = losses[-1], epoch
            best_state = copy.deepcopy(module.state_dict())
        if epoch - best_epoch >= settings.n_iter_no_change:
            break
    epochs.close()
    optimiser.zero_grad()  # frees the gradients
    module.load_state_dict(best_state)
    module.eval()
    return losses


def evaluate(
    module: nn.Module, X: np.ndarray, precision: str = "float32"
) -> np.ndarray:
    """Return a network's logits, of shape (n_samples, n_classes).

    They are of the network's own dtype, with "bfloat16" float32.
    """
    device = device_of(module)
    n_rows = ROWS_ON_A_GPU
    if device.type == "cpu":
        n_rows = min(max(FEWEST_ROWS, VALUES_AT_A_TIME // X.shape[1]), MOST_ROWS)
    with torch.inference_mode(), _products(device, precision):
        logits = [
            module(_tensor(X[start : start + n_rows], device)).cpu()
            for start in range(0, len(X), n_rows)
        ]
    joined = torch.cat(logits)
    # NumPy has no bfloat16.
    return (joined.float() if joined.dtype == torch.bfloat16 else joined).numpy()


def choose_device(device: str) -> torch.device:
    """Return where to compute: "auto" is the first CUDA GPU, if there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def device_of(module: nn.Module) -> torch.device:
    """Return where a network's weights are."""
    return next(module.parameters()).device


def _run_epoch(
    module: nn.Module,
    X: np.ndarray,
    y: np.ndarray,
    optimiser: torch.optim.Optimizer,
    settings: Settings,
    adversary: Adversary | None,
) -> None:
    """Take one step for each batch, in a new order."""
    device = device_of(module)
    # Batches of nearly the same size: batch normalization can't do with a single row.
    n_batches = max(1, len(X) // settings.batch_size)
    for rows in np.array_split(torch.randperm(len(X)).numpy(), n_batches):
        batch = X[rows] if adversary is None else adversary(X[rows], y[rows])
        module.train()
        optimiser.zero_grad()
        codes = torch.from_numpy(y[rows]).to(device)
        with _products(device, settings.precision):
            loss = functional.cross_entropy(module(_tensor(batch, device)), codes)
        loss.backward()
        optimiser.step()


def _loss(
    module: nn.Module,
    X: np.ndarray,
    y: np.ndarray,
    settings: Settings,
    adversary: Adversary | None,
) -> float:
    """Return the mean cross-entropy."""
    if adversary is not None:
        X = adversary(X, y)
    module.eval()
    logits = torch.from_numpy(evaluate(module, X, settings.precision))
    return functional.cross_entropy(logits, torch.from_numpy(y)).item()


def _products(device: torch.device, precision: str) -> torch.autocast:
    """Return the context in which products and convolutions have this precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def _tensor(X: np.ndarray, device: torch.device) -> torch.Tensor:
    # torch takes over numpy's memory, but not with strides below 0, and it warns of
    # memory that it may not write to, such as joblib's for worker processes.
    return torch.from_numpy(np.require(X, requirements=["C", "W"])).to(device)
