"""Training to stand perturbations: margin, noise, the robust pipeline, the scorer."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split

from sklearn_scd import SCDClassifier, make_robust_scd
from sklearn_scd.robustness import (
    certified_accuracy_scorer,
    certified_distortion,
    exact_distance,
)


def _moons(n=300, n_noise=0, seed=0):
    from sklearn.datasets import make_moons

    X, y = make_moons(n, noise=0.15, random_state=seed)
    rng = np.random.default_rng(seed)
    return np.hstack([X, rng.standard_normal((n, n_noise))]).astype(np.float32), y


def _fit(X, y, sample_weight=None, **options):
    defaults = {"n_estimators": 3, "max_iter": 150, "hidden_units": 6}
    model = SCDClassifier(**{**defaults, **options}, random_state=0)
    return model.fit(X, y, sample_weight)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("hidden_units", [0, 2, 6])
def test_the_loss_at_a_margin_is_the_share_that_is_not_certified_for_it(
    hidden_units, binary
):
    X, y = _moons(n_noise=2)
    margin, growth = 0.1, 0.4
    model = _fit(
        X, y, loss="01", n_estimators=1, hidden_units=hidden_units,
        binary_weights=binary, margin=margin, margin_growth=growth, max_iter=250,
    )  # fmt: skip
    loss = np.nanmin(model.loss_curve_[0, 100:])  # with the whole margin
    assert loss < 0.45  # a constant says less
    bounds = certified_distortion(model, X, y, method="order")
    certified = (bounds >= margin * (1 - 1e-4)).mean()
    assert certified >= 1 - loss - 1e-6


@pytest.mark.parametrize(("loss", "gain"), [("01", 0.1), ("ce", 0.03)])
def test_a_margin_makes_the_vote_stand_more(loss, gain):
    X, y = _moons(600)
    score = certified_accuracy_scorer(0.3)
    plain, robust = (
        _fit(X[:400], y[:400], loss=loss, margin=m, n_estimators=7, max_iter=400)
        for m in (0.0, 0.3)
    )
    assert score(robust, X[400:], y[400:]) > gain + score(plain, X[400:], y[400:])


@pytest.mark.parametrize("loss", ["01", "ce"])
def test_margin_and_noise_are_in_the_units_of_the_data(loss):
    X, y = _moons(n_noise=2)
    options = {"loss": loss, "max_iter": 60}
    small = _fit(X, y, margin=0.1, noise=0.2, **options)
    large = _fit(8 * X, y, margin=0.8, noise=1.6, **options)
    np.testing.assert_array_equal(small.predict(X) == y, large.predict(8 * X) == y)
    np.testing.assert_array_equal(small.loss_curve_, large.loss_curve_)
    np.testing.assert_array_equal(small.hidden_coef_, large.hidden_coef_)
    np.testing.assert_array_equal(8 * small.hidden_intercept_, large.hidden_intercept_)


def test_noise_depends_on_the_weighted_set_of_samples_and_the_seed_alone():
    X, y = _moons(120)
    order = np.random.default_rng(0).permutation(120)
    options = {"noise": 0.3, "margin": 0.1, "max_iter": 40}
    model = _fit(X, y, **options)
    assert not np.array_equal(_fit(X, y).hidden_coef_, model.hidden_coef_)
    other = SCDClassifier(**{**model.get_params(), "random_state": 1}).fit(X, y)
    assert not np.array_equal(other.hidden_coef_, model.hidden_coef_)
    weights = np.where(np.arange(120) < 30, 2.0, 1.0)
    twice = np.concatenate([np.arange(120), np.arange(30)])
    for alike, reference in (
        (_fit(X[order], y[order], **options), model),
        (_fit(X, y, n_jobs=2, **options), model),
        (_fit(X[twice], y[twice], **options), _fit(X, y, weights, **options)),
    ):
        np.testing.assert_array_equal(alike.hidden_coef_, reference.hidden_coef_)
        np.testing.assert_array_equal(alike.loss_curve_, reference.loss_curve_)


def test_noisy_copies_are_the_samples_and_noise_of_that_size():
    from sklearn_scd._training_set import training_set

    X = np.arange(400, dtype=np.uint8).reshape(200, 2)
    y = np.repeat([0, 1], 100)
    training = training_set(X, y, np.ones(200), 2, noise=3.0, n_noisy=4, seed=0)
    assert training.columns.dtype == np.float32
    assert training.columns.shape == (2, 1000)
    np.testing.assert_array_equal(training.class_starts, [0, 500, 1000])
    copies = training.columns.reshape(2, 200, 5)
    noise = copies[:, :, 1:] - copies[:, :, :1]
    assert noise.std() == pytest.approx(3.0, rel=0.05)
    assert abs(noise.mean()) < 0.3
    originals = {tuple(row) for row in copies[:, :, 0].T.astype(int)}
    assert originals == {tuple(row) for row in X.astype(int)}


def test_early_stopping_waits_for_the_whole_margin():
    X, y = _moons()
    model = _fit(X, y, margin=0.1, margin_growth=0.8, n_iter_no_change=2)
    assert (model.n_iter_ >= 120).all()


def test_warm_start_with_margin_and_noise_is_a_fit_from_scratch():
    X, y = _moons()
    options = {"margin": 0.1, "noise": 0.2}
    grown = _fit(X, y, warm_start=True, **options)
    grown.set_params(n_estimators=5).fit(X, y)
    np.testing.assert_array_equal(
        grown.hidden_coef_, _fit(X, y, n_estimators=5, **options).hidden_coef_
    )


def test_the_robust_pipeline_stands_more_than_networks_in_pixels():
    X, y = load_digits(n_class=2, return_X_y=True)
    X = np.hstack([X / 16, np.random.default_rng(0).random((len(X), 600)) / 4])
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    plain = _fit(X_train, y_train, n_estimators=15)
    robust = make_robust_scd(8, n_estimators=15, random_state=0)
    robust.fit(X_train, y_train)
    assert robust.score(X_test, y_test) > 0.97
    medians = [
        np.median(certified_distortion(model, X_test, y_test))
        for model in (plain, robust)
    ]
    assert medians[1] > 1.5 * medians[0]


def test_robust_pipeline_takes_parameters_of_its_steps():
    model = make_robust_scd(5, margin=0.3, loss="ce", random_state=3)
    assert model["activesubspace"].n_components == 5
    assert model["scdclassifier"].margin == 0.3
    assert model["scdclassifier"].loss == "ce"
    assert [step.random_state for step in model] == [3, 3]
    with pytest.raises(TypeError, match="no_such"):
        make_robust_scd(no_such=1)
    with pytest.raises(ValueError, match="n_components"):
        make_robust_scd(0)


def test_scorer_is_the_share_of_certified_samples():
    X, y = _moons()
    model = _fit(X, y)
    X, y = X[:80], y[:80]
    bounds = certified_distortion(model, X, y)
    weights = np.random.default_rng(0).random(len(y))
    for epsilon in (0, 0.05, 0.2):
        scorer = certified_accuracy_scorer(epsilon)
        assert scorer(model, X, y) == pytest.approx((bounds > epsilon).mean())
        assert scorer(model, X, y, sample_weight=weights) == pytest.approx(
            np.average(bounds > epsilon, weights=weights)
        )
    linear = LogisticRegression().fit(X, y)
    distances = exact_distance(linear, X, y)
    assert certified_accuracy_scorer(0.1)(linear, X, y) == (distances > 0.1).mean()
    by_order = certified_accuracy_scorer(0.1, method="order")
    assert repr(by_order) == "certified_accuracy_scorer(0.1, method='order')"
    mean = certified_accuracy_scorer([0, 0.2])(model, X, y)
    assert mean == pytest.approx(((bounds > 0).mean() + (bounds > 0.2).mean()) / 2)
    for wrong in (-1, [0.1, -1], [], [[0.1]]):
        with pytest.raises(ValueError, match="epsilon"):
            certified_accuracy_scorer(wrong)


def test_scorer_counts_no_linear_classifier_beyond_what_it_rounds():
    """In float32, far from zero: points of a fine grid around a sample are asked."""
    weights = np.array([0.345584, 0.821618], dtype=np.float32)
    across = weights / np.linalg.norm(weights.astype(float))
    model = LogisticRegression().fit(np.eye(2), [0, 1])
    model.coef_, model.intercept_ = weights[np.newaxis], np.zeros(1, np.float32)
    along = np.arange(-16, 17) / 16
    grid = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    nearer = 0
    for share in np.linspace(0.3, 0.7, 40):
        x = 1e6 * np.array([[-across[1], across[0]]]) + share * across
        x = x.astype(np.float32)
        points = (x + grid).astype(np.float32)
        y = model.predict(x)
        changed = points[model.predict(points) != y].astype(float)
        found = np.linalg.norm(changed - x, axis=1).min(initial=2)
        nearer += found < exact_distance(model, x)[0]
        assert certified_accuracy_scorer(found)(model, x, y) == 0
    assert nearer  # or the exact distance would do


def test_grid_search_finds_the_margin_for_a_size():
    X, y = _moons(400)
    search = GridSearchCV(
        _fit(X, y, loss="01", max_iter=200),
        {"margin": [0.0, 0.15]},
        scoring={"clean": "accuracy", "certified": certified_accuracy_scorer(0.15)},
        refit="certified",
        cv=3,
    ).fit(X, y)
    assert search.best_params_ == {"margin": 0.15}
    assert search.best_score_ <= search.cv_results_["mean_test_clean"][1]


@pytest.mark.parametrize(
    ("name", "value"),
    [("margin", -0.1), ("margin_growth", 1.5), ("noise", -1), ("noisy_copies", 0)],
)
def test_parameters_out_of_range_are_refused(name, value):
    X, y = _moons(20)
    with pytest.raises(ValueError, match=name):
        SCDClassifier(**{name: value}).fit(X, y)
