"""The interface on arrays against the network's own distributions in float64."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import numpy as np
import pytest
import torch

from tests.test_models import config, perturbed
from vae_explorer.config import Likelihood
from vae_explorer.latent.model import Model, log_prior
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import build

Z = np.random.default_rng(0).standard_normal((7, 2), np.float32)
IMAGES = np.random.default_rng(1).random((5, 8, 8), np.float32)


@pytest.mark.parametrize("scale", [0.01, 0.4])
@pytest.mark.parametrize("likelihood", get_args(Likelihood))
def test_weights_offset_and_base_measure_make_the_density(likelihood: Likelihood, scale: float) -> None:
    network = perturbed(build(config(kind="multi-rate", likelihood=likelihood, scale=scale), 0))
    model = Arrays(network)
    weights, offset = model.likelihood(Z, 0.3)
    x = IMAGES.reshape(5, -1).astype(np.float64)
    found = x @ weights.T.astype(np.float64) + offset + model.base_measure(IMAGES)[:, None]
    network.double()
    with torch.no_grad():
        density = network.likelihood(torch.from_numpy(Z).double(), torch.full((7,), 0.3).double())
        exact = [density.log_prob(torch.from_numpy(image).double()).numpy() for image in IMAGES]
    assert np.allclose(found, exact, rtol=1e-6, atol=1e-3)


def test_the_prior_is_standard_normal() -> None:
    standard = torch.distributions.Normal(0.0, 1.0)
    exact = standard.log_prob(torch.from_numpy(Z).double()).sum(1)
    assert np.allclose(log_prior(Z), exact, atol=1e-12)
    assert np.allclose(np.exp(log_prior(np.linspace(-8, 8, 4001, dtype=np.float32)[:, None])).sum() * 16 / 4000, 1)


def test_facts_are_the_configurations() -> None:
    for kind, has_prior in (("autoencoder", False), ("vae", True), ("multi-rate", True)):
        model = Arrays(build(config(kind=kind, latent=3), 0))
        assert (model.axes, model.shape, model.has_prior) == (3, (8, 8), has_prior)


def test_many_at_once_get_the_derivatives_that_each_would_get_alone() -> None:
    """Against reverse mode in float64: forward mode has one stack of levels for the whole process."""
    network = perturbed(build(config(kind="multi-rate"), 0))
    model = Arrays(network)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: model.jacobian(Z, 0.3, 2), range(40)))
    network.double()

    def mean(z: torch.Tensor) -> torch.Tensor:
        return network.likelihood(z[None], torch.tensor([0.3]).double()).mean.flatten()

    exact = np.stack([torch.autograd.functional.jacobian(mean, z).numpy().T for z in torch.from_numpy(Z).double()])
    for each in found:
        assert np.allclose(each, exact, atol=1e-5)


@pytest.mark.parametrize("likelihood", get_args(Likelihood))
def test_a_slope_is_the_log_likelihoods_of_each_pair_and_their_gradients(likelihood: Likelihood) -> None:
    """Against float64; differences, which a model without derivatives has, come near it."""
    network = perturbed(build(config(kind="multi-rate", likelihood=likelihood, scale=0.4), 0))
    model = Arrays(network)
    pairs = IMAGES[[0, 1, 2, 3, 4, 0, 1]]
    found = model.slope(pairs, Z, 0.3)
    rough = Model.slope(model, pairs, Z, 0.3)
    network.double()
    z = torch.from_numpy(Z).double().requires_grad_()
    exact = network.likelihood(z, torch.full((7,), 0.3).double()).log_prob(torch.from_numpy(pairs).double())
    (gradient,) = torch.autograd.grad(exact.sum(), z)
    assert np.allclose(found.log_p, exact.detach(), rtol=1e-5, atol=1e-3)
    assert np.allclose(found.gradient, gradient, rtol=1e-3, atol=1e-3)
    assert np.allclose(rough.log_p, exact.detach(), rtol=1e-5, atol=1e-3)
    assert np.allclose(rough.gradient, gradient, rtol=0.1, atol=0.1)
