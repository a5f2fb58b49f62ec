"""The rule of the vote: which class a network's output names, and which class wins.

With two classes a vote is one network, which names the second class where its output
is above 0. With K > 2 classes a vote is K networks, one a class, and names the class of
the largest output. Wherever two classes are equal, the first one counts: among outputs,
among votes and among mean probabilities.

What is compared is exact. Output weights and biases are multiples of ``2**-17`` (see
:mod:`sklearn_scd._kernels.losses`), so that an output, which is a sum of some of them,
has no rounding error and does not depend on the order of the sum. Votes are counted in
integers. Mean probabilities that nearly tie are summed again without rounding
(:func:`math.fsum`), so that they do not depend on the order of the votes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from sklearn_scd._typing import Floats

_NEAR_TIE = 1e-12  # between means; their own rounding error is far below


def named_classes(outputs: Floats) -> NDArray[np.intp]:
    """Class code that each vote names.

    Parameters
    ----------
    outputs : ndarray of shape (n_samples, n_votes, n_rivals)
        Outputs of the networks; `n_rivals` is 1 with two classes, else their number.

    Returns
    -------
    named : ndarray of shape (n_samples, n_votes)
    """
    if outputs.shape[2] == 1:
        return (outputs[:, :, 0] > 0).astype(np.intp)
    return outputs.argmax(axis=2)


def count_votes(named: NDArray[np.intp], n_classes: int) -> NDArray[np.intp]:
    """Votes for each class.

    Parameters
    ----------
    named : ndarray of shape (n_samples, n_votes)
    n_classes : int

    Returns
    -------
    counts : ndarray of shape (n_samples, n_classes)
    """
    return np.stack([(named == k).sum(axis=1) for k in range(n_classes)], axis=1)


def mean_probabilities(outputs: Floats) -> Floats:
    """Mean of the networks' probabilities of each class, from which soft votes choose.

    With more than two classes they are normalized to a sum of 1; where all of them
    underflow, nothing is known and they are equal.

    Parameters
    ----------
    outputs : ndarray of shape (n_samples, n_votes, n_rivals)

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_classes), float64
    """
    means = expit(outputs).mean(axis=1)
    if outputs.shape[2] == 1:
        for i in np.flatnonzero(np.abs(means[:, 0] - 0.5) < _NEAR_TIE):
            means[i] = _nearly_one_half(outputs[i, :, 0])
        return np.hstack([1 - means, means])
    best = np.partition(means, -2, axis=1)[:, -2:]
    for i in np.flatnonzero(best[:, 1] - best[:, 0] < _NEAR_TIE * best[:, 1]):
        shares = expit(outputs[i])
        means[i] = [math.fsum(share) / len(share) for share in shares.T]
    means[means.sum(axis=1) == 0] = 1
    return means / means.sum(axis=1, keepdims=True)


def _nearly_one_half(outputs: Floats) -> float:
    """Mean probability, on the side of 1/2 that exact arithmetic has it.

    ``expit(a) - 1/2`` is ``tanh(a / 2) / 2``, whose values for a and -a cancel exactly.
    """
    lead = math.fsum(np.tanh(outputs / 2))
    mean = 0.5 + 0.5 * lead / len(outputs)
    if mean == 0.5 and lead != 0:
        mean = float(np.nextafter(0.5, 1.0 if lead > 0 else 0.0))
    return mean
