"""Holes: where the latent space is sampled from, and no code lies near."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.latent.gaps.kernels import Distances, Kernels
from vae_explorer.latent.gaps.measures import SMALLEST, Score, binomial, jackknife, parts
from vae_explorer.latent.model import Floats

HELD = 0.99  # of the codes lie where the density is above the level
JUDGED = 1000  # codes at most whose likelihood chooses the bandwidth
BANDWIDTHS = (-7.0, 1.0)  # bounds of its logarithm, in units of the codes' standard deviation
ROUNDING = 1e-3  # nats: a density that is equal up to this is not lower


class Density(NamedTuple):
    """A kernel density of codes, and where it calls the latent space a hole."""

    codes: Floats  # (N, D)
    widths: Floats  # (D,)  standard deviations of the kernels, latent units
    level: float  # nats: log density that HELD of the codes are above, each judged by the others
    levels: Floats  # (GROUPS,)  the same without a tenth of the codes each; or none


def fit_density(codes: Floats, *, groups: bool = True) -> Density:
    r"""Returns a kernel density of codes `(N, D)`, and the level that holds most of them.

    .. math:: p(z) = \frac1N \sum_i N(z; c_i, h^2 \operatorname{diag}(s^2))

    :math:`s` are the codes' standard deviations. The bandwidth :math:`h` has the largest
    likelihood of some of the codes, each left out of its own density; it is right to some percent, as far
    as a likelihood that is flat about its best tells.

    Arguments:
        codes: What it is of.
        groups: Whether `levels` are asked for, which the error of `hole_share` needs; there are none otherwise.

    References:
        | Density Estimation for Statistics and Data Analysis (Silverman, 1986), sections 3.4.4 and 5.3
    """
    scale = np.maximum(codes.std(0), SMALLEST).astype(np.float32)
    judged = np.arange(0, len(codes), math.ceil(len(codes) / JUDGED))
    distances = Distances(codes / scale, judged)

    low, high = BANDWIDTHS
    for _ in range(3):  # each step a sixteenth of the one before
        steps = np.linspace(low, high, 33)
        likelihoods = [distances.mean_log_sum(math.exp(step)) - codes.shape[1] * step for step in steps]
        best = steps[int(np.argmax(likelihoods))]
        low, high = (max(low, best - (high - low) / 32), min(high, best + (high - low) / 32))
    widths = scale * np.float32(math.exp(best))
    own = _log_densities(codes, widths, codes, np.arange(len(codes)), groups=groups)
    tenths = parts(len(codes)).T > 0
    levels = [np.quantile(each[~tenth], 1 - HELD) for each, tenth in zip(own.T[1:], tenths, strict=False)]
    return Density(codes, widths, float(np.quantile(own[:, 0], 1 - HELD)), np.array(levels, np.float32))


def log_density(density: Density, z: Floats) -> Floats:
    """Returns the logarithm of the density, `(M,)` in nats (per latent unit to the D), at points `(M, D)`."""
    return log_density_of(density)(z)


def log_density_of(density: Density) -> Callable[[Floats], Floats]:
    """Returns `log_density` as a function of the points alone, for who asks often."""
    codes, widths = density.codes, density.widths
    summed = Kernels(codes / widths, np.ones((len(codes), 1), np.float32))
    norm = _log_norm(widths) + np.float32(math.log(len(codes)))
    return lambda z: summed.log_sums(z / widths, 1.0)[:, 0] - norm


def hole_share(density: Density, z: Floats) -> Score:
    r"""Returns the part of draws `(M, D)` that land in holes.

    .. math:: P_S(p(z) < \lambda), \quad \lambda: \text{ 99 \% of the codes have } p(c) > \lambda

    One new code in a hundred would land in a hole, however few codes there are. Where these are few,
    the density is uneven in the tails, the level therefore low, and the share rather too small:
    0.82, 0.84 and 0.85 of 0.87 with 1,000, 4,000 and 10,000 codes of two Gaussians far apart.

    Its error is binomial over the draws, and a jackknife over tenths of the codes, which leaves the
    bandwidth as it is.
    """
    log_p = _log_densities(density.codes, density.widths, z)
    hits = (log_p < np.array([density.level, *density.levels]) - ROUNDING).mean(0)
    return Score(float(hits[0]), binomial(hits[0] * len(z), len(z)), jackknife(hits[1:]))


def _log_densities(
    codes: Floats, widths: Floats, z: Floats, own: NDArray[np.intp] | None = None, *, groups: bool = True
) -> Floats:
    """Returns log densities `(M, 1 + GROUPS)` at points: of all kernels, and without each group of them.

    Arguments:
        codes: The kernels' centres, `(N, D)`.
        widths: Their standard deviations, `(D,)`.
        z: The points, `(M, D)`.
        own: The kernel of each point that does not count there.
        groups: Whether those without a group are asked for.
    """
    kept = np.ones((len(codes), 1), np.float32)
    if groups:
        kept = np.concatenate([kept, 1 - parts(len(codes))], 1)
    counts = kept.sum(0) - np.float32(own is not None)
    sums = Kernels(codes / widths, kept).log_sums(z / widths, 1.0, own)
    log_p: Floats = sums - np.log(counts) - _log_norm(widths)
    return log_p


def _log_norm(widths: Floats) -> np.float32:
    return np.float32(len(widths) / 2 * math.log(2 * math.pi) + float(np.log(widths).sum()))
