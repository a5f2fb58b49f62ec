"""The benchmark of certified accuracy: choice on train, table, resume, errors."""

from dataclasses import replace

import numpy as np
import pytest
from _benchmark_helpers import read
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

pytest.importorskip("PIL")
pytest.importorskip("platformdirs")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")

from benchmarks.attacks.forest import bound_forest
from benchmarks.certified import __main__ as certified
from benchmarks.certified import certified_record, comparison, measuring
from benchmarks.certified.certified_table import make_table
from benchmarks.common import checkpoints
from benchmarks.datasets import Dataset
from benchmarks.models import MODELS, Budget
from benchmarks.models.bounding import ExactDistance
from sklearn_scd.robustness import certified_distortion, exact_distance


@pytest.fixture
def images(tmp_path):
    """Small images in two classes, several to a group; no group is in both."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 120)
    X = rng.integers(0, 60, (240, 12, 12))
    X[y == 1, :6] += rng.integers(20, 120, (120, 1, 1))
    group = np.arange(240) // 4
    path = tmp_path / "squares.npz"
    np.savez(path, X=X.astype(np.uint8), y=y, group=group)
    return f"npz:{path}"


SHORT = ["--votes", "3", "--search-votes", "2", "--jobs", "1"]
NAMES = ["logistic", "scd01-robust"]


@pytest.fixture(autouse=True)
def _small_grids(monkeypatch):
    """Two candidates a parameter: what is chosen of them, no test is about."""
    for name in (*NAMES, "linear-svm", "scdce-robust"):
        grid = {key: values[:2] for key, values in MODELS[name].grid.items()}
        monkeypatch.setitem(MODELS, name, replace(MODELS[name], grid=grid))


def run(images, folder, *more, names=NAMES, n_seeds=2):
    argv = ["--dataset", images, "--models", *names, *SHORT, "--seeds", str(n_seeds)]
    assert certified.main([*argv, "--output", str(folder), *more]) == 0
    return read(folder)


def test_table_has_the_certified_accuracy_of_each_model(
    images, tmp_path, capsys, monkeypatch
):
    folder = tmp_path / "out"
    record = run(images, folder)
    table = (folder / "certified.txt").read_text()
    printed = capsys.readouterr().out
    assert table.strip() in printed
    heading, _, _, _, *rows = table.strip().splitlines()
    assert "squares, 2 splits (group)" in heading
    assert [row.split()[0] for row in rows] == NAMES
    for row in rows:
        shares = [float(cell) for cell in row.split()[1::3]]
        assert len(shares) == len(certified_record.SIZES)
        assert shares == sorted(shares, reverse=True)
        assert shares[0] > 80
    assert record["benchmark"] == "certified"
    assert record["finished_utc"] >= record["started_utc"]
    assert record["environment"]["versions"]["numpy"] == np.__version__
    for model in record["models"].values():
        trials = list(model["seeds"].values())
        assert list(model["seeds"]) == ["0", "1"]
        shares = np.array([trial["accuracies"] for trial in trials])
        np.testing.assert_allclose(shares.mean(axis=0), model["mean"])
        for trial in trials:
            assert trial["accuracies"][0] == trial["accuracy"]
            assert set(trial["chosen"]) <= set(MODELS["logistic"].grid) | set(
                MODELS["scd01-robust"].grid
            )
    # What is finished is not computed again.
    monkeypatch.setattr(comparison, "certify", None)
    again = run(images, folder, "--resume")
    assert again["models"] == record["models"]
    assert (folder / "certified.txt").read_text() == table


@pytest.mark.parametrize("what", ["code", "versions", "grid", "bounding", "data"])
def test_resume_notices_what_has_changed(what, images, tmp_path, monkeypatch):
    folder, done = tmp_path / "out", []

    def certify(model, *args):
        done.append(model.name)
        return {"accuracy": 0.5, "distances": np.array([1.5]), "chosen": {}}

    monkeypatch.setattr(comparison, "certify", certify)
    run(images, folder, names=["logistic"], n_seeds=1)
    run(images, folder, "--resume", names=["logistic"], n_seeds=1)
    assert done == ["logistic"]
    model = MODELS["logistic"]
    if what == "code":
        monkeypatch.setattr(checkpoints, "code_fingerprint", lambda: "changed")
    elif what == "versions":
        monkeypatch.setattr(checkpoints, "versions", lambda: {"numpy": "0.1"})
    elif what == "grid":
        changed = replace(model, grid={"pca__n_components": [3]})
        monkeypatch.setitem(MODELS, "logistic", changed)
    elif what == "bounding":

        class Other(ExactDistance):
            pass

        monkeypatch.setitem(MODELS, "logistic", replace(model, bounding=Other()))
    else:
        with np.load(images.removeprefix("npz:")) as arrays:
            groups = arrays["group"][::-1]  # other folds of the same images
            np.savez(images.removeprefix("npz:"), **{**arrays, "group": groups})
    run(images, folder, "--resume", names=["logistic"], n_seeds=1)
    assert done == ["logistic"] * 2


@pytest.fixture
def made():
    """A data set as small as can be."""
    images = np.zeros((4, 2, 2), np.uint8)
    return Dataset("rows", images, np.arange(4) % 2, ("a", "b"), "here")


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 100)
    X = (0.8 * rng.random((200, 144)) + 0.2 * y[:, np.newaxis]).astype(np.float32)
    test = slice(0, 200, 10)
    return measuring.Images(X, y, np.arange(200) // 2, X[test], y[test], (12, 12))


@pytest.mark.parametrize(
    ("name", "measure"),
    [("linear-svm", exact_distance), ("scdce-robust", certified_distortion)],
)
def test_parameters_are_chosen_without_the_test_images(name, measure, rows):
    model = MODELS[name]
    budgets = Budget(votes=3, max_iter=100), Budget(votes=1, max_iter=50)
    moved = replace(rows, X_test=rows.X_test + np.float32(0.01))
    results = [
        measuring.certify(model, images, 0, *budgets) for images in (rows, moved)
    ]
    assert results[0]["chosen"] == results[1]["chosen"] != {}
    estimator = model.build(0, budgets[0], (12, 12))
    estimator.set_params(**results[0]["chosen"]).fit(rows.X_train, rows.y_train)
    distances = measure(estimator, rows.X_test, rows.y_test)
    assert results[0]["accuracy"] == np.mean(distances > 0)
    np.testing.assert_allclose(results[0]["distances"], distances[distances > 0])


def test_a_point_counts_for_more_where_fewer_errors_are_left(rows):
    model = make_pipeline(PCA(5), LogisticRegression())
    model.fit(rows.X_train, rows.y_train)
    y = rows.y_train.copy()
    y[:5] = 1  # on these the model is wrong
    distances = exact_distance(model, rows.X_train, y)
    errors = [np.mean(distances <= size) for size in measuring.SEARCH_SIZES]
    score = measuring.few_errors(model, rows.X_train, y, bounding=ExactDistance())
    assert 0 < min(errors) < 0.1 < 0.9 < max(errors)
    assert np.exp(-score) == pytest.approx(np.prod(errors) ** 0.25)
    never_wrong = rows.X_train[:4] + 100 * (2 * rows.y_train[:4, None] - 1)
    best = measuring.few_errors(
        model, never_wrong, rows.y_train[:4], bounding=ExactDistance()
    )
    assert np.exp(-best) == pytest.approx(0.5 / 4)


def table_of(name, result, tmp_path, image):
    """The text of a run's table with a single result in it."""
    arguments = certified.parse_arguments(["--output", str(tmp_path)])
    record = certified_record.CertifiedRecord(arguments, 1, image, "group")
    record.add(MODELS[name], 0, result)
    return make_table(record.data).to_text()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["mlp", "mlp-pgd", "lenet"])
