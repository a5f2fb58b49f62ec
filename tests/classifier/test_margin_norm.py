"""Training by L-infinity radii: what is measured, where, and that pipelines stay so."""

import pickle

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import linprog
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sklearn_scd import RobustPipeline, SCDClassifier, make_robust_scd
from sklearn_scd.robustness import certified_distortion

SMALL = {"n_estimators": 2, "max_iter": 10, "hidden_units": 4, "random_state": 0}


@pytest.fixture(scope="module")
def spread():
    """Two classes apart in one of many features, and a little in all the others."""
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    apart = np.r_[2.0, np.full(30, 0.5)]
    X = 0.3 * rng.standard_normal((300, 31)) + np.outer(y, apart)
    return X, y


def _radii(margin_norm=np.inf, **params):
    params = {"margin": "auto", "n_estimators": 3, "random_state": 0, **params}
    return SCDClassifier("radius", margin_norm=margin_norm, **params)


def _pipeline(margin_norm=np.inf, **params):
    classifier = _radii(margin_norm, **{**SMALL, **params})
    return RobustPipeline([("pca", PCA(5, random_state=0)), ("scd", classifier)])


def _distance_by_linear_program(w, offset, x):
    """Least t such that a step of at most t in each input reaches a hyperplane."""
    n = len(x)
    bounded = np.block([[np.eye(n), -np.ones((n, 1))], [-np.eye(n), -np.ones((n, 1))]])
    found = linprog(
        np.r_[np.zeros(n), 1.0], A_ub=bounded, b_ub=np.zeros(2 * n),
        A_eq=[np.r_[w, 0.0]], b_eq=[-(w @ x + offset)], bounds=(None, None),
    )  # fmt: skip
    assert found.success
    return found.fun


def test_the_loss_is_that_of_distances_in_the_input():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.standard_normal((60, 7)) @ rng.standard_normal((7, 7)) + 4 * y[:, None]
    classifier = _radii(margin=0.3, hidden_units=1, n_estimators=1)
    front = [("scale", StandardScaler()), ("pca", PCA(3))]
    model = RobustPipeline([*front, ("scd", classifier)]).fit(X, y)
    # By what the steps do, not by their maps: the image of each input, and of none.
    images = model[:-1].transform(np.vstack([np.zeros(7), np.eye(7)]))
    w = (images[1:] - images[0]) @ classifier.hidden_coef_[0, 0]
    offset = images[0] @ classifier.hidden_coef_[0, 0]
    offset += classifier.hidden_intercept_[0, 0]
    distances = np.array([_distance_by_linear_program(w, offset, x) for x in X])
    assert_array_equal(model.predict(X), X @ w + offset > 0)
    right = np.where(model.predict(X) == y, distances, -distances)
    loss = np.log1p(np.exp(-right / 0.3)).mean()
    assert_allclose(classifier.loss_curve_[0, -1], loss, rtol=1e-5)
    found = certified_distortion(model, X, norm=np.inf)
    assert_allclose(found, distances, rtol=1e-5)


def _mean_radius(model, norm, X, y):
    model.fit(X, y)
    return certified_distortion(model, X, y, norm=norm, method="order").mean()


def test_radii_are_larger_in_the_norm_that_is_trained(spread):
    for norm, other, margin, other_margin in ((2, np.inf, 4, 1), (np.inf, 2, 1, 4)):
        trained = _mean_radius(_radii(norm, margin=margin), norm, *spread)
        assert trained > 1.2 * _mean_radius(
            _radii(other, margin=other_margin), norm, *spread
        )


def test_what_counts_is_the_input_and_not_the_features(spread):
    rotation = PCA().fit(np.random.default_rng(1).standard_normal((200, 31)))
    alone = _mean_radius(_radii(margin=1), np.inf, *spread)
    steps = [("turn", FrozenEstimator(rotation)), ("scd", _radii("inf", margin=1))]
    assert _mean_radius(RobustPipeline(steps), np.inf, *spread) > 0.95 * alone
    assert _mean_radius(Pipeline(steps), np.inf, *spread) < 0.8 * alone


def test_the_automatic_margin_is_that_of_l2_over_the_typical_length_of_a_row(spread):
    directions = np.random.default_rng(2).standard_normal((20_000, 5))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    model, other = _pipeline().fit(*spread), _pipeline(2).fit(*spread)
    lengths = np.abs(directions @ model["pca"].components_).sum(axis=1)
    expected = other[-1].margin_ / lengths.mean()
    assert model[-1].margin_ == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("factor", [2.0**-40, 2.0**40])
def test_training_follows_the_units_of_the_input(spread, factor):
    X, y = spread
    params = {"noise": "auto"} | SMALL
    model, other = (_radii(**params).fit(data, y) for data in (X, X * factor))
    assert other.margin_ == factor * model.margin_
    assert_array_equal(other.hidden_coef_, model.hidden_coef_)
    # In units of another size each, where features are the same.
    units = _radii(**params).fit(X, y, input_map=np.eye(31) / factor)
    assert units.margin_ == factor * model.margin_
    assert_array_equal(units.hidden_coef_, model.hidden_coef_)


