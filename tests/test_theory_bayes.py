"""Bayes' rule over the plane against closed forms of the linear-Gaussian model and PyTorch's distributions."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, ContinuousBernoulli, Normal, kl_divergence

from tests.linear_model import Bools, LinearModel
from tests.test_models import config, perturbed
from vae_explorer import config as configuration
from vae_explorer.latent.encoding import plane
from vae_explorer.latent.model import Encoding
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import build
from vae_explorer.theory.bayes import PATTERNS, Visible, fields, hidden, kl_to_posterior, seen_on
from vae_explorer.theory.quadrature import decoded_plane

LINEAR = LinearModel()
IMAGE = LINEAR.images(1)[0]
Z = np.random.default_rng(0).standard_normal((7, 2), np.float32)
EXTENT = (-1.0, 1.5, -2.0, 0.5)
SEEN = np.array([[True, False, True], [True, True, False]])


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3)])
@pytest.mark.parametrize("likelihood", get_args(configuration.Likelihood))
def test_the_visible_pixels_density_is_the_product_over_them(
    likelihood: configuration.Likelihood, shape: tuple[int, ...]
) -> None:
    network = perturbed(build(config(likelihood=likelihood, scale=0.3, shape=shape), 0))
    image = np.random.default_rng(1).random(shape, np.float32)
    seen = np.random.default_rng(2).random((8, 8)) < 0.6
    model = Visible(Arrays(network), seen)
    weights, offset = model.likelihood(Z, 1.0)
    found = weights @ image.ravel() + offset + model.base_measure(image[None])
    network.double()
    with torch.no_grad():
        eta = network.decoder(torch.from_numpy(Z).double(), torch.ones(7, 1).double())
        families = {
            "bernoulli": Bernoulli(logits=eta, validate_args=False),
            "continuous-bernoulli": ContinuousBernoulli(logits=eta, validate_args=False),
        }
        each = families.get(likelihood, Normal(eta.sigmoid(), network.log_scale.exp()))
        exact = each.log_prob(torch.from_numpy(image).double())[:, torch.from_numpy(seen)].flatten(1).sum(1)
    assert np.allclose(found, exact.numpy(), rtol=1e-5, atol=2e-3)
    assert not weights.reshape(7, *shape)[:, ~seen].any()


def test_with_nothing_visible_every_z_explains_the_image_equally() -> None:
    model = Visible(Arrays(build(config(), 0)), np.zeros((8, 8), bool))
    weights, offset = model.likelihood(Z, 1.0)
    assert not weights.any()
    assert not offset.any()
    assert not model.base_measure(np.ones((1, 8, 8), np.float32)).any()
    on = seen_on(model, decoded_plane(model.model, 1.0, EXTENT, 5))
    prior, likelihood, posterior = fields(model, on, np.ones((8, 8), np.float32), 0.0)
    assert not likelihood.any()
    assert np.array_equal(prior, posterior)


def test_with_everything_visible_it_is_the_model_itself() -> None:
    arrays = Arrays(perturbed(build(config(), 0)))
    model = Visible(arrays, np.ones((8, 8), bool))
    image = np.random.default_rng(1).random((1, 8, 8), np.float32)
    assert np.array_equal(model.likelihood(Z, 1.0).weights, arrays.likelihood(Z, 1.0).weights)
    assert np.array_equal(model.likelihood(Z, 1.0).offset, arrays.likelihood(Z, 1.0).offset)
    assert np.array_equal(model.decode(Z, 1.0), arrays.decode(Z, 1.0))
    assert np.array_equal(model.encode(image, 1.0).mean, arrays.encode(image, 1.0).mean)
    assert (model.axes, model.shape, model.has_prior) == (2, (8, 8), True)


@pytest.mark.parametrize("seen", [np.ones((2, 3), bool), SEEN])
def test_the_posterior_field_is_the_exact_density(seen: Bools) -> None:
    model = Visible(LINEAR, seen)
    plane_of_all = decoded_plane(LINEAR, 1.0, EXTENT, 24)
    on = seen_on(model, plane_of_all)
    kept = seen_on(model, plane_of_all, LINEAR.log_normaliser(plane_of_all.likelihood.weights))
    assert np.allclose(
        fields(model, on, IMAGE, 0.0).log_likelihood, fields(model, kept, IMAGE * seen, 0.0).log_likelihood, atol=1e-3
    )
    prior, likelihood, posterior = fields(model, on, IMAGE, LINEAR.log_p(IMAGE, seen))
    z = torch.from_numpy(plane(2, EXTENT, 24)).double()
    assert np.allclose(prior, LINEAR.exact.prior().log_prob(z), atol=1e-5)
    assert np.allclose(posterior, LINEAR.posterior(IMAGE, seen).log_prob(z), atol=1e-3)
    rows = torch.from_numpy(seen.ravel())
    each = Normal(z @ LINEAR.exact.a.T, LINEAR.scale).log_prob(torch.from_numpy(IMAGE.ravel()).double())
    assert np.allclose(likelihood, each[..., rows].sum(-1), atol=1e-3)
    assert posterior[0, 0] == pytest.approx(  # the first row is at the top, the first column on the left
        float(LINEAR.posterior(IMAGE, seen).log_prob(torch.tensor([-1 + 1.25 / 24, 0.5 - 1.25 / 24]).double())),
        abs=1e-3,
    )


def test_the_cost_of_a_gaussian_is_the_closed_form() -> None:
    q = LINEAR.encode(IMAGE[None], 1.0)
    for factor, shift in ((1.0, 0.0), (0.5, 0.1), (1.4, -0.2)):
        mean, std = q.mean + np.float32(shift), q.std * np.float32(factor)
        gaussian = torch.distributions.MultivariateNormal(
            torch.from_numpy(mean[0]).double(), torch.diag(torch.from_numpy(std[0]).double() ** 2)
        )
        exact = float(kl_divergence(gaussian, LINEAR.posterior(IMAGE)))
        found = kl_to_posterior(LINEAR, IMAGE, Encoding(mean, std), 1.0, LINEAR.log_p(IMAGE))
        assert found == pytest.approx(exact, abs=2e-3)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_is_hidden_grows_with_the_share(pattern: str) -> None:
    before = np.zeros((7, 5), bool)
    for share in np.linspace(0, 1, 15):
        gone = hidden((7, 5, 3), pattern, float(share), seed=3)  # type: ignore[arg-type]
        assert gone.sum() == round(share * 35)
        assert (gone | ~before).all()
        before = gone


def test_patterns_are_what_they_are_called() -> None:
    half = hidden((8, 6), "half", 0.5)
    assert half[4:].all()
    assert not half[:4].any()
    frame = hidden((8, 6), "frame", 24 / 48)
    assert frame[[0, -1]].all()
    assert frame[:, [0, -1]].all()
    assert not frame[1:-1, 1:-1].any()
    random = [hidden((28, 28), "random", 0.5, seed) for seed in (0, 1)]
    assert (random[0] != random[1]).any()
    assert 0.4 < random[0][:14].mean() < 0.6
    assert np.array_equal(hidden((28, 28), "random", 0.5, 0), random[0])


def test_what_cannot_be_is_refused_in_words() -> None:
    for share in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="within 0 and 1"):
            hidden((8, 8), "half", share)
    with pytest.raises(ValueError, match="half, random, frame"):
        hidden((8, 8), "stripes", 0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no pixels"):
        Visible(LINEAR, np.ones((3, 2), bool))
    with pytest.raises(ValueError, match="choose a VAE"):
        kl_to_posterior(LINEAR, IMAGE, Encoding(np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32)), 1.0, 0.0)
    with pytest.raises(ValueError, match="choose a VAE of two axes"):
        kl_to_posterior(LINEAR, IMAGE, Encoding(np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32)), 1.0, 0.0)
