"""The decoder's sigma and the KL weight against probabilistic PCA, whose optimum is known, and PyTorch's densities."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import optimize, stats
from torch.distributions import Normal, kl_divergence

from tests.test_models import config, perturbed
from vae_explorer.data import load
from vae_explorer.latent.encoding import encode
from vae_explorer.latent.model import Encoding, Floats, Model
from vae_explorer.measured.curves import measure_curve
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import build
from vae_explorer.models.objectives import terms
from vae_explorer.theory import sigma

SCALE = 0.2
DISCARDED = np.linspace(0.002, 0.06, 62)  # eigenvalues of a covariance of 64 pixels that two axes do not reach
RETAINED = np.array([3.0, 1.2])
PIXELS = np.random.default_rng(4).integers(0, 256, (40, 4, 4), np.uint8)


class Linear(Model):
    """f(z) = A z + 1/2 with orthogonal columns, so that the exact posterior at each sigma is diagonal."""

    axes, shape, has_prior = 2, (4, 4), True

    def __init__(self, scale: float) -> None:
        basis, _ = np.linalg.qr(np.random.default_rng(5).standard_normal((16, 2)))
        self.a, self.scale = basis * (0.7, 0.4), scale

    def encode(self, images: Floats, beta: float) -> Encoding:
        variance = 1 / (1 + np.square(self.a).sum(0) / (beta * self.scale**2))
        mean = (images.reshape(len(images), -1) - 0.5) @ self.a * variance / (beta * self.scale**2)
        return Encoding(mean.astype(np.float32), np.sqrt(np.tile(variance, (len(images), 1))).astype(np.float32))

    def decode(self, z: Floats, beta: float) -> Floats:
        return (z @ self.a.T + 0.5).reshape(-1, 4, 4).astype(np.float32)


def pca(beta: NDArray[np.float64], scale: float = SCALE) -> sigma.RateDistortion:
    """The curve of probabilistic PCA, each sigma with its own best networks (Tipping & Bishop, 1999).

    An axis of eigenvalue l has W^2 = l - s^2 and a posterior of variance s^2 / l: it leaves an error of s^2 in all.
    """
    square = beta * scale**2
    rate = 0.5 * np.log(RETAINED / square[:, None]).sum(1)
    return sigma.RateDistortion(beta, 2 * square + DISCARDED.sum(), 0 * beta, rate, scale, 64, 1, 1)


def test_the_optimum_is_the_maximum_likelihood_of_probabilistic_pca() -> None:
    """Its noise is the mean of the eigenvalues left out, and its ELBO is log p(x), exactly."""
    exact = DISCARDED.mean()
    found = sigma.optimum(pca(np.geomspace(0.01, 10, 400)))
    assert found.sigma**2 == pytest.approx(exact, rel=1e-5)
    assert found.beta == pytest.approx(exact / SCALE**2, rel=1e-5)
    assert found.inside
    eigenvalues = np.concatenate([RETAINED, np.full(62, exact)])
    second = np.concatenate([RETAINED, DISCARDED])  # of the data, E of the square along each direction
    log_p = -0.5 * (np.log(2 * np.pi * eigenvalues) + second / eigenvalues).sum()
    assert found.negative_elbo == pytest.approx(-log_p, abs=1e-4)


def test_few_points_come_near_it_and_no_other_sigma_is_better() -> None:
    """Along the curve of 17 points that a checkpoint is measured at, by a minimiser that knows no fixed point."""
    curve = pca(np.geomspace(0.01, 10, 17))
    found = sigma.optimum(curve)

    def along(log_sigma: float) -> float:
        return float(pca(np.array([math.exp(2 * log_sigma) / SCALE**2])).rate[0]) + float(
            -stats.norm(0, math.exp(log_sigma)).logpdf(0) * 64
            + (2 * math.exp(2 * log_sigma) + DISCARDED.sum()) / (2 * math.exp(2 * log_sigma))
        )

    best = optimize.minimize_scalar(along, bounds=(math.log(0.03), math.log(0.6)), method="bounded")
    assert found.sigma == pytest.approx(math.exp(best.x), rel=0.01)
    assert found.negative_elbo == pytest.approx(best.fun, abs=0.05)


@pytest.mark.parametrize(("betas", "end"), [((0.01, 0.1), 0.1), ((2.0, 10.0), 2.0)])
def test_an_optimum_outside_the_curve_is_said_to_be_there(betas: tuple[float, float], end: float) -> None:
    found = sigma.optimum(pca(np.geomspace(*betas, 5)))
    assert not found.inside
    assert found.beta == pytest.approx(end)
    assert found.sigma == pytest.approx(SCALE * math.sqrt(end))


def test_the_sigma_of_fixed_networks_is_the_root_mean_squared_error() -> None:
    def at(log_sigma: float) -> float:
        return float(sigma.negative_elbo(7.3, 4.0, math.exp(log_sigma), 64))

    best = optimize.minimize_scalar(at, bounds=(-4, 1), method="bounded", options={"xatol": 1e-9})
    assert sigma.best_sigma(7.3, 64) == pytest.approx(math.exp(best.x), rel=1e-6)
    assert sigma.best_sigma(7.3, 64) == pytest.approx(math.sqrt(7.3 / 64))


@pytest.mark.parametrize("std", [1e-6, 0.05, 0.2, 30.0])
def test_the_negative_elbo_has_its_normalising_constant(std: float) -> None:
    """Against SciPy's density, summed over pixels."""
    residual = np.random.default_rng(0).standard_normal(64) * 0.1
    exact = -stats.norm(0, std).logpdf(residual).sum() + 3.5
    assert float(sigma.negative_elbo(float(residual @ residual), 3.5, std, 64)) == pytest.approx(exact, rel=1e-12)


