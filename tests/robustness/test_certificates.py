"""Certificates, against distances that are known: brute force, and linear models."""

import warnings
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import nnls
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA, KernelPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVC

from sklearn_scd import SCDClassifier
from sklearn_scd.affine import AffineMap
from sklearn_scd.exceptions import ConstantModelWarning
from sklearn_scd.robustness import certified_distortion, exact_distance, nearest_flip
from sklearn_scd.robustness._certificates.exact import certified_linear
from sklearn_scd.robustness._hyperplanes.knapsack import (
    bottleneck,
    cheapest_set,
    dual_ascent,
    greedy_set,
    price,
)
from sklearn_scd.robustness._hyperplanes.least_distance import least_distance


def made_model(rng, n_features, n_classes=2, voting="hard"):
    """An ensemble with random weights, and with what chance would not make.

    Ties, duplicated rows and votes, weights of zero, binary weights. Output weights lie
    on a binary grid, as training leaves them, so that their sums are exact.
    """
    n_votes, n_units = rng.integers(1, 10), rng.integers(2, 7)
    n_networks = n_votes * (1 if n_classes == 2 else n_classes)
    binary = rng.random() < 0.25
    w = rng.standard_normal((n_networks, n_units, n_features))
    grid = 2.0 ** rng.integers(0, 10)
    u = np.round(grid * rng.standard_normal((n_networks, n_units))) / grid
    b = 0.5 * rng.standard_normal((n_networks, n_units))
    c = np.round(0.5 * grid * rng.standard_normal(n_networks)) / grid
    if binary:
        w, u = np.where(w > 0, 1, -1), np.where(u >= 0, 1, -1)
    if rng.random() < 0.3:
        w[0, 1], b[0, 1] = w[0, 0], b[0, 0]
    if rng.random() < 0.3:
        w[-1], b[-1], u[-1], c[-1] = w[0], b[0], u[0], c[0]
    if rng.random() < 0.2 and not binary:
        w[0, 0] = 0.0
    kind = np.int8 if binary else np.float64
    model = SCDClassifier(
        n_estimators=n_votes, hidden_units=n_units, binary_weights=binary, voting=voting
    )
    model.classes_, model.n_features_in_ = np.arange(n_classes), n_features
    model.hidden_coef_, model.hidden_intercept_ = w.astype(kind), b
    model.output_coef_, model.output_intercept_ = u.astype(kind), c
    model.loss_curve_ = model.n_iter_ = np.empty(0)
    model._linear, model._loss, model.validation_scores_ = False, "ce", None
    return model


def hyperplanes(model):
    """Rows of unit norm and offsets, those without a direction left out."""
    w = model.hidden_coef_.reshape(-1, model.n_features_in_).astype(float)
    b = model.hidden_intercept_.ravel()
    sizes = np.linalg.norm(w, axis=1)
    return w[sizes > 0] / sizes[sizes > 0, None], b[sizes > 0] / sizes[sizes > 0]


