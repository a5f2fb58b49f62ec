"""What the figures were measured with."""

import os
import platform
from importlib import metadata
from pathlib import Path

import joblib

import sklearn_scd

# Read from what is installed: importing torch would take seconds.
DISTRIBUTIONS = {
    "numpy": "numpy",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "numba": "numba",
    "joblib": "joblib",
    "skimage": "scikit-image",
    "art": "adversarial-robustness-toolbox",
    "torch": "torch",
    "torchvision": "torchvision",
    "deel": "deel-torchlip",
}


def environment() -> dict[str, object]:
    """Return versions and hardware, without any path or name of the machine."""
    return {
        "versions": versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "cores_available": joblib.cpu_count(),
    }


def versions() -> dict[str, str | None]:
    """Return versions of Python and of what computes, None for what isn't there."""
    return {
        "python": platform.python_version(),
        "sklearn_scd": sklearn_scd.__version__,
        **{name: _version(name) for name in DISTRIBUTIONS},
    }


def _version(module: str) -> str | None:
    try:
        return metadata.version(DISTRIBUTIONS[module])
    except metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or "unknown"