def test_the_knob_turns_both_ways_and_both_objectives_have_one_minimum() -> None:
    """The gradient of (distortion at sigma_0) + beta rate is beta times that of the negative ELBO at sigma."""
    network = perturbed(build(config(kind="vae", likelihood="gaussian", scale=SCALE), 0)).double()
    x = torch.rand(6, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    epsilon = torch.zeros(6, 2, dtype=torch.float64)
    beta = 2.5

    def gradient(scale: float, weight: float) -> torch.Tensor:
        network.zero_grad()
        network.log_scale.data.fill_(math.log(scale))
        each = terms(network, x, torch.ones(6).double(), None, epsilon)
        (each.distortion + weight * each.rate).sum().backward()
        return torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])

    weighted, free = gradient(SCALE, beta), gradient(sigma.sigma_of(beta, SCALE), 1.0)
    assert torch.allclose(weighted, beta * free, rtol=1e-9)
    assert sigma.beta_of(sigma.sigma_of(beta, SCALE), SCALE) == pytest.approx(beta, rel=1e-12)


def test_a_curve_is_measured_within_the_error_that_it_states() -> None:
    """A linear model's expected error and rate are closed forms."""
    model, betas = Linear(SCALE), (0.1, 1.0, 5.0)
    many = list(sigma.measure(model, PIXELS, betas, SCALE, samples=64, seed=3))
    assert [len(each.beta) for each in many] == [1, 2, 3]
    last = many[-1]
    assert (last.pixels, last.images, last.samples) == (16, 40, 64)
    assert np.allclose(last.sigma**2, np.array(betas) * SCALE**2)
    x = PIXELS.reshape(40, -1) / 255 - 0.5
    for k, beta in enumerate(betas):
        q = model.encode(PIXELS.astype(np.float32) / np.float32(255), beta)
        left = np.square(x - q.mean @ model.a.T).sum(1) + np.square(q.std * (0.7, 0.4)).sum(1)
        assert last.squared_error[k] == pytest.approx(left.mean(), abs=4 * last.error[k])
        assert 0 < last.error[k] < 0.02 * left.mean()
        exact = kl_divergence(Normal(torch.from_numpy(q.mean), torch.from_numpy(q.std)), Normal(0.0, 1.0)).sum(1).mean()
        assert last.rate[k] == pytest.approx(float(exact), rel=1e-5)


def test_the_stated_error_is_the_spread_over_seeds() -> None:
    model = Linear(SCALE)
    found = [next(iter(sigma.measure(model, PIXELS, [1.0], SCALE, samples=4, seed=s))) for s in range(60)]
    spread = np.std([each.squared_error[0] for each in found], ddof=1)
    assert np.mean([each.error[0] for each in found]) == pytest.approx(spread, rel=0.3)


