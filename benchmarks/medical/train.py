"""The first stage of a run: train and test each model on each seed's split."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import ClassifierMixin
from tqdm import tqdm

from benchmarks.datasets.scaling import scale
from benchmarks.medical.context import ATTACKED_SEED, RunContext
from benchmarks.medical.tasks import Task
from benchmarks.medical.trials import Trial, run_trial, warm_up
from benchmarks.models import Model
from benchmarks.models.components import with_fewer_components

HEADER = "model             seed  accuracy, %     Wilson 95%  fit, s"


@dataclass(frozen=True)
class TrainedModel:
    """A model's trial, and what a later stage needs of it."""

    trial: Trial
    parameters: dict
    estimator: ClassifierMixin | None


def train_models(run: RunContext, task: Task) -> dict[str, TrainedModel]:
    """Train and test each model on each seed's split; return those of one seed."""
    kept = {}
    n_trials = len(task.splits) * len(task.models)
    # Row by row: the table itself waits for the last model.
    print(HEADER, flush=True)
    with tqdm(total=n_trials, desc="trials", unit="trial", leave=False) as progress:
        for seed in range(len(task.splits)):
            sides = scale(task.dataset, task.splits[seed])
            for model in task.models:
                progress.set_postfix_str(
                    f"{task.dataset.name}, seed {seed}, {model.label}"
                )
                trained = train_model(run, task, seed, model, sides)
                run.results.add_trial(
                    task.spec, model, trained.parameters, seed, trained.trial
                )
                if seed == ATTACKED_SEED:
                    kept[model.name] = trained
                progress.update()
                progress.write(_row(seed, model, trained.trial))
    return kept


def _row(seed: int, model: Model, trial: Trial) -> str:
    low, high = (f"{100 * end:.1f}" for end in trial.interval)
    interval = f"{low} to {high}"
    return (
        f"{model.label:<16}  {seed:>4}  {100 * trial.accuracy:>11.2f}  {interval:>13}  "
        f"{trial.fit_seconds:>6.1f}"
    )


def train_model(
    run: RunContext,
    task: Task,
    seed: int,
    model: Model,
    sides: tuple[np.ndarray, np.ndarray],
) -> TrainedModel:
    """Train and test one model, or take it from an earlier run."""
    name = f"model-{model.name}-{seed}"
    parameters = run.parameters(task, seed, model.name)
    trained = run.checkpoints.load(name, task.fingerprint, parameters)
    if trained is not None:
        return trained
    split, shape = task.splits[seed], task.dataset.image_shape
    train = sides[0], task.dataset.y[split.train]
    test = sides[1], task.dataset.y[split.test]
    jobs = run.budget.jobs
    if seed == 0:
        warm_up(model, jobs, shape, *train)
    estimator = with_fewer_components(model.build(seed, run.budget, shape), train[0])
    built = estimator.get_params()
    trial = run_trial(estimator, jobs, train, test)
    trained = TrainedModel(trial, built, estimator if parameters["kept"] else None)
    run.checkpoints.save(name, task.fingerprint, parameters, trained)
    return trained
