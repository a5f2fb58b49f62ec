"""What a fresh process does before it is warm: run by the section `start`."""

import ast
import json
import sys
import time
from pathlib import Path


def time_import(modules: list[str]) -> dict[str, float]:
    """Import modules and time it."""
    start = time.perf_counter()
    for name in modules:
        __import__(name)
    return {"seconds": time.perf_counter() - start}


def list_imports(package: str) -> dict[str, list[str]]:
    """List other packages' modules that importing a package makes it import itself.

    Read from the top level of the modules that the import loads, in that order.
    """
    __import__(package)
    found: dict[str, None] = {}
    own = [n for n in sys.modules if n == package or n.startswith(f"{package}.")]
    for name in own:
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None:
            tree = ast.parse(Path(file).read_text(encoding="utf-8"))
            for node in tree.body:
                found |= dict.fromkeys(_imported(node))
    known = sys.stdlib_module_names | {package}
    return {"modules": [m for m in found if m.partition(".")[0] not in known]}


def _imported(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []


def time_first_fits(dtype: str) -> dict[str, float]:
    """Time the first fit and prediction on a small set."""
    import numpy as np

    from sklearn_scd import SCDClassifier

    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    X = (rng.integers(0, 100, (200, 30)) + 20 * y[:, None]).astype(dtype)
    model = SCDClassifier(n_estimators=1, max_iter=100, random_state=0)
    start, processor = time.perf_counter(), time.process_time()
    model.fit(X, y)
    fitted = time.perf_counter()
    model.predict(X)
    return {
        "fit": fitted - start,
        "fit and predict": time.perf_counter() - start,
        "processor": time.process_time() - processor,
    }


if __name__ == "__main__":
    task = {"import": time_import, "list": list_imports, "fit": time_first_fits}
    print(json.dumps(task[sys.argv[1]](json.loads(sys.argv[2]))))
