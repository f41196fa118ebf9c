"""P(X) by drawing z: from the prior, from the encoder's Q(z|X), and from the posterior P(z|X) itself."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from vae_explorer.latent.model import Doubles, Encoding, Floats, Likelihood, Model, log_prior

BLOCK = 1_000  # draws that are made, decoded and kept together
MOST = 100_000  # draws
WITHIN = math.log(2)  # nats: an estimate of P(X) that is right to within a factor of two


class Draws(NamedTuple):
    """Points from some distribution q, and what each counts against a draw from the prior."""

    z: Floats  # (n, D)  latent units
    log_ratio: Doubles  # (n,)  log P(z) - log q(z), nats; 0 where q is the prior


class Cells(NamedTuple):
    """A density that is constant over each of many rectangles of the plane."""

    low: Doubles  # (C, 2)  latent units: left and bottom
    size: Doubles  # (C, 2)  width and height
    log_mass: Doubles  # (C,)  of each cell, nats; sums to 1


class Share(NamedTuple):
    """How evenly a sum is spread over its terms."""

    carriers: int  # the fewest terms that make up the share asked for
    effective: float  # (sum w)^2 / sum w^2: as many equal terms would vary as little


def prior_draws(axes: int, seed: int, block: int, count: int = BLOCK) -> Draws:
    """Returns draws from P(z), the standard normal of `axes`: each block has a generator of its own.

    Arguments:
        axes: Latent axes.
        seed: Not below 0.
        block: Which draws, counted from 0: those of different blocks are independent.
        count: How many.
    """
    z = np.random.default_rng((seed, block)).standard_normal((count, axes), np.float32)
    return Draws(z, np.zeros(count))


def encoder_draws(q: Encoding, seed: int, image: int, block: int, count: int = BLOCK) -> Draws:
    """Returns draws from Q(z|X), the encoder's Gaussian, of one image; the encoding has one row.

    Raises:
        ValueError: If Q has no width: a deterministic encoder's point covers nothing of the plane.
    """
    mean, std = (each[0].astype(np.float64) for each in q)
    if not (std > 0).all():
        raise ValueError("this encoder gives a point and no Q(z|X) with a width: choose a VAE")
    rng = np.random.default_rng((seed, image, block, 1))
    z = (mean + std * rng.standard_normal((count, len(mean)))).astype(np.float32)
    log_q = log_prior(((z - mean) / std).astype(np.float64)) - np.log(std).sum()
    return Draws(z, log_prior(z) - log_q)


def cell_draws(cells: Cells, seed: int, image: int, block: int, count: int = BLOCK) -> Draws:
    """Returns draws from a density over cells: where they are those of the posterior, all but exact draws from it.

    What is left of the cells' size shows in the weights, which would all be P(X) if there were none.
    """
    rng = np.random.default_rng((seed, image, block, 2))
    chosen = rng.choice(len(cells.log_mass), count, p=np.exp(cells.log_mass))
    z = (cells.low[chosen] + cells.size[chosen] * rng.random((count, 2))).astype(np.float32)
    log_q = cells.log_mass[chosen] - np.log(cells.size[chosen]).sum(1)
    return Draws(z, log_prior(z) - log_q)


def log_likelihood(model: Model, decoded: Likelihood, image: Floats) -> Doubles:
    """Returns log P(X|z) of one image `(H, W)`, or in colours, at M decoded points, `(M,)` nats."""
    x = image.reshape(-1)
    at: Doubles = (decoded.weights @ x).astype(np.float64) + decoded.offset + model.base_measure(image[None])
    return at


def log_weights(model: Model, draws: Draws, image: Floats, beta: float) -> Doubles:
    """Returns log of P(X|z) P(z) / q(z) at draws from q, `(n,)` nats: the mean of what they stand for is P(X)."""
    return log_likelihood(model, model.likelihood(draws.z, beta), image) + draws.log_ratio


def running(log_w: Doubles) -> Doubles:
    r"""Returns the estimate of log P(X) after each draw, `(n,)` nats, along the last axis.

    .. math:: \log \frac1n \sum_{i=1}^n e^{\log w_i}

    Sums of logarithms throughout: weights of e^-1000 do not vanish.

    Raises:
        ValueError: If there is no draw.
    """
    n = log_w.shape[-1]
    if n < 1:
        raise ValueError("an estimate takes at least one draw")
    estimate: Doubles = np.logaddexp.accumulate(log_w, -1) - np.log(np.arange(1, n + 1))
    return estimate


def share(log_w: Doubles, of: float = 0.99) -> Share:
    """Returns how many of the draws carry so much of their sum, and as how many equal ones they count.

    Raises:
        ValueError: If there is no draw, or the share is not in (0, 1].
    """
    if not len(log_w):
        raise ValueError("an estimate takes at least one draw")
    if not 0 < of <= 1:
        raise ValueError(f"the share must be above 0 and at most 1, and is {of}")
    w = np.sort(np.exp(log_w - log_w.max()))[::-1]
    total = np.cumsum(w)
    carriers = min(int(np.searchsorted(total, of * total[-1])) + 1, len(w))
    return Share(carriers, float(total[-1] ** 2 / np.square(w).sum()))


def draws_needed(log_w: Doubles, log_px: float, within: float = WITHIN) -> int | None:
    """Returns the fewest draws with which half of all estimates are right, or None if these are not enough.

    The draws are cut into stretches of n, for every n on a ladder of eighths of a factor of two; one that leaves fewer
    than four stretches is not judged. An n counts once it and all larger ones on the ladder are right.

    Arguments:
        log_w: Of independent draws, `(N,)` nats.
        log_px: The exact log P(X).
        within: How far an estimate may be off, nats.
    """
    most = len(log_w) // 4
    ladder = sorted({round(2 ** (step / 8)) for step in range(8 * max(most, 1).bit_length())})
    needed = None
    for n in reversed([n for n in ladder if n <= most]):
        stretches = log_w[: len(log_w) // n * n].reshape(-1, n)
        estimates = np.logaddexp.reduce(stretches, 1) - math.log(n)
        if np.mean(np.abs(estimates - log_px) <= within) < 0.5:
            return needed
        needed = n
    return needed


def draws_for(nats: float) -> float:
    r"""Returns about how many draws from the prior P(X) takes: :math:`e^{D[P(z|X) \| P(z)]}`; inf beyond floats.

    References:
        | The sample size required in importance sampling (Chatterjee & Diaconis, 2018)
        | https://arxiv.org/abs/1511.01437
    """
    return math.exp(nats) if nats < 709 else math.inf
