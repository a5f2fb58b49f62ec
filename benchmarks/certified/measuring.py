"""One model on one split: parameters chosen on train, then certified or attacked."""

import tempfile
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.pipeline import Pipeline

from benchmarks.models import Budget, Model
from benchmarks.models.bounding import Bounding, ImagesToBound
from benchmarks.models.threads import use_one_thread

SEARCH_SIZES = (0.0, 0.5, 1.0, 2.0)  # L2, at which parameters are chosen
N_FOLDS = 4  # of the training images, each held out in turn
CRITERION = f"geometric mean of errors, {N_FOLDS} folds"  # the smallest is chosen
N_ATTACKED = 100  # test images of a split, where distances are an attack's
PIXELS = (0.0, 1.0)


@dataclass(frozen=True)
class Images:
    """The two sides of a split, pixels in [0, 1], and what rows were flattened from."""

    X_train: np.ndarray
    y_train: np.ndarray
    groups: np.ndarray | None
    X_test: np.ndarray
    y_test: np.ndarray
    image_shape: tuple[int, ...]


def certify(
    model: Model, images: Images, seed: int, budget: Budget, search: Budget
) -> dict:
    """Choose a model's parameters on train alone, train it, measure the test images.

    Returns
    -------
    dict
        The "accuracy" on the test images, the "distances" of those classified correctly
        or, under attack, of `N_ATTACKED` of these, and what was "chosen".
    """
    chosen = choose(model, images, seed, search) if model.grid else {}
    estimator = model.build(seed, budget, images.image_shape).set_params(**chosen)
    estimator.fit(images.X_train, images.y_train)
    right = np.flatnonzero(estimator.predict(images.X_test) == images.y_test)
    accuracy = right.size / len(images.y_test)
    is_certified = model.bounding.certificate is not None
    if not is_certified and right.size > N_ATTACKED:
        right = np.random.RandomState(seed).choice(right, N_ATTACKED, replace=False)
    distances = np.empty(0)
    if right.size:
        X, y = images.X_test[right], images.y_test[right]
        distances = model.bounding.distances(
            use_one_thread(estimator), ImagesToBound(X, y, PIXELS, seed)
        )
    return {"accuracy": accuracy, "distances": distances, "chosen": chosen}


def choose(model: Model, images: Images, seed: int, budget: Budget) -> dict:
    """Return the parameters of the fewest errors in cross-validation."""
    with tempfile.TemporaryDirectory() as folder:  # each front is fitted once a fold
        estimator = model.build(seed, budget, images.image_shape)
        search = GridSearchCV(
            estimator.set_params(memory=folder),
            dict(model.grid),
            scoring=partial(few_errors, bounding=model.bounding),
            cv=_folds(images.groups, seed),
            refit=False,
        )
        search.fit(images.X_train, images.y_train, groups=images.groups)
        return search.best_params_


def few_errors(
    model: Pipeline, X: np.ndarray, y: np.ndarray, *, bounding: Bounding
) -> float:
    """Return minus the mean logarithm of errors, not certified or wrong, at all radii.

    A mean of shares would give away any number of the few images misclassified for as
    many of the hundreds that are not certified at the largest size.
    """
    # Fronts are orthonormal: a distance behind them is one before, and sooner found.
    behind, classifier = model[:-1].transform(X), model[-1]
    distances = bounding.quick_distances(classifier, behind, y)
    errors = (distances[:, np.newaxis] <= SEARCH_SIZES).mean(axis=0)
    least = 0.5 / len(y)  # where there is none
    return -float(np.log(np.maximum(errors, least)).mean())


def _folds(
    groups: np.ndarray | None, seed: int
) -> StratifiedKFold | StratifiedGroupKFold:
    """No group is on both sides of a fold."""
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    return kind(N_FOLDS, shuffle=True, random_state=seed)
