"""The nearest image of another class of a forest, as a mixed-integer linear program.

Kantchelian, Tygar and Joseph [1]_ have a 0/1 variable for each condition on a feature,
"at least a" or "at most b", and one for each leaf: in each tree one leaf is on, and
only if the conditions of its box hold. As a feature moves from one condition to the
next one its squared move grows by a known step, so that the squared L2 distance is
linear in these variables, too. Conditions that hold for the image itself need none.

.. [1] Kantchelian, Tygar, Joseph, "Evasion and Hardening of Tree Ensemble Classifiers",
   ICML 2016.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array

from benchmarks.attacks.forest._leaves import Image, Leaves

MOST_NODES = 1000  # of branch and bound
# Of a lead that comes from nowhere, over the cost of the farthest image looked for. It
# lets the relaxation have a solution and its dual a bound where there is no image.
PRICE = 1000.0
SLACK = 1e-9  # of sums in float64


@dataclass(frozen=True)
class Conditions:
    """Features to move, and where to; ascending by side and, on a side, by distance.

    Parameters
    ----------
    side : ndarray of int, shape (n_conditions,)
        Twice the feature; one more for "at most".
    value : ndarray of shape (n_conditions,), float32
    """

    side: np.ndarray
    value: np.ndarray

    @property
    def feature(self) -> np.ndarray:
        """Feature of each."""
        return self.side // 2

    def steps(self, costs: np.ndarray) -> np.ndarray:
        """Return what each costs more than the one before it on its side."""
        return costs - np.where(self.follow, np.roll(costs, 1), 0.0)

    @property
    def follow(self) -> np.ndarray:
        """Whether there is one before it on its side."""
        follow = self.side == np.roll(self.side, 1)
        follow[:1] = False
        return follow


@dataclass(frozen=True)
class Program:
    """Minimize `costs @ v` over v in [0, 1] with `A @ v <= b` and one leaf a tree.

    Variables are leaves, conditions, and the lead that comes from nowhere. Costs are
    shares of the cost of the farthest image looked for.

    Parameters
    ----------
    conditions : Conditions
    costs : ndarray of shape (n_variables,)
    least_costs : ndarray of shape (n_variables,)
        For images that are not of float32 values.
    A : csr_array of shape (n_rows, n_variables)
        The last row is the lead of the class looked for, negative.
    b : ndarray of shape (n_rows,)
    one_leaf : csr_array of shape (n_trees, n_variables)
    """

    conditions: Conditions
    costs: np.ndarray
    least_costs: np.ndarray
    A: csr_array
    b: np.ndarray
    one_leaf: csr_array

    def lower_bound(self) -> float:
        """Return a cost that no solution is below, 1 at most.

        It is a dual solution of the relaxation, whose value is a bound whatever the
        solver's accuracy: here it is computed anew, against the least costs.
        """
        ones = np.ones(self.one_leaf.shape[0])
        result = linprog(
            self.costs, self.A, self.b, self.one_leaf, ones, (0, 1), method="highs"
        )
        if result.status != 0:
            return 0.0
        rows, trees = np.minimum(result.ineqlin.marginals, 0.0), result.eqlin.marginals
        b = self.b.copy()
        b[-1] += SLACK * trees.size
        reduced = self.least_costs - rows @ self.A - trees @ self.one_leaf
        bound = rows @ b + trees.sum() + np.minimum(reduced, 0.0).sum()
        sizes = np.abs(rows) @ np.abs(b) + np.abs(trees).sum()
        return min(max(float(bound - SLACK * sizes), 0.0), 1.0)

    def solve(self, extra: float) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the features that are moved and where to, or None without a solution.

        Parameters
        ----------
        extra : float
            Added to the lead that is asked for.
        """
        b = self.b.copy()
        b[-1] -= extra
        n_leaves = self.costs.size - self.conditions.side.size - 1
        is_whole = np.zeros(self.costs.size)
        is_whole[n_leaves:-1] = 1
        most = np.ones(self.costs.size)
        most[-1] = 0
        result = milp(
            self.costs,
            integrality=is_whole,
            bounds=Bounds(0, most),
            constraints=[
                LinearConstraint(self.A, -np.inf, b),
                LinearConstraint(self.one_leaf, 1, 1),
            ],
            options={"node_limit": MOST_NODES, "mip_rel_gap": 1e-7},
        )
        if result.x is None:
            return None
        hold = np.flatnonzero(result.x[n_leaves:-1] > 0.5)
        # On a side the last one that holds is the farthest; assignment keeps the last.
        return self.conditions.feature[hold], self.conditions.value[hold]


