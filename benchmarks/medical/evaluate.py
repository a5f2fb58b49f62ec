"""The third stage of a run: certificates and white-box attacks."""

from collections.abc import Mapping

from joblib import Parallel, delayed
from tqdm import tqdm

from benchmarks.medical.attacked_images import (
    AttackedImage,
    Targets,
    join,
    record_transfer,
)
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
    """Certify the attacked images and attack them white-box, model beside model.

    Parameters
    ----------
    run : RunContext
    task : Task
    trained : mapping of str to TrainedModel
        By model name.
    targets : Targets or None
        None where nothing was attacked: nothing is done then.
    attacked : mapping of str to list of AttackedImage
        What the decision-based attacks gave, by model name.
    """
    if targets is None or not run.white_box:
        return
    found = {
        model.name: _found_before(run, task, model, targets) for model in task.models
    }
    # The dearest first: else one core would wait for it at the end.
    missing = sorted((m for m in task.models if found[m.name] is None), key=_cheapness)
    jobs = (
        delayed(evaluate_model)(
            model, use_one_thread(trained[model.name].estimator), targets,
            join(attacked[model.name]), ATTACKED_SEED, 1,
        )
        for model in missing
    )  # fmt: skip
    labels = {model.name: model.label for model in task.models}
    # Model beside model: what one of them takes is mostly work of a single thread.
    results = Parallel(run.budget.jobs, return_as="generator")(jobs)
    with tqdm(
        missing, "certificates, white box", unit="model", leave=False
    ) as progress:
        for model in progress:
            progress.set_postfix_str(f"{task.dataset.name}, {model.label}")
            found[model.name] = next(results)
            run.checkpoints.save(*_key(run, task, model, targets), found[model.name])
            _enter(run, task, found, labels)
    _enter(run, task, found, labels)
    estimators = {
        name: use_one_thread(model.estimator) for name, model in trained.items()
    }
    nearest = {
        name: model.evaluation.adversarials
        for name, model in found.items()
        if model is not None
    }
    record = run.results.data["datasets"][task.spec]["evaluation"]
    record["transfer"] = record_transfer(estimators, targets, nearest)
    run.results.save()


def _enter(
    run: RunContext,
    task: Task,
    found: Mapping[str, EvaluatedModel | None],
    labels: Mapping[str, str],
) -> None:
    """Enter what is known by now into the record, models in their usual order."""
    evaluated = {name: result for name, result in found.items() if result is not None}
    run.results.set_evaluation(
        task.spec, record_evaluation(evaluated, labels, ATTACKED_SEED)
    )


def _found_before(
    run: RunContext, task: Task, model: Model, targets: Targets
) -> EvaluatedModel | None:
    return run.checkpoints.load(*_key(run, task, model, targets))


def _key(
    run: RunContext, task: Task, model: Model, targets: Targets
) -> tuple[str, str, dict]:
    """Return a checkpoint's name, its data and all that was set."""
    parameters = {
        **run.parameters(task, ATTACKED_SEED, model.name),
        "rows": targets.rows.tolist(),
        "settings": run.protocol.settings(),
        "bounding": type(model.bounding).__name__,
    }
    return f"evaluation-{model.name}", task.fingerprint, parameters


def _cheapness(model: Model) -> float:
    return 0.0 if model.cost is None else -model.cost.bounds
