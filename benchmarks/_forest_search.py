"""A search among the boxes of a forest's leaves, in numba.

A leaf holds the points of a box, and one leaf of each tree those of a smaller box: what
a forest answers is a sum over such a choice. The search moves a point `z`
away from the sample `x`, each feature to the border of a leaf's box, until the leads of
the trees sum up to `need`; and back, feature by feature, as far as that stays so.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

LEAF = -1
TREES_MOVED = 3.0  # by one move, at most, for all that a bound counts on
TINY = 1e-12


class Trees(NamedTuple):
    """A forest in arrays; nodes of all trees have one numbering.

    Parameters
    ----------
    features : ndarray of int32, shape (n_nodes,)
        What a node asks for, `LEAF` at leaves.
    below : ndarray of float32, shape (n_nodes,)
        Values up to this one go left: trees compare in float32.
    above : ndarray of float32, shape (n_nodes,)
        Values from this one on go right, the next that float32 has.
    left, right : ndarray of int32, shape (n_nodes,)
    roots : ndarray of int32, shape (n_trees,)
    leads : ndarray of float64, shape (n_nodes,)
        At leaves, the share of the class wanted less that of the true class.
    users_from : ndarray of int32, shape (n_features + 1,)
    users : ndarray of int32
        Trees that ask for feature j are `users[users_from[j]:users_from[j + 1]]`.
    cuts_from : ndarray of int32, shape (n_features + 1,)
    cuts_below, cuts_above : ndarray of float32
        Both sides of all thresholds of a feature, in ascending order.
    depth : int
        Of the deepest tree.
    """

    features: np.ndarray
    below: np.ndarray
    above: np.ndarray
    left: np.ndarray
    right: np.ndarray
    roots: np.ndarray
    leads: np.ndarray
    users_from: np.ndarray
    users: np.ndarray
    cuts_from: np.ndarray
    cuts_below: np.ndarray
    cuts_above: np.ndarray
    depth: int


class Walk(NamedTuple):
    """Memory of a walk through a tree: a stack of nodes and a log of changes.

    Parameters
    ----------
    nodes, lengths, features : ndarray of int64, shape (n_most,)
        Of the stack: a node to go to, how long the log is where it branches off, and
        the feature to change on the way.
    values : ndarray of float32, shape (n_most,)
        What to change it to.
    changed : ndarray of int64, shape (n_most,)
        Features, in the order of changes.
    before : ndarray of float32, shape (n_most,)
        Their values until then.
    costs : ndarray of float64, shape (n_most,)
        What the first k changes add to the squared distance.
    """

    nodes: np.ndarray
    lengths: np.ndarray
    features: np.ndarray
    values: np.ndarray
    changed: np.ndarray
    before: np.ndarray
    costs: np.ndarray


class Point(NamedTuple):
    """Where the search is; its arrays are changed in place.

    Parameters
    ----------
    x : ndarray of float32, shape (n_features,)
        The sample attacked.
    z : ndarray of float32, shape (n_features,)
        The point reached.
    leads : ndarray of float64, shape (n_trees,)
        Of each tree at `z`.
    marks : ndarray of int64, shape (n_trees + 1,)
        Which trees were looked at, by the number of the look; the last is that number.
    """

    x: np.ndarray
    z: np.ndarray
    leads: np.ndarray
    marks: np.ndarray


@njit(cache=True)
def lead_of(trees, tree, z):
    """Return a tree's lead at a point."""
    node = trees.roots[tree]
    while trees.features[node] != LEAF:
        goes_left = z[trees.features[node]] <= trees.below[node]
        node = trees.left[node] if goes_left else trees.right[node]
    return trees.leads[node]


@njit(cache=True)
def start_at(trees, x, z):
    """Return a `Point` at a copy of z."""
    leads = np.empty(trees.roots.size)
    for tree in range(trees.roots.size):
        leads[tree] = lead_of(trees, tree, z)
    return Point(x, z.copy(), leads, np.zeros(trees.roots.size + 1, np.int64))


@njit(cache=True)
def cost_of(point):
    """Return the squared distance."""
    cost = 0.0
    for j in range(point.x.size):
        cost += (np.float64(point.z[j]) - point.x[j]) ** 2
    return cost


@njit(cache=True)
def gain_of(trees, point, changed, n_changed):
    """Sum what the leads of all trees that ask for changed features have grown by."""
    point.marks[-1] += 1
    gain = 0.0
    for k in range(n_changed):
        j = changed[k]
        for tree in trees.users[trees.users_from[j] : trees.users_from[j + 1]]:
            if point.marks[tree] != point.marks[-1]:
                point.marks[tree] = point.marks[-1]
                gain += lead_of(trees, tree, point.z) - point.leads[tree]
    return gain


