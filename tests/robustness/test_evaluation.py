"""Certificates and attacks together: figures by hand, and what contradicts itself."""

from dataclasses import replace

import numpy as np
import pytest
from _robustness_helpers import Rule, needs_art
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import auc
from sklearn.pipeline import make_pipeline

from sklearn_scd import SCDClassifier
from sklearn_scd.robustness import (
    DistortionResult,
    _evaluation,
    minimum_distortion,
)
from sklearn_scd.robustness._attacks.named_attacks import ATTACKS
from sklearn_scd.robustness._evaluation import evaluate_robustness


def _data(n_classes=2, n=60, n_features=5):
    """Overlapping classes in the unit cube, so that some samples are misclassified."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % n_classes
    X = 0.5 * rng.random((n, n_features))
    X[np.arange(n), y] += 0.25
    return X.astype(np.float32), np.array(["ill", "well", "grey"])[y]


def _networks(**parameters):
    defaults = {"n_estimators": 5, "hidden_units": 4, "max_iter": 40, "random_state": 0}
    return SCDClassifier(**{**defaults, **parameters})


def _moved_to(model, X, y, targets, norm=2):
    """A result by hand: each sample's adversarial one is the target that is given."""
    distances = np.linalg.norm(targets.astype(float) - X, ord=norm, axis=1)
    adversarials = targets.copy()
    wrong = model.predict(X) != y
    distances[wrong], adversarials[wrong] = 0, X[wrong]
    status = np.where(wrong, "misclassified", "attacked")
    none = np.isnan(distances)
    distances[none], status[none] = np.inf, "no_start"
    queries, history = np.zeros(len(X), dtype=np.int64), np.full((len(X), 1), np.nan)
    return DistortionResult(
        distances, adversarials, queries, status, history, norm, "by hand"
    )


def _others(model, X, y, far=False):
    """For each sample the nearest, or farthest, one that is predicted otherwise."""
    predicted = model.predict(X)
    apart = np.linalg.norm(X[:, None] - X, axis=2)
    same = predicted[:, None] == predicted
    if far:
        return X[np.where(same, -1, apart).argmax(axis=1)]
    return X[np.where(same, np.inf, apart).argmin(axis=1)]


@pytest.mark.parametrize(
    ("model", "n_classes", "norm"),
    [
        pytest.param(_networks(), 2, 2, id="binary"),
        pytest.param(_networks(loss="01"), 2, np.inf, id="Linf"),
        pytest.param(make_pipeline(PCA(3), _networks()), 2, 2, id="behind PCA"),
        pytest.param(_networks(n_estimators=3), 3, 2, id="three classes"),
    ],
)
def test_figures_are_those_counted_by_hand(model, n_classes, norm):
    X, y = _data(n_classes)
    model.fit(X[30:], y[30:])
    X, y = X[:15], y[:15]
    result = evaluate_robustness(model, X, y, norm=norm, random_state=0)

    right = model.predict(X) == y
    assert 0 < right.sum() < 15  # or this test shows little
    assert result.clean_accuracy == right.mean()
    assert list(result.attacks) == ["line_search", "surrogate", "nearest_flip"]
    found = np.array([attack.distances for attack in result.attacks.values()])
    assert (found[2] <= found[:2]).all()  # it starts from what the others have found
    assert_array_equal(result.nearest, found.min(axis=0))
    assert_array_equal(result.nearest == 0, ~right)
    assert np.isfinite(result.nearest).all()
    assert (result.certified <= result.nearest).all()
    assert_array_equal(result.gap, result.nearest - result.certified)

    assert (model.predict(result.adversarials[right]) != y[right]).all()
    steps = result.adversarials[right].astype(float) - X[right]
    assert_allclose(
        np.linalg.norm(steps, ord=norm, axis=1), result.nearest[right], rtol=1e-5
    )

    assert result.epsilons[0] == 0 < result.nearest.max() < result.epsilons[-1]
    for bound, curve in (
        (result.certified, result.certified_accuracy),
        (result.nearest, result.attacked_accuracy),
    ):
        stands = (bound[:, None] > result.epsilons).mean(axis=0)
        assert_allclose(curve.accuracies, stands)
        assert_array_equal(curve.epsilons, result.epsilons)

    last = model[-1] if hasattr(model, "steps") else model
    seen = model[:-1].transform if hasattr(model, "steps") else np.asarray
    clean = last.agreement(seen(X))
    adversarial = last.agreement(seen(result.adversarials[right]))
    assert_array_equal(result.agreement_clean, clean)
    assert_array_equal(result.agreement_adversarial[right], adversarial)
    assert np.isnan(result.agreement_adversarial[~right]).all()
    # The area is the chance that of a clean and an adversarial one the latter has less.
    pairs = clean[right][:, None] - adversarial
    area = (pairs > 0).mean() + 0.5 * (pairs == 0).mean()
    assert result.roc_auc == pytest.approx(area)
    assert_allclose(auc(result.roc_fpr, result.roc_tpr), area)


