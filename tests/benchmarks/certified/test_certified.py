"""The benchmark of certified accuracy: choice on train, table, resume, errors."""

import re
from dataclasses import replace
from statistics import stdev

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
from benchmarks.certified.measuring import BOTH, OWN, SMOOTHED
from benchmarks.certified.norms import GRAY_LEVELS, INF, L2
from benchmarks.common import checkpoints
from benchmarks.datasets import Dataset
from benchmarks.models import MODELS, Budget
from benchmarks.models.bounding import ExactDistance, ImagesToBound
from benchmarks.models.smoothing import SIGMAS
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
SHORT += ["--copies", "200", "--search-copies", "100"]
NAMES = ["logistic", "scd01-robust"]


@pytest.fixture(autouse=True)
def _small_grids(monkeypatch):
    """Two candidates a parameter: what is chosen of them, no test is about."""
    for name in (*NAMES, "linear-svm", "scdce-robust"):
        grid = {key: values[:2] for key, values in MODELS[name].grid.items()}
        small = replace(MODELS[name], grid=grid, sigmas=())
        monkeypatch.setitem(MODELS, name, small)


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
    rows = rows[: len(NAMES)]
    assert [row.split()[0] for row in rows] == NAMES
    for row in rows:
        _, *shares = [float(mean) for mean in re.findall(r"(\S+) ±", row)]
        assert len(shares) == len(L2.sizes)
        assert shares == sorted(shares, reverse=True)
        assert shares[0] > 60
    assert record["benchmark"] == "certified"
    assert record["finished_utc"] >= record["started_utc"]
    assert record["environment"]["versions"]["numpy"] == np.__version__
    for model in record["models"].values():
        trials = list(model["seeds"].values())
        assert list(model["seeds"]) == ["0", "1"]
        shares = np.array([trial["accuracies"] for trial in trials])
        np.testing.assert_allclose(shares.mean(axis=0), model["mean"])
        radii = [trial["radius"] for trial in trials]
        np.testing.assert_allclose(stdev(radii), model["radius_std"])
        deviations = [stdev(of_size) for of_size in shares.T]
        np.testing.assert_allclose(deviations, model["std"], atol=1e-12)
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
        return {OWN: RESULT}

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


RESULT = {
    "accuracy": 0.5,
    "distances": np.array([1.5, 0.5]),
    "rows": np.array([1, 3]),
    "seconds": 0.01,
    "chosen": {},
}


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
    model = replace(MODELS[name], sigmas=())
    budgets = Budget(votes=3, max_iter=50), Budget(votes=1, max_iter=20)
    moved = replace(rows, X_test=rows.X_test + np.float32(0.01))
    results = [
        measuring.certify(model, images, 0, *budgets)[OWN] for images in (rows, moved)
    ]
    assert results[0]["chosen"] == results[1]["chosen"] != {}
    estimator = model.build(0, budgets[0], (12, 12))
    estimator.set_params(**results[0]["chosen"]).fit(rows.X_train, rows.y_train)
    distances = measure(estimator, rows.X_test, rows.y_test)
    assert results[0]["accuracy"] == np.mean(distances > 0)
    np.testing.assert_allclose(results[0]["distances"], distances[distances > 0])


@pytest.mark.parametrize("name", ["logistic", "svm-rbf-smoothed"])
def test_data_may_have_fewer_features_than_components_are_tried(name, rows):
    features = rows.X_train[:, ::12]
    few = replace(rows, X_train=features, X_test=rows.X_test[:, ::12])
    grid = MODELS[name].grid
    if name == "logistic":
        grid = dict(grid, pca__n_components=[8, 128], logisticregression__C=[1.0])
    else:  # all of its numbers are too large
        grid = [{key: values[:1] for key, values in grid[0].items()}]
    chosen = measuring.choose(
        replace(MODELS[name], grid=grid), few, 0, Budget(1, copies=100)
    )
    n_components = next(v for k, v in chosen.items() if k.endswith("n_components"))
    assert n_components == (8 if name == "logistic" else features.shape[1])


def test_a_point_counts_for_more_where_fewer_errors_are_left(rows):
    model = make_pipeline(PCA(5), LogisticRegression())
    model.fit(rows.X_train, rows.y_train)
    y = rows.y_train.copy()
    y[:5] = 1  # on these the model is wrong
    distances = exact_distance(model, rows.X_train, y)
    errors = [np.mean(distances <= size) for size in L2.search_sizes]
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
    record.add(MODELS[name], 0, {OWN: result})
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
    result = measuring.certify(model, rows, 0, budget, Budget())[OWN]
    assert 0 < result["accuracy"] <= 1
    assert len(result["distances"]) == 3
    assert (result["distances"] > 0).all()
    # All that is right without a perturbation, and less and less of it with one.
    shares = certified_record.accuracies(result, L2.sizes)
    assert shares[0] == result["accuracy"]
    assert (np.diff(shares) <= 0).all()
    table = table_of(name, result, tmp_path, made)
    # One in the line that explains it, none where nothing is perturbed.
    assert table.count("≤") == len(L2.sizes) + 1


