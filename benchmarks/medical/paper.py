"""The paper's own figures, for comparison with those measured here.

Yang, Shih, Roshan: Defense Against Adversarial Attacks based on Stochastic Descent Sign
Activation Networks on Medical Images. Average distances are L2, by HopSkipJump with 100
iterations and 10 runs on five images a set.
"""

import re
from dataclasses import dataclass

from benchmarks.datasets import Dataset

TITLE = (
    "Yang, Shih, Roshan: Defense Against Adversarial Attacks based on Stochastic "
    "Descent Sign Activation Networks on Medical Images"
)
IMAGE_SIZE = (96, 96)


@dataclass(frozen=True)
class PaperRow:
    """A row of the paper's Table 1.

    Parameters
    ----------
    title : str
        The paper's name of the data set.
    accuracy : dict of str to float
        Clean accuracy in per cent by model name.
    """

    title: str
    accuracy: dict[str, float]


COLUMNS = ("scd01", "scdce", "scdcebnn", "mlp", "lenet", "resnet18", "random-forest")


# What the paper attacked with, in the words of the record's settings.
PROTOCOL = {"images": 5, "restarts": 10, "max_iter": 100, "init_size": 1000}


def _figures(*figures: float) -> dict[str, float]:
    return dict(zip(COLUMNS, figures, strict=True))


def _row(title: str, *figures: float) -> PaperRow:
    return PaperRow(title, _figures(*figures))


TABLE_1: dict[str, PaperRow] = {
    "brats18": _row("BraTS18", 98.38, 98.92, 95.31, 98.76, 99.10, 99.64, 99.07),
    "chest-xray": _row("Chest X-ray", 90.69, 91.32, 89.12, 88.72, 92.59, 94.32, 89.12),
    "histopathology": _row("Histopathology", 99.2, 99.6, 99.6, 100, 99.6, 99.6, 100),
}


TABLES_2_TO_4: dict[str, dict[str, float]] = {
    "brats18": _figures(9.06, 12.23, 13.7, 4.38, 8.27, 2, 2.78),
    "chest-xray": _figures(9.31, 14.81, 12.49, 13.60, 3.15, 0.52, 10.68),
    "histopathology": _figures(24.1, 29.7, 33.44, 8.5, 22.8, 23.1, 19.2),
}
# Where the mean of the paper's own five rows is not what it prints.
MEANS_OF_ROWS: dict[str, dict[str, float]] = {
    "brats18": _figures(9.91, 13.86, 12.20, 4.74, 9.01, 2.08, 3.38),
}
TABLE_5 = _figures(13.67, 18.26, 19.12, 8.59, 10.96, 8.43, 10.74)
# Accuracy in per cent on the other models' adversarial images, all sets together.
TABLE_7 = _figures(88.89, 88.89, 85.19, 81.48, 81.48, 38.89, 57.14)


def find_row(dataset: Dataset, wanted: str = "auto") -> str | None:
    """Tell which row of the paper's Table 1 belongs beside a data set.

    Parameters
    ----------
    dataset : Dataset
        The set measured here.
    wanted : str
        "none", a key of `TABLE_1`, or "auto": the row whose key is the set's name, but
        for case and punctuation, if the set has two classes of images at 96x96 as the
        paper's do.

    Returns
    -------
    str or None
        A key of `TABLE_1`.
    """
    if wanted != "auto":
        return wanted if wanted in TABLE_1 else None
    shape = dataset.image_shape or ()
    if shape[:2] != IMAGE_SIZE or len(dataset.class_names) != 2:
        return None
    matches = [key for key in TABLE_1 if _letters(key) == _letters(dataset.name)]
    return matches[0] if matches else None


def _letters(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())
