"""In which norm perturbations are measured, at which sizes, and what a unit is."""

from dataclasses import dataclass

import numpy as np

from benchmarks.common.errors import UserError
from benchmarks.models import Model

GRAY_LEVELS = 255  # of pixels in [0, 1]


@dataclass(frozen=True)
class Norm:
    """A norm of the command line.

    Parameters
    ----------
    name : int or str
        In records: 2, or "inf", as JSON has no infinity.
    order : float
    units : float
        In a pixel's range from 0 to 1.
    sizes : tuple of float
        In units, at which certified accuracy is told.
    search_sizes : tuple of float
        At which parameters are chosen.
    size : str
        What a size is, to be formatted with it.
    radius : str
        What the average of the radii is called.
    """

    name: int | str
    order: float
    units: float
    sizes: tuple[float, ...]
    search_sizes: tuple[float, ...]
    size: str
    radius: str


L2 = Norm(
    name=2,
    order=2.0,
    units=1.0,
    sizes=(0.0, 0.25, 0.5, 1.0, 2.0, 3.0),
    search_sizes=(0.0, 0.5, 1.0, 2.0),
    size="L2 {:g}",
    radius="radius",
)
INF = Norm(
    name="inf",
    order=np.inf,
    units=GRAY_LEVELS,
    sizes=(0.0, 1.0, 2.0, 4.0),
    search_sizes=(0.0, 1.0, 2.0, 4.0),
    size="{:g}/255",
    radius="levels",
)
NORMS = {str(norm.name): norm for norm in (L2, INF)}


def with_bounds_in(norm: Norm, models: list[Model]) -> list[Model]:
    """Leave out models that nothing bounds in a norm, and say so in one line.

    Raises
    ------
    UserError
        If none is left.
    """
    bounded = [model for model in models if norm.order in model.bounding.norms]
    missing = ", ".join(model.name for model in models if model not in bounded)
    told = f"without a bound in L-{norm.name}: {missing}"
    if not bounded:
        raise UserError(f"all models are {told}")
    if missing:
        print(f"Left out, {told}", flush=True)
    return bounded
