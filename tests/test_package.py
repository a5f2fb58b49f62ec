"""The package itself: what it imports, and that what is public is documented."""

import dataclasses
import inspect
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest
from sklearn.datasets import load_iris

import sklearn_scd
from sklearn_scd import SCDClassifier, robustness


def _public_methods(kind):
    """Methods that the class defines itself; scikit-learn adds some to it."""
    return [
        item
        for name, item in vars(kind).items()
        if inspect.isfunction(item)
        and not name.startswith("_")
        and item.__module__.startswith("sklearn_scd")
    ]


ROBUSTNESS = [getattr(robustness, name) for name in robustness.__all__]
RESULTS = [item for item in ROBUSTNESS if inspect.isclass(item)]
FUNCTIONS = [item for item in ROBUSTNESS if inspect.isfunction(item)]
PUBLIC = [SCDClassifier, *_public_methods(SCDClassifier), *FUNCTIONS]
public = pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.__qualname__)


def test_import_is_silent_and_brings_no_optional_package():
    # scikit-learn itself imports pandas where that is installed.
    code = (
        "import sys, sklearn.base; before = set(sys.modules); "
        "import sklearn_scd; print(*(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    modules = set(done.stdout.split())
    assert {"sklearn_scd", "numba"} <= modules
    optional = {"art", "matplotlib", "pandas", "PIL", "skimage", "torch", "tqdm"}
    optional |= {"dask", "distributed", "polars"}
    assert not modules & optional


def test_version_is_that_of_the_installed_package():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", sklearn_scd.__version__)
    try:
        installed = version("sklearn-scd")
    except PackageNotFoundError:
        pytest.skip("run from the source tree")
    assert installed == sklearn_scd.__version__


def test_public_names_are_there():
    assert {"SCDClassifier", "__version__"} <= set(sklearn_scd.__all__)
    for name in sklearn_scd.__all__:
        assert hasattr(sklearn_scd, name)
    assert len(FUNCTIONS) + len(RESULTS) == len(robustness.__all__)
    names = {item.__name__ for item in PUBLIC[1:]}
    assert {"fit", "predict", "predict_proba", "decision_function"} <= names
    assert {"votes", "agreement"} <= names


def _section(item, title):
    """Names with a type in a section of a numpydoc docstring."""
    text = inspect.getdoc(item)
    found = re.search(
        rf"^{title}\n-+\n(.*?)(?=^[A-Z][\w ]+\n-+$|\Z)", text, re.M | re.S
    )
    return re.findall(r"^\*{0,2}(\w+) :", found.group(1), re.M) if found else []


@public
def test_docstring_names_parameters_in_order_and_results(item):
    parameters = [name for name in inspect.signature(item).parameters if name != "self"]
    assert _section(item, "Parameters") == parameters
    assert inspect.isclass(item) or _section(item, "Returns")


def test_docstring_names_all_fitted_attributes():
    X, y = load_iris(return_X_y=True)
    pd = pytest.importorskip("pandas")
    model = SCDClassifier(n_estimators=1, max_iter=2).fit(
        pd.DataFrame(X).add_prefix("f"), y
    )
    fitted = {name for name in vars(model) if name.endswith("_")}
    assert set(_section(SCDClassifier, "Attributes")) == fitted


@pytest.mark.parametrize("item", RESULTS, ids=lambda item: item.__qualname__)
def test_docstring_of_a_result_names_its_fields(item):
    fields = [field.name for field in dataclasses.fields(item)]
    assert set(_section(item, "Attributes")) == set(fields)


@public
def test_docstring_follows_numpydoc(item):
    validate = pytest.importorskip("numpydoc.validate").validate
    name = f"{item.__module__}.{item.__qualname__}"
    # Left out, as in scikit-learn: summaries on one line, extended summaries,
    # "See Also" and examples for all that is public, results without a name, and
    # summaries that are noun phrases.
    ignored = {"GL01", "GL02", "SA01", "EX01", "ES01", "SS06", "RT02", "SS05"}
    errors = [error for error in validate(name)["errors"] if error[0] not in ignored]
    assert errors == []
