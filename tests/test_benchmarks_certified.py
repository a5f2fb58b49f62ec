"""The benchmark of certified accuracy: choice on train, table, resume, errors."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

pytest.importorskip("PIL")
pytest.importorskip("platformdirs")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")

from benchmarks import _contestants, certified
from benchmarks._models import Budget
from benchmarks.forest import bound_forest
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


SHORT = ["--votes", "3", "--search-votes", "2", "--seeds", "2", "--jobs", "1"]
MODELS = ["--models", "logistic", "scd01-robust"]


def test_table_has_the_certified_accuracy_of_each_model(
    images, tmp_path, capsys, monkeypatch
):
    argv = ["--dataset", images, *MODELS, *SHORT, "--output", str(tmp_path / "out")]
    assert certified.main(argv) == 0
    table = (tmp_path / "out" / "certified.txt").read_text()
    printed = capsys.readouterr().out
    assert table.strip() in printed
    heading, _, *rows = table.strip().splitlines()
    assert "squares, 2 splits (group)" in heading
    assert [row.split()[0] for row in rows] == ["logistic", "scd01-robust"]
    for row in rows:
        shares = [float(cell) for cell in row.split()[1::3]]
        assert len(shares) == len(certified.SIZES)
        assert shares == sorted(shares, reverse=True)
        assert shares[0] > 80
    # Finished pieces are not computed again.
    monkeypatch.setattr(_contestants, "certify", None)
    assert certified.main([*argv, "--resume"]) == 0
    assert (tmp_path / "out" / "certified.txt").read_text() == table


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 100)
    X = (0.8 * rng.random((200, 144)) + 0.2 * y[:, np.newaxis]).astype(np.float32)
    test = slice(0, 200, 10)
    return _contestants.Images(X, y, np.arange(200) // 2, X[test], y[test], (12, 12))


@pytest.mark.parametrize("name", ["linear-svm", "scdce-robust"])
def test_parameters_are_chosen_without_the_test_images(name, rows):
    contestant = _contestants.CONTESTANTS[name]
    grid = {key: values[:2] for key, values in contestant.grid.items()}
    contestant = replace(contestant, grid=grid)
    budgets = Budget(votes=3), Budget(votes=2)
    moved = replace(rows, X_test=rows.X_test + np.float32(0.01))
    results = [
        _contestants.certify(contestant, images, 0, *budgets)
        for images in (rows, moved)
    ]
    assert results[0]["chosen"] == results[1]["chosen"] != {}
    model = contestant.build(0, budgets[0], (12, 12))
    model.set_params(**results[0]["chosen"]).fit(rows.X_train, rows.y_train)
    measure = {"exact": exact_distance, "certified": certified_distortion}
    distances = measure[contestant.measure](model, rows.X_test, rows.y_test)
    assert results[0]["accuracy"] == np.mean(distances > 0)
    np.testing.assert_allclose(results[0]["distances"], distances[distances > 0])


def test_a_point_counts_for_more_where_fewer_errors_are_left(rows):
    model = make_pipeline(PCA(5), LogisticRegression())
    model.fit(rows.X_train, rows.y_train)
    y = rows.y_train.copy()
    y[:5] = 1  # on these the model is wrong
    distances = exact_distance(model, rows.X_train, y)
    errors = [np.mean(distances <= size) for size in _contestants.SEARCH_SIZES]
    score = _contestants.few_errors(model, rows.X_train, y)
    assert 0 < min(errors) < 0.1 < 0.9 < max(errors)
    assert np.exp(-score) == pytest.approx(np.prod(errors) ** 0.25)
    never_wrong = rows.X_train[:4] + 100 * (2 * rows.y_train[:4, None] - 1)
    best = _contestants.few_errors(model, never_wrong, rows.y_train[:4])
    assert np.exp(-best) == pytest.approx(0.5 / 4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["mlp", "mlp-pgd", "lenet"])
def test_models_without_a_certificate_are_attacked(name, rows, monkeypatch):
    contestant = _contestants.CONTESTANTS[name]
    for module in contestant.modules:
        pytest.importorskip(module)
    monkeypatch.setattr(_contestants, "N_ATTACKED", 3)
    result = _contestants.certify(
        contestant, rows, 0, Budget(votes=2, max_iter=5), Budget()
    )
    assert 0 < result["accuracy"] <= 1
    assert len(result["distances"]) == 3
    assert (result["distances"] > 0).all()
    # All that is right without a perturbation, and less and less of it with one.
    shares = certified.accuracies(result)
    assert shares[0] == result["accuracy"]
    assert (np.diff(shares) <= 0).all()
    table = certified.render("rows", "group", {name: [result]})
    assert table.count("≤") == len(certified.SIZES)  # one in the line that explains it


def test_a_forest_is_certified_on_all_images(rows):
    contestant = _contestants.CONTESTANTS["random-forest"]
    result = _contestants.certify(contestant, rows, 0, Budget(), Budget())
    model = contestant.build(0, Budget(), (12, 12)).fit(rows.X_train, rows.y_train)
    right = model.predict(rows.X_test) == rows.y_test
    found = bound_forest(model, rows.X_test[right], rows.y_test[right])
    assert 0 < right.sum() == len(result["distances"])
    assert (result["distances"] <= found.attack.distances).all()
    assert certified.accuracies(result)[0] > 0
    assert "≤" not in certified.render("rows", "group", {"random-forest": [result]})


def test_held_out_groups_are_not_trained_on():
    y, groups = np.repeat([0, 1], 60), np.arange(120) // 3
    folds = list(_contestants._folds(groups, 0).split(y, y, groups))
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
