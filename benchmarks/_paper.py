"""The paper's own figures, to stand beside those measured here.

Yang, Shih, Roshan: Defense Against Adversarial Attacks based on Stochastic Descent Sign
Activation Networks on Medical Images, Table 1.
"""

import re
from dataclasses import dataclass

from benchmarks.datasets import Dataset

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


def _row(title: str, *figures: float) -> PaperRow:
    return PaperRow(title, dict(zip(COLUMNS, figures, strict=True)))


TABLE_1: dict[str, PaperRow] = {
    "brats18": _row("BraTS18", 98.38, 98.92, 95.31, 98.76, 99.10, 99.64, 99.07),
    "chest-xray": _row("Chest X-ray", 90.69, 91.32, 89.12, 88.72, 92.59, 94.32, 89.12),
    "histopathology": _row("Histopathology", 99.2, 99.6, 99.6, 100, 99.6, 99.6, 100),
}


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
