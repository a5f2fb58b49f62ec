"""Find out whether a pipeline's first steps are affine, and fold them into rows."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.pipeline import Pipeline

from sklearn_scd._typing import FittedClassifier, Floats
from sklearn_scd.robustness._samples import ask

_BLOCK = 256  # directions probed at a time
_N_CHECKS = 16
_TOLERANCE = 1e-4  # of the largest value: the steps may compute in float32
_DENSE = 0.1  # share of entries from which a block is multiplied as dense


def split_pipeline(
    estimator: FittedClassifier,
) -> tuple[Pipeline | None, FittedClassifier]:
    """The steps before the classifier, and the classifier.

    Parameters
    ----------
    estimator : fitted estimator
        A classifier, a `Pipeline`, or a search with its `best_estimator_`.

    Returns
    -------
    transformer : Pipeline or None
        None where there are no steps before the classifier.
    classifier : fitted estimator
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    if not isinstance(estimator, Pipeline):
        return None, estimator
    classifier = estimator[-1]
    transformer = estimator[:-1]
    inner, classifier = split_pipeline(classifier)
    if inner is not None:
        transformer = Pipeline([*transformer.steps, ("inner", inner)])
    return (transformer if len(transformer) else None), classifier


def fold(transformer: Pipeline, rows: Floats, X: NDArray[Any]) -> tuple[Floats, Floats]:
    """Rows of a linear layer in the coordinates before an affine transformer.

    With ``transform(x) = T x + s``, ``rows @ transform(x)`` is
    ``(rows @ T) @ x + rows @ s``. T is found by transforming the origin and a step
    along each feature, and never stored.

    Parameters
    ----------
    transformer : fitted transformer
    rows : ndarray of shape (n_rows, n_transformed)
    X : ndarray of shape (n_samples, n_features)
        Samples at which the transformer must be what the steps say, beside random ones
        around them.

    Returns
    -------
    folded : ndarray of shape (n_rows, n_features), float64
    offsets : ndarray of shape (n_rows,), float64

    Raises
    ------
    ValueError
        If the transformer is not affine.
    """
    n_features = X.shape[1]
    origin = _transform(transformer, np.zeros((1, n_features)))
    folded = np.empty((rows.shape[0], n_features))
    for start in range(0, n_features, _BLOCK):
        stop = min(start + _BLOCK, n_features)
        steps = np.zeros((stop - start, n_features))
        steps[np.arange(stop - start), np.arange(start, stop)] = 1.0
        block = _transform(transformer, steps) - origin
        folded[:, start:stop] = _product(block, rows).T
    offsets = rows @ origin[0]
    _check_affine(transformer, rows, folded, offsets, X)
    return folded, offsets


def _transform(transformer: Pipeline, X: Any) -> Floats:
    """Transform samples to a dense array, whatever goes in and comes out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = ask(transformer, "transform", X)
    out = out.toarray() if sparse.issparse(out) else np.asarray(out)
    return out.astype(np.float64)


def _product(block: Any, rows: Floats) -> Floats:
    """``block @ rows.T``; what scales or selects features has few entries."""
    if np.count_nonzero(block) < _DENSE * block.size:
        block = sparse.csr_array(block)
    return block @ rows.T


def _check_affine(
    transformer: Pipeline,
    rows: Floats,
    folded: Floats,
    offsets: Floats,
    X: NDArray[Any],
) -> None:
    """Compare with the transformer at samples, around them and far from them."""
    rng = np.random.RandomState(0)
    spread = 1.0 + np.abs(X).max(initial=0.0)
    around = X[rng.randint(len(X), size=_N_CHECKS)] if len(X) else 0.0
    noise = spread * rng.standard_normal((_N_CHECKS, X.shape[1]))
    points = np.concatenate([X[:_N_CHECKS], around + 0.1 * noise, noise, 10 * noise])
    got = _transform(transformer, points) @ rows.T
    expected = points @ folded.T + offsets
    scale = np.linalg.norm(points, axis=1, keepdims=True) * np.linalg.norm(
        folded, axis=1
    ) + np.abs(offsets)
    if not (np.abs(got - expected) <= _TOLERANCE * scale + 1e-12).all():
        raise ValueError(
            f"The steps before the classifier, {_names(transformer)}, are not affine: "
            "only scalers, projections and other affine steps keep a distance that can "
            "be computed; put other steps outside the pipeline."
        )


def _names(transformer: Pipeline) -> str:
    steps = getattr(transformer, "steps", [("", transformer)])
    return ", ".join(type(step).__name__ for _, step in steps)
