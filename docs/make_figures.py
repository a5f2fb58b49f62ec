"""Make the logo, and the figures that README.rst and pages of docs show.

python docs/make_figures.py
"""

import runpy
import sys
from collections.abc import Iterable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, StrMethodFormatter

plt.rcParams["svg.hashsalt"] = "sklearn-scd"  # the same file whenever it is made
ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
FIGURES = {
    "decision_regions": "plot_decision_regions.py",
    "robustness_curves": "plot_robustness_curve.py",
}

RIVALS = {  # by the records' names
    "radius-robust": ("sign networks trained by radii", "#1f4e79"),
    "scd01-robust": ("sign networks, 0/1 loss", "#7fb2de"),
    "sign-convolution-smoothed": (
        "sign units on patches, smoothed",
        "#5b3fa8",
    ),
    "lipschitz-mlp": ("1-Lipschitz MLP", "#d55e00"),
    "lipschitz-cnn": ("1-Lipschitz CNN", "#f5a04c"),
    "logistic": ("logistic regression", "#7f7f7f"),
    "mlp-smoothed": ("MLP, smoothed", "#009e73"),
    "svm-rbf-smoothed": ("RBF SVM, smoothed", "#5fc9a5"),
    "cnn-smoothed": ("CNN, smoothed", "#cc79a7"),
    "resnet18-smoothed": ("ResNet18, smoothed", "#b8860b"),
}

ROC_LINES = (("#333333", "--"), ("#d55e00", "-"), ("#1f4e79", "-"), ("#7fb2de", "-"))


def write_logo() -> None:
    """Write the logo: a step function, and the discs around what it tells apart."""
    (IMAGES / "logo.svg").write_text(
        """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img">
<title>sklearn-scd</title>
<rect width="64" height="64" rx="12" fill="#1f4e79"/>
<circle cx="18" cy="24" r="11" fill="#7fb2de" fill-opacity=".45"/>
<circle cx="46" cy="40" r="11" fill="#f5a04c" fill-opacity=".45"/>
<path d="M6 47 H32 V17 H58" fill="none" stroke="#fff" stroke-width="5"/>
<circle cx="18" cy="24" r="4.5" fill="#7fb2de"/>
<circle cx="46" cy="40" r="4.5" fill="#f5a04c"/>
</svg>
""",
        encoding="utf-8",
    )


def draw_house() -> None:
    """Draw the layers that tests/test_house.py holds the imports to, lowest at last."""
    sys.path.insert(0, str(ROOT / "tests"))
    from test_house import HOUSES

    houses = [house for house in HOUSES if house.package != "benchmarks.medical"]
    depth = max(len(house.layers) for house in houses)
    most = [max(len(parts) for parts in house.layers) for house in houses]
    figure, axes = plt.subplots(
        1, len(houses), figsize=(11, 4.6), width_ratios=most, layout="tight"
    )
    figure.draw_without_rendering()  # so that the axes know how wide they are
    for ax, house in zip(axes, houses, strict=True):
        points = 72 / figure.dpi * ax.get_window_extent().width / 1.1
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
                    fontsize=min(9, 1.7 * width * points / len(name)),
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
    figure.savefig(IMAGES / "house.svg", metadata={"Date": None})
    plt.close(figure)


def _legend_below(figure: plt.Figure, axes: Iterable[plt.Axes]) -> None:
    """Draw one legend of all that some axes have, below them."""
    handles = {}
    for ax in axes:
        found, labels = ax.get_legend_handles_labels()
        handles |= dict(zip(labels, found, strict=True))
    figure.legend(handles.values(), handles.keys(), ncol=4, loc="outside lower center")
    figure.set_layout_engine("constrained")


def draw_rivals() -> None:
    """Draw certified accuracy over the size of perturbations, from the records."""
    tables = runpy.run_path(str(ROOT / "docs" / "make_tables.py"))
    paths = sorted(tables["RECORDS"].glob("certified-*.json"))
    sizes = np.linspace(0, 4, 161)
    figure, axes = plt.subplots(1, len(paths), figsize=(11, 3.6), sharey=True)
    for ax, path in zip(axes, paths, strict=True):
        record = tables["read"](path)
        for name, model in record["models"].items():
            if name not in RIVALS:
                continue
            trials = [
                trial["accuracy"]
                * (np.array(trial["distances"])[:, np.newaxis] > sizes).mean(axis=0)
                for trial in model["seeds"].values()
            ]
            label, color = RIVALS[name]
            width = 2.6 if name == "radius-robust" else 1.5
            curve = 100 * np.mean(trials, axis=0)
            ax.plot(sizes, curve, color=color, lw=width, label=label)
        ax.set(title=record["dataset"]["name"], xlabel="L2 size of perturbations")
        ax.grid(alpha=0.3)
    axes[0].set(ylabel="Certified accuracy, %", ylim=(0, 100))
    _legend_below(figure, axes)
    figure.savefig(IMAGES / "certified_rivals.svg", metadata={"Date": None})
    plt.close(figure)


