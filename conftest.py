"""What pytest leaves out where an extra is not installed."""

from importlib.util import find_spec

import pytest

collect_ignore_glob = []
if find_spec("art") is None:  # modules that import it, or whose examples do
    collect_ignore_glob += [
        f"sklearn_scd/robustness/{name}.py" for name in ("_art", "_attacks", "_bridge")
    ]


@pytest.fixture(autouse=True, scope="session")
def _key_of_the_tests(tmp_path_factory):
    """Runs of the benchmark make no key among the user's own files."""
    with pytest.MonkeyPatch.context() as patch:
        path = tmp_path_factory.mktemp("key") / "pieces.key"
        patch.setenv("SKLEARN_SCD_KEY", str(path))
        yield
