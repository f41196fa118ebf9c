"""Inner products of gradients, and angles of their means, against gradients written out by autograd in float64."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

import numpy as np
import pytest
import torch

from tests.test_models import config, perturbed
from vae_explorer.latent.model import Doubles
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.theory import gradients

T = TypeVar("T")
BETA = 0.6
IMAGES = np.random.default_rng(0).random((5, 8, 8), np.float32)
EPSILON = np.random.default_rng(1).standard_normal((5, 3, 2))


def done(work: Generator[float, None, T]) -> T:
    shares = []
    while True:
        try:
            shares.append(next(work))
        except StopIteration as end:
            assert shares == sorted(shares)
            assert shares[0] > 0
            assert shares[-1] == pytest.approx(1)
            return end.value  # type: ignore[no-any-return]


def vae(**changes: Any) -> Autoencoder:
    return perturbed(build(config(**{"kind": "multi-rate", **changes}), 0)).eval().double()


def written_out(network: Autoencoder, images: Doubles, epsilon: Doubles) -> Doubles:
    """Each gradient by all weights of encoder and decoder, `(N, P)`, one at a time."""
    rows = []
    for image, noise in zip(images, epsilon, strict=True):
        x, b = torch.from_numpy(image)[None].double(), torch.tensor([BETA], dtype=torch.float64)
        q = network.posterior(x, b)
        log_p = network.likelihood(q.mean + q.stddev * torch.from_numpy(noise), b).log_prob(x)
        value = log_p - BETA * torch.distributions.kl_divergence(q, network.prior())
        weights = [*network.encoder.parameters(), *network.decoder.parameters()]
        rows.append(torch.cat([each.flatten() for each in torch.autograd.grad(value.sum(), weights)]).numpy())
    return np.stack(rows)


@pytest.mark.parametrize("changes", [
    {}, {"kind": "vae", "latent": 2}, {"backbone": "convolutional", "encoder": (4, 6), "decoder": (6, 4)},
    {"likelihood": "gaussian", "scale": 0.3}, {"backbone": "convolutional", "shape": (7, 9), "encoder": (3,),
     "decoder": (3,)},
])  # fmt: skip
def test_inner_products_are_those_of_gradients_written_out(changes: dict[str, Any]) -> None:
    network = vae(**changes)
    images = np.random.default_rng(0).random((5, *network.config.shape), np.float32)
    found = done(gradients.pool(network, images, EPSILON, BETA))
    g = written_out(network, np.repeat(images, 3, 0), EPSILON.reshape(15, 2))
    assert np.allclose(found.products, g @ g.T, rtol=1e-8, atol=1e-8 * np.abs(g @ g.T).max())
    whole = np.concatenate([each.numpy().ravel() for each in found.whole])
    assert np.linalg.norm(whole) == pytest.approx(np.linalg.norm(g.mean(0)))
    assert found.weights == g.shape[1]
    assert found.draws == 3


def test_the_network_is_left_as_it_was() -> None:
    network = vae()
    done(gradients.pool(network, IMAGES, EPSILON, BETA))
    assert not any(module._forward_hooks for module in network.modules())
    assert all(weight.grad is None for weight in network.parameters())


def test_more_than_a_chunk_is_the_same_as_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = done(gradients.pool(vae(), IMAGES, EPSILON, BETA))
    monkeypatch.setattr(gradients, "CHUNK", 4)
    in_parts = done(gradients.pool(vae(), IMAGES, EPSILON, BETA))
    assert np.allclose(at_once.products, in_parts.products)


def test_angles_are_those_of_means_written_out() -> None:
    g = np.random.default_rng(3).standard_normal((12, 40)) + 0.5
    samples = np.array([1, 2, 5, 64])
    found = gradients.minibatches(g @ g.T, samples, 6, seed=4)
    random, whole = np.random.default_rng(4), g.mean(0)
    for k, n in enumerate(samples):
        for r, rows in enumerate(random.integers(12, size=(6, n))):
            mean = g[rows].mean(0)
            cosine = mean @ whole / np.linalg.norm(mean) / np.linalg.norm(whole)
            assert found.degrees[k, r] == pytest.approx(np.degrees(np.arccos(cosine)), abs=1e-6)
            assert found.ratio[k, r] == pytest.approx(np.linalg.norm(mean) / np.linalg.norm(whole))


def known(images: int, draws: int, between: float, within: float, signal: float) -> gradients.Pool:
    """Gradients of 300 weights whose scatter is known: around G by image, around the image by z."""
    random = np.random.default_rng(5)
    g = signal / np.sqrt(300) + between / np.sqrt(300) * random.standard_normal((images, 1, 300))
    g = (g + within / np.sqrt(300) * random.standard_normal((images, draws, 300))).reshape(-1, 300)
    return gradients.Pool(g @ g.T, [], draws, 300)


@pytest.mark.parametrize(("between", "within"), [(3.0, 1.0), (1.0, 3.0), (0.0, 2.0)])
def test_noise_and_whose_it_is_are_those_that_were_put_in(between: float, within: float) -> None:
    found = gradients.spread(known(400, 2, between, within, 2.0))
    total = between**2 + within**2
    assert found.noise**2 == pytest.approx(total, rel=0.05)
    assert found.from_images == pytest.approx(between**2 / total, abs=0.05)
    assert found.norm == pytest.approx(2.0, rel=0.1)
    assert found.critical == pytest.approx(total / 4, rel=0.2)


def test_the_noise_is_the_trace_of_the_covariance() -> None:
    g = np.random.default_rng(3).standard_normal((12, 40)) + 0.5
    found = gradients.spread(gradients.Pool(g @ g.T, [], 3, 40))
    assert found.noise**2 == pytest.approx(np.trace(np.cov(g.T, bias=True)))
    assert found.norm == pytest.approx(np.linalg.norm(g.mean(0)))


def test_the_angle_falls_by_the_law() -> None:
    pool = known(400, 2, 3.0, 1.0, 2.0)
    samples = 2 ** np.arange(0, 13, 2)
    found = gradients.minibatches(pool.products, samples, 200, 0)
    law = gradients.law(gradients.spread(pool), samples)
    assert law[0] == pytest.approx(np.degrees(np.arctan(gradients.spread(pool).noise / gradients.spread(pool).norm)))
    assert np.allclose(np.median(found.degrees, 1), law, rtol=0.1)
    assert law[-1] == pytest.approx(law[-2] / 2, rel=0.01)  # four times the samples, half the angle


def test_averaging_z_alone_leaves_the_images_noise() -> None:
    pool = known(60, 16, 2.0, 2.0, 2.0)
    blocks = gradients.averaged(pool)
    assert blocks.shape == (60, 60)
    some = gradients.minibatches(pool.products, np.array([4]), 300, 0).degrees
    fewer = gradients.minibatches(blocks, np.array([4]), 300, 0).degrees
    assert np.median(fewer) == pytest.approx(np.degrees(np.arctan(np.sqrt((4 + 4 / 16) / 4 / 4))), abs=3)
    assert np.median(some) == pytest.approx(np.degrees(np.arctan(np.sqrt(8 / 4 / 4))), abs=3)


def test_one_image_with_many_z_is_what_is_written_out() -> None:
    network = vae()
    pool = done(gradients.pool(network, IMAGES, EPSILON, BETA))
    epsilon = np.random.default_rng(7).standard_normal((8, 2))
    found = gradients.one_image(network, IMAGES[2], epsilon, BETA, pool, np.array([1, 4, 8]), 0)
    g = written_out(network, np.repeat(IMAGES[2:3], 8, 0), epsilon)
    whole = written_out(network, np.repeat(IMAGES, 3, 0), EPSILON.reshape(15, 2)).mean(0)
    groups = [(0, r, g[r]) for r in range(8)] + [(1, 0, g[:4].mean(0)), (1, 1, g[4:].mean(0)), (2, 0, g.mean(0))]
    for k, r, mean in groups:
        cosine = mean @ whole / np.linalg.norm(mean) / np.linalg.norm(whole)
        assert found.degrees[k, r] == pytest.approx(np.degrees(np.arccos(cosine)), abs=1e-4)
        assert found.ratio[k, r] == pytest.approx(np.linalg.norm(mean) / np.linalg.norm(whole), rel=1e-6)
    assert np.allclose(found.degrees[2], found.degrees[2, 0])  # all eight, in any order
    assert found.degrees.shape == (3, 8)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="take a VAE"):
        next(gradients.pool(vae(kind="autoencoder"), IMAGES, EPSILON, BETA))
    for wrong in (EPSILON[:4], EPSILON[..., :1], EPSILON[:, 0]):
        with pytest.raises(ValueError, match="does not fit"):
            next(gradients.pool(vae(), IMAGES, wrong, BETA))
    with pytest.raises(ValueError, match="two draws"):
        gradients.spread(gradients.Pool(np.eye(3), [], 1, 1))
    with pytest.raises(ValueError, match="one sample"):
        gradients.minibatches(np.eye(3), np.array([0, 1]), 2, 0)
    pool = gradients.Pool(np.eye(3), [], 1, 1)
    with pytest.raises(ValueError, match="more than the 3"):
        gradients.one_image(vae(), IMAGES[0], np.zeros((3, 2)), BETA, pool, np.array([4]), 0)
