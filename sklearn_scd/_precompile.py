"""Compiling ahead of use: for images of containers, and before a fit's clock starts."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sklearn_scd._ensemble import (
    Networks,
    binary_problem,
    network_seed,
    settings_for,
    train_network,
)
from sklearn_scd._kernels.compiling import announced_once
from sklearn_scd._outputs import evaluate_networks
from sklearn_scd._sign_convolution import SignConvolution
from sklearn_scd._training_set import copy_rows, plan_rows, training_set

DTYPES = ("float64", "float32", "uint8")
LOSSES = ("01", "ce", "radius")

_OPTIONS: dict[str, Any] = {
    "binary_weights": False,
    "hidden_units": 1,
    "max_iter": 1,
    "n_candidates": 1,
    "learning_rate": 0.1,
    "output_learning_rate": 0.1,
    "subsample": 1.0,
    "tol": 0.0,
    "n_iter_no_change": None,
    "margin": 0.0,
    "margin_growth": 0.0,
    "alike": True,
    "ramp": 0.0,
    "target_loss": 0.0,
}
_lock = threading.Lock()
_ready: set[tuple[str, bool, bool, str]] = set()


def precompile(
    dtypes: str | type | np.dtype[Any] | Iterable[DTypeLike] = DTYPES,
) -> None:
    """Compile what fits and predictions need, for later processes too.

    Of :class:`SCDClassifier` and :class:`SignConvolution`. Numba compiles at first use,
    which takes about a quarter of a minute for the first loss, less for the second and
    about a second for each dtype of samples, and keeps the result on disk. Call this
    where a wait does no harm: when a container's image is built, or before something is
    timed. What is compiled already is left as it is.

    Parameters
    ----------
    dtypes : dtype or iterable of dtype, default=('float64', 'float32', 'uint8')
        Dtypes of samples. Other dtypes than these become float64 in a fit.

    Raises
    ------
    ValueError
        If a dtype is not one of the three.

    Examples
    --------
    >>> import sklearn_scd
    >>> sklearn_scd.precompile(dtypes=["float64"])
    """
    if isinstance(dtypes, (str, type, np.dtype)):
        dtypes = [dtypes]
    names = [np.dtype(dtype).name for dtype in dtypes]
    for name in names:
        if name not in DTYPES:
            raise ValueError(f"dtypes must be among {DTYPES}, got {name!r}.")
    with announced_once():
        for name in names:
            for noise in (False, True):
                compile_for(np.empty((0, 2), dtype=name), noise)
        # One version, as it converts whatever comes.
        SignConvolution(n_filters=1, kernel_size=1).fit_transform(np.zeros((1, 1)))


def compile_for(X: NDArray[Any], noise: bool, losses: Iterable[str] = LOSSES) -> None:
    """Compile what a fit on `X` and its predictions need, unless it is there.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Of which dtype and order alone matter.
    noise : bool
        Whether there are noisy copies.
    losses : iterable of {'01', 'ce', 'radius'}, default=all
    """
    # Those of other layouts, and of files mapped into memory, are few small kernels.
    by_column = X.flags.f_contiguous and not X.flags.c_contiguous
    keys = {(X.dtype.name, noise, by_column, loss) for loss in losses}
    with _lock:
        keys -= _ready
    if not keys:
        return
    with announced_once():
        for key in sorted(keys):
            _train_and_predict(X.dtype, noise, "F" if by_column else "C", key[-1])
    with _lock:
        _ready.update(keys)


def _train_and_predict(
    dtype: np.dtype[Any], noise: bool, order: Any, loss: str
) -> None:
    """The smallest of problems: all signatures are those of the largest."""
    X = np.asarray(np.arange(12).reshape(6, 2) % 5, dtype=dtype, order=order)
    labels, weights = np.arange(6) % 2, np.ones(6)
    training = training_set(X, labels, weights, 2, float(noise), n_noisy=1)
    plan = plan_rows(X, labels, weights)._replace(dtype=X.dtype, codes=None)
    copy_rows(X, labels, plan, 2)  # of more values than are coded
    data = binary_problem(training, 1)
    seed = network_seed(0, 0, 0)
    settings = settings_for(
        data, {**_OPTIONS, "loss": loss, "margin": float(loss == "radius")}
    )
    trained = train_network(data, settings, 1, seed)
    networks = Networks(*(np.asarray(array)[np.newaxis] for array in trained[:6]))
    for linear in (False, True):
        evaluate_networks(X, networks, linear)
