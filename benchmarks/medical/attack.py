"""The second stage of a run: attack the same test images of every model."""

from joblib import Parallel, delayed
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
    # Image after image: an unfinished run has something of every model.
    pairs = [(k, name) for k in range(len(targets.rows)) for name in estimators]
    keys = {pair: _key(run, task, targets, *pair) for pair in pairs}
    found = {pair: run.checkpoints.load(*key) for pair, key in keys.items()}
    # In processes: HopSkipJump is mostly Python, of which threads run one at a time.
    results = Parallel(run.budget.jobs, return_as="generator")(
        delayed(attack_image)(estimators[name], targets, image, protocol, seed, 1)
        for image, name in pairs
        if found[image, name] is None
    )
    with tqdm(total=len(pairs), desc="attacks", unit="image", leave=False) as progress:
        for image in range(len(targets.rows)):
            try:
                for name in estimators:
                    progress.set_postfix_str(
                        f"{task.dataset.name}, image {image + 1}, {labels[name]}"
                    )
                    result = found[image, name]
                    if result is None:
                        result = next(results)
                        run.checkpoints.save(*keys[image, name], result)
                    attacked[name].append(result)
                    progress.update()
            finally:  # not after each model: curves and file take a quarter of a second
                record = record_attacks(
                    task.dataset, targets, protocol, attacked, labels, seed
                )
                run.results.set_attack(task.spec, record)
    record = run.results.data["datasets"][task.spec]["attack"]
    results = {name: join(images) for name, images in attacked.items()}
    record["transfer"] = record_transfer(estimators, targets, results)
    run.results.save()
    return targets, attacked


def _key(
    run: RunContext, task: Task, targets: Targets, image: int, name: str
) -> tuple[str, str, dict]:
    """Return a checkpoint's name, its data and all that was set."""
    row = int(targets.rows[image])
    parameters = {
        **run.parameters(task, ATTACKED_SEED, name),
        "row": row,
        "settings": {**run.protocol.settings(), "images": None},
    }
    return f"attack-{name}-{row}", task.fingerprint, parameters


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
