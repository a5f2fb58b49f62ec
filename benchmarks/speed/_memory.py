"""Peak memory of one fit or prediction: run as a fresh process by the sections.

The baseline is what the process holds after imports and a warm-up fit, before the
data are made; the peak is the most it ever held. On Linux both come from
``/proc/self/status``: ``VmHWM`` starts anew with the program, while ``ru_maxrss`` of a
child starts at what its parent held. Elsewhere both are ``ru_maxrss``.
"""

import json
import sys
from pathlib import Path

HOW = (
    "Memory: peak of a fresh process minus what it held after imports and a warm-up "
    "fit, before the data were made (VmHWM and VmRSS on Linux, else ru_maxrss)."
)
_STATUS = Path("/proc/self/status")


def measurable() -> bool:
    """Tell whether this platform says how much memory a process held."""
    return _held("VmHWM") is not None


def main(case: dict) -> dict[str, int]:
    """Fit or predict once.

    Parameters
    ----------
    case : dict
        `task` ("fit" or "predict"), `n_rows`, `n_features`, `votes`, `jobs` and, for
        a fit, `max_iter`.

    Returns
    -------
    dict
        `extra`, `X`, `y` and `model`, all in bytes.
    """
    from benchmarks.speed.made_images import made_images
    from sklearn_scd import SCDClassifier

    options = {"n_estimators": case["votes"], "n_jobs": case["jobs"], "random_state": 0}
    X, y = made_images(300, case["n_features"])
    # The warm-up's model is the one that predicts: its weights don't matter for that.
    model = SCDClassifier(max_iter=1, **options).fit(X, y)
    model.predict(X)
    del X, y
    before = _held("VmRSS")
    X, y = made_images(case["n_rows"], case["n_features"])
    if case["task"] == "fit":
        model = SCDClassifier(max_iter=case["max_iter"], **options).fit(X, y)
    else:
        model.predict(X)
    peak = _held("VmHWM")
    if before is None or peak is None:
        raise SystemExit("this platform does not say how much memory a process held")
    return {
        "extra": peak - before,
        "X": X.nbytes,
        "y": y.nbytes,
        "model": _model_bytes(model),
    }


def _model_bytes(model: object) -> int:
    arrays = [value for name, value in vars(model).items() if name.endswith("_")]
    return sum(getattr(array, "nbytes", 0) for array in arrays)


def _held(key: str) -> int | None:
    """Bytes held now (VmRSS) or at most (VmHWM); None where that can't be told."""
    if _STATUS.exists():
        for line in _STATUS.read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
