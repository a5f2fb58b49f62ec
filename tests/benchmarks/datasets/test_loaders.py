"""Every loader keeps the data contract, and says what is wrong with bad input."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("platformdirs")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")
pytest.importorskip("PIL")

from benchmarks.common.errors import UserError
from benchmarks.datasets import Dataset, check_spec, colon_ihc, load


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """Keep out of the user's cache."""
    monkeypatch.setenv("SKLEARN_SCD_CACHE", str(tmp_path_factory.mktemp("cache")))


def test_colon_ihc_contract():
    dataset = load("colon-ihc")
    assert dataset.image_shape == (32, 32, 3)
    assert dataset.X.dtype == np.uint8
    for side in (dataset.is_test, ~dataset.is_test):
        assert min(dataset.class_counts(side).values()) >= 100


def test_colon_ihc_no_tile_on_both_halves():
    is_test, corners = colon_ihc.tile_corners((512, 512))
    covered = np.zeros((2, 512, 512), dtype=bool)
    for side, (row, column) in zip(is_test, corners, strict=True):
        tile = np.s_[row : row + colon_ihc.TILE, column : column + colon_ihc.TILE]
        assert covered[int(side)][tile].shape == (32, 32)
        covered[int(side)][tile] = True
    assert not (covered[0] & covered[1]).any()
    assert covered.any(axis=0).all()


def test_colon_ihc_thresholds_ignore_the_test_half(monkeypatch):
    """Another test half must leave the training tiles and labels as they are."""
    picture = colon_ihc.data.immunohistochemistry()
    before = load("colon-ihc")
    changed = picture.copy()
    changed[:, 256:] = changed[::-1, :255:-1] // 2
    monkeypatch.setattr(colon_ihc.data, "immunohistochemistry", lambda: changed)
    after = load("colon-ihc")
    np.testing.assert_array_equal(before.X[~before.is_test], after.X[~after.is_test])
    np.testing.assert_array_equal(before.y[~before.is_test], after.y[~after.is_test])


def test_breast_cancer_is_a_table():
    dataset = load("breast-cancer")
    assert dataset.image_shape is None
    assert dataset.class_counts() == {"malignant": 212, "benign": 357}


@pytest.mark.parametrize(
    "labels", [[3, 7, 3, 7], ["a", "b", "a", "b"], [False, True, False, True]]
)
def test_npz_labels_become_positions(tmp_path, labels):
    X = np.arange(4 * 2 * 3, dtype=np.uint8).reshape(4, 2, 3)
    np.savez(tmp_path / "mine.npz", X=X, y=labels, group=[5, 5, 6, 6])
    dataset = load(f"npz:{tmp_path / 'mine.npz'}")
    assert dataset.name == "mine"
    assert dataset.y.tolist() == [0, 1, 0, 1]
    assert dataset.class_names == tuple(str(label) for label in labels[:2])
    assert dataset.image_shape == (2, 3)
    assert dataset.group.tolist() == [5, 5, 6, 6]
    np.testing.assert_array_equal(dataset.X, X)


IMAGES = np.zeros((4, 5, 5), dtype=np.uint8)
LABELS = np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"X": IMAGES}, "no array 'y' (it has X)"),
        ({"pixels": IMAGES, "y": LABELS}, "no array 'X' (it has pixels, y)"),
        ({"X": IMAGES, "y": LABELS[:3]}, "y has shape (3,) for 4 samples"),
        ({"X": IMAGES, "y": LABELS, "group": [1]}, "group has shape (1,)"),
        ({"X": IMAGES, "y": np.zeros(4)}, "only one class"),
        ({"X": IMAGES, "y": [0.5, 1, 0, 1]}, "not whole"),
        ({"X": IMAGES, "y": [np.nan, 1, 0, 1]}, "not whole"),
        ({"X": IMAGES.astype(object), "y": LABELS}, "not an .npz file of plain"),
        ({"X": IMAGES, "y": np.array([*"abab"], object)}, "as y.astype(str)"),
        ({"X": np.array(["a"] * 4), "y": LABELS}, "X has dtype"),
        ({"X": np.full((4, 2), np.nan), "y": LABELS}, "NaN"),
        ({"X": np.full((4, 2, 2), 7.0), "y": LABELS}, "values from 7 to 7"),
        ({"X": IMAGES.astype(np.int64), "y": LABELS}, "images of dtype int64"),
        ({"X": np.zeros((4, 3, 5, 5), np.uint8), "y": LABELS}, "shape (4, 3, 5, 5)"),
        ({"X": IMAGES[:0], "y": LABELS[:0]}, "is empty"),
    ],
)
def test_npz_says_what_is_wrong(tmp_path, arrays, words):
    file = tmp_path / "bad.npz"
    np.savez(file, **arrays)
    with pytest.raises(UserError) as caught:
        load(f"npz:{file}")
    assert words in str(caught.value)
    assert "bad" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_npz_labels_in_a_column(tmp_path):
    """One label a sample is one, (n, 1); several are refused."""
    file = tmp_path / "mine.npz"
    np.savez(file, X=IMAGES, y=LABELS[:, None])
    assert load(f"npz:{file}").y.tolist() == LABELS.tolist()
    np.savez(file, X=IMAGES, y=np.zeros((4, 14)))
    with pytest.raises(UserError, match=r"labels of shape \(4, 14\), several a sample"):
        load(f"npz:{file}")


