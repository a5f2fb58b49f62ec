"""Which rows train a model and which test it."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from benchmarks.common.errors import UserError
from benchmarks.datasets import Dataset

KINDS = ("auto", "random", "group")
N_FOLDS = 5  # one fold of five makes the split 80:20


@dataclass(frozen=True)
class Split:
    """The rows of both sides.

    Parameters
    ----------
    kind : {"given", "random", "group"}
        How it was drawn.
    train, test : ndarray of int
        Row numbers, no row in both.
    """

    kind: str
    train: np.ndarray
    test: np.ndarray


def split_kind(dataset: Dataset, wanted: str = "auto") -> str:
    """Decide how to split a data set.

    Parameters
    ----------
    dataset : Dataset
        What to split.
    wanted : {"auto", "random", "group"}
        "auto" takes the split that the set comes with, else splits by group where the
        set has groups, else at random.

    Returns
    -------
    {"given", "random", "group"}

    Raises
    ------
    UserError
        If the set cannot be split as wanted.
    """
    if dataset.is_test is not None:
        if wanted != "auto":
            raise UserError(
                f"{dataset.name}: comes with its own train and test rows and can't be "
                "split otherwise; use --split auto"
            )
        return "given"
    if wanted == "group" and dataset.group is None:
        raise UserError(f"{dataset.name}: has no groups; use --split random")
    if wanted == "auto":
        return "random" if dataset.group is None else "group"
    return wanted


def draw_split(dataset: Dataset, kind: str, seed: int) -> Split:
    """Draw one split.

    Parameters
    ----------
    dataset : Dataset
        What to split.
    kind : {"given", "random", "group"}
        As `split_kind` returns it. A random split keeps the share of each class; one by
        group has no group on both sides and comes as near to 80:20 and to the classes'
        shares as the groups allow; a given split is the same for every seed.
    seed : int
        Draws another split for another value.

    Returns
    -------
    Split

    Raises
    ------
    UserError
        If a class or the groups are too few for both sides.
    """
    if kind == "given":
        train, test = np.flatnonzero(~dataset.is_test), np.flatnonzero(dataset.is_test)
    elif kind == "random":
        train, test = _random_split(dataset, seed)
    else:
        train, test = _group_split(dataset, seed)
    return Split(kind, train, test)


def _random_split(dataset: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
    for name, count in dataset.class_counts().items():
        if count < N_FOLDS:
            raise UserError(
                f"{dataset.name}: class {name!r} has {count} samples, a split 80:20 "
                f"needs {N_FOLDS}; add some or leave the class out"
            )
    train, test = train_test_split(
        np.arange(len(dataset.y)),
        test_size=1 / N_FOLDS,
        stratify=dataset.y,
        random_state=seed,
    )
    return np.sort(train), np.sort(test)


def _group_split(dataset: Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
    n_groups = len(np.unique(dataset.group))
    if n_groups < N_FOLDS:
        raise UserError(
            f"{dataset.name}: {n_groups} different groups, a split 80:20 by group "
            f"needs {N_FOLDS}; use --split random"
        )
    folds = StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=seed)
    # Folds are filled from the group on whose classes differ most in number, the first
    # fold first: a fixed choice would put that group on one side for every seed.
    chosen = np.random.default_rng(seed).integers(N_FOLDS)
    with warnings.catch_warnings():
        # It warns of classes smaller than N_FOLDS; what matters is checked below.
        warnings.simplefilter("ignore", UserWarning)
        sides = list(folds.split(dataset.y, dataset.y, dataset.group))[chosen]
    for side, rows in zip(("train", "test"), sides, strict=True):
        for name, count in dataset.class_counts(rows).items():
            if count == 0:
                raise UserError(
                    f"{dataset.name}: the split by group of seed {seed} leaves no "
                    f"sample of class {name!r} to {side}; use --split random"
                )
    return sides
