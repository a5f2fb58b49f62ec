"""What an attack has found by the time an error or Ctrl-C ends it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sklearn_scd.robustness._results import DistortionResult


def leave_results(
    error: BaseException, results: Callable[[], dict[str, DistortionResult]]
) -> None:
    """Set the `attack_results` of what ends an attack early.

    It is a dict of :class:`DistortionResult` by the attack's name, those included that
    an attack within this one has left there.

    Parameters
    ----------
    error : BaseException
    results : callable
        Without arguments; returns the dict. It may ask the model, which may have become
        useless: then nothing is kept.
    """
    with suppress(Exception):
        found = results()  # first, as it may look at what is there
        set_results(error, {**results_left_on(error), **found})


def set_results(error: Any, results: dict[str, DistortionResult]) -> None:
    """Replace an exception's `attack_results`."""
    error.attack_results = results


def results_left_on(error: BaseException) -> dict[str, DistortionResult]:
    """What :func:`leave_results` left on an exception; a dict, perhaps empty."""
    return getattr(error, "attack_results", {})


def leave_attempts(error: Any, attempts: list[tuple[int, bool, Any]]) -> None:
    """Set what attempts side by side have found when one of them failed.

    Parameters
    ----------
    error : BaseException
    attempts : list of (int, bool, Attempt)
        The sample, whether the attempt came to its end, and what it found.
    """
    error.attempts_so_far = attempts


def attempts_left_on(error: BaseException) -> list[tuple[int, bool, Any]]:
    """What :func:`leave_attempts` left on an exception; a list, perhaps empty."""
    return getattr(error, "attempts_so_far", [])
