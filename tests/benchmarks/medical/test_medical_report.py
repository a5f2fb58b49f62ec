"""The report: whole and harmless, for a full record and for a partial one."""

import hashlib
import re
import warnings
from base64 import b64encode
from copy import deepcopy

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("PIL")
pytest.importorskip("platformdirs")
pytest.importorskip("skimage")
pytest.importorskip("threadpoolctl")
pytest.importorskip("tqdm")

from _made_records import HOSTILE, MAX_ITER, Page, make_record
from PIL import Image

from benchmarks.common.errors import UserError
from benchmarks.common.pages import clean
from benchmarks.common.table import Table
from benchmarks.medical import tables
from benchmarks.medical.reading import shown_by_others
from benchmarks.medical.report import Pictures, _section, _write, write_report
from benchmarks.medical.report._bands import bands_of
from benchmarks.medical.report._pictures import HIGHER, LOWER, NONE, show_difference
from benchmarks.medical.report._style import spread
from benchmarks.medical.report._write import file_stems


def report(tmp_path, **made):
    data, pictures = make_record(tmp_path, **made)
    paths = write_report(tmp_path, data, pictures)
    return data, Page(paths[0]), [path.name for path in paths]


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Folder of a report of two data sets, its record, page and files."""
    folder = tmp_path_factory.mktemp("full")
    sets = ("chest-xray", (24, 24), "chest-xray"), ("colon", (16, 16, 3), None)
    return folder, *report(folder, sets=sets)


@pytest.fixture
def no_drawing(monkeypatch):
    """Leave out what charts take: the test is about text."""
    for module in (_section, _write):
        monkeypatch.setattr(module, "render", lambda *_: b"")


def test_report_of_a_full_record(full):
    tmp_path, data, page, names = full
    of_a_set = ["samples", *[f"adversarial-{k}" for k in (1, 2, 3)]]
    of_a_set += ["summary", "iterations", "robust-accuracy", "bands", "transfer"]
    assert names == [
        "report.html",
        *[f"{stem}-{c}.png" for stem in ("chest-xray", "colon") for c in of_a_set],
    ]
    for name in names[1:]:
        with Image.open(tmp_path / "figures" / name) as image:
            assert min(image.size) > 100
    titles = ["Summary", "Tables 2 to 4", *[f"Table {k}" for k in (1, 5, 6, 7, 8)]]
    for title in titles:
        assert title in page.texts
    attack = data["datasets"]["npz:0"]["attack"]
    for model in attack["models"].values():
        assert f"{model['summary']['median']:#.3g}" in page.texts
    # The paper's figures of SCD01: Tables 1, 2 to 4, 5 and 7.
    for figure in ("90.69", "9.31", "13.67", "88.89"):
        assert figure in page.texts
    assert "HopSkipJump, L2, 3 images, 3 restarts, 20 iterations" in page.text
    # Of 18 pairs, two of the first model on each set were no distances.
    assert "Of 18 pairs of a model and an image, 2 were misclassified" in page.text
    assert "Accuracy and robustness on 2 data sets" in page.texts
    assert "on 2 the search found nothing" in page.text
    assert f"numpy {np.__version__}" in page.text
    assert "Seeds 0, 1 " in page.text


def test_bounds_say_where_there_are_none(tmp_path, no_drawing):
    data, page, _ = report(tmp_path)
    (entry,) = data["datasets"].values()
    models = entry["evaluation"]["models"]
    for model in models.values():
        nearest = model["summary"]["nearest"]
        assert (nearest is None) == (model["label"] == "SCD01")
        assert ("∞" if nearest is None else f"{nearest:#.3g}") in page.texts
    # SCD01: one distance, one image without an adversarial one, one misclassified.
    low, unknown, _ = models["scd01"]["certified"]
    high = models["scd01"]["nearest"][0]
    assert f"{low:#.3g} to {high:#.3g}" in page.texts
    assert f"{unknown:#.3g} to ∞" in page.texts
    assert f"0 to {models['mlp']['nearest'][2]:#.3g}" in page.texts
    assert "Table 8 has what they found." in page.text
    blind = "on the others only HopSkipJump was run"
    assert blind in page.text
    models["random-forest"]["distances"]["trees"] = [None] * 3
    assert blind not in Page(write_report(tmp_path, data, {})[0]).text
    assert "none was run here" not in page.text
    bands = bands_of(entry, "scd01")
    assert [(b.low, b.high, b.is_wrong) for b in bands] == [
        (low, high, False), (unknown, np.inf, False), (0, 0, True)
    ]  # fmt: skip
    assert [b.low for b in bands_of(entry, "mlp")] == [0, 0, 0]
    del entry["evaluation"]
    page = Page(write_report(tmp_path, data, {})[0])
    assert "Table 8" not in page.texts
    assert "none was run here" in page.text


def test_hop_skip_jump_never_ranks_models_alone(tmp_path):
    """Beside each of the paper's tables stands what the best attack needs."""
    sets = ("chest-xray", (24, 24), "chest-xray"), ("colon", (16, 16, 3), None)
    data, _ = make_record(tmp_path, sets=sets, names=("scd01", "mlp", "lenet"))
    entries = list(data["datasets"].values())
    expected = {
        (f"best attack, {entry['name']}", model["label"]): distance_text(model)
        for entry in entries
        for model in entry["evaluation"]["models"].values()
    }
    for make in (tables.mean_distances, tables.transfer_accuracy):
        assert columns(make(data, entries), "best attack, ") == expected
    (first, *_) = entries
    own = {
        ("best attack", label): text
        for (heading, label), text in expected.items()
        if heading.endswith("chest-xray")
    }
    over = (make(data, [first]) for make in (tables.mean_distances,))
    for table in (*over, tables.distances(data, first)):
        assert columns(table, "best attack") == own
        assert any("ompare models by it" in note for note in table.notes)
    del first["evaluation"]
    table = tables.distances(data, first)
    assert columns(table, "best attack") == {}
    assert "HopSkipJump alone does not rank models." in table.notes


