"""Where decoded images are drawn from: the two sampling distributions, both for every model."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from vae_explorer.config import Kind
from vae_explorer.latent.encoding import Floats


class Sampling(NamedTuple):
    """A distribution over the latent space."""

    title: str
    draw: Callable[[Floats, Floats], Floats]  # codes (N, D) and standard normal numbers (M, D) to points (M, D)


def _fitted(codes: Floats, noise: Floats) -> Floats:
    r"""Returns :math:`\mu + L \epsilon`, with the codes' mean and their covariance :math:`L L^T`."""
    values, vectors = np.linalg.eigh(np.cov(codes.T.astype(np.float64), ddof=0).reshape(codes.shape[1], -1))
    spread = vectors * np.sqrt(values.clip(0))
    points: Floats = (codes.mean(0, dtype=np.float64) + noise @ (spread @ vectors.T)).astype(np.float32)
    return points


SAMPLINGS: dict[str, Sampling] = {
    "prior": Sampling("the standard normal prior", lambda _, noise: noise),
    "fitted": Sampling("the Gaussian fitted to the codes", _fitted),
}


def usual(kind: Kind) -> str:
    """Returns what a model is sampled from: its prior, or the best that there is for one without."""
    return "fitted" if kind == "autoencoder" else "prior"


def draw(sampling: str, codes: Floats, count: int, seed: int) -> Floats:
    """Returns points `(count, D)`; a seed gives the same standard normal numbers to every model.

    Arguments:
        sampling: A key of `SAMPLINGS`.
        codes: The model's codes, `(N, D)`.
        count: How many.
        seed: Of the standard normal numbers.
    """
    noise = np.random.default_rng(seed).standard_normal((count, codes.shape[1]), np.float32)
    return SAMPLINGS[sampling].draw(codes, noise)
