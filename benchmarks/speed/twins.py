"""Twins: kernels against the naive versions that the tests compare them with."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.speed.made_images import made_images
from benchmarks.speed.measurements import SectionRecord
from benchmarks.speed.timing import interleaved
from sklearn_scd import _reference as reference
from sklearn_scd._ensemble import (
    binary_problem,
    hold_out,
    network_seed,
    settings_for,
    start_network,
)
from sklearn_scd._kernels.threshold import best_threshold, search_space
from sklearn_scd._kernels.training import train
from sklearn_scd._training_set import training_set

HIDDEN_UNITS = 5


@dataclass(frozen=True)
class Sizes:
    """How much to search and to train."""

    n_values: int = 2000
    n_rows: int = 300
    n_features: int = 64
    n_candidates: int = 16
    max_iter: int = 5
    repeats: int = 3


def run(sizes: Sizes, say: Callable[[str], None]) -> SectionRecord:
    """Time each pair in turns."""
    record = SectionRecord(
        "Twins: kernels against sklearn_scd._reference",
        notes=["The tests hold that both of a pair give the same bits."],
    )
    pairs = {f"threshold of {sizes.n_values:,} values": _threshold_pair(sizes)}
    for loss in ("01", "ce"):
        name = (
            f"training, {loss}, {sizes.n_rows} x {sizes.n_features}, "
            f"{sizes.max_iter} iterations"
        )
        pairs[name] = _training_pair(loss, sizes)
    for name, pair in pairs.items():
        say(name)
        pair["kernel"]()
        seconds = interleaved(pair, sizes.repeats, loop=True)
        for side, values in seconds.items():
            record.add(f"{name}, {side}", values)
    return record


def _threshold_pair(sizes: Sizes) -> dict[str, Callable[[], object]]:
    rng = np.random.default_rng(0)
    values = rng.standard_normal(sizes.n_values)
    n, n_positive = sizes.n_values, sizes.n_values // 2
    gains = rng.integers(1, 2**30, sizes.n_values)
    gains[n_positive:] *= -1
    space = search_space(sizes.n_values)

    def kernel():
        return best_threshold(values, gains, n_positive, n, space)

    return {"kernel": kernel, "twin": lambda: reference.best_threshold(values, gains)}


def _training_pair(loss: str, sizes: Sizes) -> dict[str, Callable[[], object]]:
    X, y = made_images(sizes.n_rows, sizes.n_features)
    data = binary_problem(training_set(X, y, np.ones(len(y)), 2), 1)
    settings = settings_for(
        data,
        {
            "loss": loss,
            "binary_weights": False,
            "hidden_units": HIDDEN_UNITS,
            "learning_rate": 0.17,
            "output_learning_rate": 0.2,
            "subsample": 0.75,
            "n_candidates": sizes.n_candidates,
            "max_iter": sizes.max_iter,
            "tol": 0.0,
            "n_iter_no_change": None,
            "margin": 0.0,
            "margin_growth": 0.5,
            "ramp": 0.0,
            "target_loss": 0.0,
        },
    )
    rng = np.random.default_rng(0)
    shape = (HIDDEN_UNITS, sizes.n_features)
    weights = rng.standard_normal(shape)
    u = rng.standard_normal(HIDDEN_UNITS)
    state = network_seed(0, 0, 0)[1:]

    def kernel():
        curve = np.empty(settings.max_iter, dtype=np.float32)
        network = start_network(data, settings, weights.copy(), u.copy())
        held = hold_out(None, data, network, settings.max_iter)
        return train(data, network, settings, state.copy(), curve, held)

    def twin():
        start = weights, u, settings, state.copy()
        return reference.ReferenceNetwork(data, *start).train()

    return {"kernel": kernel, "twin": twin}
