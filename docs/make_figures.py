"""Make the figures that README.rst and docs/contributing.rst show.

python docs/make_figures.py
"""

import runpy
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
FIGURES = {"decision_regions": "plot_decision_regions.py"}


def draw_house() -> None:
    """Draw the layers that tests/test_house.py holds the imports to, lowest at last."""
    sys.path.insert(0, str(ROOT / "tests"))
    from test_house import HOUSES

    houses = [house for house in HOUSES if house.package != "benchmarks.medical"]
    depth = max(len(house.layers) for house in houses)
    figure, axes = plt.subplots(1, len(houses), figsize=(11, 4.6))
    for ax, house in zip(axes, houses, strict=True):
        for level, parts in enumerate(house.layers):
            for k, part in enumerate(parts):
                x, width = k / len(parts), 1 / len(parts)
                ax.add_patch(
                    plt.Rectangle(
                        (x + 0.01, level + 0.12),
                        width - 0.02,
                        0.7,
                        fc="#e8eef7",
                        ec="#33567f",
                        lw=1.2,
                    )
                )
                name = part.removeprefix(f"{house.package}.").lstrip("_")
                ax.text(
                    x + width / 2,
                    level + 0.47,
                    name,
                    ha="center",
                    va="center",
                    fontsize=min(9, 30 * width + 2.2),
                )
        ax.annotate(
            "",
            (1.06, 0.1),
            (1.06, len(house.layers) - 0.2),
            arrowprops={"arrowstyle": "-|>", "color": "#777777"},
            annotation_clip=False,
        )
        ax.set(xlim=(0, 1.1), ylim=(0, depth), title=house.package)
        ax.axis("off")
    figure.tight_layout()
    figure.savefig(IMAGES / "house.svg", metadata={"Date": None})
    plt.close(figure)


def draw_examples() -> None:
    """Draw what examples of the gallery draw."""
    for name, example in FIGURES.items():
        runpy.run_path(str(ROOT / "examples" / example))
        plt.gcf().savefig(IMAGES / f"{name}.png", dpi=110)
        plt.close("all")


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    draw_house()
    draw_examples()
