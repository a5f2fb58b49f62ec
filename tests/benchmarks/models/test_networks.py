"""The networks of torch: what they compute, how they are trained, what they leave."""

import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.utils.estimator_checks import parametrize_with_checks

pytest.importorskip("PIL")
pytest.importorskip("skimage")
pytest.importorskip("threadpoolctl")
pytest.importorskip("torch")
pytest.importorskip("tqdm")

import torch

from benchmarks.common import errors
from benchmarks.common.errors import UserError, check_modules
from benchmarks.datasets import Dataset
from benchmarks.medical.tasks import suited_models
from benchmarks.models import MODELS, Budget, models_of
from benchmarks.models.networks import TorchClassifier
from benchmarks.models.networks._classifier import hold_out
from benchmarks.models.networks._pooling import PairwiseMaxPool2d
from benchmarks.models.networks._reshaping import ToImages
from benchmarks.models.networks.sign_ste import SignNetwork, sign_ste
from benchmarks.models.votes import VotedClassifier

ROOT = Path(__file__).resolve().parents[3]
needs_torchvision = pytest.mark.skipif(
    find_spec("torchvision") is None, reason="needs torchvision"
)
COLUMNS = ["bnn-ste", "lenet", "resnet18"]
CASES = [
    pytest.param("bnn-ste", (8, 8), id="bnn-ste"),
    pytest.param("mlp", (8, 8), id="mlp"),
    pytest.param("lenet", (8, 8), id="lenet, smaller than its input"),
    pytest.param("lenet", (33, 40, 3), id="lenet, larger, in colour"),
    pytest.param("resnet18", (8, 10), id="resnet18", marks=needs_torchvision),
]


