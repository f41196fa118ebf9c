r"""The importance-weighted bound on log P(X), its draws and their weights.

.. math:: L_k = E \Big[ \log \frac1k \sum_{i=1}^k w_i \Big], \quad
    w_i = \frac{P(X|z_i) \, P(z_i)}{Q(z_i|X)}, \quad z_i \sim Q(z|X)

At k = 1 it is the ELBO; it never falls as k grows, and log P(X) is its limit. Everything is in logarithms: weights of
e^-1000 are as good as any.

References:
    | Importance Weighted Autoencoders (Burda et al., 2016)
    | https://arxiv.org/abs/1509.00519
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from vae_explorer.latent.model import Doubles, Floats, Model, log_prior

LARGEST = 4096  # draws of Q in a pool
COUNTS = tuple(2**power for power in range(13))  # k: 1, 2, 4 ... LARGEST
BATCH = 8192  # latent points decoded at a time


class Draws(NamedTuple):
    """Draws of N images' Q(z|X), K of each, and the three densities of their weights, in nats."""

    z: Floats  # (N, K, D)
    log_likelihood: Doubles  # (N, K)  log P(X|z)
    log_prior: Doubles  # (N, K)  log P(z)
    log_q: Doubles  # (N, K)  log Q(z|X)

    @property
    def log_weights(self) -> Doubles:
        """log w, `(N, K)`, nats: their mean over draws is the ELBO."""
        return self.log_likelihood + self.log_prior - self.log_q


class Sums(NamedTuple):
    """What is kept of pools of draws of one image: enough for every bound, and two of them can be added."""

    counts: tuple[int, ...]  # (B,)  k, powers of two
    blocks: Doubles  # (B,)  how many blocks of k draws there were
    total: Doubles  # (B,)  of the blocks' log (1/k) sum w, nats
    squares: Doubles  # (B,)  of their squares
    effective: Doubles  # (B,)  of the blocks' effective sample sizes

    def __add__(self, other: object) -> Sums:
        """Returns the sums of both.

        Raises:
            ValueError: If they are of other numbers of draws.
        """
        if not isinstance(other, Sums) or self.counts != other.counts:
            raise ValueError("only sums for the same numbers of draws can be added")
        return Sums(self.counts, *(a + b for a, b in zip(self[1:], other[1:], strict=True)))


class Bound(NamedTuple):
    """The bound against k, with what other draws would change."""

    counts: tuple[int, ...]  # (B,)  k
    mean: Doubles  # (B,)  L_k, nats
    error: Doubles  # (B,)  its standard error, nats; nan where there was one block alone
    effective: Doubles  # (B,)  the mean effective sample size of k draws, 1 to k
    blocks: Doubles  # (B,)  how many estimates the mean is of


def draw(model: Model, images: Floats, beta: float, count: int, seed: int, numbers: list[int], part: int = 0) -> Draws:
    """Returns draws of the encoder's Q(z|X) of N images.

    Arguments:
        model: A VAE, of any number of axes.
        images: `(N, H, W)`, float32 in [0, 1].
        beta: The KL weight.
        count: Draws of each image, K.
        seed: Of the draws.
        numbers: The images' numbers, `(N,)`: each has draws of its own, the same in whatever company.
        part: Which pool of an image: others are independent of it.

    Raises:
        ValueError: If the model has no Q(z|X) (a deterministic autoencoder), or `count` is below 1.
    """
    if not model.has_prior:
        raise ValueError("a deterministic autoencoder has no Q(z|X) to draw from: choose a VAE")
    if count < 1:
        raise ValueError(f"at least one draw is needed, not {count}")
    mean, std = model.encode(images, beta)
    generators = (np.random.default_rng((seed, number, part)) for number in numbers)
    epsilon = np.stack([each.standard_normal((count, model.axes)) for each in generators])
    z = (mean[:, None] + std[:, None] * epsilon).astype(np.float32)
    # The density at the point that is decoded, which float32 has moved a little.
    standardised = (z.astype(np.float64) - mean[:, None]) / std[:, None]
    log_q = -(0.5 * standardised**2 + np.log(std[:, None].astype(np.float64))).sum(2)
    log_q -= 0.5 * model.axes * math.log(2 * math.pi)
    at = log_prior(z.reshape(-1, model.axes)).reshape(z.shape[:2])
    return Draws(z, _log_likelihood(model, images, z, beta), at, log_q)


def normalised(log_weights: Doubles) -> Doubles:
    """Returns weights that sum to 1 along the last axis, from their logarithms."""
    scaled = np.exp(log_weights - log_weights.max(-1, keepdims=True))
    weights: Doubles = scaled / scaled.sum(-1, keepdims=True)
    return weights


def effective_sample_size(log_weights: Doubles) -> Doubles:
    r"""Returns the effective sample size along the last axis, 1 to K.

    .. math:: \frac{(\sum_i w_i)^2}{\sum_i w_i^2}

    References:
        | Monte Carlo theory, methods and examples (Owen, 2013), section 9.3
        | https://artowen.su.domains/mc/
    """
    size: Doubles = 1 / np.square(normalised(log_weights)).sum(-1)
    return size


