"""What pytest leaves out where an extra is not installed."""

from importlib.util import find_spec

collect_ignore_glob = []
if find_spec("art") is None:  # modules that import it, or whose examples do
    collect_ignore_glob += [
        f"sklearn_scd/robustness/{name}.py"
        for name in ("_art", "_attacks", "_bridge", "_distortion")
    ]
    collect_ignore_glob.append("docs/robustness.rst")
