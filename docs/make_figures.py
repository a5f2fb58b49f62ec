"""Make the figures that README.rst shows: python docs/make_figures.py."""

import runpy
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).parent.parent
FIGURES = {"decision_regions": "plot_decision_regions.py"}

for name, example in FIGURES.items():
    runpy.run_path(str(ROOT / "examples" / example))
    target = ROOT / "docs" / "images" / f"{name}.png"
    target.parent.mkdir(exist_ok=True)
    plt.gcf().savefig(target, dpi=110)
    plt.close("all")
