"""The benchmark of certified accuracy: choice on train, table, resume, errors."""

import numpy as np
import pytest

pytest.importorskip("PIL")
pytest.importorskip("tqdm")

from benchmarks import _contestants, certified
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


@pytest.mark.parametrize("name", ["linear-svm", "scdce-robust"])
def test_parameters_are_chosen_without_the_test_images(name):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 100)
    X = (rng.random((200, 140)) + 0.3 * y[:, np.newaxis]).astype(np.float32)
    groups = np.arange(200) // 2
    budget = _contestants.Budget(votes=3, search_votes=2, jobs=1)
    contestant = _contestants.CONTESTANTS[name]
    small = _contestants.Contestant(
        contestant.build,
        {key: values[:2] for key, values in contestant.grid.items()},
        contestant.is_linear,
    )
    results = [
        _contestants.certify(small, X, y, groups, X[:20] + shift, y[:20], 0, budget)
        for shift in (0, np.float32(0.01))
    ]
    assert results[0]["chosen"] == results[1]["chosen"] != {}
    model = small.build(0, 3, 1).set_params(**results[0]["chosen"]).fit(X, y)
    measure = exact_distance if small.is_linear else certified_distortion
    np.testing.assert_allclose(results[0]["distances"], measure(model, X[:20], y[:20]))


def test_held_out_groups_are_not_trained_on():
    y, groups = np.repeat([0, 1], 60), np.arange(120) // 3
    fitted, held_out = _contestants._hold_out(y, groups, 0)
    assert not set(groups[fitted]) & set(groups[held_out])
    assert sorted([*fitted, *held_out]) == list(range(120))
    assert 20 < len(held_out) < 40


def test_an_unknown_set_is_one_line(tmp_path, capsys):
    argv = ["--dataset", f"npz:{tmp_path}/no.npz", "--output", str(tmp_path / "out")]
    assert certified.main(argv) == 2
    assert capsys.readouterr().err.startswith("benchmarks.certified: error: ")
