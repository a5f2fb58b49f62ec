"""Numba kernels of certificates: what it takes to change single votes.

A unit switches at a cost: a squared distance, times a weight. In a network whose output
is to rise or fall, switching a unit gains some of it. The cheapest set of units that
gains enough is a knapsack problem, of few enough units to be solved exactly.

Naive twins are in ``tests/robustness/test_certificates.py``.
"""

import numpy as np

from sklearn_scd._kernels import allocating_kernel, kernel

_MOST_NODES = 20_000  # of the search for one vote; beyond, its relaxation is the answer


@allocating_kernel
def cheapest_set(costs, gains, need):
    """Least total cost of items that together gain at least `need`.

    Parameters
    ----------
    costs : ndarray of shape (n_items,), float64, not negative
    gains : ndarray of shape (n_items,), float64
        Items that gain nothing are left out.
    need : float64

    Returns
    -------
    cost : float64
        Infinite where all items together gain too little. Should the search take too
        long, the cost of the relaxation in which items can be shared, which is lower.
    """
    if need <= 0:
        return 0.0
    order = np.empty(costs.size, np.int64)
    ratios = np.empty(costs.size, np.float64)
    n = 0
    total = 0.0
    least, most = np.inf, 0.0
    for j in range(costs.size):
        if gains[j] > 0 and costs[j] < np.inf:
            ratios[n] = costs[j] / gains[j]
            order[n] = j
            total += gains[j]
            least, most = min(least, gains[j]), max(most, gains[j])
            n += 1
    if total < need:
        return np.inf
    _sort_by(ratios, order, n)
    if least == most:
        # The search would go through many sets: shared items cost less than whole ones.
        return _cheapest_items(costs, order[:n], least, need)
    taken = np.zeros(n, np.bool_)
    best = np.inf
    relaxed = -1.0
    gained = 0.0
    spent = 0.0
    depth = 0
    for _ in range(_MOST_NODES):
        # What is left to gain, at the best ratios, an item in part at last.
        bound = spent
        missing = need - gained
        place = depth
        while missing > 0 and place < n:
            j = order[place]
            if gains[j] >= missing:
                bound += costs[j] * missing / gains[j]
                missing = 0.0
            else:
                bound += costs[j]
                missing -= gains[j]
            place += 1
        if relaxed < 0:
            relaxed = bound
        if missing <= 0 and bound < best:
            if gained >= need:
                best = spent
            else:
                taken[depth] = True
                gained += gains[order[depth]]
                spent += costs[order[depth]]
                depth += 1
                continue
        # Back to the last item taken, and go on without it.
        depth -= 1
        while depth >= 0 and not taken[depth]:
            depth -= 1
        if depth < 0:
            return best
        taken[depth] = False
        gained -= gains[order[depth]]
        spent -= costs[order[depth]]
        depth += 1
    return relaxed


@kernel
def _cheapest_items(costs, order, gain, need):
    """Cost of as many items as gain `need`, the first in order, which gain alike."""
    spent, gained, place = 0.0, 0.0, 0
    while gained < need and place < order.size:
        spent += costs[order[place]]
        gained += gain
        place += 1
    return spent


@allocating_kernel
def bottleneck(distances, gains, need):
    """Least distance at which the units within it gain at least `need` together.

    Parameters
    ----------
    distances : ndarray of shape (n_units,), float64
    gains : ndarray of shape (n_units,), float64
    need : float64

    Returns
    -------
    distance : float64
    """
    if need <= 0:
        return 0.0
    order = np.empty(distances.size, np.int64)
    sizes = np.empty(distances.size, np.float64)
    n = 0
    for j in range(distances.size):
        if gains[j] > 0:
            sizes[n] = distances[j]
            order[n] = j
            n += 1
    _sort_by(sizes, order, n)
    gained = 0.0
    for place in range(n):
        gained += gains[order[place]]
        if gained >= need:
            return sizes[place]
    return np.inf


