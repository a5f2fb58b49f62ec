"""SCDClassifier inside of what scikit-learn and data frames offer."""

import re
from pathlib import Path

import numpy as np
import pytest
import sklearn
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_array, csr_array
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, make_moons
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import DecisionBoundaryDisplay, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    TunedThresholdClassifierCV,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_scd import (
    ActiveSubspace,
    PixelMeans,
    SCDClassifier,
    SignConvolution,
    make_robust_scd,
)
from sklearn_scd.robustness import (
    AgreementDetector,
    SmoothedClassifier,
    certified_distortion,
    minimum_distortion,
    nearest_flip,
)


def _model(loss="ce", **params):
    params = {
        "n_estimators": 5,
        "max_iter": 40,
        "hidden_units": 6,
        "random_state": 0,
        **params,
    }
    return SCDClassifier(loss, **params)


def _data(n=120):
    """Two classes that the first of five features tells apart, nearly."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 5))
    return X, (X[:, 0] + 0.3 * rng.standard_normal(n) > 0).astype(int)


def _lies():
    """Data with half of the labels wrong, and weights that leave those out."""
    X, y = _data(240)
    weight = np.repeat([1.0, 0.0], 120)
    order = np.random.default_rng(1).permutation(240)
    return X[order], np.where(weight, y, 1 - y)[order], weight[order]


# Searches, and metadata on their way through


def test_grid_search_in_a_pipeline_finds_the_better_setting():
    X, y = load_iris(return_X_y=True)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), _model()),
        {
            "scdclassifier__loss": ["01", "ce"],
            "scdclassifier__hidden_units": [0, 6],
        },
        cv=2,
        scoring="accuracy",
    ).fit(X, y)
    assert search.best_score_ > 0.85
    assert search.predict(X).shape == (150,)
    assert len(set(search.cv_results_["mean_test_score"])) > 1


def test_grid_search_routes_weights_to_fit_and_score():
    X, y, weight = _lies()
    folds = KFold(2)
    with sklearn.config_context(enable_metadata_routing=True):
        model = _model().set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        search = GridSearchCV(model, {"hidden_units": [1, 6]}, cv=folds)
        search.fit(X, y, sample_weight=weight)
    expected = []
    for train, test in folds.split(X):
        fold = _model(**search.best_params_).fit(X[train], y[train], weight[train])
        expected.append(fold.score(X[test], y[test], weight[test]))
    assert_allclose(search.best_score_, np.mean(expected), rtol=1e-12)
    assert search.best_score_ > 0.8 > 0.6 > search.score(X, y)
    best = _model(**search.best_params_).fit(X, y, weight)
    assert_array_equal(search.best_estimator_.hidden_coef_, best.hidden_coef_)


def test_pipeline_routes_weights_to_the_model_alone():
    X, y, weight = _lies()
    expected = make_pipeline(StandardScaler(), _model())
    expected.fit(X, y, scdclassifier__sample_weight=weight)
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            _model().set_fit_request(sample_weight=True),
        ).fit(X, y, sample_weight=weight)
        with pytest.raises(UnsetMetadataPassedError, match=r"SCDClassifier\.fit"):
            make_pipeline(_model()).fit(X, y, sample_weight=weight)
    assert_array_equal(model[-1].hidden_coef_, expected[-1].hidden_coef_)
    unweighted = make_pipeline(StandardScaler(), _model()).fit(X, y)
    assert (model[-1].hidden_coef_ != unweighted[-1].hidden_coef_).any()


def test_bagging_heeds_weights():
    X, y, weight = _lies()
    with sklearn.config_context(enable_metadata_routing=True):
        model = _model().set_fit_request(sample_weight=True)
        bagging = BaggingClassifier(model, n_estimators=3, random_state=0)
        bagging.fit(X, y, sample_weight=weight)
    assert bagging.score(X, y, sample_weight=weight) > 0.85
    assert bagging.score(X, y) < 0.6  # the lies were not learnt


# Meta-estimators


@pytest.mark.parametrize(
    "ensemble",
    [
        BaggingClassifier(_model(), n_estimators=3, max_features=0.8, random_state=0),
        StackingClassifier([("scd", _model()), ("linear", LogisticRegression())], cv=2),
        VotingClassifier(
            [("scd", _model()), ("linear", LogisticRegression())], voting="soft"
        ),
        TunedThresholdClassifierCV(_model(), cv=2),
    ],
    ids=lambda ensemble: type(ensemble).__name__,
)
def test_ensembles_take_the_model_as_a_part(ensemble):
    X, y = _data(200)
    names = np.array(["ill", "well"])
    ensemble = clone(ensemble).fit(X[:100], names[y[:100]])
    assert ensemble.score(X[100:], names[y[100:]]) > 0.85
    probabilities = ensemble.predict_proba(X[100:])
    assert_allclose(probabilities.sum(axis=1), 1)
    if isinstance(ensemble, VotingClassifier):
        parts = [part.predict_proba(X[100:]) for part in ensemble.estimators_]
        assert_allclose(probabilities, np.mean(parts, axis=0))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_makes_probabilities_of_shares_of_votes(method):
    X, y = _data(600)
    train, test = slice(300), slice(300, None)
    model = _model(n_estimators=3).fit(X[train], y[train])
    votes = log_loss(y[test], model.predict_proba(X[test]))
    refitted = CalibratedClassifierCV(clone(model), method=method, cv=3)
    refitted.fit(X[train], y[train], sample_weight=np.ones(300))
    half = slice(300, 450)
    frozen = CalibratedClassifierCV(FrozenEstimator(model), method=method)
    frozen.fit(X[half], y[half])
    for calibrated, rows in [(refitted, test), (frozen, slice(450, None))]:
        assert calibrated.score(X[rows], y[rows]) > 0.85
        assert log_loss(y[rows], calibrated.predict_proba(X[rows])) < 0.6 * votes


# Inspection


def test_permutation_importance_names_the_feature_that_matters():
    X, y = _data()
    model = _model().fit(X, y)
    importance = permutation_importance(
        model, X, y, n_repeats=3, n_jobs=2, random_state=0
    ).importances_mean
    assert importance[0] > 0.3
    assert (importance[1:] < 0.1).all()


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "decision_function", "auto"]
)
def test_decision_boundary_is_drawn_of_what_the_model_says(method):
    matplotlib = pytest.importorskip("matplotlib")
    figures = pytest.importorskip("matplotlib.figure")
    X, y = make_moons(80, noise=0.2, random_state=0)
    model = _model().fit(X, y)
    with matplotlib.rc_context({"backend": "agg"}):
        display = DecisionBoundaryDisplay.from_estimator(
            model, X, grid_resolution=9, response_method=method,
            ax=figures.Figure().subplots(),
        )  # fmt: skip
    grid = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    expected = {
        "predict": model.predict(grid),
        "predict_proba": model.predict_proba(grid)[:, 1],
    }.get(method, model.decision_function(grid))
    assert_allclose(np.ravel(display.response), expected)
    assert len(np.unique(expected)) > 1


def test_learning_and_validation_curves():
    X, y = _data(240)
    sizes, _, scores = learning_curve(
        _model(), X, y, train_sizes=[0.05, 1.0], cv=3, shuffle=True, random_state=0
    )
    assert_array_equal(sizes, [8, 160])
    assert scores[1].mean() > scores[0].mean()
    _, scores = validation_curve(
        _model(), X, y, param_name="max_iter", param_range=[1, 60], cv=3
    )
    assert scores[1].mean() > scores[0].mean()


def test_diagram_links_to_the_documentation():
    html = _model()._repr_html_()
    link = "readthedocs.io/en/stable/generated/sklearn_scd.SCDClassifier.html"
    assert f'href="https://sklearn-scd.{link}"' in html
    assert f'href="https://sklearn-scd.{link}"' in make_pipeline(_model())._repr_html_()
    mirrored = _model()
    mirrored._doc_link_template = "https://mirror/{estimator_name}"
    assert 'href="https://mirror/SCDClassifier"' in mirrored._repr_html_()
    project = Path(__file__).parents[1] / "pyproject.toml"
    stated = re.search(r'^Documentation = "(.*)"$', project.read_text("utf-8"), re.M)
    assert link.startswith(stated[1].removeprefix("https://sklearn-scd."))


def test_every_estimator_links_to_its_page():
    """Beside a step that does, one that does not looks like a stranger's."""
    api = Path(__file__).parents[1].joinpath("docs", "api.rst").read_text("utf-8")
    steps = ActiveSubspace(), PixelMeans(), SignConvolution(), make_robust_scd()
    others = AgreementDetector(_model()), SmoothedClassifier(_model())
    for estimator in (*steps, _model(), *others):
        name = type(estimator).__name__
        place = "sklearn_scd.robustness" if estimator in others else "sklearn_scd"
        assert estimator._get_doc_link().endswith(f"/generated/{place}.{name}.html")
        assert f"\n   {name}\n" in api
    html = make_robust_scd()._repr_html_()
    assert "generated/sklearn_scd.ActiveSubspace.html" in html
    assert 'href="https://scikit-learn' not in html


