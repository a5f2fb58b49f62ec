"""Certificates and attacks on the same samples, checked against each other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._typing import FittedClassifier, Floats, Norm, RandomState, validated
from sklearn_scd.affine._pipeline import split_pipeline
from sklearn_scd.exceptions import ConstantModelWarning
from sklearn_scd.robustness._accuracy import check_sizes
from sklearn_scd.robustness._attacks.bridge import require_art
from sklearn_scd.robustness._attacks.interruption import leave_results
from sklearn_scd.robustness._attacks.named_attacks import ATTACKS
from sklearn_scd.robustness._attacks.problem import AttackProblem, read_problem
from sklearn_scd.robustness._attacks.run_attack import Attack, run_attack
from sklearn_scd.robustness._certificates.certified import certified_distortion
from sklearn_scd.robustness._certificates.exact import certified_linear
from sklearn_scd.robustness._consistency import (
    check_certificates,
    check_order,
    check_result,
)
from sklearn_scd.robustness._inputs import ATTACK_CONSTRAINTS, check_samples, draw_seed
from sklearn_scd.robustness._results import DistortionResult
from sklearn_scd.robustness._summary import (
    RobustnessEvaluation,
    nearest_of,
    summarise,
)


@validated(
    {
        **ATTACK_CONSTRAINTS,
        "attacks": [str, Mapping, "array-like"],
        "certify": ["boolean", "array-like"],
        "epsilons": ["array-like", None],
        "X_train": ["array-like", None],
    }
)
def evaluate_robustness(
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike,
    *,
    attacks: (str | Sequence[str] | Mapping[str, DistortionResult | Attack | None]) = (
        "line_search",
        "surrogate",
        "nearest_flip",
    ),
    certify: bool | ArrayLike = True,
    norm: Norm = 2,
    clip_values: tuple[float, float] = (0.0, 1.0),
    epsilons: ArrayLike | None = None,
    X_train: ArrayLike | None = None,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> RobustnessEvaluation:
    """Certify and attack the same samples, and check one against the other.

    The minimal adversarial perturbation of a sample lies between its certified radius
    and the smallest perturbation found. Both are checked against each other, and every
    adversarial sample against the estimator. Certificates are also tried by themselves:
    at points just below them, along lines, the prediction must be the same.

    Parameters
    ----------
    estimator : fitted classifier
        Certificates and white-box attacks need a
        :class:`~sklearn_scd.SCDClassifier`, or a `Pipeline` of affine steps and one.
        Linear classifiers of scikit-learn have their exact distance for a certificate,
        other classifiers have none.

    X : array-like of shape (n_samples, n_features)
        Samples, within `clip_values`.

    y : array-like of shape (n_samples,)
        Their true labels.

    attacks : str, sequence of str, or mapping of str to DistortionResult, callable \
            or None, default=('line_search', 'surrogate', 'nearest_flip')
        Attacks to run, of ``'hop_skip_jump'``, ``'boundary'``, ``'line_search'``,
        ``'surrogate'`` and ``'nearest_flip'``; each with its own defaults. A mapping
        may have results under any name, such as those of :func:`minimum_distortion`
        with another budget, and attacks of your own as :func:`run_attack` takes them;
        None runs the attack of that name. ``'nearest_flip'`` runs last and starts from
        the nearest adversarial samples of the others.

    certify : bool or array-like of shape (n_samples,), default=True
        Whether to compute certificates. Or what is proven of each sample already, of a
        model that this package has no certificate for; inf where no perturbation
        changes the prediction.

    norm : {1, 2, numpy.inf}, default=2
        Norm of distances.

    clip_values : tuple of (float, float), default=(0.0, 1.0)
        Smallest and largest value a feature may take.

    epsilons : array-like of shape (n_epsilons,), default=None
        Radii at which to compute certified and empirical robust accuracy. None: 101
        from 0 to a little above all distances found.

    X_train : array-like of shape (n_train, n_features), default=None
        Samples that decision-based attacks start from or go towards.

    random_state : int, RandomState instance or None, default=None
        Seed of the attacks, the same for each: what one finds does not depend on which
        others run, but for the start of ``'nearest_flip'``.

    n_jobs : int or None, default=None
        As in the attacks; results do not depend on it.

    verbose : int, default=0
        1 shows how far each attack is, and what is done between them.

    Returns
    -------
    evaluation : RobustnessEvaluation
        Bounds of each sample, curves, and how well adversarial samples are told from
        clean ones.

    Raises
    ------
    ImportError
        If a decision-based attack of ART is named and ART is not installed.
    TypeError
        If a white-box attack is named for a model that it is not for, or something in
        `attacks` is no :class:`DistortionResult`.
    ValueError
        If an attack's name is not known, a result in `attacks` is not one of this
        estimator on these samples, the estimator has a single class, or `X`, `y`,
        `certify`, `epsilons` are invalid.
    RuntimeError
        If a certificate is above the distance of an adversarial sample, or of a point
        that has another class: one of the two is wrong.

    Warns
    -----
    ConstantModelWarning
        If the model predicts one class only.

    Notes
    -----
    What ends it early, Ctrl-C or an error of the model's, has an attribute
    `attack_results` with those of the attacks by then, that of the last one as far as
    it came. Those that are whole may be given as `attacks` once more.

    The ROC curve is the best case of a detector. The nearest adversarial samples lie
    on the boundary, where the votes are split; an attack that goes farther than it must
    can have their agreement.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import minmax_scale
    >>> from sklearn_scd import SCDClassifier
    >>> from sklearn_scd.robustness import evaluate_robustness
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = minmax_scale(X)
    >>> model = SCDClassifier(n_estimators=5, max_iter=100, random_state=0)
    >>> model.fit(X[100:], y[100:])
    SCDClassifier(max_iter=100, n_estimators=5, random_state=0)
    >>> result = evaluate_robustness(model, X[:10], y[:10], random_state=0)
    >>> bool((result.certified <= result.nearest).all())
    True
    """
    problem = read_problem(estimator, X, y, norm=norm, clip_values=clip_values)
    if epsilons is not None:
        epsilons = check_sizes(epsilons, "epsilons")
    if X_train is not None:
        X_train = check_samples(
            X_train, "X_train", estimator, problem.model.clip_values
        )
    given = _read_attacks(attacks, estimator)
    results = {
        name: result
        for name, result in given.items()
        if isinstance(result, DistortionResult)
    }
    for name, result in results.items():
        check_result(problem, name, result)
    nearest_of(problem, list(results.values()))  # or an error before the attacks run
    say = print if verbose else _say_nothing
    say("evaluate_robustness: certificates")
    certified = _certificates(problem, certify, n_jobs)
    is_constant = bool(np.isinf(certified).any())
    if is_constant:
        warnings.warn(_CONSTANT, ConstantModelWarning, stacklevel=3)
    seed = draw_seed(random_state)
    options = {"random_state": seed, "n_jobs": n_jobs, "verbose": verbose}
    try:
        _run_attacks(problem, given, results, X_train, options)
        results = {name: results[name] for name in given}
        check_order(certified, results)
        say("evaluate_robustness: points just below the certificates")
        check_certificates(problem, certified, list(results.values()), X_train, seed)
        return summarise(problem, certified, results, epsilons, is_constant)
    except BaseException as error:
        leave_results(error, lambda: results)
        raise


_CONSTANT = (
    "A certificate is infinite: no perturbation changes the prediction, so that the "
    "model names one class whatever the sample. That is no robustness; train it anew, "
    "with a smaller margin or noise if it has any."
)


def _say_nothing(line: str) -> None:
    """Print nothing."""


def _read_attacks(
    attacks: str | Sequence[str] | Mapping[str, DistortionResult | Attack | None],
    estimator: FittedClassifier,
) -> dict[str, Any]:
    """Names in their order, with what is given for each, before anything runs."""
    if isinstance(attacks, str):
        attacks = (attacks,)
    if not all(isinstance(name, str) for name in attacks):
        raise TypeError(f"attacks must have names, got {attacks!r}.")
    given = dict(attacks if isinstance(attacks, Mapping) else dict.fromkeys(attacks))
    for name, result in given.items():
        if not (
            result is None or callable(result) or isinstance(result, DistortionResult)
        ):
            raise TypeError(
                f"attacks[{name!r}] must be a DistortionResult or None, got "
                f"{type(result).__name__}; a callable is run as by run_attack."
            )
        if result is None:
            _check_known(name, estimator)
    return given


def _check_known(name: str, estimator: FittedClassifier) -> None:
    """Refuse a name that is none of an attack, or of one that can't run here."""
    if name not in ATTACKS:
        raise ValueError(
            f"attacks has the name {name!r}, which is none of {', '.join(ATTACKS)}; "
            "give results of other attacks as a mapping."
        )
    if ATTACKS[name].needs_art:
        require_art()
    if ATTACKS[name].needs_weights and not _has_networks(estimator):
        raise TypeError(
            f"attacks has {name!r}, which needs the weights of an SCDClassifier, or of "
            f"a Pipeline that ends with one; for {type(estimator).__name__} give "
            "attacks='line_search' or 'hop_skip_jump', or results of other attacks."
        )


