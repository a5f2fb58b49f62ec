"""What a reader must know of a data set before its figures."""

import textwrap

WIDTH = 88


def describe_dataset(entry: dict) -> str:
    """Return what a reader must know of a data set before its figures.

    Parameters
    ----------
    entry : dict
        A data set's part of the record, with at least one split in it.
    """
    shape = "x".join(str(size) for size in entry["sample_shape"])
    kind = f"images of {shape}" if entry["image"] else f"samples of {shape} features"
    classes = ", ".join(f"{name} {n}" for name, n in entry["classes"].items())
    groups = f", {entry['n_groups']} groups" if entry["n_groups"] else ""
    lines = [
        f"{entry['name']}: {entry['n_samples']} {kind}; {classes}{groups}",
        f"  source: {entry['source']}; licence: {entry['licence']}",
        f"  split:  {describe_split(entry['split'])}",
        f"  input:  {entry['scaling']}",
    ]
    return "\n".join(
        wrapped
        for line in lines
        for wrapped in textwrap.wrap(line, WIDTH, subsequent_indent=" " * 10)
    )


def describe_split(split: dict) -> str:
    """Say how rows were split, and how many are on either side.

    Parameters
    ----------
    split : dict
        A data set's part of the record, with at least one seed in it.
    """
    counts = list(split["seeds"].values())
    sizes = [{side: sum(n.values()) for side, n in seed.items()} for seed in counts]
    first = sizes[0]
    share = 100 * first["test"] / (first["train"] + first["test"])
    text = f"{first['train']} train, {first['test']} test ({share:.0f}%)"
    if split["kind"] == "given":
        return f"the set's own, the same for every seed: {text}"
    by = {
        "random": "random, stratified by class",
        "group": "by group, none on both sides",
    }
    return f"{by[split['kind']]}, drawn anew for each seed: {text} with the first"
