"""What samples can stand: bounds from below, attacks from above, what is between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import auc, roc_curve
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import HasMethods, Options

from sklearn_scd._classifier import SCDClassifier
from sklearn_scd._typing import (
    FittedClassifier,
    Floats,
    Norm,
    RandomState,
    validated,
)
from sklearn_scd.affine._steps import split_pipeline
from sklearn_scd.robustness._accuracy import (
    RobustAccuracy,
    _check_sizes,
    robust_accuracy,
)
from sklearn_scd.robustness._attacks.bridge import check_clip_values, require_art
from sklearn_scd.robustness._attacks.interruption import keep_results
from sklearn_scd.robustness._attacks.minimum_distortion import (
    DistortionResult,
    check_samples,
    minimum_distortion,
)
from sklearn_scd.robustness._attacks.nearest_flip import nearest_flip
from sklearn_scd.robustness._attacks.surrogate import surrogate_attack
from sklearn_scd.robustness._certificates.certified import certified_distortion
from sklearn_scd.robustness._certificates.exact import certified_linear
from sklearn_scd.robustness._labels import LabelCodes
from sklearn_scd.robustness._samples import ask

_DECISIONS = ("hop_skip_jump", "boundary")  # know predictions alone
_STRUCTURAL = ("surrogate", "nearest_flip")  # know the weights
_N_EPSILONS = 101
_ROUNDING = 2.0**-20  # of a sample's size
_SAME_DISTANCE = 1e-5  # relative, beside _ROUNDING: a result may be of float32 samples


@dataclass(frozen=True)
class RobustnessEvaluation:
    """What is known of the robustness of a classifier on some samples.

    Attributes
    ----------
    clean_accuracy : float
        Share of the samples that are classified correctly as they are.

    certified : ndarray of shape (n_samples,), float64
        No perturbation below this changes the prediction: 0 for a sample that is
        misclassified as it is, NaN where the model can't be certified.

    attacks : dict of str to DistortionResult
        What each attack found, by its name.

    nearest : ndarray of shape (n_samples,), float64
        Distance to the nearest adversarial sample over all attacks: 0 for a sample that
        is misclassified as it is, inf where none was found.

    adversarials : ndarray of shape (n_samples, n_features)
        The nearest adversarial samples; NaN where none was found and where the sample
        is misclassified as it is.

    gap : ndarray of shape (n_samples,), float64
        `nearest` minus `certified`: what is not known. NaN without a certificate.

    epsilons : ndarray of shape (n_epsilons,), float64
        Sizes of perturbations that both curves are of.

    certified_accuracy : RobustAccuracy or None
        Share of samples with a certificate above each epsilon: no attack leaves less of
        these samples. None where the model can't be certified.

    attacked_accuracy : RobustAccuracy
        Share of samples that no attack changed within each epsilon: what is left is not
        more than this.

    agreement_clean : ndarray of shape (n_samples,), or None
        Share of votes for the predicted class. None for a model without `agreement`.

    agreement_adversarial : ndarray of shape (n_samples,), or None
        The same of the nearest adversarial samples; NaN where there is none.

    roc_fpr : ndarray of shape (n_thresholds,), or None
        Share of samples that are taken for adversarial, of those that have an
        adversarial one, when agreement below a threshold is. None where nothing was
        found, or the model has no `agreement`.

    roc_tpr : ndarray of shape (n_thresholds,), or None
        Share of their nearest adversarial samples that are.

    roc_auc : float or None
        Area under that curve: 0.5 for what can't be told apart.

    norm : float
        2 or inf.
    """

    clean_accuracy: float
    certified: Floats
    attacks: Mapping[str, DistortionResult] = field(repr=False)
    nearest: Floats
    adversarials: NDArray[Any] = field(repr=False)
    gap: Floats
    epsilons: Floats = field(repr=False)
    certified_accuracy: RobustAccuracy | None = field(repr=False)
    attacked_accuracy: RobustAccuracy = field(repr=False)
    agreement_clean: Floats | None = field(repr=False)
    agreement_adversarial: Floats | None = field(repr=False)
    roc_fpr: Floats | None = field(repr=False)
    roc_tpr: Floats | None = field(repr=False)
    roc_auc: float | None
    norm: float


@dataclass(frozen=True)
class _Problem:
    """What all attacks and checks are about."""

    estimator: FittedClassifier
    labels: LabelCodes
    X: NDArray[Any]
    y: ArrayLike
    codes: NDArray[np.intp]
    right: NDArray[np.bool_]  # which samples are classified correctly
    norm: float
    clip_values: tuple[float, float]

    @property
    def sizes(self) -> Floats:
        """Norms of the samples."""
        return np.linalg.norm(self.X.astype(np.float64), ord=self.norm, axis=1)


@validated(
    {
        "estimator": [HasMethods("predict")],
        "X": ["array-like"],
        "y": ["array-like"],
        "attacks": [Mapping, "array-like"],
        "certify": ["boolean", "array-like"],
        "norm": [Options(object, {2, np.inf, "inf"})],
        "clip_values": ["array-like"],
        "epsilons": ["array-like", None],
        "X_train": ["array-like", None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }
)
def evaluate_robustness(
    estimator: FittedClassifier,
    X: ArrayLike,
    y: ArrayLike,
    *,
    attacks: Sequence[str] | Mapping[str, DistortionResult | None] = (
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
    """Put certificates and attacks on the same samples together.

    A sample's true distance lies between its certificate and its nearest adversarial
    sample. Both are checked against each other, and every adversarial sample against
    the estimator.

    Parameters
    ----------
    estimator : fitted classifier
        Certificates and the attacks that know the weights need a
        :class:`~sklearn_scd.SCDClassifier`, or a `Pipeline` of affine steps and one.
        Linear classifiers of scikit-learn have their exact distance for a certificate,
        other classifiers have none.

    X : array-like of shape (n_samples, n_features)
        Samples, within `clip_values`.

    y : array-like of shape (n_samples,)
        Their true labels.

    attacks : sequence of str, or mapping of str to DistortionResult or None, \
            default=('surrogate', 'nearest_flip')
        Attacks to run, of ``'hop_skip_jump'``, ``'boundary'``, ``'surrogate'`` and
        ``'nearest_flip'``; each with its own defaults. A mapping may have results
        under any name, such as those of :func:`minimum_distortion` with another
        budget; None runs the attack of that name. ``'nearest_flip'`` runs last and
        starts from the nearest adversarial samples of the others.

    certify : bool or array-like of shape (n_samples,), default=True
        Whether to compute certificates. Or what is proven of each sample already, of a
        model that this package has no certificate for; inf where no perturbation
        changes the prediction.

    norm : {2, numpy.inf}, default=2
        Norm of distances.

    clip_values : tuple of (float, float), default=(0.0, 1.0)
        Smallest and largest value a feature may take.

    epsilons : array-like of shape (n_epsilons,), default=None
        Sizes of perturbations at which to count samples that stand them. None: 101 from
        0 to a little above all distances found.

    X_train : array-like of shape (n_train, n_features), default=None
        Samples that attacks on decisions start from.

    random_state : int, RandomState instance or None, default=None
        Seed of the attacks, the same for each: what one finds does not depend on which
        others run, but for the start of ``'nearest_flip'``.

    n_jobs : int or None, default=None
        As in the attacks; results do not depend on it.

    verbose : int, default=0
        1 shows how far each attack is.

    Returns
    -------
    evaluation : RobustnessEvaluation
        Bounds of each sample, curves, and how well adversarial samples are told from
        clean ones.

    Raises
    ------
    ImportError
        If an attack on decisions is named and ART is not installed.
    TypeError
        If an attack that knows the weights is named for another model, or something in
        `attacks` is no :class:`DistortionResult`.
    ValueError
        If an attack's name is not known, a result in `attacks` is not one of this
        estimator on these samples, the estimator has a single class, or `X`, `y`,
        `certify`, `epsilons` are invalid.
    RuntimeError
        If a certificate is above the distance of an adversarial sample: one of the two
        is wrong.

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
    labels = LabelCodes(estimator)
    clip_values = check_clip_values(clip_values)
    norm = np.inf if norm == "inf" else float(norm)
    X = check_samples(X, "X", estimator, clip_values)
    check_consistent_length(X, y)
    codes = labels.encode(y, "y")
    if epsilons is not None:
        epsilons = _check_sizes(epsilons, "epsilons")
    given = _check_attacks(attacks, estimator)
    right = labels.predict(estimator, X) == codes
    problem = _Problem(estimator, labels, X, y, codes, right, norm, clip_values)
    for name, result in given.items():
        if result is not None:
            _check_result(problem, name, result)
    certified = _certificates(problem, certify, n_jobs)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    options = {"random_state": seed, "n_jobs": n_jobs, "verbose": verbose}
    results = dict(given)

    def found() -> dict[str, DistortionResult]:
        return {name: r for name, r in results.items() if r is not None}

    with keep_results(found):
        _run_attacks(problem, results, X_train, options)
        _check_order(certified, found())
        return _summarise(problem, certified, found(), epsilons)


