"""Discs that we draw ourselves: images whose three factors of variation are known exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.images import PARTS, Images

SIDE = 28  # pixels; the image covers [0, SIDE] in x and y, pixel (row i, column j) is centred at (j + 1/2, i + 1/2)
RADII = (3.0, 9.0)  # pixels
SIZES = dict(zip(PARTS, (10_000, 1_000, 2_000), strict=True))
NAMES = ("small", "medium", "large")
_SEED = 20_131_220


def circles(part: str) -> Images:
    """Returns one part of the discs; the label is the third of the radius range."""
    factors = circle_factors(part)
    low, high = RADII
    labels = (len(NAMES) * (factors[:, 2] - low) / (high - low)).astype(np.int64)
    sizes = " + ".join(f"{size:,}" for size in SIZES.values())
    source = f"circles, drawn by this program: {sizes} images"
    return Images(draw_circles(factors), labels, NAMES, source)


def circle_factors(part: str) -> NDArray[np.float64]:
    """Returns the true factors of the discs of one part.

    The radius is uniform over `RADII`, and the centre is uniform over the square that keeps the disc
    of that radius wholly inside the image.

    Returns:
        Centre x, centre y and radius, in pixels, with shape `(N, 3)`.
    """
    # RandomState and not default_rng: NumPy promises that its stream never changes (NEP 19), so a
    # checkpoint's training images stay what they were.
    random = np.random.RandomState(_SEED + PARTS.index(part))
    u = random.random_sample((SIZES[part], 3))
    low, high = RADII
    radius = low + (high - low) * u[:, 2:]
    centre = radius + (SIDE - 2 * radius) * u[:, :2]
    return np.concatenate([centre, radius], axis=1)


def draw_circles(factors: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Draws white discs on black, with soft edges.

    A pixel's coverage is approximated by :math:`clip(r - d + 1/2, 0, 1)`, where `d` is the distance
    of its centre from the disc's centre.

    Arguments:
        factors: Centre x, centre y and radius, in pixels, with shape `(N, 3)`.

    Returns:
        Grey levels, with shape `(N, 28, 28)`.
    """
    x, y, radius = factors.T[:, :, None, None]  # each (N, 1, 1)
    at = np.arange(SIDE) + 0.5
    distance = np.sqrt((at - x) ** 2 + (at[:, None] - y) ** 2)
    coverage: NDArray[np.float64] = np.clip(radius - distance + 0.5, 0, 1)
    return np.rint(255 * coverage).astype(np.uint8)
