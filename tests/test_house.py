"""The house keeps its shape: imports go down, and a file's name means one thing.

Read from the sources by `ast`, so that nothing has to be installed or imported.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]


class House(NamedTuple):
    """A package and the order of its layers.

    Parameters
    ----------
    package : str
        Top-level package.
    layers : tuple of tuple of str
        From the lowest to the highest; in a layer packages or modules that don't know
        each other. The longest name that a module's name begins with counts.
    """

    package: str
    layers: tuple[tuple[str, ...], ...]

    def place(self, module: str) -> tuple[int, str] | None:
        """Return a module's layer and which of its parts it is in; None for neither."""
        known = [
            (len(part), level, part)
            for level, parts in enumerate(self.layers)
            for part in parts
            if module == part or module.startswith(f"{part}.")
        ]
        return max(known)[1:] if known else None


# To add the layers of another package, enter it here.
HOUSES = [
    House(
        "sklearn_scd",
        (
            (
                "sklearn_scd._typing",
                "sklearn_scd._range",
                "sklearn_scd._doc_link",
                "sklearn_scd._image_shape",
                "sklearn_scd.exceptions",
            ),
            ("sklearn_scd._rounding",),
            (
                "sklearn_scd._kernels",
                "sklearn_scd._vote_rule",
                "sklearn_scd._products",
            ),
            ("sklearn_scd._training_set", "sklearn_scd._storage"),
            ("sklearn_scd._ensemble",),
            ("sklearn_scd._outputs",),
            ("sklearn_scd._voting_networks",),
            ("sklearn_scd._convergence", "sklearn_scd._warm_start"),
            (
                "sklearn_scd._classifier",
                "sklearn_scd._active_subspace",
                "sklearn_scd._pixel_means",
                "sklearn_scd._sign_convolution",
            ),
            ("sklearn_scd.affine",),
            ("sklearn_scd._robust_pipeline",),
            ("sklearn_scd._robust",),
            ("sklearn_scd.robustness", "sklearn_scd.export"),
            ("sklearn_scd.inspection",),
        ),
    ),
    House(
        "sklearn_scd.robustness",
        (
            (
                "sklearn_scd.robustness._inputs",
                "sklearn_scd.robustness._results",
                "sklearn_scd.robustness._hyperplanes",
            ),
            ("sklearn_scd.robustness._labels",),
            (
                "sklearn_scd.robustness._certificates",
                "sklearn_scd.robustness._attacks",
                "sklearn_scd.robustness._smoothing",
            ),
            ("sklearn_scd.robustness._consistency", "sklearn_scd.robustness._summary"),
            ("sklearn_scd.robustness._evaluation", "sklearn_scd.robustness._scorer"),
        ),
    ),
    House(
        "benchmarks",
        (
            ("benchmarks.common",),
            ("benchmarks.datasets", "benchmarks.attacks"),
            ("benchmarks.models",),
            ("benchmarks.medical", "benchmarks.certified", "benchmarks.speed"),
        ),
    ),
    House(
        "benchmarks.medical",
        (
            ("benchmarks.medical.paper",),
            ("benchmarks.medical.protocols", "benchmarks.medical.trials"),
            ("benchmarks.medical.results", "benchmarks.medical.reading"),
            ("benchmarks.medical.tables", "benchmarks.medical.facts"),
            ("benchmarks.medical.report",),
            ("benchmarks.medical.stages",),
            ("benchmarks.medical.__main__",),
        ),
    ),
]
# What the benchmark takes of the package beside its public names: an attack the least
# distance to half-spaces, the speed benchmark what it times.
PRIVATE = {
    "benchmarks.attacks.gradients._projection": {
        "sklearn_scd.robustness._hyperplanes.least_distance",
    },
    "benchmarks.speed.predict": {"sklearn_scd._ensemble", "sklearn_scd._outputs"},
    "benchmarks.speed.twins": {
        "sklearn_scd._ensemble",
        "sklearn_scd._training_set",
        "sklearn_scd._kernels.threshold",
        "sklearn_scd._kernels.training",
        "sklearn_scd._reference",
    },
}
houses = pytest.mark.parametrize("house", HOUSES, ids=lambda house: house.package)