@allocating_kernel
def price(costs, gains, need):
    """Cost of a unit of gain at which the best items gain at least `need`.

    Parameters
    ----------
    costs : ndarray of shape (n_items,), float64
    gains : ndarray of shape (n_items,), float64
    need : float64

    Returns
    -------
    price : float64
    """
    ratios = np.empty(costs.size, np.float64)
    for j in range(costs.size):
        ratios[j] = costs[j] / gains[j] if gains[j] > 0 else np.inf
    return bottleneck(ratios, gains, need)


@kernel
def _sort_by(keys, order, n):
    """Sort the first `n` keys, which are few, and carry `order` along."""
    for i in range(1, n):
        key, item = keys[i], order[i]
        k = i - 1
        while k >= 0 and keys[k] > key:
            keys[k + 1], order[k + 1] = keys[k], order[k]
            k -= 1
        keys[k + 1], order[k + 1] = key, item


@allocating_kernel
def vote_costs(measure, costs, changes, outputs, rounding, named, out):
    """What it takes to make each vote name each class.

    Parameters
    ----------
    measure : int64
        0: :func:`cheapest_set`; 1: :func:`bottleneck`; 2: :func:`price`.
    costs : ndarray of shape (n_networks, n_units), float64
        Of switching each unit.
    changes : ndarray of shape (n_networks, n_units), float64
        Of the network's output by it.
    outputs : ndarray of shape (n_votes, n_rivals), float64
    rounding : ndarray of shape (n_networks,), float64
        What may be rounded in each output.
    named : ndarray of shape (n_votes,), int64
        Class that each vote names.
    out : ndarray of shape (n_votes, n_classes), float64
        The measure; 0 at the class named. With more than two classes a class's output
        must reach that of the class named: others may stay above, so that it is a lower
        bound.
    """
    n_rivals = outputs.shape[1]
    n_units = changes.shape[1]
    n_items = n_units if n_rivals == 1 else 2 * n_units
    some_costs = np.empty(n_items, np.float64)
    gains = np.empty(n_items, np.float64)
    for v in range(outputs.shape[0]):
        a = named[v]
        for target in range(out.shape[1]):
            if target == a:
                out[v, target] = 0.0
                continue
            if n_rivals == 1:
                sign = 1.0 if target == 1 else -1.0
                for j in range(n_units):
                    some_costs[j] = costs[v, j]
                    gains[j] = sign * changes[v, j]
                need = -sign * outputs[v, 0]
                rounded = rounding[v]
            else:
                rise, fall = v * n_rivals + target, v * n_rivals + a
                for j in range(n_units):
                    some_costs[j] = costs[rise, j]
                    gains[j] = changes[rise, j]
                    some_costs[n_units + j] = costs[fall, j]
                    gains[n_units + j] = -changes[fall, j]
                need = outputs[v, a] - outputs[v, target]
                rounded = rounding[rise] + rounding[fall]
            if rounded > 0.0:
                need -= rounded
            elif target > a:  # of equals the first class is named, and at 0 class 0
                need = np.nextafter(need, np.inf)
            if measure == 0:
                out[v, target] = cheapest_set(some_costs, gains, need)
            elif measure == 1:
                out[v, target] = bottleneck(some_costs, gains, need)
            else:
                out[v, target] = price(some_costs, gains, need)


