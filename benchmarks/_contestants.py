"""What `benchmarks.certified` compares: models with a certificate, and their grids."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from sklearn_scd import SCDClassifier, make_robust_scd
from sklearn_scd.robustness import (
    certified_accuracy_scorer,
    certified_distortion,
    exact_distance,
)

SEARCH_SIZES = (0.0, 0.5, 1.0, 2.0)  # L2, by whose mean parameters are chosen
N_FOLDS = 4  # a fourth of the training images is held out


@dataclass(frozen=True)
class Budget:
    """Votes of the final models and in the search, and threads."""

    votes: int
    search_votes: int
    jobs: int


@dataclass(frozen=True)
class Contestant:
    """A model that has a certificate.

    Parameters
    ----------
    build : callable
        Takes a seed, votes and threads; returns an estimator that is not fitted, a
        Pipeline if there is a grid.
    grid : dict
        Parameters to choose from; empty for none.
    is_linear : bool
        Whether distances are exact ones.
    """

    build: Callable[[int, int, int], ClassifierMixin]
    grid: dict[str, list]
    is_linear: bool = False


def _linear(classifier) -> Callable[[int, int, int], Pipeline]:
    def build(seed: int, votes: int, jobs: int) -> Pipeline:
        pca = PCA(svd_solver="randomized", random_state=seed)
        return make_pipeline(pca, clone(classifier))

    return build


def _robust(**parameters) -> Callable[[int, int, int], Pipeline]:
    def build(seed: int, votes: int, jobs: int) -> Pipeline:
        return make_robust_scd(
            **parameters, n_estimators=votes, n_jobs=jobs, random_state=seed
        )

    return build


def _paper(seed: int, votes: int, jobs: int) -> ClassifierMixin:
    return SCDClassifier(n_estimators=votes, n_jobs=jobs, random_state=seed)


_COMPONENTS = [8, 16, 32, 64, 128]
_ROBUST_GRID = {
    "scdclassifier__margin": [0.5, 1.0, 1.5],
    "scdclassifier__noise": [1.0],
}
CONTESTANTS = {
    "logistic": Contestant(
        _linear(LogisticRegression(max_iter=3000)),
        {
            "pca__n_components": _COMPONENTS,
            "logisticregression__C": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
        },
        is_linear=True,
    ),
    "linear-svm": Contestant(
        _linear(LinearSVC(max_iter=20_000)),
        {
            "pca__n_components": _COMPONENTS,
            "linearsvc__C": [1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2],
        },
        is_linear=True,
    ),
    "scdce": Contestant(_paper, {}),
    "scd01-robust": Contestant(_robust(), _ROBUST_GRID),
    "scdce-robust": Contestant(_robust(loss="ce"), _ROBUST_GRID),
}


def certify(
    contestant: Contestant,
    X_train: np.ndarray,
    y_train: np.ndarray,
    groups: np.ndarray | None,
    X_test: np.ndarray,
    y_test: np.ndarray,
    seed: int,
    budget: Budget,
) -> dict:
    """Choose a model's parameters on train alone, train it, certify the test images.

    Returns
    -------
    dict
        "distances" of the test images, 0 where misclassified, and what was "chosen".
    """
    chosen = {}
    if contestant.grid:
        with tempfile.TemporaryDirectory() as folder:  # each PCA is fitted once
            model = contestant.build(seed, budget.search_votes, budget.jobs)
            search = GridSearchCV(
                model.set_params(memory=folder),
                contestant.grid,
                scoring=certified_accuracy_scorer(SEARCH_SIZES, method="order"),
                cv=[_hold_out(y_train, groups, seed)],
                refit=False,
            )
            chosen = search.fit(X_train, y_train).best_params_
    model = contestant.build(seed, budget.votes, budget.jobs).set_params(**chosen)
    model.fit(X_train, y_train)
    measure = exact_distance if contestant.is_linear else certified_distortion
    return {"distances": measure(model, X_test, y_test), "chosen": chosen}


def _hold_out(
    y: np.ndarray, groups: np.ndarray | None, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and to choose by."""
    if groups is None:
        folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    else:
        folds = StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=seed)
    return next(iter(folds.split(y, y, groups)))