def distance_text(model):
    nearest = model["summary"]["nearest"]
    return "∞" if nearest is None else f"{nearest:#.3g}"


def columns(table, start):
    return {
        (heading, str(row[0])): str(row[place])
        for row in table.rows
        for place, heading in enumerate(table.header)
        if heading.startswith(start)
    }


def test_a_table_needs_a_line_in_its_list_to_be_there_for_templates(
    tmp_path, monkeypatch
):
    """By the name of its function; one over data sets is shown where there are two."""

    def fit_times(data, entry):
        return Table("t9", "Table 9", "Fit, s", "", ["name"], [[entry["name"]]])

    def fit_total(data, entries):
        return Table("t10", "Table 10", "Sum", "", ["sets"], [[str(len(entries))]])

    for name, make in (("OF_A_DATASET", fit_times), ("OVER_DATASETS", fit_total)):
        lines = (*getattr(tables, name), (tables.has_models, make))
        monkeypatch.setattr(tables, name, lines)
    sets = ("chest-xray", (24, 24), None), ("colon", (16, 16, 3), None)
    data = make_record(tmp_path, sets=sets)[0]
    first = next(iter(data["datasets"].values()))
    named = tables.tables_by_name(data, first)
    assert str(named["fit_times"].rows[0][0]) == "chest-xray"
    assert str(named["fit_total"].rows[0][0]) == "1"
    over = {table.name: table for table in tables.tables_over_datasets(data, fewest=2)}
    assert str(over["t10"].rows[0][0]) == "2"
    assert {"t9", "t10"} <= {table.name for table in tables.make_tables(data)}
    first["models"].clear()
    assert tables.tables_by_name(data, first)["fit_times"] is None
    over = [table.name for table in tables.tables_over_datasets(data, fewest=2)]
    assert "t10" not in over


def test_page_needs_nothing_else(full):
    _, _, page, _ = full
    assert page.tags.count("script") == 1
    assert "link" not in page.tags
    anchors = [value for _, key, value in page.attributes if key == "id"]
    assert len(set(anchors)) == len(anchors)
    for name, key, value in page.attributes:
        if key in ("src", "srcset"):
            assert value.startswith("data:image/"), (name, key)
        if key == "href":
            # No element has the name that closes an enlarged image.
            assert value.startswith("#")
            assert (value[1:] in anchors) != (value == "#_")
        assert not key.startswith("on")
    assert not re.search(r"url\(|@import|https?:", page.source)
    (policy,) = (v for *_, v in page.attributes if v and v.startswith("default-src"))
    digest = hashlib.sha256(page.script.encode()).digest()
    assert f"script-src 'sha256-{b64encode(digest).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "prefers-color-scheme: dark" in page.source
    images = [a for a in page.attributes if a[0] == "img" and a[1] == "alt"]
    assert len(images) == page.tags.count("img")
    assert all(value for *_, value in images)
    # A table that is wider than a telephone scrolls by itself.
    assert page.parents["table"] == {("div", "scroll")}


def test_names_from_data_are_only_text(tmp_path):
    """Names of folders and models can hold anything that a file system can."""
    data, pictures = make_record(
        tmp_path,
        sets=((HOSTILE, (12, 12), None),),
        class_names=(HOSTILE, "$\\frac{$ 肺炎"),
    )
    (entry,) = data["datasets"].values()
    for models in (entry["models"], entry["attack"]["models"]):
        models["mlp"]["label"] = HOSTILE
        models["unheard-of"] = deepcopy(models["mlp"])
    pictures["npz:0"].adversarials["unheard-of"] = pictures["npz:0"].originals
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paths = write_report(tmp_path, data, pictures)
    page = Page(paths[0])
    assert page.tags.count("script") == 1
    assert clean(HOSTILE) in page.texts
    assert {path.parent for path in paths[1:]} == {tmp_path / "figures"}