def sums(log_weights: Doubles, counts: tuple[int, ...] = COUNTS) -> Sums:
    r"""Returns what a pool of an image's log weights, `(K,)`, says of the bound at each k.

    The pool is cut into K / k disjoint blocks, and each gives one unbiased estimate of L_k,

    .. math:: \log \frac1k \sum_{i=1}^k w_i

    Blocks nest: one of 2k draws is two of k, and the logarithm of a mean is never below the mean of the logarithms.
    So the estimates rise with k in every pool, as L_k does, not only on average; those of different k hang together.

    Raises:
        ValueError: If a count is no power of two from 1 to the pool's size, or the pool's size is no multiple of it.
    """
    size = len(log_weights)
    if wrong := [k for k in counts if k < 1 or k & (k - 1) or k > size or size % k]:
        raise ValueError(f"blocks of {wrong[0]} draws do not fill a pool of {size}: powers of two are needed")
    each = []
    for k in counts:
        blocks = log_weights.reshape(-1, k)
        estimates = _log_mean(blocks)
        each.append((len(blocks), estimates.sum(), np.square(estimates).sum(), effective_sample_size(blocks).sum()))
    return Sums(counts, *np.array(each, np.float64).T)


def bound(of: Sums) -> Bound:
    """Returns the bound that sums of blocks make up: means over independent blocks of k draws, with their errors."""
    mean = of.total / of.blocks
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.maximum(of.squares / of.blocks - mean**2, 0) / (of.blocks - 1)
    error = np.where(of.blocks > 1, np.sqrt(spread), np.nan)
    return Bound(of.counts, mean, error, of.effective / of.blocks, of.blocks)


def draws_within(of: Bound, log_px: float, nats: float) -> int | None:
    """Returns the smallest k whose bound is within so many nats of log P(X), or None if no k that was tried is."""
    near = [k for k, mean in zip(of.counts, of.mean, strict=True) if log_px - mean <= nats]
    return near[0] if near else None


class Looseness(NamedTuple):
    """The bounds of many images, from one pool of draws each."""

    counts: tuple[int, ...]  # (B,)  k
    bounds: Doubles  # (N, B)  L_k, nats
    effective: Doubles  # (N, B)  mean effective sample sizes


def looseness(
    model: Model, images: Floats, beta: float, seed: int, numbers: list[int], counts: tuple[int, ...]
) -> Looseness:
    """Returns the bounds of N images; a pool holds as many draws as the largest count. Arguments as of `draw`."""
    drawn = draw(model, images, beta, counts[-1], seed, numbers)
    each = [bound(sums(log_weights, counts)) for log_weights in drawn.log_weights]
    return Looseness(counts, np.stack([one.mean for one in each]), np.stack([one.effective for one in each]))


def excess(log_q: Doubles, log_posterior: Doubles, log_area: Doubles) -> float:
    r"""Returns the chi-squared divergence of Q from the posterior, by quadrature.

    .. math:: \chi^2 = \int \frac{P(z|X)^2}{Q(z|X)} dz - 1, \qquad
        \log P(X) - L_k \approx \frac{\chi^2}{2 k}, \qquad \frac{ESS_k}{k} \to \frac{1}{1 + \chi^2}

    as k grows, where it is finite.

    Arguments:
        log_q: log Q(z|X) at the rule's nodes, `(M,)`.
        log_posterior: log P(z|X) there.
        log_area: Logarithms of the rule's weights.

    References:
        | Importance Weighting and Variational Inference (Domke & Sheldon, 2018)
        | https://arxiv.org/abs/1808.09034
    """
    terms = 2 * log_posterior - log_q + log_area
    largest = float(terms.max())
    log_moment = largest + math.log(float(np.exp(terms - largest).sum()))
    return math.expm1(log_moment) if log_moment < 700 else math.inf


def _log_mean(log_values: Doubles) -> Doubles:
    """Returns the logarithm of the mean along the last axis."""
    largest = log_values.max(-1)
    mean: Doubles = largest + np.log(np.exp(log_values - largest[..., None]).mean(-1))
    return mean


def _log_likelihood(model: Model, images: Floats, z: Floats, beta: float) -> Doubles:
    """Returns log P(X|z) of `(N, K, D)` points, each with its image, `(N, K)`."""
    count = z.shape[1]
    points = z.reshape(-1, model.axes)
    x = images.reshape(len(images), -1)
    log_p = np.empty(len(points))
    for start in range(0, len(points), BATCH):
        rows = slice(start, start + BATCH)
        weights, offset = model.likelihood(points[rows], beta)
        image = np.arange(len(points))[rows] // count
        for number in np.unique(image):
            own = image == number
            log_p[rows][own] = weights[own].astype(np.float64) @ x[number] + offset[own]
    return log_p.reshape(-1, count) + model.base_measure(images)[:, None]
