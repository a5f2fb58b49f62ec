"""Records that the documentation's tables are made from, and these tables."""

import platform
import re
import runpy
from pathlib import Path
from statistics import stdev

import numpy as np
import pytest
from numpy.testing import assert_allclose

DOCS = Path(__file__).resolve().parents[3] / "docs"
MADE = runpy.run_path(str(DOCS / "make_tables.py"))
KINDS = "certified", "gray-levels"
RECORDS = [p for kind in KINDS for p in sorted(MADE["RECORDS"].glob(f"{kind}-*.json"))]


def test_there_is_a_record_for_each_data_set():
    assert len(RECORDS) == 3 * len(KINDS)


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_sums_of_a_record_follow_from_its_images(path):
    record = MADE["read"](path)
    sizes = np.array(record["sizes"])
    for model in record["models"].values():
        shares, radii = [], []
        for trial in model["seeds"].values():
            distances = np.array(trial["distances"])
            shares.append(trial["accuracy"] * (distances[:, None] > sizes).mean(axis=0))
            radii.append(trial["accuracy"] * distances.mean())
        # Distances are kept to 1e-4: an image may be on either side of a size.
        assert_allclose(model["mean"], np.mean(shares, axis=0), atol=2e-3)
        assert_allclose(model["radius_mean"], np.mean(radii), atol=2e-4)
        if len(radii) > 1:  # one less than their number divides
            deviations = [stdev(of_size) for of_size in np.transpose(shares)]
            assert_allclose(model["std"], deviations, atol=2e-3)
            assert_allclose(model["radius_std"], stdev(radii), atol=2e-4)


@pytest.mark.parametrize(
    "path", sorted(MADE["RECORDS"].glob("*.json")), ids=lambda path: path.stem
)
def test_no_record_names_a_machine_or_a_folder_of_it(path):
    text = path.read_text(encoding="utf-8")
    absolute = re.findall(r'"[^"]*(?<![\w.])/\w[^"]*"|"[A-Za-z]:\\\\[^"]*"', text)
    assert not absolute
    node = platform.node()
    assert not node or not re.search(rf"\b{re.escape(node)}\b", text)


def test_tables_of_the_documentation_are_those_of_the_records():
    """Made by docs/make_tables.py, so that no figure is typed."""
    for name, text in MADE["tables"]().items():
        assert (DOCS / "tables" / name).read_text(encoding="utf-8") == text


def test_who_is_ahead_is_the_best_of_those_with_all_splits():
    def model(*accuracies):
        splits = ({"accuracies": [share] * 5} for share in accuracies)
        return {"seeds": dict(enumerate(splits))}

    models = {
        "robust-defaults": model(0.50, 0.70),
        "scd01-robust": model(0.60, 0.58),
        "radius-robust": model(0.99),  # of one split
        "logistic": model(0.52, 0.66),
        "lipschitz-mlp": model(0.51, 0.60),
        "resnet18-smoothed": model(0.98),
    }
    sizes = [0.0, 0.5, 1.0, 2.0, 3.0]
    record = {"sizes": sizes, "models": models, "arguments": {"seeds": 2}}
    cells = MADE["ahead_table"]({"X-rays": record}).split("     - ")
    # Differences of -2 and 4 points: 1 in the mean, 3 from it on either side.
    found = [cell.split("\n")[0] for cell in cells[5:9]]
    assert found == ["0", "robust-defaults", "logistic", "1.0 ± 3.0"]


def test_every_table_is_on_a_page():
    pages = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.rst"))
    made = {path.name for path in DOCS.joinpath("tables").iterdir()}
    assert made == set(MADE["tables"]())
    assert made == set(re.findall(r"^\.\. include:: tables/(.+)$", pages, re.M))


def test_accuracies_of_the_readme_are_those_of_the_records():
    """A row of the README's table begins as that of the documentation's."""
    table = DOCS.joinpath("tables", "medical-accuracy.rst").read_text(encoding="utf-8")
    rows = [row.split("\n     - ") for row in table.split("\n   * - ")[1:]]
    column = rows[0].index("Chest X-rays")
    recorded = {row[0]: row[column] for row in rows}
    readme = DOCS.parent.joinpath("README.rst").read_text(encoding="utf-8")
    found = re.findall(r"^(\w.{20})  (\d\d\.\d\d(?: ± \d\.\d\d)?)(?= |$)", readme, re.M)
    names = {"linear, 0/1 loss": "Linear01"}
    assert len(found) == 9
    for name, accuracy in found:
        name = names.get(name.strip(), name.strip())
        assert re.split(r" \(|, ", recorded[name])[0] == accuracy, name
