"""What an example is: how it is kept, given to a network, drawn and exported. Images are the first kind."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Levels = NDArray[np.uint8]


class Modality(ABC):
    """One kind of examples."""

    @abstractmethod
    def normalised(self, kept: Levels) -> Floats:
        """Returns examples as networks take them."""

    @abstractmethod
    def levels(self, means: Floats) -> Levels:
        """Returns what a network made as examples are kept, rounded to the nearest."""

    @abstractmethod
    def sheet(self, kept: Levels) -> Levels:
        """Returns a square number of examples as one picture, row by row."""

    @abstractmethod
    def exported(self, kept: Levels) -> bytes:
        """Returns an example, or a sheet of them, as the file that users take away."""


class Pictures(Modality):
    """Images, `(N, H, W)` or `(N, H, W, 3)`: grey levels or colours from 0 to 255, and in [0, 1] for networks."""

    def normalised(self, kept: Levels) -> Floats:
        return kept.astype(np.float32) / np.float32(255)

    def levels(self, means: Floats) -> Levels:
        rounded: Levels = np.rint(255 * means).clip(0, 255).astype(np.uint8)
        return rounded

    def sheet(self, kept: Levels) -> Levels:
        """Returns `(side * side, H, W)` as `(side * H, side * W)`; colours, a last axis of 3, stay."""
        count, height, width, *channels = kept.shape
        side = math.isqrt(count)
        rows = kept.reshape(side, side, height, width, *channels).swapaxes(1, 2)
        return rows.reshape(side * height, side * width, *channels)

    def exported(self, kept: Levels) -> bytes:
        """Returns a PNG file of one image, `(H, W)` or `(H, W, 3)`."""
        from PIL import Image  # here: what lists data sets does without

        out = BytesIO()
        Image.fromarray(kept).save(out, "PNG")
        return out.getvalue()


PICTURES = Pictures()
