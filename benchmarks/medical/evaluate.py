"""The third stage of a run: certificates, and attacks that know the models."""

from collections.abc import Mapping

from tqdm import tqdm

from benchmarks.medical.attacked_images import AttackedImage, Targets, join
from benchmarks.medical.context import ATTACKED_SEED, RunContext
from benchmarks.medical.evaluation import (
    EvaluatedModel,
    evaluate_model,
    record_evaluation,
)
from benchmarks.medical.tasks import Task
from benchmarks.medical.train import TrainedModel
from benchmarks.models import Model
from benchmarks.models.threads import use_one_thread


def evaluate_models(
    run: RunContext,
    task: Task,
    trained: Mapping[str, TrainedModel],
    targets: Targets | None,
    attacked: Mapping[str, list[AttackedImage]],
) -> None:
    """Find out what the attacked images can stand, model after model.

    Parameters
    ----------
    run : RunContext
    task : Task
    trained : mapping of str to TrainedModel
        By model name.
    targets : Targets or None
        None where nothing was attacked: nothing is done then.
    attacked : mapping of str to list of AttackedImage
        What the attacks on decisions gave, by model name.
    """
    if targets is None or not run.white_box:
        return
    evaluated = {}
    labels = {model.name: model.label for model in task.models}
    with tqdm(
        task.models, desc="certificates, white box", unit="model", leave=False
    ) as progress:
        for model in progress:
            progress.set_postfix_str(f"{task.dataset.name}, {model.label}")
            evaluated[model.name] = evaluate_one(
                run, task, model, trained[model.name], targets, attacked[model.name]
            )
            run.results.set_evaluation(
                task.spec, record_evaluation(evaluated, labels, ATTACKED_SEED)
            )


def evaluate_one(
    run: RunContext,
    task: Task,
    model: Model,
    trained: TrainedModel,
    targets: Targets,
    images: list[AttackedImage],
) -> EvaluatedModel:
    """Evaluate one model, or take it from an earlier run."""
    key = f"evaluation-{model.name}"
    parameters = {
        **run.parameters(task, ATTACKED_SEED, model.name),
        "rows": targets.rows.tolist(),
        "settings": run.protocol.settings(),
        "bounding": type(model.bounding).__name__,
    }
    found = run.checkpoints.load(key, task.fingerprint, parameters)
    if found is None:
        found = evaluate_model(
            model, use_one_thread(trained.estimator), targets, join(images),
            ATTACKED_SEED, run.budget.jobs,
        )  # fmt: skip
        run.checkpoints.save(key, task.fingerprint, parameters, found)
    return found
