"""What an attack has found by the time an error or Ctrl-C ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn_scd.robustness import DistortionResult

NOT_ATTACKED = "not_attacked"


@contextmanager
def keep_results(results: Callable[[], dict[str, DistortionResult]]) -> Iterator[None]:
    """Hang results on whatever ends a block early, and let it pass on.

    Its `attack_results` is then a dict of :class:`DistortionResult` by the attack's
    name, those included that an attack within this one has left there.

    Parameters
    ----------
    results : callable
        Without arguments; returns the dict. It may ask the model, which may have become
        useless: then nothing is kept.
    """
    try:
        yield
    except BaseException as error:
        with suppress(Exception):
            kept = results()  # first, as it may look at what is there
            hang_results(error, {**results_kept_by(error), **kept})
        raise


def hang_results(error: Any, results: dict[str, DistortionResult]) -> None:
    """Set an exception's `attack_results`."""
    error.attack_results = results


def results_kept_by(error: BaseException) -> dict[str, DistortionResult]:
    """What :func:`keep_results` hung on an exception; a dict, perhaps empty."""
    return getattr(error, "attack_results", {})


def collect_part(
    collect: Callable[[dict[np.intp, list[Any]]], DistortionResult],
    attempts: Mapping[np.intp, list[Any]],
    rows: NDArray[np.intp],
    n_attempts: int,
) -> DistortionResult:
    """Results of an attack that was ended before it was through.

    Parameters
    ----------
    collect : callable
        From attempts by sample to their :class:`DistortionResult`.
    attempts : dict of int to list of Attempt
        What is there, by the sample's row.
    rows : ndarray of shape (n,), int
        Those that were to be attacked.
    n_attempts : int
        Attempts that a sample was to have.

    Returns
    -------
    result : DistortionResult
        ``'stopped'`` where something was found and attempts are missing,
        ``'not_attacked'`` where nothing is known.
    """
    attempts = {
        i: made
        for i, made in attempts.items()
        if len(made) == n_attempts or any(a.best is not None for a in made)
    }
    result = collect(attempts)
    for i, made in attempts.items():
        if len(made) < n_attempts:
            result.status[i] = "stopped"
    missing = np.setdiff1d(rows, list(attempts))
    result.status[missing] = NOT_ATTACKED
    result.distances[missing], result.adversarials[missing] = np.nan, np.nan
    return result
