"""Make the tables of docs/tables from the records of runs in benchmarks/records.

python docs/make_tables.py

Those of speed are what ``python -m benchmarks.speed --sections NAME --output
benchmarks/records/speed-NAME.json`` writes, for defaults and growth.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
RECORDS = ROOT / "benchmarks" / "records"
TABLES = ROOT / "docs" / "tables"
SIZES = (0.0, 0.5, 1.0, 2.0, 3.0)
RESTS_ON = {
    "exact": "exact",
    "certified": "proof",
    "smoothed": "smoothing",
    "both": "either",
}

SIGN_NETWORKS = (  # rows of certified records; all others are rivals
    "scd01-robust",
    "scd01-robust+smoothing",
    "scd01-robust+either",
    "robust-defaults",
    "radius-robust",
    "sign-convolution-smoothed",
)
SETS = {
    "chest-xrays": "X-rays",
    "brain-mri": "Brain MRI",
    "colon-histology": "Histology",
}
CAPTION = "Certified accuracy at each size, mean over splits and its standard error"
NAMES = {
    "SCD01": "SCD01, 100 votes",
    "SCDCE": "SCDCE, 100 votes",
    "random forest": "Random Forest, 100 trees",
}
SHAPES = {
    "breast cancer": "breast cancer, 569 x 30",
    "digits": "digits, 1,797 x 64, ten classes",
    "synthetic images": "images, 3,168 x 9,216",
}


def read(path: Path) -> dict:
    """Read a record."""
    return json.loads(path.read_text(encoding="utf-8"))


def _mean(model: dict, mean: float, deviation: float, decimals: int) -> str:
    """Write a mean over splits; one split has no deviation."""
    text = f"{mean:.{decimals}f}"
    return text if len(model["seeds"]) == 1 else f"{text} ± {deviation:.{decimals}f}"


def certified_table(record: dict) -> str:
    """Write average certified radius and certified accuracy of all models.

    Of a record by L-infinity these are gray levels.
    """
    from benchmarks.common.table import Table

    in_levels = record["norm"] == "inf"
    sizes = record["sizes"] if in_levels else SIZES
    places = [record["sizes"].index(size) for size in sizes]
    rows = [
        [
            name,
            RESTS_ON[model["certificate"]],
            _mean(model, model["radius_mean"], model["radius_std"], 2),
            *(
                _mean(model, 100 * model["mean"][k], 100 * model["std"][k], 1)
                for k in places
            ),
            str(len(model["seeds"])),
        ]
        for name, model in record["models"].items()
    ]
    table = Table(
        "certified",
        "",
        record["dataset"]["name"],
        f"Splits by {record['dataset']['split']}, mean ± standard deviation",
        [
            "Model",
            "Rests on",
            "Levels" if in_levels else "Radius",
            *(f"{size:g}" for size in sizes),
            "Splits",
        ],
        rows,
    )
    return table.to_rst()


def ahead_table(records: dict[str, dict]) -> str:
    """Write the best row of sign networks beside the best rival's, at each size.

    Parameters
    ----------
    records : dict of str to dict
        Certified records by what their sets are called.

    Returns
    -------
    str
        Differences in points, mean over splits and standard error of the mean.
    """
    from benchmarks.common.table import Table

    rows = [
        [title if size == SIZES[0] else "", f"{size:g}", *_ahead(record, size)]
        for title, record in records.items()
        for size in SIZES
    ]
    header = ["Set", "L2", "Sign networks", "Best rival", "Points ahead"]
    return Table("certified-ahead", "", CAPTION, "", header, rows).to_rst()


def _ahead(record: dict, size: float) -> list[str]:
    """Who of both sides is the best at a size, and by how much the first is ahead."""
    place = record["sizes"].index(size)
    rivals = [name for name in record["models"] if name not in SIGN_NETWORKS]
    ours, accuracies = _best(record, SIGN_NETWORKS, place)
    theirs, those_of_theirs = _best(record, rivals, place)
    differences = 100 * (accuracies - those_of_theirs)
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return [ours, theirs, f"{differences.mean():.1f} ± {error:.1f}"]


def _best(
    record: dict, names: Iterable[str], place: int
) -> tuple[str, NDArray[np.float64]]:
    """Return who is certified right most often, of those with all splits, and that."""
    n_splits = record["arguments"]["seeds"]
    found = {}
    for name in names:
        splits = record["models"].get(name, {"seeds": {}})["seeds"].values()
        if len(splits) == n_splits:
            found[name] = np.array([split["accuracies"][place] for split in splits])
    best = max(found, key=lambda name: found[name].mean())
    return best, found[best]


def speed_section(name: str) -> dict:
    """Read a section of benchmarks.speed: what its record of that name holds."""
    section: dict = read(RECORDS / f"speed-{name}.json")["sections"][name]
    return section


def fits(section: dict) -> dict[str, dict[str, list]]:
    """Return seconds, accuracy and iterations by data set and model.

    Of a fit that was stopped there is no accuracy: None, and the iterations that the
    seconds are of, as text. Others have None for these.
    """
    found: dict[str, dict[str, list]] = {}
    for entry in section["measurements"]:
        models = found.setdefault(entry["about"]["column"], {})
        values = models.setdefault(entry["about"]["row"], [None, None, None])
        values[1 if entry["unit"] == "" else 0] = entry["median"]
        if entry["unit"].startswith("s for "):
            values[2] = entry["unit"].removeprefix("s ")
    return found


def short(seconds: float) -> str:
    """Write seconds with two digits or, from ten on, without decimals."""
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def said(values: list) -> str:
    """Write the seconds of a fit, or of its first iterations."""
    seconds, _, part = values
    return short(seconds) if part is None else f"{short(seconds)} {part}"


def speed_table(section: dict) -> str:
    """Write what fits at each model's defaults take."""
    from benchmarks.common.table import Table

    by_data = fits(section)
    models = dict.fromkeys(model for data in by_data.values() for model in data)
    rows = [[NAMES.get(model, model)] for model in models]
    for data in by_data.values():
        for row, model in zip(rows, models, strict=True):
            values = data.get(model)
            if values is None:
                row.append("not measured")
                continue
            right = "" if values[1] is None else f", {100 * values[1]:.1f}%"
            row.append(said(values) + right)
    shapes = [SHAPES[data] for data in by_data]
    header = ["Model", *(shape.partition(",")[0] for shape in shapes)]
    caption = "A fit, processor seconds of one thread, and accuracy: " + "; ".join(
        shapes
    )
    return Table("speed-defaults", "", caption, "", header, rows).to_rst()


