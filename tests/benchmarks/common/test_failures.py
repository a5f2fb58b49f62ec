"""Runs that are killed, disks that are full, files that are not what they seem."""

import csv
import errno
import os
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("nibabel")
pytest.importorskip("PIL")
pytest.importorskip("platformdirs")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")

import nibabel
from _benchmark_helpers import measured, read
from PIL import Image

from benchmarks.certified import __main__ as certified
from benchmarks.common import files, signatures
from benchmarks.common.checkpoints import Checkpoints
from benchmarks.common.errors import UserError
from benchmarks.medical import __main__ as medical

ROOT = Path(__file__).parents[3]
KILLED_RUNS = ROOT / "tests" / "benchmarks" / "medical" / "_killed_runs.py"
PROGRAMS = {"medical": medical, "certified": certified}
# Arguments with which neither ART nor torch is needed.
PLAIN = {
    "medical": ["--models", "random-forest", "--protocol", "none"],
    "certified": ["--models", "logistic"],
}
SHORT = ["--votes", "2", "--jobs", "1", "--seeds", "2", "--train-iter", "5"]
MODELS = ["--models", "scdce", "random-forest"]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Grey images of two shades and much noise, as the argument of --dataset."""
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = rng.integers(0, 200, (40, 5, 5)) + 55 * y[:, None, None]
    path = tmp_path_factory.mktemp("data") / "shades.npz"
    np.savez(path, X=X.astype(np.uint8), y=y)
    return f"npz:{path}"


def _tables(folder):
    """What the tables say, but for times."""
    tables = {}
    for path in folder.glob("table*.csv"):
        header, *rows = csv.reader(path.read_text().splitlines())
        kept = [k for k, name in enumerate(header) if not name.endswith(", s")]
        tables[path.name] = [[row[k] for k in kept] for row in (header, *rows)]
    return tables


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
def test_a_run_killed_again_and_again_ends_as_an_undisturbed_one(images, tmp_path):
    pytest.importorskip("art")
    attack = ["--images", "2", "--restarts", "1", "--max-iter", "2", "--init-size", "9"]
    subprocess.run(
        [sys.executable, KILLED_RUNS, tmp_path, "4", "0",
         "--dataset", images, *MODELS, *SHORT, *attack],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
        env={**os.environ, "TQDM_DISABLE": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    whole = tmp_path / "whole"
    # Others depend on how many images the models get right.
    some = {"table1.csv", "table2-shades.csv", "table7.csv", "table8-shades.csv"}
    assert some <= _tables(whole).keys()
    resumed = list(tmp_path.glob("resumed-*"))
    assert resumed
    for folder in resumed:
        assert measured(read(folder)) == measured(read(whole))
        assert _tables(folder) == _tables(whole)
        assert not [path for path in folder.rglob(".*") if path.is_file()]


def _run(images, folder, *more):
    argv = ["--dataset", images, *MODELS, *SHORT, "--protocol", "none"]
    return medical.main([*argv, "--output", str(folder), *more])


def test_a_full_disk_is_one_line_and_loses_nothing(
    images, tmp_path, monkeypatch, capsys
):
    assert _run(images, tmp_path / "whole") == 0
    folder, write = tmp_path / "part", Path.write_bytes
    for name in ("results.json", "forest-0", "scdce-1", "accuracy.csv", "report.html"):

        def write_some(path, content, name=name):
            if name not in path.name:
                return write(path, content)
            write(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        capsys.readouterr()
        before = {path: path.read_bytes() for path in folder.rglob("*.joblib")}
        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", write_some)
            assert _run(images, folder, "--resume") == 2
        error = capsys.readouterr().err
        line = error.splitlines()[-1]
        assert line.startswith("benchmarks.medical: error: ")
        assert name in line
        assert "can't write (No space left on device)" in line
        assert "Traceback" not in error
        for path, content in before.items():
            assert path.read_bytes() == content
        assert not [path for path in folder.rglob(".*") if path.is_file()]
        if (folder / "results.json").exists():
            read(folder)
    assert before  # or this test shows little
    assert _run(images, folder, "--resume") == 0
    assert measured(read(folder)) == measured(read(tmp_path / "whole"))
    assert _tables(folder) == _tables(tmp_path / "whole")


class _Mine:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_checkpoint_from_elsewhere_runs_no_code(tmp_path, capsys, monkeypatch):
    trap, basis = tmp_path / "code was run", ("data", {"a": 1})
    checkpoints = Checkpoints(tmp_path, resume=True)
    checkpoints.save("model", *basis, [1, 2])
    (path,) = (tmp_path / "checkpoints").iterdir()
    signed = path.read_bytes()

    joblib.dump(_Mine(trap), path)
    foreign = path.read_bytes()
    for content in (
        foreign,
        signed[: signatures.SIZE] + foreign,
        signatures.sign("another name", foreign),
        signed[:-1],
        signed[:10],
        b"",
    ):
        path.write_bytes(content)
        assert checkpoints.load("model", *basis) is None
        assert "signed with another key" in capsys.readouterr().out
    with monkeypatch.context() as patch:
        patch.setenv("SKLEARN_SCD_KEY", str(tmp_path / "another.key"))
        checkpoints.save("model", *basis, _Mine(trap))
    assert checkpoints.load("model", *basis) is None
    assert not trap.exists()
    # The same file under this key would have run it, and the piece itself is read.
    path.write_bytes(signatures.sign(path.name, foreign))
    checkpoints.load("model", *basis)
    assert trap.exists()
    path.write_bytes(signed)
    assert checkpoints.load("model", *basis) == [1, 2]


def test_the_key_is_the_users_alone(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "own.key"
    monkeypatch.setenv("SKLEARN_SCD_KEY", str(path))
    key = signatures.have_key()
    assert signatures.have_key() == key == path.read_bytes()
    assert [entry.name for entry in path.parent.iterdir()] == ["own.key"]
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"short")
    with pytest.raises(UserError, match=r"own\.key: no key, it has 5 bytes"):
        Checkpoints(tmp_path, resume=True)
    monkeypatch.setenv("SKLEARN_SCD_KEY", str(path / "below a file"))
    with pytest.raises(UserError, match=r"can't keep the key.*SKLEARN_SCD_KEY"):
        Checkpoints(tmp_path, resume=True)


def test_what_a_killed_write_left_goes_with_the_next_run(tmp_path):
    kept = [".hidden", ".version.txt", "7", "results.json"]
    for name in (*kept, ".results.json.123", ".piece.joblib.45678"):
        (tmp_path / name).touch()
    files.remove_drafts(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


WORK = """
import sys
from benchmarks.common import errors
errors.check_modules = lambda: None
def work():
    {work}
