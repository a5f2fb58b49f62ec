"""torch and torchvision as this benchmark needs them: whole, and leaving no trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

import torch

from benchmarks.common.errors import UserError, one_line

# What torchvision describes on import, whether or not its own library holds them.
OPERATORS = {
    name: f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    for name in ("nms", "qnms")
}
declared: dict[str, torch.library.Library] = {}  # an operator lives as long as its own


def import_torchvision() -> ModuleType:
    """Import torchvision, also one built for CUDA beside a torch that is not.

    Its library of operators can't be loaded then, and its import fails on the two of
    them that it describes to torch. No model here uses them, so declaring them is
    enough. It is done after a failed import only: where the library can be loaded,
    declaring them first would make that fail.

    Returns
    -------
    module

    Raises
    ------
    UserError
        If torchvision can't be imported all the same.
    """
    try:
        try:
            return import_module("torchvision")
        except RuntimeError:
            if not declare_missing_operators():
                raise
            return import_module("torchvision")
    except (ImportError, OSError, RuntimeError) as error:
        raise UserError(
            f"torchvision can't be imported beside torch {torch.__version__} "
            f"({one_line(error)}); install the release that belongs to it"
        ) from error


def declare_missing_operators() -> list[str]:
    """Declare those of `OPERATORS` that torch doesn't know, and return their names."""
    missing = [name for name in OPERATORS if not hasattr(torch.ops.torchvision, name)]
    for name in missing:
        declared[name] = torch.library.Library("torchvision", "FRAGMENT")
        declared[name].define(OPERATORS[name])
    return missing


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw torch's random numbers from a seed, then put the former state back."""
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed accelerators as well, which are not put back.
        torch.default_generator.manual_seed(seed)
        yield


@contextmanager
def limited_threads(n_threads: int) -> Iterator[None]:
    """Let torch use `n_threads`, then as many as before."""
    before = torch.get_num_threads()
    if n_threads == before:
        yield
        return
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