def test_results_are_taken_over_and_the_last_attack_starts_from_the_nearest():
    X, y = _data()
    model = _networks().fit(X, y)
    near, far = (_moved_to(model, X, y, _others(model, X, y, far)) for far in (0, 1))
    none = np.full_like(X, np.nan)
    none[::2] = near.adversarials[::2]
    some = _moved_to(model, X, y, none)
    seen = []

    def spy(*arguments, X_start, **options):
        seen.append(X_start)
        return near

    attacks = {"nearest_flip": None, "some": some, "far": far}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            ATTACKS, "nearest_flip", ATTACKS["nearest_flip"]._replace(run=spy)
        )
        result = evaluate_robustness(
            model, X, y, attacks=attacks, epsilons=[0.0, 0.3], certify=False
        )
    assert list(result.attacks) == list(attacks)
    assert result.attacks["some"] is some
    right = model.predict(X) == y
    nearer = (some.distances < far.distances)[:, None]
    start = np.where(nearer, some.adversarials, far.adversarials)
    assert_array_equal(seen[0][right], start[right])
    assert np.isnan(seen[0][~right]).all()
    assert_array_equal(result.nearest, near.distances)
    # Without certificates what they would be compared with is not there either.
    assert np.isnan(result.certified).all()
    assert np.isnan(result.gap).all()
    assert result.certified_accuracy is None
    assert_array_equal(result.attacked_accuracy.epsilons, [0.0, 0.3])


@pytest.mark.parametrize("given", [np.float32, np.float64])
def test_nearest_samples_are_adversarial_in_the_dtype_that_they_are_handed_out_in(
    given,
):
    # 0.7 as float32 is less than as float64.
    model = Rule(lambda X: X[:, 0] >= X.dtype.type(0.7))
    dtypes = np.float32, np.float64
    X = np.array([[0.6, 0.5], [0.65, 0.1]])
    targets = np.array([[0.7, 0.5], [0.9, 0.1]])
    X, targets = X.astype(dtypes[given == np.float32]), targets.astype(given)
    y = model.predict(X)
    by_hand = _moved_to(model, X, y, targets)
    result = evaluate_robustness(
        model, X, y, attacks={"by hand": by_hand, "line_search": None}, certify=False
    )
    assert (model.predict(result.adversarials) != y).all()
    for row in range(2):
        assert model.predict(result.adversarials[[row]])[0] != y[row]
    steps = result.adversarials.astype(float) - X.astype(float)
    assert_allclose(np.linalg.norm(steps, axis=1), result.nearest, rtol=1e-12)
    assert_allclose(result.nearest, [0.1, 0.05], rtol=1e-3)
    assert result.attacks["by hand"] is by_hand


