"""The importance-weighted bound: closed forms where there are some, SciPy and float64 elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from vae_explorer.checkpoints import checkpoints
from vae_explorer.data import load
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.model import Doubles, Encoding, Floats, Likelihood, Model
from vae_explorer.theory import importance

NOISE = 0.5


class Gaussian(Model):
    """p(x|z) = N(f(z), s^2 I) of images of two pixels, with an encoder that is given."""

    axes, shape, has_prior = 2, (1, 2), True

    def __init__(self, bent: bool, width: float) -> None:
        self.bent, self.width = bent, width

    def mean(self, z: Doubles) -> Doubles:
        """f: the plane itself, or folded along its first axis so that each image has two codes."""
        return np.stack([z[:, 0] ** 2 if self.bent else z[:, 0], 2 * z[:, 1]], 1)

    def encode(self, images: Floats, beta: float) -> Encoding:
        x = images.reshape(-1, 2)
        if self.bent:
            code, std = np.sqrt(x[:, 0]), NOISE / (2 * np.sqrt(x[:, 0]))
        else:
            code, std = x[:, 0] / (1 + NOISE**2), np.full(len(x), NOISE / math.sqrt(1 + NOISE**2))
        other = 2 * x[:, 1] / (4 + NOISE**2), np.full(len(x), NOISE / math.sqrt(4 + NOISE**2))
        mean, spread = np.stack([code, other[0]], 1), self.width * np.stack([std, other[1]], 1)
        return Encoding(mean.astype(np.float32), spread.astype(np.float32))

    def decode(self, z: Floats, beta: float) -> Floats:
        return self.mean(z.astype(np.float64)).reshape(-1, 1, 2).astype(np.float32)

    def likelihood(self, z: Floats, beta: float) -> Likelihood:
        mean = self.mean(z.astype(np.float64))
        return Likelihood((mean / NOISE**2).astype(np.float32), -(mean**2).sum(1) / (2 * NOISE**2))

    def base_measure(self, images: Floats) -> Doubles:
        return np.asarray(norm(0, NOISE).logpdf(images.reshape(-1, 2).astype(np.float64)).sum(1))

    def log_px(self, x: Floats) -> Doubles:
        """Closed form, of the plane that is not folded."""
        covariance = [[1 + NOISE**2, 0], [0, 4 + NOISE**2]]
        return np.atleast_1d(multivariate_normal([0, 0], covariance).logpdf(x.reshape(-1, 2)))


def digits(count: int) -> Floats:
    return PICTURES.normalised(load("digits", "test").pixels[:count])


IMAGES = np.array([[[0.6, -0.4]], [[1.2, 2.0]], [[2.2, 0.3]]], np.float32)


def test_where_q_is_the_posterior_every_bound_is_log_px_and_every_draw_counts() -> None:
    model = Gaussian(bent=False, width=1.0)
    drawn = importance.draw(model, IMAGES, 1.0, 4096, 0, [0, 1, 2])
    assert np.allclose(drawn.log_weights, model.log_px(IMAGES)[:, None], atol=2e-5)
    for log_weights, log_px in zip(drawn.log_weights, model.log_px(IMAGES), strict=True):
        found = importance.bound(importance.sums(log_weights))
        assert np.allclose(found.mean, log_px, atol=2e-5)
        assert np.allclose(found.effective, importance.COUNTS, rtol=1e-6)


def test_a_wider_q_loses_what_the_closed_forms_say() -> None:
    width = 1.5
    model = Gaussian(bent=False, width=width)
    pool = np.concatenate(
        [importance.draw(model, IMAGES[:1], 1.0, 4096, 3, [7], part).log_weights[0] for part in range(16)]
    )
    found = importance.bound(importance.sums(pool))
    gap = model.log_px(IMAGES[:1])[0] - found.mean
    # two axes, each KL(N(0, w^2) || N(0, 1)); and the chi-squared divergence of the same two
    kl = width**2 - 1 - 2 * math.log(width)
    chi = (width**2 / math.sqrt(2 * width**2 - 1)) ** 2 - 1
    assert abs(gap[0] - kl) < 4 * found.error[0]
    k = importance.COUNTS.index(256)
    assert abs(gap[k] - chi / (2 * 256)) < 4 * found.error[k]
    assert found.effective[-1] / importance.LARGEST == pytest.approx(1 / (1 + chi), rel=0.02)
    grid = np.linspace(-8, 8, 801)
    spread = model.encode(IMAGES[:1], 1.0).std[0] / width
    log_p, log_q = (
        norm(0, s[0]).logpdf(grid * s0[0])[:, None] + norm(0, s[1]).logpdf(grid * s0[1])
        for s, s0 in ((spread, spread), (spread * width, spread))
    )
    log_area = np.full(801**2, math.log(0.02**2 * spread[0] * spread[1]))
    assert importance.excess(log_q.ravel(), log_p.ravel(), log_area) == pytest.approx(chi, rel=1e-6)
    assert importance.excess(log_q.ravel() - 2000, log_p.ravel(), log_area) == math.inf


def test_where_q_has_one_of_two_modes_the_bound_stays_half_the_probability_below() -> None:
    model, image = Gaussian(bent=True, width=1.0), IMAGES[2]

    x = image.reshape(-1).astype(np.float64)  # the axes are independent, in the prior and given the image
    folded = quad(lambda a: norm(a**2, NOISE).pdf(x[0]) * norm.pdf(a), -4, 4, points=(-1.5, 1.5))[0]
    straight = quad(lambda b: norm(2 * b, NOISE).pdf(x[1]) * norm.pdf(b), -4, 4)[0]
    log_px = math.log(folded) + math.log(straight)
    pool = importance.draw(model, image[None], 1.0, 4096, 0, [0]).log_weights[0]
    found = importance.bound(importance.sums(pool))
    k = importance.COUNTS.index(64)
    assert log_px - found.mean[k] == pytest.approx(math.log(2), abs=0.05)
    assert importance.draws_within(found, log_px, 0.1) is None
    near = importance.draws_within(found, log_px, math.log(2) + 0.1)
    assert near is not None
    assert found.mean[importance.COUNTS.index(near) - 1] < log_px - math.log(2) - 0.1


@pytest.mark.parametrize("beta", [0.1, 1.0, 4.0])
def test_weights_are_those_of_float64(beta: float) -> None:
    checkpoint = checkpoints.load(checkpoints.named("digits-vae-2d"))
    images = digits(3)
    found = importance.draw(checkpoint.arrays, images, beta, 50, 1, [0, 1, 2])
    network = checkpoints.load(checkpoints.named("digits-vae-2d")).model.double()
    x, z = torch.from_numpy(images).double(), torch.from_numpy(found.z).double()
    with torch.no_grad():
        q = network.posterior(x, torch.full((3,), beta).double())
        log_q = torch.distributions.Normal(q.mean[:, None], q.stddev[:, None]).log_prob(z).sum(-1)
        p = network.likelihood(z.flatten(0, 1), torch.full((150,), beta).double())
        log_likelihood = p.log_prob(x.repeat_interleave(50, 0)).reshape(3, 50)
    log_prior = torch.distributions.Normal(0, 1).log_prob(z).sum(-1)
    assert np.allclose(found.log_q, log_q.numpy(), atol=2e-3)
    assert np.allclose(found.log_likelihood, log_likelihood.numpy(), atol=2e-4)
    assert np.allclose(found.log_prior, log_prior.numpy(), atol=1e-9)
    assert np.allclose(found.log_weights, (log_likelihood + log_prior - log_q).numpy(), atol=2e-3)
    assert np.abs(found.z.mean(1) - q.mean.numpy()).max() < 1.0


def test_an_image_has_its_own_draws_whatever_company_it_is_in() -> None:
    model = checkpoints.load(checkpoints.named("digits-vae-2d")).arrays
    images = digits(3)
    together = importance.draw(model, images, 1.0, 20, 5, [0, 1, 2])
    alone = importance.draw(model, images[2:], 1.0, 20, 5, [2])
    assert np.allclose(together.z[2], alone.z[0], atol=1e-6)
    others = (importance.draw(model, images[2:], 1.0, 20, *rest).z for rest in ((6, [2]), (5, [3]), (5, [2], 1)))
    assert all(np.abs(other - alone.z).min() > 1e-6 for other in others)


def test_many_points_are_decoded_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Gaussian(bent=False, width=2.0)
    whole = importance.draw(model, IMAGES, 1.0, 33, 0, [0, 1, 2])
    monkeypatch.setattr(importance, "BATCH", 25)
    assert np.array_equal(importance.draw(model, IMAGES, 1.0, 33, 0, [0, 1, 2]).log_weights, whole.log_weights)


def test_the_bound_is_the_mean_over_disjoint_blocks() -> None:
    pool = np.random.default_rng(0).normal(0, 3, 64) - 1500  # nothing underflows
    found = importance.bound(importance.sums(pool, (1, 4, 16)))
    for k, mean, error, effective in zip((1, 4, 16), found.mean, found.error, found.effective, strict=True):
        blocks = [logsumexp(pool[i : i + k]) - math.log(k) for i in range(0, 64, k)]
        assert mean == pytest.approx(np.mean(blocks), abs=1e-9)
        assert error == pytest.approx(np.std(blocks, ddof=1) / math.sqrt(len(blocks)), rel=1e-4)
        sizes = [np.exp(2 * logsumexp(part) - logsumexp(2 * part)) for part in pool.reshape(-1, k)]
        assert effective == pytest.approx(np.mean(sizes))
    assert np.isnan(importance.bound(importance.sums(pool, (64,))).error[0])


@given(st.lists(st.floats(-2000, 100), min_size=32, max_size=32))
def test_in_every_pool_the_bound_rises_with_k_and_draws_count_between_one_and_k(values: list[float]) -> None:
    counts = (1, 2, 4, 8, 16, 32)
    found = importance.bound(importance.sums(np.array(values), counts))
    assert (np.diff(found.mean) >= -1e-9).all()
    assert found.mean[-1] <= max(values) + 1e-9
    assert (found.effective >= 1 - 1e-9).all()
    assert (found.effective <= np.array(counts) + 1e-9).all()
    assert importance.normalised(np.array(values)).sum() == pytest.approx(1)


def test_pools_add_up() -> None:
    pool = np.random.default_rng(1).normal(0, 2, 128)
    halves = importance.sums(pool[:64], (1, 8)) + importance.sums(pool[64:], (1, 8))
    for a, b in zip(halves[1:], importance.sums(pool, (1, 8))[1:], strict=True):
        assert np.allclose(np.asarray(a), np.asarray(b))
    with pytest.raises(ValueError, match="same numbers of draws"):
        importance.sums(pool, (1, 8)) + importance.sums(pool, (1, 4))


def test_many_images_have_the_bounds_of_each() -> None:
    model = checkpoints.load(checkpoints.named("digits-vae-2d")).arrays
    images = digits(4)
    found = importance.looseness(model, images, 1.0, 2, [3, 4, 5, 6], (1, 8, 64))
    assert found.bounds.shape == found.effective.shape == (4, 3)
    own = importance.draw(model, images[1:2], 1.0, 64, 2, [4]).log_weights[0]
    assert found.bounds[1, 0] == pytest.approx(own.mean(), abs=1e-4)
    assert found.bounds[1, 2] == pytest.approx(logsumexp(own) - math.log(64), abs=1e-4)


def test_an_image_below_minus_a_thousand_nats_has_finite_weights() -> None:
    checkpoint = checkpoints.load(checkpoints.named("mnist-vae-2d"))
    noise = np.random.default_rng(0).random((1, 28, 28)).round().astype(np.float32)
    drawn = importance.draw(checkpoint.arrays, noise, 1.0, 16, 0, [0])
    assert drawn.log_weights.max() < -1000
    found = importance.bound(importance.sums(drawn.log_weights[0], (1, 4, 16)))
    assert np.isfinite(found.mean).all()
    assert found.mean[-1] == pytest.approx(logsumexp(drawn.log_weights[0]) - math.log(16))
    assert importance.effective_sample_size(drawn.log_weights[0] - 1e6) == pytest.approx(found.effective[-1])


@pytest.mark.parametrize("counts", [(0,), (-1,), (3,), (1, 128), (65,)])
def test_a_k_that_cannot_be_is_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fill a pool of 64"):
        importance.sums(np.zeros(64), counts)


def test_what_has_no_q_is_refused_and_so_are_no_draws() -> None:
    images = digits(1)
    with pytest.raises(ValueError, match="choose a VAE"):
        importance.draw(checkpoints.load(checkpoints.named("digits-ae-2d")).arrays, images, 1.0, 4, 0, [0])
    with pytest.raises(ValueError, match="at least one draw"):
        importance.draw(checkpoints.load(checkpoints.named("digits-vae-2d")).arrays, images, 1.0, 0, 0, [0])
