"""Slow, obvious twins of the kernels: every threshold tried, every loss summed.

They are the tests' oracle and the benchmarks' yardstick. Random draws come from the
kernels, so that both train on the same rows and try the same features, and so do the
logistic loss and the sigmoid of one sample, which have tests of their own.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq

from sklearn_scd._kernels.hidden import REFRESH
from sklearn_scd._kernels.losses import (
    BIAS_BITS,
    GRID_BITS,
    logistic_loss,
    ramp_loss,
    sigmoid,
)
from sklearn_scd._kernels.output_ce import MIN_DECREASE
from sklearn_scd._kernels.radius import (
    FEW_UNITS,
    SPREAD,
    draw_pass,
    rate_at,
    width_at,
)
from sklearn_scd._kernels.random import draw_sorted, random_below, shuffle_front
from sklearn_scd._kernels.steps import CANCELLED
from sklearn_scd._kernels.training import margin_at


def values_of(data):
    """Values of a Data, (n_features, n_rows), whether its columns are codes or not."""
    return data.values[data.columns] if len(data.values) else data.columns


def midpoint(below, above):
    """Midpoint of two floats; the lower one if no float lies between them."""
    middle = below.dtype.type(0.5 * float(below) + 0.5 * float(above))
    return middle if middle < above else below


def best_threshold(values, gains):
    """Try every threshold, from the highest down; the first of the best wins.

    Parameters
    ----------
    values : ndarray of shape (n,), float32 or float64
    gains : ndarray of shape (n,), int
        What it is worth that sample i is on, ``values[i] > threshold``.

    Returns
    -------
    score : int
        Sum of the gains of the samples that are on.
    threshold : float, of the dtype of `values`
    """
    dtype = values.dtype.type
    distinct = np.unique(values)[::-1]
    pad = (float(distinct[0]) - float(distinct[-1])) / (2 * len(values))
    thresholds = [dtype(float(distinct[0]) + pad)]
    for above, below in pairwise(distinct):
        thresholds.append(midpoint(below, above))
    lowest = dtype(float(distinct[-1]) - pad)
    if not lowest < distinct[-1]:
        lowest = np.nextafter(distinct[-1], dtype(-np.inf))
    thresholds.append(lowest)
    scores = [int(gains[values > t].sum()) for t in thresholds]
    best = int(np.argmax(scores))
    return scores[best], thresholds[best]


def losses(target, weight, outputs, loss):
    """Fixed-point losses of samples.

    Parameters
    ----------
    target : ndarray of shape (n,), bool
    weight : ndarray of shape (n,), int
    outputs : ndarray of shape (n,)
    loss : {'01', 'ce'}

    Returns
    -------
    losses : ndarray of shape (n,), int
    """
    if loss == "01":
        return np.where((outputs > 0) == target, 0, weight)
    return np.array(
        [
            round(float(w) * logistic_loss(t, f))
            for t, w, f in zip(target, weight, outputs, strict=True)
        ],
        dtype=np.int64,
    )


def gains_of_firing(target, weight, off, on, loss, ramp):
    """How much smaller each sample's loss is with output `on` than with `off`."""
    if ramp:
        return np.array(
            [
                round(float(w) * (ramp_loss(t, a, ramp) - ramp_loss(t, b, ramp)))
                for t, w, a, b in zip(target, weight, off, on, strict=True)
            ],
            dtype=np.int64,
        )
    if loss == "01":
        return losses(target, weight, off, loss) - losses(target, weight, on, loss)
    return np.array(
        [
            round(float(w) * (logistic_loss(t, a) - logistic_loss(t, b)))
            for t, w, a, b in zip(target, weight, off, on, strict=True)
        ],
        dtype=np.int64,
    )


def best_bias(values, target, weight):
    """Bias that minimizes the logistic loss of ``values + c``, on its grid."""

    def slope(c):
        outputs = values + c
        smaller = np.array([sigmoid(abs(f)) for f in outputs])
        return float(weight @ (np.where(outputs > 0, 1 - smaller, smaller) - target))

    c = brentq(slope, -values.max() - 39.0, -values.min() + 39.0, xtol=1e-13)
    return to_bias_grid(c)


def to_bias_grid(c):
    """Round to the grid of output biases."""
    return round(c * 2**BIAS_BITS) / 2**BIAS_BITS


def to_grid(u):
    """Round to the grid of output weights."""
    return np.rint(u * 2.0**GRID_BITS) / 2.0**GRID_BITS


