"""One model on one split: parameters chosen on train, then certified or attacked."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.pipeline import Pipeline

from benchmarks.certified.norms import L2, Norm
from benchmarks.models import Budget, Model
from benchmarks.models.bounding import Bounding, ImagesToBound, RandomisedSmoothing
from benchmarks.models.components import NAME
from benchmarks.models.model import Grid
from benchmarks.models.smoothing import smoothed_as_it_is
from benchmarks.models.threads import use_one_thread

N_FOLDS = 4  # of the training images, each held out in turn
CRITERION = f"geometric mean of errors, {N_FOLDS} folds"  # the smallest is chosen
N_ATTACKED = 100  # test images of a split, where distances are an attack's
PIXELS = (0.0, 1.0)
OWN, SMOOTHED, BOTH = "own", "smoothed", "both"  # whose radii they are


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
    model: Model,
    images: Images,
    seed: int,
    budget: Budget,
    search: Budget,
    n_smoothed: int | None = None,
    norm: Norm = L2,
) -> dict[str, dict]:
    """Choose a model's parameters on train alone, train it, measure the test images.

    Parameters
    ----------
    model : Model
    images : Images
    seed : int
    budget, search : Budget
        Of the final model, and of those that are tried.
    n_smoothed : int, optional
        Test images that are certified by smoothing, by default all.
    norm : Norm, default=L2

    Returns
    -------
    dict of str to dict
        ``OWN``: by the model's own certificate or attack. Of a model that is smoothed
        beside it, in L2, ``SMOOTHED`` and ``BOTH``, the larger radius of both where
        both are right. Each has the "accuracy", the "distances" of images classified
        correctly or, under attack, of `N_ATTACKED` of these, in the norm's units, which
        "rows" of the test images they are of, "seconds" of processor an image, and what
        was "chosen".
    """
    chosen = choose(model, images, seed, search, norm) if model.grid else {}
    estimator = model.build(seed, budget, images.image_shape).set_params(**chosen)
    estimator.fit(images.X_train, images.y_train)
    rows = np.arange(len(images.y_test))
    if n_smoothed is not None and n_smoothed < rows.size:
        rows = np.random.RandomState(seed).choice(rows, n_smoothed, replace=False)
        rows.sort()
    if isinstance(model.bounding, RandomisedSmoothing):
        return {OWN: _smoothed_radii(estimator, images, rows) | {"chosen": chosen}}
    own = _own_radii(model.bounding, estimator, images, seed, norm)
    own["chosen"] = chosen
    if not model.sigmas or norm is not L2:
        return {OWN: own}
    sigma = choose_sigma(model, chosen, images, seed, search)
    smoothed = smoothed_as_it_is(estimator, seed, budget, sigma)
    smoothed.fit(images.X_train, images.y_train)
    by_smoothing = _smoothed_radii(smoothed, images, rows)
    by_smoothing["chosen"] = chosen | {"sigma": sigma}
    return {
        OWN: own,
        SMOOTHED: by_smoothing,
        BOTH: larger_of_both(own, by_smoothing, rows),
    }


def _own_radii(
    bounding: Bounding,
    estimator: ClassifierMixin,
    images: Images,
    seed: int,
    norm: Norm,
) -> dict:
    """Return distances of images classified correctly, some of them under attack."""
    right = np.flatnonzero(estimator.predict(images.X_test) == images.y_test)
    accuracy = right.size / len(images.y_test)
    if bounding.certificate is None and right.size > N_ATTACKED:
        right = np.random.RandomState(seed).choice(right, N_ATTACKED, replace=False)
    distances, seconds = np.empty(0), 0.0
    if right.size:
        X, y = images.X_test[right], images.y_test[right]
        started = time.process_time()
        distances = norm.units * bounding.distances(
            use_one_thread(estimator), ImagesToBound(X, y, PIXELS, seed), norm.order
        )
        seconds = (time.process_time() - started) / right.size
    return {
        "accuracy": accuracy,
        "distances": distances,
        "rows": right,
        "seconds": seconds,
    }


def _smoothed_radii(
    estimator: ClassifierMixin, images: Images, rows: np.ndarray
) -> dict:
    """Return radii of test images that are right and on which it does not abstain."""
    started = time.process_time()
    radii = estimator.certified_distortion(images.X_test[rows], images.y_test[rows])
    seconds = (time.process_time() - started) / rows.size
    certified = radii > 0
    return {
        "accuracy": certified.mean(),
        "distances": radii[certified],
        "rows": rows[certified],
        "seconds": seconds,
    }


def larger_of_both(own: dict, smoothed: dict, rows: np.ndarray) -> dict:
    """Return the larger radius where a model and the smoothed one are right.

    They are two classifiers: what has these radii is one that answers where the two
    agree and abstains where they don't. Below a radius one of them is right, so that no
    perturbation brings about a wrong answer, though it may bring about none.

    Parameters
    ----------
    own, smoothed : dict
        As `certify` returns them.
    rows : ndarray of shape (n_rows,)
        Test images that were smoothed.
    """
    common, of_own, of_smoothed = np.intersect1d(
        own["rows"], smoothed["rows"], return_indices=True
    )
    return {
        "accuracy": common.size / rows.size,
        "distances": np.maximum(
            own["distances"][of_own], smoothed["distances"][of_smoothed]
        ),
        "rows": common,
        "seconds": own["seconds"] + smoothed["seconds"],
        "chosen": smoothed["chosen"],
    }


def choose(
    model: Model, images: Images, seed: int, budget: Budget, norm: Norm = L2
) -> dict:
    """Return the parameters of the fewest errors in cross-validation."""
    folds = _splits(images, seed)[: model.folds]
    fewest = min(len(fitted) for fitted, _ in folds)
    rank = min(fewest, images.X_train.shape[1])
    with tempfile.TemporaryDirectory() as folder:  # each front is fitted once a fold
        estimator = model.build(seed, budget, images.image_shape)
        pipeline = "" if isinstance(estimator, Pipeline) else "estimator__"
        search = GridSearchCV(
            estimator.set_params(**{f"{pipeline}memory": folder}),
            within_rank(model.grid, rank),
            scoring=partial(few_errors, bounding=model.bounding, norm=norm),
            cv=folds,
            refit=False,
            error_score="raise",
        )
        search.fit(images.X_train, images.y_train)
        return search.best_params_


def within_rank(grid: Grid, rank: int) -> list[dict[str, list]]:
    """Leave out numbers of principal components that small data do not have.

    Parameters
    ----------
    grid : mapping of str to sequence, or list of such
    rank : int
        Most components there are.

    Returns
    -------
    list of dict
        The grid. Where all its numbers of components are too large, `rank` is tried.
    """
    grids = [grid] if isinstance(grid, Mapping) else grid
    return [
        {
            name: [value for value in values if value <= rank] or [rank]
            if name.endswith(NAME)
            else list(values)
            for name, values in one.items()
        }
        for one in grids
    ]


def choose_sigma(
    model: Model, chosen: dict, images: Images, seed: int, budget: Budget
) -> float:
    """Return the noise of the fewest errors on the first fold; trained on the rest."""
    fitted, held_out = _splits(images, seed)[0]
    estimator = model.build(seed, budget, images.image_shape).set_params(**chosen)
    estimator.fit(images.X_train[fitted], images.y_train[fitted])
    X, y = images.X_train[held_out], images.y_train[held_out]
    scores = []
    for sigma in model.sigmas:
        smoothed = smoothed_as_it_is(estimator, seed, budget, sigma).fit(X, y)
        scores.append(score_of(smoothed.certified_distortion(X, y)))
    return model.sigmas[int(np.argmax(scores))]


def few_errors(
    model: ClassifierMixin,
    X: np.ndarray,
    y: np.ndarray,
    *,
    bounding: Bounding,
    norm: Norm = L2,
) -> float:
    """Return the score of a model's certified radii."""
    if isinstance(model, Pipeline) and norm is L2:
        # Fronts are orthonormal: a distance behind them is one before, and sooner
        # found.
        X, model = model[:-1].transform(X), model[-1]
    distances = norm.units * bounding.quick_distances(model, X, y, norm.order)
    return score_of(distances, norm.search_sizes)


def score_of(
    distances: np.ndarray, sizes: tuple[float, ...] = L2.search_sizes
) -> float:
    """Return minus the mean logarithm of errors, not certified or wrong, at all radii.

    A mean of shares would give away any number of the few images misclassified for as
    many of the hundreds that are not certified at the largest size.
    """
    errors = (distances[:, np.newaxis] <= sizes).mean(axis=0)
    least = 0.5 / len(distances)  # where there is none
    return -float(np.log(np.maximum(errors, least)).mean())


def _splits(images: Images, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return rows to train on and rows held out, fold by fold."""
    folds = _folds(images.groups, seed)
    return list(folds.split(images.X_train, images.y_train, images.groups))


def _folds(
    groups: np.ndarray | None, seed: int
) -> StratifiedKFold | StratifiedGroupKFold:
    """No group is on both sides of a fold."""
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    return kind(N_FOLDS, shuffle=True, random_state=seed)
