"""What `benchmarks.certified` compares, and how: by certificate or, without, attack."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

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

from benchmarks._distances import use_one_thread
from benchmarks._models import MODELS, Budget, ImageShape
from benchmarks.forest import bound_forest
from benchmarks.networks import TorchClassifier
from sklearn_scd import SCDClassifier, make_robust_scd
from sklearn_scd.robustness import (
    certified_distortion,
    exact_distance,
)

SEARCH_SIZES = (0.0, 0.5, 1.0, 2.0)  # L2, at which parameters are chosen
N_FOLDS = 4  # of the training images, each held out in turn
CRITERION = f"geometric mean of errors, {N_FOLDS} folds"  # the smallest is chosen
N_ATTACKED = 100  # test images of a split, where distances are an attack's
EPSILON = 1.0  # L2, of adversarial training
PIXELS = (0.0, 1.0)

# Takes a seed, a budget and the shape of an image.
Build = Callable[[int, Budget, ImageShape], ClassifierMixin]


@dataclass(frozen=True)
class Contestant:
    """A model, and how far its images are found to stand.

    Parameters
    ----------
    build : callable
        Takes a seed, a `Budget` and the shape of an image; returns an estimator that is
        not fitted, a Pipeline if there is a grid.
    measure : {"exact", "certified", "gradient", "trees"}
        The true distance, a lower bound of it, what an attack found, which is an upper
        bound, or a lower bound by the leaves of trees.
    grid : dict, default={}
        Parameters to choose from; empty for none.
    modules : tuple of str, default=()
        Top-level modules that it or its attack needs and others don't.
    """

    build: Build
    measure: Literal["exact", "certified", "gradient", "trees"]
    grid: dict[str, list] = field(default_factory=dict)
    modules: tuple[str, ...] = ()

    @property
    def is_attacked(self) -> bool:
        """Whether distances are upper bounds."""
        return self.measure == "gradient"


def _linear(classifier: ClassifierMixin) -> Build:
    def build(seed: int, budget: Budget, image_shape: ImageShape) -> ClassifierMixin:
        pca = PCA(svd_solver="randomized", random_state=seed)
        return make_pipeline(pca, clone(classifier))

    return build


def _sign_network(make: Callable[..., ClassifierMixin], **parameters) -> Build:
    def build(seed: int, budget: Budget, image_shape: ImageShape) -> ClassifierMixin:
        return make(
            **parameters,
            n_estimators=budget.votes,
            n_jobs=budget.jobs,
            random_state=seed,
        )

    return build


def _adversarial_mlp(
    seed: int, budget: Budget, image_shape: ImageShape
) -> ClassifierMixin:
    return TorchClassifier(
        "mlp", epsilon=EPSILON, n_jobs=budget.jobs, random_state=seed
    )


_COMPONENTS = [8, 16, 32, 64, 128]
_LOGISTIC_C = [1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]
_SVM_C = [1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
_ROBUST_GRID = {
    "activesubspace__alpha": [3.0, 30.0],
    "scdclassifier__margin": [0.5, 0.7, 1.0, 1.4],
}
CONTESTANTS = {
    "logistic": Contestant(
        _linear(LogisticRegression(max_iter=3000)),
        "exact",
        {
            "pca__n_components": _COMPONENTS,
            "logisticregression__C": _LOGISTIC_C,
        },
    ),
    "linear-svm": Contestant(
        _linear(LinearSVC(max_iter=20_000)),
        "exact",
        {
            "pca__n_components": _COMPONENTS,
            "linearsvc__C": _SVM_C,
        },
    ),
    "scdce": Contestant(_sign_network(SCDClassifier), "certified"),
    "scd01-robust": Contestant(
        _sign_network(make_robust_scd, loss="01", noise=1.0),
        "certified",
        _ROBUST_GRID,
    ),
    "scdce-robust": Contestant(
        _sign_network(make_robust_scd, loss="ce", noise=1.0),
        "certified",
        _ROBUST_GRID,
    ),
    "mlp": Contestant(MODELS["mlp"].build, "gradient", modules=("torch",)),
    "mlp-pgd": Contestant(_adversarial_mlp, "gradient", modules=("art", "torch")),
    "lenet": Contestant(MODELS["lenet"].build, "gradient", modules=("torch",)),
    "resnet18": Contestant(
        MODELS["resnet18"].build, "gradient", modules=("torch", "torchvision")
    ),
    "random-forest": Contestant(MODELS["random-forest"].build, "trees"),
}


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
    contestant: Contestant, images: Images, seed: int, budget: Budget, search: Budget
) -> dict:
    """Choose a model's parameters on train alone, train it, measure the test images.

    Returns
    -------
    dict
        The "accuracy" on the test images, the "distances" of those classified correctly
        or, under attack, of `N_ATTACKED` of these, and what was "chosen".
    """
    chosen = choose(contestant, images, seed, search) if contestant.grid else {}
    model = contestant.build(seed, budget, images.image_shape).set_params(**chosen)
    model.fit(images.X_train, images.y_train)
    right = np.flatnonzero(model.predict(images.X_test) == images.y_test)
    accuracy = right.size / len(images.y_test)
    if contestant.is_attacked and right.size > N_ATTACKED:
        right = np.random.RandomState(seed).choice(right, N_ATTACKED, replace=False)
    distances = np.empty(0)
    if right.size:
        distances = _measure(contestant, model, images, right, seed)
    return {"accuracy": accuracy, "distances": distances, "chosen": chosen}


def choose(contestant: Contestant, images: Images, seed: int, budget: Budget) -> dict:
    """Return the parameters of the fewest errors in cross-validation."""
    with tempfile.TemporaryDirectory() as folder:  # each front is fitted once a fold
        model = contestant.build(seed, budget, images.image_shape)
        search = GridSearchCV(
            model.set_params(memory=folder),
            contestant.grid,
            scoring=few_errors,
            cv=_folds(images.groups, seed),
            refit=False,
        )
        search.fit(images.X_train, images.y_train, groups=images.groups)
        return search.best_params_


def few_errors(model: Pipeline, X: np.ndarray, y: np.ndarray) -> float:
    """Return minus the mean logarithm of errors, not right and certified, at all sizes.

    A mean of shares would give away any number of the few images misclassified for as
    many of the hundreds that are not certified at the largest size.
    """
    # Fronts are orthonormal: a distance behind them is one before, and sooner found.
    behind, classifier = model[:-1].transform(X), model[-1]
    if isinstance(classifier, SCDClassifier):
        distances = certified_distortion(classifier, behind, y, method="order")
    else:
        distances = exact_distance(classifier, behind, y)
    errors = (distances[:, np.newaxis] <= SEARCH_SIZES).mean(axis=0)
    least = 0.5 / len(y)  # where there is none
    return -float(np.log(np.maximum(errors, least)).mean())


def _measure(
    contestant: Contestant,
    model: ClassifierMixin,
    images: Images,
    rows: np.ndarray,
    seed: int,
) -> np.ndarray:
    X, y = images.X_test[rows], images.y_test[rows]
    if contestant.measure == "exact":
        return exact_distance(model, X, y)
    if contestant.measure == "certified":
        return certified_distortion(model, X, y)
    model = use_one_thread(model)
    if contestant.measure == "gradient":
        from benchmarks._gradients import gradient_attack  # imports torch

        return gradient_attack(model, X, y, PIXELS, seed).distances
    return bound_forest(model, X, y, PIXELS).certified


def _folds(
    groups: np.ndarray | None, seed: int
) -> StratifiedKFold | StratifiedGroupKFold:
    """No group is on both sides of a fold."""
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    return kind(N_FOLDS, shuffle=True, random_state=seed)
