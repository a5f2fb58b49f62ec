"""Folders of images as they lie on people's disks: all is read or counted."""

import json
import unicodedata

import numpy as np
import pytest

pytest.importorskip("platformdirs")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")
pytest.importorskip("PIL")

from PIL import Image

from benchmarks.common.errors import UserError
from benchmarks.datasets import describe_loaded, load
from benchmarks.medical import __main__ as medical


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """Keep out of the user's cache."""
    monkeypatch.setenv("SKLEARN_SCD_CACHE", str(tmp_path_factory.mktemp("cache")))


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels)).save(path)


def save_classes(folder, names=("a", "b"), shade=50):
    """An image a class, all of one shade."""
    for name in names:
        save(folder / name / "x.png", np.full((9, 9), shade, np.uint8))


def link(path, target):
    try:
        path.symlink_to(target)
    except OSError:
        pytest.skip("no symbolic links here")


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


@pytest.mark.parametrize(
    "names",
    [
        ("train", "val", "test"),
        ("Train", "Valid", "Test"),
        ("training", "validation", "TESTING"),
    ],
)
def test_folder_with_train_val_and_test(tmp_path, names, capsys):
    """All three are used, val joins train or what the user wants, and it says so."""
    for shade, side in enumerate(names):
        save_classes(tmp_path / side, shade=10 * shade)
    sides = {
        "": ([0, 0, 10, 10], [20, 20], "val join train (2; otherwise val=test or"),
        ",val=test": ([0, 0], [10, 10, 20, 20], "val join test (2; otherwise"),
        ",val=out": ([0, 0], [20, 20], "left out: images in val, by val=out (2)"),
    }
    for option, (train, test, words) in sides.items():
        for _ in range(2):  # the second time from the cache
            dataset = load(f"folder{option}:{tmp_path}")
            assert sorted(dataset.X[~dataset.is_test, 0, 0]) == train
            assert sorted(dataset.X[dataset.is_test, 0, 0]) == test
            assert words in capsys.readouterr().err


def test_folder_with_val_for_test(tmp_path):
    for shade, side in enumerate(("train", "val")):
        save_classes(tmp_path / side, shade=10 * shade)
    dataset = load(f"folder:{tmp_path}")
    assert dataset.X[dataset.is_test, 0, 0].tolist() == [10, 10]
    assert "no folder test: the images of val are it (2)" in dataset.remarks
    with pytest.raises(UserError, match="test: no such folder"):
        load(f"folder,val=out:{tmp_path}")


def test_folder_val_may_lack_a_class_but_has_no_other(tmp_path):
    for side, names in (("train", "ab"), ("test", "ab"), ("val", "a")):
        save_classes(tmp_path / side, names)
    assert load(f"folder:{tmp_path}").class_counts() == {"a": 3, "b": 2}
    save_classes(tmp_path / "val", "c")
    with pytest.raises(UserError, match="val: class 'c' is not one of train"):
        load(f"folder:{tmp_path}")


def test_folder_with_two_candidates_for_a_side(tmp_path):
    for side in ("train", "Training", "test"):
        save_classes(tmp_path / side)
    with pytest.raises(UserError, match="both Training and train may hold"):
        load(f"folder:{tmp_path}")


@pytest.mark.parametrize(
    "name", ["X.PNG", "x.Jpg", "x.JPEG", "x.tif", "x.TIFF", "x.bmp", "x.webp", "x.gif"]
)
def test_folder_reads_what_pillow_reads(tmp_path, name):
    save_classes(tmp_path)
    save(tmp_path / "a" / name, np.full((9, 9), 50, np.uint8))
    dataset = load(f"folder:{tmp_path}")
    assert dataset.class_counts() == {"a": 2, "b": 1}
    assert dataset.left_out == {}