def test_a_forest_is_certified_on_all_images(rows, made, tmp_path):
    model = MODELS["random-forest"]
    rows = replace(rows, X_test=rows.X_test[::2], y_test=rows.y_test[::2])
    result = measuring.certify(model, rows, 0, Budget(), Budget())[OWN]
    forest = model.build(0, Budget(), (12, 12)).fit(rows.X_train, rows.y_train)
    right = forest.predict(rows.X_test) == rows.y_test
    found = bound_forest(forest, rows.X_test[right], rows.y_test[right])
    assert 0 < right.sum() == len(result["distances"])
    assert (result["distances"] <= found.attack.distances).all()
    assert certified_record.accuracies(result, L2.sizes)[0] > 0
    assert "≤" not in table_of("random-forest", result, tmp_path, made)


def test_average_radius_counts_images_that_are_wrong(made, tmp_path):
    assert certified_record.average_radius(RESULT) == 0.5 * 1.0
    nothing = RESULT | {"accuracy": 0.0, "distances": np.empty(0)}
    assert certified_record.average_radius(nothing) == 0
    assert certified_record.accuracies(nothing, L2.sizes).tolist() == [0.0] * 6
    constant = RESULT | {"distances": np.array([np.inf, 1.0])}
    assert re.search(
        r"exact +inf +50.00", table_of("logistic", constant, tmp_path, made)
    )
    table = table_of("logistic", RESULT, tmp_path, made)
    assert re.search(r"exact +0.500 +50.00 .* 10.0\n", table)


# Gray levels


def test_gray_levels_are_certified_by_models_that_have_a_bound(
    images, tmp_path, capsys
):
    names = ["logistic", "random-forest", "robust-inf", "mlp-smoothed"]
    record = run(images, tmp_path, "--norm", "inf", names=names, n_seeds=1)
    printed = " ".join(capsys.readouterr().out.split())
    assert "Left out, without a bound in L-inf: random-forest, mlp-smoothed" in printed
    assert list(record["models"]) == ["logistic", "robust-inf"]
    assert record["norm"] == "inf"
    assert record["sizes"] == [0, 1, 2, 4]
    heading = (tmp_path / "certified.txt").read_text().split("logistic")[0]
    assert re.findall(r"levels|\S+/255|L2", heading) == [
        "levels", "0/255", "1/255", "2/255", "4/255",
    ]  # fmt: skip
    trial = record["models"]["logistic"]["seeds"]["0"]
    levels = np.array(trial["distances"])
    assert trial["radius"] == pytest.approx(trial["accuracy"] * levels.mean())
    assert trial["accuracies"][2] == trial["accuracy"] * (levels > 2).mean()
    # Other results than those in L2, with --resume too.
    in_l2 = run(images, tmp_path, "--resume", names=["logistic"], n_seeds=1)
    other = in_l2["models"]["logistic"]["seeds"]["0"]
    assert other["radius"] != pytest.approx(trial["radius"])


def test_models_without_a_bound_in_a_norm_are_refused(images, tmp_path, capsys):
    argv = ["--dataset", images, "--models", "mlp", "--norm", "inf", "--output"]
    assert certified.main([*argv, str(tmp_path)]) == 2
    assert "all models are without a bound in L-inf: mlp" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["logistic", "lipschitz-mlp", "robust-inf"])
def test_gray_levels_follow_from_the_weights_in_pixels(name, rows):
    model = MODELS[name]
    for module in model.modules:
        pytest.importorskip(module)
    model = replace(model, grid={k: v[:1] for k, v in model.grid.items()}, folds=1)
    budgets = Budget(votes=1, max_iter=5), Budget(votes=1, max_iter=2)
    found = measuring.certify(model, rows, 0, *budgets, norm=INF)[OWN]
    estimator = model.build(0, budgets[0], (12, 12)).set_params(**found["chosen"])
    estimator.fit(rows.X_train, rows.y_train)
    X, y = rows.X_test[found["rows"]], rows.y_test[found["rows"]]
    if name == "lipschitz-mlp":
        in_l2 = model.bounding.distances(estimator, ImagesToBound(X, y, (0, 1), 0))
        expected = in_l2 / 12  # of 144 pixels
    elif name == "logistic":
        w = estimator[-1].coef_ @ estimator[0].components_
        expected = np.abs(estimator.decision_function(X)) / np.abs(w).sum()
    else:  # a network has the radius of its order statistic at least
        classifier = estimator[-1]
        w = classifier.hidden_coef_[0] @ estimator[0].components_
        signed = X @ w.T + classifier.hidden_intercept_[0]
        n = round(
            -classifier.output_intercept_[0] / classifier.output_coef_[0, 0] + 0.5
        )
        expected = np.abs(np.sort(signed / np.abs(w).sum(axis=1))[:, -n])
        assert (found["distances"] >= GRAY_LEVELS * expected * (1 - 1e-4)).all()
        return
    np.testing.assert_allclose(found["distances"], GRAY_LEVELS * expected, rtol=1e-4)


