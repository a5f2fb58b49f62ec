"""Colon tissue tiles from the picture that ships with scikit-image.

The picture shows colonic glands, with the expression of FHL2 revealed by brown DAB
stain. Its left half makes the training tiles, its right half the test tiles. A tile is
class 1 if its mean DAB lies above the middle fifth of the training tiles' values, class
0 if below; tiles within the middle fifth are left out, in both halves, so that the two
classes differ in more than noise. The test half has no say in the thresholds.
"""

import numpy as np
from skimage import color, data

from benchmarks.datasets._base import Dataset

TILE = 32
# Half a tile: neighbors in a half share pixels, which gives enough of them.
STRIDE = 16
MIDDLE_FIFTH = (0.4, 0.6)


def load_colon_ihc() -> Dataset:
    """Load the tiles, 32x32 RGB, with their split by halves of the picture."""
    picture = data.immunohistochemistry()
    is_test, corners = tile_corners(picture.shape[:2])
    stain = cut_tiles(color.rgb2hed(picture)[..., 2], corners).mean(axis=(1, 2))
    low, high = np.quantile(stain[~is_test], MIDDLE_FIFTH)
    kept = (stain < low) | (stain > high)
    return Dataset(
        name="colon-ihc",
        X=cut_tiles(picture, corners[kept]),
        y=(stain[kept] > high).astype(np.intp),
        class_names=("DAB low", "DAB high"),
        source="skimage.data.immunohistochemistry, FHL2 in colonic glands (CMMI)",
        licence="no known copyright restrictions",
        is_test=is_test[kept],
    )


def tile_corners(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Lay tiles over the left and the right half of a picture, none over both.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the picture.

    Returns
    -------
    is_test : ndarray of bool, shape (n_tiles,)
        Whether a tile lies in the right half.
    corners : ndarray of shape (n_tiles, 2)
        Row and column of each tile's upper left pixel.
    """
    height, width = shape
    middle = width // 2
    rows = np.arange(0, height - TILE + 1, STRIDE)
    columns = np.concatenate(
        [
            np.arange(0, middle - TILE + 1, STRIDE),
            np.arange(middle, width - TILE + 1, STRIDE),
        ]
    )
    corners = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
    return corners[:, 1] >= middle, corners


def cut_tiles(picture: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Copy the tile at each corner, shape (n_tiles, TILE, TILE[, 3])."""
    return np.stack(
        [picture[row : row + TILE, col : col + TILE] for row, col in corners]
    )
