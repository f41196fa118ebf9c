"""When do two images count as alike? Squared distance, and a Gaussian P(X|z) of a sigma of one's choice."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from vae_explorer.latent.model import Doubles, Floats


class Variants(NamedTuple):
    """An image, and what Doersch compares with it; each `(H, W)` or `(H, W, 3)`, in [0, 1]."""

    image: Floats
    missing: Floats  # a piece of the ink is gone
    half: Floats  # shifted by half a pixel, right and down
    whole: Floats  # shifted by a pixel, right and down


def variants(image: Floats, piece: int) -> Variants:
    """Returns an image with a square piece of its ink missing, and shifted by half a pixel and by a whole one.

    The piece is cut where a square of its size holds most ink; of several such, the uppermost.

    Arguments:
        image: `(H, W)` or `(H, W, 3)`, in [0, 1].
        piece: Pixels a side of the piece; 0 takes nothing away.

    Raises:
        ValueError: If the piece is larger than the image, or of a size below 0.

    References:
        | Tutorial on Variational Autoencoders, figure 3 (Doersch, 2016)
        | https://arxiv.org/abs/1606.05908
    """
    height, width = image.shape[:2]
    if not 0 <= piece <= min(height, width):
        raise ValueError(f"a piece of {piece} pixels a side cannot be cut from an image of {height} by {width}")
    missing = image.copy()
    if piece:
        ink = image.reshape(height, width, -1).sum(2)
        windows = np.lib.stride_tricks.sliding_window_view(ink, (piece, piece)).sum((2, 3))
        top, left = np.unravel_index(int(windows.argmax()), windows.shape)
        missing[top : top + piece, left : left + piece] = 0
    return Variants(image, missing, shifted(image, 0.5), shifted(image, 1.0))


def shifted(image: Floats, by: float) -> Floats:
    """Returns an image moved right and down by a part of a pixel, 0 to 1: each pixel is a mean of four, 0 outside."""
    if not 0 <= by <= 1:
        raise ValueError(f"a shift must be between 0 and 1 pixels, and is {by}")
    moved = image
    for axis in (0, 1):
        before = np.zeros_like(moved)
        there, here = [slice(None)] * image.ndim, [slice(None)] * image.ndim
        there[axis], here[axis] = slice(1, None), slice(None, -1)
        before[tuple(there)] = moved[tuple(here)]
        moved = ((1 - by) * moved + by * before).astype(np.float32)
    return moved


def squared_distance(image: Floats, others: Floats) -> Doubles:
    """Returns the sum over pixels of squared differences of one image to each of N, `(N,)`."""
    difference = others.reshape(len(others), -1).astype(np.float64) - image.reshape(-1)
    squared: Doubles = np.square(difference).sum(1)
    return squared


def log_gaussian(squared: Doubles, sigma: float, pixels: int) -> Doubles:
    r"""Returns log N(X | f, sigma^2 I) of images at squared distances from f, nats.

    .. math:: -\frac{\|X - f\|^2}{2 \sigma^2} - \frac{P}{2} \log 2 \pi \sigma^2

    Arguments:
        squared: Squared distances, grey levels squared.
        sigma: Grey levels, above 0.
        pixels: P, and channels.

    Raises:
        ValueError: If sigma is not above 0, or not finite.
    """
    check_sigma(sigma)
    log_p: Doubles = -np.asarray(squared, np.float64) / (2 * sigma**2) - pixels / 2 * math.log(2 * math.pi * sigma**2)
    return log_p


def check_sigma(sigma: float) -> None:
    """Raises ValueError, in words, if a sigma makes no Gaussian."""
    if not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(
            f"sigma must be above 0, and is {sigma:g}: with no width at all only an exact copy has any density"
        )
