"""A program: kill a run of the benchmark at random moments, go on with it, and so on.

``python _killed_runs.py FOLDER N_KILLS SEED ARGUMENT ...``. Runs are forked from one
process that has made an undisturbed run before, so that none has to import anything.
It leaves ``FOLDER/whole`` and ``FOLDER/resumed-0``, ``-1``, ..., one for each run that
came to its end in spite of the kills, the last of which was let go on.
"""

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

# What is optional is imported in functions: pytest looks for doctests here.

SHARE = 0.4  # of a whole run, after which a run is killed at the latest


def main(folder: Path, n_kills: int, seed: int, arguments: list[str]) -> None:
    from tqdm import tqdm

    from benchmarks.medical import __main__ as medical
    from benchmarks.medical import stages

    tqdm.monitor_interval = 0  # no thread of its own, which a fork would not have
    stages.write_report = lambda *_: None  # most of the time of runs so small
    if medical.main([*arguments, "--output", str(folder / "whole")]) != 0:
        sys.exit("the undisturbed run failed")
    start = time.perf_counter()
    wait(fork(folder / "timed", arguments))
    longest = SHARE * (time.perf_counter() - start)
    moments = random.Random(seed)
    killed = ended = 0
    place = folder / "part"
    while killed < n_kills or place.exists():
        run = fork(place, [*arguments, "--resume"])
        if killed < n_kills:
            time.sleep(moments.uniform(0, longest))
            os.kill(run, signal.SIGKILL)
        status = wait(run)
        if os.WIFSIGNALED(status):
            killed += 1
        elif status != 0:
            sys.exit(f"a run failed with status {status}")
        else:
            shutil.move(place, folder / f"resumed-{ended}")
            ended += 1


def fork(folder: Path, arguments: list[str]) -> int:
    """Begin a run in a process of its own; return its id."""
    from benchmarks.medical import __main__ as medical

    process = os.fork()
    if process == 0:
        status = 70
        try:
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), 1)
            status = medical.main([*arguments, "--output", str(folder)])
        finally:
            os._exit(status)
    return process


def wait(process: int) -> int:
    return os.waitpid(process, 0)[1]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
