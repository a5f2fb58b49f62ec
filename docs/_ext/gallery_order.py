"""The order of the gallery: the questions most users ask come first."""

from pathlib import Path

FIRST_TO_LAST = (
    "plot_robustness_curve",
    "plot_folder_to_certified",
    "plot_certified_training",
    "plot_decision_regions",
    "plot_textures",
    "plot_three_numbers",
    "plot_votes",
    "plot_hidden_units",
    "plot_accuracy_and_margin",
    "plot_digits",
    "plot_pipeline_search",
    "plot_calibration",
    "plot_threshold_search",
)


def by_question(name: str) -> int:
    """Place of an example in the gallery. One that is not listed is an error."""
    return FIRST_TO_LAST.index(Path(name).stem)
