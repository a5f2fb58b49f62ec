"""What was computed is found again if nothing that it depends on has changed."""

import numpy as np
import pytest

pytest.importorskip("platformdirs")
pytest.importorskip("tqdm")

from benchmarks.common import checkpoints
from benchmarks.common.checkpoints import Checkpoints, checkpoint_key, hash_arrays

BASIS = ("data", {"a": 1, "b": [2]})


def test_a_checkpoint_of_other_data_or_parameters_is_not_found(tmp_path):
    kept = Checkpoints(tmp_path, resume=True)
    kept.save("model", *BASIS, "it")
    assert kept.load("model", "data", {"b": [2], "a": 1}) == "it"
    assert kept.load("model", "data", {"a": 1, "b": [3]}) is None
    assert kept.load("model", "other data", BASIS[1]) is None
    assert kept.load("attack", *BASIS) is None
    assert Checkpoints(tmp_path, resume=False).load("model", *BASIS) is None


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("code_fingerprint", lambda: "another line"),
        ("versions", lambda: {"numpy": "0.1"}),
    ],
)
def test_a_checkpoint_of_other_code_or_versions_is_not_found(
    name, changed, tmp_path, monkeypatch
):
    kept = Checkpoints(tmp_path, resume=True)
    kept.save("model", *BASIS, "it")
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, name, changed)
        assert kept.load("model", *BASIS) is None
    assert kept.load("model", *BASIS) == "it"


def test_the_code_that_computes_is_in_the_key(tmp_path, monkeypatch):
    for name in ("deep/model.py", "tables/accuracy.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("x = 1")
    monkeypatch.setattr(checkpoints, "PACKAGES", (tmp_path,))

    def key():
        checkpoints.code_fingerprint.cache_clear()
        return checkpoint_key(*BASIS)

    try:
        first = key()
        (tmp_path / "tables/accuracy.py").write_text("x = 2")
        assert key() == first  # a table shows what was computed
        (tmp_path / "deep/model.py").write_text("x = 2")
        changed = key()
        (tmp_path / "deep/model.py").rename(tmp_path / "deep/other.py")
        assert len({first, changed, key()}) == 3
    finally:
        checkpoints.code_fingerprint.cache_clear()


def test_the_package_and_the_benchmark_are_the_code():
    names = [name for name, _ in checkpoints._sources(checkpoints.PACKAGES)]
    for name in (
        "sklearn_scd/_kernels/threshold.py",
        "benchmarks/models/entries.py",
        "benchmarks/certified/measuring.py",
        "benchmarks/datasets/splits.py",
    ):
        assert name in names
    assert not [name for name in names if "report" in name or "speed" in name]


def test_arrays_are_told_apart_by_content_type_and_shape():
    a = np.arange(6)
    others = [
        [a], [a[::-1]], [a.astype(float)], [a.reshape(2, 3)], [a, None], [None, a],
        [a.astype(str)], [np.array(list("abcdef"), dtype=object)],
    ]  # fmt: skip
    assert len({hash_arrays(arrays) for arrays in others}) == len(others)
    assert hash_arrays([a[::2]]) == hash_arrays([a[::2].copy()])