def make_images(shape, n_samples=60, seed=0):
    """Noise with a bright patch in one of three corners, as flat rows, and names."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 0.5, (n_samples, *shape)).astype(np.float32)
    y = np.arange(n_samples) % 3
    half = shape[0] // 2, shape[1] // 2
    for code, (rows, columns) in enumerate([(0, 0), (0, 1), (1, 0)]):
        top, left = rows * half[0], columns * half[1]
        X[y == code, top : top + half[0], left : left + half[1]] += 0.5
    return X.reshape(n_samples, -1), np.array(["well", "ill", "grey"])[y]


@pytest.mark.filterwarnings("ignore:Maximum of")
@pytest.mark.parametrize(("network", "shape"), CASES)
def test_fit(network, shape):
    """It learns, gives probabilities in the order of the classes and can be pickled."""
    X, y = make_images(shape)
    model = TorchClassifier(
        network, image_shape=shape, max_iter=12, batch_size=10, random_state=0, n_jobs=1
    )
    model.fit(X, y)
    fresh, names = make_images(shape, seed=1)
    assert model.score(fresh, names) > 0.9
    probabilities = model.predict_proba(fresh)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    named = model.classes_[probabilities.argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(fresh), named)

    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict_proba(fresh), probabilities)


@pytest.mark.filterwarnings("ignore:Maximum of")
@pytest.mark.parametrize(("network", "shape"), CASES)
def test_the_seed_makes_the_weights(network, shape):
    """Nothing but `random_state` matters, and torch and numpy are left as they were."""
    X, y = make_images(shape)
    model = TorchClassifier(network, image_shape=shape, max_iter=1)
    threads = torch.get_num_threads()
    weights = []
    for seed, n_jobs in [(0, 1), (0, 1), (1, threads + 1)]:
        torch.manual_seed(len(weights))  # must not matter
        before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        model.set_params(random_state=seed, n_jobs=n_jobs).fit(X, y)
        weights.append(np.concatenate([w.ravel() for w in arrays(model)]))
        assert torch.equal(torch.get_rng_state(), before[0])
        np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
        assert torch.get_num_threads() == threads
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.allclose(weights[1], weights[2])


def arrays(model):
    return [value.numpy() for value in model.torch_module_.state_dict().values()]


@pytest.mark.parametrize(("network", "shape"), CASES)
def test_module_for_gradients(network, shape):
    """It takes the rows that fit takes, and its gradient reaches every row."""
    X, y = make_images(shape)
    model = TorchClassifier(network, image_shape=shape, max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Maximum of 1 epochs"):
        model.fit(X, y)
    rows = torch.from_numpy(X).requires_grad_()
    logits = model.torch_module_(rows)
    np.testing.assert_allclose(
        softmax(logits.detach().numpy(), axis=1), model.predict_proba(X), rtol=1e-4
    )
    targets = torch.from_numpy(np.searchsorted(model.classes_, y))
    torch.nn.functional.cross_entropy(logits, targets).backward()
    assert (rows.grad != 0).any(dim=1).all()


@pytest.mark.filterwarnings("ignore:Maximum of")
def test_training_on_adversarial_images():
    """Such images fool it less, and the same seed makes the same weights."""
    pytest.importorskip("art")
    from benchmarks.models.networks._adversary import make_adversary

    X, y = make_images((8, 8))
    plain = TorchClassifier("mlp", max_iter=20, random_state=0).fit(X, y)
    trained = [
        clone(plain).set_params(epsilon=1.0, learning_rate=0.003).fit(X, y)
        for _ in range(2)
    ]
    for one, other in zip(*map(arrays, trained), strict=True):
        np.testing.assert_array_equal(one, other)
    fresh, names = make_images((8, 8), seed=1)
    codes = np.searchsorted(plain.classes_, names)
    scores = []
    for model in (plain, trained[0]):
        adversary = make_adversary(model.torch_module_, 64, 3, epsilon=1.0)
        adversarials = adversary(fresh, codes)
        sizes = np.linalg.norm(adversarials - fresh, axis=1)
        assert (sizes < 1 + 1e-5).all()
        assert 0 <= adversarials.min() <= adversarials.max() <= 1
        scores.append(model.score(adversarials, names))
    assert scores[1] > scores[0] + 0.05


def test_early_stopping():
    X, y = make_images((8, 8))
    y = np.random.default_rng(0).permutation(y)  # nothing to learn
    model = TorchClassifier("lenet", image_shape=(8, 8), n_iter_no_change=3)
    model.set_params(learning_rate=0.01, random_state=0).fit(X, y)
    assert model.n_iter_ < model.max_iter
    assert model.n_iter_ == len(model.validation_losses_)
    assert model.n_iter_ == np.argmin(model.validation_losses_) + 1 + 3
    # What is kept is not the last epoch, but that of the lowest loss on these rows.
    codes = np.searchsorted(model.classes_, y)
    held = hold_out(codes, 0.1, np.random.RandomState(0))
    loss = log_loss(y[held], model.predict_proba(X[held]), labels=model.classes_)
    assert loss == pytest.approx(model.validation_losses_.min(), rel=1e-4)


def test_values_too_large_to_train_on():
    X, y = make_images((8, 8))
    model = TorchClassifier(random_state=0)
    with pytest.warns(ConvergenceWarning, match="No held-out loss was finite"):
        model.fit(np.full_like(X, 3e38), y)
    assert np.isfinite(model.predict_proba(X)).all()


def test_rows_held_out():
    codes = np.repeat([0, 1, 2, 3], [50, 20, 2, 1])
    held = hold_out(codes, 0.1, np.random.RandomState(0))
    assert np.bincount(codes[held], minlength=4).tolist() == [5, 2, 1, 0]
    other = hold_out(codes, 0.1, np.random.RandomState(1))
    assert not np.array_equal(held, other)
    for few in ([0, 0], [0, 1, 2]):
        with pytest.raises(ValueError, match="too few to hold some out"):
            hold_out(np.array(few), 0.1, np.random.RandomState(0))


def test_sign_and_its_gradient():
    x = torch.tensor([-2, -1, -0.5, 0, 0.5, 1, 2], requires_grad=True)
    signs = sign_ste(x)
    assert signs.tolist() == [-1, -1, -1, 1, 1, 1, 1]
    signs.backward(torch.arange(1.0, 8))
    assert x.grad.tolist() == [0, 2, 3, 4, 5, 6, 0]


def test_sign_network_by_hand():
    """Once trained: binary weights, thresholds and one logistic layer, nothing else."""
    X, y = make_images((8, 8))
    model = TorchClassifier(max_iter=100, random_state=0).fit(X, y)
    state = {k: v.double().numpy() for k, v in model.torch_module_.state_dict().items()}
    # The 54 rows that are not held out make one batch an epoch, until the best.
    best = model.validation_losses_.argmin() + 1
    assert state["norm.num_batches_tracked"] == best
    W = np.where(state["weight"] >= 0, 1, -1)
    spread = np.sqrt(state["norm.running_var"] + model.torch_module_.norm.eps)
    thresholds = state["norm.running_mean"] - state["bias"] * spread
    H = np.where(X @ W.T > thresholds, 1, -1)
    assert H.shape == (60, 20)
    logits = H @ state["output.weight"].T + state["output.bias"]
    np.testing.assert_allclose(
        log_softmax(logits, axis=1), np.log(model.predict_proba(X)), rtol=1e-4
    )


def test_real_weights_are_clipped_in_training():
    network = SignNetwork(4, 2)
    with torch.no_grad():
        network.weight += 3
    network.eval()(torch.rand(5, 4))
    assert network.weight.min() > 1
    network.train()(torch.rand(5, 4))
    assert network.weight.max() == 1


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 3)])
def test_rows_become_the_images_they_were(shape):
    images = np.random.default_rng(0).random((2, *shape))
    made = ToImages(shape)(torch.from_numpy(images.reshape(2, -1))).numpy()
    expected = images[:, None] if len(shape) == 2 else np.moveaxis(images, -1, 1)
    np.testing.assert_array_equal(made, expected)


def test_image_shape_is_checked():
    X, y = make_images((8, 8))
    with pytest.raises(ValueError, match=r"\(8, 9\) does not make the 64 features"):
        TorchClassifier("lenet", image_shape=(8, 9)).fit(X, y)
    with pytest.raises(ValueError, match="image_shape=None is no shape of images"):
        TorchClassifier("lenet").fit(X, y)


@pytest.mark.parametrize("sides", [(6, 8), (7, 9), (2, 3)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_pairwise_maxima_are_torchs(sides, layout):
    maps = torch.randn(3, 2, *sides).to(memory_format=layout)
    maps[0, 0, 0, 0], maps[1, 1, 1, 1] = torch.nan, -torch.inf
    expected = torch.nn.MaxPool2d(2)(maps)
    pool = PairwiseMaxPool2d()
    for training in (True, False):
        torch.testing.assert_close(
            pool.train(training)(maps), expected, rtol=0, atol=0, equal_nan=True
        )


@needs_torchvision
@pytest.mark.parametrize(
    ("shape", "pooled"), [((31, 40, 3), False), ((32, 32), True), ((96, 96, 3), True)]
)
def test_resnet_is_fitted_to_the_images(shape, pooled):
    from benchmarks.models.networks.resnet import ResNet18

    network = ResNet18(shape, 5)
    kinds = [type(layer).__name__ for layer in network.modules()]
    assert ("MaxPool2d" in kinds) == pooled
    assert kinds.count("Conv2d") == 20  # 17 and one before each of three stages
    assert network(torch.rand(2, int(np.prod(shape)))).shape == (2, 5)


@pytest.mark.filterwarnings("ignore:.*Maximum of")
def test_votes_do_not_depend_on_jobs():
    """Worker processes get large data as memory that they may not write to."""
    X, y = make_images((96, 96))
    shares = []
    for n_jobs in (1, 2):
        single = TorchClassifier(max_iter=2)
        model = VotedClassifier(single, 3, n_jobs=n_jobs, random_state=0).fit(X, y)
        assert {type(run) for run in model.estimators_} == {TorchClassifier}
        shares.append(model.predict_proba(X[::-1, ::-1]))
    np.testing.assert_array_equal(*shares)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([TorchClassifier(learning_rate=0.01, random_state=0)])
def test_scikit_learn_check_passes(estimator, check):
    check(estimator)


def test_columns_and_what_is_voted():
    columns = "scd01 scdce scdcebnn linear01 scd01-robust scdce-robust mlp bnn-ste "
    columns += "lenet resnet18 random-forest"
    assert models_of("medical") == columns.split()
    robust = MODELS["scdce-robust"].build(7, Budget(votes=3, jobs=2, max_iter=5), None)
    assert robust["scdclassifier"].loss == "ce"
    assert robust["scdclassifier"].n_estimators == 3
    assert robust["scdclassifier"].margin > 0
    for name in COLUMNS:
        built = MODELS[name].build(7, Budget(votes=3, jobs=2, max_iter=5), (8, 8))
        assert isinstance(built, VotedClassifier) == (name == "bnn-ste")
        voted = MODELS[name].build(7, Budget(3, 2, 5, vote_all=True), (8, 8))
        assert (voted.n_estimators, voted.n_jobs, voted.random_state) == (3, 2, 7)
        single = voted.estimator
        assert (single.network, single.max_iter, single.n_jobs) == (name, 5, None)


def test_networks_of_images_are_not_for_tables():
    table = Dataset("cells", np.zeros((4, 2)), np.arange(4) % 2, ("a", "b"), "here")
    networks = [MODELS[name] for name in COLUMNS]
    assert suited_models(table, networks) == (MODELS["bnn-ste"],)
    with pytest.raises(UserError, match="cells: a table, and lenet, resnet18 need"):
        suited_models(table, networks[1:])


@needs_torchvision
@pytest.mark.parametrize("name", COLUMNS)
def test_missing_modules_are_named(name, monkeypatch):
    check_modules(MODELS[name].modules)
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"^no module named torch[,:]"):
        check_modules(MODELS[name].modules)


def run_python(code, *argv):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, argv)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_torch_is_imported_when_it_is_needed():
    run_python(
        "import sys, benchmarks.medical.__main__, benchmarks.certified.measuring\n"
        "from benchmarks.models import MODELS, Budget\n"
        "for model in MODELS.values():\n"
        "    model.build(0, Budget(), (8, 8))\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)"
    )


# As for a torchvision built for CUDA beside a torch that is not.
WITHOUT_LIBRARY = """
import pickle, sys, torch
from pathlib import Path
def fail(path):
    raise OSError(path)
