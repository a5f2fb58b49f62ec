"""What stands under the charts of the page."""

from benchmarks.medical.reading import attack_name, attacked_counts, norm_name, noun
from benchmarks.medical.report._bands import MOST_IMAGES
from benchmarks.medical.report._iterations import chosen_image


def of_plot(name: str, entry: dict) -> tuple[str, str]:
    """Return the name of a figure and what it shows."""
    attack = entry["attack"]
    with_what = f"{attack_name(attack)}, {norm_name(attack)}"
    if name == "iterations":
        place = chosen_image(attack)
        image = attack["images"][place]
        return "Figure 4", (
            f"The smallest distance so far against iterations, {noun(entry, 1)} "
            f"#{place + 1} (row {image['row']}, {image['class']}): the first of those "
            f"that most models have a course for. {with_what}, logarithmic scale."
        )
    if name == "robust-accuracy":
        counts = " to ".join(map(str, attacked_counts(entry)))
        return "Accuracy under attack", (
            f"Share of the {counts} attacked {noun(entry)} for which nothing "
            f"within epsilon was found, an upper bound. {with_what}. "
            "Band: Wilson's 95% interval. Grey: the other models."
        )
    return "Transfer", (
        f"Share of a model's adversarial {noun(entry)} (lines) that fool another model "
        f"(columns). {with_what}. Hatched: a model against its own, left out."
    )


def of_bands(entry: dict) -> tuple[str, str]:
    """Return the name of the figure and what it shows."""
    n_images = len(entry["attack"]["images"])
    shown = f"#1 to #{min(n_images, MOST_IMAGES)}" if n_images > 1 else "#1"
    left_out = " The others are not shown." if n_images > MOST_IMAGES else ""
    return "What is known", (
        f"For each model the {noun(entry)} {shown} from above to below.{left_out} "
        f"Somewhere in the band is the nearest adversarial {noun(entry, 1)}, by its "
        f"{norm_name(entry['evaluation'])} distance. A band that fades to the left is "
        "of a model without a certificate: it may be as near as you like. Diamond: "
        f"what {attack_name(entry['attack'])} found. Logarithmic scale."
    )