def make_program(
    leaves: Leaves, image: Image, code: int, target: int, radius: float
) -> Program:
    """Write down the search for the nearest image that a class leads another one on.

    Parameters
    ----------
    leaves : Leaves
        Those within the radius, at least one a tree.
    image : Image
    code, target : int
        The classes: the second is to lead, or to draw if it comes first.
    radius : float
        Distance of the farthest image looked for.
    """
    conditions, asked = _conditions(leaves, image)
    n_leaves, n_conditions = leaves.trees.size, conditions.side.size
    n_variables = n_leaves + n_conditions + 1
    costs = [
        np.concatenate(
            [
                np.zeros(n_leaves),
                conditions.steps(cost(conditions.feature, conditions.value))
                / radius**2,
                [PRICE],
            ]
        )
        for cost in (image.costs, image.least_costs)
    ]
    rows = _Rows(n_variables)
    for leaf, condition, holds in asked:
        _require(rows, leaves.trees, conditions, leaf, condition, holds)
    _order(rows, conditions, n_leaves)
    _lead(rows, leaves, image, code, target)
    one_leaf = coo_array(
        (np.ones(n_leaves), (leaves.trees, np.arange(n_leaves))),
        shape=(leaves.trees[-1] + 1, n_variables),
    ).tocsr()
    return Program(conditions, *costs, *rows.matrix(), one_leaf)


def _conditions(
    leaves: Leaves, image: Image
) -> tuple[Conditions, list[tuple[np.ndarray, np.ndarray, bool]]]:
    """Return the conditions, and which leaves need which to hold and which not to.

    Depth counts away from the image: the value, negative for "at most".
    """
    seen = image.seen[leaves.feature]
    needed, spared = [], []
    for is_at_most, near, far in (
        (0, leaves.low, leaves.high),
        (1, -leaves.high, -leaves.low),
    ):
        here = -seen if is_at_most else seen
        side = 2 * leaves.feature + is_at_most
        beyond = near > here
        needed.append((leaves.leaf[beyond], side[beyond], near[beyond]))
        ends = far < np.inf
        spared.append((leaves.leaf[ends], side[ends], far[ends]))
    need_leaf, need_side, need_depth = map(np.concatenate, zip(*needed, strict=True))
    end_leaf, end_side, end_depth = map(np.concatenate, zip(*spared, strict=True))
    depths, ranks = np.unique(
        np.concatenate([need_depth, end_depth]), return_inverse=True
    )
    need_key = need_side * depths.size + ranks[: need_depth.size]
    end_key = end_side * depths.size + ranks[need_depth.size :]
    keys = np.unique(need_key)
    side, depth = keys // max(depths.size, 1), depths[keys % max(depths.size, 1)]
    conditions = Conditions(side, np.where(side % 2, -depth, depth))
    # The first condition beyond a leaf's end must not hold, hence none after it.
    first = np.searchsorted(keys, end_key, side="right")
    known = first < keys.size
    known[known] = side[first[known]] == end_side[known]
    return conditions, [
        (need_leaf, np.searchsorted(keys, need_key), True),
        (end_leaf[known], first[known], False),
    ]