torch.ops.load_library = fail
"""


@needs_torchvision
def test_torchvision_whose_library_cannot_be_loaded(tmp_path):
    """It fails without help, works with it, and a pickled ResNet18 brings the help."""
    shape = (8, 8)
    X, y = make_images(shape)
    model = TorchClassifier("resnet18", image_shape=shape, max_iter=1)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    (tmp_path / "model").write_bytes(pickle.dumps((model, X, model.predict(X))))
    run_python(
        WITHOUT_LIBRARY + "try:\n"
        "    import torchvision\n"
        "except RuntimeError as error:\n"
        "    assert 'torchvision::nms' in str(error)\n"
        "else:\n"
        "    raise AssertionError('nothing to mend')\n"
        "model, X, expected = pickle.loads(Path(sys.argv[1]).read_bytes())\n"
        "assert (model.predict(X) == expected).all()\n"
        "from benchmarks.common.torch_runtime import declared, import_torchvision\n"
        "assert sorted(declared) == ['nms', 'qnms']\n"
        "assert import_torchvision() is sys.modules['torchvision']",
        tmp_path / "model",
    )


@needs_torchvision
def test_operators_that_are_there_are_not_declared():
    run_python(
        WITHOUT_LIBRARY + "from benchmarks.common import torch_runtime\n"
        "other = torch.library.Library('torchvision', 'DEF')\n"
        "other.define(torch_runtime.OPERATORS['nms'])\n"
        "assert torch_runtime.declare_missing_operators() == ['qnms']\n"
        "assert torch_runtime.declare_missing_operators() == []\n"
        "torch_runtime.import_torchvision()\n"
        "assert list(torch_runtime.declared) == ['qnms']"
    )
