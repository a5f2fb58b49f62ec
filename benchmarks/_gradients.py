"""The nearest adversarial images that a model's own gradient leads to. Imports torch.

HopSkipJump sees a model's answers only. Here every network of a model is read into
torch and the L2 distance is reduced by gradient, in two ways that add up:

- Steps along the gradient, on a sphere around the image that shrinks while the model is
  fooled and grows while it is not [1]_. A vote is relaxed to the mean of sigmoids of
  its margins, sign units to tanh, steeper from stage to stage.
- Where networks are smooth, steps to the nearest point at which the fewest votes that
  must turn do so to first order, as DeepFool's [2]_ and FAB's [3]_ for one network.

The real vote judges every image on the way, `estimator.predict` at the end.

Measured on 12 chest X-rays of 9,216 pixels that nothing here was chosen by: mean L2
distance, and seconds an image on one core. Beside it are ART's ProjectedGradientDescent
(20 steps, its radius halved ten times, which resolves 0.008) and its CarliniL2Method
(nine searches of 100 steps at a rate of 0.01, no other tried).

- a vote of 20 MLPs: 1.89 in 1.3 s; 1.93 in 1.2 s; the third found 3 of 12 in 5.9 s
- LeNet: 0.453 in 1.2 s; 0.468 in 0.9 s, within its resolution on many; 0.520 in 8.5 s
- a vote of 20 straight-through sign networks: 0.69 in 2.1 s; 0.82 in 8.8 s; not run

ResNet18 takes some 16 s an image. These are upper bounds: of the sign networks, an
attack that knows the hyperplanes comes nearer.

.. [1] Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger, "Decoupling Direction and
   Norm for Efficient Gradient-Based L2 Adversarial Attacks and Defenses", CVPR 2019.
.. [2] Moosavi-Dezfooli, Fawzi, Frossard, "DeepFool: A Simple and Accurate Method to
   Fool Deep Neural Networks", CVPR 2016.
.. [3] Croce, Hein, "Minimally Distorted Adversarial Examples with a Fast Adaptive
   Boundary Attack", ICML 2020.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn import functional

from benchmarks._errors import UserError
from benchmarks._vote import VotedClassifier
from benchmarks.networks import TorchClassifier
from benchmarks.networks._torch import limited_threads
from benchmarks.networks.sign_ste import SignNetwork, sign_ste
from sklearn_scd.robustness import DistortionResult
from sklearn_scd.robustness._attacks import minimum_distortion as distortion
from sklearn_scd.robustness._attacks.bridge import check_clip_values
from sklearn_scd.robustness._attacks.repeatable import Record
from sklearn_scd.robustness._hyperplanes.least_distance import least_distance_in_box
from sklearn_scd.robustness._labels import LabelCodes

# A network: from rows and a slope for its sign units to logits and relaxed logits.
Network = Callable[[torch.Tensor, float], tuple[torch.Tensor, torch.Tensor]]

ACTIVATIONS = {
    "identity": nn.Identity,
    "logistic": nn.Sigmoid,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
}
RADIUS_CHANGE = 0.05  # a step
FIRST_RADIUS = 0.01  # of the diagonal of all values allowed
LAST_STEP = 0.01  # of the radius
N_PROJECTIONS = 15
BEYOND = 1e-3  # of the way to a boundary, to be on its other side
PARTS = (1.0, 0.5, 0.25, 0.1)  # of a projection that are tried


@dataclass(frozen=True)
class Stage:
    """How sharp the relaxation is, and how long the first step.

    Parameters
    ----------
    slope : float
        Of tanh, in the place of the sign units.
    temperature : float
        Of the sigmoids, as a share of the mean margin of the image's votes.
    first_step : float
        Of the radius.
    """

    slope: float
    temperature: float
    first_step: float


STAGES = (Stage(8.0, 0.03, 1.0), Stage(32.0, 0.03, 0.1), Stage(128.0, 0.03, 0.1))


def can_attack(estimator: ClassifierMixin) -> bool:
    """Tell whether there is a gradient to follow.

    There is for the networks of torch, scikit-learn's MLP and linear classifiers, and
    votes over them; for forests and for networks trained without one there is not.
    """
    return all(_reader(run) is not None for run in _runs(estimator))


def gradient_attack(
    estimator: ClassifierMixin,
    X: np.ndarray,
    y: np.ndarray,
    clip_values: tuple[float, float] = (0.0, 1.0),
    seed: int = 0,
    *,
    steps: int = 50,
    restarts: int = 3,
) -> DistortionResult:
    """Search each image's nearest adversarial image by the model's own gradient.

    What is found for an image depends on it, its place and the seed alone. It runs on
    one thread.

    Parameters
    ----------
    estimator : fitted classifier
        One that `can_attack` accepts.
    X : ndarray of shape (n_samples, n_features)
        Images, within `clip_values`.
    y : ndarray of shape (n_samples,)
        Their true labels.
    clip_values : tuple of (float, float), default=(0.0, 1.0)
        Smallest and largest value that a feature may take.
    seed : int, default=0
        Of the starts.
    steps : int, default=50
        Gradients in each of three stages.
    restarts : int, default=3
        Starts: the image itself, then random ones about it.

    Returns
    -------
    DistortionResult
        Its `queries` are images that went through the model, with or without a
        gradient.

    Raises
    ------
    UserError
        If the model has no gradient.
    ValueError
        If X, y or the clip values are invalid.
    """
    if not can_attack(estimator):
        raise UserError(
            f"{type(estimator).__name__}: has no gradient to attack by; give a model "
            "of torch, a linear one, scikit-learn's MLP, or a vote over them"
        )
    labels = LabelCodes(estimator)
    clip_values = check_clip_values(clip_values)
    X = distortion.check_samples(X, "X", estimator, clip_values)
    codes = labels.encode(y, "y")
    problem = distortion.Problem(
        estimator, labels, "gradient", 2.0, clip_values, max_iter=0, init_size=0,
        starts={},
    )  # fmt: skip
    right = np.flatnonzero(labels.predict(estimator, X) == codes)
    with threadpool_limits(limits=1, user_api="blas"), limited_threads(1):
        vote = Vote(estimator)
        by_sample = {
            i: [_attack(problem, vote, X[i], int(codes[i]), (seed, i), steps, restarts)]
            for i in right
        }
    return distortion.collect(problem, X, codes, by_sample)


class Vote:
    """The networks of a model in torch.

    Parameters
    ----------
    estimator : fitted classifier
        One that `can_attack` accepts.

    Attributes
    ----------
    n_queries : int
        Rows that went through the model.
    is_smooth : bool
        Whether no network has sign units.
    """

    def __init__(self, estimator: ClassifierMixin):
        runs = _runs(estimator)
        self._networks = [_reader(run)(run) for run in runs]
        self.is_smooth = not any(map(_has_signs, runs))
        self.n_queries = 0

    def __call__(
        self, rows: torch.Tensor, slope: float = STAGES[-1].slope
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits and relaxed ones, each of shape (n_rows, n_votes, n_classes).

        They are the same where a network has no sign units.
        """
        self.n_queries += len(rows)
        outputs = [network(rows, slope) for network in self._networks]
        logits, relaxed = zip(*outputs, strict=True)
        return torch.stack(logits, dim=1), torch.stack(relaxed, dim=1)


