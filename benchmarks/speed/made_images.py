"""Synthetic images: what is timed where no real ones are given.

White noise trains differently from images: its pixels tell nothing of one another, and
every threshold search opens other bins. These are sums of smooth waves, the long ones
the strongest, with a little noise, and a class shifts some of the waves.
"""

from functools import lru_cache

import numpy as np

from benchmarks.datasets import load
from benchmarks.datasets.scaling import scale
from benchmarks.datasets.splits import draw_split, split_kind

_WAVES = 12  # in each direction
_FALL = 1.0  # how fast amplitudes fall with frequency
_CONTRAST = 40.0  # standard deviation of a pixel, of 255
_NOISE = 6.0
_CLASS_DISTANCE = 4.0  # between classes, in standard deviations of their waves
_CHUNK_ROWS = 512  # rows made at a time: floats never take much memory


def made_images(
    n_rows: int, n_features: int, n_classes: int = 2, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Make smooth random fields with a class signal.

    Parameters
    ----------
    n_rows, n_features, n_classes : int
        Where `n_features` is no square, the last rows of pixels are left out.
    seed : int

    Returns
    -------
    X : ndarray of shape (n_rows, n_features), dtype uint8
    y : ndarray of shape (n_rows,), dtype intp
        Every class about as often.
    """
    rng = np.random.default_rng(seed)
    waves = _waves(n_features)
    centres = rng.standard_normal((n_classes, len(waves)), dtype=np.float32)
    centres *= _CLASS_DISTANCE / np.sqrt(2 * len(waves))
    y = rng.permutation(np.arange(n_rows) % n_classes)
    X = np.empty((n_rows, n_features), dtype=np.uint8)
    for start in range(0, n_rows, _CHUNK_ROWS):
        labels = y[start : start + _CHUNK_ROWS]
        amplitudes = rng.standard_normal((len(labels), len(waves)), dtype=np.float32)
        fields = (amplitudes + centres[labels]) @ waves
        noise = rng.standard_normal(fields.shape, dtype=np.float32)
        fields += 128 + _NOISE * noise
        X[start : start + _CHUNK_ROWS] = np.clip(fields, 0, 255)
    return X, y


def _waves(n_features: int) -> np.ndarray:
    """Cosine waves on a square of pixels, scaled, (n_waves, n_features)."""
    side = int(np.ceil(np.sqrt(n_features)))
    places = (np.arange(side) + 0.5) / side
    line = np.cos(np.pi * np.arange(_WAVES)[:, None] * places)
    fields = np.einsum("ui,vj->uvij", line, line).reshape(_WAVES**2, -1)[1:]
    u, v = np.divmod(np.arange(1, _WAVES**2), _WAVES)
    fields *= (np.hypot(u, v) ** -_FALL)[:, None]
    fields *= _CONTRAST / np.sqrt((fields**2).sum(axis=0).mean())
    return fields[:, :n_features].astype(np.float32)


def to_pixels(X: np.ndarray) -> np.ndarray:
    """Return uint8 images as float32 in [0, 1]."""
    return X.astype(np.float32) / np.float32(255)


@lru_cache(maxsize=1)  # a run asks before it begins, and each section once more
def given_images(
    spec: str, skip_unreadable: bool = False
) -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
    """Load a data set of `benchmarks.datasets` and keep its training rows.

    Returns
    -------
    name : str
    X : ndarray of shape (n_rows, n_features)
        As stored.
    pixels : ndarray of shape (n_rows, n_features), dtype float32
        As all models of the medical benchmark get it.
    y : ndarray of shape (n_rows,)
    """
    dataset = load(spec, skip_unreadable=skip_unreadable)
    split = draw_split(dataset, split_kind(dataset), 0)
    pixels, _ = scale(dataset, split)
    stored = dataset.X[split.train].reshape(len(pixels), -1)
    return dataset.name, stored, pixels, dataset.y[split.train]
