"""The code that lies nearest to a latent point, at any KL weight, without encoding all images at each.

All images are encoded at a ladder of KL weights alone, so that there is an end to it however many weights are asked
for. Between two rungs codes move almost on straight lines: those that lie near a point there are few, and these few are
encoded at the very weight.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.config import ModelConfig
from vae_explorer.latent import encoding as latent
from vae_explorer.ui.shell import store

RUNGS_PER_DECADE = 20  # codes on straight lines between them err by some 0.001 latent units at most
CANDIDATES = 32  # images encoded at the very weight


class Near(NamedTuple):
    """An image, and how far its code lies away in latent units."""

    image: int
    distance: float


def nearest(of: store.Key, z: tuple[float, ...], beta: float) -> Near:
    """Returns the image whose code at a KL weight lies nearest to a latent point."""
    low, high, share = around(store.facts(of).config, beta)
    mean = store.encoding(of, low).mean
    if share == 0:
        return _first(mean, z)
    codes = mean + np.float32(share) * (store.encoding(of, high).mean - mean)
    square = _squares(codes, z)
    few = np.argpartition(square, CANDIDATES - 1)[:CANDIDATES] if len(square) > CANDIDATES else np.arange(len(square))
    pixels = store.shown(of).images.pixels[few]
    found = _first(latent.encode(store.checkpoint(of).arrays, pixels, beta).mean, z)
    return Near(int(few[found.image]), found.distance)


def around(config: ModelConfig, beta: float) -> tuple[float, float, float]:
    """Returns the ladder's KL weights below and above one, and how far it lies between them in the logarithm."""
    if config.kind != "multi-rate":
        return config.beta, config.beta, 0.0
    low, high = config.beta_min, config.beta_max
    steps = max(1, math.ceil(RUNGS_PER_DECADE * math.log10(high / low) - 1e-9))
    place = min(float(steps), max(0.0, steps * math.log(beta / low) / math.log(high / low)))
    rungs = [float(f"{low * (high / low) ** (k / steps):.12g}") for k in (math.floor(place), math.ceil(place))]
    if abs(place - round(place)) < 1e-6:
        rungs = [rungs[round(place) - math.floor(place)]] * 2  # at 1, and not at the next number to it
        return rungs[0], rungs[1], 0.0
    return rungs[0], rungs[1], place - math.floor(place)


def _first(codes: NDArray[np.float32], z: tuple[float, ...]) -> Near:
    square = _squares(codes, z)
    image = int(square.argmin())
    return Near(image, math.sqrt(square[image]))


def _squares(codes: NDArray[np.float32], z: tuple[float, ...]) -> NDArray[np.float32]:
    away = codes - np.array(z, np.float32)
    squares: NDArray[np.float32] = np.einsum("ij,ij->i", away, away)  # half of np.linalg.norm's time, in every click
    return squares
