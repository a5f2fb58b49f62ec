"""Fits that end at a constant, or near one: what `SCDClassifier` warns of."""

from __future__ import annotations

from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr
from sklearn.exceptions import ConvergenceWarning

from sklearn_scd._ensemble import Networks
from sklearn_scd._typing import Floats
from sklearn_scd._voting_networks import VotingNetworks

_MAX_DRAWN = 1000  # samples to look at a fit
_FEW = 50  # samples, of which a constant says little
_MOST_WEIGHT = 0.75  # of one class, which a constant may well be right to name
_NEAR_CONSTANT = 0.05  # of the times that they occur, other classes are predicted
_NO_BETTER = 0.99  # of a constant's loss


def warn_of_a_constant(
    estimator: VotingNetworks,
    X: NDArray[Any],
    labels: NDArray[np.intp],
    weights: Floats,
    networks: Networks,
    options: dict[str, Any],
) -> None:
    """Warn if a fitted model, or its networks within their margin, are constants.

    Parameters
    ----------
    estimator : VotingNetworks
        Fitted.
    X : ndarray of shape (n_samples, n_features)
        Training samples.
    labels : ndarray of shape (n_samples,), int
        Class codes.
    weights : ndarray of shape (n_samples,)
    networks : Networks
        Those that the fit has trained.
    options : dict
        That they were trained with.
    """
    shares = class_shares(labels, weights)
    if shares is None:
        return
    rows = draw_classes_alike(labels, weights, estimator._seed)
    outputs = estimator._evaluate(X[rows])
    predicted = estimator._probabilities(outputs).argmax(axis=1)
    found = constant_class(labels[rows], predicted)
    if found is not None:
        code, share = found
        what = (
            f"{estimator.classes_.tolist()[code]!r} is predicted for {share:.1%} of "
            "the training samples, all classes counting alike"
        )
    elif estimator.margin_ and no_better_than_constants(
        networks, estimator._loss, shares_of_sides(shares, options)
    ):
        what = "within the margin the networks are no better than a constant"
    else:
        return
    advice = (
        "scale the features, as by a StandardScaler, or give a larger max_iter or "
        "class_weight='balanced'"
    )
    if estimator.margin_ or estimator.noise_:
        sizes = "they are L2 sizes in the units of X"
        if getattr(estimator, "margin_norm", 2) != 2:
            sizes = "the first is the size of a change of each input, the other L2 in X"
        advice = (
            f"give a smaller margin and less noise than {estimator.margin_:.3g} and "
            f"{estimator.noise_:.3g}: {sizes}, and 'auto' takes them from the data"
        )
    warn(
        f"The fit ended at or near a constant: {what}. If that is not what you "
        f"want, {advice}.",
        ConvergenceWarning,
        stacklevel=4,
    )


def draw_classes_alike(
    labels: NDArray[np.intp], weights: Floats, seed: int
) -> NDArray[np.intp]:
    """Draw some samples with weight, at most the same number of each class."""
    rng = np.random.RandomState(seed)
    present = np.unique(labels[weights > 0])
    n = max(_MAX_DRAWN // present.size, 1)
    drawn = []
    for k in present:
        rows = np.flatnonzero((labels == k) & (weights > 0))
        drawn.append(rng.permutation(rows)[:n] if rows.size > n else rows)
    return np.concatenate(drawn)


def class_shares(labels: NDArray[np.intp], weights: Floats) -> Floats | None:
    """Shares of the classes in the weight, if a constant would be worth a warning.

    Of few samples it is not, nor where one class has most of the weight: a constant is
    nearly the best there, and may be what class weights ask for.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,), int
    weights : ndarray of shape (n_samples,)

    Returns
    -------
    shares : ndarray of shape (n_classes,) or None
    """
    shares: Floats = np.bincount(labels, weights) / weights.sum()
    few = np.count_nonzero(weights) < _FEW
    return None if few or shares.max() > _MOST_WEIGHT else shares


def constant_class(
    labels: NDArray[np.intp], predicted: NDArray[np.intp]
) -> tuple[int, float] | None:
    """The class that is predicted for nearly all samples, if there is one.

    Nearly all: others are predicted for less than a twentieth of the samples that have
    them. All classes count alike, so that a model may find little of a rare one.

    Parameters
    ----------
    labels, predicted : ndarray of shape (n_samples,), int

    Returns
    -------
    code, share : (int, float) or None
        The class, and the share of samples for which it is predicted.
    """
    present, codes = np.unique(labels, return_inverse=True)
    weights = 1 / (present.size * np.bincount(codes))[codes]
    shares = np.bincount(predicted, weights)
    code = int(shares.argmax())
    if 1 - shares[code] >= _NEAR_CONSTANT * (1 - 1 / present.size):
        return None
    return code, float(shares[code])


def shares_of_sides(shares: Floats, options: dict[str, Any]) -> Floats:
    """Share of the positive side in the weight that each network of a vote trains on.

    Parameters
    ----------
    shares : ndarray of shape (n_classes,)
        Of the classes in the weight.
    options : dict
        Of the training.

    Returns
    -------
    shares : ndarray of shape (n_rivals,)
    """
    n_others = shares.size - 1
    if n_others == 1:
        shares = shares[1:]
    if options["loss"] == "radius" and options["alike"]:
        return np.full(shares.size, 0.5)
    if options["ramp"] > 0:
        positive = n_others * shares
        return positive / (positive + (1 - shares))
    return shares


def no_better_than_constants(networks: Networks, loss: str, shares: Floats) -> bool:
    """Whether nearly all networks have the training loss of a constant.

    With a margin that is too large a network may fail everywhere within the margin,
    and still tell some samples apart by chance.

    Parameters
    ----------
    networks : Networks
    loss : {'01', 'ce', 'radius'}
    shares : ndarray of shape (n_rivals,)
        Of the positive side in the weight of each network of a vote.

    Returns
    -------
    bool
    """
    constants = np.minimum(shares, 1 - shares)
    if loss != "01":
        constants = entr(shares) + entr(1 - shares)
    last = np.arange(len(networks.n_iter)), networks.n_iter - 1
    losses = networks.loss_curve[last].reshape(-1, shares.size)
    return bool((losses >= _NO_BETTER * constants).mean() > 1 - _NEAR_CONSTANT)
