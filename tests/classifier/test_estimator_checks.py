"""The common checks of scikit-learn, with no expected failure."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_scd import ActiveSubspace, PixelMeans, SCDClassifier, SignConvolution

SETTINGS = [
    {"loss": "01"},
    {"loss": "01", "binary_weights": True},
    {"loss": "ce"},
    {"loss": "ce", "binary_weights": True},
    {"loss": "01", "hidden_units": 0},
    {"loss": "ce", "hidden_units": 0},
    {"loss": "ce", "voting": "soft"},
]


@parametrize_with_checks(
    [
        SCDClassifier(n_estimators=10, max_iter=60, random_state=0, **setting)
        for setting in SETTINGS
    ]
    + [
        ActiveSubspace(n_components=1),
        PixelMeans(side=2),
        SignConvolution(n_filters=5, kernel_size=2),
    ]
)
def test_scikit_learn_check_passes(estimator, check):
    check(estimator)
