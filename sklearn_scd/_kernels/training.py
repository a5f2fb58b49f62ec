"""Training of one network by stochastic coordinate descent (paper, section 2)."""

from typing import NamedTuple

import numpy as np

from sklearn_scd._kernels import inlined_kernel, kernel
from sklearn_scd._kernels.held_out import held_out_loss, project_held_out
from sklearn_scd._kernels.hidden import hidden_step
from sklearn_scd._kernels.losses import total_loss
from sklearn_scd._kernels.network import fire, set_margin
from sklearn_scd._kernels.output_01 import output_step_01
from sklearn_scd._kernels.output_ce import output_step_ce
from sklearn_scd._kernels.random import draw_sorted, random_below, shuffle_front
from sklearn_scd._kernels.rows import copy_values, normalise_row
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


class Data(NamedTuple):
    """A binary training problem; the package's layout is in `_kernels.__init__`."""

    columns: np.ndarray  # (n_features, n_rows)
    lowest: np.ndarray  # (n_features,) in the dtype of projections
    highest: np.ndarray  # (n_features,)
    weight: np.ndarray  # (n_rows,) int64
    start: int  # rows in [start, stop) are of the positive class
    stop: int


@inlined_kernel
def _output_step(units, data, rows, n_positive, settings, network, scratch):
    if settings.linear:
        return
    if settings.cross_entropy:
        output_step_ce(units, data, rows, n_positive, settings, network, scratch)
    else:
        output_step_01(units, data, rows, n_positive, settings, network, scratch)


@kernel
def _draw_rows(n_positive, n_negative, data, state, out):
    """Draw rows of each class, the positive ones first."""
    n_rows, start, stop = data.weight.shape[0], data.start, data.stop
    size = stop - start
    draw_sorted(size, np.int64(0), start, n_positive, state, out)
    draw_sorted(n_rows - size, start, size, n_negative, state, out[n_positive:])
    return out[: n_positive + n_negative]


@kernel
def margin_at(n_iter, settings):
    """Margin of an iteration; it grows by steps: each costs a look at all rows."""
    if n_iter >= settings.growth:
        return settings.margin
    period = max(settings.growth // MARGIN_STEPS, 1)
    return settings.margin * (n_iter // period * period / settings.growth)


@kernel
def _loss(data, network, settings):
    return total_loss(
        data.start, data.stop, data.weight, network.drive, network.c[0],
        settings.cross_entropy,
    )  # fmt: skip


@kernel
def train(data, network, settings, state, loss_curve, held_out):
    """Train one network.

    Parameters
    ----------
    data : Data
    network : Network
        A random start: its nodes may fire, and drive nothing yet. Its parameters are
        overwritten with those of the best iterate on all rows, or on those held out,
        of equal ones the first; the other arrays go on with the last.
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
    weights, u = network.weights, network.u
    n_units, n_features = weights.shape
    n_rows = data.weight.shape[0]
    scratch = make_scratch(network.projections, data.columns)
    buffer = np.empty(n_rows + 2, dtype=np.uint32)
    units, features = np.arange(n_units), np.arange(n_features)
    for j in units:
        fire(j, network)

    # The start: all biases refitted on all rows.
    n_positive = data.stop - data.start
    rows = _draw_rows(n_positive, n_rows - n_positive, data, state, buffer)
    _output_step(units[:0], data, rows, n_positive, settings, network, scratch)
    order = np.arange(n_units)
    shuffle_front(order, n_units, state)
    for j in order:
        hidden_step(j, features[:0], data, rows, n_positive, settings, network, scratch)

    best_loss = best = _loss(data, network, settings)
    holds_out, total = held_out.weight.shape[0] > 0, data.weight.sum()
    if holds_out:
        total = held_out.weight.sum()
        project_held_out(0, n_units, held_out)
        best = held_out_loss(held_out, settings.cross_entropy)
    best_weights, best_thresholds = weights.copy(), network.thresholds.copy()
    best_u, best_c = u.copy(), network.c[0]
    changed = np.zeros(n_units, dtype=np.bool_)  # since the best iterate was kept
    n_positive = settings.n_positive
    tolerance = settings.tol * np.float64(total)
    reference, last_gain, n_iter = np.float64(best), 0, 0
    for n_iter in range(1, settings.max_iter + 1):
        margin = network.margin.dtype.type(margin_at(n_iter, settings))
        grown = network.margin[0] != margin
        if grown:
            set_margin(margin, network)
        rows = _draw_rows(n_positive, settings.n_negative, data, state, buffer)
        _output_step(units, data, rows, n_positive, settings, network, scratch)
        j = random_below(n_units, state)
        shuffle_front(features, settings.n_candidates, state)
        candidates = features[: settings.n_candidates]
        if hidden_step(
            j, candidates, data, rows, n_positive, settings, network, scratch
        ):
            changed[j] = True
            if holds_out:
                project_held_out(j, j + 1, held_out)
        loss = judged = _loss(data, network, settings)
        if holds_out:
            judged = held_out_loss(held_out, settings.cross_entropy)
        # Losses at another margin don't compare.
        if judged < best or grown:
            best, best_loss = judged, loss
            for k in range(n_units):
                if changed[k]:
                    copy_values(weights[k], best_weights[k])
                    changed[k] = False
            copy_values(network.thresholds, best_thresholds)
            copy_values(u, best_u)
            best_c = network.c[0]
        loss_curve[n_iter - 1] = best_loss
        if holds_out:
            held_out.curve[n_iter - 1] = best
        if best < reference - tolerance or grown:
            reference, last_gain = np.float64(best), n_iter
        elif (
            n_iter - last_gain >= settings.n_iter_no_change
            and n_iter >= settings.growth
        ):
            break
    copy_values(best_u, u)
    network.c[0] = best_c
    for j in range(n_units):
        copy_values(best_weights[j], weights[j])
        shrink = weights.dtype.type(1.0)
        if not settings.binary:
            shrink = normalise_row(weights[j])
        network.thresholds[j] = best_thresholds[j] * shrink
    return n_iter, best_loss