def draw_speed() -> None:
    """Draw what fits at each model's defaults take, from the record."""
    tables = runpy.run_path(str(ROOT / "docs" / "make_tables.py"))
    by_data = tables["fits"](tables["speed_section"]("defaults"))
    figure, axes = plt.subplots(1, len(by_data), figsize=(11, 2.8), sharey=True)
    for ax, (data, models) in zip(axes, by_data.items(), strict=True):
        names = [tables["NAMES"].get(model, model) for model in models]
        seconds = [values[0] for values in models.values()]
        colors = ["#1f4e79" if name.startswith("SCD") else "#9a9a9a" for name in names]
        bars = ax.barh(names, seconds, color=colors)
        labels = [tables["said"](values) for values in models.values()]
        labels = [label.removesuffix(" iterations") for label in labels]
        ax.bar_label(bars, labels, padding=3)
        ax.set(title=tables["SHAPES"][data], xlabel="Processor seconds", xscale="log")
        ax.set_xlim(0.03, 20 * max(seconds))
        ax.spines[["top", "right"]].set_visible(False)
    figure.set_layout_engine("constrained")
    axes[0].invert_yaxis()
    figure.savefig(IMAGES / "speed_defaults.svg", metadata={"Date": None})
    plt.close(figure)


def draw_paper() -> None:
    """Draw what the paper, HopSkipJump here, the best attack and certificates say."""
    from benchmarks.medical.paper import TABLES_2_TO_4
    from benchmarks.medical.tables.condensed import (
        by_dataset,
        decision_means,
        is_paper,
        known_of,
        labels_of,
        one_of_each_set,
        whole_or_largest,
    )

    tables = runpy.run_path(str(ROOT / "docs" / "make_tables.py"))
    groups = one_of_each_set(by_dataset(tables["medical_records"]()))
    figure, axes = plt.subplots(1, len(groups), figsize=(11, 3.8), squeeze=False)
    for ax, (title, records) in zip(axes[0], groups.items(), strict=True):
        group = [whole_or_largest(records)]
        paper = TABLES_2_TO_4.get(group[0]["dataset"]["paper_row"], {})
        names = labels_of(group)
        for place, name in enumerate(names):
            known, found = known_of(group, name), decision_means(group, name)
            ax.axhline(place, color="#dddddd", lw=0.8, zorder=0)
            marks = [
                (paper.get(name), "D", "none", "HopSkipJump, the paper (mean)"),
                (found, "o", "#9a9a9a", "HopSkipJump, here (mean)"),
                (_median_of(known.best), "<", "#d55e00", "best attack (median)"),
                (_median_of(known.certified), "|", "#1f4e79", "certified (median)"),
            ]
            for value, marker, color, label in marks:
                if value:
                    edge = "#333333" if color == "none" else color
                    size = 150 if marker == "|" else 46
                    ax.scatter(
                        value, place, s=size, marker=marker, c=color,
                        edgecolors=None if marker == "|" else edge,
                        linewidths=2.4 if marker == "|" else 1.2, label=label,
                    )  # fmt: skip
        ax.set_yticks(range(len(names)), names.values())
        ax.invert_yaxis()
        protocol = "the paper's protocol" if is_paper(group[0]) else "brief attacks"
        ax.set(
            title=f"{title},\n{protocol}",
            xlabel="L2 size of perturbations",
            xscale="log",
        )
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
    _legend_below(figure, axes[0])
    figure.savefig(IMAGES / "paper_beside_ours.svg", metadata={"Date": None})
    plt.close(figure)


def _median_of(values: np.ndarray) -> float | None:
    median = float(np.median(values)) if values.size else None
    return median if median is not None and np.isfinite(median) else None


