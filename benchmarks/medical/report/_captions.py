"""Captions of the charts."""

from benchmarks.medical.reading import (
    attack_name,
    attacked_counts,
    norm_name,
    noun,
    was_evaluated,
)
from benchmarks.medical.report._bands import MOST_IMAGES
from benchmarks.medical.report._iterations import best_attacks, chosen_image


def of_plot(name: str, entry: dict) -> tuple[str, str]:
    """Return the name of a figure and what it shows."""
    captions = {
        "summary": _of_summary,
        "iterations": _of_iterations,
        "robust-accuracy": _of_robust_accuracy,
        "bands": _of_bands,
        "transfer": _of_transfer,
    }
    return captions[name](entry)


def _of_summary(entry: dict) -> tuple[str, str]:
    return "What is known", (
        "The median size of the smallest perturbation that changes the decision lies "
        "somewhere in the band: from the certified radius to the best attack. Without "
        "a certificate the band fades to the left. Thin lines: 95% intervals of the "
        f"two medians. Diamond: {attack_name(entry['attack'])}. Logarithmic scale."
    )


def _of_iterations(entry: dict) -> tuple[str, str]:
    attack = entry["attack"]
    # There is one wherever the chart is.
    place = chosen_image(attack) or 0
    image = attack["images"][place]
    best = " Dot: the best attack." if best_attacks(entry, place) else ""
    return "Figure 4", (
        f"The smallest perturbation so far against iterations, {noun(entry, 1)} "
        f"#{place + 1} (row {image['row']}, {image['class']}): the first of those on "
        f"which most models have a curve. {_attack(entry)}.{best} Logarithmic scale."
    )


def _of_robust_accuracy(entry: dict) -> tuple[str, str]:
    counts = " to ".join(map(str, attacked_counts(entry)))
    of_all = f"share of the {counts} attacked {noun(entry)}"
    if not was_evaluated(entry):
        return "Accuracy under attack", (
            f"Empirical robust accuracy: the {of_all} on which no perturbation within "
            f"the radius was found, an upper bound. {_attack(entry)}. Shade: Wilson's "
            "95% interval. Grey: the other models."
        )
    return "Robust accuracy", (
        f"Full line: empirical robust accuracy, the {of_all} on which no attack "
        "succeeds within the radius, an upper bound. Dashed: certified accuracy, a "
        "lower bound; models without a certificate have none. Shade: Wilson's 95% "
        "intervals of both. Grey: the other models."
    )


def _of_transfer(entry: dict) -> tuple[str, str]:
    return "Transfer", (
        f"Share of a model's adversarial {noun(entry)} (lines) that fool another model "
        f"(columns). {_attack(entry)}. Hatched: a model against its own, left out."
    )


def _of_bands(entry: dict) -> tuple[str, str]:
    n_images = len(entry["attack"]["images"])
    shown = f"#1 to #{min(n_images, MOST_IMAGES)}" if n_images > 1 else "#1"
    left_out = " The others are not shown." if n_images > MOST_IMAGES else ""
    return f"What is known, by {noun(entry, 1)}", (
        f"For each model the {noun(entry)} {shown} from above to below.{left_out} "
        "The size of the smallest perturbation that changes the decision lies "
        f"somewhere in the band ({norm_name(entry['evaluation'])}). Without a "
        "certificate the band fades to the left. Diamond: "
        f"{attack_name(entry['attack'])}. Logarithmic scale."
    )


def _attack(entry: dict) -> str:
    attack = entry["attack"]
    return f"{attack_name(attack)}, {norm_name(attack)}"
