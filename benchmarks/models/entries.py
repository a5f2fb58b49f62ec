"""The models of the comparisons, none given data of its own.

To add one, enter its name, its heading and how to build it; add what bounds it, where
more than an attack on its decisions does.
"""

from collections.abc import Callable

import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from benchmarks.models.bounding import (
    ExactDistance,
    ForestLeaves,
    NetworkGradient,
    RandomisedSmoothing,
    SignHyperplanes,
)
from benchmarks.models.cost import Cost
from benchmarks.models.model import Budget, Build, ImageShape, Model, Program
from benchmarks.models.networks import TorchClassifier
from benchmarks.models.pixel_means import pixel_means
from benchmarks.models.rivals import RIVALS
from benchmarks.models.smoothing import SIGMAS, noise_grid, smoothed
from benchmarks.models.votes import VotedClassifier
from sklearn_scd import SCDClassifier, SignConvolution, make_robust_scd

HIDDEN_UNITS = 20
N_TREES = 100
EPSILON = 1.0  # L2, of adversarial training
COMPONENTS = [8, 16, 32, 64, 128]
LOGISTIC_C = [1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]
SVM_C = [1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
ROBUST_GRID = {
    "activesubspace__alpha": [3.0, 30.0],
    "scdclassifier__margin": [0.5, 0.7, 1.0, 1.4],
}
CONVOLVED_SIDE = 48  # of the images that sign units on patches see
CONVOLVED_UNITS = 100
TRAIN_COPIES = 8
BOTH: tuple[Program, ...] = ("medical", "certified")


def _sign_network(
    make: Callable[..., ClassifierMixin] = SCDClassifier, **parameters: object
) -> Build:
    def build(seed: int, budget: Budget, image_shape: ImageShape) -> ClassifierMixin:
        return make(
            **parameters,
            n_estimators=budget.votes,
            max_iter=budget.max_iter,
            n_jobs=budget.jobs,
            random_state=seed,
        )

    return build


def _voted_mlp(seed: int, budget: Budget, image_shape: ImageShape) -> ClassifierMixin:
    return VotedClassifier(
        # Plain SGD: on pixels, scikit-learn's default Adam leaves some networks at a
        # constant output, three of eleven once, which would flatter its rivals.
        MLPClassifier(
            (HIDDEN_UNITS,), activation="logistic", solver="sgd", **_epochs(budget)
        ),
        n_estimators=budget.votes,
        n_jobs=budget.jobs,
        random_state=seed,
        verbose=1,
    )


def _torch_network(network: str, always_voted: bool, one_thread: bool = False) -> Build:
    def build(seed: int, budget: Budget, image_shape: ImageShape) -> ClassifierMixin:
        single = TorchClassifier(network, image_shape=image_shape, **_epochs(budget))
        if always_voted or budget.vote_all:
            return VotedClassifier(
                single,
                n_estimators=budget.votes,
                n_jobs=budget.jobs,
                random_state=seed,
                verbose=1,
            )
        jobs = 1 if one_thread else budget.jobs
        return single.set_params(n_jobs=jobs, random_state=seed, verbose=1)

    return build


def _sign_convolution(
    seed: int, budget: Budget, image_shape: ImageShape
) -> ClassifierMixin:
    means, shape = pixel_means(image_shape, CONVOLVED_SIDE)
    layer = SignConvolution(shape, CONVOLVED_UNITS, random_state=seed)
    networks = _sign_network(loss="ce")(seed, budget, image_shape)
    return smoothed(
        make_pipeline(means, layer, StandardScaler(), networks), seed, budget
    ).set_params(n_train_copies=TRAIN_COPIES)


def _epochs(budget: Budget) -> dict[str, int]:
    # Only a given max_iter is set: the default stays the estimator's own.
    return {} if budget.max_iter is None else {"max_iter": budget.max_iter}


def _random_forest(
    seed: int, budget: Budget, image_shape: ImageShape
) -> ClassifierMixin:
    # The paper's number of trees whatever the votes: a tree is no network.
    return RandomForestClassifier(N_TREES, n_jobs=budget.jobs, random_state=seed)


def _adversarial_mlp(
    seed: int, budget: Budget, image_shape: ImageShape
) -> ClassifierMixin:
    return TorchClassifier(
        "mlp", epsilon=EPSILON, n_jobs=budget.jobs, random_state=seed, **_epochs(budget)
    )


def _linear(classifier: ClassifierMixin) -> Build:
    def build(seed: int, budget: Budget, image_shape: ImageShape) -> ClassifierMixin:
        pca = PCA(svd_solver="randomized", random_state=seed)
        return make_pipeline(pca, clone(classifier))

    return build


_ENTRIES = (
    Model(
        "scd01",
        "SCD01",
        "sign network of 20 hidden units, 0/1 loss, voted",
        _sign_network(loss="01", ramp=0.0, hidden_units=HIDDEN_UNITS),
        SignHyperplanes(),
        cost=Cost(fit=0.024, iterations=1000, queries=0.16, bounds=0.9),
    ),
    Model(
        "scdce",
        "SCDCE",
        "the same with cross-entropy loss",
        _sign_network(loss="ce", hidden_units=HIDDEN_UNITS),
        SignHyperplanes(),
        programs=BOTH,
        cost=Cost(fit=0.086, iterations=1000, queries=0.13, bounds=0.75, distance=0.04),
    ),
    Model(
        "scdcebnn",
        "SCDCEBNN",
        "the same with cross-entropy loss and binary weights",
        _sign_network(loss="ce", binary_weights=True, hidden_units=HIDDEN_UNITS),
        SignHyperplanes(),
        cost=Cost(fit=0.51, iterations=10000, queries=0.16, bounds=0.9),
    ),
    Model(
        "linear01",
        "Linear01",
        "linear classifier, 0/1 loss, voted",
        _sign_network(loss="01", hidden_units=0),
        SignHyperplanes(),
        cost=Cost(fit=0.037, iterations=1000, queries=0.08, bounds=0.17),
    ),
    Model(
        "scd01-robust",
        "SCD01 robust",
        "sign network after an active subspace, 0/1 loss, margin and noise, voted",
        _sign_network(make_robust_scd, loss="01", margin=1.0, noise=1.0),
        SignHyperplanes(),
        programs=BOTH,
        grid=ROBUST_GRID,
        sigmas=SIGMAS,
        cost=Cost(
            fit=0.06,
            iterations=1000,
            queries=0.1,
            bounds=0.47,
            distance=0.012,
            smoothing=0.01,
            candidate=0.058,
        ),
    ),
    Model(
        "scdce-robust",
        "SCDCE robust",
        "the same with cross-entropy loss",
        _sign_network(make_robust_scd, loss="ce", margin=1.0, noise=1.0),
        SignHyperplanes(),
        programs=BOTH,
        grid=ROBUST_GRID,
        sigmas=SIGMAS,
        cost=Cost(
            fit=0.16,
            iterations=1000,
            queries=0.1,
            bounds=0.43,
            distance=0.012,
            smoothing=0.01,
            candidate=0.16,
        ),
    ),
    Model(
        "radius-robust",
        "Radius robust",
        "the same trained by certified radii",
        _sign_network(make_robust_scd, loss="radius", margin=5.0, noise="auto"),
        SignHyperplanes(),
        programs=("certified",),
        grid={"scdclassifier__margin": [1.0, 2.0, 3.0, 5.0, 10.0]},
        cost=Cost(fit=0.09, iterations=12, distance=0.02, candidate=0.09),
    ),
    Model(
        "robust-defaults",
        "Robust, defaults",
        "make_robust_scd with its defaults, voted",
        _sign_network(make_robust_scd),
        SignHyperplanes(),
        programs=(),
        sigmas=SIGMAS,
        cost=Cost(
            fit=0.09,
            iterations=12,
            queries=0.1,
            bounds=0.47,
            distance=0.02,
            smoothing=0.02,
        ),
    ),
    Model(
        "robust-inf",
        "Robust, gray levels",
        "the same trained against changes of each pixel, L-infinity",
        _sign_network(make_robust_scd, margin_norm=np.inf),
        SignHyperplanes(),
        programs=(),
        cost=Cost(fit=0.14, iterations=12, queries=0.1, bounds=0.47, distance=0.02),
    ),
    Model(
        "sign-convolution-smoothed",
        "Sign convolution, smoothed",
        f"SCDCE behind {CONVOLVED_UNITS} sign units over patches, trained with noise "
        "and smoothed",
        _sign_convolution,
        RandomisedSmoothing(),
        needs_images=True,
        programs=(),
        grid=noise_grid(None, {"signconvolution__n_regions": [1, 4]}),
        folds=1,
        cost=Cost(
            fit=0.34, iterations=1000, smoothing=1.2, candidate=1.4, voted="always"
        ),
    ),
    Model(
        "scd01-margin-3",
        "SCD01 margin 3",
        "the robust one with 0/1 loss and three times its margin, voted",
        _sign_network(make_robust_scd, loss="01", margin=3.0, noise=1.5),
        SignHyperplanes(),
        programs=(),
        cost=Cost(fit=0.06, iterations=1000, queries=0.1, bounds=0.47),
    ),
    Model(
        "mlp",
        "MLP",
        "scikit-learn's MLP of 20 logistic units, voted",
        _voted_mlp,
        NetworkGradient(),
        programs=BOTH,
        cost=Cost(fit=0.7, iterations=200, queries=0.4, bounds=0.62, distance=0.58),
    ),
    Model(
        "bnn-ste",
        "BNN (STE)",
        "20 sign units of binary weights trained by gradient, voted",
        _torch_network("bnn-ste", always_voted=True),
        NetworkGradient(),
        modules=("torch",),
        cost=Cost(fit=0.32, iterations=100, queries=0.25, bounds=1.1),
    ),
    Model(
        "lenet",
        "LeNet",
        "LeNet-5, a single run",
        # So small a network loses more by a second thread than it gains: 16 s of two
        # busy cores, or 3 s of one.
        _torch_network("lenet", always_voted=False, one_thread=True),
        NetworkGradient(),
        needs_images=True,
        modules=("torch",),
        programs=BOTH,
        cost=Cost(
            fit=2.3,
            iterations=100,
            queries=0.16,
            bounds=0.41,
            distance=0.39,
            voted="asked",
        ),
    ),
    Model(
        "resnet18",
        "ResNet18",
        "torchvision's, from scratch, a single run",
        _torch_network("resnet18", always_voted=False),
        NetworkGradient(),
        needs_images=True,
        modules=("torch", "torchvision"),
        programs=BOTH,
        cost=Cost(
            fit=24.0,
            iterations=100,
            queries=1.3,
            bounds=5.6,
            distance=5.6,
            voted="asked",
        ),
    ),
    Model(
        "random-forest",
        "Random Forest",
        f"scikit-learn's, {N_TREES} trees",
        _random_forest,
        ForestLeaves(),
        programs=BOTH,
        cost=Cost(
            fit=0.43,
            iterations=1,
            queries=0.47,
            bounds=0.15,
            distance=0.07,
            voted="never",
        ),
    ),
    Model(
        "mlp-pgd",
        "MLP, PGD",
        "100 ReLU units trained on adversarial images of L2 size 1, a single run",
        _adversarial_mlp,
        NetworkGradient(),
        needs_images=True,  # pixels in [0, 1]
        modules=("art", "torch"),
        programs=("certified",),
        cost=Cost(fit=17.0, iterations=100, distance=0.16, voted="never"),
    ),
    Model(
        "logistic",
        "Logistic",
        "scikit-learn's logistic regression in principal components",
        _linear(LogisticRegression(max_iter=3000)),
        ExactDistance(),
        programs=("certified",),
        grid={"pca__n_components": COMPONENTS, "logisticregression__C": LOGISTIC_C},
        cost=Cost(
            fit=0.23, iterations=3000, distance=0.013, candidate=0.004, voted="never"
        ),
    ),
    Model(
        "linear-svm",
        "Linear SVM",
        "scikit-learn's linear support vector machine in principal components",
        _linear(LinearSVC(max_iter=20_000)),
        ExactDistance(),
        programs=("certified",),
        grid={"pca__n_components": COMPONENTS, "linearsvc__C": SVM_C},
        cost=Cost(
            fit=0.23, iterations=20000, distance=0.014, candidate=0.006, voted="never"
        ),
    ),
    *RIVALS,
)
MODELS: dict[str, Model] = {model.name: model for model in _ENTRIES}


def models_of(program: Program) -> list[str]:
    """Return the names of the models that a program runs by default."""
    return [name for name, model in MODELS.items() if program in model.programs]
