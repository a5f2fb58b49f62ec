"""Every loader keeps the data contract, and says what is wrong with bad input."""

import numpy as np
import pytest

pytest.importorskip("platformdirs")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")
pytest.importorskip("PIL")

from PIL import Image

from benchmarks.common.errors import UserError
from benchmarks.datasets import Dataset, check_spec, colon_ihc, load
from benchmarks.datasets._images import read_image


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """Keep out of the user's cache."""
    monkeypatch.setenv("SKLEARN_SCD_CACHE", str(tmp_path_factory.mktemp("cache")))


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels)).save(path)


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


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 torn"])
def test_npz_refuses_other_files(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"bad\.npz: not an \.npz file"):
        load(f"npz:{tmp_path / 'bad.npz'}")


def test_npz_refuses_a_single_array(tmp_path):
    np.save(tmp_path / "bad.npy", IMAGES)
    with pytest.raises(UserError, match="single array"):
        load(f"npz:{tmp_path / 'bad.npy'}")


def test_folder_to_be_split(tmp_path):
    shades = {"ill": [10, 20], "well": [200, 210, 220]}
    for name, values in shades.items():
        for value in values:
            save(tmp_path / name / f"{value}.png", np.full((40, 30), value, np.uint8))
    (tmp_path / "ill" / "notes.txt").write_text("not an image")
    dataset = load(f"folder:{tmp_path}")
    assert dataset.X.shape == (5, 96, 96)
    assert dataset.class_names == ("ill", "well")
    assert dataset.X[:, 0, 0].tolist() == [10, 20, 200, 210, 220]
    assert dataset.y.tolist() == [0, 0, 1, 1, 1]
    assert dataset.is_test is None


def test_folder_with_train_and_test(tmp_path):
    for side, value in (("train", 10), ("test", 20)):
        for name in ("a", "b"):
            save(tmp_path / side / name / "x.png", np.full((9, 9), value, np.uint8))
    dataset = load(f"folder:{tmp_path}")
    assert dataset.X[~dataset.is_test].max() == 10
    assert dataset.X[dataset.is_test].min() == 20
    assert dataset.class_counts(dataset.is_test) == {"a": 1, "b": 1}


def test_folder_with_a_coloured_image_is_rgb(tmp_path):
    save(tmp_path / "a" / "grey.png", np.full((9, 9), 77, np.uint8))
    save(tmp_path / "b" / "red.png", np.full((9, 9, 3), (200, 1, 2), np.uint8))
    dataset = load(f"folder:{tmp_path}")
    assert dataset.X.shape == (2, 96, 96, 3)
    assert dataset.X[:, 0, 0].tolist() == [[77, 77, 77], [200, 1, 2]]


def test_read_image_modes(tmp_path):
    """Each mode gives the shade it shows: 16 bits scaled, transparent parts black."""
    grey = np.full((9, 9), 100, np.uint8)
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(grey).convert("P").save(tmp_path / "palette.png")
    Image.merge("RGB", [Image.fromarray(grey)] * 3).save(tmp_path / "equal.png")
    Image.fromarray(grey).save(
        tmp_path / "pages.tiff",
        save_all=True,
        append_images=[Image.fromarray(grey + 50)],
    )
    Image.fromarray(grey).save(
        tmp_path / "two.jpg",
        format="MPO",
        save_all=True,
        append_images=[Image.fromarray(grey + 50)],
    )
    for name in ("deep.png", "palette.png", "equal.png", "pages.tiff", "two.jpg"):
        pixels = read_image(tmp_path / name)
        assert pixels.shape == (96, 96), name
        assert (pixels == 100).all(), name
    alpha = np.full((9, 9, 4), (200, 10, 20, 0), np.uint8)
    alpha[..., 3] = 0
    Image.fromarray(alpha).save(tmp_path / "clear.png")
    assert (read_image(tmp_path / "clear.png") == 0).all()
    alpha[..., 3] = 255
    Image.fromarray(alpha).save(tmp_path / "opaque.png")
    assert read_image(tmp_path / "opaque.png")[0, 0].tolist() == [200, 10, 20]


def test_read_image_in_a_given_mode(tmp_path):
    save(tmp_path / "red.png", np.full((9, 9, 3), (200, 0, 0), np.uint8))
    assert (read_image(tmp_path / "red.png", "L") == 60).all()  # 0.299 * 200
    save(tmp_path / "grey.png", np.full((9, 9), 7, np.uint8))
    assert read_image(tmp_path / "grey.png", "RGB")[5, 5].tolist() == [7, 7, 7]


def test_read_image_refuses_other_formats(tmp_path):
    """Not what its name says, or none of the formats: one line each."""
    pixels = Image.fromarray(np.zeros((9, 9), np.uint8))
    pixels.save(tmp_path / "wrong.jpg", format="PNG")
    with pytest.raises(UserError, match=r"wrong\.jpg: holds a PNG image .* \.png"):
        read_image(tmp_path / "wrong.jpg")
    pixels.save(tmp_path / "other.png", format="GIF")
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "folder.png").mkdir()
    for name in ("other.png", "text.png", "folder.png"):
        with pytest.raises(UserError, match="unreadable image") as caught:
            read_image(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_folder_names_the_unreadable_image(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / name / "x.png", np.zeros((50, 50), np.uint8))
    torn = tmp_path / "b" / "torn.png"
    torn.write_bytes((tmp_path / "a" / "x.png").read_bytes()[:60])
    with pytest.raises(UserError, match=r"b.torn\.png: unreadable image"):
        load(f"folder:{tmp_path}")


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ([], "no folder in it"),
        (["a", "b"], "class 'a' has no image"),
        (["train/a"], "test: no such folder"),
    ],
)
def test_folder_says_what_is_missing(tmp_path, folders, words):
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    if "train/a" in folders:
        save(tmp_path / "train" / "a" / "x.png", np.zeros((9, 9), np.uint8))
    with pytest.raises(UserError, match=words):
        load(f"folder:{tmp_path}")


def test_folder_needs_each_class_on_both_sides(tmp_path):
    for place in ("train/a", "train/b", "test/a"):
        save(tmp_path / place / "x.png", np.zeros((9, 9), np.uint8))
    with pytest.raises(UserError, match="test: class 'b' has no image"):
        load(f"folder:{tmp_path}")


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
        ("colon-ihc,size=3", "colon-ihc: unknown option 'size' (choose from none)"),
        ("brats,classes=A+B:there", "unknown option 'classes' (choose from per_class)"),
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