def _check_attacks(
    attacks: Sequence[str] | Mapping[str, DistortionResult | None],
    estimator: FittedClassifier,
) -> dict[str, DistortionResult | None]:
    """Names in their order, with the result where it is given, before anything runs."""
    if not all(isinstance(name, str) for name in attacks):
        raise TypeError(f"attacks must have names, got {attacks!r}.")
    given = dict(attacks if isinstance(attacks, Mapping) else dict.fromkeys(attacks))
    known = _DECISIONS + _STRUCTURAL
    for name, result in given.items():
        if result is None and name not in known:
            raise ValueError(
                f"attacks has the name {name!r}, which is none of {', '.join(known)}; "
                "give results of other attacks as a mapping."
            )
    to_run = [name for name, result in given.items() if result is None]
    if any(name in _DECISIONS for name in to_run):
        require_art()
    structural = [name for name in to_run if name in _STRUCTURAL]
    if structural and not _has_networks(estimator):
        raise TypeError(
            f"attacks has {structural[0]!r}, which needs the weights of an "
            "SCDClassifier, or of a Pipeline that ends with one; for "
            f"{type(estimator).__name__} give attacks=('hop_skip_jump',), or results "
            "of other attacks."
        )
    return given


def _has_networks(estimator: FittedClassifier) -> bool:
    return isinstance(split_pipeline(estimator)[1], SCDClassifier)