def test_samples_that_are_adversarial_in_another_dtype_only_are_refused():
    model = Rule(lambda X: (X[:, 0] > 0.5) & (X.dtype == np.float32))
    X = np.array([[0.4, 0.5]])
    narrow = X.astype(np.float32)
    y = model.predict(X)
    result = _moved_to(model, narrow, y, np.array([[0.6, 0.5]], dtype=np.float32))
    asked = []
    attack = {"by hand": result, "mine": lambda sample, rng: asked.append(sample)}
    with pytest.raises(ValueError, match="adversarial in float32, but not in float64"):
        evaluate_robustness(model, X, y, attacks=attack, certify=False)
    assert not asked


def test_certificates_from_elsewhere_are_checked_like_its_own():
    X, y = _data()
    model = Rule(lambda X: X[:, 0] < 0.5, X.shape[1], ["ill", "well"])
    given = _moved_to(model, X, y, _others(model, X, y))
    attacks = {"mine": given}
    right = model.predict(X) == y
    known = np.where(right, 0.999 * np.abs(X[:, 0] - 0.5), 0)
    proven = np.where(right, known, 1.0)  # misclassified all the same
    result = evaluate_robustness(model, X, y, attacks=attacks, certify=proven)
    assert_array_equal(result.certified, known)
    assert_array_equal(result.gap, given.distances - known)
    assert result.certified_accuracy.accuracies[0] > 0
    i = np.flatnonzero(given.distances)[0]
    proven[i] = 1.01 * np.abs(X[i, 0] - 0.5)  # nearer than what the attack has found
    assert proven[i] < given.distances[i]
    with pytest.raises(RuntimeError, match=f"Sample {i} .* but a point at .* has ano"):
        evaluate_robustness(model, X, y, attacks=attacks, certify=proven)
    proven[i] = np.nextafter(given.distances[i], np.inf)
    with pytest.raises(RuntimeError, match=f"Sample {i} has a certificate of "):
        evaluate_robustness(model, X, y, attacks=attacks, certify=proven)
    with pytest.raises(ValueError, match="certify must not be negative or NaN"):
        evaluate_robustness(model, X, y, attacks=attacks, certify=-proven)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        evaluate_robustness(model, X, y, attacks=attacks, certify=proven[:3])


def test_what_is_not_found_is_infinite_and_what_is_misclassified_counts_as_0():
    X, y = _data()
    model = _networks().fit(X, y)
    right = model.predict(X) == y
    nothing = _moved_to(model, X, y, np.full_like(X, np.nan))
    for attacks in ((), {"by hand": nothing}):
        result = evaluate_robustness(model, X, y, attacks=attacks)
        assert_array_equal(result.nearest, np.where(right, np.inf, 0))
        assert np.isnan(result.adversarials).all()
        assert_allclose(result.attacked_accuracy.accuracies, right.mean())
        assert (result.certified_accuracy.accuracies <= right.mean()).all()
        assert result.certified_accuracy.accuracies[-1] == 0
        assert np.isnan(result.agreement_adversarial).all()
        assert result.roc_auc is None


