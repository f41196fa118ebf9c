"""What every loader returns, and how it fails."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PARTS = ("train", "validation", "test")


class Images(NamedTuple):
    """One part of a data set."""

    pixels: NDArray[np.uint8]  # (N, H, W) grey levels, 0 is black; or (N, H, W, 3) red, green and blue
    labels: NDArray[np.int64]  # (N,)       index into names
    names: tuple[str, ...]  #                 class names
    source: str  #                            one line for the screen: which data this is

    @property
    def lengths(self) -> tuple[int, ...]:
        """Images in each shard: all of them lie in one, in memory."""
        return (len(self.pixels),)


class DataError(Exception):
    """The data cannot be had; the message is for the user and says what to do."""


def demand_shape(images: Images, shape: tuple[int, ...]) -> None:
    """Refuses images of another shape than a model was made for: own data may have been made anew.

    Raises:
        DataError: If they have another one.
    """
    if images.pixels.shape[1:] != shape:
        found, wanted = (" x ".join(map(str, each)) for each in (images.pixels.shape[1:], shape))
        raise DataError(
            f"The model was made for images of {wanted}, and these are {found} ({images.source}): the data set is no "
            "longer the one that it was trained on. Upload that again under this name, or train a new model."
        )


def spread(pixels: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Returns so many images at most, from all over the part: its first ones need not be like the rest."""
    chosen: NDArray[np.uint8] = pixels[np.linspace(0, len(pixels) - 1, min(count, len(pixels))).round().astype(int)]
    return chosen
