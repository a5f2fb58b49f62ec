"""Fresh processes, for what a used one can't tell: peaks, imports, compilation."""

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.common.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_child(*command: str, cache: Path | None = None) -> dict:
    """Run Python in a new process, from the checkout, on one BLAS thread.

    Parameters
    ----------
    *command : str
        Arguments of Python. It prints JSON as its last line.
    cache : Path, optional
        Folder of compiled kernels; by default that of this process.

    Returns
    -------
    dict
        What it printed.

    Raises
    ------
    UserError
        If it fails.
    """
    variables = os.environ | dict.fromkeys(_ONE_THREAD, "1")
    if cache is not None:
        variables["NUMBA_CACHE_DIR"] = str(cache)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise UserError(
            f"a process of the benchmark failed ({last[0]}); leave its section out "
            "with --sections"
        )
    return json.loads(done.stdout.strip().splitlines()[-1])