def draw_iterations() -> None:
    """Draw how HopSkipJump nears the images, and what the best attack needs."""
    from benchmarks.medical.tables import condensed

    tables = runpy.run_path(str(ROOT / "docs" / "make_tables.py"))
    groups = condensed.one_of_each_set(
        condensed.by_dataset(tables["medical_records"]())
    )
    full = {
        title: group for title, group in groups.items() if condensed.is_paper(group[0])
    }
    labels = condensed.labels_of(group[0] for group in full.values())
    figure, axes = plt.subplots(
        1, len(full), figsize=(11, 4.3), squeeze=False, sharey=True
    )
    for ax, (title, group) in zip(axes[0], full.items(), strict=True):
        for k, (name, label) in enumerate(labels.items()):
            model = group[0]["attack"]["models"].get(name)
            if model is None:
                continue
            courses = [course for course in model["history"] if course[-1]]
            middle = np.median(np.array(courses, dtype=float), axis=0)
            color = plt.get_cmap("tab20")(k)
            ax.plot(np.arange(len(middle)), middle, color=color, label=label)
            best = _median_of(condensed.known_of(group[:1], name).best)
            if best:
                ax.plot(len(middle) + 1, best, "<", color=color, clip_on=False)
        ax.set(title=title, xlabel="Iterations of HopSkipJump", yscale="log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.minorticks_off()
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("Median L2 size of perturbations")
    figure.set_layout_engine("constrained")
    lines = {text: line for ax in axes[0] for line, text in
             zip(*ax.get_legend_handles_labels(), strict=True)}  # fmt: skip
    figure.legend(
        [lines[label] for label in labels.values()], labels.values(),
        loc="outside right center", frameon=False,
    )  # fmt: skip
    figure.savefig(IMAGES / "paper_iterations.svg", metadata={"Date": None})
    plt.close(figure)


def draw_detection() -> None:
    """Draw ROC curves of the agreement of votes, from the records."""
    from benchmarks.medical.tables.detection import attack_label, roc_band

    tables = runpy.run_path(str(ROOT / "docs" / "make_tables.py"))
    paths = sorted(tables["RECORDS"].glob("detection-*.json"))
    figure, axes = plt.subplots(1, len(paths), figsize=(11, 3.9), sharey=True)
    for ax, path in zip(axes, paths, strict=True):
        record = tables["read"](path)
        model = record["models"]["scdce"]
        clean = np.array(model["agreement_clean"])
        for (attack, found), (color, dashes) in zip(
            model["attacks"].items(), ROC_LINES, strict=True
        ):
            agreed = np.array([a for a in found["agreement"] if a is not None])
            rates, hits, low, high = roc_band(clean, agreed)
            order = 3 if dashes == "--" else 2  # often the same as another
            style = {"color": color, "ls": dashes, "zorder": order}
            # Thresholds are few: up to the next one nothing changes.
            ax.step(rates, hits, where="post", label=attack_label(attack), **style)
            band = {"color": color, "alpha": 0.12, "lw": 0, "step": "post"}
            ax.fill_between(rates, low, high, **band)
        for rate in map(float, model["thresholds"]):
            ax.axvline(100 * rate, color="#999999", lw=0.7, ls=":")
        ax.set(title=record["dataset"]["name"], xlabel="False alarms, %")
        ax.set(xlim=(0, 10), ylim=(-2, 102))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set(ylabel="Adversarial images flagged, %")
    _legend_below(figure, axes)
    figure.savefig(IMAGES / "detection_roc.svg", metadata={"Date": None})
    plt.close(figure)


def draw_growth_and_accuracy() -> None:
    """Draw how the time of a fit grows and what more of it gains, from the records."""
    from benchmarks.speed import plots

    tables = runpy.run_path(str(ROOT / "docs" / "make_tables.py"))
    drawings = {"growth": plots.draw_growth, "accuracy": plots.draw_accuracy}
    for name, draw in drawings.items():
        with plt.rc_context(plots.STYLE):
            figure = draw(tables["speed_section"](name))
            figure.savefig(IMAGES / f"speed_{name}.svg", metadata={"Date": None})


def draw_examples() -> None:
    """Draw the first figures of examples of the gallery."""
    for name, example in FIGURES.items():
        runpy.run_path(str(ROOT / "examples" / example))
        plt.figure(plt.get_fignums()[0]).savefig(IMAGES / f"{name}.png", dpi=110)
        plt.close("all")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    IMAGES.mkdir(exist_ok=True)
    write_logo()
    draw_house()
    draw_rivals()
    draw_speed()
    draw_paper()
    draw_iterations()
    draw_detection()
    draw_growth_and_accuracy()
    draw_examples()