def unit_factor(row):
    """What brings a row to unit L2 norm, in its dtype."""
    squares = 0.0
    for w in row:
        squares += float(w) * float(w)
    return row.dtype.type(1 / math.sqrt(squares))


class ReferenceNetwork:
    """One network, trained by the book.

    Parameters
    ----------
    data : Data
    weights : ndarray of shape (hidden_units, n_features), float64
        Draws from N(0, 1).
    u : ndarray of shape (hidden_units,)
        The same.
    settings : Settings
    state : ndarray of shape (1,), dtype uint64
    held_out : Data, optional
        Rows by whose loss the best iterate is chosen.
    """

    def __init__(self, data, weights, u, settings, state, held_out=None):
        self.held_out, self.held_out_curve = held_out, []
        self.X, self.weight = values_of(data).T.astype(weights.dtype), data.weight
        self.target = np.zeros(len(self.X), dtype=bool)
        self.target[data.start : data.stop] = True
        self.loss = "ce" if settings.cross_entropy else "01"
        self.settings, self.state = settings, state
        self.W, self.u, self.c = weights.copy(), u.copy(), 0.0
        self.n_moves = np.zeros(len(u), dtype=int)
        if settings.binary:
            for array in (self.W, self.u):
                array[:] = np.where(array > 0, 1, -1)
        else:
            for row in self.W:
                row *= unit_factor(row)
            self.u = to_grid(self.u / math.sqrt(math.fsum(self.u * self.u)))
        if settings.linear:
            self.u, self.c = np.ones(1), -0.5
        self.V = np.array([self.project(row) for row in self.W])
        self.margin = self.V.dtype.type(0)
        self.thresholds = np.sort(self.V, axis=1)[:, (len(self.X) - 1) // 2].copy()
        for j in range(len(self.W)):
            self.centre_threshold(j)

    def project(self, row):
        """``w . x`` for every row, summed feature by feature."""
        total = np.zeros(len(self.X), dtype=self.W.dtype)
        for w, x in zip(row, self.X.T, strict=True):
            total += w * x
        return total

    def centre_threshold(self, j):
        """Move a threshold midway between the two rows next to it."""
        values = self.worst_values(j, self.u[j])
        below = values[values <= self.thresholds[j]]
        above = values[values > self.thresholds[j]]
        if below.size and above.size:
            self.thresholds[j] = midpoint(below.max(), above.min())

    def worst_values(self, j, u_j):
        """Projections, each moved by the margin to where the node hurts its row."""
        worse = self.margin if u_j > 0 else -self.margin
        return self.V[j] - np.where(self.target, worse, -worse)

    def firing(self, j, u_j):
        """State of a hidden unit on every row in the worst case, 1 where active."""
        return (self.worst_values(j, u_j) > self.thresholds[j]).astype(float)

    def move(self, j, step):
        """What a step on an output weight adds to every row's drive."""
        u, new = self.u[j], self.u[j] + step
        return new * self.firing(j, new) - u * self.firing(j, u)

    @property
    def H(self):
        """State of every hidden unit on every row, (hidden_units, n_rows)."""
        return np.array([self.firing(j, u_j) for j, u_j in enumerate(self.u)])

    @property
    def drive(self):
        """Outputs without the bias, (n_rows,)."""
        return self.u @ self.H

    def total_loss(self):
        """Fixed-point loss over all rows."""
        outputs = self.drive + self.c
        return int(losses(self.target, self.weight, outputs, self.loss).sum())

    def judge(self):
        """Fixed-point loss by which the best iterate is chosen."""
        held = self.held_out
        if held is None:
            return self.total_loss()
        target = np.zeros(len(held.weight), dtype=bool)
        target[held.start : held.stop] = True
        outputs = np.full(len(held.weight), float(self.c))
        for row, threshold, u_j in zip(self.W, self.thresholds, self.u, strict=True):
            values = np.zeros(len(held.weight), dtype=self.W.dtype)
            for w, x in zip(row, values_of(held).astype(self.W.dtype), strict=True):
                values += w * x
            worse = np.where(target == (u_j > 0), self.margin, -self.margin)
            outputs += u_j * (values - worse > threshold)
        return int(losses(target, held.weight, outputs, self.loss).sum())

    def steps(self, present, step):
        """Steps to try on a weight; none that cancels a row of unit norm."""
        if self.settings.binary:
            return [-2.0 * present]
        present, step = float(present), float(step)
        return [s for s in (step, -step) if 1 + s * (2 * present + s) >= CANCELLED]

    def output_step(self, units, rows):
        """Refit the output bias, then take the best of the steps on `units`."""
        if self.settings.linear:
            return
        if self.loss == "ce":
            self.output_step_ce(units, rows)
        else:
            self.output_step_01(units, rows)

    def output_step_01(self, units, rows):
        """Output step with every threshold tried for every step."""
        dtype = self.W.dtype
        values = self.drive[rows].astype(dtype)
        gains = np.where(self.target[rows], self.weight[rows], -self.weight[rows])
        best, threshold = best_threshold(values, gains)
        move = None
        steps = [
            (j, step)
            for j in units
            for step in self.steps(self.u[j], self.settings.output_step)
        ]
        if self.margin:  # those that turn a weight are tried last
            steps.sort(key=lambda s: (self.u[s[0]] + s[1] > 0) != (self.u[s[0]] > 0))
        for j, step in steps:
            moved = values + self.move(j, step)[rows].astype(dtype)
            score, t = best_threshold(moved, gains)
            if score > best:
                best, threshold, move = score, t, (j, step)
        shrink = 1.0
        if move is not None:
            self.u[move[0]] += move[1]
            if not self.settings.binary:
                shrink = 1.0 / math.sqrt(sum(v * v for v in self.u))
                self.u = to_grid(self.u * shrink)
        self.c = to_bias_grid(-float(threshold) * shrink)

    def output_step_ce(self, units, rows):
        """Output step with the best bias and the loss of every step."""
        values = self.drive[rows]
        target, weight = self.target[rows], self.weight[rows]

        def loss_at(values):
            c = best_bias(values, target, weight)
            return int(losses(target, weight, values + c, "ce").sum()), c

        best, self.c = loss_at(values)
        best -= int(MIN_DECREASE * float(weight.sum()))
        move = None
        for j in units:
            step = self.settings.output_step
            steps = [-2.0 * self.u[j]] if self.settings.binary else [step, -step]
            for step in steps:
                loss, c = loss_at(values + self.move(j, step)[rows])
                if loss < best:
                    best, move = loss, (j, step, c)
        if move is not None:
            j, step, self.c = move
            self.u[j] += step

    def hidden_step(self, j, features, rows):
        """Refit a hidden bias, then take the best step on `features`' weights."""
        self.search_hidden(j, features, rows)
        self.centre_threshold(j)

    def search_hidden(self, j, features, rows):
        """Set the threshold and at most one weight by the rows that care."""
        off = self.drive[rows] + self.c - self.u[j] * self.H[j, rows]
        target, weight = self.target[rows], self.weight[rows]
        gains = gains_of_firing(
            target, weight, off, off + self.u[j], self.loss, self.settings.ramp
        )
        rows, gains = rows[gains != 0], gains[gains != 0]
        if rows.size == 0:
            return
        dtype = self.W.dtype.type
        sides = (1, -1) if self.settings.linear else (1,)
        worse = np.where(gains > 0, self.margin, -self.margin)
        best, move = -1, None
        for side in sides:
            score, t = best_threshold(side * self.V[j, rows] - worse, gains)
            if score > best:
                best, threshold, move = score, t, (side, None, 0.0)
        for side in sides:
            for f in features:
                for step in self.steps(side * self.W[j, f], dtype(self.settings.step)):
                    shifted = side * self.V[j, rows] - worse
                    shifted = shifted + dtype(step) * self.X[rows, f]
                    growth = self.margin_growth(side * self.W[j, f], dtype(step))
                    shifted -= np.where(gains > 0, growth, -growth)
                    score, t = best_threshold(shifted, gains)
                    if score > best:
                        best, threshold, move = score, t, (side, f, dtype(step))
        side, feature, step = move
        self.W[j] *= side
        self.V[j] *= side
        self.thresholds[j] = threshold
        if feature is not None:
            self.take_step(j, feature, step)

    def margin_growth(self, weight, step):
        """By how much the margin grows with the norm of a row that takes a step."""
        if self.settings.binary:
            return self.W.dtype.type(0)
        weight, step = float(weight), float(step)
        norm = math.sqrt(1.0 + step * (2.0 * weight + step))
        return self.W.dtype.type(float(self.margin) * (norm - 1.0))

    def take_step(self, j, feature, step):
        """Change one hidden weight and bring its row back to unit norm."""
        w, step_ = float(self.W[j, feature]), float(step)
        self.W[j, feature] = self.W.dtype.type(w + step_)
        self.V[j] += step * self.X[:, feature]
        self.n_moves[j] += 1
        if not self.settings.binary:
            shrink = 1 / math.sqrt(1 + step_ * (2 * w + step_))
            for array in (self.W, self.V, self.thresholds):
                array[j] *= self.W.dtype.type(shrink)
        if self.n_moves[j] == REFRESH:  # compute the projections afresh
            self.n_moves[j] = 0
            if not self.settings.binary:
                shrink = unit_factor(self.W[j])
                self.W[j] *= shrink
                self.thresholds[j] *= shrink
            self.V[j] = self.project(self.W[j])

    def draw(self, pool, n_draw):
        """Draw from a pool without replacement, kept in order."""
        places = np.empty(n_draw + 1, dtype=np.uint32)
        marks = np.empty(len(pool), dtype=np.uint8)
        draw_sorted(len(pool), 0, 0, n_draw, self.state, marks, places)
        return pool[places[:n_draw]]

    def train(self):
        """Train; the best iterate stays in `W`, `thresholds`, `u`, `c`, `best_loss`.

        Returns
        -------
        curve : list of int
            Loss over all rows of the best iterate so far, after each iteration.
        """
        s = self.settings
        n_units, n_features = self.W.shape
        positives, negatives = (
            np.flatnonzero(self.target == side) for side in (True, False)
        )
        everything = np.concatenate([positives, negatives])
        self.output_step([], everything)
        units = np.arange(n_units)
        shuffle_front(units, n_units, self.state)
        for j in units:
            self.hidden_step(j, [], everything)
        best_loss, lowest, best = self.total_loss(), self.judge(), self.snapshot()
        weight = (self if self.held_out is None else self.held_out).weight.sum()
        features = np.arange(n_features)
        curve, reference, last_gain = [], lowest, 0
        for n_iter in range(1, s.max_iter + 1):
            margin = self.W.dtype.type(margin_at(n_iter, s))
            grown, self.margin = margin != self.margin, margin
            rows = np.concatenate(
                [
                    self.draw(positives, s.n_positive),
                    self.draw(negatives, s.n_negative),
                ]
            )
            self.output_step(range(n_units), rows)
            j = random_below(n_units, self.state)
            shuffle_front(features, s.n_candidates, self.state)
            self.hidden_step(j, features[: s.n_candidates], rows)
            judged = self.judge()
            if judged < lowest or grown:
                lowest, best = judged, self.snapshot()
                best_loss = self.total_loss()
            curve.append(best_loss)
            self.held_out_curve.append(lowest)
            if lowest <= s.target_loss * float(weight) and n_iter >= s.growth:
                break
            if lowest < reference - s.tol * float(weight) or grown:
                reference, last_gain = lowest, n_iter
            elif n_iter - last_gain >= s.n_iter_no_change and n_iter >= s.growth:
                break
        self.W, self.thresholds, self.u, self.c = best
        self.best_loss = best_loss
        if not s.binary:
            for j in range(n_units):
                shrink = unit_factor(self.W[j])
                self.W[j] *= shrink
                self.thresholds[j] *= shrink
        return curve

    def snapshot(self):
        """Copy the parameters."""
        return self.W.copy(), self.thresholds.copy(), self.u.copy(), self.c


def train_by_radius(
    rows, held_out, scaling, planes, settings, state, input_map=None, every=1
):
    """Train a network by its certified radius, one sample and one row at a time.

    Parameters
    ----------
    rows, held_out : Rows
    scaling : Scaling
    planes : Planes
        The start.
    settings : RadiusSettings
    state : ndarray of shape (1,), dtype uint64
        Advanced.
    input_map : ndarray of shape (n_features, n_inputs), default=None
        If given, rows are measured by the L1 norm of what it makes of them.
    every : int, default=1
        Samples, after which they are measured.

    Returns
    -------
    weights : ndarray of shape (n_features, n_units)
    biases : ndarray of shape (n_units,)
    curve, held_out_curve : list of int
        Fixed-point losses of the best iterate so far, after each pass.
    """
    weights, biases = planes.weights.copy(), planes.biases.copy()
    slope = 1.0 / (scaling.scale * settings.margin)
    margin = settings.margin * scaling.scale
    n_units = max(biases.size, FEW_UNITS)
    step = settings.step * margin / SPREAD * n_units / FEW_UNITS

    def samples(rows):
        *arrays, values = rows.columns
        X = next(array for array in arrays if len(array)).T
        X = values[X] if len(values) else X.astype(float)
        target = np.zeros(len(rows.weight), dtype=bool)
        target[rows.start : rows.stop] = True
        return (X[: len(target)] - scaling.centre) * scaling.scale, target

    def radius(x):
        """Signed radius of a sample, the unit that decides on it, all distances."""
        distances = biases.copy()
        for w, value in zip(weights, x, strict=True):
            distances += w * value
        unit = np.argsort(-distances, kind="stable")[settings.rank]
        return distances[unit], unit, distances

    def total_loss(rows):
        X, target = samples(rows)
        outputs = np.array([radius(x)[0] * slope for x in X])
        return int(losses(target, rows.weight, outputs, "ce").sum())

    def measure():
        """Bring rows to a norm of 1; the slopes of their norms, their L2 lengths."""
        slopes = np.zeros_like(weights)
        norms = np.zeros(biases.size)
        for column in input_map.T:
            outputs = np.zeros(biases.size)
            for f in np.flatnonzero(column):
                outputs += column[f] * weights[f]
            norms += np.abs(outputs)
            slopes += column[:, np.newaxis] * np.sign(outputs)
        for j in np.flatnonzero(norms):
            weights[:, j] *= 1 / norms[j]
        return slopes, np.sqrt(np.cumsum(weights**2, axis=0)[-1])

    X, target = samples(rows)
    if input_map is not None:
        slopes, lengths = measure()
    judges = held_out if held_out.weight.size else rows
    lowest = reference = math.inf
    last_gain, curve, held_out_curve = 0, [], []
    for n_iter in range(1, settings.max_iter + 1):
        drawn = np.empty(len(X) + 1, dtype=np.uint32)
        n = draw_pass(rows.weight, state, drawn)
        rate = rate_at((n_iter - 1) / settings.max_iter, step)
        change = (rate_at(n_iter / settings.max_iter, step) - rate) / n
        width = width_at((n_iter - 1) / settings.max_iter, margin)
        narrowing = (width_at(n_iter / settings.max_iter, margin) - width) / n
        for place, i in enumerate(drawn[:n]):
            if input_map is not None and place and place % every == 0:
                slopes, lengths = measure()
            output, unit, distances = radius(X[i])
            side = 1.0 if target[i] else -1.0
            right = side * output * slope
            pull = sigmoid(right) if right >= 0 else 1.0 - sigmoid(-right)
            away = np.abs(distances - output)
            inside = away < width
            near = 1 - away[inside] / width
            shares = np.zeros(biases.size)
            shares[inside] = near * near * near
            shares[unit] = 1
            shares /= np.cumsum(shares)[-1]
            for j in np.flatnonzero(shares):
                move = side * rate * pull * shares[j]
                direction, length = X[i], None
                if input_map is not None:
                    direction = X[i] - (distances[j] - biases[j]) * slopes[:, j]
                    length = lengths[j]
                biases[j] += move
                weights[:, j] += move * direction
                if move and length is None:
                    weights[:, j] *= unit_factor(weights[:, j])
                elif move:
                    squares = np.cumsum(weights[:, j] ** 2)[-1]
                    weights[:, j] *= length / math.sqrt(squares)
            rate += change
            width += narrowing
        if input_map is not None:
            slopes, lengths = measure()
        judged = total_loss(judges)
        if judged < lowest:
            lowest, best = judged, (weights.copy(), biases.copy())
            best_loss = total_loss(rows)
        curve.append(best_loss)
        held_out_curve.append(lowest)
        if lowest < reference - settings.tol * float(judges.weight.sum()):
            reference, last_gain = lowest, n_iter
        elif n_iter - last_gain >= settings.n_iter_no_change:
            break
    return *best, curve, held_out_curve


def active_shares(image, coef, intercept, n_regions, room=0.0):
    """Shares of patches on which units are active, one patch after another.

    Parameters
    ----------
    image : ndarray of shape (height, width, n_channels)
    coef : ndarray of shape (n_units, n_taps)
        Of square patches.
    intercept : ndarray of shape (n_units,)
    n_regions : int
        On each side.
    room : float, default=0.0
        Above which ``w . x + b`` must be: rounding errors of a kernel are allowed for
        by one on each side of 0.

    Returns
    -------
    shares : ndarray of shape (n_regions ** 2 * n_units,)
    """
    size = math.isqrt(coef.shape[1] // image.shape[2])
    borders = [
        np.linspace(0, side - size + 1, n_regions + 1).astype(int)
        for side in image.shape[:2]
    ]
    shares = []
    for top, bottom in pairwise(borders[0]):
        for left, right in pairwise(borders[1]):
            active = [
                coef @ image[r : r + size, c : c + size].ravel() + intercept > room
                for r in range(top, bottom)
                for c in range(left, right)
            ]
            shares.append(np.mean(active, axis=0))
    return np.concatenate(shares)
