"""The second stage of a run: attack the same test images of every model."""

from sklearn.base import ClassifierMixin
from tqdm import tqdm

from benchmarks._course import ATTACKED_SEED, Course
from benchmarks._distances import (
    AttackedImage,
    Targets,
    attack_image,
    draw_targets,
    join,
    record_attacks,
    record_transfer,
    use_one_thread,
)
from benchmarks._samples import choose_samples
from benchmarks._scaling import scale
from benchmarks._tasks import Task
from benchmarks._training import TrainedModel
from benchmarks.report import Pictures


def attack_models(
    course: Course, task: Task, trained: dict[str, TrainedModel]
) -> tuple[Targets | None, dict[str, list[AttackedImage]]]:
    """Attack the same images of every model, then show each model the others'.

    Without a protocol nothing is attacked.
    """
    protocol, seed = course.protocol, ATTACKED_SEED
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
                    attack_one(course, task, targets, image, name, estimator)
                )
                course.results.set_attack(
                    task.spec,
                    record_attacks(
                        task.dataset, targets, protocol, attacked, labels, seed
                    ),
                )
                progress.update()
    record = course.results.data["datasets"][task.spec]["attack"]
    record["transfer"] = record_transfer(estimators, targets, attacked)
    course.results.save()
    return targets, attacked


def attack_one(
    course: Course,
    task: Task,
    targets: Targets,
    image: int,
    name: str,
    estimator: ClassifierMixin,
) -> AttackedImage:
    """Attack one image of one model, or take it from an earlier run."""
    row = int(targets.rows[image])
    piece = f"attack-{name}-{row}"
    basis = {
        **course.basis(task, ATTACKED_SEED, name),
        "row": row,
        "settings": {**course.protocol.settings(), "images": None},
    }
    found = course.pieces.load(piece, basis)
    if found is None:
        found = attack_image(
            estimator, targets, image, course.protocol, ATTACKED_SEED,
            course.budget.jobs,
        )  # fmt: skip
        course.pieces.save(piece, basis, found)
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
