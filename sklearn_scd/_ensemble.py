"""Training of many networks: seeds, threads, stacked arrays.

Kernels do the arithmetic on one network; here they are fed and their results stacked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from joblib import delayed
from numpy.typing import NDArray

from sklearn_scd._jobs import run_jobs
from sklearn_scd._kernels.held_out import HeldOut
from sklearn_scd._kernels.input_norm import InputNorm
from sklearn_scd._kernels.losses import round_to_grid
from sklearn_scd._kernels.network import Network
from sklearn_scd._kernels.radius import RadiusSettings
from sklearn_scd._kernels.rows import (
    as_columns,
    normalise_rows,
    project,
    projection_space,
)
from sklearn_scd._kernels.training import Data, Settings, train
from sklearn_scd._margin_norm import L2, MarginNorm
from sklearn_scd._radius_training import (
    radius_settings,
    train_radius_network,
    with_sides_alike,
)
from sklearn_scd._range import check_range, highest_number, largest_entry
from sklearn_scd._training_set import (
    TrainingSet,
    fixed_point_weights,
    read_only,
)
from sklearn_scd._typing import Floats

_NEVER = -1e6  # an output bias that no hidden layer lifts above 0


class Networks(NamedTuple):
    """Trained networks, stacked."""

    hidden_coef: np.ndarray  # (n_networks, hidden_units, n_features)
    hidden_intercept: np.ndarray  # (n_networks, hidden_units)
    output_coef: np.ndarray  # (n_networks, hidden_units)
    output_intercept: np.ndarray  # (n_networks,)
    loss_curve: np.ndarray  # (n_networks, max_iter), NaN where stopped before
    n_iter: np.ndarray  # (n_networks,)
    validation_scores: np.ndarray | None = None  # as loss_curve, if rows are held out


def check_training_range(
    training: TrainingSet, settings: Settings | RadiusSettings, noise: float
) -> None:
    """Refuse a problem in which numbers may overflow on the way.

    Parameters
    ----------
    training : TrainingSet
    settings : Settings or RadiusSettings
    noise : float

    Raises
    ------
    ValueError
    """
    n_features, dtype = training.lowest.size, training.lowest.dtype
    largest = max(largest_entry(training.lowest), largest_entry(training.highest))
    # A step moves projections by its size, a margin as far again; searches go some
    # way beyond both ends of their range.
    room = 16.0 * (1.0 + settings.step)
    name = "Input X with noise" if noise else "Input X"
    check_range(largest, n_features, dtype, room, name)
    if not room * settings.margin < highest_number(dtype):
        raise ValueError(f"margin={settings.margin:.3g} is too large for {dtype!r}.")


def network_seed(master_seed: int, vote: int, rival: int) -> NDArray[Any]:
    """Seed of a network: a function of its place, not of the order of training."""
    sequence = np.random.SeedSequence((master_seed, vote, rival))
    return sequence.generate_state(2, dtype=np.uint64)


def binary_problem(training: TrainingSet, rival: int) -> Data:
    """The problem of telling class `rival` from the others, as kernels read it."""
    return Data(
        training.columns,
        training.values,
        training.lowest,
        training.highest,
        training.weight,
        int(training.class_starts[rival]),
        int(training.class_starts[rival + 1]),
    )


def settings_for(
    data: Data, options: dict[str, Any], n_others: int = 1
) -> Settings | RadiusSettings:
    """Settings of the kernels for one binary problem.

    Parameters
    ----------
    data : Data
    options : dict
        The estimator's parameters, with ``max_iter`` and ``n_candidates`` resolved.
    n_others : int, default=1
        Classes that the positive one is told from.

    Returns
    -------
    settings : Settings, or RadiusSettings under ``'radius'``
    """
    if options["loss"] == "radius":
        return radius_settings(options)

    def n_drawn(n_rows: int) -> int:
        return int(np.ceil(options["subsample"] * n_rows))

    n_positive = data.stop - data.start
    patience = options["n_iter_no_change"] or math.inf
    margin = float(options["margin"])
    if options["binary_weights"]:
        margin *= math.sqrt(data.columns.shape[0])  # the norm of a row
    ramp = float(options["ramp"])
    if options["binary_weights"]:
        ramp *= math.sqrt(options["hidden_units"])  # the norm of u
    return Settings(
        cross_entropy=options["loss"] == "ce",
        binary=bool(options["binary_weights"]),
        linear=options["loss"] == "01" and options["hidden_units"] == 0,
        step=float(options["learning_rate"]),
        output_step=float(round_to_grid(options["output_learning_rate"])),
        n_candidates=int(options["n_candidates"]),
        n_positive=n_drawn(n_positive),
        n_negative=n_drawn(data.weight.size - n_positive),
        max_iter=int(options["max_iter"]),
        tol=float(options["tol"]),
        n_iter_no_change=int(min(patience, options["max_iter"] + 1)),
        margin=margin,
        growth=int(options["margin_growth"] * options["max_iter"]) if margin else 0,
        ramp=ramp,
        n_others=n_others,
        target_loss=float(options["target_loss"]),
    )


def start_network(
    data: Data, settings: Settings, weights: NDArray[Any], u: Floats
) -> Network:
    """Start a network: unit rows, every threshold at the median projection.

    Parameters
    ----------
    data : Data
    settings : Settings
    weights : ndarray of shape (n_units, n_features), float64
        Draws from N(0, 1); overwritten.
    u : ndarray of shape (n_units,), float64
        The same.

    Returns
    -------
    network : Network
    """
    n_units, n_rows = len(u), data.weight.size
    c = np.zeros(1)
    if settings.binary:
        weights[:] = np.where(weights > 0, 1, -1)
        u[:] = np.where(u > 0, 1, -1)
    else:
        normalise_rows(weights)
        u[:] = round_to_grid(u / math.sqrt(math.fsum(u * u)))
    if settings.linear:
        u[:], c[:] = 1.0, -0.5
    projections = np.empty((n_units, n_rows))
    project(
        as_columns(data.columns, data.values), weights, 0, n_units,
        projection_space(), projections,
    )  # fmt: skip
    middle = (n_rows - 1) // 2  # the lower one of two
    thresholds = np.array([np.partition(p, middle)[middle] for p in projections])
    return Network(
        weights,
        thresholds,
        u,
        c,
        projections,
        firing=np.zeros((n_units, n_rows), dtype=np.uint8),
        drive=np.zeros(n_rows),
        n_moves=np.zeros(n_units, dtype=np.int64),
        margin=np.zeros(1),
        start=data.start,
        stop=data.stop,
    )


def _weigh_class(data: Data, n_others: int) -> Data:
    """The same rows, those of the positive class weighing as much as n others.

    By their counts alone a network names its class where that is likelier than not. Of
    K rivals, of which the highest output wins, each then asks whether its class has
    more than a K-th of the probability, and fewer say no to all that there is.
    """
    weight = data.weight.astype(np.float64)
    weight[data.start : data.stop] *= n_others
    return data._replace(weight=read_only(fixed_point_weights(weight)))


def hold_out(rows: Data | None, data: Data, network: Network, max_iter: int) -> HeldOut:
    """What the kernels read of rows held out, and write on them; None is no row."""
    if rows is None:
        shape = data.columns.shape[0], 0
        rows = data._replace(
            columns=read_only(np.empty(shape, dtype=data.columns.dtype)),
            weight=read_only(np.empty(0, dtype=np.int64)),
        )
    n_units, n_rows = len(network.u), rows.weight.size
    observed = network._replace(
        projections=np.empty((n_units, n_rows)),
        firing=np.empty((n_units, n_rows), dtype=np.uint8),
        drive=np.empty(n_rows),
        start=rows.start,
        stop=rows.stop,
    )
    curve = np.full(max_iter if n_rows else 0, np.nan, dtype=np.float32)
    return HeldOut(
        as_columns(rows.columns, rows.values), rows.weight, observed, curve,
        np.empty(n_rows),
    )  # fmt: skip


def train_network(
    data: Data,
    settings: Settings | RadiusSettings,
    hidden_units: int,
    seed: NDArray[Any],
    held_out: Data | None = None,
    margin_norm: MarginNorm = L2,
) -> Networks:
    """Draw a network's random start and train it.

    Parameters
    ----------
    data : Data
    settings : Settings or RadiusSettings
    hidden_units : int
        0 stands for the one node of the linear classifier.
    seed : ndarray of shape (2,), dtype uint64
        For the start and for the training.
    held_out : Data, default=None
        Rows by which the iterate to be kept is chosen.
    margin_norm : MarginNorm, default=L2
        Under ``'radius'``.

    Returns
    -------
    trained : Networks
        Of one network: without the first axis.
    """
    rng = np.random.RandomState(int(seed[0]) & 0xFFFFFFFF)
    shape = max(hidden_units, 1), data.columns.shape[0]
    weights, state = rng.standard_normal(shape), seed[1:].copy()
    if isinstance(settings, RadiusSettings):
        if settings.alike:
            data = with_sides_alike(data)
            held_out = None if held_out is None else with_sides_alike(held_out)
        weights, thresholds, u, c, curve, n_iter, held_curve = train_radius_network(
            data, settings, weights, state, held_out, margin_norm
        )
    else:
        if settings.ramp > 0.0 and settings.n_others > 1:
            data = _weigh_class(data, settings.n_others)
            if held_out is not None:
                held_out = _weigh_class(held_out, settings.n_others)
        network = start_network(data, settings, weights, rng.standard_normal(shape[0]))
        curve = np.full(settings.max_iter, np.nan, dtype=np.float32)
        held = hold_out(held_out, data, network, settings.max_iter)
        n_iter, _ = train(data, network, settings, state, curve, held)
        thresholds, u, c = network.thresholds, network.u, float(network.c[0])
        held_curve = held.curve
    dtype = data.lowest.dtype  # the model's; training computes in float64
    weights, thresholds = weights.astype(dtype, copy=False), thresholds.astype(dtype)
    if data.start == data.stop:
        # A class without samples gets no vote, not even as the best of losing rivals.
        c, thresholds[:] = _NEVER, np.finfo(thresholds.dtype).max
    curve /= np.float32(data.weight.sum())
    scores = None
    if held_out is not None:
        scores = -held_curve / np.float32(held_out.weight.sum())
    return Networks(
        weights, -thresholds, u, np.array(c), curve, np.array(n_iter),
        scores,
    )  # fmt: skip


def train_networks(
    training: TrainingSet,
    rivals: Sequence[int],
    votes: range,
    options: dict[str, Any],
    master_seed: int,
    n_jobs: int | None,
    progress: Callable[[float], None],
    held_out: TrainingSet | None = None,
    margin_norm: MarginNorm = L2,
) -> Networks:
    """Train the networks of each rival for a range of votes.

    Parameters
    ----------
    training : TrainingSet
    rivals : sequence of int
        Codes of the positive classes; one for a binary problem.
    votes : range
        Places of the votes in the ensemble.
    options : dict
        As in :func:`settings_for`.
    master_seed : int
    n_jobs : int or None
    progress : callable
        Called with each finished network's best loss.
    held_out : TrainingSet, default=None
        Rows to choose iterates by, of the dtype of those to train on.
    margin_norm : MarginNorm, default=L2

    Returns
    -------
    networks : Networks
        Vote by vote, within a vote rival by rival.
    """
    problems = [binary_problem(training, rival) for rival in rivals]
    n_others = max(len(rivals) - 1, 1)
    settings = [settings_for(data, options, n_others) for data in problems]
    check_training_range(training, settings[0], options["noise"])
    held: list[tuple[Any, ...]] = [()] * len(rivals)
    if held_out is not None:
        held = [binary_problem(held_out, rival) for rival in rivals]
    measured_by = {} if margin_norm is L2 else _flat(margin_norm)
    jobs = [
        delayed(_train_on)(
            settings[k],
            options["hidden_units"],
            network_seed(master_seed, vote, k),
            *problems[k],
            *held[k],
            **measured_by,
        )
        for vote in votes
        for k in range(len(rivals))
    ]
    networks = _empty_networks(len(jobs), training, options)
    if held_out is not None:
        scores = np.empty_like(networks.loss_curve)
        networks = networks._replace(validation_scores=scores)

    def keep(i: int, trained: Networks) -> None:
        for stack, array in zip(networks, trained, strict=True):
            if stack is not None:
                stack[i] = array
        progress(float(trained.loss_curve[trained.n_iter - 1]))

    run_jobs(jobs, n_jobs, keep)
    return networks


def _train_on(
    settings: Settings | RadiusSettings,
    hidden_units: int,
    seed: NDArray[Any],
    *fields: Any,
    **measured_by: Any,
) -> Networks:
    """Train a network on the fields of a Data, which may come from another process.

    Those of a second one are of rows held out, keywords of a norm. Joblib's backends
    look for large arrays among a call's arguments, to move each of them once; inside of
    a Data they would go along with every network.
    """

    def view(field: Any) -> Any:
        return read_only(field) if isinstance(field, np.ndarray) else field

    views: Any = [view(f) for f in fields]
    n = len(Data._fields)
    rest: tuple[Any, ...] = (Data(*views[n:]),) if len(views) > n else ()
    if measured_by:
        typical = measured_by.pop("typical")
        norm = InputNorm(**{k: view(field) for k, field in measured_by.items()})
        rest = *(rest or (None,)), MarginNorm(norm, typical)
    return train_network(Data(*views[:n]), settings, hidden_units, seed, *rest)


def _flat(margin_norm: MarginNorm) -> dict[str, Any]:
    """A norm other than L2 as the arguments of a job."""
    assert margin_norm.norm is not None
    return {**margin_norm.norm._asdict(), "typical": margin_norm.typical}


def _empty_networks(
    n_networks: int, training: TrainingSet, options: dict[str, Any]
) -> Networks:
    """Arrays for networks to come."""
    n_units, n_features = max(options["hidden_units"], 1), len(training.columns)
    dtype = training.lowest.dtype
    binary = np.int8 if options["binary_weights"] else None
    return Networks(
        np.empty((n_networks, n_units, n_features), dtype=binary or dtype),
        np.empty((n_networks, n_units), dtype=dtype),
        np.empty((n_networks, n_units), dtype=binary or np.float64),
        np.empty(n_networks),
        np.empty((n_networks, options["max_iter"]), dtype=np.float32),
        np.empty(n_networks, dtype=np.int64),
    )