def _certificates(
    problem: _Problem, certify: bool | ArrayLike, n_jobs: int | None
) -> Floats:
    """Lower bounds, computed or given; NaN where there are none."""
    if not isinstance(certify, (bool, np.bool_)):
        given = _check_sizes(certify, "certify")
        check_consistent_length(problem.X, given)
        return np.where(problem.right, given, 0.0)
    if certify:
        return _certify(problem, n_jobs)
    return np.full(len(problem.X), np.nan)


def _certify(problem: _Problem, n_jobs: int | None) -> Floats:
    """Lower bounds of the distances, NaN where there is no way to have them."""
    if _has_networks(problem.estimator):
        certified = certified_distortion(
            problem.estimator, problem.X, problem.y, norm=problem.norm, n_jobs=n_jobs
        )
    else:
        try:
            certified = certified_linear(
                problem.estimator, problem.X, None, problem.norm
            )
        except TypeError:
            return np.full(len(problem.X), np.nan)
    return np.where(problem.right, certified, 0.0)


def _run_attacks(
    problem: _Problem,
    results: dict[str, DistortionResult | None],
    X_train: ArrayLike | None,
    options: dict[str, Any],
) -> None:
    """Put results in the place of None; the attack that starts from others is last."""
    options = {
        "norm": problem.norm,
        "clip_values": problem.clip_values,
        **options,
    }
    arguments = problem.estimator, problem.X, problem.y
    for name in sorted(results, key=lambda name: name == "nearest_flip"):
        if results[name] is not None:
            continue
        if name in _DECISIONS:
            attack: Any = name  # a str, to type checkers
            result = minimum_distortion(
                *arguments, attack=attack, X_train=X_train, **options
            )
        elif name == "surrogate":
            result = surrogate_attack(*arguments, **options)
        else:
            others = [result for result in results.values() if result is not None]
            X_start = _nearest(problem, others)[1]
            result = nearest_flip(*arguments, X_start=X_start, **options)
        _check_result(problem, name, result)
        results[name] = result


