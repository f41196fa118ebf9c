"""The posterior as cells and in a few numbers, against the linear-Gaussian model's closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from tests.linear_model import Bools, LinearModel
from tests.test_models import config, perturbed
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import build
from vae_explorer.theory.bayes import Visible
from vae_explorer.theory.posterior import moments, posterior_cells
from vae_explorer.theory.quadrature import mass
from vae_explorer.theory.sampling import cell_draws, log_weights, prior_draws

LINEAR = LinearModel()
IMAGE = LINEAR.images(1)[0]
SEEN = [np.ones((2, 3), bool), np.array([[True, False, False], [False, True, False]])]


@pytest.mark.parametrize("seen", SEEN)
def test_moments_and_divergence_are_the_closed_forms(seen: Bools) -> None:
    found = moments(mass(Visible(LINEAR, seen), IMAGE, 1.0))
    exact, prior = LINEAR.posterior(IMAGE, seen), LINEAR.exact.prior()
    assert np.allclose(found.mean, exact.mean, atol=1e-3)
    assert np.allclose(found.covariance, exact.covariance_matrix, rtol=5e-3, atol=1e-5)
    assert found.rate == pytest.approx(float(kl_divergence(exact, prior)), abs=2e-3)
    # P(z|X)^2 / P(z) is a Gaussian again, up to a factor: so is its integral.
    precision = exact.precision_matrix
    narrow = 2 * precision - torch.eye(2).double()
    at = torch.linalg.solve(narrow, 2 * precision @ exact.mean)
    joint = 2 * exact.log_prob(at) - prior.log_prob(at)
    log_scatter = float(joint - MultivariateNormal(at, precision_matrix=narrow).log_prob(at))
    assert found.log_scatter == pytest.approx(log_scatter, abs=5e-3)


def test_what_a_draw_from_the_prior_scatters_is_what_is_said() -> None:
    model = Arrays(perturbed(build(config(), 0)))
    image = np.random.default_rng(0).random((8, 8), np.float32)
    found = mass(model, image, 1.0)
    w = np.exp(log_weights(model, prior_draws(2, 0, 0, 40_000), image, 1.0) - found.log_px)
    assert moments(found).log_scatter == pytest.approx(math.log(np.square(w).mean()), abs=0.1)


def test_cells_are_the_posterior() -> None:
    found = mass(LINEAR, IMAGE, 1.0)
    cells = posterior_cells(found)
    assert np.exp(cells.log_mass).sum() == pytest.approx(1)
    centres = torch.from_numpy(cells.low + cells.size / 2)
    density = cells.log_mass - np.log(cells.size).sum(1)
    exact = LINEAR.posterior(IMAGE).log_prob(centres).numpy()
    heavy = cells.log_mass > cells.log_mass.max() - 12
    assert np.allclose(density[heavy], exact[heavy], atol=0.02)
    assert cells.size.prod(1).sum() <= np.exp(found.log_weights).sum() * (1 + 1e-4)  # they cover no place twice


def test_every_draw_from_the_posterior_weighs_as_much_as_p_of_x() -> None:
    cells = posterior_cells(mass(LINEAR, IMAGE, 1.0))
    draws = cell_draws(cells, 0, 0, 0, 4000)
    log_w = log_weights(LINEAR, draws, IMAGE, 1.0)
    assert log_w.std() < 0.1
    assert np.allclose(log_w.mean(), LINEAR.log_p(IMAGE), atol=0.02)
    exact = LINEAR.posterior(IMAGE)
    assert np.allclose(draws.z.mean(0), exact.mean, atol=0.02)
    assert np.allclose(np.cov(draws.z.T), exact.covariance_matrix, atol=0.005)


def test_with_everything_hidden_the_posterior_is_the_prior() -> None:
    found = mass(Visible(LINEAR, np.zeros((2, 3), bool)), IMAGE, 1.0)
    assert found.log_px == pytest.approx(0, abs=1e-3)
    assert moments(found).rate == pytest.approx(0, abs=1e-3)
    assert np.allclose(moments(found).covariance, np.eye(2), atol=2e-3)


def test_an_image_that_is_unlikely_beyond_all_floats_keeps_its_posterior() -> None:
    far = np.full_like(IMAGE, 40.0)
    found = mass(LINEAR, far, 1.0)
    assert found.log_px == pytest.approx(LINEAR.log_p(far), rel=1e-4)
    assert found.log_px < -1000
    assert moments(found).rate == pytest.approx(
        float(kl_divergence(LINEAR.posterior(far), LINEAR.exact.prior())), rel=1e-2
    )
    assert np.isfinite(posterior_cells(found).log_mass).all()
