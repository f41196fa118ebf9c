"""Our distributions against SciPy, PyTorch's own and autograd, in float64 where not said otherwise."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from scipy import special
from torch import Tensor
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from vae_explorer.models.distributions import LOG_STD, DiagonalGaussian, GreyBernoulli, StandardNormal


def draws(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(28, 28), (8, 8), (5, 3), (4, 4, 3), (7, 9, 3), (64, 64, 3)])
@pytest.mark.parametrize("spread", [0.1, 3.0, 40.0])
def test_grey_log_likelihood_and_its_gradient_are_those_of_the_definition(
    shape: tuple[int, ...], spread: float
) -> None:
    """x log s + (1 - x) log(1 - s), by SciPy; its derivative x - s."""
    eta = (spread * draws(6, *shape)).requires_grad_()
    x = draws(6, *shape, seed=1).sigmoid()
    found = GreyBernoulli(eta, len(shape)).log_prob(x)
    m = eta.detach().numpy()
    each = x.numpy() * special.log_expit(m) + (1 - x.numpy()) * special.log_expit(-m)
    assert found.detach().numpy() == pytest.approx(each.reshape(6, -1).sum(1), rel=1e-12)
    weights = draws(6, seed=2)
    (gradient,) = torch.autograd.grad((weights * found).sum(), eta)
    expected = weights.reshape(6, *[1] * len(shape)) * (x - torch.from_numpy(special.expit(m)))
    torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=1e-12)


def test_grey_log_likelihood_keeps_its_digits_in_float32() -> None:
    eta, x = 5 * draws(200, 28, 28), draws(200, 28, 28, seed=1).sigmoid()
    exact = Independent(Bernoulli(logits=eta, validate_args=False), 2)
    each: Any = GreyBernoulli(eta.float(), 2).log_prob(x.float())
    torch.testing.assert_close(each.double(), exact.log_prob(x), rtol=3e-6, atol=0)


def test_black_and_white_at_certain_pixels_cost_nothing_or_all() -> None:
    eta = torch.tensor([[100.0, -100.0], [100.0, -100.0]])
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert GreyBernoulli(eta, 1).log_prob(x).tolist() == [0.0, -200.0]


def test_one_image_is_held_against_many() -> None:
    eta, x = draws(5, 4, 4), draws(4, 4, seed=1).sigmoid()
    many = GreyBernoulli(eta, 2)
    torch.testing.assert_close(many.log_prob(x), many.log_prob(x.expand(5, 4, 4)))


def test_a_rate_that_is_not_finite_is_not_hidden() -> None:
    eta = torch.full((1, 4, 4), math.nan)
    assert GreyBernoulli(eta, 2).log_prob(torch.zeros(1, 4, 4)).isnan().all()


def test_the_rate_is_pytorchs_kl_divergence_with_its_gradient() -> None:
    mean, log_std = draws(7, 3).requires_grad_(), draws(7, 3, seed=1).requires_grad_()
    ours = kl_divergence(DiagonalGaussian(mean, log_std), StandardNormal(3, mean))
    theirs = kl_divergence(Normal(mean, log_std.exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(ours, theirs)
    found, expected = (torch.autograd.grad(rate.sum(), (mean, log_std)) for rate in (ours, theirs))
    torch.testing.assert_close(found, expected)


def test_standard_deviations_stay_within_bounds() -> None:
    q = DiagonalGaussian(torch.zeros(2, 1), torch.tensor([[-50.0], [50.0]]))
    assert q.stddev.log().flatten().tolist() == pytest.approx(LOG_STD)


def test_draws_have_the_mean_and_spread_that_they_say() -> None:
    torch.manual_seed(0)
    q = DiagonalGaussian(torch.tensor([[2.0, -1.0]]), torch.tensor([[0.5, -2.0]]))
    z = q.rsample(torch.Size([100_000]))
    assert z.shape == (100_000, 1, 2)
    assert z.mean(0)[0].tolist() == pytest.approx([2.0, -1.0], abs=5 * math.exp(0.5) / 316)
    assert z.std(0)[0].log().tolist() == pytest.approx([0.5, -2.0], abs=0.02)
