"""The models of the comparison, none tuned and none given data of its own.

To add a model, enter its name, the heading of its column and how to build it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from benchmarks._vote import VotedClassifier
from benchmarks.networks import TorchClassifier
from sklearn_scd import SCDClassifier, make_robust_scd

HIDDEN_UNITS = 20
N_TREES = 100


@dataclass(frozen=True)
class Budget:
    """What a model may spend, the same for all.

    Parameters
    ----------
    votes : int
        Networks or runs a vote is taken over.
    jobs : int
        Processor cores.
    max_iter : int, optional
        Iterations of a sign network, epochs of the others. By default each model's own:
        1,000, with binary weights 10,000; MLP 200; networks of torch 100, with early
        stopping.
    vote_all : bool, default=False
        Whether LeNet and ResNet18, for their cost single runs by default, are voted
        like the others. With this, or with a single vote for all, what voting does can
        be told from what the model does.
    """

    votes: int = 100
    jobs: int = 1
    max_iter: int | None = None
    vote_all: bool = False


ImageShape = tuple[int, ...] | None
Build = Callable[[int, Budget, ImageShape], ClassifierMixin]


@dataclass(frozen=True)
class Model:
    """A column of the tables.

    Parameters
    ----------
    name : str
        What the user types.
    label : str
        The column's heading, in the paper's words.
    summary : str
        A line about it.
    build : callable
        Takes a seed, a `Budget` and the shape of an image (height and width, for colour
        also the number of channels; None for a table), returns an estimator that is
        not fitted. Whatever the shape, the rows it is fitted on are flat.
    needs_images : bool, default=False
        Whether it can't be built for a table.
    modules : tuple of str, default=()
        Top-level modules that it needs and others don't.
    white_box : {"structure", "gradient", "trees"} or None, default=None
        How it is attacked by what knows it: by its hyperplanes, by its gradient, by the
        leaves of its trees, or not at all.
    by_default : bool, default=True
        Whether it runs where the user names no models.
    """

    name: str
    label: str
    summary: str
    build: Build
    needs_images: bool = False
    modules: tuple[str, ...] = ()
    white_box: Literal["structure", "gradient", "trees"] | None = None
    by_default: bool = True


def _sign_network(make=SCDClassifier, **parameters) -> Build:
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
        # Plain SGD: on pixels, scikit-learn's default Adam leaves two runs of three at
        # a constant output, which would flatter its rivals.
        MLPClassifier(
            (HIDDEN_UNITS,), activation="logistic", solver="sgd", **_epochs(budget)
        ),
        n_estimators=budget.votes,
        n_jobs=budget.jobs,
        random_state=seed,
        verbose=1,
    )


def _torch_network(network: str, always_voted: bool) -> Build:
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
        return single.set_params(n_jobs=budget.jobs, random_state=seed, verbose=1)

    return build


def _epochs(budget: Budget) -> dict[str, int]:
    # Only a given max_iter is set: the default stays the estimator's own.
    return {} if budget.max_iter is None else {"max_iter": budget.max_iter}


def _random_forest(
    seed: int, budget: Budget, image_shape: ImageShape
) -> ClassifierMixin:
    # The paper's number of trees whatever the votes: a tree is no network.
    return RandomForestClassifier(N_TREES, n_jobs=budget.jobs, random_state=seed)


MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            "scd01",
            "SCD01",
            "sign network of 20 hidden units, 0/1 loss, voted",
            _sign_network(loss="01", hidden_units=HIDDEN_UNITS),
            white_box="structure",
        ),
        Model(
            "scdce",
            "SCDCE",
            "the same with cross-entropy loss",
            _sign_network(loss="ce", hidden_units=HIDDEN_UNITS),
            white_box="structure",
        ),
        Model(
            "scdcebnn",
            "SCDCEBNN",
            "the same with cross-entropy loss and binary weights",
            _sign_network(loss="ce", binary_weights=True, hidden_units=HIDDEN_UNITS),
            white_box="structure",
        ),
        Model(
            "linear01",
            "Linear01",
            "linear classifier, 0/1 loss, voted",
            _sign_network(loss="01", hidden_units=0),
            white_box="structure",
        ),
        Model(
            "scd01-robust",
            "SCD01 robust",
            "sign network behind an active subspace, 0/1 loss, margin and noise, voted",
            _sign_network(make_robust_scd, loss="01", margin=1.0, noise=1.0),
            white_box="structure",
        ),
        Model(
            "scdce-robust",
            "SCDCE robust",
            "the same with cross-entropy loss",
            _sign_network(make_robust_scd, loss="ce", margin=1.0, noise=1.0),
            white_box="structure",
        ),
        Model(
            "scd01-margin-3",
            "SCD01 margin 3",
            "the robust one with 0/1 loss and three times its margin, voted",
            _sign_network(make_robust_scd, loss="01", margin=3.0, noise=1.5),
            white_box="structure",
            by_default=False,
        ),
        Model(
            "mlp",
            "MLP",
            "scikit-learn's MLP of 20 logistic units, voted",
            _voted_mlp,
            white_box="gradient",
        ),
        Model(
            "bnn-ste",
            "BNN (STE)",
            "20 sign units of binary weights trained by gradient, voted",
            _torch_network("bnn-ste", always_voted=True),
            modules=("torch",),
            white_box="gradient",
        ),
        Model(
            "lenet",
            "LeNet",
            "LeNet-5, a single run",
            _torch_network("lenet", always_voted=False),
            needs_images=True,
            modules=("torch",),
            white_box="gradient",
        ),
        Model(
            "resnet18",
            "ResNet18",
            "torchvision's, from scratch, a single run",
            _torch_network("resnet18", always_voted=False),
            needs_images=True,
            modules=("torch", "torchvision"),
            white_box="gradient",
        ),
        Model(
            "random-forest",
            "Random Forest",
            f"scikit-learn's, {N_TREES} trees",
            _random_forest,
            white_box="trees",
        ),
    )
}