def _has_networks(estimator: FittedClassifier) -> bool:
    return isinstance(split_pipeline(estimator)[1], SCDClassifier)


def _certificates(
    problem: AttackProblem, certify: bool | ArrayLike, n_jobs: int | None
) -> Floats:
    """Lower bounds, computed or given; NaN where there are none."""
    if not isinstance(certify, (bool, np.bool_)):
        given = check_sizes(certify, "certify")
        check_consistent_length(problem.X, given)
        return np.where(problem.right, given, 0.0)
    if certify:
        return _certify(problem, n_jobs)
    return np.full(len(problem.X), np.nan)


def _certify(problem: AttackProblem, n_jobs: int | None) -> Floats:
    """Lower bounds of the distances, NaN where there is no way to have them."""
    model = problem.model
    if _has_networks(model.estimator):
        y = model.labels.classes[problem.codes]
        with warnings.catch_warnings():  # it is said of the whole evaluation
            warnings.simplefilter("ignore", ConstantModelWarning)
            certified = certified_distortion(
                model.estimator, problem.X, y, norm=model.norm, n_jobs=n_jobs
            )
    else:
        try:
            certified = certified_linear(model.estimator, problem.X, None, model.norm)
        except TypeError:
            return np.full(len(problem.X), np.nan)
    return np.where(problem.right, certified, 0.0)


def _run_attacks(
    problem: AttackProblem,
    given: Mapping[str, Any],
    results: dict[str, DistortionResult],
    X_train: ArrayLike | None,
    options: dict[str, Any],
) -> None:
    """Add the results of attacks that have none; those that start from others last."""
    model = problem.model
    y = model.labels.classes[problem.codes]
    options = {"norm": model.norm, "clip_values": model.clip_values, **options}

    def is_last(name: str) -> bool:
        return given[name] is None and ATTACKS[name].takes_start

    for name in sorted(given, key=is_last):
        if name in results:
            continue
        run: Callable[..., DistortionResult]
        more: dict[str, Any] = {}
        if given[name] is None:
            run = ATTACKS[name].run
            if ATTACKS[name].takes_train:
                more["X_train"] = X_train
            if ATTACKS[name].takes_start:
                more["X_start"] = nearest_of(problem, list(results.values()))[1]
        else:
            run = partial(run_attack, given[name])
        result = run(model.estimator, problem.X, y, **more, **options)
        check_result(problem, name, result)
        results[name] = result
