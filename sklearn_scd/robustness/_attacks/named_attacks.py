"""The attacks that :func:`evaluate_robustness` knows by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

from sklearn_scd.robustness._attacks.line_search import line_search
from sklearn_scd.robustness._attacks.minimum_distortion import minimum_distortion
from sklearn_scd.robustness._attacks.nearest_flip import nearest_flip
from sklearn_scd.robustness._attacks.surrogate import surrogate_attack
from sklearn_scd.robustness._results import DistortionResult


class NamedAttack(NamedTuple):
    """An attack, and what it needs.

    Attributes
    ----------
    run : callable
        With the parameters that all attacks have.
    needs_weights, needs_art : bool
    takes_train : bool
        Whether it starts from training samples, `X_train`.
    takes_start : bool
        Whether it starts from other attacks' adversarial samples, `X_start`; it runs
        after those then.
    """

    run: Callable[..., DistortionResult]
    needs_weights: bool = False
    needs_art: bool = False
    takes_train: bool = False
    takes_start: bool = False


def _by_art(name: Literal["hop_skip_jump", "boundary"]) -> NamedAttack:
    run = partial(minimum_distortion, attack=name)
    return NamedAttack(run, needs_art=True, takes_train=True)


ATTACKS = {
    "hop_skip_jump": _by_art("hop_skip_jump"),
    "boundary": _by_art("boundary"),
    "line_search": NamedAttack(line_search, takes_train=True),
    "surrogate": NamedAttack(surrogate_attack, needs_weights=True),
    "nearest_flip": NamedAttack(nearest_flip, needs_weights=True, takes_start=True),
}