def brute_force_in_the_plane(model, x):
    """Distance to the nearest other class: it is taken at a foot or an intersection."""
    rows, offsets = hyperplanes(model)
    levels = -(rows @ x + offsets)
    feet = levels[:, None] * rows
    corners = []
    for i, j in combinations(range(len(rows)), 2):
        pair = rows[[i, j]]
        if abs(np.linalg.det(pair)) > 1e-9:
            corners.append(np.linalg.solve(pair, levels[[i, j]]))
    points = x + np.vstack([feet, np.reshape(corners, (-1, 2))])
    # Around a point, each sector between two lines has a class of its own.
    directions = np.arctan2(rows[:, 0], -rows[:, 1])
    angles = np.sort(np.concatenate([directions, directions + np.pi]) % (2 * np.pi))
    middles = 0.5 * (angles + np.append(angles[1:], angles[0] + 2 * np.pi))
    ring = 1e-7 * np.stack([np.cos(middles), np.sin(middles)], axis=1)
    distances = np.linalg.norm(points - x, axis=1)
    nearest_first = np.argsort(distances)
    predicted = model.predict(x[None])[0]
    for some in np.array_split(nearest_first, max(len(points) // 20, 1)):
        around = (points[some, None] + ring).reshape(-1, 2)
        other = (model.predict(around) != predicted).reshape(len(some), -1)
        if other.any():
            return distances[some[other.any(axis=1)]].min()
    return np.inf


def brute_force_by_patterns(model, x):
    """Distance to the nearest cell of another class, over all 2 ** n cells."""
    rows, offsets = hyperplanes(model)
    levels = -(rows @ x + offsets)
    n_rivals = 1 if model.classes_.size == 2 else model.classes_.size
    shape = model.output_coef_.shape
    predicted = model.predict(x[None])[0]
    best = np.inf
    for pattern in product([1.0, -1.0], repeat=len(rows)):
        fires = np.reshape(pattern, shape) > 0
        outputs = (model.output_coef_ * fires).sum(axis=1) + model.output_intercept_
        outputs = outputs.reshape(1, -1, n_rivals)
        if model._probabilities(outputs).argmax() == predicted:
            continue
        signs = np.array(pattern)
        system = np.vstack([(signs[:, None] * rows).T, signs * levels])
        aim = np.append(np.zeros(rows.shape[1]), 1.0)
        solution, _ = nnls(system, aim, maxiter=1000)
        rest = aim - system @ solution
        if rest[-1] > 1e-12:
            best = min(best, np.linalg.norm(rest[:-1] / rest[-1]))
    return best


# Some of the models made here predict one class only.
may_be_constant = pytest.mark.filterwarnings(
    "ignore::sklearn_scd.exceptions.ConstantModelWarning"
)

METHODS = ["best", "order", "spectral", "split", "branch_and_bound"]


@may_be_constant
@pytest.mark.parametrize(("n_classes", "n_models"), [(2, 50), (3, 15)])
def test_certificate_exact_distance_and_attack_in_the_plane(n_classes, n_models):
    rng = np.random.default_rng(n_classes)
    ratios = {method: [] for method in [*METHODS, "attack"]}
    for _ in range(n_models):
        model = made_model(rng, 2, n_classes)
        x = rng.standard_normal((1, 2))
        exact = brute_force_in_the_plane(model, x[0])
        found = nearest_flip(
            model, x, model.predict(x), clip_values=(-1e3, 1e3), random_state=0
        ).distances[0]
        assert found >= exact
        for method in METHODS:
            bound = certified_distortion(model, x, method=method, time_limit=0.1)[0]
            assert bound <= exact, (method, bound, exact)
            if exact < np.inf:
                ratios[method].append(bound / exact)
        if exact < np.inf:
            ratios["attack"].append(exact / found)
    medians = {name: np.median(values) for name, values in ratios.items()}
    assert medians["branch_and_bound"] > 0.999
    assert medians["attack"] > 0.98
    assert min(medians.values()) > 0.1  # none is empty


@may_be_constant
def test_certificates_in_space_are_never_above_all_cells():
    rng = np.random.default_rng(4)
    exactly = n_models = 0
    while n_models < 25:
        model = made_model(rng, rng.integers(3, 6), 2 + rng.integers(2))
        n_rows = model.output_coef_.size
        # Cells of a unit that nothing switches, or of two that are one, don't exist.
        if n_rows > 9 or len(np.unique(hyperplanes(model)[0], axis=0)) < n_rows:
            continue
        n_models += 1
        x = rng.standard_normal(model.n_features_in_)
        exact = brute_force_by_patterns(model, x)
        for method in METHODS:
            bound = certified_distortion(model, x[None], method=method)[0]
            assert bound <= exact * (1 + 1e-9), (method, bound, exact)
        exactly += np.isclose(bound, exact, rtol=1e-4)
    assert exactly == n_models


@pytest.mark.parametrize("method", METHODS)
def test_one_step_may_switch_units_of_two_classes_networks(method):
    """The class named falls, another one rises, both at the same hyperplane."""
    model = made_model(np.random.default_rng(0), 2, 3)
    model.n_estimators, model.hidden_units, model.binary_weights = 1, 1, False
    model.hidden_coef_ = np.array([[[-1.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]])
    model.hidden_intercept_ = np.array([[0.4], [-0.4], [-99.0]])
    model.output_coef_ = np.ones((3, 1))
    model.output_intercept_ = np.array([0.5, 0.0, -5.0])
    x = np.zeros((1, 2))
    assert model.predict(x) == [0]
    assert model.predict([[0.41, 0.0]]) == [1]
    bound = certified_distortion(model, x, method=method)[0]
    assert 0.39 < bound <= 0.4


@may_be_constant
@pytest.mark.parametrize("voting", ["hard", "soft"])
@pytest.mark.parametrize("norm", [2, np.inf])
def test_certificates_hold_against_random_perturbations(norm, voting):
    rng = np.random.default_rng(5)
    above = 0
    for n in range(60):
        model = made_model(rng, 3, 2 + n % 2, voting)
        x = rng.standard_normal((1, 3))
        bound = certified_distortion(model, x, norm=norm)[0]
        steps = rng.standard_normal((2_000, 3))
        steps /= np.linalg.norm(steps, ord=norm, axis=1)[:, None]
        size = min(bound, 10.0)
        inside = x + size * rng.random((2_000, 1)) ** 0.1 * steps
        assert (model.predict(inside) == model.predict(x)).all()
        beyond = x + 3 * size * steps
        above += (model.predict(beyond) != model.predict(x)).any() and size > 0
    assert above > 20  # bounds are not so low that nothing could break them


@pytest.mark.filterwarnings("ignore::sklearn_scd.exceptions.ConstantModelWarning")
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_outputs_that_lose_digits_have_certificates_of_what_is_computed(
    voting, n_classes
):
    """Weights by hand cancel: their sum depends on the order, and its sign may."""
    X, y = make_blobs(60, 2, centers=n_classes, random_state=0)
    model = SCDClassifier(
        "ce", n_estimators=2, hidden_units=5, max_iter=30, voting=voting,
        random_state=0,
    ).fit(X, y)  # fmt: skip
    shapes = model.output_coef_.shape, model.output_intercept_.shape
    certified = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        large = rng.choice([2.0**30, 1e16, 1e16, 1e17])
        model.output_coef_ = rng.choice([large, -large, 3, -1.5, 1, -3, 0.7], shapes[0])
        model.output_intercept_ = rng.choice([0, 1, -1, 0.5, large, -large], shapes[1])
        radii = certified_distortion(model, X[:8])
        for x, radius in zip(X[:8], radii, strict=True):
            if radius == 0:
                continue
            certified += 1
            steps = rng.standard_normal((300, 2))
            steps /= np.linalg.norm(steps, axis=1, keepdims=True)
            steps *= 0.999 * min(radius, 30.0)
            assert (model.predict(x + steps) == model.predict([x])).all()
    assert certified > 20


def test_linear_votes_have_their_exact_distances():
    rng = np.random.default_rng(6)
    X, y = make_blobs(60, 4, centers=3, random_state=0)
    for labels, norm in product([y > 0, y], [2, np.inf]):
        model = SCDClassifier(
            "01", hidden_units=0, n_estimators=1, max_iter=20, random_state=0
        ).fit(X, labels)
        w = model.hidden_coef_[:, 0].astype(float)
        scores = X @ w.T + model.hidden_intercept_[:, 0]
        dual = 2 if norm == 2 else 1
        if len(w) == 1:
            exact = np.abs(scores[:, 0]) / np.linalg.norm(w[0], ord=dual)
        else:
            order = np.argsort(-scores, axis=1)
            exact = [
                min((s[o[0]] - s[k]) / np.linalg.norm(w[o[0]] - w[k], ord=dual)
                    for k in o[1:])
                for s, o in zip(scores, order, strict=True)
            ]  # fmt: skip
        bounds = certified_distortion(model, X, norm=norm)
        assert (bounds <= exact).all()
        assert_allclose(bounds, exact, rtol=1e-3, atol=1e-3)
        assert_allclose(
            exact_distance(model, X, norm=norm), exact, rtol=1e-3, atol=1e-3
        )
        step = rng.standard_normal(X.shape)
        step *= bounds[:, None] / np.linalg.norm(step, ord=norm, axis=1)[:, None]
        assert (model.predict(X + step) == model.predict(X)).all()


@pytest.mark.parametrize("norm", [1, 2, np.inf])
@pytest.mark.parametrize("factor", [2.0**k for k in (-570, -530, -440, 490, 520, 900)])
@pytest.mark.parametrize("kind", ["networks", "one vote", "linear votes"])
def test_units_in_which_squares_leave_the_range_change_no_certificate(
    kind, factor, norm
):
    """A power of two rounds nothing: radii grow by it, or less is proven."""
    X, y = make_blobs(60, 4, centers=3, random_state=0)
    options = {
        "networks": {"n_estimators": 5, "hidden_units": 4},
        "one vote": {"n_estimators": 1, "hidden_units": 3},
        "linear votes": {"loss": "01", "hidden_units": 0, "n_estimators": 3},
    }[kind]
    y = y if kind == "linear votes" else y > 0
    model = SCDClassifier(**options, max_iter=40, random_state=0).fit(X, y)
    usual = certified_distortion(model, X, norm=norm)
    assert (usual > 0).any()
    predicted = model.predict(X)
    model.hidden_intercept_ = model.hidden_intercept_ * factor  # in other units
    assert (model.predict(X * factor) == predicted).all()
    bounds = certified_distortion(model, X * factor, norm=norm)
    assert (bounds <= usual * factor * (1 + 1e-9)).all()
    if 1e-140 < factor < 1e150:
        assert_allclose(bounds, usual * factor, rtol=0.1)
    elif factor > 1:
        assert (bounds > 1e149).all()


@pytest.mark.parametrize("factor", [2.0**k for k in (-570, -530, -440, 490, 520, 900)])
def test_units_in_which_squares_leave_the_range_leave_distances_exact_or_less(factor):
    X, y = make_blobs(40, 3, centers=2, cluster_std=4, random_state=0)
    model = SCDClassifier(
        n_estimators=1, hidden_units=4, max_iter=60, random_state=0
    ).fit(X, y)
    usual = exact_distance(model, X)
    assert (usual > 0).any()
    model.hidden_intercept_ = model.hidden_intercept_ * factor
    distances = exact_distance(model, X * factor)
    assert (distances <= usual * factor * (1 + 1e-9)).all()
    if 1e-140 < factor < 1e150:
        assert_allclose(distances, usual * factor, rtol=1e-6)
    elif factor > 1:
        assert (distances > 1e149)[usual > 0].all()


@pytest.mark.parametrize("norm", [1, 2, np.inf])
@pytest.mark.parametrize("factor", [2.0**k for k in (-900, -570, -530, -440, 330)])
def test_units_of_the_weights_change_no_certificate(factor, norm):
    X, y = make_blobs(60, 4, centers=3, random_state=0)
    for front, labels in product([None, TruncatedSVD(3, random_state=0)], [y > 0, y]):
        classifier = SCDClassifier(
            "01" if labels is y else "ce", hidden_units=0 if labels is y else 4,
            n_estimators=5, max_iter=40, random_state=0,
        )  # fmt: skip
        model = classifier if front is None else make_pipeline(front, classifier)
        model.fit(X, labels)
        usual = certified_distortion(model, X, norm=norm)
        assert (usual > 0).any()
        if front is None:
            classifier.hidden_coef_ = classifier.hidden_coef_ * factor
        else:
            front.components_ = front.components_ * factor
        classifier.hidden_intercept_ = classifier.hidden_intercept_ * factor
        bounds = certified_distortion(model, X, norm=norm)
        assert (bounds <= usual * (1 + 1e-9)).all()
        if factor > 1e-140:
            assert_allclose(bounds, usual, rtol=0.1)


@pytest.mark.parametrize("norm", [1, 2, np.inf])
@pytest.mark.parametrize("factor", [2.0**-530, 2.0**-570, 2.0**-1000, 2.0**330])
def test_exact_distances_are_the_same_in_all_units_of_the_weights(factor, norm):
    X, y = make_blobs(60, 4, centers=3, random_state=0)
    for labels in (y > 0, y):
        model = LogisticRegression().fit(X, labels)
        usual = exact_distance(model, X, norm=norm)
        model.coef_, model.intercept_ = model.coef_ * factor, model.intercept_ * factor
        assert_allclose(exact_distance(model, X, norm=norm), usual, rtol=1e-9)
        assert (certified_linear(model, X, None, norm) <= usual * (1 + 1e-9)).all()


def test_exact_distances_of_scikit_learns_linear_classifiers():
    X, y = make_blobs(60, 4, centers=3, random_state=0)
    for labels in (y > 0, y):
        for model in (
            LogisticRegression(),
            LinearSVC(),
            LinearDiscriminantAnalysis(),
            RidgeClassifier(),
        ):
            model = make_pipeline(StandardScaler(), PCA(3), model).fit(X, labels)
            exact = exact_distance(model, X)
            step = np.eye(4)[:, None] * exact[:, None] * 0.999
            for sign in (1, -1):
                for s in sign * step:
                    assert (model.predict(X + s) == model.predict(X)).all()
            # The gradient of the nearest score leads there.
            found = minimum_norm_of_linear(model, X)
            assert_allclose(found, exact, rtol=1e-9)
    with pytest.raises(TypeError, match="not of RandomForestClassifier"):
        exact_distance(RandomForestClassifier(5).fit(X, y), X)


def minimum_norm_of_linear(model, X):
    """By the scores of the whole pipeline, of which differences give the rows."""
    zero = np.zeros((1, X.shape[1]))
    at_zero = model.decision_function(zero)
    steps = np.eye(X.shape[1])
    rows = (model.decision_function(steps) - at_zero).T.reshape(-1, X.shape[1])
    scores = model.decision_function(X).reshape(len(X), -1)
    if scores.shape[1] == 1:
        return np.abs(scores[:, 0]) / np.linalg.norm(rows[0])
    best = scores.argmax(axis=1)
    result = np.full(len(X), np.inf)
    for k in range(scores.shape[1]):
        other = best != k
        gap = scores[np.arange(len(X)), best] - scores[:, k]
        size = np.linalg.norm(rows[best] - rows[k], axis=1)
        result[other] = np.minimum(result[other], gap[other] / size[other])
    return result


def test_a_pipeline_is_certified_in_the_units_of_its_input():
    X, y = make_blobs(80, 6, centers=2, random_state=0, cluster_std=3)
    front = make_pipeline(MinMaxScaler(), PCA(3), StandardScaler())
    plain = SCDClassifier(n_estimators=5, hidden_units=4, max_iter=30, random_state=0)
    model = Pipeline([("front", front), ("vote", plain)]).fit(X, y)
    # The same as one layer: rows times the front's matrix.
    matrix = front.transform(np.eye(6)) - front.transform(np.zeros((1, 6)))
    folded = clone(plain).fit(X, y)
    folded.hidden_coef_ = model[-1].hidden_coef_ @ matrix.T
    folded.hidden_intercept_ = (
        model[-1].hidden_intercept_
        + model[-1].hidden_coef_ @ front.transform(np.zeros((1, 6)))[0]
    )
    folded.output_coef_ = model[-1].output_coef_
    folded.output_intercept_ = model[-1].output_intercept_
    for norm in (2, np.inf):
        assert_allclose(
            certified_distortion(model, X, norm=norm),
            certified_distortion(folded, X, norm=norm),
            rtol=1e-4, atol=1e-6,
        )  # fmt: skip
    assert (certified_distortion(model, X, 1 - y)[model.predict(X) == y] == 0).all()


@pytest.mark.parametrize("step", [Normalizer(), KernelPCA(2, kernel="rbf")])
def test_steps_that_are_not_affine_are_refused(step):
    X, y = make_blobs(40, 3, centers=2, random_state=0)
    model = make_pipeline(step, SCDClassifier(n_estimators=1, max_iter=5)).fit(X, y)
    with pytest.raises(ValueError, match=f"{type(step).__name__}, are not affine"):
        certified_distortion(model, X)


def test_certificates_say_what_they_can_not_do():
    X, y = make_blobs(40, 3, centers=2, random_state=0)
    with pytest.raises(TypeError, match="got RandomForestClassifier"):
        certified_distortion(RandomForestClassifier(5).fit(X, y), X)
    model = SCDClassifier(n_estimators=3, max_iter=5, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="'spectral' needs norm=2, hard votes"):
        certified_distortion(model, X, norm=np.inf, method="spectral")
    with pytest.raises(ValueError, match="X has 2 features"):
        certified_distortion(model, X[:, :2])
    with pytest.raises(ValueError, match="y has the label 7"):
        certified_distortion(model, X, np.full(40, 7))


class Cautious:
    """Names the second class where a third of the probability is its."""

    def predict(self, X):
        return self.classes_[(self.predict_proba(X)[:, 1] > 1 / 3).astype(int)]


class CautiousNetworks(Cautious, SCDClassifier):
    pass


class CautiousPipeline(Cautious, Pipeline):
    pass


class CautiousSearch(Cautious, GridSearchCV):
    pass


class CautiousRegression(Cautious, LogisticRegression):
    pass


_small = SCDClassifier(n_estimators=3, max_iter=5, random_state=0)


@pytest.mark.parametrize(
    ("model", "bound"),
    [
        (CautiousNetworks(n_estimators=3, max_iter=5), certified_distortion),
        (
            make_pipeline(StandardScaler(), CautiousNetworks(max_iter=5)),
            certified_distortion,
        ),
        (CautiousPipeline([("networks", _small)]), certified_distortion),
        (CautiousSearch(_small, {"hidden_units": [2]}, cv=2), certified_distortion),
        (CautiousRegression(), exact_distance),
        (CautiousPipeline([("linear", LogisticRegression())]), exact_distance),
    ],
    ids=["networks", "last step", "pipeline", "search", "linear", "linear pipeline"],
)
def test_a_subclass_that_decides_otherwise_is_not_certified(model, bound):
    X, y = make_blobs(40, 3, centers=2, random_state=0)
    model.fit(X, y)
    with pytest.raises(TypeError, match=r"Cautious.* redefines predict: what is cert"):
        bound(model, X)


class Opposed(SCDClassifier):
    """Decides by other networks than those it has the weights of."""

    @property
    def _networks(self):
        networks = super()._networks
        return networks._replace(
            output_coef=-networks.output_coef,
            output_intercept=-networks.output_intercept,
        )


def test_networks_that_are_others_than_the_weights_are_not_certified():
    X, y = make_blobs(40, 3, centers=2, random_state=0)
    model = Opposed(n_estimators=3, max_iter=5).fit(X, y)
    with pytest.raises(TypeError, match="Opposed redefines _networks"):
        certified_distortion(model, X)


@pytest.mark.parametrize("holder", ["last step", "pipeline", "search", "linear"])
@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_a_method_put_into_a_model_by_hand_is_not_certified(holder, method):
    X, y = make_blobs(40, 3, centers=2, random_state=0)
    classifier = LogisticRegression() if holder == "linear" else clone(_small)
    model = make_pipeline(StandardScaler(), classifier)
    if holder == "search":
        model = GridSearchCV(model, {}, cv=2)
    model.fit(X, y)
    part = model[-1] if holder in ("last step", "linear") else model
    usual = getattr(part, method)
    setattr(part, method, lambda X: usual(X)[::-1])
    bound = exact_distance if holder == "linear" else certified_distortion
    with pytest.raises(TypeError, match=f"redefines {method}: what is certified"):
        bound(model, X)


def test_a_subclass_that_decides_otherwise_is_attacked():
    X, y = make_blobs(40, 3, centers=2, random_state=0)
    model = CautiousNetworks(n_estimators=3, max_iter=5, random_state=0).fit(X, y)
    found = nearest_flip(model, X, y, clip_values=(-99, 99), random_state=0)
    assert np.isfinite(found.distances).any()


@pytest.mark.parametrize("method", METHODS)
def test_where_rounding_decides_there_is_no_certificate(method):
    """Large terms cancel, and lose more than the distance to the hyperplane."""
    X, y = make_blobs(40, 2, centers=2, random_state=0)
    model = SCDClassifier(n_estimators=1, hidden_units=1, max_iter=5).fit(X, y)
    row = np.array([0.6, -0.8], dtype=np.float32)
    model.hidden_coef_ = row[np.newaxis, np.newaxis]
    model.hidden_intercept_ = np.zeros((1, 1), dtype=np.float32)
    model.output_coef_, model.output_intercept_ = np.ones((1, 1)), np.array([-0.5])
    x = 1e9 * np.array([[0.8, 0.6]])

    def distance():
        terms = zip(row.tolist(), x[0].tolist(), strict=True)
        return sum(Fraction(w) * Fraction(v) for w, v in terms)

    x[0, 0] -= float(distance()) / 0.6
    assert 0 < abs(distance()) < 6e-7
    assert certified_distortion(model, x, method=method) == [0]
    assert certified_distortion(model, x + 0.5, method=method) > 0.09


class Twice(TransformerMixin, BaseEstimator):
    """Two weighted sums, each added up forwards and backwards."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        rows = np.random.default_rng(0).standard_normal((2, X.shape[1]))
        self.rows_ = rows.astype(np.float32).astype(float)  # their sums are exact
        return self

    def transform(self, X):
        terms = X[:, np.newaxis] * self.rows_.astype(X.dtype)
        ways = terms, terms[:, :, ::-1]
        return np.hstack([np.cumsum(way, axis=2)[:, :, -1] for way in ways])

    def __sklearn_scd_affine_map__(self, n_features, dtype):
        return AffineMap.computed(np.tile(self.rows_, (2, 1)), working_dtype=dtype)


@pytest.mark.parametrize("norm", [2, np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [SCDClassifier, RidgeClassifier])
def test_where_weights_cancel_rounding_alone_decides(kind, dtype, norm):
    """No step moves along a normal of zero; what the steps round, any step may."""
    rng = np.random.default_rng(0)
    X = (5 + rng.standard_normal((60, 30))).astype(dtype)
    parameters = {}
    if kind is SCDClassifier:
        parameters = {"n_estimators": 1, "hidden_units": 1, "max_iter": 5}
    model = make_pipeline(Twice(), kind(**parameters)).fit(X, np.arange(60) % 2)
    row = np.array([[1.0, 1.0, -1.0, -1.0]], dtype=dtype) / 2
    offset = -np.median(model[0].transform(X).astype(float) @ row[0])

    def radii(row, offset):
        if kind is RidgeClassifier:
            model[-1].coef_, model[-1].intercept_ = row, np.array([offset])
            return certified_linear(model, X, None, norm)
        model[-1].hidden_coef_ = row[np.newaxis]
        model[-1].hidden_intercept_ = np.array([[offset]], dtype=np.float32)
        model[-1].output_coef_ = np.ones((1, 1))
        model[-1].output_intercept_ = np.array([-0.5])
        return certified_distortion(model, X, norm=norm)

    proven = radii(row, offset)
    steps = rng.standard_normal((50, 30))
    steps *= 0.9 / np.linalg.norm(steps, ord=norm, axis=1, keepdims=True)
    answers = model.predict(X)
    changed = [
        (model.predict((x + steps).astype(dtype)) != answer).any()
        for x, answer in zip(X, answers, strict=True)
    ]
    assert np.mean(changed) > 0.5
    assert (proven[changed] < 0.9).all()
    clear = radii(row, 1.0)
    assert (clear > 100).all()
    assert (clear < np.inf).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantModelWarning)
        assert (radii(0 * row, 1.0) == np.inf).all()


def test_a_model_that_predicts_one_class_is_not_robust_but_constant():
    X, y = make_blobs(40, 3, centers=2, random_state=0)
    model = SCDClassifier(n_estimators=3, max_iter=5, random_state=0).fit(X, y)
    model.output_intercept_ = np.full(3, 1e6)
    with pytest.warns(ConstantModelWarning, match="predicts the class 1 whatever"):
        assert (certified_distortion(model, X) == np.inf).all()
    found = nearest_flip(model, X, np.ones(40, int), clip_values=(-99, 99))
    assert (found.distances == np.inf).all()
    assert (found.status == "no_start").all()


def test_kernels_equal_their_naive_twins():
    rng = np.random.default_rng(7)
    for _ in range(300):
        n = rng.integers(1, 9)
        costs = rng.random(n).round(rng.integers(1, 5))
        gains = np.round(8 * rng.standard_normal(n)) / 8
        if rng.random() < 0.3:  # as output weights of a training by radii are
            gains = np.where(gains > 0, 0.5, -0.5)
        need = np.round(8 * rng.uniform(-0.5, 3)) / 8
        enough = [
            (costs[chosen].sum(), costs[chosen].max(initial=0.0))
            for chosen in map(list, product([False, True], repeat=n))
            if gains[chosen].sum() >= need
        ]
        cheapest = min((cost for cost, _ in enough), default=np.inf)
        lowest = min((top for _, top in enough), default=np.inf)
        assert_allclose(cheapest_set(costs, gains, need), cheapest)
        assert bottleneck(costs, gains, need) == lowest
        members = np.zeros(n, dtype=bool)
        spent = greedy_set(costs, gains, need, members)
        if np.isinf(cheapest):
            assert np.isinf(spent)
            assert np.isinf(price(costs, gains, need))
        else:
            assert gains[members].sum() >= need
            assert cheapest - 1e-12 <= spent
            assert_allclose(spent, costs[members].sum())


def test_units_of_one_weight_cost_what_the_cheapest_of_them_do_however_many():
    rng = np.random.default_rng(9)
    costs = rng.random(101)
    for needed in (1, 30, 50, 101):
        # Half a unit is a whole one; a search gave up here, with less than that costs.
        cost = cheapest_set(costs, np.full(101, 0.125), 0.125 * (needed - 0.5))
        assert_allclose(cost, np.sort(costs)[:needed].sum(), rtol=1e-14)
    assert cheapest_set(costs, np.full(101, 0.125), 0.125 * 101.5) == np.inf


def test_press_solves_the_least_distance_problem():
    rng = np.random.default_rng(8)
    for _ in range(30):
        rows = rng.standard_normal((6, 12))
        rows /= np.linalg.norm(rows, axis=1)[:, None]
        levels = rng.random(6)
        sides = np.where(rng.random(6) < 0.3, -1.0, 1.0)
        expected = least_distance(sides[:, None] * rows, sides * levels)
        multipliers, moves = np.zeros(6), np.zeros(6)
        dual_ascent(
            rows @ rows.T, np.arange(6), sides, levels, multipliers, moves,
            np.int64(10_000), 1e-13,
        )  # fmt: skip
        assert_allclose(multipliers, expected, atol=1e-8)
        assert_allclose(moves, rows @ ((multipliers * sides) @ rows), atol=1e-9)
    opposite = np.array([[1.0, 0.0], [-1.0, 0.0]])
    assert least_distance(opposite, np.array([1.0, 1.0])) is None


@pytest.mark.parametrize(
    "steps",
    [
        StandardScaler(),
        MinMaxScaler(),
        RobustScaler(),
        make_pipeline(StandardScaler(), PCA(3, random_state=0)),
        PCA(3, whiten=True, random_state=0),
        make_pipeline(RobustScaler(), VarianceThreshold(), PCA(2, random_state=0)),
        ColumnTransformer(
            [("a", StandardScaler(), [0, 2]), ("b", "drop", [1])],
            remainder=MinMaxScaler(),
        ),
        FeatureUnion([("a", StandardScaler()), ("b", PCA(2, whiten=True))]),
    ],
    ids=lambda steps: type(steps).__name__,
)
@pytest.mark.parametrize("mean", [1e6, 1e12])
def test_certified_radii_scale_with_the_data_whatever_their_mean(steps, mean):
    """The same problem in other units: deviations of 1e10 and a mean up to 1e12."""
    X, y = make_blobs(120, 4, centers=3, cluster_std=2.5, random_state=0)
    near = make_pipeline(
        clone(steps),
        SCDClassifier(
            "01", n_estimators=5, hidden_units=3, max_iter=60, random_state=0
        ),
    ).fit(X, y)
    X_far = mean + 1e10 * X
    far = Pipeline([("steps", clone(steps).fit(X_far)), ("networks", near[-1])])
    X, X_far = X[::4], X_far[::4]
    bounds = certified_distortion(near, X)
    assert (bounds > 0).mean() > 0.9
    assert_allclose(far[0].transform(X_far), near[0].transform(X), atol=1e-6)
    assert_allclose(certified_distortion(far, X_far), 1e10 * bounds, rtol=1e-6)