@pytest.mark.parametrize(
    "made",
    [
        {"attacked": False},
        {"names": ("scdce",), "n_seeds": 1},
        {"sets": (("breast-cancer", (30,), None),)},
        {"n_images": 1},
    ],
)
def test_partial_records(tmp_path, made):
    data, page, _ = report(tmp_path, **made)
    entry = data["datasets"]["npz:0"]
    attacked = "attack" in entry
    assert ("No attack was run." in page.texts) != attacked
    assert ("Tables 2 to 4" in page.texts) == attacked
    assert ("Figure 3" in page.texts) == entry["image"]
    assert ("Table 7" in page.texts) == (attacked and len(entry["models"]) > 1)
    assert "Table 5" not in page.texts


def test_a_run_that_stopped_early(tmp_path):
    """Before the first trial, and after attacks that found nothing for some models."""
    data, pictures = make_record(tmp_path)
    first = deepcopy(data)
    first["finished_utc"] = None
    first["datasets"]["npz:0"]["models"] = {}
    del first["datasets"]["npz:0"]["attack"]
    page = Page(write_report(tmp_path, first, {})[0])
    assert "not finished" in page.text
    attack = data["datasets"]["npz:0"]["attack"]
    del attack["transfer"], attack["robust"], attack["models"]["random-forest"]
    for model in attack["models"].values():
        model["distances"] = [None] * 3
        model["status"] = ["no_start"] * 3
        model["history"] = [[None] * (MAX_ITER + 1)] * 3
        model["summary"] = dict.fromkeys(model["summary"])
        model["summary"] |= {
            "n": 3, "n_attacked": 0, "n_misclassified": 0, "n_failed": 3
        }  # fmt: skip
    waiting = attack["models"]["mlp"]
    for key in ("distances", "status", "queries", "history"):
        del waiting[key][1:]
    waiting["summary"] |= {"n": 1, "n_failed": 1}
    paths = write_report(tmp_path, data, pictures)
    page = Page(paths[0])
    assert "not attacked yet" in page.text
    assert "on 4 the search found nothing" in page.text
    assert not any("iterations" in path.name for path in paths)


def test_the_paper_is_beside_the_same_attack_only(tmp_path, no_drawing):
    data, pictures = make_record(tmp_path)
    data["datasets"]["npz:0"]["attack"]["norm"] = float("inf")
    page = Page(write_report(tmp_path, data, pictures)[0])
    assert "Smallest L∞ perturbation that HopSkipJump found" in page.text
    assert "9.31" not in page.texts
    assert "90.69" in page.texts


def test_the_record_makes_the_same_files(tmp_path):
    data, pictures = make_record(tmp_path, names=("scdce", "mlp"), n_images=1)
    first = [path.read_bytes() for path in write_report(tmp_path, data, pictures)]
    again = [path.read_bytes() for path in write_report(tmp_path, data, pictures)]
    assert first == again


def test_a_folder_that_cannot_be_made(tmp_path, no_drawing):
    data, pictures = make_record(tmp_path)
    (tmp_path / "figures").write_text("")
    with pytest.raises(UserError, match="can't make the folder"):
        write_report(tmp_path, data, pictures)


def test_pictures_of_another_shape():
    with pytest.raises(ValueError, match="of 'mlp' have shape"):
        Pictures(np.zeros((2, 4, 4)), {"mlp": np.zeros((1, 4, 4))})


def test_difference_has_a_sign_and_a_scale():
    original = np.full((2, 2), 0.5)
    picture, scale = show_difference(
        original, original + np.array([[0.02, -0.02], [0, 0.01]])
    )
    assert scale == pytest.approx(0.02)
    np.testing.assert_array_equal(picture[0], [HIGHER, LOWER])
    np.testing.assert_array_equal(picture[1, 0], NONE)
    between = np.sort([HIGHER, NONE], axis=0)
    assert (picture[1, 1] > between[0]).all()
    assert (picture[1, 1] < between[1]).all()
    colour, _ = show_difference(np.zeros((1, 1, 3)), np.array([[[0.0, 0.3, -0.3]]]))
    np.testing.assert_array_equal(colour[0, 0], [128, 255, 0])


def test_transfer_leaves_out_a_models_own_images(tmp_path):
    """The counts agree with what the package computes."""
    data, _ = make_record(tmp_path)
    transfer = data["datasets"]["npz:0"]["attack"]["transfer"]
    for name, accuracy in zip(transfer["names"], transfer["accuracies"], strict=True):
        fooled, shown = shown_by_others(transfer, name)
        assert 1 - fooled / shown == pytest.approx(accuracy)


def test_names_beside_lines_make_way():
    placed = spread([0.5, 0.51, 0.1, 0.99], 0.1, 0.0, 1.0)
    assert (np.diff(np.sort(placed)) >= 0.1 - 1e-12).all()
    np.testing.assert_allclose(placed, [0.455, 0.555, 0.1, 0.99], atol=1e-12)
    np.testing.assert_allclose(spread([1, 1], 0.1, 0, 1), [0.9, 1.0])


def test_file_names_are_different_and_harmless():
    stems = file_stems(["a b", "a/b", "A-B", "../..", "肺", "x" * 300])
    assert len({stem.lower() for stem in stems}) == len(stems)
    assert all(re.fullmatch("[A-Za-z0-9_-]{1,70}", stem) for stem in stems)
