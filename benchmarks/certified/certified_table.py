"""The table of a run, from its record alone."""

from benchmarks.common.table import Table

TABLE = "certified"


def make_table(data: dict) -> Table:
    """Return the mean over all splits, and its standard deviation.

    Parameters
    ----------
    data : dict
        The record, with at least one model in it.
    """
    models = data["models"]
    n_splits = max(len(model["seeds"]) for model in models.values())
    notes = []
    if any(model["certificate"] is None for model in models.values()):
        notes.append(
            f"≤ no certificate: what attacks left, {data['n_attacked']} images a split"
        )
    return Table(
        TABLE,
        "",
        "Certified accuracy, %, mean ± standard deviation over splits",
        f"{data['dataset']['name']}, {n_splits} splits ({data['dataset']['split']})",
        ["", *(f"L2 {size:g}" for size in data["sizes"])],
        [[name, *_shares(model, data["sizes"])] for name, model in models.items()],
        notes,
    )


def _shares(model: dict, sizes: list[float]) -> list[str]:
    """Write shares in per cent; what attacks left is an upper bound."""
    marks = [
        "≤ " if model["certificate"] is None and size > 0 else "" for size in sizes
    ]
    return [
        f"{mark}{100 * mean:.2f} ± {100 * deviation:.2f}"
        for mark, mean, deviation in zip(
            marks, model["mean"], model["std"], strict=True
        )
    ]
