"""The third stage of a run: certificates, and attacks that know the models."""

from collections.abc import Mapping

from tqdm import tqdm

from benchmarks._bounds import EvaluatedModel, evaluate_model, record_evaluation
from benchmarks._course import ATTACKED_SEED, Course
from benchmarks._distances import AttackedImage, Targets, join, use_one_thread
from benchmarks._models import Model
from benchmarks._tasks import Task
from benchmarks._training import TrainedModel


def evaluate_models(
    course: Course,
    task: Task,
    trained: Mapping[str, TrainedModel],
    targets: Targets | None,
    attacked: Mapping[str, list[AttackedImage]],
) -> None:
    """Find out what the attacked images can stand, model after model.

    Parameters
    ----------
    course : Course
    task : Task
    trained : mapping of str to TrainedModel
        By model name.
    targets : Targets or None
        None where nothing was attacked: nothing is done then.
    attacked : mapping of str to list of AttackedImage
        What the attacks on decisions gave, by model name.
    """
    if targets is None or not course.white_box:
        return
    evaluated = {}
    labels = {model.name: model.label for model in task.models}
    with tqdm(
        task.models, desc="certificates, white box", unit="model", leave=False
    ) as progress:
        for model in progress:
            progress.set_postfix_str(f"{task.dataset.name}, {model.label}")
            evaluated[model.name] = evaluate_one(
                course, task, model, trained[model.name], targets, attacked[model.name]
            )
            course.results.set_evaluation(
                task.spec, record_evaluation(evaluated, labels, ATTACKED_SEED)
            )


def evaluate_one(
    course: Course,
    task: Task,
    model: Model,
    trained: TrainedModel,
    targets: Targets,
    images: list[AttackedImage],
) -> EvaluatedModel:
    """Evaluate one model, or take it from an earlier run."""
    piece = f"evaluation-{model.name}"
    basis = {
        **course.basis(task, ATTACKED_SEED, model.name),
        "rows": targets.rows.tolist(),
        "settings": course.protocol.settings(),
        "white_box": model.white_box,
    }
    found = course.pieces.load(piece, basis)
    if found is None:
        found = evaluate_model(
            model, use_one_thread(trained.estimator), targets, join(images),
            ATTACKED_SEED, course.budget.jobs,
        )  # fmt: skip
        course.pieces.save(piece, basis, found)
    return found
