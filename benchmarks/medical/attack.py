"""The second stage of a run: attack the same test images of every model."""

from sklearn.base import ClassifierMixin
from tqdm import tqdm

from benchmarks.datasets.scaling import scale
from benchmarks.medical.attacked_images import (
    AttackedImage,
    Targets,
    attack_image,
    draw_targets,
    join,
    record_attacks,
    record_transfer,
)
from benchmarks.medical.context import ATTACKED_SEED, RunContext
from benchmarks.medical.report import Pictures
from benchmarks.medical.samples import choose_samples
from benchmarks.medical.tasks import Task
from benchmarks.medical.train import TrainedModel
from benchmarks.models.threads import use_one_thread


def attack_models(
    run: RunContext, task: Task, trained: dict[str, TrainedModel]
) -> tuple[Targets | None, dict[str, list[AttackedImage]]]:
    """Attack the same images of every model, then transfer them.

    Without a protocol nothing is attacked.
    """
    protocol, seed = run.protocol, ATTACKED_SEED
    if protocol is None:
        return None, {}
    targets = draw_targets(
        task.dataset, task.splits[seed], *scale(task.dataset, task.splits[seed]),
        protocol, seed,
    )  # fmt: skip
    estimators = {
        name: use_one_thread(model.estimator) for name, model in trained.items()
    }
    labels = {model.name: model.label for model in task.models}
    attacked: dict[str, list[AttackedImage]] = {name: [] for name in estimators}
    total = len(targets.rows) * len(estimators)
    with tqdm(total=total, desc="attacks", unit="image", leave=False) as progress:
        # Image after image: an unfinished run has something of every model.
        for image in range(len(targets.rows)):
            for name, estimator in estimators.items():
                progress.set_postfix_str(
                    f"{task.dataset.name}, image {image + 1}, {labels[name]}"
                )
                attacked[name].append(
                    attack_one(run, task, targets, image, name, estimator)
                )
                run.results.set_attack(
                    task.spec,
                    record_attacks(
                        task.dataset, targets, protocol, attacked, labels, seed
                    ),
                )
                progress.update()
    record = run.results.data["datasets"][task.spec]["attack"]
    record["transfer"] = record_transfer(estimators, targets, attacked)
    run.results.save()
    return targets, attacked


def attack_one(
    run: RunContext,
    task: Task,
    targets: Targets,
    image: int,
    name: str,
    estimator: ClassifierMixin,
) -> AttackedImage:
    """Attack one image of one model, or take it from an earlier run."""
    row = int(targets.rows[image])
    key = f"attack-{name}-{row}"
    parameters = {
        **run.parameters(task, ATTACKED_SEED, name),
        "row": row,
        "settings": {**run.protocol.settings(), "images": None},
    }
    found = run.checkpoints.load(key, task.fingerprint, parameters)
    if found is None:
        found = attack_image(
            estimator, targets, image, run.protocol, ATTACKED_SEED,
            run.budget.jobs,
        )  # fmt: skip
        run.checkpoints.save(key, task.fingerprint, parameters, found)
    return found


def make_pictures(
    task: Task, targets: Targets | None, attacked: dict[str, list[AttackedImage]]
) -> Pictures | None:
    """Gather what the report shows as images; None for a table."""
    dataset, split = task.dataset, task.splits[ATTACKED_SEED]
    shape = dataset.image_shape
    if shape is None:
        return None
    X_train, X_test = scale(dataset, split)
    chosen = choose_samples(dataset.y[split.train], dataset.class_names)
    return Pictures(
        originals=(X_test[:0] if targets is None else targets.X).reshape(-1, *shape),
        adversarials={
            name: join(images).adversarials.reshape(-1, *shape)
            for name, images in attacked.items()
        },
        samples={
            name: X_train[places].reshape(-1, *shape) for name, places in chosen.items()
        },
    )