@njit(cache=True)
def keep(trees, point, changed, n_changed):
    """Bring leads up to date after a change of `z`."""
    for k in range(n_changed):
        j = changed[k]
        for tree in trees.users[trees.users_from[j] : trees.users_from[j + 1]]:
            point.leads[tree] = lead_of(trees, tree, point.z)


@njit(cache=True)
def best_entry(trees, point, missing, limit, low, high, noise, rng):
    """Find the leaf to enter that brings most for its cost.

    Parameters
    ----------
    trees : Trees
    point : Point
        Left as it is.
    missing : float
        What the leads lack; more than that is worth nothing.
    limit : float
        Largest cost, in squared distance.
    low, high : float32
        Range of a feature's values.
    noise : float
        Merits are multiplied by a number up to 1 + `noise`, drawn anew each time.
    rng : numpy.random.Generator

    Returns
    -------
    features : ndarray of int64, shape (n_changed,)
        Features to change, none where no leaf brings anything.
    values : ndarray of float32, shape (n_changed,)
    n_looks : int
        Leaves that were tried.
    """
    n_most = trees.depth + 2  # nodes waiting, and changes
    walk = new_walk(n_most)
    best, n_best, n_looks = 0.0, 0, 0
    best_features, best_values = (
        np.empty(n_most, np.int64),
        np.empty(n_most, np.float32),
    )
    worth = min(missing, TREES_MOVED * np.ptp(trees.leads))
    for tree in range(trees.roots.size):
        n_stack = push(walk, 0, trees.roots[tree], 0, LEAF, np.float32(0))
        n_log = 0
        while n_stack:
            n_stack -= 1
            n_log = step(walk, point, n_stack, n_log)
            cost = walk.costs[n_log]
            if cost > limit or cost * best > worth:
                continue
            node = walk.nodes[n_stack]
            if trees.features[node] != LEAF:
                n_stack = branch(trees, walk, point.z, n_stack, n_log, low, high)
            elif n_log and trees.leads[node] > point.leads[tree]:
                n_looks += 1
                gain = gain_of(trees, point, walk.changed, n_log)
                merit = min(gain, missing) / max(cost, TINY)
                if noise > 0:
                    merit *= 1 + noise * rng.random()
                if merit > best:
                    best, n_best = merit, n_log
                    for k in range(n_log):
                        best_features[k] = walk.changed[k]
                        best_values[k] = point.z[walk.changed[k]]
        undo(walk, point, n_log, 0)
    return best_features[:n_best], best_values[:n_best], n_looks


@njit(cache=True)
def new_walk(n_most):
    """Return the memory of a walk through a tree."""
    return Walk(
        np.empty(n_most, np.int64),
        np.empty(n_most, np.int64),
        np.empty(n_most, np.int64),
        np.empty(n_most, np.float32),
        np.empty(n_most, np.int64),
        np.empty(n_most, np.float32),
        np.zeros(n_most),
    )


@njit(cache=True)
def push(walk, n_stack, node, n_log, feature, value):
    """Put a node on the stack; return its new size."""
    walk.nodes[n_stack], walk.lengths[n_stack] = node, n_log
    walk.features[n_stack], walk.values[n_stack] = feature, value
    return n_stack + 1


@njit(cache=True)
def undo(walk, point, n_log, length):
    """Take changes back until the log has a length; return it."""
    while n_log > length:
        n_log -= 1
        point.z[walk.changed[n_log]] = walk.before[n_log]
    return n_log


@njit(cache=True)
def step(walk, point, k, n_log):
    """Go to the stack's entry k, with the change that it asks for.

    Returns the length of the log, which has the walk's cost.
    """
    n_log = undo(walk, point, n_log, walk.lengths[k])
    j, value = walk.features[k], walk.values[k]
    if j != LEAF and point.z[j] != value:
        x = np.float64(point.x[j])
        added = (value - x) ** 2 - (point.z[j] - x) ** 2
        walk.changed[n_log], walk.before[n_log] = j, point.z[j]
        point.z[j] = value
        walk.costs[n_log + 1] = walk.costs[n_log] + added
        n_log += 1
    return n_log


