"""log p(x) by quadrature against sums and integrals done another way."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp

from tests.test_models import config, perturbed
from vae_explorer.config import Likelihood
from vae_explorer.latent.marginal import log_marginal, make_grid
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.models.objectives import iwae

PIXELS = np.random.RandomState(0).randint(0, 256, (4, 8, 8)).astype(np.uint8)


def uniform_sum(model: Autoencoder, side: int = 241, reach: float = 6.0) -> NDArray[np.float64]:
    """Returns log p(x) by the plain double sum over an even grid, in float64."""
    model = model.double()
    axis = torch.linspace(-reach, reach, side, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    likelihood = model.likelihood(z, torch.ones(len(z)).double())
    prior = model.prior().log_prob(z)
    joint = [(likelihood.log_prob(x) + prior).detach().numpy() for x in torch.from_numpy(PIXELS).double() / 255]
    log_cell = 2 * np.log(float(axis[1] - axis[0]))
    return np.array([float(logsumexp(terms)) + log_cell for terms in joint])


@pytest.mark.parametrize("likelihood", get_args(Likelihood))
@pytest.mark.parametrize("kind", ["vae", "autoencoder"])
def test_it_equals_the_plain_double_sum(kind: str, likelihood: Likelihood) -> None:
    model = perturbed(build(config(kind=kind, likelihood=likelihood, scale=0.4), 0))
    result = log_marginal(Arrays(model), PIXELS, 1.0)
    assert np.allclose(result.log_p, uniform_sum(model), atol=2e-3)


def test_iwae_comes_up_to_it_from_below() -> None:
    model = perturbed(build(config(), 0))
    result = log_marginal(Arrays(model), PIXELS, 1.0)
    torch.manual_seed(0)
    x = torch.from_numpy(PIXELS).float() / 255
    with torch.inference_mode():
        few = iwae(model, x.repeat(500, 1, 1), torch.ones(2000), 1).unflatten(0, (-1, 4)).mean(0).numpy()
        many = iwae(model, x, torch.ones(4), 20_000).numpy()
    assert (few < result.log_p - 0.05).all()
    assert np.allclose(many, result.log_p, atol=0.1)


def test_the_error_it_reports_is_above_the_true_one() -> None:
    model = perturbed(build(config(likelihood="gaussian", scale=0.05), 0))
    fine = log_marginal(Arrays(model), PIXELS, 1.0, make_grid(512, 6.0)).log_p
    for side in (128, 256):
        coarse = log_marginal(Arrays(model), PIXELS, 1.0, make_grid(side, 6.0))
        assert np.abs(coarse.log_p - fine).mean() <= coarse.error + 1e-3


def test_the_error_it_reports_is_the_mean_distance_to_a_checkerboard_of_nodes() -> None:
    model = perturbed(build(config(likelihood="gaussian", scale=0.05), 0))
    stated = log_marginal(Arrays(model), PIXELS, 1.0, make_grid(32, 6.0)).error
    u = np.linspace(-1, 1, 32)
    nodes, widths = 6 * np.sinh(2 * u) / np.sinh(2), 12 * np.cosh(2 * u) / np.sinh(2) * 2 / 31
    z = np.array([(x, y) for x in nodes for y in nodes])
    kept = np.array([(i + j) % 2 == 0 for i in range(32) for j in range(32)])
    terms = -(z**2).sum(1) / 2 - np.log(2 * np.pi) + np.log(np.outer(widths, widths)).ravel()
    with torch.inference_mode():
        model = model.double()
        likelihood = model.likelihood(torch.from_numpy(z), torch.ones(len(z)).double())
        joint = [likelihood.log_prob(x).numpy() + terms for x in torch.from_numpy(PIXELS).double() / 255]
    differences = [logsumexp(each) - logsumexp(each[kept]) - np.log(2) for each in joint]
    assert stated == pytest.approx(np.abs(differences).mean(), rel=0.01)
    assert stated > 0.05


def test_the_rule_integrates_the_prior_to_one() -> None:
    grid = make_grid(448, 5.0)
    mass = (grid.log_weights - grid.nodes**2 / 2).exp().sum() / np.sqrt(2 * np.pi)
    assert mass.item() == pytest.approx(1, abs=1e-5)


def test_what_it_cannot_do_it_refuses() -> None:
    with pytest.raises(ValueError, match="3"):
        log_marginal(Arrays(build(config(latent=3), 0)), PIXELS, 1.0)
    with pytest.raises(ValueError, match="multiple"):
        log_marginal(Arrays(build(config(), 0)), PIXELS, 1.0, make_grid(100, 5.0))
