"""The cache gives what reading anew would give, and never anything else."""

import json
import os

import numpy as np
import pytest

pytest.importorskip("PIL")
pytest.importorskip("platformdirs")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")

from PIL import Image

from benchmarks.common.errors import UserError
from benchmarks.datasets import _cache, folder, load
from benchmarks.medical import __main__ as medical


@pytest.fixture
def cache(tmp_path, monkeypatch):
    place = tmp_path / "cache"
    monkeypatch.setenv("SKLEARN_SCD_CACHE", str(place))
    return place


@pytest.fixture
def spec(tmp_path):
    """A folder of four images with train and test, as `load` takes it."""
    for side in ("train", "test"):
        for value, name in enumerate("ab", start=1):
            file = tmp_path / "mine" / side / name / "x.png"
            file.parent.mkdir(parents=True)
            Image.fromarray(np.full((9, 9), 50 * value, np.uint8)).save(file)
    return f"folder:{tmp_path / 'mine'}"


@pytest.fixture
def n_read(monkeypatch):
    """Count the images that are decoded, in a list of one number."""
    counts = [0]
    read_images = folder.read_images

    def count(files, *args):
        counts[0] += len(files)
        return read_images(files, *args)

    monkeypatch.setattr(folder, "read_images", count)
    return counts


def assert_same(one, other):
    for name in ("X", "y", "is_test", "group"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name) is None or (
            getattr(one, name).dtype == getattr(other, name).dtype
        )
    for name in ("name", "class_names", "source", "licence", "left_out", "remarks"):
        assert getattr(one, name) == getattr(other, name)


def test_a_second_run_decodes_nothing(cache, spec, n_read, capsys):
    fresh = load(spec)
    kept = load(spec)
    assert n_read == [4]
    assert_same(fresh, kept)
    assert isinstance(kept.X.base, np.memmap)
    assert type(kept.X) is np.ndarray
    assert sorted(file.suffix for file in cache.iterdir()) == [".json", ".npy"]
    assert capsys.readouterr().err == ""


def test_all_but_the_images_is_kept(cache, tmp_path):
    """Text stays text: patients are not numbers."""
    recipe = folder.Recipe(
        loader="made",
        version=1,
        root=tmp_path,
        files=(),
        read=lambda: folder.Dataset(
            name="made",
            X=np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3),
            y=np.array([1, 0]),
            class_names=("a", "b"),
            source="ünï",
            group=np.array(["007", "8"]),
            left_out={"a few": 3},
            remarks=("read", "kept"),
        ),
    )
    assert_same(_cache.load_cached(recipe), _cache.load_cached(recipe))


def test_without_the_cache(cache, spec, n_read):
    load(spec, cache=False)
    assert not cache.exists()
    load(spec)
    load(spec, cache=False)
    assert n_read == [12]


def test_the_command_line_switches_it_off():
    assert medical.parse_arguments([]).cache is True
    assert medical.parse_arguments(["--no-cache"]).cache is False


@pytest.mark.parametrize("change", ["content", "time", "name", "loader", "format"])
def test_what_has_changed_is_read_anew(
    cache, spec, n_read, tmp_path, monkeypatch, capsys, change
):
    load(spec)
    file = tmp_path / "mine" / "train" / "a" / "x.png"
    if change == "content":
        Image.fromarray(np.full((20, 9), 7, np.uint8)).save(file)
    elif change == "time":
        os.utime(file, ns=(1, 1))
    elif change == "name":
        file.rename(file.with_name("y.png"))
    elif change == "loader":
        monkeypatch.setattr(folder, "VERSION", folder.VERSION + 1)
    else:
        monkeypatch.setattr(_cache, "VERSION", _cache.VERSION + 1)
    dataset = load(spec)
    assert n_read == [8]
    assert (dataset.X[0] == (7 if change == "content" else 50)).all()
    load(spec)
    assert n_read == [8]
    assert len(list(cache.iterdir())) == 2
    assert capsys.readouterr().err == ""


def break_images_end(images, record):
    images.write_bytes(images.read_bytes()[:-1])


def break_a_pixel(images, record):
    content = bytearray(images.read_bytes())
    content[-1] ^= 1
    images.write_bytes(content)


def break_a_label(images, record):
    kept = json.loads(record.read_text())
    kept["set"]["y"][0] = 1
    record.write_text(json.dumps(kept))


def break_record(images, record):
    record.write_bytes(b"\xff\x00")


def break_with_a_list(images, record):
    record.write_text("[1]")


def break_with_a_pickle(images, record):
    np.save(images, np.array([{}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    "spoil",
    [
        break_images_end,
        break_a_pixel,
        break_a_label,
        break_record,
        break_with_a_list,
        break_with_a_pickle,
    ],
)
def test_a_spoilt_cache_costs_a_line(cache, spec, n_read, capsys, spoil):
    fresh = load(spec)
    images, record = sorted(cache.iterdir(), key=lambda f: f.suffix, reverse=True)
    spoil(images, record)
    assert_same(fresh, load(spec))
    message = capsys.readouterr().err
    assert f"{record}: not a cache to use" in message
    assert message.count("\n") == 1
    assert_same(fresh, load(spec))
    assert n_read == [8]
    assert capsys.readouterr().err == ""


def test_half_a_cache_is_none(cache, spec, n_read):
    load(spec)
    next(cache.glob("*.npy")).unlink()
    load(spec)
    assert n_read == [8]


def test_a_cache_that_cannot_be_written(cache, spec, capsys):
    cache.write_text("a file where the folder should be")
    dataset = load(spec)
    assert len(dataset.y) == 4
    message = capsys.readouterr().err
    assert str(cache) in message
    assert message.endswith("going on without a cache\n")
    assert message.count("\n") == 1


def test_an_interrupted_write_leaves_no_trace(cache, spec, n_read, monkeypatch):
    def interrupt(file, *args, **kwargs):
        file.write(b"half of it")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_cache.np, "save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            load(spec)
    assert list(cache.iterdir()) == []
    load(spec)
    assert n_read == [8]


def test_errors_of_reading_are_not_kept(cache, spec, tmp_path):
    (tmp_path / "mine" / "test" / "b" / "x.png").write_text("no image")
    for _ in range(2):
        with pytest.raises(UserError, match="unreadable image"):
            load(spec)
    assert not cache.exists()


def test_a_broken_link_is_named(cache, spec, tmp_path):
    link = tmp_path / "mine" / "test" / "b" / "link.png"
    try:
        link.symlink_to(tmp_path / "nowhere.png")
    except OSError:
        pytest.skip("no symbolic links here")
    with pytest.raises(UserError, match=r"link\.png: unreadable"):
        load(spec)


def test_the_default_place_is_the_users_cache(monkeypatch):
    monkeypatch.delenv("SKLEARN_SCD_CACHE", raising=False)
    assert _cache.cache_folder() == _cache.user_cache_path(
        "sklearn-scd", appauthor=False
    )
