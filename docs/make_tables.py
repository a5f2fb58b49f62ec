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


def read(path: Path) -> dict:
    """Read a record."""
    return json.loads(path.read_text(encoding="utf-8"))


def certified_table(record: dict) -> str:
    """Write average certified radius and certified accuracy of all models."""
    from benchmarks.common.table import Table

    places = [record["sizes"].index(size) for size in SIZES]
    rows = [
        [
            name,
            RESTS_ON[model["certificate"]],
            f"{model['radius_mean']:.2f} ± {model['radius_std']:.2f}",
            *(
                f"{100 * model['mean'][k]:.1f} ± {100 * model['std'][k]:.1f}"
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


def tables() -> dict[str, str]:
    """Return all tables by the names of their files."""
    return {
        f"{path.stem}.rst": certified_table(read(path))
        for path in sorted(RECORDS.glob("certified-*.json"))
    }


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    TABLES.mkdir(exist_ok=True)
    for name, text in tables().items():
        (TABLES / name).write_text(text, encoding="utf-8")