def test_folder_counts_what_is_left_out(tmp_path, capsys):
    """Other formats, hidden files and what lies beside: aloud, and in the summary."""
    save_classes(tmp_path)
    for name in ("a/1.dcm", "b/2.DCM", "a/notes.txt", "b/IM0001", "readme.md"):
        (tmp_path / name).write_text("no image")
    for name in ("a/.DS_Store", "b/._x.png", "b/Thumbs.db"):
        (tmp_path / name).write_text("no image")
    for name in (".hidden", "__MACOSX", "a/@eaDir"):
        save_classes(tmp_path / name)
    dataset = load(f"folder:{tmp_path}")
    assert dataset.class_counts() == {"a": 1, "b": 1}
    assert dataset.left_out == {
        ".dcm files": 2,
        ".txt files": 1,
        "files without an ending": 1,
        "hidden files": 3,
        "files outside the classes' folders": 1,
    }
    assert ".dcm files (2)" in capsys.readouterr().err
    # A file that is added to those left out is noticed, though the set is cached.
    (tmp_path / "a" / "3.dcm").write_text("no image")
    assert load(f"folder:{tmp_path}", aloud=False).left_out[".dcm files"] == 3
    assert capsys.readouterr().err == ""


def test_folder_of_other_formats_alone(tmp_path):
    """What is there is named where an image is missed."""
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.dcm").write_text("no image")
    with pytest.raises(UserError, match=r"'a' has no image \(it has .dcm files \(1\)"):
        load(f"folder:{tmp_path}")


def test_folder_beside_the_sides_is_counted(tmp_path):
    for side in ("train", "test", "all"):
        save_classes(tmp_path / side)
    dataset = load(f"folder:{tmp_path}")
    assert dataset.left_out == {"files in all, beside the sides": 2}


def test_folder_with_folders_below_the_classes(tmp_path):
    """Images at any depth are of the class, whatever their names."""
    for name, shade in (("a", 10), ("b", 20)):
        for patient in ("p1", "p2/left"):
            save(tmp_path / name / patient / "1.png", np.full((9, 9), shade, np.uint8))
    dataset = load(f"folder:{tmp_path}")
    assert (dataset.X[:, 0, 0] == 10 * (1 + dataset.y)).all()
    assert dataset.class_counts() == {"a": 2, "b": 2}
    assert "own count to it (4)" in dataset.remarks[0]


def test_folder_of_a_single_class(tmp_path):
    """One that holds the classes' folders is named as the one to give."""
    save_classes(tmp_path / "set")
    with pytest.raises(UserError, match=r"only one class .* folder:.*set if its fold"):
        load(f"folder:{tmp_path}")
    save_classes(tmp_path / "other", "a")
    with pytest.raises(UserError, match=r"only one class \(a\); give at least two$"):
        load(f"folder:{tmp_path / 'other'}")


def test_folder_follows_links_but_not_round_in_circles(tmp_path):
    save_classes(tmp_path / "real")
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in "ab":
        link(mine / name, tmp_path / "real" / name)
    save(mine / "c" / "y.png", np.full((9, 9), 7, np.uint8))
    link(mine / "c" / "self", mine / "c")
    link(mine / "c" / "up", mine)
    link(mine / "c" / "z.png", tmp_path / "real" / "a" / "x.png")
    dataset = load(f"folder:{mine}")
    assert dataset.class_counts() == {"a": 1, "b": 1, "c": 2}


def test_folder_names_in_any_script(tmp_path):
    """A Mac takes accents apart: the class is the same on both sides."""
    name = "Größe 大"
    for side, form in (("train", "NFC"), ("test", "NFD")):
        save_classes(tmp_path / "bøk" / side, (unicodedata.normalize(form, name), "z"))
    dataset = load(f"folder:{tmp_path / 'bøk'}")
    assert dataset.class_names == (name, "z")
    assert dataset.name == "bøk"


def test_folder_names_that_are_no_text(tmp_path):
    """A name in some other encoding can be shown and printed all the same."""
    save_classes(tmp_path, "b")
    try:
        odd = tmp_path / "\udcff"
        odd.mkdir()
        save(odd / "x.png", np.zeros((9, 9), np.uint8))
    except (OSError, UnicodeError):
        pytest.skip("names are UTF-8 here")
    dataset = load(f"folder:{tmp_path}")
    assert describe_loaded(dataset).encode()
    assert dataset.class_names == ("b", "\N{REPLACEMENT CHARACTER}")


def test_folder_has_one_scale_for_both_sides(tmp_path):
    """12 bits on one side, 10 of them used on the other: one white for both."""
    for side, value in (("train", 1000), ("test", 4000)):
        for name in "ab":
            save(tmp_path / side / name / "x.png", np.full((9, 9), value, np.uint16))
    dataset = load(f"folder:{tmp_path}")
    assert dataset.X[:, 0, 0].tolist() == [62, 62, 249, 249]
    assert "4,095 is white" in dataset.remarks[0]


