"""Which images belong together, as far as their names tell."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np


def groups_by_name(files: Iterable[Path], pattern: re.Pattern) -> np.ndarray | None:
    """Group files by the part of their names that a pattern finds.

    Parameters
    ----------
    files : iterable of Path
        The files, in the order of the samples.
    pattern : re.Pattern
        Found anywhere in the name. The group is what its first group that takes part
        matches, or all of the match if it has none.

    Returns
    -------
    ndarray of str, shape (n_files,), or None
        A file of which the pattern finds nothing is a group of its own; None if it
        finds nothing in any.
    """
    names = [file.name for file in files]
    matches = [pattern.search(name) for name in names]
    if not any(matches):
        return None
    return np.array(
        [
            match[match.lastindex or 0] if match else name
            for name, match in zip(names, matches, strict=True)
        ]
    )
