"""Models in principal components fit tables of few columns, and few rows."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

pytest.importorskip("tqdm")

from benchmarks.medical.trials import warm_up
from benchmarks.models import MODELS, Budget
from benchmarks.models.components import NAME, with_fewer_components
from benchmarks.models.smoothing import smoothed

BUDGET = Budget(votes=1, max_iter=1, copies=5)


@pytest.mark.parametrize(("n_rows", "n_columns"), [(50, 6), (6, 50)])
def test_no_model_has_more_components_than_there_are(n_rows, n_columns):
    X, y = np.random.default_rng(0).random((n_rows, n_columns)), np.arange(n_rows) % 2
    for given, expected in [(4, 4), (32, 6), (None, None)]:
        model = make_pipeline(PCA(given), LogisticRegression())
        for whole in (model, smoothed(model, 0, BUDGET)):
            fewer = with_fewer_components(whole, X)
            (name,) = (name for name in fewer.get_params() if name.endswith(NAME))
            assert fewer.get_params()[name] == expected
            fewer.fit(X, y)


@pytest.mark.parametrize(
    "name", ["svm-rbf-smoothed", "logistic", "linear-svm", "mlp-smoothed"]
)
def test_models_in_components_are_warmed_up_on_few_rows(name):
    for module in MODELS[name].modules:
        pytest.importorskip(module)
    rng = np.random.default_rng(0)
    X, y = rng.random((24, 12)).astype(np.float32), np.arange(24) % 2
    warm_up(MODELS[name], 1, None, X, y)
