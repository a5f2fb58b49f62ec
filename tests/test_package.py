"""The package itself: what it imports, and that what is public is documented."""

import dataclasses
import inspect
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import sklearn_scd
from sklearn_scd import (
    ActiveSubspace,
    PixelMeans,
    RobustPipeline,
    SCDClassifier,
    SignConvolution,
    affine,
    export,
    inspection,
    make_robust_scd,
    precompile,
    robustness,
)
from sklearn_scd._voting_networks import VotingNetworks
from sklearn_scd.robustness import (
    AgreementDetector,
    AttackedSample,
    SmoothedClassifier,
)


def _public_methods(kind):
    """Methods that the class defines itself; scikit-learn adds some to it."""
    found = [getattr(kind, name) for name in vars(kind) if not name.startswith("_")]
    return [
        item
        for item in found
        if inspect.isroutine(item) and item.__module__.startswith("sklearn_scd")
    ]


ROBUSTNESS = [getattr(robustness, name) for name in robustness.__all__]
RESULTS = [item for item in ROBUSTNESS if dataclasses.is_dataclass(item)]
FUNCTIONS = [item for item in ROBUSTNESS if inspect.isfunction(item)]
AFFINE = [affine.AffineMap, affine.affine_map, affine.register_affine]
AFFINE += [affine.rounding_factor]
EXPORT = [getattr(export, name) for name in export.__all__]
DISPLAYS = [getattr(inspection, name) for name in inspection.__all__]
PROPERTIES = [
    item.fget
    for result in RESULTS
    for item in vars(result).values()
    if isinstance(item, property)
]
METHODS = [
    method
    for kind in (
        ActiveSubspace,
        PixelMeans,
        SCDClassifier,
        SignConvolution,
        VotingNetworks,  # whose methods it inherits
        affine.AffineMap,
        *RESULTS,
        *DISPLAYS,
        AttackedSample,
        AgreementDetector,
        SmoothedClassifier,
    )
    for method in _public_methods(kind)
]
MODULES = [
    module.__name__ for module in (sklearn_scd, affine, export, inspection, robustness)
]
TOP = [ActiveSubspace, PixelMeans, RobustPipeline, SCDClassifier, SignConvolution]
TOP += [make_robust_scd, precompile]
FIRST_MET = [*TOP, *AFFINE, *FUNCTIONS, AgreementDetector, SmoothedClassifier]
FIRST_MET += [*EXPORT, *DISPLAYS]
PUBLIC = [*FIRST_MET, *METHODS]


def over(items):
    return pytest.mark.parametrize("item", items, ids=lambda item: item.__qualname__)


def test_import_is_silent_and_brings_no_optional_package():
    # scikit-learn itself imports pandas where that is installed.
    code = (
        "import sys, sklearn.base; before = set(sys.modules)\n"
        f"for module in {MODULES}:\n"
        "    __import__(module); print(*(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, *_, last = (set(line.split()) for line in done.stdout.splitlines())
    assert {"sklearn_scd", "numba"} <= first
    assert not first & set(MODULES[1:])
    optional = {"art", "matplotlib", "pandas", "PIL", "skimage", "torch", "tqdm"}
    optional |= {"dask", "distributed", "onnx", "onnxruntime", "polars"}
    assert set(MODULES) <= last
    assert not last & (optional | {"skl2onnx", "skops"})


def test_version_is_that_of_the_installed_package():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", sklearn_scd.__version__)
    try:
        installed = version("sklearn-scd")
    except PackageNotFoundError:
        pytest.skip("run from the source tree")
    assert installed == sklearn_scd.__version__


def test_public_names_are_there():
    public = {item.__name__ for item in TOP}
    assert set(sklearn_scd.__all__) == {"__version__", *public}
    classes = {*RESULTS, AgreementDetector, AttackedSample, SmoothedClassifier}
    assert len(FUNCTIONS) + len(classes) == len(robustness.__all__)
    names = {item.__name__ for item in METHODS}
    assert {"fit", "predict", "predict_proba", "decision_function"} <= names
    assert {"votes", "agreement"} <= names
    assert {item.__name__ for item in PROPERTIES} == {"accuracies", "rates"}
    assert {"plot", "from_estimator", "from_evaluation", "from_predictions"} <= names


def _section(item, title):
    """Names with a type in a section of a numpydoc docstring."""
    text = inspect.getdoc(item)
    found = re.search(
        rf"^{title}\n-+\n(.*?)(?=^[A-Z][\w ]+\n-+$|\Z)", text, re.M | re.S
    )
    return re.findall(r"^\*{0,2}(\w+) :", found.group(1), re.M) if found else []


@over(PUBLIC)
def test_docstring_names_parameters_in_order_and_results(item):
    parameters = [name for name in inspect.signature(item).parameters if name != "self"]
    assert _section(item, "Parameters") == parameters
    nothing = (
        affine.register_affine,
        export.register_onnx_converter,
        precompile,
    )
    returns = not inspect.isclass(item) and item not in nothing
    assert bool(_section(item, "Returns")) == returns


@pytest.mark.parametrize(
    "model",
    [
        ActiveSubspace(2),
        PixelMeans((2, 2)),
        SCDClassifier(n_estimators=1, max_iter=2),
        SmoothedClassifier(LogisticRegression(max_iter=1000)),
    ],
)
def test_docstring_names_all_fitted_attributes(model):
    X, y = load_iris(return_X_y=True)
    pd = pytest.importorskip("pandas")
    model = clone(model).fit(pd.DataFrame(X).add_prefix("f"), y)
    fitted = {name for name in vars(model) if name.endswith("_")}
    assert set(_section(type(model), "Attributes")) == fitted


@over(RESULTS)
def test_docstring_of_a_result_names_its_fields(item):
    fields = [field.name for field in dataclasses.fields(item)]
    assert set(_section(item, "Attributes")) == set(fields)


@over([*PUBLIC, *RESULTS, *PROPERTIES])
def test_docstring_follows_numpydoc(item):
    validate = pytest.importorskip("numpydoc.validate").validate
    name = f"{item.__module__}.{item.__qualname__}"
    # Left out, as in scikit-learn: summaries on one line, extended summaries,
    # "See Also" for all that is public, results without a name, and summaries that
    # are noun phrases.
    ignored = {"GL01", "GL02", "SA01", "ES01", "SS06", "RT02", "SS05"}
    if item not in FIRST_MET:
        ignored.add("EX01")  # no example
    if item in RESULTS:
        ignored.add("PR01")  # fields are attributes, a test of their own
    errors = [error for error in validate(name)["errors"] if error[0] not in ignored]
    assert errors == []


@over([*PUBLIC, *RESULTS, *PROPERTIES])
def test_all_that_is_public_has_type_hints(item):
    signature = inspect.signature(item)
    hints = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if name != "self"
    }
    if not inspect.isclass(item):  # its __init__ returns nothing
        hints["return"] = signature.return_annotation
    missing = [name for name, hint in hints.items() if hint is inspect.Parameter.empty]
    assert missing == []
