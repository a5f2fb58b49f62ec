"""The first sentences of the report: what the numbers of a data set amount to."""

from collections.abc import Sequence

import numpy as np

from benchmarks.medical.reading import (
    attack_name,
    norm_name,
    noun,
    was_attacked,
    was_evaluated,
)
from benchmarks.medical.report._text import count
from benchmarks.medical.tables.at_a_glance import bound_text, interval_text
from benchmarks.medical.tables.separation import (
    ModelBounds,
    median,
    model_bounds,
    separated,
)

MOST_NAMES = 3  # in a sentence


def answer(entry: dict) -> list[str]:
    """Return the sentences that the numbers of a data set carry.

    A model is said to be more robust than another one only where its certified radius
    is above the best attack on the other, image by image, on so many of the images that
    the 95% interval of their share is above one half.

    Parameters
    ----------
    entry : dict
        A data set's part of the record.
    """
    models = model_bounds(entry)
    if not models:
        return ["No model has been trained yet."]
    if not was_attacked(entry):
        return [
            _most_accurate(models),
            _about_accuracy(models),
            "No attack was run: this says nothing about robustness.",
        ]
    if not was_evaluated(entry):
        return _of_decisions(entry, models)
    evaluated = [model for model in models if model.best.size]
    leader = evaluated[0]
    if not median(leader.certified_radii) > 0:
        return [_uncertified(entry, evaluated), _about_accuracy(models)]
    return [
        _of_leader(entry, leader),
        *_of_rivals(entry, leader, evaluated[1:]),
        _about_accuracy(models, leader),
    ]


def _of_leader(entry: dict, leader: ModelBounds) -> str:
    accuracy = ""
    if leader.accuracy is not None:
        accuracy = f"{100 * leader.accuracy:.1f}% accuracy, and "
    radii = leader.certified_radii
    return (
        f"{leader.label}: {accuracy}a certified radius of {bound_text(median(radii))} "
        f"in the median ({norm_name(entry['evaluation'])}, "
        f"{_count(radii.size, entry)}, 95% interval {interval_text(radii)})."
    )


def _of_rivals(
    entry: dict, leader: ModelBounds, rivals: Sequence[ModelBounds]
) -> list[str]:
    """Say which models the leader is separated from, and from which it is not."""
    if not rivals:
        return []
    below = separated(leader, rivals)
    if not below:
        return [
            f"It is not separated from {_names(rivals, 'the other')}: on too few "
            f"{noun(entry)} the best attack on them needs less than this radius."
        ]
    beaten = sorted((m for m, _ in below.values()), key=lambda m: -_needed(m))
    fewest = min(n_images for _, n_images in below.values())
    n_images = leader.certified.size
    # The most and the least robust of them.
    named = _ends(beaten)
    needed = " and ".join(f"{bound_text(_needed(m))} on {m.label}" for m in named)
    on = f"{'at least ' if len(beaten) > 1 else ''}{fewest} of {n_images}"
    if fewest == n_images:
        on = f"all {n_images}"
    less = (
        f"less than the certified radius of {leader.label} on {on} "
        f"{noun(entry, n_images)}."
    )
    if len(beaten) == 1:
        text = f"The best attack needs {needed}: {less}"
    else:
        more = len(beaten) - len(named)
        these = f"these and {count(more, 'more model')}" if more else "both"
        text = f"The best attack needs {needed}. For {these} it needs {less}"
    rest = [model for model in rivals if model.name not in below]
    if not rest:
        return [text]
    return [text, f"It is not separated from {_names(rest, 'the other')}."]


def _uncertified(entry: dict, models: Sequence[ModelBounds]) -> str:
    norm = norm_name(entry["evaluation"])
    known = [model for model in models if model.best_attacks.size]
    if not known:
        return f"No model classifies an attacked {noun(entry, 1)} correctly."
    ranked = sorted(known, key=lambda model: -_needed(model))
    needed = [f"{bound_text(_needed(m))} on {m.label}" for m in _ends(ranked)]
    return (
        f"No model has a certified radius above 0 in the median. The best attack needs "
        f"{' and '.join(needed)} ({norm}, median of "
        f"{_count(models[0].best.size, entry)}): upper bounds, which separate no "
        "models."
    )


def _of_decisions(entry: dict, models: Sequence[ModelBounds]) -> list[str]:
    attack = entry["attack"]
    name, norm = attack_name(attack), norm_name(attack)
    return [
        f"{name} was the only attack, and it sees decisions alone: its {norm} "
        "distances are upper bounds, often loose ones, and do not rank the models.",
        _about_accuracy(models),
    ]


def _most_accurate(models: Sequence[ModelBounds]) -> str:
    known = [m for m in models if m.accuracy is not None]
    best = max(known, key=lambda model: model.accuracy or 0.0)
    low, high = (100 * end for end in best.accuracy_interval or (0.0, 1.0))
    return (
        f"{best.label}: {100 * (best.accuracy or 0.0):.1f}% accuracy (95% interval "
        f"{low:.1f} to {high:.1f}%)."
    )


def _about_accuracy(
    models: Sequence[ModelBounds], leader: ModelBounds | None = None
) -> str:
    """Say which models accuracy tells apart: those whose intervals are disjoint."""
    known = [model for model in models if model.accuracy_interval is not None]
    if len(known) < 2:
        return ""
    lows, highs = np.transpose([model.accuracy_interval for model in known])
    if lows.max() <= highs.min():
        return "Accuracy does not separate the models."
    if leader is None or leader.accuracy_interval is None:
        leader = max(known, key=lambda model: model.accuracy or 0.0)
    low, high = leader.accuracy_interval or (0.0, 1.0)
    above = [m for m, end in zip(known, lows, strict=True) if end > high]
    below = [m for m, end in zip(known, highs, strict=True) if end < low]
    parts = [
        f"{side} that of {_names(some, '')}"
        for side, some in (("below", above), ("above", below))
        if some
    ]
    if not parts:
        return f"Accuracy does not separate {leader.label} from the other models."
    return f"The accuracy of {leader.label} is {' and '.join(parts)}" + (
        "; the other intervals overlap."
        if len(above) + len(below) + 1 < len(known)
        else "."
    )


def _needed(model: ModelBounds) -> float:
    """Return what the best attack needs in the median, 0 where no image is right."""
    return median(model.best_attacks) if model.best_attacks.size else 0.0


def _ends(ranked: Sequence[ModelBounds]) -> list[ModelBounds]:
    return [ranked[0], ranked[-1]] if len(ranked) > 1 else [ranked[0]]


def _names(models: Sequence[ModelBounds], the_other: str) -> str:
    """List models by name, or count them where they are many."""
    if len(models) > MOST_NAMES:
        return f"{the_other} {len(models)} models".strip()
    names = [model.label for model in models]
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _count(number: int, entry: dict) -> str:
    return f"{number} {noun(entry, number)}"
