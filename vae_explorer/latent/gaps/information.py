"""The rate, split: what z tells of its image, and how badly the prior describes all posteriors together."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vae_explorer.latent.gaps.measures import Score
from vae_explorer.latent.model import Encoding

Doubles = NDArray[np.float64]
FAINT = -80.0  # nats below the largest term of a sum: what float32 can still add without denormal numbers
BLOCK = 1_000_000  # entries of the table of densities that are held at once: they fit the cache


class Information(NamedTuple):
    """The two parts of the mean rate, in nats."""

    mutual_information: Score
    kl_to_prior: Score


def split_rate(encoding: Encoding, draws: int, seed: int) -> Information | None:
    r"""Returns the parts of the mean rate of N images; None for a deterministic autoencoder.

    .. math::
        \frac1N \sum_i KL(q(z|x_i) \| p(z)) = I_q(i; z) + KL(q(z) \| p(z)), \quad
        q(z) = \frac1N \sum_i q(z|x_i)

    The KL is the mean of :math:`\log q(z) - \log p(z)` over as many :math:`z \sim q(z|x_i)` of
    every image, or over one of as many images from all over them as there are draws, with all N
    posteriors in the mixture; the information is the rate of the same images, known in closed form,
    less the KL. The same draws estimate the rate too, and how far they miss it corrects both
    (a control variate): no error is left where all posteriors are alike, and the information 0,
    or far apart. It is :math:`\log N` there, and never larger: the information of N images is at most
    that of all images there could be, and the KL at least theirs. Where it comes close, the images
    are too few to tell (`measures.is_bound`).

    The errors are those of means over the images, each with its own draws.

    Arguments:
        encoding: The posteriors of the images; the prior is standard normal.
        draws: Of z, of all images together: rounded up to as many of each where there are more draws than images.
        seed: Of the draws of z.

    References:
        | ELBO surgery (Hoffman & Johnson, 2016)
        | http://approximateinference.org/accepted/HoffmanJohnson2016.pdf
        | On Variational Bounds of Mutual Information (Poole et al., 2019)
        | https://arxiv.org/abs/1905.06922
    """
    if not encoding.std.all():
        return None
    all_means, all_stds = (each.astype(np.float64) for each in encoding)
    rows = np.linspace(0, len(all_means) - 1, min(draws, len(all_means))).round().astype(int)
    mean, std = all_means[rows], all_stds[rows]
    noise = np.random.default_rng(seed).standard_normal((math.ceil(draws / len(mean)), *mean.shape))
    z = mean + std * noise
    log_prior = -0.5 * (z**2).sum(2)  # here and below short of the constant that all Gaussians share
    log_own = -(0.5 * noise**2 + np.log(std)).sum(2)
    rate = (0.5 * (mean**2 + std**2 - 1) - np.log(std)).sum(1)
    log_mixture = _log_mixture(z.reshape(-1, z.shape[2]), all_means, all_stds).reshape(z.shape[:2])
    miss = log_own - log_prior - rate
    gain = _corrected(rate - log_mixture + log_prior, miss).mean(0)
    return Information(_mean(gain), _mean(rate - gain))


def _corrected(values: Doubles, miss: Doubles) -> Doubles:
    """Returns values of the same mean and less spread, given how far the same draws miss what is known."""
    centred = miss - miss.mean()
    variance = (centred**2).sum()
    corrected: Doubles = values - miss * ((centred * values).sum() / variance if variance else 0.0)
    return corrected


def _log_mixture(z: Doubles, mean: Doubles, std: Doubles) -> Doubles:
    """Returns log q(z), `(M,)`.

    Every log q(z_i|x_j) is a sum of powers of z_i times numbers of x_j: one matrix product, in
    float64, because near the means the powers almost cancel.
    """
    precision = std**-2
    offset = -(0.5 * mean**2 * precision + np.log(std)).sum(1)
    table = torch.from_numpy(np.concatenate([-0.5 * precision, mean * precision, offset[:, None]], 1).T)
    powers = torch.from_numpy(np.concatenate([z**2, z, np.ones((len(z), 1))], 1))
    sums = []
    for rows in powers.split(max(1, BLOCK // len(mean))):
        exponents = rows @ table
        largest = exponents.amax(1, keepdim=True)
        sums.append(exponents.sub_(largest).float().clamp_(min=FAINT).exp_().sum(1).log() + largest[:, 0])
    log_q: Doubles = torch.cat(sums).numpy()
    return log_q - math.log(len(mean))


def _mean(values: Doubles) -> Score:
    return Score(float(values.mean()), 0.0, float(values.std(ddof=1) / math.sqrt(len(values))))
