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

ResNet18 takes some 16 s an image. These are upper bounds: for the sign networks
the attack on their hyperplanes needs less.

.. [1] Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger, "Decoupling Direction and
   Norm for Efficient Gradient-Based L2 Adversarial Attacks and Defenses", CVPR 2019.
.. [2] Moosavi-Dezfooli, Fawzi, Frossard, "DeepFool: A Simple and Accurate Method to
   Fool Deep Neural Networks", CVPR 2016.
.. [3] Croce, Hein, "Minimally Distorted Adversarial Examples with a Fast Adaptive
   Boundary Attack", ICML 2020.
"""

import numpy as np
import torch
from sklearn.base import ClassifierMixin

from benchmarks.attacks.gradients._descent import descend_from_starts
from benchmarks.attacks.gradients._projection import project_repeatedly
from benchmarks.attacks.gradients._target import make_target
from benchmarks.attacks.gradients._vote import DifferentiableVote
from benchmarks.common.torch_runtime import limited_threads
from sklearn_scd.robustness import AttackedSample, DistortionResult, run_attack

# How much farther out than the row that fooled the networks in torch a point is tried:
# the estimator may round otherwise.
STRETCHES = 1 + np.append(0.0, 2.0 ** np.arange(-11, -4))


def gradient_attack(
    estimator: ClassifierMixin,
    vote: DifferentiableVote,
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
        The model, which judges what is found.
    vote : DifferentiableVote
        Its networks in torch.
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
    ValueError
        If X, y or the clip values are invalid.
    """

    def gradient(sample: AttackedSample, rng: np.random.Generator) -> None:
        """Attack one image; this function's name is the attack's."""
        _attack(sample, vote, _generator(rng), steps, restarts)

    # In this process, where the vote is.
    with limited_threads(1):
        return run_attack(
            gradient, estimator, X, y, clip_values=clip_values, random_state=seed,
            n_jobs=1,
        )  # fmt: skip


def _generator(rng: np.random.Generator) -> torch.Generator:
    generator = torch.Generator()
    generator.manual_seed(int(rng.integers(2**32)))
    return generator


def _attack(
    sample: AttackedSample,
    vote: DifferentiableVote,
    generator: torch.Generator,
    steps: int,
    restarts: int,
) -> None:
    """Attack one image from several starts, and ask the model about the best row."""
    x = sample.x.astype(np.float32)
    vote.n_queries = 0
    target = make_target(vote, x, sample.code, sample.clip_values)
    row, distance = descend_from_starts(vote, target, steps, restarts, generator)
    if vote.is_smooth and distance < np.inf:
        row, distance = project_repeatedly(vote, target, row, distance)
    sample.n_queries += vote.n_queries
    if distance < np.inf:
        step = row.numpy() - sample.x
        for stretch in STRETCHES:
            if sample.ask_one(sample.x + stretch * step):
                break
