"""Networks trained by their certified radius: start, kernels, and what is stored."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_scd._kernels.input_norm import InputNorm
from sklearn_scd._kernels.losses import to_bias_grid, to_grid
from sklearn_scd._kernels.radius import (
    SPREAD,
    Planes,
    RadiusSettings,
    Rows,
    Scaling,
    train_by_radius,
    write_means,
)
from sklearn_scd._kernels.rows import as_columns, normalise_rows
from sklearn_scd._kernels.training import Data
from sklearn_scd._margin_norm import L2, MarginNorm
from sklearn_scd._training_set import fixed_point_weights, read_only
from sklearn_scd._typing import Floats

TRIED = 1 / 6, 5 / 6  # order statistics beside the median
_TRIAL = 8  # of so many passes one tries each
_LEAST_SPREAD = 1e-140  # whose square, and what is small beside it, are sound
_MOST_MARGIN = 1e140  # of spreads; the squares of steps have to be numbers
_CLEARLY = 0.95  # of the median's loss


def radius_settings(options: dict[str, Any]) -> RadiusSettings:
    """Settings of the kernels.

    Parameters
    ----------
    options : dict
        The estimator's parameters, with ``max_iter`` resolved.
    """
    patience = options["n_iter_no_change"] or math.inf
    return RadiusSettings(
        rank=max(int(options["hidden_units"]), 1) // 2,
        margin=float(options["margin"]),
        step=float(options["learning_rate"]),
        max_iter=int(options["max_iter"]),
        tol=float(options["tol"]),
        n_iter_no_change=int(min(patience, options["max_iter"] + 1)),
        alike=bool(options["alike"]),
    )


def with_sides_alike(data: Data) -> Data:
    """The same rows, those of the positive class weighing as much as the others.

    Where one side weighs less, the largest mean radius is that of a constant: all
    hyperplanes move away from the other side.
    """
    weight = data.weight.astype(np.float64)
    positive = np.zeros(weight.size, dtype=bool)
    positive[data.start : data.stop] = True
    if positive.all() or not positive.any():
        return data
    for side in (positive, ~positive):
        weight[side] /= weight[side].sum()
    return data._replace(weight=read_only(fixed_point_weights(weight)))


def train_radius_network(
    data: Data,
    settings: RadiusSettings,
    weights: Floats,
    state: NDArray[np.uint64],
    held_out: Data | None,
    margin_norm: MarginNorm = L2,
) -> tuple[Floats, Floats, Floats, float, Floats, int, Floats]:
    """Train a network by its certified radius.

    Parameters
    ----------
    data : Data
    settings : RadiusSettings
        The margin in the norm below.
    weights : ndarray of shape (n_units, n_features)
        Draws from N(0, 1); overwritten.
    state : ndarray of shape (1,), dtype uint64
        Overwritten.
    held_out : Data or None
    margin_norm : MarginNorm, default=L2

    Returns
    -------
    weights : ndarray of shape (n_units, n_features)
        Rows of unit norm.
    thresholds : ndarray of shape (n_units,)
    u : ndarray of shape (n_units,)
    c : float
    loss_curve : ndarray of shape (max_iter,), float32
        Fixed-point losses, NaN after an early stop.
    n_iter : int
    held_out_curve : ndarray of shape (max_iter,), float32

    Raises
    ------
    ValueError
        If squares overflow or underflow, of samples or of steps by a large margin.
    """
    rows = _rows(data)
    scaling = scaling_of(rows)
    planes = start_planes(weights, scaling)
    held = _rows(data if held_out is None else held_out)
    if held_out is None:
        held = held._replace(weight=held.weight[:0])
    norm = margin_norm.norm
    # Rows are measured in units of their typical length, so distances are as well.
    settings = settings._replace(margin=settings.margin * margin_norm.typical)
    if not settings.margin * scaling.scale < _MOST_MARGIN:
        raise ValueError(
            f"margin={settings.margin:.3g} is too large beside the spread of the "
            f"samples, {SPREAD / scaling.scale:.3g}: squares of steps, which are in "
            "proportion to it, overflow."
        )
    settings = choose_rank(rows, scaling, planes, norm, settings, state)
    best, n_iter, curves = _train(rows, held, scaling, planes, norm, settings, state)
    weights, biases = np.ascontiguousarray(best.weights.T), best.biases
    if margin_norm is not L2:
        biases = biases / np.linalg.norm(weights, axis=1)
    normalise_rows(weights)
    thresholds = (weights * scaling.centre).sum(axis=1) - biases / scaling.scale
    n_units = len(weights)
    u = np.full(n_units, to_grid(1 / math.sqrt(n_units)))
    c = float(to_bias_grid(-(settings.rank + 0.5) * u[0]))
    return weights, thresholds, u, c, curves[0], n_iter, curves[1]


def choose_rank(
    rows: Rows,
    scaling: Scaling,
    planes: Planes,
    norm: InputNorm | None,
    settings: RadiusSettings,
    state: NDArray[np.uint64],
) -> RadiusSettings:
    """Choose the order statistic by short trainings, each from the same start.

    Where one class surrounds the other a median tells nothing: more units have to be
    active on one side than can be. Short trainings tell little between losses that are
    close: the median stays unless another one's is clearly less.

    Returns
    -------
    settings : RadiusSettings
        With the `rank` chosen.
    """
    last = planes.biases.size - 1
    ranks = [settings.rank, *(round(share * last) for share in TRIED)]
    passes = max(settings.max_iter // _TRIAL, 1)
    short = settings._replace(max_iter=passes, tol=0.0, n_iter_no_change=passes + 1)
    nobody = rows._replace(weight=rows.weight[:0])
    losses = {}
    for rank in dict.fromkeys(ranks) if last else ():
        trial = short._replace(rank=rank)
        _, _, curves = _train(rows, nobody, scaling, planes, norm, trial, state)
        losses[rank] = float(curves[0, -1])
    best = min(losses, key=losses.__getitem__, default=settings.rank)
    clearly = best in losses and losses[best] < _CLEARLY * losses[settings.rank]
    return settings._replace(rank=best) if clearly else settings


def _train(
    rows: Rows,
    held_out: Rows,
    scaling: Scaling,
    planes: Planes,
    norm: InputNorm | None,
    settings: RadiusSettings,
    state: NDArray[np.uint64],
) -> tuple[Planes, int, NDArray[np.float32]]:
    """Train from a start that is left as it is; curves of both sets of rows."""
    start = Planes(*(array.copy() for array in planes))
    curves = np.full((2, settings.max_iter), np.nan, dtype=np.float32)
    best, n_iter = train_by_radius(
        rows, held_out, scaling, start, norm, settings, state, *curves
    )
    return best, n_iter, curves


def _rows(data: Data) -> Rows:
    columns = as_columns(data.columns, data.values)
    return Rows(columns, data.weight, data.start, data.stop)


def scaling_of(rows: Rows) -> Scaling:
    """The means of the samples, and the factor that brings them to a common spread.

    Raises
    ------
    ValueError
        If the squares of samples overflow or underflow.
    """
    n_features = len(rows.columns.whole) or len(rows.columns.single)
    centre, towards = np.empty((2, n_features or len(rows.columns.double)))
    with np.errstate(over="ignore", invalid="ignore"):
        spread = write_means(rows, np.empty(rows.weight.size), centre, towards)
    if not math.isfinite(spread):
        raise ValueError(
            "Input X contains values too large for their squares, which loss='radius' "
            "sums; scale X."
        )
    if spread < _LEAST_SPREAD and not _are_alike(rows):
        raise ValueError(
            "Input X contains values too near together for their squares, which "
            "loss='radius' sums; scale X."
        )
    scale = SPREAD / spread if spread > SPREAD * np.finfo(float).tiny else 1.0
    return Scaling(centre, towards, scale)


def _are_alike(rows: Rows) -> bool:
    """Whether all samples are equal."""
    *arrays, _ = rows.columns
    return all(bool((a == a[:, :1]).all()) for a in arrays if a.size)


def start_planes(weights: Floats, scaling: Scaling) -> Planes:
    """Hyperplanes through the mean, the positive class on their active side.

    Parameters
    ----------
    weights : ndarray of shape (n_units, n_features)
        Draws from N(0, 1); overwritten.
    scaling : Scaling
    """
    normalise_rows(weights)
    against = (weights * scaling.towards).sum(axis=1) < 0
    weights[against] *= -1
    return Planes(np.ascontiguousarray(weights.T), np.zeros(len(weights)))