sys.exit(errors.exit_status("it", work, ""))
"""


@pytest.mark.skipif(os.name != "posix", reason="pipes break otherwise elsewhere")
@pytest.mark.parametrize(
    "work",
    ["print('a line')", "print('a line' * 99999)", "print('help'); sys.exit(0)"],
    ids=["in the buffer", "beyond the buffer", "argparse exits"],
)
def test_a_reader_who_has_enough_ends_it_quietly(work):
    """As ``--list | head -1`` does, whenever it is noticed."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        command = [sys.executable, "-c", WORK.format(work=work)]
        ended = subprocess.run(
            command, cwd=ROOT, stdout=pipe, stderr=subprocess.PIPE, check=False
        )
    assert (ended.returncode, ended.stderr) == (141, b"")


def _torn_npz(folder):
    whole = folder / "whole.npz"
    np.savez(whole, X=np.zeros((9, 9, 9), np.uint8), y=np.arange(9) % 2)
    (folder / "torn.npz").write_bytes(whole.read_bytes()[:-60])
    return f"npz:{folder / 'torn.npz'}", "torn.npz: not an .npz file of plain arrays"


def _npz_of_objects(folder):
    X = np.array([_Mine(folder / "code was run")] * 4, dtype=object)
    np.savez(folder / "objects.npz", X=X, y=np.arange(4) % 2, allow_pickle=True)
    return f"npz:{folder / 'objects.npz'}", "allow_pickle=False"


def _pickle_named_npz(folder):
    (folder / "bad.npz").write_bytes(pickle.dumps(_Mine(folder / "code was run")))
    return f"npz:{folder / 'bad.npz'}", "no file of NumPy does"


def _png_named_jpg(folder):
    for name in ("a", "<b>b</b>"):
        place = folder / name.replace("/", "-")
        place.mkdir()
        Image.new("L", (5, 5)).save(place / "it.jpg", format="PNG")
    return f"folder:{folder}", "it.jpg: holds a PNG image whatever its name says"


def _mask_of_another_shape(folder):
    for kind, depth in (("flair", 4), ("seg", 3)):
        volume = nibabel.Nifti1Image(np.ones((5, 5, depth), np.int16), np.eye(4))
        nibabel.save(volume, folder / f"p_{kind}.nii.gz")
    return f"brats:{folder}", "mask of shape (5, 5, 3) for a volume of shape (5, 5, 4)"


def _torn_volume(folder):
    _mask_of_another_shape(folder)
    path = folder / "p_flair.nii.gz"
    path.write_bytes(path.read_bytes()[:40])
    return f"brats:{folder}", "p_flair.nii.gz: unreadable volume"


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    "make",
    [
        _torn_npz, _npz_of_objects, _pickle_named_npz, _png_named_jpg,
        _mask_of_another_shape, _torn_volume,
    ],
)  # fmt: skip
def test_a_bad_file_is_one_line_and_status_2(
    make, program, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("SKLEARN_SCD_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    spec, words = make(folder)
    argv = ["--dataset", spec, *PLAIN[program], "--output", str(tmp_path / "out")]
    assert PROGRAMS[program].main(argv) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"benchmarks.{program}: error: ")
    assert words in error
    assert error.count("\n") == 1
    assert not (folder / "code was run").exists()


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_output_folder_that_can_not_be_used_is_one_line(
    program, images, tmp_path, capsys, monkeypatch
):
    argv = ["--dataset", images, *PLAIN[program]]
    (tmp_path / "file").touch()
    for place in ("file", "file/below"):
        assert PROGRAMS[program].main([*argv, "--output", str(tmp_path / place)]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "--output" in error
    # As for one who may not write, which root always may.
    refusal = OSError(errno.EACCES, os.strerror(errno.EACCES))

    def refuse(*arguments, **options):
        raise refusal

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert PROGRAMS[program].main([*argv, "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Permission denied" in error