def _runs(estimator: ClassifierMixin) -> list[ClassifierMixin]:
    if isinstance(estimator, VotedClassifier):
        return list(estimator.estimators_)
    return [estimator]


def _reader(run: ClassifierMixin) -> Callable[[ClassifierMixin], Network] | None:
    for kind, read in READERS.items():
        if isinstance(run, kind):
            return read
    return None


def _has_signs(run: ClassifierMixin) -> bool:
    return isinstance(getattr(run, "torch_module_", None), SignNetwork)


def _read_torch(run: TorchClassifier) -> Network:
    module = run.torch_module_
    if isinstance(module, SignNetwork):
        return _relaxed(module)

    def network(rows, slope):
        logits = module(rows)
        return logits, logits

    return network


def _relaxed(module: SignNetwork) -> Network:
    """Sign units forwards, beside them tanh of what goes into them."""
    signs = sign_ste(module.weight).detach()

    def network(rows, slope):
        inputs = module.norm(functional.linear(rows, signs)) + module.bias
        relaxed = module.output(torch.tanh(slope * inputs))
        return module.output(sign_ste(inputs.detach())), relaxed

    return network


def _read_mlp(run: MLPClassifier) -> Network:
    activate = ACTIVATIONS[run.activation]()
    layers = [
        (_tensor(weights.T), _tensor(biases))
        for weights, biases in zip(run.coefs_, run.intercepts_, strict=True)
    ]

    def network(rows, slope):
        for weights, biases in layers[:-1]:
            rows = activate(functional.linear(rows, weights, biases))
        logits = _with_first_class(functional.linear(rows, *layers[-1]))
        return logits, logits

    return network


