"""Conversion to ONNX, by a converter that skl2onnx is told of."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_scd._active_subspace import ActiveSubspace
from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._frames import that_knows_its_features
from sklearn_scd._pixel_means import PixelMeans
from sklearn_scd._sign_convolution import SignConvolution
from sklearn_scd.affine._pipeline import split_pipeline

if TYPE_CHECKING:
    from onnx import ModelProto

_INPUTS = {
    "float32": "FloatTensorType",
    "float64": "DoubleTensorType",
    "uint8": "UInt8TensorType",
}


def _require_skl2onnx() -> ModuleType:
    """Import skl2onnx.

    Raises
    ------
    ImportError
        If it is not installed; the message says how to install it.
    """
    try:
        import skl2onnx
    except ImportError as error:
        raise ImportError(
            "Conversion to ONNX needs skl2onnx: pip install 'sklearn-scd[onnx]'"
        ) from error
    module: ModuleType = skl2onnx
    return module


def register_onnx_converter() -> None:
    """Tell skl2onnx how SCDClassifier and the transformers here are converted.

    From then on ``skl2onnx.to_onnx`` and ``skl2onnx.convert_sklearn`` take a
    :class:`~sklearn_scd.SCDClassifier` wherever they take a classifier of scikit-learn:
    in a `Pipeline`, a search, a `VotingClassifier`, a `StackingClassifier`, a
    `CalibratedClassifierCV`, and :class:`~sklearn_scd.ActiveSubspace`,
    :class:`~sklearn_scd.PixelMeans` and :class:`~sklearn_scd.SignConvolution` before
    any of them. Calling it again does nothing new.

    The converter knows skl2onnx's options ``zipmap``, ``nocl``, ``raw_scores`` and
    ``output_class_labels``. It needs an opset of 13 or later.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    Notes
    -----
    skl2onnx converts some meta-estimators to graphs that decide otherwise than the
    model, whatever classifier is in them. From this call on, the conversion of such a
    model raises NotImplementedError where an SCDClassifier is in it. That are:

    - `CalibratedClassifierCV` with ``method='temperature'``, or around other models
      than an SCDClassifier, pipelines that end with it and searches;
    - `StackingClassifier` of anything but probabilities;
    - `VotingClassifier` with weights for hard votes, with weights that are no NumPy
      array or beside dropped models, and of SCDClassifiers alone whose probabilities
      are shares of votes (``voting='hard'``): their means tie;
    - `BaggingClassifier` of such SCDClassifiers for float32 input;
    - `AdaBoostClassifier` for float64 input;
    - `OneVsRestClassifier` of such SCDClassifiers for more than two classes;
    - `OneVsOneClassifier` and `TunedThresholdClassifierCV`.

    Calibrated models around an SCDClassifier have a converter of their own, for that
    of skl2onnx reads isotonic calibrations coarsely. Nothing changes for models
    without an SCDClassifier.

    Examples
    --------
    >>> import skl2onnx
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import VotingClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_scd import SCDClassifier
    >>> from sklearn_scd.export import register_onnx_converter
    >>> X, y = load_iris(return_X_y=True)
    >>> models = [
    ...     ("linear", LogisticRegression(max_iter=500)),
    ...     ("scd", SCDClassifier(n_estimators=3, max_iter=9)),
    ... ]
    >>> model = VotingClassifier(models, flatten_transform=False).fit(X, y)
    >>> register_onnx_converter()
    >>> [output.name for output in skl2onnx.to_onnx(model, X[:1]).graph.output]
    ['output_label', 'output_probability']
    """
    _require_skl2onnx()
    from skl2onnx import update_registered_converter

    from sklearn_scd.export import _graph, _meta_estimators, _patch_units, _projection

    update_registered_converter(
        ActiveSubspace,
        "SklearnSCDActiveSubspace",
        _projection.set_output_type,
        _projection.convert_product,
    )
    update_registered_converter(
        PixelMeans,
        "SklearnSCDPixelMeans",
        _projection.set_output_type,
        _projection.convert_blocks,
    )
    update_registered_converter(
        SignConvolution,
        "SklearnSCDSignConvolution",
        _patch_units.set_shares_type,
        _patch_units.convert_shares,
    )
    update_registered_converter(
        SCDClassifier,
        "SklearnSCDClassifier",
        _graph.set_output_types,
        _graph.convert,
        options={
            "zipmap": [True, False, "columns"],
            "nocl": [True, False],
            "output_class_labels": [False, True],
            "raw_scores": [True, False],
        },
    )
    _meta_estimators.guard_meta_estimators()


def to_onnx(
    estimator: Any, *, dtype: DTypeLike | None = None, target_opset: int | None = None
) -> ModelProto:
    """Convert a fitted model to ONNX.

    Parameters
    ----------
    estimator : SCDClassifier, or Pipeline that ends with one
        Or a search over them. The other steps must be such as skl2onnx converts:
        scalers, PCA and many more, ActiveSubspace, PixelMeans or SignConvolution.

    dtype : {'float32', 'float64', 'uint8'} or dtype, default=None
        Of the input. None is what the networks compute in: float64 where they were
        trained on float64, else float32. The networks convert from any of the three,
        as they do in predict; most other steps take no uint8.

    target_opset : int, default=None
        Version of ONNX's operators, at least 13. None is the latest that skl2onnx
        knows; an older runtime may need a smaller one.

    Returns
    -------
    model : onnx.ModelProto
        With one input ``X`` of shape (n_samples, n_features) and two outputs: ``label``
        of shape (n_samples,), strings or int64 as in `classes_`, and ``probabilities``
        of shape (n_samples, n_classes), float64 where `dtype` is, else float32. The
        model's description names the dtype that ``X`` must have: a runtime converts
        none.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.
    TypeError
        If the estimator does not end with an SCDClassifier.
    ValueError
        If `dtype` is none of the three.

    Notes
    -----
    The graph does what predict and predict_proba do, in the same precision, with the
    same strict comparisons and the same ties. What may differ is the order in which a
    runtime adds up ``w . x``, and the rounding of a pipeline's other steps: a sample
    that lies on a hyperplane to within that rounding may fall on its other side. In
    ``float32`` predict computes such products once more in ``float64``, and certified
    radii are of what it says; a graph in ``float32`` may name another class near a
    hyperplane. In measurements on images no class differed, and a vote on 6 of 93,002
    images. Binary weights on integers are added without any rounding while sums stay
    below 2**24: on uint8 images of up to 65,793 pixels.

    Weights are stored once, as they are: 100 votes of 20 units on 9,216 pixels are 74
    MB of float32, or 18 MB of int8 with binary weights.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_scd import SCDClassifier
    >>> from sklearn_scd.export import to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), SCDClassifier(n_estimators=3))
    >>> data = to_onnx(model.fit(X, y)).SerializeToString()

    Any runtime of ONNX predicts from these bytes:

    >>> import onnxruntime
    >>> session = onnxruntime.InferenceSession(
    ...     data, providers=["CPUExecutionProvider"])
    >>> session.get_modelmeta().description
    'SCDClassifier. Input X: float64, (n_samples, 4).'
    >>> labels, probabilities = session.run(None, {"X": X[:5]})
    >>> labels.shape, probabilities.shape
    ((5,), (5, 3))
    """
    skl2onnx = _require_skl2onnx()
    from skl2onnx.common import data_types

    _, classifier = split_pipeline(estimator)
    if not isinstance(classifier, SCDClassifier):
        raise TypeError(
            "estimator must be a fitted SCDClassifier or a Pipeline that ends with "
            f"one, got {type(classifier).__name__}. For other models around an "
            "SCDClassifier call register_onnx_converter, then skl2onnx.to_onnx."
        )
    check_is_fitted(classifier)
    name = np.dtype(classifier.hidden_intercept_.dtype if dtype is None else dtype).name
    if name not in _INPUTS:
        raise ValueError(f"dtype must be one of {', '.join(_INPUTS)}, got {dtype!r}.")
    input_type = getattr(data_types, _INPUTS[name])
    n_features = getattr(that_knows_its_features(estimator), "n_features_in_", None)
    register_onnx_converter()
    model = skl2onnx.to_onnx(
        _without_passthrough(getattr(estimator, "best_estimator_", estimator)),
        initial_types=[("X", input_type([None, n_features]))],
        options={SCDClassifier: {"zipmap": False}},
        target_opset=target_opset,
    )
    wanted = f"{name}, (n_samples, {n_features})"
    model.graph.input[0].doc_string = wanted
    model.doc_string = f"{type(classifier).__name__}. Input X: {wanted}."
    return model


def _without_passthrough(estimator: Any) -> Any:
    """The same pipeline without ``'passthrough'``, which skl2onnx asks for its tags."""
    if not isinstance(estimator, Pipeline):
        return estimator
    steps = [(name, step) for name, step in estimator.steps if hasattr(step, "fit")]
    return estimator if len(steps) == len(estimator.steps) else Pipeline(steps)
