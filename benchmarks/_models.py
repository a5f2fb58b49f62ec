"""The models of the comparison, none tuned and none given data of its own.

To add a model, enter its name, the heading of its column and how to build it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from benchmarks._vote import VotedClassifier
from sklearn_scd import SCDClassifier

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
        Iterations of a sign network and epochs of an MLP. By default each model's own:
        1,000, with binary weights 10,000; MLP 200.
    """

    votes: int = 100
    jobs: int = 1
    max_iter: int | None = None


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
        Takes a seed and a `Budget`, returns an estimator that is not fitted.
    """

    name: str
    label: str
    summary: str
    build: Callable[[int, Budget], ClassifierMixin]


def _sign_network(**parameters) -> Callable[[int, Budget], ClassifierMixin]:
    def build(seed: int, budget: Budget) -> ClassifierMixin:
        return SCDClassifier(
            **parameters,
            n_estimators=budget.votes,
            max_iter=budget.max_iter,
            n_jobs=budget.jobs,
            random_state=seed,
        )

    return build


def _voted_mlp(seed: int, budget: Budget) -> ClassifierMixin:
    # Only a given max_iter is set: the default stays scikit-learn's.
    limit = {} if budget.max_iter is None else {"max_iter": budget.max_iter}
    return VotedClassifier(
        # Plain SGD: on pixels, scikit-learn's default Adam leaves two runs of three at
        # a constant output, which would flatter its rivals.
        MLPClassifier((HIDDEN_UNITS,), activation="logistic", solver="sgd", **limit),
        n_estimators=budget.votes,
        n_jobs=budget.jobs,
        random_state=seed,
        verbose=1,
    )


def _random_forest(seed: int, budget: Budget) -> ClassifierMixin:
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
        ),
        Model(
            "scdce",
            "SCDCE",
            "the same with cross-entropy loss",
            _sign_network(loss="ce", hidden_units=HIDDEN_UNITS),
        ),
        Model(
            "scdcebnn",
            "SCDCEBNN",
            "the same with cross-entropy loss and binary weights",
            _sign_network(loss="ce", binary_weights=True, hidden_units=HIDDEN_UNITS),
        ),
        Model(
            "linear01",
            "Linear01",
            "linear classifier, 0/1 loss, voted",
            _sign_network(loss="01", hidden_units=0),
        ),
        Model(
            "mlp",
            "MLP",
            "scikit-learn's MLP of 20 logistic units, voted",
            _voted_mlp,
        ),
        Model(
            "random-forest",
            "Random Forest",
            f"scikit-learn's, {N_TREES} trees",
            _random_forest,
        ),
    )
}
