"""log P(X) of single images against closed forms, other rules, and importance sampling."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import integrate
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from tests.test_models import config, perturbed
from vae_explorer.checkpoints import checkpoints
from vae_explorer.latent.model import Doubles, Encoding, Floats, Likelihood, Model
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import build
from vae_explorer.theory.quadrature import (
    coarse_plane,
    decoded_plane,
    extent_of,
    field_of,
    log_likelihood_field,
    mass,
    masses,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.random((4, 8, 8)).astype(np.float32)


class Linear(Model):
    """P(X|z) = N(X | A z + b, s^2 I): log P(X) and the posterior have closed forms."""

    axes, shape, has_prior = 2, (2, 3), True

    def __init__(self, scale: float, slope: float = 1.0) -> None:
        self.scale = scale
        self.a = slope * np.random.default_rng(1).standard_normal((6, 2))

    def encode(self, images: Floats, beta: float) -> Encoding:
        none = np.zeros((len(images), 2), np.float32)  # it tells nothing, so that the search must find the mass
        return Encoding(none, none + 1)

    def decode(self, z: Floats, beta: float) -> Floats:
        return (z @ self.a.T).reshape(-1, 2, 3).astype(np.float32)

    def likelihood(self, z: Floats, beta: float) -> Likelihood:
        mean = z.astype(np.float64) @ self.a.T
        return Likelihood((mean / self.scale**2).astype(np.float32), -(mean**2).sum(1) / (2 * self.scale**2))

    def base_measure(self, images: Floats) -> Doubles:
        x = images.reshape(len(images), -1).astype(np.float64)
        h: Doubles = -(x**2).sum(1) / (2 * self.scale**2) - 6 * np.log(self.scale * np.sqrt(2 * np.pi))
        return h

    def log_p(self, image: Floats) -> float:
        covariance = self.a @ self.a.T + self.scale**2 * np.eye(6)
        return float(multivariate_normal(np.zeros(6), covariance).logpdf(image.ravel()))


@pytest.mark.parametrize("scale", [0.02, 0.1, 1.0, 5.0])
def test_a_linear_gaussian_model_has_its_closed_form(scale: float) -> None:
    model = Linear(scale)
    at = np.array([[0.3, -0.2], [2.1, 1.4], [-1.0, 0.0]])
    noise = np.random.default_rng(2).standard_normal((3, 6))
    images = (at @ model.a.T + scale * noise).reshape(3, 2, 3).astype(np.float32)
    for image in images:
        found = mass(model, image, 1.0)
        assert found.log_px == pytest.approx(model.log_p(image), abs=2e-3)
        covariance = np.linalg.inv(np.eye(2) + model.a.T @ model.a / scale**2)
        mean = covariance @ model.a.T @ image.ravel().astype(np.float64) / scale**2
        assert found.shares @ found.nodes == pytest.approx(mean, abs=1e-3)
        away = found.nodes - mean
        assert np.allclose((found.shares[:, None] * away).T @ away, covariance, rtol=0.02, atol=1e-6)


def test_an_image_far_below_a_thousand_nats_does_not_underflow() -> None:
    model = Linear(0.01)
    image = np.linspace(0, 1, 6).reshape(2, 3).astype(np.float32)
    expected = model.log_p(image)
    assert expected < -1000
    assert mass(model, image, 1.0).log_px == pytest.approx(expected, abs=0.01)


class Ridges(Model):
    """Two modes: a narrow one that lies between the nodes of the coarse grid, a wide one that hides it."""

    axes, shape, has_prior = 2, (1, 1), True
    width = 0.01

    def encode(self, images: Floats, beta: float) -> Encoding:
        return Encoding(np.full((len(images), 2), 2.0, np.float32), np.ones((len(images), 2), np.float32))

    def decode(self, z: Floats, beta: float) -> Floats:
        return np.zeros((len(z), 1, 1), np.float32)

    def likelihood(self, z: Floats, beta: float) -> Likelihood:
        x, y = z.astype(np.float64).T
        wide = -((x - 2) ** 2 + (y - 2) ** 2) / (2 * 0.3**2)
        narrow = 4 - ((x - y - 0.1) / self.width) ** 2 / 2 - ((x + y) / 0.4) ** 2 / 2
        return Likelihood(np.zeros((len(z), 1), np.float32), np.logaddexp(wide, narrow))


def test_a_tilted_ridge_far_thinner_than_a_cell_is_integrated() -> None:
    model = Ridges()
    prior = multivariate_normal(np.zeros(2), np.eye(2))
    wide = multivariate_normal(np.full(2, 2.0), 0.3**2 * np.eye(2))
    wide_part = 2 * np.pi * 0.3**2 * multivariate_normal(np.full(2, 2.0), (1 + 0.3**2) * np.eye(2)).pdf(np.zeros(2))
    assert wide.pdf([2, 2]) == pytest.approx(1 / (2 * np.pi * 0.3**2))
    # in the coordinates x - y and x + y, both N(0, 2) under the prior, independent
    w, v = model.width, 0.4

    def along(mean: float, std: float) -> float:
        return float(std * np.sqrt(2 * np.pi) * multivariate_normal(mean, 2 + std**2).pdf(0))

    expected = np.log(wide_part + np.exp(4) * along(0.1, w) * along(0.0, v))
    found = mass(model, np.zeros((1, 1), np.float32), 1.0)
    assert found.log_px == pytest.approx(expected, abs=2e-3)
    assert prior.pdf([0, 0]) == pytest.approx(1 / (2 * np.pi))


def test_scipy_agrees_on_a_random_network() -> None:
    model = perturbed(build(config(likelihood="gaussian", scale=1.0), 0)).double()
    image = IMAGES[0]
    x = torch.from_numpy(image).double()
    pivot = mass(Arrays(perturbed(build(config(likelihood="gaussian", scale=1.0), 0))), image, 1.0)

    @torch.inference_mode()
    def density(y: float, x_: float) -> float:
        z = torch.tensor([[x_, y]]).double()
        log_p = model.likelihood(z, torch.ones(1).double()).log_prob(x) + model.prior().log_prob(z)
        return float((log_p - pivot.log_px).exp())

    ratio, _ = integrate.dblquad(density, -5, 5, -5, 5, epsabs=1e-3, epsrel=1e-3)
    assert np.log(ratio) == pytest.approx(0, abs=3e-3)


@pytest.fixture(scope="module")
def digits() -> Arrays:
    return checkpoints.load(checkpoints.find("digits-vae-2d")).arrays


@pytest.mark.parametrize("beta", [0.1, 1.0])
def test_a_much_finer_sum_agrees_on_a_trained_model(digits: Arrays, beta: float) -> None:
    images = np.concatenate([IMAGES[:1], _drawn(digits, beta, 5)])
    edges = np.linspace(-6, 6, 401)
    at = (edges[1:] + edges[:-1]) / 2
    total = np.full((len(images), len(at)), -np.inf)
    for row, y in enumerate(at):
        z = np.stack([at, np.full_like(at, y)], 1).astype(np.float32)
        weights, offset = digits.likelihood(z, beta)
        log_joint = images.reshape(len(images), -1) @ weights.T + offset - (z**2).sum(1) / 2 - np.log(2 * np.pi)
        total[:, row] = logsumexp(log_joint, axis=1)
    expected = logsumexp(total, axis=1) + 2 * np.log(0.03)
    found = list(masses(digits, images, beta))
    assert np.allclose([each.log_px for each in found], expected, atol=3e-3)
    for each in found:
        assert each.shares.sum() == pytest.approx(1)
        assert each.error < 1e-3


def _drawn(model: Arrays, beta: float, count: int) -> Floats:
    z = np.random.default_rng(3).standard_normal((count, 2)).astype(np.float32)
    noise = np.random.default_rng(4).normal(0, 0.1, (count, *model.shape))
    return np.clip(model.decode(z, beta) + noise, 0, 1).astype(np.float32)


def test_the_field_is_log_p_of_x_at_the_cells_centres_with_the_first_row_at_the_top(digits: Arrays) -> None:
    image = _drawn(digits, 1.0, 1)[0]
    field = log_likelihood_field(digits, image, 1.0, (-1.0, 1.0, 0.0, 2.0), 8)
    for row, column in [(0, 0), (0, 7), (5, 2)]:
        z = np.array([[-1 + (column + 0.5) / 4, 2 - (row + 0.5) / 4]], np.float32)
        log_p = digits.slope(image[None], z, 1.0).log_p[0]
        assert field[row, column] == pytest.approx(log_p, abs=1e-3)
    plane = decoded_plane(digits, 1.0, (-1.0, 1.0, 0.0, 2.0), 8)
    assert np.array_equal(field_of(digits, plane, image), field)


def test_the_extent_holds_the_share_of_the_posterior_and_little_more(digits: Arrays) -> None:
    found = mass(Linear(0.1), np.full((2, 3), 0.5, np.float32), 1.0)
    for share in (0.5, 0.999):
        left, right, bottom, top = extent_of(found, share)
        assert right - left == pytest.approx(top - bottom)
        x, y = found.nodes.T
        inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
        assert share - 1e-3 <= found.shares[inside].sum()
        x, y = (x - (left + right) / 2) / 0.6, (y - (bottom + top) / 2) / 0.6
        half = (right - left) / 2
        assert found.shares[(np.abs(x) <= half) & (np.abs(y) <= half)].sum() < share


def test_a_kept_plane_changes_nothing(digits: Arrays) -> None:
    image = _drawn(digits, 1.0, 1)[0]
    plane = coarse_plane(digits, 1.0)
    assert mass(digits, image, 1.0, plane).log_px == pytest.approx(mass(digits, image, 1.0).log_px, abs=1e-4)


class Mute(Ridges):
    def likelihood(self, z: Floats, beta: float) -> Likelihood:
        return Model.likelihood(self, z, beta)


def test_what_has_no_log_p_of_x_is_refused_in_words(digits: Arrays) -> None:
    with pytest.raises(ValueError, match="two latent axes, and this model has 3"):
        mass(Arrays(build(config(latent=3), 0)), IMAGES[0], 1.0)
    with pytest.raises(ValueError, match="no prior"):
        mass(Arrays(build(config(kind="autoencoder"), 0)), IMAGES[0], 1.0)
    with pytest.raises(ValueError, match="knows no likelihood"):
        mass(Mute(), np.zeros((1, 1), np.float32), 1.0)
    with pytest.raises(ValueError, match="the image is"):
        mass(digits, np.zeros((3, 3), np.float32), 1.0)
    with pytest.raises(ValueError, match="holds no cells"):
        log_likelihood_field(digits, IMAGES[0], 1.0, (1.0, 1.0, 0.0, 2.0), 8)
