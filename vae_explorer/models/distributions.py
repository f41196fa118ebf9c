"""The distributions that an autoencoder is made of, where PyTorch's own are wrong, missing or slow."""

from __future__ import annotations

import math
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.distributions import (
    Bernoulli,
    ContinuousBernoulli,
    Distribution,
    Independent,
    Normal,
    constraints,
    register_kl,
)

# Standard deviations are kept within e^-10 and e^5 latent units, so that no exponential overflows.
LOG_STD = (-10.0, 5.0)


class Dirac(Distribution):
    """All mass at one point: what a deterministic encoder believes of z."""

    arg_constraints: ClassVar = {"loc": constraints.real_vector}
    has_rsample = True

    def __init__(self, loc: Tensor) -> None:
        self.loc = loc
        super().__init__(loc.shape[:-1], loc.shape[-1:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return torch.zeros_like(self.loc)

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        return self.loc.expand(*sample_shape, *self.loc.shape)


@register_kl(Dirac, Independent)  # type: ignore[untyped-decorator]
def _kl_dirac(q: Dirac, _p: Independent[Distribution]) -> Tensor:
    """A point has no density: its code would need infinitely many nats."""
    return q.loc.new_full(q.batch_shape, math.inf)


class StandardNormal(Independent[Distribution]):
    """N(0, I) of `latent` axes, in the type and on the device of `like`."""

    def __init__(self, latent: int, like: Tensor) -> None:
        zeros = like.new_zeros(latent)
        super().__init__(Normal(zeros, torch.ones_like(zeros), validate_args=False), 1, validate_args=False)


class DiagonalGaussian(Independent[Distribution]):
    """A Gaussian without correlations, from means and logarithms of standard deviations, both `(N, D)`."""

    def __init__(self, mean: Tensor, log_std: Tensor) -> None:
        self.log_std = log_std.clamp(*LOG_STD)
        self.scale = self.log_std.exp()
        super().__init__(Normal(mean, self.scale, validate_args=False), 1, validate_args=False)

    @property
    def stddev(self) -> Tensor:
        return self.scale  # else the root of its square

    def rsample(self, sample_shape: torch.Size | list[int] | tuple[int, ...] = ()) -> Tensor:
        epsilon = torch.randn((*sample_shape, *self.mean.shape), dtype=self.mean.dtype, device=self.mean.device)
        return torch.addcmul(self.mean, self.stddev, epsilon)


@register_kl(DiagonalGaussian, StandardNormal)  # type: ignore[untyped-decorator]
def _kl_to_standard_normal(q: DiagonalGaussian, _p: StandardNormal) -> Tensor:
    r"""Returns :math:`\sum_d \frac12 (\mu_d^2 + \sigma_d^2 - 1) - \log \sigma_d`, `(N,)` nats."""
    half = (q.mean.square() + q.stddev.square() - 1) / 2
    return (half - q.log_std).sum(-1)


class GreyBernoulli(Independent[Distribution]):
    """One Bernoulli a pixel, whose targets may be grey: `log_prob` of images `(N, H, W)` or `(N, H, W, 3)`.

    PyTorch's passes a dozen times over all pixels, forward and back; a training step is half as long again.
    """

    def __init__(self, eta: Tensor, pixel_axes: int) -> None:
        self.logits = eta
        # Validation would reject grey levels.
        super().__init__(Bernoulli(logits=eta, validate_args=False), pixel_axes, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        eta, x = torch.broadcast_tensors(self.logits, value)
        axes = self.reinterpreted_batch_ndims
        each: Tensor = _GreyLogProb.apply(eta.flatten(-axes), x.flatten(-axes))  # type: ignore[no-untyped-call]
        return each


class _GreyLogProb(torch.autograd.Function):
    r"""Sums over pixels, the last axis, of the log-likelihood.

    .. math:: \log p(x | \eta) = \sum_i x_i \eta_i - \log(1 + e^{\eta_i}), \quad
        \frac{\partial \log p}{\partial \eta} = x - \frac{1}{1 + e^{-\eta}}
    """

    @staticmethod
    def forward(ctx: Any, eta: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(eta, x)
        matched: Tensor = torch.linalg.vecdot(x, eta)
        return matched - nn.functional.softplus(eta, threshold=40).sum(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        eta, x = ctx.saved_tensors
        residual = torch.sigmoid(eta).sub_(x)
        return residual.mul_(-gradient[..., None]), None


class ExactContinuousBernoulli(ContinuousBernoulli):
    r"""The continuous Bernoulli at every logit.

    Torch clamps the probability, so beyond logits of 16 its density no longer integrates to one.

    .. math:: \log C(\eta) = \log \frac{\eta}{\tanh(\eta / 2)}, \quad
        E[x] = \frac{1}{1 - e^{-\eta}} - \frac{1}{\eta}

    References:
        | The continuous Bernoulli (Loaiza-Ganem & Cunningham, 2019)
        | https://arxiv.org/abs/1907.06845
    """

    def _cont_bern_log_norm(self) -> Tensor:
        size = self.logits.abs()
        away = size.clamp(min=0.01)
        return torch.where(size < 0.01, math.log(2) + size**2 / 12, (away / (away / 2).tanh()).log())

    @property
    def mean(self) -> Tensor:
        near = self.logits.abs() < 0.25
        away = self.logits.where(~near, 1.0)
        taylor = 0.5 + self.logits / 12 - self.logits**3 / 720
        return torch.where(near, taylor, -1 / torch.expm1(-away) - 1 / away)


class LinearForm(NamedTuple):
    r"""A likelihood over pixels as :math:`\log p(x|z) = x \cdot w(z) + c(z) + h(x)`, in nats."""

    weights: Tensor  # (M, P)
    offset: Tensor  # (M,)  float64: a sum of numbers that nearly cancel against the rest


def linear_form(likelihood: Independent[Distribution]) -> LinearForm:
    r"""Returns the linear form of M densities.

    .. math:: w = \eta \text{ (Bernoulli, continuous or not)}, \; w = \mu / \sigma^2 \text{ (Gaussian)}; \quad
        c = -\sum A(w)
    """
    each: Any = likelihood.base_dist
    weights = each.loc / each.scale**2 if isinstance(each, Normal) else each.logits
    constants = log_normaliser(each, weights).flatten(1).sum(1, dtype=torch.float64)
    return LinearForm(weights.flatten(1), -constants)


def log_normaliser(each: Any, weights: Tensor) -> Tensor:
    r"""Returns A(w) of one pixel's exponential family, element by element: log p = x w - A(w) + h(x), in nats.

    .. math:: A = \log(1 + e^w), \quad A = \log(1 + e^w) - \log C(w), \quad A = w^2 \sigma^2 / 2

    Arguments:
        each: The family: a Bernoulli, a continuous Bernoulli, or a Gaussian of one sigma for all pixels.
        weights: Natural parameters, of any pixels.
    """
    if isinstance(each, Normal):
        return 0.5 * (weights * each.scale.flatten()[0]).square()
    normaliser = nn.functional.softplus(weights, threshold=40)
    if isinstance(each, ContinuousBernoulli):
        normaliser = normaliser - ExactContinuousBernoulli(logits=weights, validate_args=False)._cont_bern_log_norm()
    return normaliser
