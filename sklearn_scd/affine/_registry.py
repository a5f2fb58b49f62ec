"""Which rule tells the affine map of a transformer."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import isclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils.validation import check_is_fitted

from sklearn_scd.affine._map import AffineMap

METHOD = "__sklearn_scd_affine_map__"
Rule: TypeAlias = Callable[[Any, int, np.dtype[Any]], AffineMap]

_rules: dict[type, Rule] = {}


class NotAffineError(ValueError):
    """A transformer is not affine, or nothing tells that it is.

    Rules raise it with the reason: the parameter, or the fitted attribute, that makes
    the transformer something else.
    """


def register_affine(type: type, rule: Rule) -> None:
    """Tell how the affine map of a type of transformers is read from a fitted one.

    Parameters
    ----------
    type : type
        Of the transformers. The rule holds for subclasses, too, as long as they
        redefine neither `transform` nor a private method of `type`, by which
        `transform` may do its work; those need rules of their own.

    rule : callable
        ``rule(transformer, n_features, dtype)`` with the fitted transformer, the number
        of features that come in and their dtype, float32 or float64. It returns an
        :class:`AffineMap`, or raises :class:`NotAffineError` with the reason why this
        transformer is not affine. It replaces the rule that `type` had.

    Raises
    ------
    TypeError
        If `type` is not a class, or `rule` not callable.

    See Also
    --------
    affine_map : Where it is asked for.

    Notes
    -----
    A class of your own may have the rule as a method instead,
    ``__sklearn_scd_affine_map__(self, n_features, dtype)``. Its name follows those of
    scikit-learn's own protocols, such as ``__sklearn_tags__``: the package that asks
    for it is in the name, so that no other meaning can be meant, and this package need
    not be imported to define it. Of rules and methods that of the most derived class is
    asked, and the rule before the method.

    Examples
    --------
    A transformer that takes the differences of neighboring features:

    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator, TransformerMixin
    >>> from sklearn_scd.affine import AffineMap, affine_map, register_affine
    >>> class Differences(TransformerMixin, BaseEstimator):
    ...     def fit(self, X, y=None):
    ...         self.n_features_in_ = X.shape[1]
    ...         return self
    ...     def transform(self, X):
    ...         return np.diff(X, axis=1)
    >>> def rule(transformer, n_features, dtype):
    ...     matrix = np.diff(np.eye(n_features), axis=0)
    ...     return AffineMap.computed(matrix, working_dtype=dtype)
    >>> register_affine(Differences, rule)
    >>> affine_map(Differences().fit(np.zeros((1, 3)))).matrix
    array([[-1.,  1.,  0.],
           [ 0., -1.,  1.]])
    """
    if not isclass(type):
        raise TypeError(f"type must be a class, got {type!r}.")
    if not callable(rule):
        raise TypeError(f"rule must be callable, got {rule!r}.")
    _rules[type] = rule


def affine_map(
    transformer: Any, n_features: int | None = None, dtype: DTypeLike = np.float64
) -> AffineMap:
    """The affine map of a fitted transformer, with a bound on its rounding.

    Nothing is found out by trying: a rule for its type reads the map from the fitted
    attributes.

    Parameters
    ----------
    transformer : fitted transformer, 'passthrough' or None
        The last two are the identity.

    n_features : int, default=None
        Features that come in. None is the transformer's `n_features_in_`.

    dtype : {'float32', 'float64'} or dtype, default='float64'
        Of the samples to be transformed. scikit-learn computes in float32 where samples
        and fitted attributes are.

    Returns
    -------
    affine_map : AffineMap
        The map and a bound on its rounding.

    Raises
    ------
    NotAffineError
        If the transformer, or a step of it, is not affine, or no rule is known for its
        type. It is a ValueError.

    NotFittedError
        If it is not fitted.

    ValueError
        If `n_features` is not that of the transformer or of its rule's map, or a scale
        is out of range.

    TypeError
        If a rule returns no AffineMap.

    See Also
    --------
    register_affine : Add a rule.

    Examples
    --------
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from sklearn_scd.affine import affine_map
    >>> scaler = MinMaxScaler().fit([[10.0], [14.0]])
    >>> of_scaler = affine_map(scaler)
    >>> of_scaler.matrix.toarray(), of_scaler.centre, of_scaler.value
    (array([[0.25]]), array([10.]), array([0.]))
    """
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {dtype}.")
    if transformer is None or isinstance(transformer, str):
        return _of_nothing(transformer, n_features, dtype)
    check_is_fitted(transformer)
    known = n_features_in(transformer)
    if n_features is None:
        n_features = known
    if n_features is None:
        raise ValueError(
            f"{_name(transformer)} does not know its number of features: give "
            "n_features."
        )
    if known is not None and known != n_features:
        raise ValueError(
            f"n_features={n_features!r}, but {_name(transformer)} was fitted on "
            f"{known} features."
        )
    found = _rule_for(transformer)(transformer, int(n_features), dtype)
    if not isinstance(found, AffineMap):
        raise TypeError(
            f"The rule for {_name(transformer)} must return an AffineMap, got "
            f"{_name(found)}."
        )
    if found.n_in != n_features:
        raise ValueError(
            f"The rule for {_name(transformer)} has a map of {found.n_in} features, "
            f"but {n_features} come in."
        )
    return found


def _of_nothing(
    transformer: str | None, n_features: int | None, dtype: np.dtype[Any]
) -> AffineMap:
    from sklearn_scd.affine._columns import identity

    if transformer not in (None, "passthrough"):
        raise NotAffineError(f"{transformer!r} is not a transformer")
    if n_features is None:
        raise ValueError(f"n_features is needed for {transformer!r}.")
    return identity(transformer, n_features, dtype)


def _rule_for(transformer: Any) -> Rule:
    """The rule of the most derived class that has one.

    Raises
    ------
    NotAffineError
        If there is none, or the class changes what the rule was made for.
    """
    kind = type(transformer)
    rules = {**_built_in_rules(), **_rules}
    for base in kind.__mro__:
        if base in rules or METHOD in vars(base):
            _check_unchanged(transformer, base)
            return rules[base] if base in rules else getattr(base, METHOD)
    raise NotAffineError(
        f"no rule says that {kind.__name__} is affine; if it is, give a rule by "
        f"sklearn_scd.affine.register_affine({kind.__name__}, rule) or a method "
        f"{METHOD} of its own"
    )


def _check_unchanged(transformer: Any, base: type) -> None:
    """Refuse a subclass that may transform in another way than `base`."""
    kind = type(transformer)
    derived = kind.__mro__[: kind.__mro__.index(base)]
    to_be_defined = getattr(base, "__abstractmethods__", ())
    for name in [*(n for c in derived for n in vars(c)), *vars(transformer)]:
        if name in to_be_defined or not _does_the_work(name, base):
            continue
        raise NotAffineError(
            f"{kind.__name__} redefines {name} of {base.__name__}, whose rule does not "
            f"hold for it then; give one by sklearn_scd.affine.register_affine("
            f"{kind.__name__}, rule) or a method {METHOD} of its own"
        )


def _does_the_work(name: str, base: type) -> bool:
    """Whether `name` is `transform`, or a private method by which it may work."""
    if name == "transform":
        return True
    private = name.startswith("_") and not name.startswith("__")
    return private and callable(getattr(base, name, None))


@cache
def _built_in_rules() -> dict[type, Rule]:
    """The rules for scikit-learn's transformers and ours, imported when asked for."""
    from sklearn_scd.affine import _columns, _composites, _projections, _scalers

    rules: dict[type, Rule] = {}
    for module in (_scalers, _projections, _columns, _composites):
        rules.update(module.RULES)
    return rules


def n_features_in(transformer: Any) -> int | None:
    """Features that come in; of a pipeline or a union those of a step that knows."""
    known = getattr(transformer, "n_features_in_", None)
    steps = getattr(transformer, "steps", getattr(transformer, "transformer_list", []))
    for _, step in steps:
        if known is not None:
            break
        if step is not None and not isinstance(step, str):
            known = n_features_in(step)
    return known


def _name(transformer: Any) -> str:
    return type(transformer).__name__