# Processes


def test_models_travel_between_processes_and_searches_nest():
    X, y = _data()
    pipeline = make_pipeline(StandardScaler(), _model(n_jobs=2))
    options = {"cv": 2, "return_estimator": True}
    search = GridSearchCV(pipeline, {"scdclassifier__hidden_units": [1, 6]}, cv=2)
    here = cross_validate(search, X, y, **options)
    with parallel_config("loky"):
        nested = clone(search).set_params(n_jobs=2)
        there = cross_validate(nested, X, y, n_jobs=2, **options)
    assert_array_equal(here["test_score"], there["test_score"])
    for a, b in zip(here["estimator"], there["estimator"], strict=True):
        assert a.best_params_ == b.best_params_
        for scores in ["mean_test_score", "std_test_score"]:
            assert_array_equal(a.cv_results_[scores], b.cv_results_[scores])
        a, b = a.best_estimator_[-1], b.best_estimator_[-1]
        assert_array_equal(a.hidden_coef_, b.hidden_coef_)
        assert_array_equal(a.hidden_intercept_, b.hidden_intercept_)


# Data frames


def _frame(library, X, names):
    if library == "polars":
        return pytest.importorskip("polars").DataFrame(X, schema=names)
    return pytest.importorskip("pandas").DataFrame(X, columns=names)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames_give_the_model_of_their_values(library):
    X, y = _data()
    names = list("abcde")
    frame = _frame(library, X, names)
    target = _frame(library, y[:, np.newaxis], ["y"])["y"]
    expected = _model().fit(X, y)
    model = _model().fit(frame, target)
    assert_array_equal(model.feature_names_in_, names)
    assert_array_equal(model.hidden_coef_, expected.hidden_coef_)
    for method in ["predict", "predict_proba", "decision_function", "votes"]:
        assert_array_equal(getattr(model, method)(frame), getattr(expected, method)(X))
    assert model.score(frame, target) == expected.score(X, y)
    scores = [
        GridSearchCV(_model(), {"hidden_units": [6]}, cv=2).fit(*data).best_score_
        for data in [(frame, target), (X, y)]
    ]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "votes", "agreement"])
