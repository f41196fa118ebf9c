"""What a model is judged by: pure functions, per image, in nats."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.distributions import Distribution, kl_divergence


class ThreeDistributions(Protocol):
    """All that an objective needs to know of a model."""

    def prior(self) -> Distribution: ...
    def posterior(self, x: Tensor, beta: Tensor) -> Distribution: ...
    def likelihood(self, z: Tensor, beta: Tensor) -> Distribution: ...


class Terms(NamedTuple):
    """Both terms of the negative ELBO, in nats per image."""

    distortion: Tensor  # (N,)  -E_q[log p(x|z)], one sample of z
    rate: Tensor  # (N,)  KL(q(z|x) || p(z)), closed form; infinite for a deterministic encoder


def terms(
    model: ThreeDistributions,
    x: Tensor,
    beta: Tensor,
    target: Tensor | None = None,
    epsilon: Tensor | None = None,
) -> Terms:
    r"""Returns distortion and rate of each image.

    .. math:: -\log p(x) \le
        \underbrace{-E_{q(z|x)} \log p(x|z)}_{\text{distortion}}
        + \underbrace{KL(q(z|x) \| p(z))}_{\text{rate}}

    Arguments:
        model: The three distributions.
        x: What the encoder sees, `(N, H, W)` in [0, 1].
        beta: KL weights, `(N,)`; only a multi-rate model looks at them.
        target: What the decoder has to match; `x` itself unless given.
        epsilon: Standard normal numbers, `(N, D)`, that z is the posterior's mean and standard
            deviation times; drawn afresh unless given.

    References:
        | Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
        | https://arxiv.org/abs/1312.6114
    """
    q = model.posterior(x, beta)
    z = q.rsample() if epsilon is None else q.mean + q.stddev * epsilon
    likelihood = model.likelihood(z, beta)
    return Terms(-likelihood.log_prob(x if target is None else target), kl_divergence(q, model.prior()))


def objective(terms: Terms, beta: Tensor) -> Tensor:
    r"""Returns :math:`\text{distortion} + \beta \, \text{rate}`, `(N,)`; at beta 1 the negative ELBO.

    An infinite rate (a deterministic encoder) is one that nobody pays for: it counts as zero.

    References:
        | beta-VAE (Higgins et al., 2017)
        | https://openreview.net/forum?id=Sy2fzU9gl
    """
    return terms.distortion + beta * torch.where(terms.rate.isinf(), 0.0, terms.rate)


def pixel_mean_objective(terms: Terms, beta: Tensor, pixels: int) -> Tensor:
    r"""Returns the famous mistake, `(N,)`: the distortion is averaged over `P` pixels, the rate is not.

    .. math:: \frac{\text{distortion}}{P} + \beta \, \text{rate}
        = \frac1P \left( \text{distortion} + \beta P \, \text{rate} \right)

    So it is the objective at the KL weight :math:`\beta P`, up to a scale to which Adam is blind: at
    28 x 28 pixels a beta of 1 acts as 784, which nearly always collapses the posterior.
    """
    return objective(Terms(terms.distortion / pixels, terms.rate), beta)


def iwae(model: ThreeDistributions, x: Tensor, beta: Tensor, k: int) -> Tensor:
    r"""Returns the importance-weighted lower bound on log p(x), `(N,)` nats.

    .. math:: \log \frac1k \sum_{i=1}^k \frac{p(x|z_i) \, p(z_i)}{q(z_i|x)}, \quad z_i \sim q(z|x)

    With `k = 1` its mean is the ELBO; it rises with `k` towards log p(x).

    References:
        | Importance Weighted Autoencoders (Burda et al., 2016)
        | https://arxiv.org/abs/1509.00519
    """
    q = model.posterior(x, beta)
    z = q.rsample(torch.Size([k]))
    flat = model.likelihood(z.flatten(0, 1), beta.repeat(k))
    log_likelihood = flat.log_prob(x.repeat(k, *[1] * (x.ndim - 1))).unflatten(0, (k, len(x)))
    log_weights = log_likelihood + model.prior().log_prob(z) - q.log_prob(z)
    bound: Tensor = log_weights.logsumexp(0) - math.log(k)
    return bound