def test_what_contradicts_itself_is_refused(monkeypatch):
    X, y = _data()
    model = _networks().fit(X, y)
    other = _networks(loss="01", n_estimators=1, random_state=1).fit(X, y)
    given = _moved_to(model, X, y, _others(model, X, y))
    i = np.flatnonzero(model.predict(X) == y)[3]

    def change(name, value):
        array = getattr(given, name).copy()
        array[i] = value
        return replace(given, **{name: array})

    outside = given.adversarials[i] + np.float32(100)
    at = np.linalg.norm(outside.astype(float) - X[i])
    harmless = replace(
        change("adversarials", X[i] + np.float32(1e-4)),
        distances=change("distances", np.sqrt(5) * 1e-4).distances,
    )
    outside = replace(
        change("adversarials", outside), distances=change("distances", at).distances
    )
    for message, result in {
        f"sample {i} is not at the distance": change("distances", 0.001),
        f"sample {i} is misclassified as it is, or not": change("distances", 0),
        f"sample {i} has an adversarial sample outside clip": outside,
        f"sample {i} has an adversarial sample that is class": harmless,
        "is misclassified as it is, or not, ": _moved_to(
            other, X, y, _others(other, X, y)
        ),
        "in norm inf, not 2": replace(given, norm=np.inf),
        r"shape \(60, 4\), but X has \(60, 5\)": replace(
            given, adversarials=given.adversarials[:, 1:]
        ),
    }.items():
        with pytest.raises(ValueError, match=rf"attacks\['mine'\].*{message}"):
            evaluate_robustness(model, X, y, attacks={"mine": result})
    with pytest.raises(TypeError, match="must be a DistortionResult or None, got dict"):
        evaluate_robustness(model, X, y, attacks={"mine": {}})
    with pytest.raises(TypeError, match="attacks must have names"):
        evaluate_robustness(model, X, y, attacks=[given])
    for unknown in (["fgsm"], {"fgsm": None}):
        with pytest.raises(ValueError, match="the name 'fgsm', which is none of hop"):
            evaluate_robustness(model, X, y, attacks=unknown)

    wrong = np.zeros(len(X))
    wrong[i] = np.nextafter(given.distances[i], np.inf)
    monkeypatch.setattr(_evaluation, "certified_distortion", lambda *a, **k: wrong)
    with pytest.raises(
        RuntimeError, match=rf"Sample {i} has a certificate of .*'mine'"
    ):
        evaluate_robustness(model, X, y, attacks={"mine": given})
    # Without any attack points below the certificates are asked about.
    with pytest.raises(RuntimeError, match=rf"Sample {i} .* but a point at "):
        evaluate_robustness(model, X, y, attacks=(), X_train=given.adversarials)


@pytest.mark.parametrize("norm", [2, np.inf])
def test_linear_models_have_their_exact_distance_for_a_certificate(norm):
    X, y = _data()
    model = LogisticRegression(C=10).fit(X, y)
    w = model.coef_[0]
    exact = np.abs(model.decision_function(X)) / np.linalg.norm(
        w, ord=2 if norm == 2 else 1
    )
    exact[model.predict(X) != y] = 0
    direction = w / (w @ w) if norm == 2 else np.sign(w) / np.abs(w).sum()
    step = model.decision_function(X)[:, None] * direction
    given = _moved_to(model, X, y, X - (1 + 1e-4) * step, norm)
    result = evaluate_robustness(
        model, X, y, norm=norm, attacks={"step": given}, clip_values=(-9, 9)
    )
    assert (result.certified <= exact).all()
    assert_allclose(result.certified, exact, atol=1e-5)
    assert_allclose(result.gap, 1e-4 * exact, atol=1e-5)
    assert result.agreement_clean is None
    assert result.roc_auc is None


def test_models_without_networks_have_no_certificate_and_no_structural_attack():
    X, y = _data()
    model = make_pipeline(PCA(3), RandomForestClassifier(5, random_state=0)).fit(X, y)
    result = evaluate_robustness(model, X, y, attacks=[])
    assert np.isnan(result.certified).all()
    assert result.certified_accuracy is None
    for attacks in (("surrogate",), {"nearest_flip": None}):
        with pytest.raises(TypeError, match=r"needs the weights .* for Pipeline give"):
            evaluate_robustness(model, X, y, attacks=attacks)


@needs_art
def test_same_numbers_for_the_same_seed_whatever_the_threads_and_other_attacks():
    X, y = _data()
    model = _networks().fit(X, y)
    X, y = X[:3], y[:3]
    names = ("surrogate", "nearest_flip")
    alone = evaluate_robustness(model, X, y, attacks=names[:1], random_state=3)
    first, again = (
        evaluate_robustness(model, X, y, attacks=names, random_state=3, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    )
    for name in names:
        assert_array_equal(
            first.attacks[name].adversarials, again.attacks[name].adversarials
        )
    assert_array_equal(
        alone.attacks["surrogate"].adversarials, first.attacks["surrogate"].adversarials
    )
    decisions = minimum_distortion(model, X, y, n_restarts=1, max_iter=3)
    both = evaluate_robustness(model, X, y, attacks={"hsj": decisions, **alone.attacks})
    assert (both.nearest <= decisions.distances).all()