def test_other_columns_are_refused_by_their_names(library, method):
    X, y = _data()
    ask = getattr(_model().fit(_frame(library, X, list("abcde")), y), method)
    with pytest.raises(ValueError, match=r"unseen at fit time:\s- z\s.*missing:\s- a"):
        ask(_frame(library, X, list("zbcde")))
    with pytest.raises(ValueError, match="must be in the same order"):
        ask(_frame(library, X, list("badec")))
    with pytest.raises(ValueError, match=r"should match .*\s.* missing:\s- e"):
        ask(_frame(library, X[:, :4], list("abcd")))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        ask(X)


def test_nullable_columns_are_numbers_until_one_is_missing():
    pd = pytest.importorskip("pandas")
    X, y = _data()
    X = np.round(10 * X)
    plain = pd.DataFrame(X, columns=list("abcde"))
    nullable = plain.astype({"a": "Float64", "b": "Int64", "c": "Float32"})
    labels = pd.array(np.array(["ill", "well"])[y], dtype="string")
    expected = _model().fit(plain, y)
    model = _model().fit(nullable, labels)
    assert_array_equal(model.classes_, ["ill", "well"])
    assert_array_equal(model.hidden_coef_, expected.hidden_coef_)
    assert_array_equal(model.predict_proba(nullable), expected.predict_proba(plain))
    nullable.loc[3, "b"] = pd.NA
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict(nullable)
    with pytest.raises(ValueError, match="contains NaN"):
        model.fit(nullable, y)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_steps_that_put_out_frames_name_the_features(library):
    X, y = _data()
    frame = _frame(library, X, list("abcde"))
    columns = make_column_transformer((StandardScaler(), ["b", "a"]))
    model = make_pipeline(columns, _model()).set_output(transform=library)
    model.fit(frame, y)
    names = ["standardscaler__b", "standardscaler__a"]
    assert_array_equal(model[-1].feature_names_in_, names)
    assert_array_equal(model[:-1].get_feature_names_out(), names)
    model.set_output(transform="default")
    bare = make_pipeline(columns, _model()).fit(frame, y)
    assert_array_equal(model[-1].hidden_coef_, bare[-1].hidden_coef_)


