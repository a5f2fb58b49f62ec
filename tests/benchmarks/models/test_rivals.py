"""Rivals of the certified benchmark: projections, noise in training, 1-Lipschitz."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

pytest.importorskip("tqdm")
pytest.importorskip("torch")

import torch

from benchmarks.models.bounding import ImagesToBound, LipschitzConstant
from benchmarks.models.networks import LipschitzClassifier, TorchClassifier
from benchmarks.models.networks._noise import make_noisy
from benchmarks.models.pixel_means import pixel_means
from benchmarks.models.smoothing import SIGMAS, noise_grid
from sklearn_scd import PixelMeans
from sklearn_scd.robustness import SmoothedClassifier


@pytest.fixture(scope="module")
def rings():
    """Two classes, one of them wider, as images of eight by eight."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 64)).astype(np.float32)
    y = np.repeat([2, 5], 100)
    X[y == 5, :8] = 3 * X[y == 5, :8] + 2
    return X, y


# Projections and noise


def test_models_on_means_of_pixels_are_told_their_shape(rings):
    X, _ = rings
    means, shape = pixel_means((8, 8), 3)
    assert shape == means.fit(X).image_shape_ == (3, 3)
    with pytest.raises(ValueError, match="image_shape=None: there are no pixels"):
        pixel_means(None, 3)


def test_noise_in_training_is_fresh_and_seeded(rings):
    X, y = rings
    torch.manual_seed(0)
    noisy = make_noisy(0.5)
    first, second = noisy(X, y) - X, noisy(X, y) - X
    assert first.dtype == np.float32
    assert first.std() == pytest.approx(0.5, rel=0.03)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05
    network = TorchClassifier("mlp", noise=0.5, max_iter=3, random_state=0)
    plain = clone(network).set_params(noise=0.0)
    with pytest.warns(Warning, match="Maximum of 3 epochs"):
        outputs = [m.fit(X, y).predict_proba(X) for m in (network, network, plain)]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert (outputs[0] != outputs[2]).any()
    with pytest.raises(ValueError, match="epsilon=1 and noise=1 are two ways"):
        TorchClassifier("mlp", epsilon=1, noise=1).fit(X, y)


def test_bfloat16_rounds_products_alone(rings):
    X, y = rings
    network = TorchClassifier("mlp", precision="bfloat16", max_iter=20, random_state=0)
    with pytest.warns(Warning, match="Maximum of 20 epochs"):
        network.fit(X, y)
    weights = list(network.torch_module_.parameters())
    assert all(weight.dtype == torch.float32 for weight in weights)
    rounded = network.predict_proba(X)
    assert np.mean(network.predict(X) == y) > 0.9
    exact = network.set_params(precision="float32").predict_proba(X)
    # 8 bits of precision are a third of a per cent of each product.
    assert 1e-5 < abs(rounded - exact).max() < 0.05


def test_a_model_is_offered_the_noise_that_it_is_trained_with():
    grid = noise_grid("c__noise", {"pca__n_components": [3, 4]})
    assert [part["sigma"] for part in grid] == [[sigma] for sigma in SIGMAS]
    for part in grid:
        assert part["estimator__c__noise"] == part["sigma"]
        assert part["estimator__pca__n_components"] == [3, 4]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_network_on_means_of_pixels_is_smoothed_there(rings):
    X, y = rings
    network = TorchClassifier("cnn", image_shape=(4, 4), device="auto", max_iter=2)
    model = SmoothedClassifier(
        make_pipeline(PixelMeans((8, 8), side=4), network),
        n_samples=20,
        random_state=0,
    )
    assert set(model.fit(X, y).predict(X[:5])) <= {2, 5}


# 1-Lipschitz networks


@pytest.fixture(scope="module", params=["mlp", "cnn"])
def lipschitz(request, rings):
    pytest.importorskip("deel")
    return LipschitzClassifier(
        request.param, image_shape=(8, 8), max_iter=15, random_state=0
    ).fit(*rings)


def slopes(model, X):
    """L2 norms of the gradients of a model's only output."""
    rows = torch.from_numpy(X - model.centre_).requires_grad_()
    model.torch_module_(rows).sum().backward()
    return rows.grad.norm(dim=1).numpy(), rows.grad.numpy()


