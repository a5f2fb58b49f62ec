"""Records of runs that nobody has run, and the page that a report makes of them."""

from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np

from benchmarks.datasets import Dataset
from benchmarks.medical.evaluation import EvaluatedModel, record_evaluation
from benchmarks.medical.report import Pictures
from benchmarks.medical.results import Results
from benchmarks.medical.trials import Trial
from sklearn_scd.robustness import TransferResult, robust_accuracy

LABELS = {
    "scd01": "SCD01",
    "scdce": "SCDCE",
    "scdcebnn": "SCDCEBNN",
    "linear01": "Linear01",
    "scd01-robust": "SCD01 robust",
    "scdce-robust": "SCDCE robust",
    "mlp": "MLP",
    "bnn-ste": "BNN (STE)",
    "lenet": "LeNet",
    "resnet18": "ResNet18",
    "random-forest": "Random Forest",
}
CLASSES = ("normal", "pneumonia")
MAX_ITER = 20
HOSTILE = "<script>alert('$x^2$')</script> & \"co\"\n\udcff"


class NamedModel:
    """What `Results.add_trial` asks of a model."""

    def __init__(self, name):
        self.name, self.label = name, LABELS[name]


def make_images(rng, n_images, shape):
    """Soft bright blobs on a dark ground, in [0, 1]."""
    rows, columns = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    images = []
    for x, y, size, light in rng.uniform(
        (-0.4, -0.4, 0.2, 0.5), (0.4, 0.4, 0.6, 0.9), (n_images, 4)
    ):
        blob = light * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / size**2)
        image = 0.08 + blob + rng.normal(0, 0.02, shape[:2])
        tint = np.array([1.0, 0.75, 0.85]) if len(shape) == 3 else 1.0
        images.append((image[..., None] if len(shape) == 3 else image) * tint)
    return np.clip(images, 0, 1).reshape(n_images, *shape)


def make_pictures(rng, names, n_images, shape, class_names):
    originals = make_images(rng, n_images, shape)
    adversarials = {
        name: np.clip(originals + rng.normal(0, 0.01 * k, originals.shape), 0, 1)
        for k, name in enumerate(names, start=1)
    }
    samples = {name: make_images(rng, 8, shape) for name in class_names}
    return Pictures(originals, adversarials, samples)


def make_attack(rng, names, pictures, class_names, protocol="quick"):
    """What the attack stage records; the first model has three kinds of outcome."""
    n_images = len(pictures.originals)
    models = {}
    for place, name in enumerate(names):
        distances = rng.lognormal(1.5 - 0.3 * place, 0.4, n_images)
        status = np.full(n_images, "attacked", dtype="<U13")
        if place == 0 and n_images >= 3:
            distances[1:3], status[1:3] = (np.inf, 0), ("no_start", "misclassified")
            pictures.adversarials[name][1] = np.nan
            pictures.adversarials[name][2] = pictures.originals[2]
        models[name] = make_course(rng, LABELS[name], distances, status)
    fooled = rng.random((len(names), len(names), n_images)) < 0.4
    valid = np.ones((len(names), n_images), dtype=bool)
    if n_images >= 3:
        valid[0, 1:3] = False
    transfer = TransferResult(names, fooled & valid[:, None], valid, names)
    epsilons = np.linspace(0, 12, 25)
    return {
        "protocol": protocol,
        "norm": 2,
        "attack": "hop_skip_jump",
        "settings": {
            "images": n_images,
            "restarts": 3,
            "max_iter": MAX_ITER,
            "init_size": 100,
        },
        "images": [
            {"row": 17 + 5 * k, "class": class_names[k % 2]} for k in range(n_images)
        ],
        "models": models,
        "transfer": {
            "names": list(names),
            "sources": list(names),
            "fooled": transfer.fooled.tolist(),
            "valid": transfer.valid.tolist(),
            "rates": nullable(transfer.rates),
            "accuracies": nullable(transfer.accuracies),
        },
        "robust": {
            "epsilons": epsilons.tolist(),
            "models": {name: make_curve(m, epsilons) for name, m in models.items()},
        },
    }