def _nearest(
    problem: _Problem, results: Sequence[DistortionResult]
) -> tuple[Floats, NDArray[Any]]:
    """Smallest distances over results, and the adversarial samples at them."""
    nearest = np.where(problem.right, np.inf, 0.0)
    dtype = np.result_type(problem.X, *(r.adversarials for r in results))
    adversarials = np.full(problem.X.shape, np.nan, dtype=dtype)
    for result in results:
        nearer = result.distances < nearest
        nearest[nearer] = result.distances[nearer]
        adversarials[nearer] = result.adversarials[nearer]
    return nearest, adversarials


def _check_result(problem: _Problem, name: str, result: DistortionResult) -> None:
    """Raise unless every sample of a result is what it says, for this estimator."""
    if not isinstance(result, DistortionResult):
        raise TypeError(
            f"attacks[{name!r}] must be a DistortionResult or None, got "
            f"{type(result).__name__}."
        )
    if np.shape(result.adversarials) != problem.X.shape:
        raise ValueError(
            f"attacks[{name!r}] has adversarial samples of shape "
            f"{np.shape(result.adversarials)}, but X has {problem.X.shape}."
        )
    if result.norm != problem.norm:
        raise ValueError(
            f"attacks[{name!r}] has distances in norm {result.norm:g}, not "
            f"{problem.norm:g}."
        )
    faults = {
        "has a distance that is none": ~(result.distances >= 0),
        "is misclassified as it is, or not, unlike in the result": (
            (result.distances == 0) != ~problem.right
        ),
        "is not at the distance stated": _is_elsewhere(problem, result),
        "has an adversarial sample outside clip_values": _is_outside(problem, result),
        "has an adversarial sample that is classified correctly": (
            _is_harmless(problem, result)
        ),
    }
    for fault, rows in faults.items():
        if rows.any():
            raise ValueError(
                f"attacks[{name!r}]: sample {np.flatnonzero(rows)[0]} {fault}; give "
                "results of this estimator on these samples."
            )


def _is_elsewhere(problem: _Problem, result: DistortionResult) -> NDArray[np.bool_]:
    found = _found(problem, result)
    steps = result.adversarials.astype(np.float64) - problem.X
    distances = np.linalg.norm(steps, ord=problem.norm, axis=1)
    slack = _SAME_DISTANCE * distances + _ROUNDING * problem.sizes
    return found & ~(np.abs(result.distances - distances) <= slack)


def _is_outside(problem: _Problem, result: DistortionResult) -> NDArray[np.bool_]:
    low, high = problem.clip_values
    outside = (result.adversarials < low) | (result.adversarials > high)
    return _found(problem, result) & outside.any(axis=1)


def _is_harmless(problem: _Problem, result: DistortionResult) -> NDArray[np.bool_]:
    """Whether a sample found is classified correctly, among others and alone."""
    harmless = np.zeros(len(problem.X), dtype=bool)
    found = np.flatnonzero(_found(problem, result))
    if found.size:
        harmless[found] = _is_right(problem, result.adversarials, found)
    # Beside other samples one on the boundary may be rounded to its other side.
    for i in np.flatnonzero(harmless):
        harmless[i] = _is_right(problem, result.adversarials, np.array([i]))[0]
    return harmless