def _read_linear(run: LinearClassifierMixin) -> Network:
    weights = _tensor(np.atleast_2d(run.coef_))  # some have one row, without its axis
    biases = _tensor(np.broadcast_to(run.intercept_, len(weights)))

    def network(rows, slope):
        logits = _with_first_class(functional.linear(rows, weights, biases))
        return logits, logits

    return network


READERS = {
    TorchClassifier: _read_torch,
    MLPClassifier: _read_mlp,
    LinearClassifierMixin: _read_linear,
}


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(array), dtype=torch.float32)


def _with_first_class(outputs: torch.Tensor) -> torch.Tensor:
    """Give a single output, that of the second class, a first class of 0."""
    if outputs.shape[1] > 1:
        return outputs
    return torch.cat([torch.zeros_like(outputs), outputs], dim=1)


@dataclass(frozen=True)
class Target:
    """An image to attack.

    Parameters
    ----------
    x : Tensor of shape (n_features,)
    code : int
        Position of its class.
    clip_values : tuple of (float, float)
    scale : float
        Mean size of its votes' margins.
    """

    x: torch.Tensor
    code: int
    clip_values: tuple[float, float]
    scale: float

    def distances(self, rows: torch.Tensor) -> torch.Tensor:
        """Return L2 distances of rows, shape (n_rows,)."""
        return (rows - self.x).norm(dim=1)

    def clip(self, rows: torch.Tensor) -> torch.Tensor:
        """Return rows within the clip values."""
        return rows.clamp(*self.clip_values)


def _attack(
    problem: distortion.Problem,
    vote: Vote,
    x: np.ndarray,
    code: int,
    seed: tuple[int, int],
    steps: int,
    restarts: int,
) -> distortion.Attempt:
    """Attack one image from several starts; end as attacks on decisions do."""

    def predict(samples):
        return problem.labels.predict(problem.estimator, samples)

    x = x.astype(np.float32)
    generator = torch.Generator()
    generator.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    vote.n_queries = 0
    target = _target(vote, x, code, problem.clip_values)
    row, distance = _search(vote, target, steps, restarts, generator)
    record = Record(x, code, predict, problem.norm)
    if distance < np.inf:
        _ask(record, row.numpy(), problem.clip_values)
    if record.best is not None:
        distortion._search_boundary(record, problem.clip_values)
    n_queries = vote.n_queries + record.n_queries
    return distortion.Attempt(
        record.best, record.distance, n_queries, [], stopped=False
    )


