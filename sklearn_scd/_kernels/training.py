"""Training of one network by stochastic coordinate descent (paper, section 2)."""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import kernel
from sklearn_scd._kernels.held_out import held_out_loss, project_held_out
from sklearn_scd._kernels.hidden import hidden_step
from sklearn_scd._kernels.levels import level_space
from sklearn_scd._kernels.losses import total_loss
from sklearn_scd._kernels.network import fire, set_margin
from sklearn_scd._kernels.output_01 import output_step_01
from sklearn_scd._kernels.output_ce import output_step_ce
from sklearn_scd._kernels.random import draw_sorted, random_below, shuffle_front
from sklearn_scd._kernels.rows import (
    as_columns,
    copy_values,
    normalise_row,
    projection_space,
)
from sklearn_scd._kernels.steps import make_scratch

MARGIN_STEPS = 32


class Settings(NamedTuple):
    """Parameters of the training of one network."""

    cross_entropy: bool
    binary: bool
    linear: bool  # no output node to train: 0/1 loss, hidden_units=0
    step: float
    output_step: float
    n_candidates: int  # features tried a step
    n_positive: int  # rows drawn of the positive class
    n_negative: int  # and of the others
    max_iter: int
    tol: float
    n_iter_no_change: int  # more than max_iter: never stop early
    margin: float  # in the units of projections
    growth: int  # iterations in which the margin grows from 0
    ramp: float = 0.0  # of 0/1 loss: half-width of what hidden nodes train on, or 0
    n_others: int = 1  # classes that the positive one is told from
    target_loss: float = 0.0  # mean loss that ends the training


class Data(NamedTuple):
    """A binary training problem; the package's layout is in `_kernels.__init__`."""

    columns: np.ndarray  # (n_features, n_rows); kernels get them as Columns
    values: np.ndarray  # (n_values or 0,) float64, of which columns have the codes
    lowest: np.ndarray  # (n_features,)
    highest: np.ndarray  # (n_features,)
    weight: np.ndarray  # (n_rows,) int64
    start: int  # rows in [start, stop) are of the positive class
    stop: int


class Best(NamedTuple):
    """Parameters of the best iterate so far."""

    weights: np.ndarray  # (hidden_units, n_features)
    thresholds: np.ndarray  # (hidden_units,)
    u: np.ndarray  # (hidden_units,)
    changed: np.ndarray  # (hidden_units,) bool, rows of weights that changed since


@kernel
def _draw_rows(n_positive, n_negative, data, state, marks, out):
    """Draw rows of each class, the positive ones first."""
    start, size = data.start, data.stop - data.start
    n_rows = data.weight.shape[0]
    after, skipped, n_draw = np.int64(0), start, n_positive
    for turn in range(2):  # one call's code, not two
        if turn == 1:
            after, skipped, n_draw = start, size, n_negative
            size, out = n_rows - size, out[n_positive:]
        draw_sorted(size, after, skipped, n_draw, state, marks, out)