def sources(package: str) -> dict[str, Path]:
    """Return the files of a package by the names of their modules."""
    found = {}
    for path in sorted(ROOT.joinpath(*package.split(".")).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(module: str, path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, anywhere in it, by their full names."""
    is_package = path.name == "__init__.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[: 1 - node.level or None]
                above = above if is_package else module.split(".")[: -node.level]
                base = ".".join([*above, *([base] if base else [])])
            for alias in node.names:
                # A name may be a module itself.
                yield f"{base}.{alias.name}" if is_module(base, alias.name) else base


def is_module(package: str, name: str) -> bool:
    """Tell whether a name of a package of the house is a module."""
    folder = ROOT.joinpath(*package.split("."))
    return (folder / f"{name}.py").exists() or (folder / name / "__init__.py").exists()


def upward(house: House, files: dict[str, Path]) -> list[str]:
    """Name the imports that go up, or to a neighbour."""
    wrong = []
    for module, path in files.items():
        here = house.place(module)
        for name in imported(module, path):
            there = house.place(name)
            if here is None or there is None or here[1] == there[1]:
                continue
            if there[0] >= here[0]:
                wrong.append(f"{module} imports {name}")
    return sorted(set(wrong))


@houses
def test_imports_go_down(house):
    files = sources(house.package)
    assert len(files) > 10  # or the package is elsewhere
    assert upward(house, files) == []


def test_an_import_that_goes_up_is_seen(tmp_path):
    """Wherever it stands and however it is written."""
    house = next(house for house in HOUSES if house.package == "benchmarks")
    for code in (
        "from benchmarks.models import MODELS",
        "import benchmarks.medical.paper",
        "def f():\n    from benchmarks import attacks",
        "from ..attacks import forest",
    ):
        (tmp_path / "low.py").write_text(code)
        files = {"benchmarks.datasets.low": tmp_path / "low.py"}
        assert len(upward(house, files)) == 1, code
    (tmp_path / "low.py").write_text("from benchmarks.common import errors, numpy")
    assert upward(house, files) == []


@pytest.mark.parametrize("package", ["benchmarks", "sklearn_scd"])
def test_a_files_name_is_unique_within_its_package(package):
    stems = Counter(
        path.stem.strip("_")
        for path in sources(package).values()
        if path.stem not in ("__init__", "__main__")
    )
    assert [stem for stem, count in stems.items() if count > 1] == []


def private_names(module: str, path: Path) -> set[str]:
    """Return the private names that a file takes from another of the house."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {
                f"{node.module}.{alias.name}"
                for alias in node.names
                if alias.name.startswith("_") and not is_module(node.module, alias.name)
            }
    tops = {house.package.partition(".")[0] for house in HOUSES}
    return {name for name in found if name.partition(".")[0] in tops}


@pytest.mark.parametrize("package", ["benchmarks", "sklearn_scd"])
def test_a_private_name_stays_in_its_file(package):
    files = sources(package).items()
    found = {module: private_names(module, path) for module, path in files}
    assert {module: names for module, names in found.items() if names} == {}


def test_modules_and_files_that_texts_name_are_there():
    """Those of roles, by their full names or from a dot on, and files of the tests."""
    missing = []
    for package in ("benchmarks", "sklearn_scd"):
        for module, path in sources(package).items():
            text = path.read_text(encoding="utf-8")
            above = module if path.name == "__init__.py" else module.rpartition(".")[0]
            for name in re.findall(r":mod:`([\w.]+)`", text):
                full = f"{above}{name}" if name.startswith(".") else name
                if full in sys.stdlib_module_names:
                    continue
                if not is_module(*full.rpartition(".")[::2]):
                    missing.append(f"{module}: {name}")
            for name in re.findall(r"\btests/[\w/]+\.py", text):
                if not (ROOT / name).exists():
                    missing.append(f"{module}: {name}")
    assert missing == []


def test_benchmarks_use_public_names_of_the_package():
    found = {}
    for module, path in sources("benchmarks").items():
        private = {
            name
            for name in imported(module, path)
            if name.startswith("sklearn_scd.")
            and any(part.startswith("_") for part in name.split("."))
        }
        if private:
            found[module] = private
    assert found == PRIVATE
