"""Check what is to be published: its files, and that the wheel works by itself.

Run by ``make build`` with the folder of the sdist and the wheel, and what else pip is
to be told. The wheel is installed into a new environment in another folder, where the
repository can't lend it a file.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

IN_SDIST = {
    "CHANGES.rst",
    "CITATION.cff",
    "LICENSE",
    "README.rst",
    "benchmarks/medical/__main__.py",
    "benchmarks/medical/report/page.css",
    "benchmarks/medical/report/page.html",
    "benchmarks/medical/report/page.js",
    "conftest.py",
    "constraints.txt",
    "docs/index.rst",
    "examples/README.rst",
    "pyproject.toml",
    "sklearn_scd/py.typed",
    "tests/test_package.py",
}
IN_WHEEL = {"sklearn_scd/__init__.py", "sklearn_scd/py.typed"}

USE = """
import sys
from pathlib import Path
from sklearn.datasets import load_iris
import sklearn_scd
from sklearn_scd import SCDClassifier
from sklearn_scd.robustness import certified_distortion

assert Path(sklearn_scd.__file__).is_relative_to(sys.prefix), sklearn_scd.__file__
X, y = load_iris(return_X_y=True)
model = SCDClassifier(n_estimators=5, max_iter=50, random_state=0).fit(X, y)
assert (model.predict(X) == y).mean() > 0.8
proven = certified_distortion(model, X, y)
assert ((proven > 0) == (model.predict(X) == y)).mean() > 0.9
print(f"sklearn-scd {sklearn_scd.__version__} fits, predicts and certifies")
"""


def main(folder: str, *pip_options: str) -> None:
    """Check the one sdist and the one wheel in a folder."""
    (sdist,) = Path(folder).glob("*.tar.gz")
    (wheel,) = Path(folder).glob("*.whl")
    check_sdist(sdist)
    check_wheel(wheel)
    use_wheel(wheel.resolve(), [str(_resolved(option)) for option in pip_options])


def check_sdist(path: Path) -> None:
    """Refuse an sdist that lacks a file or has one that git ignores."""
    with tarfile.open(path) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    _refuse("lacks", path, IN_SDIST - names)
    _refuse("has", path, {name for name in names if "__pycache__" in name})


def check_wheel(path: Path) -> None:
    """Refuse a wheel that lacks a file or has more than the package."""
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
    _refuse("lacks", path, IN_WHEEL - names)
    is_licence = [name.endswith(".dist-info/licenses/LICENSE") for name in names]
    _refuse("lacks", path, set() if any(is_licence) else {"LICENSE"})
    known = "sklearn_scd/", f"{'-'.join(path.name.split('-')[:2])}.dist-info/"
    _refuse("has", path, {name for name in names if not name.startswith(known)})
    _refuse("has", path, {name for name in names if "__pycache__" in name})


def use_wheel(wheel: Path, pip_options: list[str]) -> None:
    """Install the wheel into a new environment, and use it there."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, *_PYTHON)
        environment = dict(os.environ)
        for name in ("PYTHONPATH", "NUMBA_CACHE_DIR"):
            environment.pop(name, None)
        for arguments in (
            ["-m", "pip", "install", "--quiet", *pip_options, str(wheel)],
            ["-W", "error", "-c", USE],
        ):
            subprocess.run(
                [python, *arguments], cwd=folder, env=environment, check=True
            )


_PYTHON = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")


def _resolved(option: str) -> str | Path:
    """Options of pip, paths among them as seen from any folder."""
    return Path(option).resolve() if Path(option).is_file() else option


def _refuse(what: str, path: Path, names: set[str]) -> None:
    if names:
        raise SystemExit(f"{path.name} {what} {', '.join(sorted(names))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
