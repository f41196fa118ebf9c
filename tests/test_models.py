"""The autoencoders as three distributions."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from vae_explorer.config import Likelihood, ModelConfig
from vae_explorer.models.autoencoder import Autoencoder, FullPrecisionLinear, build
from vae_explorer.models.distributions import Dirac, ExactContinuousBernoulli

BETA = torch.ones(3)


def config(**changes: Any) -> ModelConfig:
    values: dict[str, Any] = {"kind": "vae", "data": "digits", "shape": (8, 8), "encoder": (16, 8), "decoder": (8, 16)}
    return ModelConfig(**(values | changes))


def perturbed(model: Autoencoder) -> Autoencoder:
    """Moves every weight, so that nothing is still the identity it started as."""
    torch.manual_seed(3)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3 * torch.randn_like(p))
    return model


@pytest.mark.parametrize("shape", [(28, 28), (8, 8), (9, 11)])
@pytest.mark.parametrize("latent", [1, 2, 8])
@pytest.mark.parametrize("backbone", ["dense", "convolutional"])
@pytest.mark.parametrize("kind", ["autoencoder", "vae", "multi-rate"])
def test_shapes(kind: str, backbone: str, latent: int, shape: tuple[int, int]) -> None:
    model = build(config(kind=kind, backbone=backbone, latent=latent, shape=shape), 0)
    q = model.posterior(torch.rand(3, *shape), BETA)
    assert q.mean.shape == (3, latent)
    image = model.likelihood(q.rsample(), BETA)
    assert image.mean.shape == (3, *shape)
    assert image.log_prob(torch.rand(3, *shape)).shape == (3,)
    assert model.prior().log_prob(torch.zeros(5, latent)).shape == (5,)


def test_an_autoencoder_believes_in_points_and_a_vae_in_widths() -> None:
    x = torch.rand(3, 8, 8)
    point = build(config(kind="autoencoder"), 0).posterior(x, BETA)
    assert isinstance(point, Dirac)
    assert torch.equal(point.rsample(), point.mean)
    assert point.stddev.eq(0).all()
    assert build(config(), 0).posterior(x, BETA).stddev.gt(0).all()


@pytest.mark.parametrize("likelihood", get_args(Likelihood))
def test_densities_equal_independent_formulas(likelihood: Likelihood) -> None:
    model = perturbed(build(config(likelihood=likelihood, scale=0.2), 0)).double()
    p = model.likelihood(torch.randn(3, 2).double(), BETA.double())
    x = torch.rand(3, 8, 8).double()
    base: Any = p.base_dist
    expected: Any
    if likelihood.startswith("gaussian"):
        expected = stats.norm(base.loc.detach(), base.scale.detach()).logpdf(x)
        assert base.scale.unique().item() == pytest.approx(model.log_scale.exp().item())
    else:
        m = torch.sigmoid(base.logits).detach().numpy()
        normaliser = np.log(2 * np.arctanh(1 - 2 * m) / (1 - 2 * m)) if likelihood == "continuous-bernoulli" else 0
        expected = x.numpy() * np.log(m) + (1 - x.numpy()) * np.log1p(-m) + normaliser
    assert np.allclose(p.log_prob(x).detach(), expected.sum((1, 2)), rtol=1e-5)
    assert p.mean.ge(0).all()
    assert p.mean.le(1).all()


@pytest.mark.parametrize("likelihood", ["continuous-bernoulli", "gaussian"])
def test_densities_integrate_to_one_over_a_pixel(likelihood: Likelihood) -> None:
    model = perturbed(build(config(likelihood=likelihood), 0)).double()
    pixel: Any = model.likelihood(torch.zeros(1, 2).double(), BETA[:1].double()).base_dist

    def density(value: float) -> float:
        return float(pixel.log_prob(torch.full((1, 8, 8), value).double())[0, 0, 0].detach().exp())

    bounds = (0, 1) if likelihood == "continuous-bernoulli" else (-2, 3)
    assert integrate.quad(density, *bounds, points=[0.5])[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_continuous_bernoulli_is_exact_at_every_logit(dtype: torch.dtype) -> None:
    """At 0 and beside it, and beyond 16, where torch's own density integrates to less than one."""
    eta = torch.tensor([-300.0, -40.0, -16.5, -3.0, -0.26, -0.24, -0.011, -1e-4, 0.0, 1e-3, 0.5, 17.0, 90.0])
    p: Any = ExactContinuousBernoulli(logits=eta.to(dtype), validate_args=False)
    assert p.mean.dtype == dtype

    def moment(rate: float, power: int) -> float:
        """Integrates x^power e^(rate (x - 1)), or its mirror image, so that nothing overflows."""
        peak = max(rate, 0.0)
        return float(integrate.quad(lambda v: v**power * np.exp(rate * v - peak), 0, 1, epsabs=1e-13, limit=500)[0])

    for i, rate in enumerate(eta.tolist()):
        mass = moment(rate, 0)
        x = torch.tensor(0.3, dtype=dtype)
        expected = 0.3 * rate - max(rate, 0.0) - np.log(mass)
        assert p.log_prob(x)[i].item() == pytest.approx(expected, rel=1e-5, abs=2e-6)
        assert p.mean[i].item() == pytest.approx(moment(rate, 1) / mass, rel=1e-5)


def test_the_continuous_bernoulli_has_finite_gradients_at_zero() -> None:
    eta = torch.zeros(3, requires_grad=True)
    p: Any = ExactContinuousBernoulli(logits=eta, validate_args=False)
    (gradient,) = torch.autograd.grad(p.log_prob(torch.tensor([0.0, 0.5, 1.0])).sum() + p.mean.sum(), eta)
    # d log p / d eta = x - E[x], d E[x] / d eta = 1/12.
    assert torch.allclose(gradient, torch.tensor([-0.5, 0.0, 0.5]) + 1 / 12)


def test_only_a_multi_rate_model_looks_at_beta_and_at_first_not_even_that() -> None:
    x, low, high = torch.rand(3, 8, 8), torch.full((3,), 0.01), torch.full((3,), 5.0)
    for kind, changed in (("vae", False), ("multi-rate", True)):
        model = build(config(kind=kind), 0)
        assert torch.equal(model.posterior(x, low).mean, model.posterior(x, high).mean)
        model = perturbed(model)
        assert torch.equal(model.posterior(x, low).mean, model.posterior(x, high).mean) is not changed


def test_beta_outside_the_range_counts_as_its_end() -> None:
    model = perturbed(build(config(kind="multi-rate", beta_min=0.1, beta_max=2.0), 0))
    z = torch.randn(3, 2)
    for outside, end in ((1e-9, 0.1), (1e9, 2.0)):
        images = [model.likelihood(z, torch.full((3,), beta)).mean for beta in (outside, end)]
        assert torch.equal(*images)


def test_only_a_learned_scale_is_learned() -> None:
    assert build(config(likelihood="gaussian-learned"), 0).log_scale.requires_grad
    assert not build(config(likelihood="gaussian"), 0).log_scale.requires_grad


def test_first_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    a = build(config(), 7).state_dict()
    assert torch.equal(torch.rand(1), expected), "the global generator was touched"
    b, c = build(config(), 7).state_dict(), build(config(), 8).state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not all(torch.equal(a[name], c[name]) for name in a)


def test_the_layers_around_z_stay_in_float32() -> None:
    layer, x = FullPrecisionLinear(4, 4), torch.randn(2, 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype == torch.float32
        assert torch.nn.Linear(4, 4)(x).dtype == torch.bfloat16
