"""What pytest leaves out where an extra is not installed, and no windows."""

import os
from importlib.util import find_spec

os.environ["MPLBACKEND"] = "agg"  # read when matplotlib is imported

# Files that import the packages, or whose examples do.
NEEDS = {
    "docs/robustness.rst": ["art"],
    "sklearn_scd/export/_graph.py": ["skl2onnx"],
    "sklearn_scd/export/_onnx.py": ["skl2onnx", "onnxruntime"],
    "sklearn_scd/inspection/_*.py": ["matplotlib"],
    "sklearn_scd/robustness/_art.py": ["art"],
    "sklearn_scd/robustness/_attacks.py": ["art"],
    "sklearn_scd/robustness/_bridge.py": ["art"],
    "sklearn_scd/robustness/_distortion.py": ["art"],
}
collect_ignore_glob = [
    module
    for module, packages in NEEDS.items()
    if any(find_spec(package) is None for package in packages)
]
