"""An adversarial image of a forest, leaf after leaf: near, not the nearest."""

import numpy as np

from benchmarks.attacks.forest._leaves import Image, Leaves


def greedy_flip(
    leaves: Leaves, image: Image, code: int, target: int
) -> np.ndarray | None:
    """Move an image into leaves that favor a class until the forest answers otherwise.

    The next leaf is the one with the least added cost for what it gains; leaves chosen
    once are kept.

    Parameters
    ----------
    leaves : Leaves
    image : Image
    code : int
        Its class.
    target : int
        The class that leaves are to favor.

    Returns
    -------
    ndarray of shape (n_features,), or None
        None where no leaf is left that goes with those chosen.
    """
    seen = image.seen
    low = np.full(seen.size, -np.inf, dtype=np.float32)
    high = -low
    leads = leaves.values[:, target] - leaves.values[:, code]
    values, costs = seen, np.zeros(seen.size)
    while True:
        current = leaves.around(values)
        scores = leaves.values[current].sum(axis=0)
        if scores.argmax() != code:
            return image.moved(*_changes(seen, values))
        added = _added_costs(leaves, image, low, high, costs)
        # A lead beyond what is missing is worth nothing; a draw may be enough or not.
        missing = max(scores[code] - scores[target], 1e-9)
        gains = (leads - leads[current][leaves.trees]).clip(max=missing)
        with np.errstate(divide="ignore", invalid="ignore"):
            prices = np.where(gains > 0, added / gains, np.inf)
        best = prices.argmin()
        if prices[best] == np.inf:
            return None
        of_best = leaves.leaf == best
        features = leaves.feature[of_best]
        low[features] = np.maximum(low[features], leaves.low[of_best])
        high[features] = np.minimum(high[features], leaves.high[of_best])
        values = seen.clip(low, high)
        costs = image.costs(np.arange(seen.size), values)


def _added_costs(
    leaves: Leaves, image: Image, low: np.ndarray, high: np.ndarray, costs: np.ndarray
) -> np.ndarray:
    """Return what it costs to be in each leaf, too; inf where that can't be."""
    features = leaves.feature
    low = np.maximum(low[features], leaves.low)
    high = np.minimum(high[features], leaves.high)
    added = image.costs(features, image.seen[features].clip(low, high))
    return leaves.total(np.where(low > high, np.inf, added - costs[features]))


def _changes(seen: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    changed = np.flatnonzero(values != seen)
    return changed, values[changed]