def test_models_without_a_certificate_are_attacked(
    name, rows, made, tmp_path, monkeypatch
):
    model = MODELS[name]
    for module in (*model.modules, *model.bounding.modules):
        pytest.importorskip(module)
    monkeypatch.setattr(measuring, "N_ATTACKED", 3)
    budget = Budget(votes=2, max_iter=5)
    result = measuring.certify(model, rows, 0, budget, Budget())
    assert 0 < result["accuracy"] <= 1
    assert len(result["distances"]) == 3
    assert (result["distances"] > 0).all()
    # All that is right without a perturbation, and less and less of it with one.
    shares = certified_record.accuracies(result)
    assert shares[0] == result["accuracy"]
    assert (np.diff(shares) <= 0).all()
    table = table_of(name, result, tmp_path, made)
    # One in the line that explains it, none where nothing is perturbed.
    assert table.count("≤") == len(certified_record.SIZES)


def test_a_forest_is_certified_on_all_images(rows, made, tmp_path):
    model = MODELS["random-forest"]
    rows = replace(rows, X_test=rows.X_test[::2], y_test=rows.y_test[::2])
    result = measuring.certify(model, rows, 0, Budget(), Budget())
    forest = model.build(0, Budget(), (12, 12)).fit(rows.X_train, rows.y_train)
    right = forest.predict(rows.X_test) == rows.y_test
    found = bound_forest(forest, rows.X_test[right], rows.y_test[right])
    assert 0 < right.sum() == len(result["distances"])
    assert (result["distances"] <= found.attack.distances).all()
    assert certified_record.accuracies(result)[0] > 0
    assert "≤" not in table_of("random-forest", result, tmp_path, made)


def test_held_out_groups_are_not_trained_on():
    y, groups = np.repeat([0, 1], 60), np.arange(120) // 3
    folds = list(measuring._folds(groups, 0).split(y, y, groups))
    for fitted, held_out in folds:
        assert not set(groups[fitted]) & set(groups[held_out])
        assert sorted([*fitted, *held_out]) == list(range(120))
    assert sorted(np.concatenate([held_out for _, held_out in folds])) == [*range(120)]


def test_an_unknown_set_is_one_line(tmp_path, capsys):
    argv = ["--dataset", f"npz:{tmp_path}/no.npz", "--output", str(tmp_path / "out")]
    assert certified.main(argv) == 2
    assert capsys.readouterr().err.startswith("benchmarks.certified: error: ")


def test_a_table_is_refused(tmp_path, capsys):
    argv = ["--dataset", "breast-cancer", "--output", str(tmp_path / "out")]
    assert certified.main([*argv, "--models", "logistic"]) == 2
    assert "breast-cancer: a table" in capsys.readouterr().err
