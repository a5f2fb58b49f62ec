"""What pytest leaves out where an extra is not installed, and no windows."""

import os
from importlib.util import find_spec

import numpy as np
import pytest

os.environ["MPLBACKEND"] = "agg"  # read when matplotlib is imported

# Files that import the packages, or whose examples do.
NEEDS = {
    "docs/first_steps.rst": ["matplotlib"],
    "docs/attack_your_model.rst": ["art"],
    "docs/parameters.rst": ["pandas"],
    "sklearn_scd/export/_*.py": ["skl2onnx", "onnxruntime"],
    "sklearn_scd/inspection/_*.py": ["matplotlib"],
    "sklearn_scd/robustness/_attacks/art_classifier.py": ["art"],
    "sklearn_scd/robustness/_attacks/repeatable.py": ["art"],
    "sklearn_scd/robustness/_attacks/bridge.py": ["art"],
    "sklearn_scd/robustness/_attacks/minimum_distortion.py": ["art"],
}
collect_ignore_glob = [
    module
    for module, packages in NEEDS.items()
    if any(find_spec(package) is None for package in packages)
]


@pytest.fixture(autouse=True)
def _seed_of_the_test():
    """No `random_state` is a seed too: a test passes always or never."""
    np.random.seed(0)  # noqa: NPY002, scikit-learn's check_random_state reads this one


@pytest.fixture(autouse=True, scope="session")
def _key_of_the_tests(tmp_path_factory):
    """Runs of the benchmark make no key among the user's own files."""
    with pytest.MonkeyPatch.context() as patch:
        path = tmp_path_factory.mktemp("key") / "pieces.key"
        patch.setenv("SKLEARN_SCD_KEY", str(path))
        yield
