"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a draft to write to, which takes the place of `path` at the end.

    After an error, or an interruption, `path` is as it was and the draft is gone.

    Parameters
    ----------
    path : Path
        The file to write; its folder must exist.

    Yields
    ------
    Path
        A file beside it, yet to be made.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
