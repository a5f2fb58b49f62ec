"""Reading models into torch, for attacks that follow their gradient. Imports torch."""

from collections.abc import Callable

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.neural_network import MLPClassifier
from torch import nn
from torch.nn import functional

from benchmarks.attacks.gradients import DifferentiableVote, gradient_attack
from benchmarks.common.errors import UserError
from benchmarks.models.networks import TorchClassifier
from benchmarks.models.networks.sign_ste import SignNetwork, sign_ste
from benchmarks.models.votes import VotedClassifier
from sklearn_scd.robustness import DistortionResult

Network = Callable[[torch.Tensor, float], tuple[torch.Tensor, torch.Tensor]]
ACTIVATIONS = {
    "identity": nn.Identity,
    "logistic": nn.Sigmoid,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
}


def has_gradient(estimator: ClassifierMixin) -> bool:
    """Tell whether there is a gradient to follow.

    There is for the networks of torch, scikit-learn's MLP and linear classifiers, and
    votes over them; for forests and for networks trained without one there is not.
    """
    return all(_reader(run) is not None for run in _runs(estimator))


def read_vote(estimator: ClassifierMixin) -> DifferentiableVote:
    """Read the networks of a fitted model into torch.

    Raises
    ------
    UserError
        If the model has no gradient.
    """
    if not has_gradient(estimator):
        raise UserError(
            f"{type(estimator).__name__}: has no gradient to attack by; give a model "
            "of torch, a linear one, scikit-learn's MLP, or a vote over them"
        )
    runs = _runs(estimator)
    networks = [_reader(run)(run) for run in runs]
    return DifferentiableVote(networks, is_smooth=not any(map(_has_signs, runs)))


def attack_gradient(
    estimator: ClassifierMixin,
    X: np.ndarray,
    y: np.ndarray,
    clip_values: tuple[float, float] = (0.0, 1.0),
    seed: int = 0,
    **options: int,
) -> DistortionResult:
    """Attack a model by its own gradient.

    Parameters
    ----------
    estimator, X, y, clip_values, seed, **options
        As in `benchmarks.attacks.gradients.gradient_attack`.

    Raises
    ------
    UserError
        If the model has no gradient.
    """
    vote = read_vote(estimator)
    return gradient_attack(estimator, vote, X, y, clip_values, seed, **options)


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