class _Rows:
    """Rows of `A @ v <= b`, gathered."""

    def __init__(self, n_variables: int):
        self.n_variables = n_variables
        self._row, self._column, self._entry, self._b = [], [], [], []
        self._n_rows = 0

    def add(
        self,
        row: np.ndarray,
        column: np.ndarray,
        entry: np.ndarray | float,
        b: np.ndarray,
    ) -> None:
        """Add rows: entries by row, counted from 0, and column; limits b."""
        self._row.append(self._n_rows + row)
        self._column.append(column)
        self._entry.append(np.broadcast_to(entry, row.shape))
        self._b.append(b)
        self._n_rows += b.size

    def matrix(self) -> tuple[csr_array, np.ndarray]:
        """Return A and b."""
        row, column, entry = map(np.concatenate, (self._row, self._column, self._entry))
        shape = self._n_rows, self.n_variables
        return coo_array((entry, (row, column)), shape=shape).tocsr(), np.concatenate(
            self._b
        )


def _require(
    rows: _Rows,
    trees: np.ndarray,
    conditions: Conditions,
    leaf: np.ndarray,
    condition: np.ndarray,
    holds: bool,
) -> None:
    """A leaf is on only where a condition holds, or only where it does not.

    Of one tree a single leaf is on: those with the same condition share a row. One that
    needs a condition needs those before it, too; one that needs it not to hold, those
    after it.
    """
    n_leaves, n = trees.size, conditions.side.size
    keys, row = np.unique(trees[leaf] * n + condition, return_inverse=True)
    # Rows of the same tree and side are neighbors.
    group = keys // n * (conditions.side.max(initial=0) + 1)
    group += conditions.side[keys % n] if n else 0
    start, stop = row, np.searchsorted(group, group[row], side="right")
    if holds:
        start, stop = np.searchsorted(group, group[row]), row + 1
    lengths = stop - start
    row = np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - stop, lengths)
    rows.add(
        np.concatenate([row, np.arange(keys.size)]),
        np.concatenate([np.repeat(leaf, lengths), n_leaves + keys % max(n, 1)]),
        np.concatenate([np.ones(row.size), np.full(keys.size, -1 if holds else 1)]),
        np.full(keys.size, 0.0 if holds else 1.0),
    )


def _order(rows: _Rows, conditions: Conditions, n_leaves: int) -> None:
    """One that holds has those before it hold; not both sides of a feature do."""
    later = np.flatnonzero(conditions.follow)
    row = np.arange(later.size)
    columns = np.concatenate([later, later - 1]) + n_leaves
    entries = np.repeat([1.0, -1.0], later.size)
    rows.add(np.tile(row, 2), columns, entries, np.zeros(later.size))
    first = np.flatnonzero(~conditions.follow)
    up = np.flatnonzero(np.diff(conditions.feature[first]) == 0)
    columns = np.concatenate([first[up], first[up + 1]]) + n_leaves
    rows.add(np.tile(np.arange(up.size), 2), columns, 1.0, np.ones(up.size))


def _lead(rows: _Rows, leaves: Leaves, image: Image, code: int, target: int) -> None:
    leads = leaves.values[:, target] - leaves.values[:, code]
    needed = _needed(leaves, code, target)
    missing = needed - leads[leaves.around(image.seen)].sum()
    n_leaves = leads.size
    rows.add(
        np.zeros(n_leaves + 1, dtype=int),
        np.append(np.arange(n_leaves), rows.n_variables - 1),
        -np.append(leads, max(missing, 1.0)),
        np.array([-needed]),
    )


def _needed(leaves: Leaves, code: int, target: int) -> float:
    """Return the least sum of leads over the trees that makes the forest change.

    Of equals argmax takes the first. Pure leaves lead by whole numbers and, of two
    classes, by odd ones each.
    """
    if not leaves.are_pure:
        return 0.0  # sums of fractions may be off by their rounding
    needed = int(target > code)
    if leaves.values.shape[1] == 2:
        needed += (needed + leaves.trees[-1] + 1) % 2
    return float(needed)
