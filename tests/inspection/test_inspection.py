"""Displays: what they draw is what the models say, and errors tell what to do."""

import inspect
import re
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from sklearn_scd import SCDClassifier, inspection
from sklearn_scd.inspection import (
    AdversarialDisplay,
    HiddenUnitsDisplay,
    LossCurveDisplay,
    RobustnessCurveDisplay,
    VoteDisplay,
)
from sklearn_scd.robustness import (
    evaluate_robustness,
    line_search,
    nearest_flip,
    robust_accuracy,
)

DISPLAYS = [getattr(inspection, name) for name in inspection.__all__]


@pytest.fixture
def pyplot():
    pytest.importorskip("matplotlib")
    import matplotlib.pyplot as plt

    plt.close("all")
    yield plt
    plt.close("all")


def _networks(**parameters):
    defaults = {"n_estimators": 5, "hidden_units": 4, "max_iter": 40, "random_state": 0}
    return SCDClassifier(**{**defaults, **parameters})


@pytest.fixture(scope="module")
def data():
    """Overlapping classes of 3 by 4 pixels in the unit cube."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = 0.5 * rng.random((60, 12))
    X[np.arange(60), y] += 0.25
    return X, np.array(["ill", "well"])[y]


@pytest.fixture(scope="module")
def model(data):
    return _networks().fit(*data)


@pytest.fixture(scope="module")
def evaluation(data, model):
    X, y = data
    return evaluate_robustness(
        model, X[:12], y[:12], attacks=["nearest_flip"], random_state=0
    )


@pytest.mark.parametrize("steps", [(), (StandardScaler(), PCA(5))], ids=["", "PCA"])
@pytest.mark.parametrize("searched", [False, True], ids=["", "searched"])
def test_weights_are_hyperplanes_of_the_input(pyplot, data, steps, searched):
    X, y = data
    model = make_pipeline(*steps, _networks())
    if searched:
        model = GridSearchCV(model, {"scdclassifier__max_iter": [10]}, cv=2)
    model.fit(X, y)
    units = [[4, 0], [0, 3], [2, 2]]
    display = HiddenUnitsDisplay.from_estimator(model, (3, 4), units=units)

    pipeline = getattr(model, "best_estimator_", model)
    hidden = pipeline[-1].hidden_coef_[tuple(np.transpose(units))].astype(float)
    inputs = pipeline[:-1].transform(X) if steps else X
    moves = np.diff(inputs, axis=0) @ hidden.T  # of what the units see
    along = np.diff(X, axis=0) @ display.weights.T  # of the distance in pixels
    scales = (moves / along)[0]
    assert (scales > 0).all()
    assert_allclose(moves, along * scales, atol=1e-6)
    assert_allclose(np.linalg.norm(display.weights, axis=1), 1)


def test_units_of_the_largest_output_weights_are_shown(pyplot, model):
    display = HiddenUnitsDisplay.from_estimator(model, (3, 4), units=3)
    sizes = np.abs(model.output_coef_)
    assert_array_equal(sizes[tuple(display.units.T)], np.sort(sizes.ravel())[:-4:-1])
    everything = HiddenUnitsDisplay.from_estimator(model, [4, 3], units=1000)
    assert len(everything.weights) == model.output_coef_.size


def test_units_stand_left_to_right_with_gaps(pyplot):
    weights = np.arange(1.0, 19.0).reshape(3, 6)
    display = HiddenUnitsDisplay(weights, (2, 3), name="units").plot(n_columns=2)
    sheet = display.im_.get_array()
    first, second, third = weights.reshape(3, 2, 3)
    assert_array_equal(sheet[:2, :3], first)
    assert_array_equal(sheet[:2, 4:], second)
    assert_array_equal(sheet[3:, :3], third)
    assert np.ma.getmaskarray(sheet).sum() == sheet.size - weights.size
    assert display.im_.get_clim() == (-18, 18)
    assert display.ax_.get_title() == "units"
    assert display.plot(name="other").ax_.get_title() == "other"
    one = HiddenUnitsDisplay(weights, (2, 3)).plot(vmax=5, cmap="gray")
    assert (one.im_.get_clim(), one.im_.get_cmap().name) == ((-18, 5), "gray")


def test_units_in_colour_are_grey_where_weights_are_nothing(pyplot):
    weights = np.zeros((2, 12))
    weights[0, :3] = [4, -4, 2]
    sheet = HiddenUnitsDisplay(weights, (2, 2, 3)).plot().im_.get_array()
    assert_allclose(sheet[0, 0], [1, 0, 0.75, 1])
    assert_allclose(sheet[1, 1], [0.5, 0.5, 0.5, 1])
    assert_allclose(sheet[:, 2, 3], 0)  # the gap is transparent


def test_colours_of_units_are_told_by_a_bar(pyplot, model):
    display = HiddenUnitsDisplay.from_estimator(model, (3, 4), units=4)
    assert display.colorbar_.mappable is display.im_
    largest = np.abs(display.weights).max()
    assert_allclose(
        (display.colorbar_.vmin, display.colorbar_.vmax), [-largest, largest]
    )
    none = HiddenUnitsDisplay.from_estimator(model, (3, 4), units=4, colorbar=False)
    assert none.colorbar_ is None
    assert len(none.figure_.axes) == 1
    assert HiddenUnitsDisplay(np.ones((1, 12)), (2, 2, 3)).plot().colorbar_ is None


@pytest.mark.parametrize(
    ("image_shape", "options", "message"),
    [
        ((5, 5), {}, r"image_shape=\(5, 5\) has 25 entries, but there are 12 features"),
        (12, {}, r"image_shape must be \(height, width\).*got 12"),
        ((3, 2, 2), {}, r"image_shape must be .*\(height, width, 3\)"),
        ((3, 4), {"units": 0}, "units must be at least 1, got 0"),
        ((3, 4), {"units": [0, 1]}, r"units must be .*got \[0, 1\]"),
        ((3, 4), {"units": [[0, 1], [0, 4]]}, r"\(0, 4\).*5 networks of 4 units"),
        ((3, 4), {"units": [[-1, 0]]}, r"units has \(-1, 0\)"),
        ((3, 4), {"n_columns": 0}, "n_columns must be .*got 0"),
    ],
)
def test_units_that_cannot_be_shown(pyplot, model, image_shape, options, message):
    with pytest.raises(ValueError, match=message):
        HiddenUnitsDisplay.from_estimator(model, image_shape, **options)
    assert not pyplot.get_fignums()


def test_units_behind_a_step_that_is_not_affine(pyplot, data):
    model = make_pipeline(Normalizer(), _networks()).fit(*data)
    with pytest.raises(ValueError, match="Normalizer, are not affine"):
        HiddenUnitsDisplay.from_estimator(model, (3, 4))


def test_curves_are_those_of_the_evaluation(pyplot, data, model, evaluation):
    display = RobustnessCurveDisplay.from_evaluation(evaluation, name="SCD", c="C3")
    for line, curve in [
        (display.certified_line_, evaluation.certified_accuracy),
        (display.attacked_line_, evaluation.attacked_accuracy),
    ]:
        assert_array_equal(line.get_xdata(), evaluation.epsilons)
        assert_array_equal(line.get_ydata(), curve.accuracies)
        assert line.get_color() == "C3"
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["SCD, certified", "SCD, attacked"]

    X, y = data
    again = RobustnessCurveDisplay.from_estimator(
        model, X[:12], y[:12], attacks=["nearest_flip"], random_state=0,
        ax=display.ax_, lw=3,
    )  # fmt: skip
    assert again.ax_ is display.ax_
    assert again.figure_ is display.figure_
    assert again.name == "SCDClassifier"
    assert again.certified_line_.get_linewidth() == 3
    assert again.certified_line_.get_color() == again.attacked_line_.get_color() != "C3"
    assert_array_equal(
        again.attacked_line_.get_ydata(), display.attacked_line_.get_ydata()
    )


def test_band_holds_the_true_accuracy_between_two_sizes(pyplot):
    certified, attacked = [0, 0.2, 0.7, 1.3], [0, 0.4, 1.0, 1.3]
    epsilons = [1.5, 0.0, 0.5, 1.0]  # in any order
    display = RobustnessCurveDisplay(
        certified_accuracy=robust_accuracy(certified, epsilons),
        attacked_accuracy=robust_accuracy(attacked, epsilons),
        norm=np.inf,
    ).plot()
    (band,) = display.band_.get_paths()
    sizes = np.linspace(0.01, 1.49, 50)
    sizes = sizes[sizes % 0.5 > 1e-3]
    middle = np.array([0.625, 0.375, 0.125])[(sizes // 0.5).astype(int)]
    for distances in (certified, attacked):
        truth = robust_accuracy(distances, sizes).accuracies
        inside = truth + 1e-6 * (middle - truth)
        assert band.contains_points(np.stack([sizes, inside], axis=1)).all()
    outside = np.stack([[0.25, 0.25], [0.45, 0.8]], axis=1)
    assert not band.contains_points(outside).any()
    assert display.ax_.get_xlabel() == "L-infinity size of the perturbation"


def test_curve_that_is_not_there_is_left_out(pyplot, data):
    X, y = data
    linear = LogisticRegression().fit(X, y)
    display = RobustnessCurveDisplay.from_estimator(linear, X, y, attacks=())
    assert display.attacked_line_ is None
    assert display.band_ is None
    assert display.certified_line_.get_ydata()[0] == linear.score(X, y)
    with pytest.raises(ValueError, match=r"no curve to draw.*both None"):
        RobustnessCurveDisplay.from_estimator(linear, X, y, attacks=(), certify=False)


def test_votes_are_counted_by_class(pyplot, data, model, evaluation):
    X, y = data
    X, y = X[:12], y[:12]
    adversarials = evaluation.adversarials.copy()
    adversarials[[1, 4], [0, 2]] = np.nan
    display = VoteDisplay.from_estimator(model, X, y, X_adversarial=adversarials)
    assert_allclose(display.shares, (model.votes(X) == y[:, None]).mean(axis=1))
    assert_array_equal(display.adversarial_y, np.delete(y, [1, 4]))
    assert (display.adversarial_shares <= 0.5).all()  # they are all misclassified
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["ill", "well"]
    for k, (up, down) in enumerate(
        zip(display.bars_, display.adversarial_bars_, strict=True)
    ):
        assert len(up.get_data().values) == model.n_estimators + 1
        counts = [(np.round(5 * display.shares[y == model.classes_[k]]) == v).sum()
                  for v in range(6)]  # fmt: skip
        heights = up.get_data().values - k
        assert_allclose(heights / heights.sum(), np.divide(counts, np.sum(counts)))
        assert (down.get_data().values <= k).all()


@pytest.mark.parametrize("steps", [(), (StandardScaler(), PCA(5))], ids=["", "PCA"])
def test_votes_without_labels_are_the_agreement(pyplot, data, steps):
    X, y = data
    model = make_pipeline(*steps, _networks()).fit(X, y)
    display = VoteDisplay.from_estimator(model, X, name="agreement")
    inputs = model[:-1].transform(X) if steps else X
    assert_allclose(display.shares, model[-1].agreement(inputs))
    assert_array_equal(display.y, model.predict(X))
    assert display.ax_.get_xlabel() == "Share of votes for the predicted class"
    assert display.ax_.get_title() == "agreement"
    assert display.adversarial_bars_ is None


def test_votes_on_samples_that_are_misclassified_are_no_adversarial_ones(
    pyplot, data, model
):
    """An attack returns these samples as they are."""
    X, y = data
    X, y = X[:12], y[:12].copy()
    y[::3] = np.where(y[::3] == "ill", "well", "ill")
    result = line_search(model, X, y, random_state=0)
    right = model.predict(X) == y
    assert 0 < right.sum() < 12
    display = VoteDisplay.from_estimator(model, X, y, X_adversarial=result.adversarials)
    shares = (model.votes(result.adversarials[right]) == y[right, None]).mean(axis=1)
    assert_allclose(display.adversarial_shares, shares)
    assert_array_equal(display.adversarial_y, y[right])
    assert len(display.shares) == 12


def test_votes_where_no_adversarial_sample_was_found(pyplot, data, model):
    X, y = data
    nothing = np.full_like(X, np.nan)
    display = VoteDisplay.from_estimator(model, X, y, X_adversarial=nothing)
    assert display.adversarial_shares.size == 0
    assert_array_equal(display.adversarial_bars_[1].get_data().values, 1)


@pytest.mark.parametrize("max_bins", [2, 7, 22])
def test_bars_are_of_equally_many_numbers_of_votes(pyplot, max_bins):
    for n_votes in (1, 5, 20, 21, 49, 100):
        # One sample for each number of votes: bars are flat but for the outermost.
        votes = np.tri(n_votes + 1, n_votes, -1)
        display = VoteDisplay.from_predictions(np.ones(n_votes + 1), votes)
        display.plot(display.ax_, max_bins=max_bins)
        (bars,) = display.bars_
        heights, edges, _ = bars.get_data()
        assert len(heights) <= max_bins
        assert_allclose(heights[1:-1], heights.max())
        assert (heights > 0).all()
        assert (edges[0], edges[-1]) == (0, 1)  # there are no other shares
        less = np.arange(n_votes + 1) < n_votes / 2
        assert less.sum() / (n_votes + 1) == pytest.approx(
            heights[edges[1:] <= 0.5].sum() / heights.sum()
        )
        pyplot.close(display.figure_)


def test_style_is_the_users(pyplot):
    y, votes = np.array([0, 1, 2]), np.array([[0, 0], [1, 2], [2, 2]])
    display = VoteDisplay.from_predictions(
        y, votes, y_true_adversarial=y, y_votes_adversarial=votes[::-1], alpha=0.5,
        lw=2, adversarial_kwargs={"color": "k"},
    )  # fmt: skip
    both = display.bars_ + display.adversarial_bars_
    assert {bar.get_alpha() for bar in both} == {0.5}
    assert {bar.get_linewidth() for bar in both} == {2}
    black, default = display.adversarial_bars_[0], display.bars_[0]
    assert black.get_facecolor()[:3] == (0, 0, 0) != default.get_facecolor()[:3]
    assert display.half_line_ is None
    with pytest.raises(TypeError, match=r"lw.*linewidth|linewidth.*lw"):
        display.plot(lw=1, linewidth=2)


@pytest.mark.parametrize(
    ("votes", "options", "message"),
    [
        ([0, 1], {}, r"y_votes must be .*got shape \(2,\)"),
        ([[0, 1]], {}, "inconsistent numbers of samples"),
        ([[0], [1]], {"y_true_adversarial": [0]}, "belong together"),
        (
            [[0], [1]],
            {"y_true_adversarial": [0], "y_votes_adversarial": [[0, 1]]},
            "y_votes_adversarial has 2 votes a sample, but y_votes has 1",
        ),
        ([[0], [1]], {"max_bins": 1}, "max_bins must be .* from 2 on, got 1"),
    ],
)
def test_votes_that_cannot_be_counted(pyplot, votes, options, message):
    with pytest.raises(ValueError, match=message):
        VoteDisplay.from_predictions([0, 1], votes, **options)
    assert not pyplot.get_fignums()


def test_labels_of_votes_are_checked(pyplot, data, model):
    X, y = data
    with pytest.raises(ValueError, match="y has the label 'sick'"):
        VoteDisplay.from_estimator(model, X, np.full(len(X), "sick"))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        VoteDisplay.from_estimator(model, X, y, X_adversarial=X[:3])


def test_attacks_behind_a_curve_tell_how_far_they_are(pyplot, data, model, capsys):
    X, y = data
    for verbose in (0, 1):
        RobustnessCurveDisplay.from_estimator(
            model, X[:3], y[:3], attacks=["nearest_flip"], certify=False,
            random_state=0, verbose=verbose,
        )  # fmt: skip
        assert ("3/3 samples" in "".join(capsys.readouterr())) == bool(verbose)


def test_a_misspelled_name_is_an_error_before_the_attacks(pyplot, data, model):
    X, _ = data
    of_no_class = ["neither", "neither"]  # what comes first in an evaluation
    with pytest.raises(ValueError, match="neither"):
        RobustnessCurveDisplay.from_estimator(model, X[:2], of_no_class, lw=2)
    with pytest.raises(AttributeError, match="'attack'"):
        RobustnessCurveDisplay.from_estimator(
            model, X[:2], of_no_class, attack=["nearest_flip"]
        )


def test_loss_is_the_median_of_the_networks(pyplot):
    nan = np.nan
    curves = [[4, 3, 2, 1], [8, 8, nan, nan], [6, 2, 0, 0], [2, nan, nan, nan]]
    display = LossCurveDisplay(np.array(curves), loss="01", name="four").plot(
        color="C3"
    )
    # Those that stopped stay where they are: the last column is 1, 8, 0, 2.
    assert_array_equal(display.line_.get_xdata(), [1, 2, 3, 4])
    assert_allclose(display.line_.get_ydata(), [5, 2.5, 2, 1.5])
    (band,) = display.band_.get_paths()
    assert band.contains_points([[4, 0.8], [4, 3.4]]).tolist() == [True, True]
    assert band.contains_points([[4, 0.7], [4, 3.6]]).tolist() == [False, False]
    assert_allclose(display.stops_.get_offsets(), [[2, 8], [1, 2]])
    assert display.line_.get_color() == "C3"
    assert display.ax_.get_ylabel() == "Mean 0/1 loss"
    assert [t.get_text() for t in display.ax_.get_legend().get_texts()] == ["four"]

    one = LossCurveDisplay(np.array([[2.0, 1.0]])).plot(display.ax_)
    assert (one.band_, one.stops_, one.ax_) == (None, None, display.ax_)


@pytest.mark.parametrize("curves", [np.ones(3), np.ones((0, 3)), [[np.nan, 1.0]]])
def test_loss_curves_that_are_none(pyplot, curves):
    with pytest.raises(ValueError, match="loss_curves must be of shape"):
        LossCurveDisplay(curves).plot()
    assert not pyplot.get_fignums()


def test_loss_is_that_of_the_fit(pyplot, data):
    X, y = data
    model = make_pipeline(StandardScaler(), _networks(n_iter_no_change=3)).fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    networks = model[-1]
    stopped = networks.n_iter_ < networks.max_iter
    assert stopped.any()
    assert_array_equal(display.stops_.get_offsets()[:, 0], networks.n_iter_[stopped])
    assert_allclose(
        display.line_.get_ydata()[0], np.median(networks.loss_curve_[:, 0]), rtol=1e-6
    )
    assert display.ax_.get_ylabel() == "Mean cross-entropy"


def _titles(axes):
    return [panel.get_title() for panel in axes]


@pytest.fixture(scope="module")
def found(data, model):
    """Of samples with wrong labels among them: those are not attacked."""
    X, y = data
    y = y[:6].copy()
    y[[0, 2]] = np.where(y[[0, 2]] == "ill", "well", "ill")
    return nearest_flip(model, X[:6], y, random_state=0)


def test_images_beside_what_was_changed(pyplot, data, model, found):
    X, _ = data
    attacked = np.flatnonzero(found.status == "attacked")
    assert 2 < attacked.size < 6
    display = AdversarialDisplay.from_result(
        found, X[:6], (3, 4), estimator=model, max_images=2
    )
    change = found.adversarials - X[:6]
    largest = np.abs(change[attacked[:2]]).max()
    for row, (i, axes) in enumerate(zip(attacked, display.axes_, strict=False)):
        original, adversarial, difference = display.ims_[row]
        assert_array_equal(original.get_array(), X[i].reshape(3, 4))
        assert_array_equal(adversarial.get_array(), found.adversarials[i].reshape(3, 4))
        assert_allclose(difference.get_array(), change[i].reshape(3, 4))
        assert_allclose(difference.get_clim(), [-largest, largest])
        assert original.get_clim() == adversarial.get_clim()
        classes = model.predict([X[i], found.adversarials[i]])
        assert _titles(axes) == [*classes, f"L2 = {found.distances[i]:.3g}"]
    assert display.colorbar_.mappable is display.ims_[0, 2]

    arrays = AdversarialDisplay.from_estimator(
        model, X[:6], found.adversarials, (3, 4), norm=np.inf, vmin=0, vmax=2,
        difference_kwargs={"cmap": "gray"}, colorbar=False,
    )  # fmt: skip
    assert len(arrays.axes_) == attacked.size
    size = np.abs(change[attacked[0]]).max()
    assert _titles(arrays.axes_[0])[2] == f"L-infinity = {size:.3g}"
    assert arrays.ims_[0, 0].get_clim() == (0, 2)
    assert arrays.ims_[0, 2].get_cmap().name == "gray"
    assert arrays.colorbar_ is None


def test_images_of_an_evaluation_and_on_axes_of_the_user(pyplot, data, evaluation):
    X, _ = data
    display = AdversarialDisplay.from_result(evaluation, X[:12], (3, 4), max_images=2)
    assert _titles(display.axes_[0])[:2] == ["Original", "Adversarial"]
    assert display.bounding_ax_ is None
    figure, (left, right) = pyplot.subplots(1, 2)
    again = display.plot(left)
    assert (again.bounding_ax_, again.figure_) == (left, figure)
    assert not left.axison
    assert all(
        panel.get_position().x1 < right.get_position().x0 for panel in again.axes_.flat
    )
    alone = pyplot.figure().add_axes((0.1, 0.2, 0.5, 0.6))  # of no grid
    box = alone.get_position()
    for panel in display.plot(alone, colorbar=False).axes_.flat:
        place = panel.get_position()
        assert box.x0 - 1e-9 <= place.x0 < place.x1 <= box.x1 + 1e-9
        assert box.y0 - 1e-9 <= place.y0 < place.y1 <= box.y1 + 1e-9
    _, axes = pyplot.subplots(2, 3)
    assert_array_equal(display.plot(axes).axes_, axes)
    with pytest.raises(ValueError, match=r"a single Axes or 6 of them.*got 5"):
        display.plot(axes.ravel()[:5])


def test_changes_in_colour_are_grey_where_nothing_changed(pyplot):
    original = np.full((1, 12), 0.5)
    adversarial = original.copy()
    adversarial[0, :2] = [0.9, 0.3]
    display = AdversarialDisplay(original, adversarial, (2, 2, 3)).plot()
    shown = display.ims_[0, 2].get_array()
    assert_allclose(shown[0, 0], [1, 0.25, 0.5])
    assert_allclose(shown[1, 1], 0.5)
    assert display.colorbar_ is None


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (slice(0), {}, "no adversarial image"),
        (slice(3), {"max_images": 0}, "max_images must be .* from 1 on, got 0"),
        (slice(2), {}, "inconsistent numbers of samples"),
        (slice(3), {"image_shape": (5, 5)}, "25 entries, but there are 12 features"),
    ],
)
def test_images_that_cannot_be_drawn(pyplot, data, model, rows, options, message):
    X, _ = data
    n = len(X[:3]) if rows == slice(2) else len(X[rows])
    parameters = {"image_shape": (3, 4), **options}
    with pytest.raises(ValueError, match=message):
        AdversarialDisplay.from_estimator(model, X[:n], X[rows] + 0.1, **parameters)
    nothing = np.full_like(X, np.nan)
    with pytest.raises(ValueError, match="no adversarial image"):
        AdversarialDisplay.from_estimator(model, X, nothing, (3, 4))
    assert not pyplot.get_fignums()


def _from_estimator(display, model, X, y):
    arguments = {
        AdversarialDisplay: [X, X[::-1], (3, 4)],
        HiddenUnitsDisplay: [(3, 4)],
        LossCurveDisplay: [],
    }.get(display, [X, y])
    return display.from_estimator(model, *arguments)


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize("steps", [(), (PCA(2),)], ids=["", "PCA"])
def test_estimator_that_is_not_fitted(pyplot, data, display, steps):
    with pytest.raises(NotFittedError, match="not fitted"):
        _from_estimator(display, make_pipeline(*steps, _networks()), *data)


@pytest.mark.parametrize(
    "display", [d for d in DISPLAYS if d is not AdversarialDisplay]
)
def test_estimator_without_networks(pyplot, data, display):
    model = LogisticRegression().fit(*data)
    with pytest.raises(TypeError, match=r"SCDClassifier.*LogisticRegression"):
        _from_estimator(display, model, *data)


@pytest.mark.parametrize("display", DISPLAYS)
def test_without_matplotlib(monkeypatch, data, display):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    name = display.__name__
    with pytest.raises(ImportError, match=f"{name}.from_estimator requires matplotlib"):
        _from_estimator(display, _networks(), *data)
    drawn = {
        AdversarialDisplay: lambda: AdversarialDisplay(
            np.ones((1, 4)), np.zeros((1, 4)), (2, 2)
        ),
        LossCurveDisplay: lambda: LossCurveDisplay(np.ones((1, 4))),
        HiddenUnitsDisplay: lambda: HiddenUnitsDisplay(np.ones((1, 4)), (2, 2)),
        VoteDisplay: lambda: VoteDisplay(np.ones(1), np.ones(1), n_votes=1),
        RobustnessCurveDisplay: lambda: RobustnessCurveDisplay(
            certified_accuracy=robust_accuracy([1], [1])
        ),
    }[display]()
    with pytest.raises(ImportError, match=f"{name}.plot requires matplotlib"):
        drawn.plot()


@pytest.mark.parametrize("display", DISPLAYS)
def test_attributes_are_parameters_and_documented_artists(
    pyplot, data, model, evaluation, display
):
    if display is RobustnessCurveDisplay:
        drawn = display.from_evaluation(evaluation)
    else:
        drawn = _from_estimator(display, model, *data)
    text = inspect.getdoc(display)
    artists = text.split("Attributes\n")[1].split("See Also\n")[0]
    public = {name for name in vars(drawn) if not name.startswith("_")}
    assert public == {
        *inspect.signature(display).parameters,
        *re.findall(r"^(\w+_) :", artists, re.M),
    }
