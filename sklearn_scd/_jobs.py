"""Jobs on threads, or wherever joblib's context says: processes, a cluster."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

from joblib import Parallel
from joblib.parallel import get_active_backend

_MAX_LOSSES = 3  # of a cluster's data, without a job done in between


def run_jobs(
    jobs: list[Any], n_jobs: int | None, keep: Callable[[int, Any], None]
) -> None:
    """Run jobs, and hand over the place and the result of each, in their order.

    A cluster runs the jobs of workers that die elsewhere, but cancels all if data died
    with them. The data are then sent anew, with the jobs that are left.

    Parameters
    ----------
    jobs : list of calls, as :func:`joblib.delayed` makes them
    n_jobs : int or None
    keep : callable
        Called with the place of a job and its result. What it raises ends the run.

    Raises
    ------
    concurrent.futures.CancelledError
        If data are lost again and again.
    """
    backend, _ = get_active_backend(prefer="threads")
    as_they_come = backend.supports_return_generator  # multiprocessing doesn't
    options = {"return_as": "generator" if as_they_come else "list"}
    n_done = n_losses = 0
    while n_done < len(jobs):
        # A new one each time: to the last one, late results may still come.
        results = Parallel(n_jobs, prefer="threads", **options)(jobs[n_done:])
        try:
            for result in results:
                keep(n_done, result)
                n_done, n_losses = n_done + 1, 0
        except CancelledError:
            n_losses += 1
            if n_losses > _MAX_LOSSES:
                raise
        except BaseException as error:
            if as_they_come:
                results.throw(error)  # joblib stops the jobs that are left
            raise
