"""Black and white of pictures with more than 8 bits, the same for all of a set.

A file of 16 bits mostly holds fewer: 10, 12 or 14, as many as the detector has. Its own
format does not say how many, so the largest value of the whole set does. One scale for
all files keeps them comparable, whichever side of a split they lie on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# What 8, 10, 12, 14 and 16 bits hold at most; 1 is for floating point.
_WHITES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
# Where the largest value is below this share of white, everything would look black. Of
# the depths above 8 bits each holds four times the one before: none is as dark as that.
_DARK = 1 / 8


@dataclass(frozen=True)
class Levels:
    """The values that become black and white."""

    black: float
    white: float

    def to_8_bit(self, values: np.ndarray) -> np.ndarray:
        """Scale values to 0 to 255."""
        grey = (values - self.black) / (self.white - self.black)
        return np.rint(255 * np.clip(grey, 0, 1)).astype(np.uint8)

    def to_unit(self, values: np.ndarray) -> np.ndarray:
        """Scale values to [0, 1], dtype float32."""
        grey = (values.astype(np.float32) - self.black) / (self.white - self.black)
        return np.clip(grey, 0, 1, out=grey)

    def __str__(self) -> str:
        return f"{self.black:,g} is black, {self.white:,g} is white"


def find_levels(ranges: Sequence[tuple[float, float]]) -> Levels:
    """Choose levels for a set.

    Parameters
    ----------
    ranges : sequence of (float, float)
        The smallest and the largest value of each picture.

    Returns
    -------
    Levels
        White is the largest number of 8, 10, 12, 14 or 16 bits, whichever are enough
        for all, or 1 for values in [0, 1]. It is the largest value itself where all
        would be darker than an eighth, or where there are negative values: the
        smallest is black then, where else 0 is.
    """
    low = min(smallest for smallest, _ in ranges)
    high = max(largest for _, largest in ranges)
    if low < 0:
        # Pictures of a single value are black, as those of nothing but 0 are.
        return Levels(low, high if high > low else low + 1)
    white = next((white for white in _WHITES if high <= white), high)
    if 0 < high < _DARK * white:
        white = high
    return Levels(0.0, white)
