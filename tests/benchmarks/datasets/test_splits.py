"""Splits are 80:20, leak nothing and differ by seed; scaling treats all alike."""

import numpy as np
import pytest

pytest.importorskip("PIL")
pytest.importorskip("platformdirs")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")

from benchmarks.common.errors import UserError
from benchmarks.datasets import Dataset
from benchmarks.datasets.scaling import scale
from benchmarks.datasets.splits import Split, draw_split, split_kind


def make_dataset(n=500, n_groups=None, share=0.3, **kwargs):
    """A table in which the first columns are the row's number."""
    rng = np.random.default_rng(0)
    group = None if n_groups is None else rng.integers(n_groups, size=n)
    return Dataset(
        name="made",
        X=np.arange(n, dtype=float)[:, None],
        y=(rng.random(n) < share).astype(np.intp),
        class_names=("a", "b"),
        source="here",
        group=group,
        **kwargs,
    )


@pytest.mark.parametrize(("kind", "tolerance"), [("random", 0.005), ("group", 0.05)])
@pytest.mark.parametrize("seed", range(5))
def test_split_keeps_shares(kind, tolerance, seed):
    dataset = make_dataset(n_groups=60)
    split = draw_split(dataset, kind, seed)
    rows = np.concatenate([split.train, split.test])
    assert sorted(rows) == list(range(len(dataset.y)))
    assert abs(len(split.test) / len(rows) - 0.2) < tolerance
    assert abs(dataset.y[split.test].mean() - dataset.y.mean()) < 2 * tolerance


@pytest.mark.parametrize("kind", ["random", "group"])
def test_split_is_the_seeds(kind):
    dataset = make_dataset(n_groups=60)
    first, again, other = (draw_split(dataset, kind, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.test, again.test)
    assert set(first.test) != set(other.test)


def test_no_group_on_both_sides():
    dataset = make_dataset(n_groups=23)
    for seed in range(5):
        split = draw_split(dataset, "group", seed)
        train, test = dataset.group[split.train], dataset.group[split.test]
        assert not set(train) & set(test)


def test_every_group_changes_sides():
    """Folds fill from one fixed group on: no side may own it for every seed."""
    dataset = make_dataset(n_groups=23)
    n_tests = np.zeros(23)
    for seed in range(40):
        n_tests[np.unique(dataset.group[draw_split(dataset, "group", seed).test])] += 1
    assert n_tests.min() > 0
    assert n_tests.max() < 40


def test_given_split_is_kept():
    is_test = np.arange(500) % 3 == 0
    dataset = make_dataset(is_test=is_test)
    assert split_kind(dataset) == "given"
    for seed in (0, 1):
        split = draw_split(dataset, "given", seed)
        np.testing.assert_array_equal(split.test, np.flatnonzero(is_test))
        np.testing.assert_array_equal(split.train, np.flatnonzero(~is_test))
    with pytest.raises(UserError, match="its own train and test"):
        split_kind(dataset, "random")


def test_split_kind():
    with_groups, without = make_dataset(n_groups=9), make_dataset()
    assert split_kind(with_groups) == "group"
    assert split_kind(with_groups, "random") == "random"
    assert split_kind(without) == "random"
    with pytest.raises(UserError, match="no groups"):
        split_kind(without, "group")


def test_split_refuses_too_little():
    with pytest.raises(UserError, match="3 different groups"):
        draw_split(make_dataset(n_groups=3), "group", 0)
    dataset = make_dataset(n=6)
    dataset.y[:] = [0, 0, 0, 0, 0, 1]
    with pytest.raises(UserError, match="class 'b' has 1 samples"):
        draw_split(dataset, "random", 0)


def test_group_split_refuses_a_class_of_one_group():
    dataset = make_dataset(n_groups=10)
    dataset.y[:] = dataset.group == 4
    with pytest.raises(UserError, match="leaves no sample of class 'b'"):
        draw_split(dataset, "group", 0)


def test_table_is_standardised_on_train_alone():
    dataset = make_dataset(n=100)
    split = Split("given", np.arange(50), np.arange(50, 100))
    train, test = scale(dataset, split)
    assert train.dtype == test.dtype == np.float32
    np.testing.assert_allclose([train.mean(), train.std()], [0, 1], atol=1e-6)
    assert test.min() > train.max()


@pytest.mark.parametrize("top", [np.uint8(255), np.uint16(65535), np.float64(1)])
def test_images_become_unit_pixels(top):
    X = np.zeros((4, 2, 2, 3), dtype=top.dtype)
    X[1:] = top
    dataset = Dataset("x", X, np.array([0, 1, 0, 1]), ("a", "b"), "here")
    train, test = scale(dataset, Split("given", np.array([0, 1]), np.array([2, 3])))
    assert train.dtype == np.float32
    np.testing.assert_array_equal(train, [[0] * 12, [1] * 12])
    np.testing.assert_array_equal(test, np.ones((2, 12)))