def medical_records() -> list[dict]:
    """Read the records of ``benchmarks.medical``."""
    return [read(path) for path in sorted(RECORDS.glob("medical-*.json"))]


def medical_tables() -> dict[str, str]:
    """Write the paper's tables and ours side by side, and what detection gives."""
    from benchmarks.medical.tables import condensed, detection, side_by_side
    from benchmarks.medical.tables.at_a_glance import summary

    def without_intervals(table: Any) -> Any:
        rows = [[replace(cell, small="") for cell in row] for row in table.rows]
        return replace(table, number="", rows=rows, notes=())

    groups = condensed.by_dataset(medical_records())
    made = [side_by_side.accuracies(groups), side_by_side.means(groups)]
    for group in groups.values():
        made += [
            side_by_side.distances(group),
            side_by_side.transfer_accuracies(group),
            side_by_side.transfers(group),
            without_intervals(
                summary({}, condensed.as_entry(condensed.largest(group)))
            ),
        ]
    made += [
        detection.detection(read(path))
        for path in sorted(RECORDS.glob("detection-*.json"))
    ]
    return {f"{table.name.lower()}.rst": table.to_rst() for table in made}


def tables() -> dict[str, str]:
    """Return all tables by the names of their files."""
    made = {
        f"{path.stem}.rst": certified_table(read(path))
        for kind in ("certified", "gray-levels")
        for path in sorted(RECORDS.glob(f"{kind}-*.json"))
    }
    certified = {
        title: read(RECORDS / f"certified-{name}.json") for name, title in SETS.items()
    }
    made["certified-ahead.rst"] = ahead_table(certified)
    made |= medical_tables()
    return {**made, "speed-defaults.rst": speed_table(speed_section("defaults"))}


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    TABLES.mkdir(exist_ok=True)
    for name, text in tables().items():
        (TABLES / name).write_text(text, encoding="utf-8")
