"""Holes: where the latent space is sampled from, and no code lies near."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from vae_explorer.latent.encoding import Floats
from vae_explorer.latent.gaps.measures import Score, binomial, jackknife, parts

HELD = 0.99  # of the codes lie where the density is above the level
JUDGED = 500  # codes whose likelihood chooses the bandwidth
BANDWIDTHS = (-7.0, 1.0)  # bounds of its logarithm, in units of the codes' standard deviation
SMALLEST = 1e-6  # standard deviation of an axis, latent units: less is one spot
BLOCK = 100  # points whose kernels are held at once: they fit the cache


class Density(NamedTuple):
    """A kernel density of codes."""

    codes: Floats  # (N, D)
    widths: Floats  # (D,)  standard deviations of the kernels, latent units
    level: float  # nats: log density that `HELD` of the codes are above, each judged by the others
    levels: Floats  # (GROUPS,)  the same without a tenth of the codes each


def fit_density(codes: Floats) -> Density:
    r"""Returns a kernel density of codes `(N, D)`, and the level that holds most of them.

    .. math:: p(z) = \frac1N \sum_i N(z; c_i, h^2 \operatorname{diag}(s^2))

    :math:`s` are the codes' standard deviations. The bandwidth :math:`h` has the largest
    likelihood of some of the codes, each left out of its own density.

    References:
        | Density Estimation for Statistics and Data Analysis (Silverman, 1986), sections 3.4.4 and 5.3
    """
    scale = np.maximum(codes.std(0), SMALLEST).astype(np.float32)
    every = -(-len(codes) // JUDGED)
    judged = np.arange(0, len(codes), every)

    def loss(log_bandwidth: float) -> float:
        widths = scale * np.float32(math.exp(log_bandwidth))
        return -float(_log_sums(codes, widths, codes[judged], judged)[0].mean()) + codes.shape[1] * log_bandwidth

    best = minimize_scalar(loss, bounds=BANDWIDTHS, method="bounded", options={"xatol": 0.02})
    widths = scale * np.float32(math.exp(best.x))
    own = _log_sums(codes, widths, codes, np.arange(len(codes)))
    group = parts(len(codes)).astype(bool).T
    levels = [_level(each[~left_out]) for each, left_out in zip(own[1:], group, strict=True)]
    return Density(codes, widths, _level(own[0]), np.array(levels, np.float32))
