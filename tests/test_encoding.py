"""Arrays in, arrays out: the same numbers as the model's own distributions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vae_explorer.latent.encoding as encoding
from tests.test_models import config, perturbed
from vae_explorer.models import build

PIXELS = np.random.RandomState(1).randint(0, 256, (23, 8, 8)).astype(np.uint8)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "BATCH", 10)


def test_encode_gives_the_posterior_of_every_image_in_order() -> None:
    model = perturbed(build(config(kind="multi-rate"), 0))
    q = model.posterior(torch.from_numpy(PIXELS).float() / 255, torch.full((23,), 0.3))
    result = encoding.encode(model, PIXELS, 0.3)
    assert np.allclose(result.mean, q.mean.detach(), atol=1e-5)
    assert np.allclose(result.std, q.stddev.detach(), atol=1e-5)


def test_decode_gives_the_mean_image_of_every_point_in_order() -> None:
    model = perturbed(build(config(likelihood="continuous-bernoulli"), 0))
    z = np.random.RandomState(2).randn(23, 2).astype(np.float32)
    expected = model.likelihood(torch.from_numpy(z), torch.ones(23)).mean.detach()
    assert np.allclose(encoding.decode(model, z, 1.0), expected, atol=1e-5)


def test_measure_is_seeded_and_its_distortion_averages_to_the_expected_one() -> None:
    model = perturbed(build(config(), 0))
    first, again, other = (encoding.measure(model, PIXELS, 1.0, seed) for seed in (0, 0, 1))
    assert np.array_equal(first.distortion, again.distortion)
    assert not np.array_equal(first.distortion, other.distortion)
    assert np.array_equal(first.rate, other.rate)
    code = encoding.encode(model, PIXELS, 1.0)
    by_hand = 0.5 * (code.mean**2 + code.std**2 - 1).sum(1) - np.log(code.std).sum(1)
    assert np.allclose(first.rate, by_hand, rtol=1e-4)


@pytest.mark.parametrize("latent", [1, 2, 3])
def test_each_tile_of_the_atlas_is_the_image_of_its_own_centre(latent: int) -> None:
    model = perturbed(build(config(latent=latent), 0))
    picture = encoding.atlas(model, 1.0, (-2.0, 2.0, -1.0, 3.0), 4)
    assert picture.shape == (32, 32)
    for row, column in ((0, 0), (1, 3), (3, 2)):
        z = np.zeros((1, latent), np.float32)
        z[0, :2] = (-1.5 + column, 2.5 - row)[: min(latent, 2)]
        tile = picture[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        assert np.allclose(tile, encoding.decode(model, z, 1.0)[0] * 255, atol=1)