def test_no_slope_is_above_the_bound_and_some_come_near(lipschitz, rings):
    bound = lipschitz.lipschitz_[0, 1]
    assert bound <= 1.001
    rng = np.random.default_rng(0)
    everywhere = 3 * rng.standard_normal((2000, 64))
    sizes, _ = slopes(lipschitz, everywhere)
    assert sizes.max() <= bound
    assert sizes.max() > 0.1 * bound


def test_nothing_within_the_radius_changes_the_class(lipschitz, rings):
    X, y = rings
    radii = lipschitz.certified_distortion(X, y)
    right = lipschitz.predict(X) == y
    assert 0.55 < right.mean()
    np.testing.assert_array_equal(radii > 0, right)
    X, y, radii = X[right].astype(float), y[right], radii[right]
    moved = X.copy()
    for _ in range(8):  # down the slope, and back onto the sphere
        sizes, gradients = slopes(lipschitz, moved)
        towards = np.where(y == 5, -1, 1)[:, None] * gradients / sizes[:, None]
        step = moved + 0.3 * radii[:, None] * towards - X
        step *= (0.9999 * radii / np.linalg.norm(step, axis=1))[:, None]
        moved = X + step
        np.testing.assert_array_equal(lipschitz.predict(moved), y)


def test_the_seed_decides(lipschitz, rings):
    again = clone(lipschitz).fit(*rings)
    np.testing.assert_array_equal(
        again.predict_proba(rings[0]), lipschitz.predict_proba(rings[0])
    )


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_norm_of_a_convolution_bounds_its_matrix(padding):
    pytest.importorskip("deel")
    from benchmarks.models.networks._lipschitz_bound import convolution_norm

    torch.manual_seed(0)
    layer = torch.nn.Conv2d(2, 3, 3, padding=padding, bias=False).double()
    basis = torch.eye(2 * 6 * 5, dtype=torch.float64).reshape(-1, 2, 6, 5)
    matrix = layer(basis).detach().numpy().reshape(len(basis), -1)
    exact = np.linalg.norm(matrix, 2)
    bound = convolution_norm(layer.weight.detach().numpy(), (6, 5))
    assert exact <= bound <= 1.3 * exact


def test_three_classes_have_the_slopes_of_their_differences(rings):
    pytest.importorskip("deel")
    X, _ = rings
    y = np.digitize(X[:, 0], [-1, 1])
    model = LipschitzClassifier(max_iter=10, random_state=0).fit(X, y)
    radii = model.certified_distortion(X, y)
    np.testing.assert_array_equal(radii > 0, model.predict(X) == y)
    rows = torch.from_numpy(X - model.centre_).requires_grad_()
    outputs = model.torch_module_(rows)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        difference = (outputs[:, one] - outputs[:, other]).sum()
        (gradient,) = torch.autograd.grad(difference, rows, retain_graph=True)
        assert gradient.norm(dim=1).max() <= model.lipschitz_[one, other]


def test_labels_are_not_taken_for_the_next_class(lipschitz, rings):
    X, _ = rings
    right = np.flatnonzero(lipschitz.predict(X) == 5)[:1]
    assert lipschitz.certified_distortion(X[right], [5]) > 0
    for label in (4, 7):
        with pytest.raises(ValueError, match="previously unseen labels"):
            lipschitz.certified_distortion(X[right], [label])


def test_unknown_layers_have_no_bound():
    pytest.importorskip("deel")
    from benchmarks.models.networks._lipschitz_bound import lipschitz_constants

    last = torch.nn.Linear(4, 1)
    for layer in (torch.nn.BatchNorm1d(4), torch.nn.Conv2d(1, 1, 3, stride=2)):
        with pytest.raises(TypeError, match="no Lipschitz constant is known of"):
            lipschitz_constants(torch.nn.Sequential(layer, last))


def test_a_step_before_the_network_counts(rings):
    pytest.importorskip("deel")
    X, y = rings
    front = StandardScaler(with_mean=False).fit(X)
    front.scale_ = np.full(64, 0.5)  # samples grow by two
    model = make_pipeline(front, LipschitzClassifier(max_iter=2, random_state=0))
    model.steps[1][1].fit(2 * X, y)
    radii = LipschitzConstant().distances(model, ImagesToBound(X, y, (0, 1), 0))
    behind = model[-1].certified_distortion(2 * X, y)
    np.testing.assert_allclose(radii, behind / 2, rtol=1e-6)
    unknown = make_pipeline(FunctionTransformer(np.abs), model[-1])
    with pytest.raises(ValueError, match="may do anything"):
        LipschitzConstant().distances(unknown, ImagesToBound(X, y, (0, 1), 0))