# Smoothing


def test_radii_by_smoothing_are_never_mixed_with_proofs(rows, made, tmp_path):
    model = MODELS["robust-defaults"]
    budgets = Budget(5, max_iter=50, copies=300), Budget(2, max_iter=50, copies=200)
    results = measuring.certify(model, rows, 0, *budgets, n_smoothed=12)
    own, smoothed, both = (results[whose] for whose in (OWN, SMOOTHED, BOTH))
    estimator = model.build(0, budgets[0], (12, 12)).fit(rows.X_train, rows.y_train)
    np.testing.assert_allclose(
        own["distances"],
        certified_distortion(estimator, rows.X_test, rows.y_test)[own["rows"]],
    )
    assert smoothed["chosen"]["sigma"] in SIGMAS
    assert smoothed["accuracy"] == len(smoothed["rows"]) / 12
    assert set(both["rows"]) == set(own["rows"]) & set(smoothed["rows"])
    for row, distance in zip(both["rows"], both["distances"], strict=True):
        by_both = [r["distances"][r["rows"] == row] for r in (own, smoothed)]
        assert distance == max(by_both)
    arguments = certified.parse_arguments(["--output", str(tmp_path)])
    record = certified_record.CertifiedRecord(arguments, 1, made, "random")
    record.add(model, 0, results)
    table = make_table(record.data)
    assert [[cell.text for cell in row[:2]] for row in table.rows] == [
        ["robust-defaults", "proven"],
        ["robust-defaults+smoothing", "smoothing"],
        ["robust-defaults+either", "either"],
    ]
    text = " ".join(table.to_text().split())
    assert "a confidence of 99.9%, by 10,000 noisy copies; all test images" in text
    assert "answers where the two agree and else abstains" in text
    assert record.data["models"]["robust-defaults"]["certificate"] == "certified"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "name",
    [
        "svm-rbf-smoothed",
        "mlp-smoothed",
        "cnn-smoothed",
        "sign-convolution-smoothed",
        "lipschitz-mlp",
    ],
)
def test_rivals_are_chosen_without_the_test_images(name, rows, made, tmp_path):
    model = MODELS[name]
    for module in model.modules:
        pytest.importorskip(module)
    grid = model.grid if isinstance(model.grid, list) else [model.grid]
    small = [{key: values[:1] for key, values in part.items()} for part in grid]
    model = replace(model, grid=small[:2], folds=1)
    few = {"votes": 2, "max_iter": 4}
    budgets = Budget(**few, copies=150), Budget(**few, copies=100)
    moved = replace(rows, X_test=rows.X_test[::2], y_test=rows.y_test[::2])
    results = [measuring.certify(model, i, 0, *budgets)[OWN] for i in (rows, moved)]
    assert results[0]["chosen"] == results[1]["chosen"]
    # What is certified of an image does not depend on the others.
    same = dict(zip(results[0]["rows"], results[0]["distances"], strict=True))
    for row, distance in zip(results[1]["rows"], results[1]["distances"], strict=True):
        assert distance == pytest.approx(same[2 * row], rel=1e-3)
    if "sigma" in results[0]["chosen"]:
        noises = [v for k, v in results[0]["chosen"].items() if k.endswith("noise")]
        trained_by_itself = name in ("mlp-smoothed", "cnn-smoothed")
        assert noises == [results[0]["chosen"]["sigma"]] * trained_by_itself
    kind = "proven" if name == "lipschitz-mlp" else "smoothing"
    assert f" {kind} " in table_of(name, results[0], tmp_path, made)


def test_models_of_an_extra_that_is_not_there_are_left_out(
    images, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(
        comparison, "find_spec", lambda name: None if name == "deel" else True
    )
    record = run(
        images,
        tmp_path,
        names=["lipschitz-mlp", "logistic", "lipschitz-cnn"],
        n_seeds=1,
    )
    assert list(record["models"]) == ["logistic"]
    told = "lipschitz-mlp, lipschitz-cnn: not installed; pip install"
    assert f"Left out {told} 'sklearn-scd[rivals]'\n" in capsys.readouterr().out
    argv = ["--dataset", images, "--models", "lipschitz-mlp", "--output", str(tmp_path)]
    assert certified.main(argv) == 2
    assert "lipschitz-mlp: not installed" in capsys.readouterr().err


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
