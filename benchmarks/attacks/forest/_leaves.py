"""The leaves of a forest as boxes, and what it costs to move an image into each."""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble._forest import ForestClassifier

Box = dict[int, tuple[float, float]]


@dataclass(frozen=True)
class Leaves:
    """All leaves of all trees, each a box of closed intervals of float32 values.

    Trees compare float32 values: `x <= threshold` is `x <= b` for the largest float32
    value b that is not above the threshold, and its contrary `x >= a` for the next one.

    Parameters
    ----------
    trees : ndarray of int, shape (n_leaves,)
        Tree of each, ascending.
    values : ndarray of shape (n_leaves, n_classes), float64
        Probabilities of the classes.
    leaf : ndarray of int, shape (n_intervals,)
        Leaf of each interval.
    feature : ndarray of int, shape (n_intervals,)
        Its feature, at most once a leaf.
    low, high : ndarray of shape (n_intervals,), float32
        Its ends; infinite where there is none.
    """

    trees: np.ndarray
    values: np.ndarray
    leaf: np.ndarray
    feature: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def are_pure(self) -> bool:
        """Whether each leaf is of one class alone, so that sums of values are exact."""
        return bool(np.isin(self.values, (0.0, 1.0)).all())

    def total(self, per_interval: np.ndarray) -> np.ndarray:
        """Sum over the intervals of each leaf, shape (n_leaves,)."""
        return np.bincount(self.leaf, per_interval, minlength=self.trees.size)

    def around(self, x: np.ndarray) -> np.ndarray:
        """Return the leaf of each tree that a float32 image lies in."""
        values = x[self.feature]
        return np.flatnonzero(
            self.total((values < self.low) | (values > self.high)) == 0
        )

    def subset(self, kept: np.ndarray) -> "Leaves":
        """Return the leaves of a boolean mask."""
        places = np.cumsum(kept) - 1
        of_kept = kept[self.leaf]
        return Leaves(
            self.trees[kept], self.values[kept], places[self.leaf[of_kept]],
            self.feature[of_kept], self.low[of_kept], self.high[of_kept],
        )  # fmt: skip


def read_leaves(forest: ForestClassifier) -> Leaves:
    """Return the leaves of a fitted forest of one output."""
    trees, values, boxes = [], [], []
    for k, estimator in enumerate(forest.estimators_):
        for node, box in _boxes(estimator.tree_):
            trees.append(k)
            values.append(estimator.tree_.value[node, 0])
            boxes.append(box)
    ends = np.array(
        [interval for box in boxes for interval in box.values()], dtype=np.float32
    ).reshape(-1, 2)
    return Leaves(
        np.array(trees),
        np.array(values),
        np.repeat(np.arange(len(boxes)), [len(box) for box in boxes]),
        np.array([feature for box in boxes for feature in box], dtype=int),
        ends[:, 0],
        ends[:, 1],
    )


def _boxes(tree) -> list[tuple[int, Box]]:
    """Return each leaf's node and box."""
    leaves = []
    nodes: list[tuple[int, Box]] = [(0, {})]
    while nodes:
        node, box = nodes.pop()
        if tree.children_left[node] == tree.children_right[node]:
            leaves.append((node, box))
            continue
        feature = int(tree.feature[node])
        below, above = _sides(tree.threshold[node])
        low, high = box.get(feature, (-np.inf, np.inf))
        nodes += [
            (tree.children_right[node], {**box, feature: (max(low, above), high)}),
            (tree.children_left[node], {**box, feature: (low, min(high, below))}),
        ]
    return leaves


def _sides(threshold: float) -> tuple[float, float]:
    """Return the last float32 value not above a threshold, and the first above it."""
    below = np.float32(threshold)
    if below > threshold:
        below = np.nextafter(below, np.float32(-np.inf))
    return float(below), float(np.nextafter(below, np.float32(np.inf)))


@dataclass(frozen=True)
class Image:
    """An image, and how far it is from the boxes of leaves.

    Parameters
    ----------
    x : ndarray of shape (n_features,)
        As given; a forest sees it rounded to float32.
    clip_values : tuple of (float, float)
        Smallest and largest value that a feature may take.
    """

    x: np.ndarray
    clip_values: tuple[float, float]

    @property
    def seen(self) -> np.ndarray:
        """The image as a forest sees it, float32."""
        return self.x.astype(np.float32)

    @property
    def farthest(self) -> float:
        """Squared distance that no image within the clip values is beyond."""
        low, high = self.clip_values
        x = self.x.astype(np.float64)
        return float((np.maximum(x - low, high - x) ** 2).sum())

    def costs(self, features: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Squared moves of features to float32 values, 0 where they are there.

        Inf where clip values forbid it.
        """
        x, values = self.x[features].astype(np.float64), values.astype(np.float64)
        moves = np.where(values == self.seen[features], 0.0, values - x)
        low, high = np.array(self.clip_values, dtype=np.float32)
        moves[(moves > 0) & (values > high) | (moves < 0) & (values < low)] = np.inf
        return moves**2

    def least_costs(self, features: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return lower bounds of the same for images that are not of float32 values.

        They are rounded to the nearest: to be seen at a value, a feature has to be
        beyond its neighbor.
        """
        least = self.costs(features, np.nextafter(values, self.seen[features]))
        return np.where(np.isinf(self.costs(features, values)), np.inf, least)

    def moved(self, features: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the image with features moved, within the clip values."""
        changed = self.x.copy()
        changed[features] = values
        return changed.clip(*self.clip_values)

    def nearest_values(self, leaves: Leaves) -> np.ndarray:
        """Return the value in each interval that is nearest, float32."""
        return self.seen[leaves.feature].clip(leaves.low, leaves.high)