@pytest.mark.parametrize(
    "names", ["{}_images {}_labels", "x_{} y_{}", "X_{} y_{}"], ids=str.split
)
def test_npz_with_its_own_split(tmp_path, names, capsys):
    """MedMNIST's files, those of Keras, and what train_test_split made."""
    arrays = {}
    for shade, side in enumerate(("train", "val", "test")):
        images, labels = names.format(side, side).split()
        arrays |= {images: IMAGES + shade, labels: LABELS[:, None]}
    np.savez(tmp_path / "mine.npz", **arrays)
    dataset = load(f"npz:{tmp_path / 'mine.npz'}")
    assert dataset.X[:, 0, 0].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert dataset.is_test.tolist() == [False] * 8 + [True] * 4
    assert dataset.y.tolist() == LABELS.tolist() * 3
    assert "mine: note: the samples of val join train (4)" in capsys.readouterr().err
    arrays[labels] = LABELS[:3]
    np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises(UserError, match="don't fit each other"):
        load(f"npz:{tmp_path / 'mine.npz'}")


def test_npz_of_12_bits_in_16(tmp_path):
    """What is scaled by 65,535 later is scaled by what it uses here."""
    X = np.full((4, 5, 5), 4095, np.uint16)
    X[0] = 2048
    np.savez(tmp_path / "mine.npz", X=X, y=LABELS)
    dataset = load(f"npz:{tmp_path / 'mine.npz'}")
    assert dataset.X.dtype == np.float32
    np.testing.assert_allclose(dataset.X[:, 0, 0], [2048 / 4095, 1, 1, 1], rtol=1e-6)
    np.savez(tmp_path / "mine.npz", X=X * 16, y=LABELS)
    assert load(f"npz:{tmp_path / 'mine.npz'}").X.dtype == np.uint16


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 torn"])
def test_npz_refuses_other_files(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"bad\.npz: not an \.npz file"):
        load(f"npz:{tmp_path / 'bad.npz'}")


def test_npz_refuses_a_single_array(tmp_path):
    np.save(tmp_path / "bad.npy", IMAGES)
    with pytest.raises(UserError, match="single array"):
        load(f"npz:{tmp_path / 'bad.npy'}")


def test_dataset_refuses_a_side_without_a_class():
    with pytest.raises(UserError, match="class 'b' has no sample in test"):
        Dataset(
            name="x",
            X=np.zeros((3, 2)),
            y=np.array([0, 1, 0]),
            class_names=("a", "b"),
            source="here",
            is_test=np.array([False, False, True]),
        )


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nothing:there", "choose from colon-ihc"),
        ("colon-ihc:there", "unknown data set 'colon-ihc:there'"),
        ("colon-ihc:", "unknown data set"),
        ("brats", "brats:DIR"),
        ("mine.npz", "did you mean npz:mine.npz?"),
        ("nzp:mine.npz", "did you mean npz:FILE?"),
        (str(Path(__file__).parent), f"did you mean folder:{Path(__file__).parent}?"),
        ("colon-ihc,size=3", "colon-ihc: unknown option 'size' (choose from none)"),
        ("brats,classes=A+B:there", "'classes' (choose from per_class, misnamed)"),
        ("folder,val=all:there", "val='all' is not one of train, test, out"),
        ("brats,per_class=0:there", "per_class='0' is not a whole number above 0"),
        ("brats,per_class:there", "per_class='' is not a whole number"),
        ("histology,classes=A+A:there", "'A+A' is not two different names"),
        ("histology,classes=A:there", "'A' is not two different names"),
    ],
)
def test_what_the_user_types_is_checked(spec, words):
    with pytest.raises(UserError) as caught:
        check_spec(spec)
    assert words in str(caught.value)


def test_a_path_may_hold_any_sign(tmp_path):
    file = tmp_path / "a,b=c:d?.npz"
    np.savez(file, X=IMAGES, y=LABELS)
    assert load(f"npz:{file}").name == "a,b=c:d?"