def _ask(record: Record, row: np.ndarray, clip_values: tuple[float, float]) -> None:
    """Show an image to the estimator, farther out where rounding makes it right."""
    for k in range(distortion._NUDGES):
        stretch = np.float32(1 + (distortion._HAIR * 2.0**k if k else 0.0))
        moved = np.clip(record.x + stretch * (row - record.x), *clip_values)
        record.ask(moved[np.newaxis])
        if record.best is not None:
            return


def _target(
    vote: Vote, x: np.ndarray, code: int, clip_values: tuple[float, float]
) -> Target:
    rows = torch.from_numpy(x)[np.newaxis]
    with torch.no_grad():
        margins = _margins(vote(rows)[0], code)
    # Not 0, which would be divided by.
    scale = max(margins.abs().mean().item(), 1e-12)
    return Target(rows[0], code, clip_values, scale)


def _search(
    vote: Vote,
    target: Target,
    steps: int,
    restarts: int,
    generator: torch.Generator,
) -> tuple[torch.Tensor, float]:
    """Return the nearest row found that fools the vote, and its distance."""
    rows = target.x.repeat(restarts, 1)
    noise = torch.randn(rows[1:].shape, generator=generator)
    rows[1:] += _first_radius(target) * functional.normalize(noise)
    rows = target.clip(rows)
    distances = torch.full((restarts,), torch.inf)
    for stage in STAGES:
        nearer, lengths = _descend(vote, target, rows, stage, steps, generator)
        better = lengths < distances
        distances = torch.where(better, lengths, distances)
        # Where none is found, the last row of one stage is the first of the next.
        kept = better | distances.isinf()
        rows = torch.where(kept[:, np.newaxis], nearer, rows)
    best = distances.argmin()
    if vote.is_smooth and distances[best] < torch.inf:
        return _project_often(vote, target, rows[best], distances[best].item())
    return rows[best], distances[best].item()


def _first_radius(target: Target) -> float:
    low, high = target.clip_values
    return FIRST_RADIUS * (high - low) * target.x.numel() ** 0.5


