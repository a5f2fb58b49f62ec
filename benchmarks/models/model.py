"""What a model of the benchmark is: a name, a way to build it and a way to bound it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sklearn.base import ClassifierMixin

from benchmarks.models.bounding import Bounding, DecisionsOnly
from benchmarks.models.cost import Cost


@dataclass(frozen=True)
class Budget:
    """What a model may spend, the same for all.

    Parameters
    ----------
    votes : int
        Networks or runs a vote is taken over.
    jobs : int
        Processor cores.
    max_iter : int, optional
        Iterations of a sign network, epochs of the others. By default each model's own:
        1,000, with binary weights 10,000; MLP 200; networks of torch 100, with early
        stopping.
    copies : int
        Noisy copies of an image by which a smoothed model is certified.
    vote_all : bool, default=False
        Whether LeNet and ResNet18, for their cost single runs by default, are voted
        like the others. With this, or with a single vote for all, what voting does can
        be told from what the model does.
    """

    votes: int = 100
    jobs: int = 1
    max_iter: int | None = None
    copies: int = 10_000
    vote_all: bool = False


ImageShape = tuple[int, ...] | None
Build = Callable[[int, Budget, ImageShape], ClassifierMixin]
# Several where parameters go together, as for `sklearn.model_selection.ParameterGrid`.
Grid = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]]


Program = Literal["medical", "certified"]


@dataclass(frozen=True)
class Model:
    """A model of the comparisons, a column of the paper's tables.

    Parameters
    ----------
    name : str
        What the user types.
    label : str
        Its heading in tables, in the paper's words.
    summary : str
        A line about it.
    build : callable
        Takes a seed, a `Budget` and the shape of an image (height and width, for color
        also the number of channels; None for a table), returns an estimator that is
        not fitted. Whatever the shape, the rows it is fitted on are flat.
    bounding : Bounding, default=DecisionsOnly()
        What bounds the distances of its images to adversarial ones: its certificate and
        the attacks that know it.
    needs_images : bool, default=False
        Whether it can't be built for a table.
    modules : tuple of str, default=()
        Top-level modules that it needs to be trained and others don't.
    programs : tuple of {"medical", "certified"}, default=("medical",)
        Which programs run it where the user names no models.
    extra : str, default="benchmarks"
        The package's extra that installs `modules`.
    grid : mapping of str to sequence, or list of such, default={}
        Parameters that ``benchmarks.certified`` chooses from by cross-validation; a
        model with a grid is a Pipeline, or a smoothed one. Elsewhere its parameters are
        those it is built with.
    folds : int, default=4
        How many of the four folds of the training images are held out in turn to choose
        from the grid; 1 where training is dear.
    sigmas : sequence of float, default=()
        ``benchmarks.certified`` smooths the trained model as well, beside its own
        certificate, by noise of one of these standard deviations.
    cost : Cost or None, default=None
        What it costs, for estimates of how long a run takes; None if not known.
    """

    name: str
    label: str
    summary: str
    build: Build
    bounding: Bounding = field(default_factory=DecisionsOnly)
    needs_images: bool = False
    modules: tuple[str, ...] = ()
    programs: tuple[Program, ...] = ("medical",)
    extra: str = "benchmarks"
    grid: Grid = field(default_factory=dict)
    folds: int = 4
    sigmas: Sequence[float] = ()
    cost: Cost | None = None