# What is refused


@pytest.mark.parametrize("kind", [csr_array, csc_array])
def test_sparse_samples_are_refused_as_scikit_learn_does(kind):
    X, y = _data()
    model = _model().fit(X, y)
    message = "[Ss]parse data was passed.*dense data is required"
    with pytest.raises(TypeError, match=message):
        model.fit(kind(X), y)
    for method in ["predict", "predict_proba", "decision_function", "votes"]:
        with pytest.raises(TypeError, match=message):
            getattr(model, method)(kind(X))
    scorer = get_scorer("accuracy")
    with pytest.raises(TypeError, match=message):
        scorer(model, kind(X), y)


@pytest.mark.parametrize("first", ["passthrough", None])
def test_a_step_that_passes_samples_on_changes_no_certificate_or_attack(first):
    """Though scikit-learn's Pipeline has no n_features_in_ where it is the first."""
    X, y = _data()
    alone = _model().fit(X, y)
    pipeline = Pipeline([("scale", first), ("vote", _model())]).fit(X, y)
    search = GridSearchCV(pipeline, {"scale": [first]}, cv=2).fit(X, y)
    for model in (pipeline, search):
        for found in (certified_distortion, _flips):
            _assert_as_near(found(model, X, y), found(alone, X, y))
    options = {"max_iter": 1, "n_restarts": 1, "init_size": 20, "random_state": 0}
    options["clip_values"] = -9, 9
    for model in (search, FrozenEstimator(pipeline)):
        _assert_as_near(
            minimum_distortion(model, X[:2], y[:2], **options).distances,
            minimum_distortion(alone, X[:2], y[:2], **options).distances,
        )
        assert AgreementDetector(model).fit(X).n_features_in_ == X.shape[1]


def test_names_of_features_pass_a_step_that_passes_samples_on():
    pd = pytest.importorskip("pandas")
    X, y = _data()
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = Pipeline([("first", "passthrough"), ("vote", _model())]).fit(frame, y)
    radii = certified_distortion(model, frame, y)
    _assert_as_near(radii, certified_distortion(model[-1], frame, y))
    _assert_as_near(_flips(model, frame, y), _flips(model[-1], frame, y))
    with pytest.raises(ValueError, match="feature names should match"):
        certified_distortion(model, frame[list("edcba")], y)


def _assert_as_near(*distances):
    """To the last digits: bounds count the rounding of a step that does nothing."""
    assert_allclose(*distances, rtol=1e-10, atol=1e-12)


def _flips(model, X, y):
    options = {"clip_values": (-9, 9), "random_state": 0}
    return nearest_flip(model, X[:3], y[:3], **options).distances
