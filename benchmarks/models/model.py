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
    vote_all : bool, default=False
        Whether LeNet and ResNet18, for their cost single runs by default, are voted
        like the others. With this, or with a single vote for all, what voting does can
        be told from what the model does.
    """

    votes: int = 100
    jobs: int = 1
    max_iter: int | None = None
    vote_all: bool = False


ImageShape = tuple[int, ...] | None
Build = Callable[[int, Budget, ImageShape], ClassifierMixin]


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
    grid : mapping of str to sequence, default={}
        Parameters that ``benchmarks.certified`` chooses from by cross-validation; a
        model with a grid is a Pipeline. Elsewhere its parameters are those it is built
        with.
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
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    cost: Cost | None = None
