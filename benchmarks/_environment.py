"""What the figures were measured with."""

import os
import platform
from importlib import import_module
from pathlib import Path

import joblib

MODULES = ("numpy", "scipy", "sklearn", "numba", "joblib", "skimage", "sklearn_scd")


def environment() -> dict[str, object]:
    """Return versions and hardware, without any path or name of the machine."""
    return {
        "versions": {"python": platform.python_version()}
        | {name: getattr(import_module(name), "__version__", None) for name in MODULES},
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "cores_available": joblib.cpu_count(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or "unknown"
