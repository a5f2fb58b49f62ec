"""Make the tables of docs/tables from the records of runs in benchmarks/records.

python docs/make_tables.py
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
RECORDS = ROOT / "benchmarks" / "records"
TABLES = ROOT / "docs" / "tables"
SIZES = (0.0, 0.5, 1.0, 2.0, 3.0)
RESTS_ON = {
    "exact": "exact distance",
    "certified": "proof",
    "smoothed": "smoothing",
    "both": "either; may abstain",
}

NAMES = {
    "SCD01": "SCD01, 100 votes",
    "SCDCE": "SCDCE, 100 votes",
    "random forest": "Random Forest, 100 trees",
}
SHAPES = {
    "breast cancer": "breast cancer, 569 x 30",
    "digits": "digits, 1,797 x 64, ten classes",
}


def read(path: Path) -> dict:
    """Read a record."""
    return json.loads(path.read_text(encoding="utf-8"))


def _mean(model: dict, mean: float, deviation: float, decimals: int) -> str:
    """Write a mean over splits; one split has no deviation."""
    text = f"{mean:.{decimals}f}"
    return text if len(model["seeds"]) == 1 else f"{text} ± {deviation:.{decimals}f}"


def certified_table(record: dict) -> str:
    """Write average certified radius and certified accuracy of all models."""
    from benchmarks.common.table import Table

    places = [record["sizes"].index(size) for size in SIZES]
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
        ["Model", "Rests on", "Radius", *(f"{size:g}" for size in SIZES), "Splits"],
        rows,
    )
    return table.to_rst()


def fits(record: dict) -> dict[str, dict[str, list[float]]]:
    """Return seconds and accuracy by data set and model."""
    found: dict[str, dict[str, list[float]]] = {}
    for entry in record["measurements"]:
        models = found.setdefault(entry["column"], {})
        models.setdefault(entry["row"], []).append(entry["median"])
    return found


def short(seconds: float) -> str:
    """Write seconds with two digits or, from ten on, without decimals."""
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def speed_table(record: dict) -> str:
    """Write what fits at each model's defaults take."""
    from benchmarks.common.table import Table

    by_data = fits(record)
    models = dict.fromkeys(model for data in by_data.values() for model in data)
    rows = [
        [
            NAMES.get(model, model),
            *(
                f"{short(data[model][0])}, {100 * data[model][1]:.1f}%"
                for data in by_data.values()
            ),
        ]
        for model in models
    ]
    header = ["Model", *(SHAPES[data] for data in by_data)]
    caption = "A fit, processor seconds of one thread, and accuracy"
    return Table("speed-defaults", "", caption, "", header, rows).to_rst()


def medical_records() -> list[dict]:
    """Read the records of ``benchmarks.medical``."""
    return [read(path) for path in sorted(RECORDS.glob("medical-*.json"))]


def medical_tables() -> dict[str, str]:
    """Write the paper's tables and ours side by side, and what detection gives."""
    from benchmarks.medical.tables import detection, side_by_side

    groups = side_by_side.by_dataset(medical_records())
    made = [side_by_side.accuracies(groups)] if groups else []
    for group in groups.values():
        made += [
            side_by_side.distances(group),
            side_by_side.transfer_accuracies(group),
            side_by_side.transfers(group),
        ]
    made += [
        detection.detection(read(path))
        for path in sorted(RECORDS.glob("detection-*.json"))
    ]
    return {f"{table.name}.rst": table.to_rst() for table in made}


def tables() -> dict[str, str]:
    """Return all tables by the names of their files."""
    made = {
        f"{path.stem}.rst": certified_table(read(path))
        for path in sorted(RECORDS.glob("certified-*.json"))
    }
    path = RECORDS / "speed-defaults.json"
    made |= medical_tables()
    return {**made, f"{path.stem}.rst": speed_table(read(path))}


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    TABLES.mkdir(exist_ok=True)
    for name, text in tables().items():
        (TABLES / name).write_text(text, encoding="utf-8")