@njit(cache=True)
def branch(trees, walk, z, k, n_log, low, high):
    """Put both sides of the stack's entry k in its place; return the stack's size."""
    node = walk.nodes[k]
    j, below, above = trees.features[node], trees.below[node], trees.above[node]
    left, right = trees.left[node], trees.right[node]
    n_stack = k
    is_left = z[j] <= below
    # The side where z is comes last, to be walked first.
    if is_left and above <= high:
        n_stack = push(walk, n_stack, right, n_log, j, above)
    if not is_left and below >= low:
        n_stack = push(walk, n_stack, left, n_log, j, below)
    return push(walk, n_stack, left if is_left else right, n_log, j, z[j])


@njit(cache=True)
def advance(trees, point, need, budget, low, high, noise, rng):
    """Enter leaf after leaf until the leads reach `need` or the budget is spent.

    Returns
    -------
    reached : bool
    n_looks : int
    """
    n_looks = 0
    while True:
        missing = need - point.leads.sum()
        if missing <= 0:
            return True, n_looks
        limit = budget - cost_of(point)
        if limit <= 0:
            return False, n_looks
        features, values, n = best_entry(
            trees, point, max(missing, TINY), limit, low, high, noise, rng
        )
        n_looks += n
        if features.size == 0:
            return False, n_looks
        for k in range(features.size):
            point.z[features[k]] = values[k]
        keep(trees, point, features, features.size)


@njit(cache=True)
def nearer_values(trees, point, j):
    """Values of a feature in each of its intervals between x and z, from x on."""
    x, z = point.x[j], point.z[j]
    first, last = trees.cuts_from[j], trees.cuts_from[j + 1]
    values = np.empty(last - first + 1, np.float32)
    values[0], n = x, 1
    if z > x:
        for k in range(first, last):
            if x < trees.cuts_above[k] < z:
                values[n] = trees.cuts_above[k]
                n += 1
    else:
        for k in range(last - 1, first - 1, -1):
            if x > trees.cuts_below[k] > z:
                values[n] = trees.cuts_below[k]
                n += 1
    return values[:n]


@njit(cache=True)
def retreat(trees, point, need, noise, rng):
    """Move features back towards x as long as the leads reach `need`.

    What costs no lead goes first, then what saves most distance; with `noise`, nearly.
    Returns the number of points tried.
    """
    n_looks, moved = 0, True
    while moved:
        free = True
        while free:
            free, looks = retreat_once(trees, point, np.inf, noise, rng)
            n_looks += looks
        moved, looks = retreat_once(trees, point, need, noise, rng)
        n_looks += looks
    return n_looks


@njit(cache=True)
def retreat_once(trees, point, need, noise, rng):
    """Try each feature that was changed once; no lead is lost if `need` is infinite."""
    x, z = point.x, point.z
    changed, moved, n_looks = np.empty(1, np.int64), False, 0
    features = np.flatnonzero(z != x)
    savings = (z[features].astype(np.float64) - x[features]) ** 2
    if noise > 0:
        for k in range(savings.size):
            savings[k] *= 1 + noise * rng.random()
    for j in features[np.argsort(-savings)]:
        old, changed[0] = z[j], j
        slack = max(point.leads.sum() - need, 0.0)
        for value in nearer_values(trees, point, j):
            z[j] = value
            n_looks += 1
            if gain_of(trees, point, changed, 1) >= -slack:
                keep(trees, point, changed, 1)
                moved = True
                break
            z[j] = old
    return moved, n_looks


@njit(cache=True)
def exchange(trees, point, need, rounds, low, high, noise, rng):
    """Give up some changes and search others for them, as long as it gets nearer.

    It ends after as many rounds without success. Returns the number of points tried.
    """
    x, z = point.x, point.z
    best_z, best_leads, best = z.copy(), point.leads.copy(), cost_of(point)
    left, n_looks = rounds, 0
    while left > 0:
        left -= 1
        features = np.flatnonzero(z != x)
        most = max(1, features.size // 3)
        n = 1 + int(rng.random() * most)
        for k in range(n):  # the first n of a random order
            other = k + int(rng.random() * (features.size - k))
            features[k], features[other] = features[other], features[k]
            z[features[k]] = x[features[k]]
        keep(trees, point, features, n)
        reached, looks = advance(trees, point, need, best, low, high, noise, rng)
        n_looks += looks
        if reached:
            n_looks += retreat(trees, point, need, noise, rng)
        cost = cost_of(point)
        if reached and 0 < cost < best * (1 - 1e-9):
            best, left = cost, rounds
            best_z[:], best_leads[:] = z, point.leads
        else:
            z[:], point.leads[:] = best_z, best_leads
    return n_looks
