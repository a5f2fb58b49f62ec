"""How long a run of ``benchmarks.certified`` will take, said before it starts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sklearn.model_selection import ParameterGrid

from benchmarks.certified.measuring import N_ATTACKED, N_FOLDS
from benchmarks.certified.norms import L2, Norm
from benchmarks.datasets import Dataset
from benchmarks.datasets.splits import Split
from benchmarks.models import Budget, Model
from benchmarks.models.cost import COMPILING, announcement


@dataclass(frozen=True)
class Budgets:
    """What models may spend.

    Parameters
    ----------
    final, search : Budget
        Of the final model, and of one that is tried in the search.
    n_smoothed : int or None
        Test images that are certified by smoothing; None: all.
    """

    final: Budget
    search: Budget
    n_smoothed: int | None = None


def estimate(
    models: Sequence[Model],
    dataset: Dataset,
    splits: Sequence[Split],
    budgets: Budgets,
    norm: Norm = L2,
) -> str:
    """Add up searches, final fits and distances over all splits.

    Parameters
    ----------
    models : sequence of Model
    dataset : Dataset
    splits : sequence of Split
        One a seed.
    budgets : Budgets
    norm : Norm, default=L2
        In others nothing is smoothed.

    Returns
    -------
    str
        One line, and a second one where models have no known cost.
    """
    final, search = budgets.final, budgets.search
    features = int(dataset.X[0].size)
    rows = sum(len(split.train) for split in splits)
    stages = ("search", "training", "certificates and attacks", "smoothing")
    parts = dict.fromkeys(stages, 0.0)
    for model in models:
        if model.cost is None:
            continue
        n_images = sum(
            len(split.test)
            if model.bounding.certificate
            else min(N_ATTACKED, len(split.test))
            for split in splits
        )
        cost = model.cost
        if model.grid:
            # A candidate is trained on each fold's complement: on three rows of four
            # as many times as there are folds that are held out.
            n_fits = model.folds * (1 - 1 / N_FOLDS) * len(ParameterGrid(model.grid))
            parts["search"] += n_fits * cost.search(rows, search.votes)
        parts["training"] += cost.training(rows, features, final.votes, None, False)
        growth = cost.growth(features, final.votes, False)
        parts["certificates and attacks"] += cost.distance * growth * n_images
        n_copies = (
            final.copies
            / 10_000
            * sum(len(split.test[: budgets.n_smoothed]) for split in splits)
        )
        if norm is L2:
            parts["smoothing"] += cost.smoothing * growth * n_copies
    parts = {stage: seconds / final.jobs for stage, seconds in parts.items()}
    unknown = [model.label for model in models if model.cost is None]
    return announcement(parts, final.jobs, unknown, COMPILING)