@kernel
def margin_at(n_iter, settings):
    """Margin of an iteration; it grows by steps: each costs a look at all rows."""
    if n_iter >= settings.growth:
        return settings.margin
    period = max(settings.growth // MARGIN_STEPS, 1)
    return settings.margin * (n_iter // period * period / settings.growth)


@kernel
def _keep_best(network, best):
    weights, changed = network.weights, best.changed
    for k in range(changed.shape[0]):
        if changed[k]:
            copy_values(weights[k], best.weights[k])
            changed[k] = False
    copy_values(network.thresholds, best.thresholds)
    copy_values(network.u, best.u)
    return network.c[0]


@kernel
def _restore_best(best, best_c, binary, network):
    copy_values(best.u, network.u)
    network.c[0] = best_c
    for j in range(best.u.shape[0]):
        copy_values(best.weights[j], network.weights[j])
        shrink = 1.0
        if not binary:
            shrink = normalise_row(network.weights[j])
        network.thresholds[j] = best.thresholds[j] * shrink


@kernel
def _train(
    data, network, settings, state, loss_curve, held_out, marks, rows, units, order,
    features, scratch, levels, space, best,
):  # fmt: skip
    """Train one network; see :func:`train`."""
    n_units, holds_out = units.shape[0], held_out.weight.shape[0] > 0
    for j in range(n_units):
        fire(j, network)
    best_loss = lowest = np.int64(0)
    best_c, total_weight = 0.0, np.int64(0)
    judges = held_out.weight if holds_out else data.weight
    for i in range(judges.shape[0]):
        total_weight += judges[i]
    tolerance = settings.tol * np.float64(total_weight)
    target = settings.target_loss * np.float64(total_weight)
    reference, last_gain, n_iter = 0.0, 0, 0
    # The start, iteration 0: all biases refitted on all rows.
    n_positive = data.stop - data.start
    n_negative = data.weight.shape[0] - n_positive
    n_turns, n_units_tried, n_candidates = n_units, np.int64(0), np.int64(0)
    for n_iter in range(settings.max_iter + 1):
        grown = False
        if n_iter == 1:
            n_positive, n_negative = settings.n_positive, settings.n_negative
            n_turns, n_units_tried = 1, n_units
            n_candidates = settings.n_candidates
        if n_iter > 0:
            margin = margin_at(n_iter, settings)
            grown = network.margin[0] != margin
            if grown:
                set_margin(margin, network)
        _draw_rows(n_positive, n_negative, data, state, marks, rows)
        n = n_positive + n_negative
        if levels is None:  # told by the type: each loss compiles its own step
            output_step_ce(
                n_units_tried, data, rows, n_positive, n, settings, network, scratch
            )
        elif not settings.linear:
            output_step_01(
                units, n_units_tried, data, rows, n_positive, n, settings, network,
                scratch, levels,
            )  # fmt: skip
        if n_iter == 0:
            shuffle_front(order, n_units, state)
        else:
            order[0] = random_below(n_units, state)
            shuffle_front(features, n_candidates, state)
        for turn in range(n_turns):
            j = order[turn]
            if hidden_step(
                j, features, n_candidates, data, rows, n_positive, n, settings,
                network, scratch, space,
            ):  # fmt: skip
                best.changed[j] = True
                if holds_out and n_iter > 0:
                    project_held_out(j, j + 1, space, held_out)
        loss = judged = total_loss(
            data.start, data.stop, data.weight, network.drive, network.c[0],
            settings.cross_entropy, scratch.x,
        )  # fmt: skip
        if holds_out:
            if n_iter == 0:
                project_held_out(np.int64(0), n_units, space, held_out)
            judged = held_out_loss(held_out, settings.cross_entropy)
        # Losses at another margin don't compare.
        if judged < lowest or grown or n_iter == 0:
            lowest, best_loss = judged, loss
            best_c = _keep_best(network, best)
        if n_iter == 0:
            reference = np.float64(lowest)
            continue
        loss_curve[n_iter - 1] = best_loss
        if holds_out:
            held_out.curve[n_iter - 1] = lowest
        # Of a loss of 0 no later iterate would be kept in any case.
        if np.float64(lowest) <= target and n_iter >= settings.growth:
            break
        if lowest < reference - tolerance or grown:
            reference, last_gain = np.float64(lowest), n_iter
        elif (
            n_iter - last_gain >= settings.n_iter_no_change
            and n_iter >= settings.growth
        ):
            break
    _restore_best(best, best_c, settings.binary, network)
    return n_iter, best_loss


def train(data, network, settings, state, loss_curve, held_out):
    """Train one network.

    Parameters
    ----------
    data : Data
    network : Network
        A random start: its nodes may be active, and drive nothing yet. Its parameters
        are overwritten with those of the best iterate on all rows, or on those held
        out, of equal ones the first; the other arrays go on with the last.
    settings : Settings
    state : ndarray of shape (1,), dtype uint64
    loss_curve : ndarray of shape (max_iter,), float32
        Filled with the fixed-point loss over all rows of the best iterate so far: one
        that falls or stays takes next to no room when it is stored compressed.
    held_out : HeldOut
        If it has rows, their loss says which iterate is the best, and when to stop.

    Returns
    -------
    n_iter : int
    best_loss : int
        Fixed-point loss of the best iterate over all rows of the training.
    """
    n_units, n_features = network.weights.shape
    n_rows = data.weight.size
    # Whatever the dtype of the data: a kernel is compiled once for all.
    data = data._replace(
        columns=as_columns(data.columns, data.values),
        lowest=data.lowest.astype(np.float64),
        highest=data.highest.astype(np.float64),
    )
    scratch = make_scratch(n_rows, max(settings.n_candidates, n_units))
    best = Best(
        np.empty_like(network.weights),
        np.empty_like(network.thresholds),
        np.empty_like(network.u),
        np.ones(n_units, dtype=np.bool_),
    )
    units, features = np.arange(n_units), np.arange(n_features)
    levels = None if settings.cross_entropy else level_space(n_rows)
    return _train(
        data, network, settings, state, loss_curve, held_out,
        np.empty(n_rows, dtype=np.uint8), np.empty(n_rows + 2, dtype=np.uint32),
        units, units.copy(), features, scratch, levels, projection_space(), best,
    )  # fmt: skip
