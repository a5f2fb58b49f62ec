"""The report: whole, honest and harmless, for a full record and for a partial one."""

import re
import warnings
from copy import deepcopy
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("PIL")
pytest.importorskip("platformdirs")
pytest.importorskip("skimage")
pytest.importorskip("threadpoolctl")
pytest.importorskip("tqdm")

from PIL import Image

from benchmarks.common.errors import UserError
from benchmarks.common.pages import clean
from benchmarks.common.table import Table
from benchmarks.datasets import Dataset
from benchmarks.medical import tables
from benchmarks.medical.evaluation import EvaluatedModel, record_evaluation
from benchmarks.medical.reading import shown_by_others
from benchmarks.medical.report import Pictures, _section, _write, write_report
from benchmarks.medical.report._bands import bands_of
from benchmarks.medical.report._pictures import HIGHER, LOWER, NONE, show_difference
from benchmarks.medical.report._style import spread
from benchmarks.medical.report._write import file_stems
from benchmarks.medical.results import Results
from benchmarks.medical.trials import Trial
from sklearn_scd.robustness import TransferResult, robust_accuracy

LABELS = {
    "scd01": "SCD01",
    "scdce": "SCDCE",
    "scdcebnn": "SCDCEBNN",
    "linear01": "Linear01",
    "mlp": "MLP",
    "bnn-ste": "BNN (STE)",
    "lenet": "LeNet",
    "resnet18": "ResNet18",
    "random-forest": "Random Forest",
}
CLASSES = ("normal", "pneumonia")
MAX_ITER = 20
HOSTILE = "<script>alert('$x^2$')</script> & \"co\"\n\udcff"


class NamedModel:
    """What `Results.add_trial` asks of a model."""

    def __init__(self, name):
        self.name, self.label = name, LABELS[name]


def make_images(rng, n_images, shape):
    """Soft bright blobs on a dark ground, in [0, 1]."""
    rows, columns = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    images = []
    for x, y, size, light in rng.uniform(
        (-0.4, -0.4, 0.2, 0.5), (0.4, 0.4, 0.6, 0.9), (n_images, 4)
    ):
        blob = light * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / size**2)
        image = 0.08 + blob + rng.normal(0, 0.02, shape[:2])
        tint = np.array([1.0, 0.75, 0.85]) if len(shape) == 3 else 1.0
        images.append((image[..., None] if len(shape) == 3 else image) * tint)
    return np.clip(images, 0, 1).reshape(n_images, *shape)


def make_pictures(rng, names, n_images, shape, class_names):
    originals = make_images(rng, n_images, shape)
    adversarials = {
        name: np.clip(originals + rng.normal(0, 0.01 * k, originals.shape), 0, 1)
        for k, name in enumerate(names, start=1)
    }
    samples = {name: make_images(rng, 8, shape) for name in class_names}
    return Pictures(originals, adversarials, samples)


def make_attack(rng, names, pictures, class_names, protocol="quick"):
    """What the attack stage records; the first model has three kinds of outcome."""
    n_images = len(pictures.originals)
    models = {}
    for place, name in enumerate(names):
        distances = rng.lognormal(1.5 - 0.3 * place, 0.4, n_images)
        status = np.full(n_images, "attacked", dtype="<U13")
        if place == 0 and n_images >= 3:
            distances[1:3], status[1:3] = (np.inf, 0), ("no_start", "misclassified")
            pictures.adversarials[name][1] = np.nan
            pictures.adversarials[name][2] = pictures.originals[2]
        models[name] = make_course(rng, LABELS[name], distances, status)
    fooled = rng.random((len(names), len(names), n_images)) < 0.4
    valid = np.ones((len(names), n_images), dtype=bool)
    if n_images >= 3:
        valid[0, 1:3] = False
    transfer = TransferResult(names, fooled & valid[:, None], valid, names)
    epsilons = np.linspace(0, 12, 25)
    return {
        "protocol": protocol,
        "norm": 2,
        "attack": "hop_skip_jump",
        "settings": {
            "images": n_images,
            "restarts": 3,
            "max_iter": MAX_ITER,
            "init_size": 100,
        },
        "images": [
            {"row": 17 + 5 * k, "class": class_names[k % 2]} for k in range(n_images)
        ],
        "models": models,
        "transfer": {
            "names": list(names),
            "sources": list(names),
            "fooled": transfer.fooled.tolist(),
            "valid": transfer.valid.tolist(),
            "rates": nullable(transfer.rates),
            "accuracies": nullable(transfer.accuracies),
        },
        "robust": {
            "epsilons": epsilons.tolist(),
            "models": {name: make_curve(m, epsilons) for name, m in models.items()},
        },
    }


def make_evaluation(rng, attack):
    """What the evaluation stage records: sign networks have bands, others none."""
    evaluated = {}
    for name, model in attack["models"].items():
        decisions = np.array([np.inf if d is None else d for d in model["distances"]])
        distances = {"hop_skip_jump": decisions}
        nearest, certified = decisions, np.full(len(decisions), np.nan)
        if name != "random-forest":
            nearest = rng.uniform(0.05, 0.2, len(decisions)) * decisions
            structural = LABELS[name].startswith("SCD")
            distances["nearest_flip" if structural else "gradient"] = nearest
            if structural:
                finite = np.where(np.isfinite(nearest), nearest, 1.0)
                certified = rng.uniform(0.4, 0.95, len(nearest)) * finite
        found = (nearest > 0) & np.isfinite(nearest)
        evaluation = SimpleNamespace(
            certified=certified,
            attacks={k: SimpleNamespace(distances=d) for k, d in distances.items()},
            nearest=nearest,
            gap=nearest - certified,
            agreement_clean=np.full(len(nearest), 0.9) if certified[0] > 0 else None,
            agreement_adversarial=np.where(found, 0.52, np.nan),
            roc_auc=0.97 if certified[0] > 0 else None,
        )
        kind = "certified" if certified[0] > 0 else None
        evaluated[name] = EvaluatedModel(evaluation, kind, 4.2)
    labels = {name: model["label"] for name, model in attack["models"].items()}
    return record_evaluation(evaluated, labels, 0)


