"""From what the user types to a data set."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common.arguments import suggest
from benchmarks.common.errors import UserError
from benchmarks.datasets._base import Dataset, Recipe
from benchmarks.datasets._cache import load_cached
from benchmarks.datasets._summary import describe_losses
from benchmarks.datasets.brats import MISNAMED_CHOICES, load_brats
from benchmarks.datasets.breast_cancer import load_breast_cancer
from benchmarks.datasets.chest_xray import load_chest_xray
from benchmarks.datasets.colon_ihc import load_colon_ihc
from benchmarks.datasets.folder import VAL_CHOICES, load_folder
from benchmarks.datasets.histology import load_histology
from benchmarks.datasets.medmnist import load_medmnist
from benchmarks.datasets.npz import load_npz


@dataclass(frozen=True)
class Loader:
    """A loader and what the user may tell it.

    Parameters
    ----------
    load : callable
        Takes the argument, if there is one, and the options by their names.
    summary : str
        A line about the set.
    argument : {"", "FILE", "DIR", "NAME"}
        What is after the colon: nothing, a path or a name.
    options : mapping of str to callable
        For each option what makes a value of the text, raising ValueError with what
        was expected.
    can_skip : bool
        Whether it takes `skip_unreadable`, as one that reads many files.
    """

    load: Callable[..., Dataset | Recipe]
    summary: str
    argument: str = ""
    options: Mapping[str, Callable[[str], object]] = field(default_factory=dict)
    can_skip: bool = False


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("a whole number above 0")
    return int(text)


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return text

    return read


def _pair(text: str) -> tuple[str, ...]:
    names = tuple(text.split("+"))
    if len(set(names)) != 2 or len(names) != 2 or "" in names:
        raise ValueError("two different names, as in A+B")
    return names


LOADERS: dict[str, Loader] = {
    "colon-ihc": Loader(
        load_colon_ihc, "colon tissue tiles, DAB stain or not (default)"
    ),
    "breast-cancer": Loader(load_breast_cancer, "30 measurements of cell nuclei"),
    "npz": Loader(
        load_npz, "arrays X, y and perhaps group, or X_train, y_train, ...", "FILE"
    ),
    "folder": Loader(
        load_folder,
        "a folder a class, in train/, val/, test/ or not; val=train, test or out",
        "DIR",
        {"val": _one_of(*VAL_CHOICES)},
        can_skip=True,
    ),
    "brats": Loader(
        load_brats,
        "slices of BraTS volumes, with tumor or not; per_class=N, misnamed=take",
        "DIR",
        {"per_class": _count, "misnamed": _one_of(*MISNAMED_CHOICES)},
        can_skip=True,
    ),
    "chest-xray": Loader(
        load_chest_xray,
        "Kermany's set as on Kaggle, pneumonia or not; per_class=N",
        "DIR",
        {"per_class": _count},
        can_skip=True,
    ),
    "histology": Loader(
        load_histology,
        "Kather's tiles of colorectal tissue, two kinds; classes=A+B",
        "DIR",
        {"classes": _pair},
        can_skip=True,
    ),
    "medmnist": Loader(
        load_medmnist,
        "a set of MedMNIST, such as pneumoniamnist, fetched; size=N",
        "NAME",
        {"size": _count},
    ),
}


def describe() -> dict[str, str]:
    """Return what a user may ask for, each with a line about it."""
    return {
        f"{name}:{loader.argument}" if loader.argument else name: loader.summary
        for name, loader in LOADERS.items()
    }


def check_spec(spec: str) -> str:
    """Return `spec`, its name in lower case, if a loader knows it and its options.

    Raises
    ------
    UserError
        If there is none; the message lists the choices.
    """
    _parse(spec)
    name = _name_of(spec)
    return name.casefold() + spec[len(name) :]


def load(
    spec: str, cache: bool = True, skip_unreadable: bool = False, aloud: bool = True
) -> Dataset:
    """Load the data set that `spec` stands for.

    Parameters
    ----------
    spec : str
        A name, or one with an argument and perhaps options: ``npz:FILE``,
        ``histology,classes=01_TUMOR+08_EMPTY:DIR``.
    cache : bool
        Whether a set that costs decoding may come from the cache, and is kept there.
    skip_unreadable : bool
        Whether to leave out and count what cannot be read of many files. By default
        the first of them ends it.
    aloud : bool
        Whether what was left out, and what was decided in the user's stead, goes to
        stderr, a line each. It is in the data set, and in `describe_loaded`, too.

    Raises
    ------
    UserError
        If `spec` is unknown, or what it names is missing or unusable.
    """
    loader, argument, options = _parse(spec)
    if loader.can_skip:
        options["skip_unreadable"] = skip_unreadable
    if not loader.argument:
        found = loader.load(**options)
    else:
        is_path = loader.argument in ("FILE", "DIR")
        # A shell leaves the ~ behind a colon as it is.
        place = Path(argument).expanduser() if is_path else argument
        found = loader.load(place, **options)
    if isinstance(found, Recipe):
        found = load_cached(found) if cache else found.read()
    if aloud:
        for line in describe_losses(found):
            print(f"{found.name}: {line}", file=sys.stderr)
    return found


def _parse(spec: str) -> tuple[Loader, str, dict[str, object]]:
    """Take apart ``NAME[,OPTION=VALUE]...[:ARGUMENT]``."""
    # Options come first, so that a path may hold any sign.
    head, colon, argument = spec.partition(":")
    settings = head.split(",")[1:]
    name = _name_of(spec).casefold()
    loader = LOADERS.get(name)
    wanted = bool(loader and loader.argument)
    if loader is None or not (bool(colon) == bool(argument) == wanted):
        raise UserError(
            f"unknown data set {spec!r}{_suggest(name, spec)} "
            f"(choose from {', '.join(describe())})"
        )
    return loader, argument, dict(_parse_option(name, loader, s) for s in settings)


def _name_of(spec: str) -> str:
    return spec.partition(":")[0].partition(",")[0]


def _suggest(name: str, spec: str) -> str:
    """Ask for a data set of this very name, as it is typed, a path, or a like name."""
    typed = dict(zip(LOADERS, describe(), strict=True))
    if name in typed:
        return f"; did you mean {typed[name]}?"
    if spec.endswith(".npz") and (":" not in spec or os.path.isfile(spec)):
        return f"; did you mean npz:{spec}?"
    if os.path.isdir(spec):  # that of Path raises where a name is too long
        return f"; did you mean folder:{spec}?"
    return suggest(name, typed)


def _parse_option(name: str, loader: Loader, setting: str) -> tuple[str, object]:
    option, _, text = setting.partition("=")
    if option not in loader.options:
        known = ", ".join(loader.options) or "none"
        raise UserError(f"{name}: unknown option {option!r} (choose from {known})")
    try:
        return option, loader.options[option](text)
    except ValueError as error:
        raise UserError(f"{name}: {option}={text!r} is not {error}") from error