def test_what_was_measured_of_a_checkpoint_gives_the_same_curve() -> None:
    """Through the distortion with its constant, by another program, with other draws."""
    network = perturbed(build(config(kind="multi-rate", likelihood="gaussian"), 0)).eval()
    network.log_scale.data.fill_(math.log(SCALE))
    images = load("digits", "validation")

    class Kept:
        model, arrays, config = network, Arrays(network), network.config

    kept: Any = Kept
    curve = measure_curve(kept, images, part="validation", quick=True)
    found = sigma.of_curve(curve, network.config, sigma.scale_of(Arrays(network)))
    *_, mine = sigma.measure(Arrays(network), images.pixels, curve.beta, SCALE, samples=8, seed=0)
    assert found.scale == pytest.approx(SCALE)
    assert (found.pixels, found.images, found.samples) == (64, 200, 3)
    assert np.allclose(found.squared_error, mine.squared_error, atol=4 * np.hypot(found.error, mine.error).max())
    assert np.allclose(found.mse * 64, found.squared_error)
    assert np.allclose(found.rate, mine.rate, rtol=1e-5)
    full = sigma.negative_elbo(found.squared_error, found.rate, SCALE, 64)
    assert np.allclose(full, np.array(curve.distortion) + np.array(curve.rate), rtol=1e-6)


def test_between_points_the_curve_is_straight_in_logarithms() -> None:
    curve = pca(np.geomspace(0.01, 10, 7))
    squared, rate = curve.at(float(np.sqrt(curve.beta[2] * curve.beta[3])))
    assert squared == pytest.approx(stats.gmean(curve.squared_error[2:4]))
    assert rate == pytest.approx(curve.rate[2:4].mean())


def test_draws_have_the_decoders_mean_and_the_sigma_asked_for() -> None:
    model = Linear(SCALE)
    z = np.random.default_rng(0).standard_normal((2000, 2)).astype(np.float32)
    wide, narrow = (sigma.draw(model, z, 1.0, std, (7, 1)) for std in (0.3, 0.1))
    assert np.allclose(wide.mean, model.decode(z, 1.0))
    eta = (wide.sample - wide.mean) / 0.3
    assert stats.kstest(eta.ravel(), "norm").pvalue > 1e-3
    assert np.allclose((narrow.sample - narrow.mean) / 0.1, eta, atol=1e-5), "only its size changes"
    again = sigma.draw(model, z, 1.0, 0.3, (7, 2))
    assert not np.allclose(again.sample, wide.sample)


def test_an_images_draws_are_its_own() -> None:
    model = Linear(SCALE)
    q = encode(model, PIXELS, 1.0)
    all_of_them = sigma.squared_errors(model, PIXELS, q, 1.0, samples=3, seed=1)
    assert np.array_equal(sigma.normal(1, [4], 3, 2)[0], sigma.normal(1, [0, 4], 3, 2)[1])
    first = sigma.squared_errors(model, PIXELS[:5], Encoding(q.mean[:5], q.std[:5]), 1.0, samples=3, seed=1)
    assert np.allclose(first, all_of_them[:5], rtol=1e-5)


@pytest.mark.parametrize("bad", [0.0, -0.1, math.nan, math.inf])
def test_a_sigma_that_is_none_is_refused_in_words(bad: float) -> None:
    for ask in (
        lambda: sigma.beta_of(bad, SCALE),
        lambda: sigma.negative_elbo(1.0, 1.0, bad, 64),
        lambda: sigma.draw(Linear(SCALE), np.zeros((1, 2), np.float32), 1.0, bad, (0,)),
    ):
        with pytest.raises(ValueError, match=r"sigma must be a number above 0, and this one is .*spike"):
            ask()
    with pytest.raises(ValueError, match="KL weight must be"):
        sigma.sigma_of(bad, SCALE)


def test_models_without_a_sigma_are_refused_in_words() -> None:
    plain = config(kind="autoencoder")
    with pytest.raises(ValueError, match=r"autoencoder has no KL term.*mnist-gaussian-2d"):
        sigma.scale_of(Arrays(build(plain, 0)))
    bernoulli = replace(plain, kind="multi-rate")
    with pytest.raises(ValueError, match="bernoulli: it has no sigma"):
        sigma.demand_gaussian(bernoulli)
    with pytest.raises(ValueError, match="no sigma"):
        sigma.of_curve(Any, bernoulli, 0.2)  # type: ignore[arg-type]


def test_a_learned_sigma_and_more_axes_do() -> None:
    network = build(config(kind="vae", likelihood="gaussian-learned", scale=0.3, latent=5), 0)
    network.log_scale.data.fill_(math.log(0.17))
    model = Arrays(network)
    assert sigma.scale_of(model) == pytest.approx(0.17)
    pixels = load("digits", "validation").pixels[:9]
    *_, curve = sigma.measure(model, pixels, [1.0], 0.17, seed=0)
    assert np.isfinite(curve.squared_error).all()
