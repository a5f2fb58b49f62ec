"""The table of a run, from its record alone."""

from benchmarks.certified.norms import NORMS
from benchmarks.common.table import Table

TABLE = "certified"
# What the radii of a row rest on, by the record's name for it.
CERTIFICATES = {
    "exact": "exact",
    "certified": "proven",
    "smoothed": "smoothing",
    "both": "either",
    None: "attacked",
}


def make_table(data: dict) -> Table:
    """Return the mean over the splits and, of several, the standard deviation.

    Parameters
    ----------
    data : dict
        The record, with at least one model in it.
    """
    models, norm = data["models"], NORMS[str(data["norm"])]
    n_splits = max(len(model["seeds"]) for model in models.values())
    what, splits = "", "1 split"
    if n_splits > 1:
        what = ", mean ± standard deviation over splits"
        splits = f"{n_splits} splits"
    return Table(
        TABLE,
        "",
        f"Certified accuracy, %{what}",
        f"{data['dataset']['name']}, {splits} ({data['dataset']['split']})",
        [
            "",
            "certificate",
            norm.radius,
            *(norm.size.format(size) for size in data["sizes"]),
            "ms",
        ],
        [[name, *_cells(model, data["sizes"])] for name, model in models.items()],
        _notes(data),
    )


def _cells(model: dict, sizes: list[float]) -> list[str]:
    """Write a row; what attacks left is an upper bound."""
    mark = "≤ " if model["certificate"] is None else ""
    several = len(model["seeds"]) > 1
    shares = [
        f"{mark if size > 0 else ''}{100 * mean:.2f}"
        + (f" ± {100 * deviation:.2f}" if several else "")
        for size, mean, deviation in zip(
            sizes, model["mean"], model["std"], strict=True
        )
    ]
    mean, deviation = model["radius_mean"], model["radius_std"]
    # Infinite where a model is a constant.
    radius = "inf" if mean is None else f"{mark}{mean:.3f}"
    if several and mean is not None:
        radius += f" ± {deviation:.3f}"
    return [
        CERTIFICATES[model["certificate"]],
        radius,
        *shares,
        f"{1000 * model['seconds']:.1f}",
    ]


def _notes(data: dict) -> list[str]:
    """Explain what is in the table, and nothing else."""
    kinds = {model["certificate"] for model in data["models"].values()}
    smoothing = data["smoothing"]
    confidence = f"{100 * (1 - smoothing['alpha']):g}%"
    about = {
        "2": "radius: average certified radius, L2, over test images",
        "inf": "n/255: no pixel changes by more than n of 255 gray levels; levels: "
        "certified ones, mean over test images; of 1-Lipschitz networks by L2 over the "
        "root of the number of values",
    }
    notes = [
        f"{about[str(data['norm'])]}, 0 where the model is wrong; ms: milliseconds of "
        "processor time an image"
    ]
    if kinds & {"smoothed", "both"}:
        n_images = smoothing["n_images"]
        notes.append(
            f"smoothing: each radius holds with a confidence of {confidence}, by "
            f"{smoothing['copies']:,} noisy copies; "
            + ("all test images" if n_images is None else f"{n_images} images a split")
        )
    if "both" in kinds:
        notes.append(
            "either: the larger radius of a model and the smoothed one, of a "
            "classifier that answers where the two agree and else abstains: below it "
            "no answer is wrong, but there may be none"
        )
    if None in kinds:
        notes.append(
            f"≤ no certificate: what attacks left, {data['n_attacked']} images a split"
        )
    return notes