def make_evaluation(rng, attack):
    """What the evaluation stage records: sign networks have bands, others none."""
    evaluated = {}
    for name, model in attack["models"].items():
        decisions = np.array([np.inf if d is None else d for d in model["distances"]])
        distances = {"hop_skip_jump": decisions}
        nearest, certified = decisions, np.full(len(decisions), np.nan)
        if name != "random-forest":
            nearest = rng.uniform(0.05, 0.2, len(decisions)) * decisions
            structural = LABELS[name].startswith("SCD")
            distances["nearest_flip" if structural else "gradient"] = nearest
            if structural:
                finite = np.where(np.isfinite(nearest), nearest, 1.0)
                certified = rng.uniform(0.4, 0.95, len(nearest)) * finite
        found = (nearest > 0) & np.isfinite(nearest)
        evaluation = SimpleNamespace(
            certified=certified,
            attacks={k: SimpleNamespace(distances=d) for k, d in distances.items()},
            nearest=nearest,
            gap=nearest - certified,
            agreement_clean=np.full(len(nearest), 0.9) if certified[0] > 0 else None,
            agreement_adversarial=np.where(found, 0.52, np.nan),
            roc_auc=0.97 if certified[0] > 0 else None,
        )
        kind = "certified" if certified[0] > 0 else None
        evaluated[name] = EvaluatedModel(evaluation, kind, 4.2)
    labels = {name: model["label"] for name, model in attack["models"].items()}
    return record_evaluation(evaluated, labels, 0)


def make_course(rng, label, distances, status):
    found = np.isfinite(distances) & (status == "attacked")
    course = 1 + 4 * np.exp(-np.arange(MAX_ITER + 1) / rng.uniform(3, 7))
    history = np.where(found[:, None], distances[:, None] * course / course[-1], np.nan)
    ranked = distances[found]
    quarters = np.quantile(ranked, (0.25, 0.5, 0.75)) if len(ranked) else [None] * 3
    summary = {
        "n": len(distances),
        "n_attacked": int(found.sum()),
        "n_misclassified": int((status == "misclassified").sum()),
        "n_failed": int(np.isinf(distances).sum()),
        **dict(zip(("q1", "median", "q3"), quarters, strict=True)),
        "mean": ranked.mean() if len(ranked) else None,
    }
    return {
        "label": label,
        "distances": nullable(distances),
        "status": status.tolist(),
        "queries": np.where(status == "misclassified", 0, 4321).tolist(),
        "history": nullable(history),
        "seconds": 12.3,
        "summary": summary,
    }


def make_curve(model, epsilons):
    distances = [np.inf if d is None else d for d in model["distances"]]
    curve = robust_accuracy(distances, epsilons)
    return {key: getattr(curve, key).tolist() for key in ("accuracies", "low", "high")}


def nullable(values):
    """Return nested lists with None for what JSON has no number for."""
    values = np.asarray(values, dtype=float)
    return np.where(np.isfinite(values), values.astype(object), None).tolist()


def make_record(
    folder,
    sets=(("chest-xray", (24, 24), "chest-xray"),),
    names=("scd01", "mlp", "random-forest"),
    class_names=CLASSES,
    n_images=3,
    n_seeds=2,
    attacked=True,
):
    """Return a record and its pictures, with figures that nothing has measured."""
    rng = np.random.default_rng(0)
    arguments = {"seeds": n_seeds, "votes": 5, "jobs": 1, "paper_row": "auto"}
    results = Results(folder, arguments)
    pictures = {}
    for title, shape, paper_row in sets:
        spec = f"npz:{len(pictures)}"
        X = np.zeros((40, *shape), np.uint8 if len(shape) > 1 else float)
        group = np.arange(40) // 2 if len(shape) == 2 else None
        y = np.arange(40) % 2
        dataset = Dataset(title, X, y, class_names, "made up", "none", group)
        results.add_dataset(spec, dataset, "random", paper_row)
        entry = results.data["datasets"][spec]
        for seed in range(n_seeds):
            sides = {"train": (0, 32), "test": (32, 40)}
            entry["split"]["seeds"][str(seed)] = {
                side: dataset.class_counts(np.arange(*ends))
                for side, ends in sides.items()
            }
            for name in names:
                trial = Trial(int(rng.integers(160, 200)), 200, 2.5, 0.1)
                model = NamedModel(name)
                given = {"n_estimators": 5, "learning_rate": 0.17}
                results.add_trial(spec, model, given, seed, trial)
        if len(shape) > 1:
            made = make_pictures(rng, names, n_images, shape, class_names)
            pictures[spec] = made
            if attacked:
                entry["attack"] = make_attack(rng, names, made, class_names)
                entry["evaluation"] = make_evaluation(rng, entry["attack"])
    results.finish()
    return results.data, pictures


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that every element is closed."""

    def __init__(self, path):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.classes, self.parents, self.script = [], {}, ""
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert self.open == []

    def handle_starttag(self, name, attributes):
        self.tags.append(name)
        self.attributes += [(name, *attribute) for attribute in attributes]
        if self.open:
            parent = (self.open[-1], self.classes[-1])
            self.parents.setdefault(name, set()).add(parent)
        if name not in ("meta", "img", "source"):
            self.open.append(name)
            self.classes.append(dict(attributes).get("class", ""))

    def handle_endtag(self, name):
        assert self.open.pop() == name
        self.classes.pop()

    def handle_data(self, text):
        if "script" in self.open:
            self.script += text
        elif "style" not in self.open:
            self.texts.append(text)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())
