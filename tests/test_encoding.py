"""Arrays in, arrays out: the same numbers as the model's own distributions."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

import vae_explorer.latent.encoding as encoding
from tests.test_models import config, perturbed
from vae_explorer.latent.noise import normal_sets
from vae_explorer.measured.evaluation import averages
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.training.engine import evaluate

PIXELS = np.random.RandomState(1).randint(0, 256, (23, 8, 8)).astype(np.uint8)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "BATCH", 10)


def test_encode_gives_the_posterior_of_every_image_in_order() -> None:
    model = perturbed(build(config(kind="multi-rate"), 0))
    q = model.posterior(torch.from_numpy(PIXELS).float() / 255, torch.full((23,), 0.3))
    result = encoding.encode(Arrays(model), PIXELS, 0.3)
    assert np.allclose(result.mean, q.mean.detach(), atol=1e-5)
    assert np.allclose(result.std, q.stddev.detach(), atol=1e-5)


def test_decode_gives_the_mean_image_of_every_point_in_order() -> None:
    model = perturbed(build(config(likelihood="continuous-bernoulli"), 0))
    z = np.random.RandomState(2).randn(23, 2).astype(np.float32)
    expected = model.likelihood(torch.from_numpy(z), torch.ones(23)).mean.detach()
    assert np.allclose(encoding.decode(Arrays(model), z, 1.0), expected, atol=1e-5)


def expected_distortion(model: Autoencoder, image: NDArray[np.uint8]) -> float:
    """Returns -E log p(x|z) by the Gauss-Hermite rule on both axes, of a Bernoulli likelihood written out."""
    code = encoding.encode(Arrays(model), image[None], 1.0)
    nodes, weights = np.polynomial.hermite_e.hermegauss(24)
    z = code.mean + code.std * np.stack(np.meshgrid(nodes, nodes), 2).reshape(-1, 2).astype(np.float32)
    distortion = bernoulli_loss(model, z, image)
    return float(np.outer(weights, weights).ravel() @ distortion / weights.sum() ** 2)


def test_a_measured_distortion_is_the_expected_one_within_the_error_that_it_states() -> None:
    model = wide_posterior()
    exact = expected_distortion(model, PIXELS[0])
    found = [encoding.terms(Arrays(model), PIXELS[0], 1.0, (seed,)) for seed in range(60)]
    values, errors = np.array([[each.distortion, each.error] for each in found]).T
    assert values.mean() == pytest.approx(exact, abs=4 * values.std() / np.sqrt(60))
    assert values.std() / 1.4 < np.sqrt((errors**2).mean()) < 1.4 * values.std()
    code = encoding.encode(Arrays(model), PIXELS[:1], 1.0)
    by_hand = 0.5 * (code.mean**2 + code.std**2 - 1).sum() - np.log(code.std).sum()
    assert found[0].rate == pytest.approx(by_hand, rel=1e-4)
    plain = np.random.default_rng(0).standard_normal((200, encoding.SAMPLES, 2)).astype(np.float32)
    z = (code.mean + code.std * plain).reshape(-1, 2)
    spread = bernoulli_loss(model, z, PIXELS[0]).reshape(200, -1).mean(1)
    assert values.std() < 0.8 * spread.std(), "even points beat independent ones"


def bernoulli_loss(model: Autoencoder, z: NDArray[np.float32], image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns the cross-entropy of an image and each point's, from the decoder's logits: log(1 + e^y) - x y."""
    with torch.inference_mode():
        likelihood: Any = model.likelihood(torch.from_numpy(z), torch.ones(len(z)))
        y = likelihood.base_dist.logits.double().numpy().reshape(len(z), -1)
    loss: NDArray[np.float64] = (np.logaddexp(0, y) - image.reshape(1, -1) / 255 * y).sum(1)
    return loss


def wide_posterior() -> Autoencoder:
    model = perturbed(build(config(), 0))
    with torch.no_grad():
        for p in model.decoder.parameters():
            p.mul_(1.2)
    return model


def test_images_do_not_share_their_errors_and_a_point_has_none() -> None:
    model = wide_posterior()
    exact = expected_distortion(model, PIXELS[0])
    first, second = (
        [encoding.terms(Arrays(model), PIXELS[0], 1.0, (seed, image)).distortion - exact for seed in range(40)]
        for image in (0, 1)
    )
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.5
    assert encoding.terms(Arrays(model), PIXELS[0], 1.0, (0, 7)) == encoding.terms(
        Arrays(model), PIXELS[0], 1.0, (0, 7)
    )
    point = encoding.terms(Arrays(perturbed(build(config(kind="autoencoder"), 0))), PIXELS[0], 1.0, (0,))
    assert (point.error, point.rate) == (0, math.inf)


def test_many_visitors_at_once_get_the_same_numbers_and_nobody_touches_the_global_generator() -> None:
    model = wide_posterior()
    pixels = torch.from_numpy(PIXELS)

    def ask(image: int) -> tuple[encoding.Terms, float]:
        torch.rand(3)  # another thread's business
        curve = averages(model, pixels, 1.0, samples=3, seed=image)
        return encoding.terms(Arrays(model), PIXELS[image], 1.0, (0, image)), curve.distortion

    alone = [ask(image) for image in range(len(PIXELS))]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(3):
            together = list(threads.map(ask, range(len(PIXELS))))
            assert together == alone
    torch.manual_seed(5)
    before = torch.get_rng_state()
    encoding.terms(Arrays(model), PIXELS[0], 1.0, (0, 0))
    averages(model, pixels, 1.0, samples=3, seed=0)
    evaluate(model, pixels, 1.0, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_normal_sets_are_standard_normal_and_independent() -> None:
    numbers = normal_sets(400, 16, 3, (1, 2))
    assert numbers.shape == (400, 16, 3)
    assert stats.kstest(numbers[:, 0, 0], "norm").pvalue > 0.01
    assert stats.kstest(numbers[:, 5, 2], "norm").pvalue > 0.01
    means = numbers[:, :, 1].mean(1)
    assert abs(means.mean()) < 4 * means.std() / 20
    assert means.std() < 0.5 / np.sqrt(16), "far less than independent numbers"
    assert abs(np.corrcoef(means[::2], means[1::2])[0, 1]) < 0.25


@pytest.mark.parametrize("latent", [1, 2, 3])
def test_each_tile_of_the_atlas_is_the_image_of_its_own_centre(latent: int) -> None:
    model = perturbed(build(config(latent=latent), 0))
    picture = encoding.atlas(Arrays(model), 1.0, (-2.0, 2.0, -1.0, 3.0), 4)
    assert picture.shape == (32, 32)
    for row, column in ((0, 0), (1, 3), (3, 2)):
        z = np.zeros((1, latent), np.float32)
        z[0, :2] = (-1.5 + column, 2.5 - row)[: min(latent, 2)]
        tile = picture[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        assert np.allclose(tile, encoding.decode(Arrays(model), z, 1.0)[0] * 255, atol=1)
