"""Certified models of other kinds: smoothed by noise, or 1-Lipschitz by construction.

All see principal components or means of pixels, projections that keep L2. Two cores
train them; those with convolutions use a CUDA GPU if there is one.
"""

from typing import Any

from sklearn.base import ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from benchmarks.models.bounding import LipschitzConstant, RandomisedSmoothing
from benchmarks.models.cost import Cost
from benchmarks.models.model import Budget, Build, ImageShape, Model
from benchmarks.models.networks import LipschitzClassifier, TorchClassifier
from benchmarks.models.pixel_means import pixel_means
from benchmarks.models.smoothing import noise_grid, smoothed

SIDE = 24  # of the images that convolutions see: 96 pixels by fours
COMPONENTS = [32, 64]
TEMPERATURES = [0.1, 0.2, 0.3, 0.5, 1.0]


def _components(seed: int) -> PCA:
    return PCA(COMPONENTS[0], svd_solver="randomized", random_state=seed)


def _smoothed_mlp(
    seed: int, budget: Budget, image_shape: ImageShape
) -> ClassifierMixin:
    network = TorchClassifier("mlp", **_training(seed, budget))
    return smoothed(make_pipeline(_components(seed), network), seed, budget)


def _smoothed_svm(
    seed: int, budget: Budget, image_shape: ImageShape
) -> ClassifierMixin:
    machine = SVC(cache_size=500, random_state=seed)
    model = smoothed(make_pipeline(_components(seed), machine), seed, budget)
    return model.set_params(n_jobs=budget.jobs)


def _smoothed_images(network: str, precision: str = "float32") -> Build:
    def build(seed: int, budget: Budget, image_shape: ImageShape) -> ClassifierMixin:
        means, shape = pixel_means(image_shape, SIDE)
        classifier = TorchClassifier(
            network,
            image_shape=shape,
            device="auto",
            precision=precision,
            **_training(seed, budget),
        )
        return smoothed(make_pipeline(means, classifier), seed, budget)

    return build


def _lipschitz_mlp(
    seed: int, budget: Budget, image_shape: ImageShape
) -> ClassifierMixin:
    network = LipschitzClassifier("mlp", **_training(seed, budget))
    return make_pipeline(_components(seed), network)


def _lipschitz_cnn(
    seed: int, budget: Budget, image_shape: ImageShape
) -> ClassifierMixin:
    means, shape = pixel_means(image_shape, SIDE)
    network = LipschitzClassifier(
        "cnn", image_shape=shape, device="auto", **_training(seed, budget)
    )
    return make_pipeline(means, network)


def _training(seed: int, budget: Budget) -> dict[str, Any]:
    epochs = {} if budget.max_iter is None else {"max_iter": budget.max_iter}
    return {"n_jobs": budget.jobs, "random_state": seed, **epochs}


RIVALS = (
    Model(
        "mlp-smoothed",
        "MLP, smoothed",
        "100 ReLU units in components, trained with noise and smoothed",
        _smoothed_mlp,
        RandomisedSmoothing(),
        modules=("torch",),
        programs=("certified",),
        grid=noise_grid("torchclassifier__noise", {"pca__n_components": COMPONENTS}),
        cost=Cost(
            fit=0.6, iterations=100, smoothing=0.023, candidate=0.8, voted="never"
        ),
    ),
    Model(
        "svm-rbf-smoothed",
        "RBF SVM, smoothed",
        "scikit-learn's support vector machine in components, smoothed",
        _smoothed_svm,
        RandomisedSmoothing(),
        programs=(),
        grid=noise_grid(
            None, {"pca__n_components": COMPONENTS, "svc__C": [0.3, 1.0, 10.0]}
        ),
        folds=1,
        cost=Cost(
            fit=0.04, iterations=1, smoothing=0.027, candidate=0.4, voted="never"
        ),
    ),
    Model(
        "cnn-smoothed",
        "CNN, smoothed",
        f"three convolutions on {SIDE}x{SIDE} means, trained with noise and smoothed",
        _smoothed_images("cnn"),
        RandomisedSmoothing(),
        needs_images=True,
        modules=("torch",),
        programs=(),
        grid=noise_grid("torchclassifier__noise", {}),
        folds=1,
        cost=Cost(
            fit=2.5, iterations=100, smoothing=0.9, candidate=10.0, voted="never"
        ),
    ),
    Model(
        "resnet18-smoothed",
        "ResNet18, smoothed",
        "torchvision's on the same means, in bfloat16, trained with noise and smoothed",
        _smoothed_images("resnet18", precision="bfloat16"),
        RandomisedSmoothing(),
        needs_images=True,
        modules=("torch", "torchvision"),
        programs=(),
        grid=noise_grid("torchclassifier__noise", {}),
        folds=1,
        cost=Cost(  # on a processor with instructions for bfloat16, of some 15 epochs
            fit=60.0, iterations=100, smoothing=10.0, candidate=180.0, voted="never"
        ),
    ),
    Model(
        "lipschitz-mlp",
        "Lipschitz MLP",
        "1-Lipschitz network of sorted units in components, by deel-torchlip",
        _lipschitz_mlp,
        LipschitzConstant(),
        modules=("torch", "deel"),
        extra="rivals",
        programs=("certified",),
        grid={
            "pca__n_components": COMPONENTS,
            "lipschitzclassifier__temperature": TEMPERATURES,
        },
        cost=Cost(fit=0.8, iterations=60, distance=0.001, candidate=0.8, voted="never"),
    ),
    Model(
        "lipschitz-cnn",
        "Lipschitz CNN",
        f"the same with three convolutions on {SIDE}x{SIDE} means",
        _lipschitz_cnn,
        LipschitzConstant(),
        needs_images=True,
        modules=("torch", "deel"),
        extra="rivals",
        programs=(),
        grid={"lipschitzclassifier__temperature": TEMPERATURES},
        folds=1,
        cost=Cost(
            fit=20.0, iterations=60, distance=0.01, candidate=20.0, voted="never"
        ),
    ),
)