def _is_right(
    problem: _Problem, samples: NDArray[Any], rows: NDArray[np.intp]
) -> NDArray[np.bool_]:
    predicted = problem.labels.predict(problem.estimator, samples[rows])
    return predicted == problem.codes[rows]


def _found(problem: _Problem, result: DistortionResult) -> NDArray[np.bool_]:
    return problem.right & np.isfinite(result.distances)


def _check_order(certified: Floats, results: Mapping[str, DistortionResult]) -> None:
    """Raise if an adversarial sample is nearer than a certificate allows."""
    for name, result in results.items():
        wrong = np.flatnonzero(certified > result.distances)
        if wrong.size:
            i = wrong[0]
            raise RuntimeError(
                f"Sample {i} has a certificate of {certified[i]:.9g}, but {name!r} has "
                f"an adversarial sample at {result.distances[i]:.9g}: one of them is "
                "wrong; please report it."
            )


def _summarise(
    problem: _Problem,
    certified: Floats,
    results: Mapping[str, DistortionResult],
    epsilons: Floats | None,
) -> RobustnessEvaluation:
    """All that follows from the bounds."""
    nearest, adversarials = _nearest(problem, list(results.values()))
    if epsilons is None:
        epsilons = _default_epsilons(certified, nearest)
    has_certificates = not np.isnan(certified).any()
    clean, adversarial = _agreements(problem, adversarials)
    fpr, tpr, area = _detection(clean, adversarial)
    return RobustnessEvaluation(
        clean_accuracy=float(problem.right.mean()),
        certified=certified,
        attacks=results,
        nearest=nearest,
        adversarials=adversarials,
        gap=_gap(certified, nearest),
        epsilons=epsilons,
        certified_accuracy=(
            robust_accuracy(certified, epsilons) if has_certificates else None
        ),
        attacked_accuracy=robust_accuracy(nearest, epsilons),
        agreement_clean=clean,
        agreement_adversarial=adversarial,
        roc_fpr=fpr,
        roc_tpr=tpr,
        roc_auc=area,
        norm=problem.norm,
    )


def _gap(certified: Floats, nearest: Floats) -> Floats:
    gap = np.zeros(len(nearest))
    open_ = certified != nearest  # both may be inf: a constant model
    gap[open_] = nearest[open_] - certified[open_]
    return gap


def _default_epsilons(certified: Floats, nearest: Floats) -> Floats:
    known = np.concatenate([certified, nearest])
    known = known[np.isfinite(known) & (known > 0)]
    return np.linspace(0.0, 1.05 * known.max() if known.size else 1.0, _N_EPSILONS)


def _agreements(
    problem: _Problem, adversarials: NDArray[Any]
) -> tuple[Floats, Floats] | tuple[None, None]:
    """Agreement on the samples and on adversarial ones, or None."""
    transformer, classifier = None, problem.estimator
    if not hasattr(classifier, "agreement"):
        transformer, classifier = split_pipeline(problem.estimator)
    if not hasattr(classifier, "agreement"):
        return None, None

    def agreement(samples: NDArray[Any]) -> Floats:
        if transformer is not None:
            samples = ask(transformer, "transform", samples)
        return ask(classifier, "agreement", samples)

    adversarial = np.full(len(problem.X), np.nan)
    found = ~np.isnan(adversarials).any(axis=1)
    if found.any():
        adversarial[found] = agreement(adversarials[found])
    return agreement(problem.X), adversarial


def _detection(
    clean: Floats | None, adversarial: Floats | None
) -> tuple[Floats | None, Floats | None, float | None]:
    """ROC of telling adversarial samples from clean ones by low agreement."""
    if clean is None or adversarial is None or np.isnan(adversarial).all():
        return None, None, None
    found = ~np.isnan(adversarial)
    disagreement = 1.0 - np.concatenate([clean[found], adversarial[found]])
    is_adversarial = np.repeat([0, 1], found.sum())
    fpr, tpr, _ = roc_curve(is_adversarial, disagreement)
    return fpr, tpr, float(auc(fpr, tpr))