@kernel
def cap_costs(prices, factor, changes, named, costs):
    """Lower the costs of units that no cheap set would take.

    A unit costs no more than `factor` times what its gain is worth to the vote that
    would pay most for it.

    Parameters
    ----------
    prices : ndarray of shape (n_votes, n_classes), float64
        Of a unit of gain, for each vote and class; infinite where it can't be had.
    factor : float64
    changes : ndarray of shape (n_networks, n_units), float64
    named : ndarray of shape (n_votes,), int64
    costs : ndarray of shape (n_networks, n_units), float64
        Changed in place.
    """
    n_votes, n_classes = prices.shape
    n_rivals = changes.shape[0] // n_votes
    for v in range(n_votes):
        a = named[v]
        highest = 0.0
        for target in range(n_classes):
            if target != a and prices[v, target] < np.inf:
                highest = max(highest, prices[v, target])
        for k in range(n_rivals):
            if n_rivals == 1:
                sign = 1.0 if a == 0 else -1.0
                worth = highest
            elif k == a:
                sign, worth = -1.0, highest
            else:
                sign = 1.0
                worth = prices[v, k] if prices[v, k] < np.inf else 0.0
            for j in range(changes.shape[1]):
                gain = sign * changes[v * n_rivals + k, j]
                most = factor * worth * gain if gain > 0 else 0.0
                if costs[v * n_rivals + k, j] < np.inf:
                    costs[v * n_rivals + k, j] = min(costs[v * n_rivals + k, j], most)


@allocating_kernel
def greedy_set(costs, gains, need, members):
    """Items that together gain at least `need`, at a low cost.

    The best ratios first, until it is enough; then what is too much goes, the dearest
    first.

    Parameters
    ----------
    costs : ndarray of shape (n_items,), float64
    gains : ndarray of shape (n_items,), float64
    need : float64
    members : ndarray of shape (n_items,), bool
        Filled.

    Returns
    -------
    cost : float64
        Of the set; infinite where all items together gain too little.
    """
    order = np.empty(costs.size, np.int64)
    ratios = np.empty(costs.size, np.float64)
    n = 0
    for j in range(costs.size):
        members[j] = False
        if gains[j] > 0 and costs[j] < np.inf:
            ratios[n] = costs[j] / gains[j]
            order[n] = j
            n += 1
    _sort_by(ratios, order, n)
    gained = 0.0
    spent = 0.0
    place = 0
    while gained < need:
        if place == n:
            return np.inf
        j = order[place]
        members[j] = True
        gained += gains[j]
        spent += costs[j]
        place += 1
    for back in range(place - 1, -1, -1):
        j = order[back]
        if gained - gains[j] >= need:
            members[j] = False
            gained -= gains[j]
            spent -= costs[j]
    return spent


@kernel
def dual_ascent(products, rows, sides, levels, multipliers, moves, n_sweeps, tolerance):
    """Shortest step across some hyperplanes, by coordinate ascent on its multipliers.

    The step is ``sum_i multipliers_i sides_i a_i``, and is to have
    ``sides_i moves_i >= sides_i levels_i`` at the rows given.

    Parameters
    ----------
    products : ndarray of shape (n_rows, n_rows), float64
        Inner products of all unit normals a, each turned towards its switching.
    rows : ndarray of shape (n,), int64
    sides : ndarray of shape (n,), float64
        1 where the hyperplane must be crossed, -1 where it must not.
    levels : ndarray of shape (n,), float64
    multipliers : ndarray of shape (n,), float64
        A start, changed in place.
    moves : ndarray of shape (n_rows,), float64
        Of the step towards every hyperplane, changed in place.
    n_sweeps : int64
    tolerance : float64
        Largest change of a multiplier in the last sweep.
    """
    for _ in range(n_sweeps):
        largest = 0.0
        for k in range(rows.size):
            i = rows[k]
            lack = sides[k] * (levels[k] - moves[i])
            multiplier = max(0.0, multipliers[k] + lack)
            change = multiplier - multipliers[k]
            if change != 0.0:
                multipliers[k] = multiplier
                largest = max(largest, abs(change))
                change *= sides[k]
                for q in range(moves.size):
                    moves[q] += change * products[i, q]
        if largest <= tolerance:
            break


@kernel
def weigh_products(products, rows, roots, out):
    """Inner products of some rows, each times a factor.

    Parameters
    ----------
    products : ndarray of shape (n_rows, n_rows), float64
    rows : ndarray of shape (n,), int64
    roots : ndarray of shape (n,), float64
    out : ndarray of shape (n, n), float64
    """
    for i in range(rows.size):
        for j in range(rows.size):
            out[i, j] = products[rows[i], rows[j]] * (roots[i] * roots[j])