def _descend(
    vote: Vote,
    target: Target,
    rows: torch.Tensor,
    stage: Stage,
    steps: int,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Follow the gradient on spheres around the image.

    Returns
    -------
    rows : Tensor of shape (n_rows, n_features)
        The nearest that fooled the vote; the last one where none did.
    distances : Tensor of shape (n_rows,)
        inf where none did.
    """
    best, distances = rows, torch.full((len(rows),), torch.inf)
    radii = target.distances(rows)
    radii = torch.where(radii > 0, radii, _first_radius(target))
    for k in range(steps):
        rows = rows.detach().requires_grad_()
        logits, relaxed = vote(rows, stage.slope)
        fooled = _is_fooled(logits.detach(), target.code)
        gradient = _gradient(relaxed, rows, target, stage.temperature, generator)
        rows = rows.detach()
        reached = target.distances(rows)
        nearer = fooled & (reached < distances)
        distances = torch.where(nearer, reached, distances)
        kept = nearer | distances.isinf()
        best = torch.where(kept[:, np.newaxis], rows, best)
        radii = radii * torch.where(fooled, 1 - RADIUS_CHANGE, 1 + RADIUS_CHANGE)
        fade = 0.5 + 0.5 * np.cos(np.pi * k / steps)
        step = LAST_STEP + (stage.first_step - LAST_STEP) * fade
        moves = rows - target.x + step * radii[:, np.newaxis] * gradient
        moves = radii[:, np.newaxis] * functional.normalize(moves)
        rows = target.clip(target.x + moves)
    return best, distances


def _gradient(
    relaxed: torch.Tensor,
    rows: torch.Tensor,
    target: Target,
    temperature: float,
    generator: torch.Generator,
) -> torch.Tensor:
    """Return the direction in which most votes turn; a random one where none does."""
    margins = _margins(relaxed, target.code) / (temperature * target.scale)
    # The logarithm of the mean of the sigmoids: the same direction, no underflow.
    share = functional.logsigmoid(margins).logsumexp(dim=1)
    (gradient,) = torch.autograd.grad(share.sum(), rows)
    gradient = gradient.nan_to_num()
    flat = (gradient == 0).all(dim=1)
    if flat.any():
        noise = torch.randn(gradient.shape, generator=generator)
        gradient = torch.where(flat[:, np.newaxis], noise, gradient)
    largest = gradient.abs().amax(dim=1, keepdim=True)  # its square may underflow
    return functional.normalize(gradient / largest)


def _margins(logits: torch.Tensor, code: int) -> torch.Tensor:
    """Return each vote's lead of the best other class, shape (n_rows, n_votes)."""
    others = logits.clone()
    others[:, :, code] = -torch.inf
    return others.amax(dim=2) - logits[:, :, code]


def _is_fooled(logits: torch.Tensor, code: int) -> torch.Tensor:
    """Return whether the majority is for another class, shape (n_rows,)."""
    return _majority(logits.argmax(dim=2), logits.shape[2]) != code


def _majority(named: torch.Tensor, n_classes: int) -> torch.Tensor:
    counts = functional.one_hot(named, n_classes).sum(dim=1)
    # Of equals the first, which torch's argmax does not promise.
    order = torch.arange(n_classes, 0, -1)
    return (counts * (n_classes + 1) + order).argmax(dim=1)


def _project_often(
    vote: Vote, target: Target, row: torch.Tensor, distance: float
) -> tuple[torch.Tensor, float]:
    """Go to the nearest point of the boundary's tangents as long as it is nearer."""
    parts = torch.tensor(PARTS)[:, np.newaxis]
    for _ in range(N_PROJECTIONS):
        projection = _project(vote, target, row)
        if projection is None:
            break
        rows = row + parts * (projection - row)
        # A little farther out each of them may fool the vote where it did not.
        rows = torch.cat([rows, target.x + (1 + 10 * BEYOND) * (rows - target.x)])
        rows = target.clip(rows)
        with torch.no_grad():
            fooled = _is_fooled(vote(rows)[0], target.code)
        distances = torch.where(fooled, target.distances(rows), torch.inf)
        best = distances.argmin()
        if not distances[best] < distance:
            break
        row, distance = rows[best], distances[best].item()
    return row, distance


def _project(vote: Vote, target: Target, row: torch.Tensor) -> torch.Tensor | None:
    """The point nearest to the image where the votes needed turn, to first order."""
    rows = row[np.newaxis].clone().requires_grad_()
    logits, _ = vote(rows)
    margins = _margins(logits, target.code)[0]
    needed = _votes_needed(logits.detach()[0], margins.detach(), target.code)
    slopes = np.stack(
        [
            torch.autograd.grad(margins[v], rows, retain_graph=True)[0][0].numpy()
            for v in needed
        ]
    ).astype(np.float64)
    start = (row - target.x).double().numpy()
    levels = slopes @ start - margins.detach()[needed].double().numpy()
    sizes = np.linalg.norm(slopes, axis=1)
    if not (sizes > 0).all():
        return None
    x = target.x.double().numpy()
    ends = [end - x for end in target.clip_values]
    move = least_distance_in_box(
        slopes / sizes[:, np.newaxis], (1 + BEYOND) * levels / sizes, *ends
    )
    return None if move is None else torch.from_numpy((x + move).astype(np.float32))


def _votes_needed(
    logits: torch.Tensor, margins: torch.Tensor, code: int
) -> torch.Tensor:
    """The fewest votes that turn the majority, those that turn most easily."""
    order = margins.argsort(descending=True)
    others = logits.clone()
    others[:, code] = -torch.inf
    rivals = others.argmax(dim=1)
    named = torch.full_like(rivals, code)
    for n, vote in enumerate(order, start=1):
        named[vote] = rivals[vote]
        if _majority(named[np.newaxis], logits.shape[1])[0] != code:
            return order[:n]
    return order
