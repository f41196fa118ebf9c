"""Rate, distortion, ELBO and IWAE against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from tests.linear_gaussian import LinearGaussian
from vae_explorer.models.distributions import Dirac
from vae_explorer.models.objectives import Terms, iwae, objective, pixel_mean_objective, terms


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(5, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


BETA = torch.ones(5)


def test_with_the_exact_posterior_every_single_sample_gives_log_p(x: torch.Tensor) -> None:
    model = LinearGaussian()
    for seed in range(3):
        torch.manual_seed(seed)
        assert torch.allclose(iwae(model, x, BETA, 1), model.log_p(x), atol=1e-10)


def test_with_the_exact_posterior_the_elbo_is_log_p(x: torch.Tensor) -> None:
    model = LinearGaussian()
    torch.manual_seed(0)
    many = terms(model, x.repeat(40_000, 1), torch.ones(200_000))
    elbo = -(many.distortion + many.rate).unflatten(0, (-1, 5)).mean(0)
    assert torch.allclose(elbo, model.log_p(x), atol=0.05)


def test_iwae_rises_with_k_up_to_log_p(x: torch.Tensor) -> None:
    model = LinearGaussian(width=2.0)
    torch.manual_seed(0)
    repeats = x.repeat(200, 1)
    beta = torch.ones(len(repeats))
    bounds = [iwae(model, repeats, beta, k).mean().item() for k in (1, 4, 16, 256)]
    truth = model.log_p(x).mean().item()
    assert bounds == sorted(bounds)
    assert bounds[0] < truth - 0.5
    assert abs(bounds[-1] - truth) < 0.02


def test_the_rate_is_the_textbook_formula() -> None:
    mean, std = torch.randn(7, 3).double(), torch.rand(7, 3).double() + 0.1
    q, p = Independent(Normal(mean, std), 1), Independent(Normal(torch.zeros(3).double(), torch.ones(3).double()), 1)
    by_hand = 0.5 * (mean**2 + std**2 - 1 - 2 * std.log()).sum(1)
    assert torch.allclose(kl_divergence(q, p), by_hand, atol=1e-12)
    z = q.sample(torch.Size([200_000]))
    assert torch.allclose((q.log_prob(z) - p.log_prob(z)).mean(0), by_hand, atol=0.05)


def test_a_point_has_an_infinite_rate_that_the_objective_leaves_out() -> None:
    p = Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
    rate = kl_divergence(Dirac(torch.zeros(4, 2)), p)
    assert rate.tolist() == [math.inf] * 4
    assert objective(Terms(torch.full((4,), 3.0), rate), torch.ones(4)).tolist() == [3.0] * 4


def test_the_objective_weighs_the_rate_image_by_image() -> None:
    each = Terms(torch.tensor([1.0, 2.0]), torch.tensor([10.0, 20.0]))
    assert objective(each, torch.tensor([0.5, 2.0])).tolist() == [6.0, 42.0]


def test_gradients_are_those_of_the_closed_form(x: torch.Tensor) -> None:
    """d rate / d width of an isotropically widened posterior, with autograd and by hand."""
    model = LinearGaussian()
    width = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    model.width = width  # type: ignore[assignment]
    (gradient,) = torch.autograd.grad(terms(model, x, BETA).rate.mean(), width)
    by_hand = width * model.covariance.trace() - 2 / width
    assert torch.allclose(gradient, by_hand)


def test_the_pixel_mean_has_the_gradient_of_the_sum_at_the_weight_times_the_pixels(x: torch.Tensor) -> None:
    """Both by autograd, and by hand: a decoder z w with unit noise, q = N(m, s^2) with s fixed."""
    pixels, beta, s = x.shape[1], 0.7, 0.3
    m = torch.linspace(-1, 2, 5, dtype=torch.float64)[:, None].requires_grad_()
    w = torch.linspace(0.5, -0.4, pixels, dtype=torch.float64)[None].requires_grad_()
    z = m + s * torch.randn(5, 1, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    distortion = -Normal(z * w, 1.0).log_prob(x).sum(1)
    rate = kl_divergence(Normal(m, s), Normal(0.0, 1.0)).sum(1)
    each, weight = Terms(distortion, rate), torch.full((5,), beta, dtype=torch.float64)
    mean = torch.autograd.grad(pixel_mean_objective(each, weight, pixels).mean(), (m, w), retain_graph=True)
    total = torch.autograd.grad(objective(each, pixels * weight).mean(), (m, w))
    for ours, theirs in zip(mean, total, strict=True):
        assert torch.allclose(ours * pixels, theirs, rtol=1e-12, atol=1e-12)
    at, ray, code = (each.detach().numpy() for each in (m, w, z))
    by_hand = (((code * ray - x.numpy()) * ray).sum(1, keepdims=True) / pixels + beta * at) / 5
    assert np.allclose(mean[0].numpy(), by_hand, rtol=1e-12)
