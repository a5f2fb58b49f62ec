"""Figure 4: how the distance of one image shrinks with the attack's iterations."""

import numpy as np
from matplotlib.figure import Figure

from benchmarks.medical.reading import attack_name, labels, norm_name, was_evaluated
from benchmarks.medical.report._style import (
    WIDTH,
    Theme,
    draw_grid,
    label_powers,
    lines_of,
    name_lines,
)


def chosen_image(attack: dict) -> int | None:
    """Return the place of the image that most models have a course for, the first one.

    None if no attack left a course.
    """
    counts = [
        sum(_course(model, place).size > 0 for model in attack["models"].values())
        for place in range(len(attack["images"]))
    ]
    return int(np.argmax(counts)) if any(counts) else None


def draw_iterations(entry: dict, place: int, theme: Theme) -> Figure:
    """Draw one image's smallest perturbation so far against iterations, for each model.

    A dot at the right end is what the best attack needs.

    Parameters
    ----------
    entry : dict
        A data set's part of the record.
    place : int
        Which of the attacked images.
    theme : Theme

    Returns
    -------
    Figure
    """
    attack = entry["attack"]
    found = {name: _course(model, place) for name, model in attack["models"].items()}
    courses = {name: course for name, course in found.items() if course.size}
    named = labels(entry)
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    ax = figure.subplots()
    ends = []
    lines = lines_of(attack["models"], theme)
    for name, course in courses.items():
        line = lines[name]
        iterations = np.flatnonzero(~np.isnan(course))
        style = {"color": line.colour, "ls": line.dashes, "lw": line.width}
        ax.plot(iterations, course[iterations], **style)
        end = iterations[-1]
        ends.append((named[name], end, course[end], line.colour))
    ax.set_yscale("log")
    label_powers(ax.yaxis)
    last = max(1, *(len(course) - 1 for course in courses.values()))
    ax.set_xlim(0, last)
    for name, best in best_attacks(entry, place).items():
        if name in courses:
            style = {"color": lines[name].colour, "clip_on": False, "ms": 4.5}
            ax.plot(last, best, "o", **style)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set(
        xlabel=f"iterations of {attack_name(attack)}",
        ylabel=f"{norm_name(attack)} size of the perturbation",
    )
    draw_grid(ax, theme)
    ax.set_ylim(ax.get_ylim())
    name_lines(ax, ends)
    return figure


def best_attacks(entry: dict, place: int) -> dict[str, float]:
    """Return what the best attack needs on an image, by model, where it is known."""
    if not was_evaluated(entry):
        return {}
    models = entry["evaluation"]["models"]
    found = {name: model["nearest"][place] for name, model in models.items()}
    return {name: distance for name, distance in found.items() if distance}


def _course(model: dict, place: int) -> np.ndarray:
    """Return an image's distances by iteration, empty if there are none.

    NaN where nothing was found, or what a logarithmic axis has no place for.
    """
    if place >= len(model["history"]):
        return np.empty(0)  # not attacked yet
    course = np.array(model["history"][place], dtype=float)  # None becomes NaN
    course = np.where(course > 0, course, np.nan)
    return np.empty(0) if np.isnan(course).all() else course