def make_course(rng, label, distances, status):
    found = np.isfinite(distances) & (status == "attacked")
    course = 1 + 4 * np.exp(-np.arange(MAX_ITER + 1) / rng.uniform(3, 7))
    history = np.where(found[:, None], distances[:, None] * course / course[-1], np.nan)
    ranked = distances[found]
    quarters = np.quantile(ranked, (0.25, 0.5, 0.75)) if len(ranked) else [None] * 3
    summary = {
        "n": len(distances),
        "n_attacked": int(found.sum()),
        "n_misclassified": int((status == "misclassified").sum()),
        "n_failed": int(np.isinf(distances).sum()),
        **dict(zip(("q1", "median", "q3"), quarters, strict=True)),
        "mean": ranked.mean() if len(ranked) else None,
    }
    return {
        "label": label,
        "distances": nullable(distances),
        "status": status.tolist(),
        "queries": np.where(status == "misclassified", 0, 4321).tolist(),
        "history": nullable(history),
        "seconds": 12.3,
        "summary": summary,
    }


def make_curve(model, epsilons):
    distances = [np.inf if d is None else d for d in model["distances"]]
    curve = robust_accuracy(distances, epsilons)
    return {key: getattr(curve, key).tolist() for key in ("accuracies", "low", "high")}


def nullable(values):
    """Return nested lists with None for what JSON has no number for."""
    values = np.asarray(values, dtype=float)
    return np.where(np.isfinite(values), values.astype(object), None).tolist()


def make_record(
    folder,
    sets=(("chest-xray", (24, 24), "chest-xray"),),
    names=("scd01", "mlp", "random-forest"),
    class_names=CLASSES,
    n_images=3,
    n_seeds=2,
    attacked=True,
):
    """Return a record and its pictures, with figures that nothing has measured."""
    rng = np.random.default_rng(0)
    arguments = {"seeds": n_seeds, "votes": 5, "jobs": 1, "paper_row": "auto"}
    results = Results(folder, arguments)
    pictures = {}
    for title, shape, paper_row in sets:
        spec = f"npz:{len(pictures)}"
        X = np.zeros((40, *shape), np.uint8 if len(shape) > 1 else float)
        group = np.arange(40) // 2 if len(shape) == 2 else None
        y = np.arange(40) % 2
        dataset = Dataset(title, X, y, class_names, "made up", "none", group)
        results.add_dataset(spec, dataset, "random", paper_row)
        entry = results.data["datasets"][spec]
        for seed in range(n_seeds):
            sides = {"train": (0, 32), "test": (32, 40)}
            entry["split"]["seeds"][str(seed)] = {
                side: dataset.class_counts(np.arange(*ends))
                for side, ends in sides.items()
            }
            for name in names:
                trial = Trial(int(rng.integers(160, 200)), 200, 2.5, 0.1)
                model = NamedModel(name)
                given = {"n_estimators": 5, "learning_rate": 0.17}
                results.add_trial(spec, model, given, seed, trial)
        if len(shape) > 1:
            made = make_pictures(rng, names, n_images, shape, class_names)
            pictures[spec] = made
            if attacked:
                entry["attack"] = make_attack(rng, names, made, class_names)
                entry["evaluation"] = make_evaluation(rng, entry["attack"])
    results.finish()
    return results.data, pictures


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that every element is closed."""

    def __init__(self, path):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert self.open == []

    def handle_starttag(self, name, attributes):
        self.tags.append(name)
        self.attributes += [(name, *attribute) for attribute in attributes]
        if name not in ("meta", "img", "source"):
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, text):
        if "style" not in self.open:
            self.texts.append(text)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


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
    of_a_set += ["iterations", "robust-accuracy", "bands", "transfer"]
    assert names == [
        "report.html",
        *[f"{stem}-{c}.png" for stem in ("chest-xray", "colon") for c in of_a_set],
    ]
    for name in names[1:]:
        with Image.open(tmp_path / "figures" / name) as image:
            assert min(image.size) > 100
    titles = ("Table 1", "Tables 2 to 4", "Table 5", "Table 6", "Table 7", "Table 8")
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
    assert "script" not in page.tags
    assert "link" not in page.tags
    for name, key, value in page.attributes:
        if key in ("src", "srcset"):
            assert value.startswith("data:image/"), (name, key)
        if key == "href":
            assert value.startswith("#")
            assert ("section", "id", value[1:]) in page.attributes
        assert not key.startswith("on")
    assert not re.search(r"url\(|@import", page.source)
    assert "prefers-color-scheme: dark" in page.source
    images = [a for a in page.attributes if a[0] == "img" and a[1] == "alt"]
    assert len(images) == page.tags.count("img")
    assert all(value for *_, value in images)


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
    assert "script" not in page.tags
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
    assert "Smallest L∞ distance found, by image and model" in page.text
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
