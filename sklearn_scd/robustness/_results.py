"""What an attack found for each sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._optional_dependencies import check_pandas_support

from sklearn_scd._typing import Floats

if TYPE_CHECKING:
    import pandas as pd

ATTACKED, MISCLASSIFIED, NO_START, STOPPED, NOT_ATTACKED, IS_TARGET = (
    "attacked",
    "misclassified",
    "no_start",
    "stopped",
    "not_attacked",
    "is_target",
)


@dataclass(frozen=True, repr=False)
class DistortionResult:
    """What an attack found for each sample.

    Attributes
    ----------
    distances : ndarray of shape (n_samples,), float64
        Size of the smallest adversarial perturbation found, in the units of X: an upper
        bound on the minimal one. 0 where it is misclassified as it is, inf
        where nothing was found, NaN where there was nothing to attack, or an attack
        that was ended did not get to.

    adversarials : ndarray of shape (n_samples, n_features)
        The adversarial samples; the sample itself where it is misclassified, NaN where
        nothing was found.

    queries : ndarray of shape (n_samples,), int64
        Samples that the classifier was asked about, all restarts together.

    status : ndarray of shape (n_samples,), str
        ``'attacked'``; ``'misclassified'``: there is nothing to attack;
        ``'is_target'``: nor is there where the target is the true class;
        ``'no_start'``: no sample of another class was found to start from;
        ``'stopped'``: no restart could go on to its last iteration, the best found
        until then is kept; ``'not_attacked'``: the attack was ended before this sample.

    history : ndarray of shape (n_samples, max_iter + 1), float64
        The smallest distance, over the restarts, after 0, 1, ... iterations of
        HopSkipJump. NaN where it did not run.

    norm : float
        1, 2 or inf.

    attack : str
        Its name.
    """

    distances: Floats
    adversarials: NDArray[Any]
    queries: NDArray[np.int64]
    status: NDArray[np.str_]
    history: Floats
    norm: float = 2.0
    attack: str = "hop_skip_jump"

    def to_frame(self) -> pd.DataFrame:
        """Distances, status and queries as a data frame.

        Returns
        -------
        frame : pandas.DataFrame
            A row a sample.
        """
        return frame_of(
            "DistortionResult",
            {
                "distance": self.distances,
                "status": self.status,
                "queries": self.queries,
            },
        )  # fmt: skip

    def _facts(self) -> dict[str, str]:
        found = np.isfinite(self.distances) & (self.status != MISCLASSIFIED)
        counts = {
            status: int((self.status == status).sum())
            for status in (MISCLASSIFIED, IS_TARGET, NOT_ATTACKED)
        }
        none = int(np.isinf(self.distances).sum())
        facts = {
            "attack": self.attack,
            "norm": norm_name(self.norm),
            "samples": str(self.distances.size),
            "found": str(int(found.sum())),
            "median distance": median_of(self.distances[found]),
        }
        if none:
            facts["nothing found"] = str(none)
        for status, n in counts.items():
            if n:
                facts[status.replace("_", " ")] = str(n)
        return facts

    def __repr__(self) -> str:
        return in_one_line("DistortionResult", self._facts())

    def _repr_html_(self) -> str:
        return as_html("DistortionResult", self._facts())


def norm_name(norm: float) -> str:
    """L1, L2 or Linf."""
    return f"L{norm:g}"


def median_of(values: NDArray[Any]) -> str:
    """The median in words; what is not known is left out.

    Of an even number of values it lies midway between the middle two, as elsewhere: the
    upper one would tell too much of lower bounds.
    """
    known = values[~np.isnan(values)]
    return f"{np.median(known):.4g}" if known.size else "none"


def in_one_line(name: str, facts: Mapping[str, str]) -> str:
    """A result as its repr.

    Parameters
    ----------
    name : str
        Of the class.
    facts : mapping of str to str
        What is said, by what it is.
    """
    return f"{name}({', '.join(f'{key}: {value}' for key, value in facts.items())})"


def as_html(name: str, facts: Mapping[str, str]) -> str:
    """The same as a table for notebooks."""
    rows = "".join(
        f"<tr><th style='text-align: left'>{escape(key)}</th>"
        f"<td style='text-align: left'>{escape(value)}</td></tr>"
        for key, value in facts.items()
    )
    return f"<table><caption>{escape(name)}</caption><tbody>{rows}</tbody></table>"


def frame_of(name: str, columns: Mapping[str, Any]) -> pd.DataFrame:
    """A data frame of columns.

    Parameters
    ----------
    name : str
        Of the class, for the error where pandas is missing.
    columns : mapping of str to ndarray of shape (n_rows,)
    """
    check_pandas_support(f"{name}.to_frame")
    import pandas as pd

    return pd.DataFrame(dict(columns))