def test_a_map_may_be_dense_sparse_or_come_later(spread):
    X, y = spread
    rng = np.random.default_rng(0)
    dense = rng.integers(-1, 2, (31, 45)) * (rng.random((31, 45)) < 0.2)
    dense[0] = 0  # a feature that no input changes, and an input that changes none
    dense[:, 7] = 0
    model = _radii(**SMALL).fit(X, y, input_map=dense)
    for given in (sparse.csr_array(dense), sparse.coo_array(dense), lambda: dense):
        other = clone(model).fit(X, y, input_map=given)
        assert_array_equal(other.hidden_coef_, model.hidden_coef_)
    alone = clone(model).fit(X, y)
    assert (alone.hidden_coef_ != model.hidden_coef_).any()
    itself = clone(model).fit(X, y, input_map=np.eye(31))
    assert_array_equal(itself.hidden_coef_, alone.hidden_coef_)


# The pipeline


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_processes_train_what_threads_train(spread):
    model = _pipeline(early_stopping=True).fit(*spread)
    with parallel_config("loky", n_jobs=2, max_nbytes=1):
        other = clone(model).fit(*spread)
    assert_array_equal(other[-1].hidden_coef_, model[-1].hidden_coef_)
    assert_array_equal(other[-1].validation_scores_, model[-1].validation_scores_)


def test_with_two_as_its_norm_it_is_a_pipeline_as_any_other(spread):
    X, y = spread
    model = make_robust_scd(**SMALL, margin_norm=np.inf).fit(X, y)
    other = clone(model).set_params(scdclassifier__margin_norm=2).fit(X, y)
    plain = Pipeline(make_robust_scd(**SMALL).steps).fit(X, y)
    assert_array_equal(other[-1].hidden_coef_, plain[-1].hidden_coef_)
    assert (model[-1].hidden_coef_ != plain[-1].hidden_coef_).any()
    linear = RobustPipeline([("pca", PCA(3)), ("linear", LogisticRegression())])
    expected = make_pipeline(PCA(3), LogisticRegression()).fit(X, y).predict(X)
    assert_array_equal(linear.fit(X, y).predict(X), expected)


def test_a_search_and_a_cache_change_nothing(spread, tmp_path):
    X, y = spread
    fitted, held_out = np.arange(150), np.arange(150, 300)
    margins = [0.2, 0.8]
    expected = [
        _pipeline(norm, margin=margin).fit(X[fitted], y[fitted])
        for margin in margins
        for norm in (2, np.inf)
    ]
    scores = [
        certified_distortion(model, X[held_out], y[held_out], norm=np.inf).mean()
        for model in expected
    ]
    assert len(set(scores)) == 4

    def mean_radius(model, X, y):
        return certified_distortion(model, X, y, norm=np.inf).mean()

    for memory in (None, str(tmp_path)):
        search = GridSearchCV(
            _pipeline().set_params(memory=memory),
            {"scd__margin_norm": [2, np.inf], "scd__margin": margins},
            scoring=mean_radius, cv=[(fitted, held_out)], refit=False,
        ).fit(X, y)  # fmt: skip
        assert_array_equal(search.cv_results_["mean_test_score"], scores)


def test_weights_names_copies_and_slices(spread):
    pd = pytest.importorskip("pandas")
    X, y = spread
    frame = pd.DataFrame(X).add_prefix("f")
    weights = np.where(np.arange(300) < 200, 1.0, 0.0)
    model = _pipeline().fit(frame, y, scd__sample_weight=weights)
    assert list(model.feature_names_in_) == list(frame.columns)
    copy = pickle.loads(pickle.dumps(model))
    assert type(copy) is RobustPipeline
    assert_array_equal(copy.predict(frame), model.predict(frame))
    assert_array_equal(model[:-1].transform(frame), model["pca"].transform(frame))
    radii = certified_distortion(model, X, norm=np.inf)
    assert_array_equal(certified_distortion(copy, X, norm=np.inf), radii)
    with config_context(enable_metadata_routing=True):
        routed = clone(model)
        routed[-1].set_fit_request(sample_weight=True)
        routed.fit(frame, y, sample_weight=weights)
    assert_array_equal(routed[-1].hidden_coef_, model[-1].hidden_coef_)


# What is refused


def test_what_has_no_such_margin_is_refused(spread):
    X, y = spread
    for loss in ("01", "ce"):
        with pytest.raises(ValueError, match=f"needs loss='radius'.*got loss='{loss}'"):
            SCDClassifier(loss, margin=1.0, margin_norm=np.inf).fit(X, y)
    with pytest.raises(ValueError, match=r"'auto' is for two classes.*got loss='ce'"):
        make_robust_scd(margin_norm=np.inf).fit(X, np.arange(300) % 3)
    with pytest.raises(ValueError, match=r"The 'margin_norm' parameter.*Got 1 instead"):
        _pipeline(1).fit(X, y)
    with pytest.raises(ValueError, match="has no use with margin_norm=2"):
        _radii(2).fit(X, y, input_map=np.eye(31))
    with pytest.raises(ValueError, match="a row for each of the 31 features, got 30"):
        _radii().fit(X, y, input_map=np.eye(30))
    with pytest.raises(ValueError, match="NaN or infinite"):
        _radii().fit(X, y, input_map=np.full((31, 2), np.nan))


def test_without_steps_it_is_refused_as_any_other(spread):
    with pytest.raises(ValueError, match=r"is empty|values to unpack"):
        RobustPipeline([]).fit(*spread)


def test_a_step_that_is_not_affine_is_named(spread):
    model = RobustPipeline([("products", PolynomialFeatures(2)), *_pipeline().steps])
    with pytest.raises(ValueError, match=r"affine steps before .* PolynomialFeatures"):
        model.fit(*spread)
    model.set_params(scd__margin_norm=2).fit(*spread)