def test_folder_masks_among_the_images_are_told(tmp_path):
    save_classes(tmp_path)
    for name in ("benign (1)_mask.png", "benign (1)_mask_1.png", "unmasked.png"):
        save(tmp_path / "a" / name, np.zeros((9, 9), np.uint8))
    assert "named as masks are read as images, too (2)" in str(
        load(f"folder:{tmp_path}")
    )


def test_unreadable_images_are_left_out_if_wanted(tmp_path, capsys):
    for name in "ab":
        for shade in (10, 20, 30):
            save(tmp_path / name / f"{shade}.png", np.full((9, 9), shade, np.uint8))
    (tmp_path / "a" / "10.png").write_bytes(b"")
    link(tmp_path / "b" / "link.png", tmp_path / "nowhere")
    for cache in (True, True, False):
        dataset = load(f"folder:{tmp_path}", cache, skip_unreadable=True)
        assert dataset.X[:, 0, 0].tolist() == [20, 30, 10, 20, 30]
        assert dataset.y.tolist() == [0, 0, 1, 1, 1]
        assert dataset.left_out == {"unreadable images": 2}
        assert "10.png" in capsys.readouterr().err
        with pytest.raises(UserError, match="unreadable"):
            load(f"folder:{tmp_path}", cache)


def test_a_class_of_unreadable_images_is_named(tmp_path):
    save_classes(tmp_path)
    (tmp_path / "a" / "x.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"'a' has no sample .* images \(1\)\)$"):
        load(f"folder:{tmp_path}", skip_unreadable=True)
    (tmp_path / "b" / "x.png").write_bytes(b"")
    with pytest.raises(UserError, match="none of 2 images can be read; the first: "):
        load(f"folder:{tmp_path}", skip_unreadable=True)


def test_an_archive_is_to_be_unpacked(tmp_path):
    (tmp_path / "set.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"set\.zip: a file; .* unpack it"):
        load(f"folder:{tmp_path / 'set.zip'}")


def test_a_tilde_is_the_users_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    save_classes(tmp_path / "mine")
    assert load("folder:~/mine").name == "mine"


def test_what_was_loaded_is_shown(tmp_path):
    for side, shade in (("train", 10), ("val", 20), ("test", 240)):
        save_classes(tmp_path / "my" / side, shade=shade)
    (tmp_path / "my" / "train" / "a" / "x.dcm").write_text("no image")
    lines = describe_loaded(load(f"folder:{tmp_path / 'my'}", aloud=False))
    assert lines.splitlines() == [
        "my: 6 images of 96x96",
        "  source: folder my, images of 9x9 pixels, resized to 96x96; licence: unknown",
        "  train:  a 2, b 2",
        "  test:   a 1, b 1",
        "  values: 10 to 240, uint8",
        "  left out: .dcm files (1)",
        "  note: the images of val join train (2; otherwise val=test or val=out)",
    ]


def test_the_command_shows_what_it_loaded(tmp_path, capsys):
    """Before it trains, and in the record; what can't be read is left out if wanted."""
    pytest.importorskip("nibabel")
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    for name in "ab":
        for number in range(10):
            pixels = rng.integers(0, 4096, (9, 9)).astype(np.uint16)
            save(tmp_path / "set" / name / f"{number}.png", pixels)
    (tmp_path / "set" / "a" / "torn.png").write_bytes(b"")
    spec = f"folder:{tmp_path / 'set'}"
    argv = ["--dataset", spec, "--models", "random-forest", "--protocol", "none"]
    argv += ["--seeds", "1", "--output", str(tmp_path / "out")]
    assert medical.main(argv) == 2
    assert "torn.png: unreadable image (an empty file)" in capsys.readouterr().err
    assert medical.main([*argv, "--skip-unreadable"]) == 0
    output = capsys.readouterr()
    for line in (
        "  train:  a 8, b 8\n",
        "  test:   a 2, b 2\n",
        "  left out: unreadable images (1)\n",
        "  note: more than 8 bits (20 of 20 images)",
    ):
        assert output.out.count(line) == 1, line
    assert "left out" not in output.err
    record = json.loads((tmp_path / "out" / "results.json").read_text())
    assert record["datasets"][spec]["left_out"] == {"unreadable images": 1}
