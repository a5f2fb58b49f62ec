"""Sets of MedMNIST, from a package and files made here in the form of the real ones."""

import hashlib
import sys

import numpy as np
import pytest

pytest.importorskip("PIL")
pytest.importorskip("platformdirs")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")

from benchmarks.common.errors import UserError
from benchmarks.datasets import load, medmnist

COUNTS = {"train": 6, "val": 3, "test": 4}
LARGE = (64, 128, 224)
LABELS = {"0": "normal", "1": "pneumonia"}


def make_file(file, shape, in_columns=True):
    """Images whose first pixel is 10 times the class and 1 in the test half."""
    arrays = {}
    for side, n_rows in COUNTS.items():
        y = np.arange(n_rows, dtype=np.uint8) % 2
        images = np.zeros((n_rows, *shape), np.uint8)
        images[:, 0, 0] = (10 * y + (side == "test")).reshape(-1, *[1] * len(shape[2:]))
        arrays |= {
            f"{side}_images": images,
            f"{side}_labels": y[:, None] if in_columns else y,
        }
    np.savez_compressed(file, **arrays)
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    """A package, the web that it names, and its folder, which is returned."""
    web, root, package = (tmp_path / name for name in ("web", "root", "site/medmnist"))
    for folder in (web, root, package):
        folder.mkdir(parents=True)
    entries = {}
    for name, task, shape in (
        ("pneumoniamnist", "binary-class", (28, 28)),
        ("pathmnist", "multi-class", (28, 28, 3)),
        ("chestmnist", "multi-label, binary-class", (28, 28)),
        ("organmnist3d", "multi-class", (28, 28, 28)),
    ):
        file = web / f"{name}.npz"
        entries[name] = {
            "python_class": name.replace("mnist", "MNIST").capitalize(),
            "url": file.as_uri(),
            "MD5": make_file(file, shape),
            "task": task,
            "label": LABELS,
            "license": "CC BY 4.0",
        }
    for size in LARGE:
        file = web / f"pneumoniamnist_{size}.npz"
        entries["pneumoniamnist"] |= {
            f"url_{size}": file.as_uri(),
            f"MD5_{size}": make_file(file, (size, size)),
        }
    (package / "__init__.py").write_text("print('torch is missing')\n")
    (package / "info.py").write_text(
        f"__version__ = '9.9'\nDEFAULT_ROOT = {str(root)!r}\nINFO = {entries!r}\n"
    )
    monkeypatch.syspath_prepend(package.parent)
    for name in ("medmnist", "medmnist.info"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setenv("SKLEARN_SCD_CACHE", str(tmp_path / "cache"))
    yield root
    for name in ("medmnist", "medmnist.info"):
        sys.modules.pop(name, None)


def test_its_own_split(root, capsys):
    dataset = load("medmnist:pneumoniamnist")
    assert dataset.name == "pneumoniamnist"
    assert dataset.X.shape == (13, 28, 28)
    assert dataset.X.dtype == np.uint8
    assert dataset.class_names == ("normal", "pneumonia")
    assert dataset.y.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1]
    assert dataset.is_test.tolist() == [False] * 9 + [True] * 4
    assert (dataset.X[:, 0, 0] == 10 * dataset.y + dataset.is_test).all()
    assert dataset.licence == "CC BY 4.0"
    assert [file.name for file in root.iterdir()] == ["pneumoniamnist.npz"]
    assert capsys.readouterr().out == ""


def test_colours_and_sizes(tmp_path):
    """Sets that lie in one folder are kept side by side."""
    shapes = {
        "pneumoniamnist": (28, 28),
        "pathmnist": (28, 28, 3),
    } | {f"pneumoniamnist-{size}": (size, size) for size in LARGE}
    for spec in (
        *("medmnist:pneumoniamnist", "medmnist:pathmnist") * 2,
        *(f"medmnist,size={size}:pneumoniamnist" for size in LARGE),
    ):
        dataset = load(spec)
        assert dataset.image_shape == shapes[dataset.name]
    assert len(list((tmp_path / "cache").glob("*.npy"))) == len(shapes)


@pytest.mark.parametrize("in_columns", [True, False])
def test_a_file_that_was_fetched_before(tmp_path, in_columns):
    """Read as it is, without the package; labels are (n, 1) or (n,)."""
    make_file(tmp_path / "pathmnist_64.npz", (64, 64, 3), in_columns)
    dataset = load(f"npz:{tmp_path / 'pathmnist_64.npz'}")
    assert dataset.image_shape == (64, 64, 3)
    assert dataset.is_test.tolist() == [False] * 9 + [True] * 4
    assert dataset.y.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1]
    assert medmnist._read_sides(tmp_path / "pathmnist_64.npz")[3] == 3
    with pytest.raises(UserError, match=r"give npz:\S+pathmnist_64\.npz"):
        load(f"medmnist:{tmp_path / 'pathmnist_64.npz'}")


def test_without_a_network(root, monkeypatch):
    """What is there already is used, else one line says so and leaves nothing."""
    load("medmnist:pneumoniamnist")

    def fail(*args, **kwargs):
        raise medmnist.HTTPException("no network")

    monkeypatch.setattr(medmnist, "urlopen", fail)
    load("medmnist:pneumoniamnist", cache=False)
    with pytest.raises(UserError, match=r"pathmnist\.npz: can't fetch it \(no network"):
        load("medmnist:pathmnist")
    assert [file.name for file in root.iterdir()] == ["pneumoniamnist.npz"]


@pytest.mark.parametrize(
    ("content", "words"), [(None, "pathmnist"), (b"<html>", "by its MD5")]
)
def test_something_else_at_the_address(root, tmp_path, content, words):
    file = tmp_path / "web" / "pathmnist.npz"
    file.unlink()
    if content:
        file.write_bytes(content)
    with pytest.raises(UserError, match=f"can't fetch it .*{words}"):
        load("medmnist:pathmnist")
    assert list(root.iterdir()) == []


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "medmnist", None)
    with pytest.raises(UserError, match=r"pip install 'sklearn-scd\[medmnist\]'"):
        load("medmnist:pneumoniamnist")


def test_another_file_than_the_package_means(root):
    file = root / "pneumoniamnist.npz"
    file.write_bytes(b"cut short")
    with pytest.raises(UserError, match=r"pneumoniamnist\.npz: its MD5 is not"):
        load("medmnist:pneumoniamnist")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("medmnist:lungmnist", "is no set of MedMNIST (choose from pneumoniamnist, pa"),
        ("medmnist:chestmnist", "has volumes, or several labels an image"),
        ("medmnist:organmnist3d", "has volumes, or several labels an image"),
        (
            "medmnist,size=96:pneumoniamnist",
            "no images of size 96 (choose from 28, 64, 128, 2",
        ),
    ],
)
def test_what_there_is_not(spec, words):
    with pytest.raises(UserError) as caught:
        load(spec)
    assert words in str(caught.value)
