"""Randomised smoothing: radii, their confidence, where noise is drawn, abstention.

The oracle is a linear classifier. Smoothed it is itself, and its radius with infinitely
many copies is the distance to its plane, whatever the noise.
"""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.stats import binom, binomtest, chi2_contingency, kstest, norm
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.random_projection import GaussianRandomProjection
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_scd import PixelMeans, SCDClassifier, SignConvolution, make_robust_scd
from sklearn_scd.robustness import SmoothedClassifier, exact_distance
from sklearn_scd.robustness._smoothing.noise import noisy_space
from sklearn_scd.robustness._smoothing.smoothed_classifier import (
    lower_confidence_bound,
)


@pytest.fixture
def data():
    """Two classes in twelve dimensions of unlike scales."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 12)) * np.linspace(0.5, 3, 12) + 5
    return X, np.where(X[:, -1] + X[:, 0] > 10, "ill", "well")


@pytest.fixture
def linear(data):
    return LogisticRegression(C=0.1).fit(*data)


def smoothed(estimator, X, y, **parameters):
    """A fitted estimator, smoothed."""
    parameters = {"sigma": 1.0, "n_samples": 200, "random_state": 0, **parameters}
    return SmoothedClassifier(FrozenEstimator(estimator), **parameters).fit(X, y)


@parametrize_with_checks(
    [
        SmoothedClassifier(LogisticRegression(), 0.1, 30, random_state=0),
        SmoothedClassifier(
            LogisticRegression(), 0.1, 30, n_train_copies=2, random_state=0
        ),
    ]
)
def test_scikit_learn_check_passes_smoothed(estimator, check):
    check(estimator)


@pytest.mark.parametrize("n_components", [None, 3])
def test_radii_of_a_linear_classifier_come_near_its_distances(n_components, data):
    X, y = data
    front = [] if n_components is None else [StandardScaler(), PCA(n_components)]
    model = make_pipeline(*front, LogisticRegression(C=0.1)).fit(X, y)
    exact = exact_distance(model, X, y)
    sigma = np.median(exact[exact > 0])
    model = smoothed(model, X, y, sigma=sigma, n_samples=20_000, alpha=1e-6)
    radii = model.certified_distortion(X, y)
    wrong = exact == 0
    assert 5 < wrong.sum() < 100
    assert (radii <= exact).all()
    # As few right copies as one sample in a million has, and what they certify.
    clear = exact > 0.5 * sigma  # a hundred copies choose the right class
    few = binom.ppf(1e-6, 20_000, norm.cdf(exact[clear] / sigma))
    lower = [
        binomtest(int(k), 20_000, alternative="greater").proportion_ci(1 - 1e-6).low
        for k in few
    ]
    assert (radii[clear] >= sigma * norm.ppf(lower)).all()
    assert (radii[clear] > 0.9 * exact[clear]).sum() > 40
    assert (model.certified_distortion(X) >= radii).all()


def test_a_radius_is_wrong_as_seldom_as_it_says(data, linear):
    X, y = data
    alpha, n_seeds = 0.2, 250
    sample = np.flatnonzero(exact_distance(linear, X, y) > 0.5)[:1]
    distance = exact_distance(linear, X[sample])
    too_large = 0
    for seed in range(n_seeds):
        model = smoothed(
            linear, X, y, sigma=distance[0], n_samples=150, alpha=alpha,
            random_state=seed,
        )  # fmt: skip
        too_large += (model.certified_distortion(X[sample]) > distance).sum()
    assert binomtest(too_large, n_seeds, alpha, alternative="greater").pvalue > 0.01
    assert too_large > 0.5 * alpha * n_seeds  # it is not just always far below


@pytest.mark.parametrize(("n", "alpha"), [(1, 0.05), (30, 0.001), (1000, 0.3)])
def test_bound_is_clopper_and_pearsons(n, alpha):
    counts = np.arange(0, n + 1, max(1, n // 40))
    bounds = lower_confidence_bound(counts, n, alpha)
    expected = [
        binomtest(int(k), n, alternative="greater").proportion_ci(1 - alpha).low
        for k in counts
    ]
    np.testing.assert_allclose(bounds, expected, rtol=1e-9, atol=1e-300)


def test_no_bound_is_one_whatever_is_rounded():
    alpha = np.nextafter(1.0, 0.0)
    assert (lower_confidence_bound(np.arange(101), 100, alpha) < 1).all()


def test_a_class_that_is_chosen_wrongly_is_not_certified(data, linear):
    """The copies that choose are not those that bound."""
    X, y = data
    near = np.argsort(exact_distance(linear, X))[:30]
    model = smoothed(linear, X, y, n_selection_samples=1, n_samples=2000)
    radii, predicted = model.certified_distortion(X[near]), model.predict(X[near])
    certified = radii > 0
    assert 0 < certified.sum() < 30
    assert (predicted[certified] == linear.predict(X[near])[certified]).all()
    wrong = np.where(predicted == "ill", "well", "ill")
    assert (model.certified_distortion(X[near], wrong) == 0).all()
    right = model.certified_distortion(X[near], predicted)
    np.testing.assert_array_equal(right, radii)


def test_no_class_but_that_predicted_is_certified_whatever_the_confidence(data, linear):
    X, y = data
    near = X[np.argsort(exact_distance(linear, X))[:30]]
    model = smoothed(linear, X, y, n_selection_samples=1, n_samples=50, alpha=0.95)
    predicted = model.predict(near)
    wrong = np.where(predicted == "ill", "well", "ill")
    assert (model.certified_distortion(near, wrong) == 0).all()
    assert (model.certified_distortion(near, predicted) > 0).any()


# Where noise is drawn


def hidden(model):
    """The same model with steps that no rule knows: its noise is in the input."""
    return make_pipeline(FunctionTransformer(model[:-1].transform), model[-1])


def test_noise_behind_a_front_is_that_of_the_input(data):
    X, y = data
    model = make_pipeline(StandardScaler(), PCA(2), SVC(gamma=1.0)).fit(X, y)
    assert noisy_space(model, X).n_features == 2
    assert noisy_space(hidden(model), X).n_features == 12
    undecided, n = 0, 4000
    for seed, x in enumerate(X[:20]):
        shares = [
            smoothed(m, X, y, n_samples=n, random_state=seed).predict_proba([x])[0]
            for m in (model, hidden(model))
        ]
        if min(shares[0]) < 0.02:
            continue
        undecided += 1
        assert chi2_contingency(n * np.array(shares)).pvalue > 1e-4
    assert undecided > 8


class Contrary:
    """Names the other one of two classes."""

    def predict(self, X):
        predicted = super().predict(X)
        return np.where(predicted == self.classes_[0], *self.classes_[::-1])


class ContraryPipeline(Contrary, Pipeline):
    pass


class ContrarySearch(Contrary, GridSearchCV):
    pass


class ContraryFrozen(FrozenEstimator):
    def predict(self, X):
        predicted = self.estimator.predict(X)
        return np.where(predicted == self.classes_[0], *self.classes_[::-1])


class Wrapper(ClassifierMixin, BaseEstimator):
    """Holds its pipeline as a search does, and has a threshold of its own."""

    def __init__(self, pipeline):
        self.pipeline = pipeline

    def fit(self, X, y):
        self.best_estimator_ = self.pipeline.fit(X, y)
        self.classes_ = self.pipeline.classes_
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        shares = self.best_estimator_.predict_proba(X)
        return self.classes_[(shares[:, 1] > 0.9).astype(int)]


def _by_hand(model):
    usual = model.predict
    model.predict = lambda X: np.where(usual(X) == "ill", "well", "ill")
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda steps: ContraryPipeline(steps),
        lambda steps: ContrarySearch(Pipeline(steps), {}, cv=2),
        lambda steps: Wrapper(Pipeline(steps)),
        lambda steps: Pipeline([("inner", ContraryPipeline(steps))]),
        lambda steps: _by_hand(Pipeline(steps)),
    ],
    ids=["pipeline", "search", "wrapper", "inner pipeline", "by hand"],
)
def test_what_is_smoothed_is_what_the_whole_predicts(data, make):
    """Not the classifier in it, where a pipeline or a search decides otherwise."""
    X, y = data
    steps = [
        ("scaler", StandardScaler()),
        ("pca", PCA(2)),
        ("svc", LogisticRegression()),
    ]
    model = make(steps).fit(X, y)
    predicted = smoothed(model, X, y, sigma=1e-6).predict(X)
    np.testing.assert_array_equal(predicted, model.predict(X))


def test_what_is_smoothed_is_what_a_frozen_one_predicts(data):
    X, y = data
    model = ContraryFrozen(make_pipeline(PCA(2), LogisticRegression()).fit(X, y))
    of_it = SmoothedClassifier(model, 1e-6, n_samples=50, random_state=0).fit(X, y)
    np.testing.assert_array_equal(of_it.predict(X), model.predict(X))


@pytest.mark.parametrize(
    ("steps", "dtype", "factor_ndim"),
    [
        ((StandardScaler(), PCA(3, whiten=True), StandardScaler()), np.float64, 2),
        ((StandardScaler(), PCA(3, whiten=True), StandardScaler()), np.float32, 2),
        ((PCA(3, whiten=True),), np.float64, 1),  # at right angles, of unlike lengths
        ((PCA(3, whiten=True),), np.float32, 2),  # but for rounding
        ((SelectKBest(k=3),), np.float32, 1),  # a sparse map
    ],
)
def test_covariance_behind_a_front_is_that_of_its_steps(
    data, steps, dtype, factor_ndim
):
    X, y = data
    X = X.astype(dtype)
    model = make_pipeline(*steps, SVC()).fit(X, y)
    space = noisy_space(model, X)
    assert space.factor.ndim == factor_ndim
    base = model[:-1].transform(X[:1])
    columns = model[:-1].transform(X[:1] + np.eye(12, dtype=dtype)) - base
    expected = columns.T @ columns
    factor = space.factor if space.factor.ndim == 2 else np.diag(space.factor)
    np.testing.assert_allclose(
        factor.T @ factor, expected, rtol=1e-3, atol=1e-5 * expected.max()
    )
    np.testing.assert_allclose(space.project(X[:1]), base, rtol=1e-4)
    (copies,) = space.copies(base[0], 0.5, 50_000, None, np.random.default_rng(0))
    assert copies.dtype == dtype
    np.testing.assert_allclose(
        np.cov(copies.T), 0.25 * expected, atol=0.02 * expected.max()
    )


def test_small_directions_keep_the_noise_that_they_share(data):
    """However small: a tree, say, is as sure of them as of large ones."""
    X, y = data
    parts = [
        ("some", "passthrough", [0, 1]),
        ("sums", GaussianRandomProjection(3, random_state=0), slice(2, 12)),
    ]
    front = ColumnTransformer(parts, transformer_weights={"sums": 1e-8})
    model = make_pipeline(front, DecisionTreeClassifier()).fit(X, y)
    factor = noisy_space(model, X).factor
    assert factor.shape == (5, 5)
    columns = front.transform(np.eye(12))  # of a linear map
    expected = columns.T @ columns
    sizes = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs(expected / sizes)[2:, 2:].min() > 0.05
    np.testing.assert_allclose(factor.T @ factor / sizes, expected / sizes, atol=1e-12)


def test_noise_is_drawn_where_dimensions_are_fewest(data):
    X, y = data
    nowhere = make_pipeline(StandardScaler(), SVC()).fit(X, y)
    assert noisy_space(nowhere, X).front is None
    squares = FunctionTransformer(np.square)
    stops = make_pipeline(PCA(4), StandardScaler(), squares, PCA(2), SVC()).fit(X, y)
    space = noisy_space(stops, X)
    assert (space.n_features, len(space.front)) == (4, 2)
    np.testing.assert_array_equal(
        space.classifier.predict(space.project(X)), stops.predict(X)
    )
    search = GridSearchCV(make_pipeline(PCA(4), SVC()), {"pca__n_components": [3]})
    wrapped = FrozenEstimator(search.fit(X, y))
    assert noisy_space(wrapped, X).n_features == 3


def test_noise_behind_means_of_pixels_is_of_the_same_size_and_no_matrix(data):
    X, y = data
    model = make_convolutional(n_estimators=1, max_iter=2).fit(X, y)
    space = noisy_space(model, X)
    assert (space.n_features, len(space.front)) == (9, 1)
    np.testing.assert_allclose(space.factor, np.ones(9), rtol=1e-14)
    X = np.random.default_rng(0).standard_normal((20, 60 * 60)).astype(np.float32)
    model = make_pipeline(PixelMeans((60, 60), side=50), GaussianNB())
    model.fit(X, np.arange(20) % 2)
    tracemalloc.start()
    noisy_space(model, X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 2500**2 / 4  # of float64, had it all covariances


# What a prediction depends on


def make_convolutional(**parameters):
    """Sign units on patches of means of pixels, behind which noise is drawn."""
    means = PixelMeans((3, 4), side=3)
    layer = SignConvolution((3, 3), n_filters=20, kernel_size=2, random_state=0)
    return make_pipeline(means, layer, StandardScaler(), SCDClassifier(**parameters))


@pytest.mark.parametrize(
    "make",
    [SCDClassifier, make_robust_scd, make_convolutional],
    ids=lambda make: make.__name__,
)
def test_batches_jobs_and_other_samples_make_no_difference(make, data):
    X, y = data
    parameters = {"n_estimators": 3, "max_iter": 20, "random_state": 0}
    if make is make_robust_scd:
        parameters |= {"margin": 0.3, "noise": 0.3}
    estimator = make(**parameters).fit(X, y)
    expected = smoothed(estimator, X, y).predict_proba(X[:20])
    for options in ({"batch_size": 7}, {"n_jobs": 2}, {"batch_size": 1000}):
        again = smoothed(estimator, X, y, **options).predict_proba(X[:20])
        np.testing.assert_array_equal(again, expected)
    model = smoothed(estimator, X, y)
    np.testing.assert_array_equal(model.predict_proba(X[5:6]), expected[5:6])
    np.testing.assert_array_equal(model.predict_proba(X[19::-1]), expected[::-1])
    other = smoothed(estimator, X, y, random_state=1).predict_proba(X[:20])
    assert (other != expected).any()
    fresh = smoothed(estimator, X, y, random_state=None)
    np.testing.assert_array_equal(fresh.predict(X), fresh.predict(X))


def test_samples_have_noise_of_their_own(linear, data):
    """Images one rounding error apart are as good as any two."""
    X, y = data
    x = X[np.argsort(exact_distance(linear, X))[:1]]
    near = np.repeat(x, 200, axis=0)
    near[:, 0] = near[:, 0] * (1 + np.arange(200) * 2.0**-50)
    shares = smoothed(linear, X, y).predict_proba(near)[:, 0]
    p = shares.mean()
    assert 0.7 < shares.std() / np.sqrt(p * (1 - p) / 200) < 1.3


class Watched(ClassifierMixin, BaseEstimator):
    """Keeps the largest number of rows it was asked about."""

    def fit(self, X, y):
        self.classes_, self.largest_ = np.unique(y), 0
        return self

    def predict(self, X):
        self.largest_ = max(self.largest_, len(X))
        return self.classes_[(X[:, 0] > 0).astype(int)]


def test_no_more_copies_are_held_than_were_asked_for():
    X, y = np.zeros((2, 3000)), np.arange(2)
    for batch_size, most in ((17, 17), (None, 2**22 // 3000)):
        model = SmoothedClassifier(Watched(), batch_size=batch_size, n_samples=2000)
        model.fit(X, y).predict(X)
        assert model.estimator_.largest_ == most


def test_parameters_after_fit_change_nothing_fitted(data, linear):
    X, y = data
    model = smoothed(linear, X, y)
    expected = model.certified_distortion(X[:10])
    model.set_params(sigma=5.0, n_samples=3, alpha=0.5, random_state=7)
    np.testing.assert_array_equal(model.certified_distortion(X[:10]), expected)


# Abstention, labels, what is handed on


@pytest.mark.parametrize("label", ["?", None])
def test_it_abstains_where_nothing_is_certified(label, data, linear):
    X, y = data
    normal = linear.coef_[0] / np.linalg.norm(linear.coef_)
    on_plane = X - np.outer(linear.decision_function(X), normal) / np.linalg.norm(
        linear.coef_
    )
    model = smoothed(linear, X, y, abstention_label=label)
    undecided, decided = model.predict(on_plane[:50]), model.predict(X)
    radii = model.certified_distortion(X)
    assert (model.certified_distortion(on_plane[:50]) > 0).mean() < 0.1
    if label is None:
        assert set(undecided) == set(decided) == {"ill", "well"}
    else:
        assert (undecided == label).mean() > 0.9
        np.testing.assert_array_equal(decided == label, radii == 0)
        assert (decided == linear.predict(X)).mean() > 0.7


def test_what_is_wrong_is_told(data):
    X, y = data
    with pytest.raises(ValueError, match="abstention_label='ill' is one of"):
        SmoothedClassifier(SVC(), abstention_label="ill").fit(X, y)
    with pytest.raises(ValueError, match="single class"):
        SmoothedClassifier(DecisionTreeClassifier()).fit(X, np.zeros(len(X)))
    model = SmoothedClassifier(SVC(), n_samples=10).fit(X, y)
    with pytest.raises(ValueError, match="label 'unknown'"):
        model.certified_distortion(X[:1], ["unknown"])


def test_three_classes_and_names_of_columns(data):
    X, _ = data
    y = np.digitize(X[:, -1], [3.0, 7.0])
    frame = pd.DataFrame(X, columns=[f"pixel {k}" for k in range(12)])
    steps = make_pipeline(StandardScaler(), PCA(11), SVC(C=10))
    steps.set_output(transform="pandas")
    model = SmoothedClassifier(steps, 0.1, 300, random_state=0).fit(frame, y)
    assert model.score(frame, y) > 0.9
    assert model.predict_proba(frame[:3]).shape == (3, 3)
    assert (model.certified_distortion(frame[:50], y[:50]) > 0).mean() > 0.8


def test_weights_are_routed_to_the_classifier(data):
    X, y = data
    weights = np.where(y == "ill", 50.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        base = LogisticRegression(C=0.1).set_fit_request(sample_weight=True)
        model = SmoothedClassifier(base, n_samples=10).fit(X, y, sample_weight=weights)
    expected = LogisticRegression(C=0.1).fit(X, y, weights)
    np.testing.assert_array_equal(model.estimator_.coef_, expected.coef_)


# Noise in training


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps what it is trained on."""

    def fit(self, X, y, sample_weight=None, names=None):
        self.X_, self.y_, self.params_ = X, y, (sample_weight, names)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.resize(self.classes_, len(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_copies_have_noise_of_sigma_around_each_sample(dtype, data):
    X, y = data[0].astype(dtype), data[1]
    model = SmoothedClassifier(Recorder(), 0.7, n_train_copies=50, random_state=0)
    seen = model.fit(X, y).estimator_
    assert seen.X_.dtype == dtype
    noise = seen.X_.reshape(200, 50, 12) - X[:, None]
    np.testing.assert_array_equal(seen.y_, np.repeat(y, 50))
    assert kstest(noise.ravel() / 0.7, "norm").pvalue > 0.01
    np.testing.assert_allclose(np.cov(noise.reshape(-1, 12).T), 0.49 * np.eye(12),
                               atol=0.02)  # fmt: skip
    assert np.abs(np.corrcoef(noise[:, :10].reshape(200, -1))[0, 1:]).max() < 0.5
    again = model.fit(X, y).estimator_
    np.testing.assert_array_equal(again.X_, seen.X_)
    other = model.set_params(random_state=1).fit(X, y).estimator_
    assert (other.X_ != seen.X_).all()


def test_training_noise_leaves_that_of_the_votes_as_it_was(data, linear):
    """Nor does a frozen classifier cost a draw."""
    X, y = data
    expected = smoothed(linear, X, y).certified_distortion(X)
    for seed in (0, np.random.RandomState(0)):
        frozen = smoothed(linear, X, y, n_train_copies=3, random_state=seed)
        np.testing.assert_array_equal(frozen.certified_distortion(X), expected)
    trained = SmoothedClassifier(linear, 1.0, 200, n_train_copies=3, random_state=0)
    trained.fit(X, y)
    assert (trained.estimator_.coef_ != linear.coef_).all()
    trained.estimator_ = linear
    np.testing.assert_array_equal(trained.certified_distortion(X), expected)
    plain = SmoothedClassifier(Recorder(), random_state=0).fit(X, y).estimator_
    assert plain.X_ is X
    assert plain.y_ is y


def test_what_is_routed_is_there_for_each_copy(data):
    X, y = data
    weights = np.arange(200.0)
    with sklearn.config_context(enable_metadata_routing=True):
        base = Recorder().set_fit_request(sample_weight=True, names=True)
        model = SmoothedClassifier(base, n_train_copies=3)
        model.fit(X, y, sample_weight=weights, names=["a", "b"])
    seen_weights, names = model.estimator_.params_
    np.testing.assert_array_equal(seen_weights, np.repeat(weights, 3))
    assert names == ["a", "b"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_copies_of_a_frame_are_a_frame_of_its_columns(library, data):
    library = pytest.importorskip(library)
    X, y = data
    names = [f"pixel {k}" for k in range(12)]
    frame = library.DataFrame({name: X[:, k] for k, name in enumerate(names)})
    model = SmoothedClassifier(Recorder(), n_samples=10, n_train_copies=2).fit(frame, y)
    assert list(model.feature_names_in_) == list(model.estimator_.X_.columns) == names
    assert len(model.estimator_.X_) == 400
    by_name = ColumnTransformer([("few", StandardScaler(), names[-3:])])
    model.set_params(estimator=make_pipeline(by_name, SVC()), random_state=0)
    assert model.fit(frame, list(y)).score(frame, y) > 0.8


def test_copies_need_numbers_and_as_many_labels(data):
    X, y = data
    model = SmoothedClassifier(SVC(), n_train_copies=2)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y[1:])
    X[3, 3] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        model.fit(X, y)
    with pytest.raises(ValueError, match="'n_train_copies' parameter"):
        model.set_params(n_train_copies=-1).fit(X, y)
