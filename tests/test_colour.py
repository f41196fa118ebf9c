"""Colours: a dense model sees H x W x 3 values as it sees grey images of H x 3W; convolutions treat channels alike."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from tests.test_explore import LIMITS, loaded, unpack
from vae_explorer import data
from vae_explorer.config import ConfigError, ModelConfig, TrainingConfig
from vae_explorer.data import Images
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.encoding import atlas, decode, encode, terms
from vae_explorer.latent.gaps import gap_field
from vae_explorer.latent.geometry import magnification
from vae_explorer.latent.marginal import log_marginal, make_grid
from vae_explorer.latent.model import Model
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import build
from vae_explorer.training.engine import fit
from vae_explorer.ui.shell import messages

COLOUR = ModelConfig(kind="multi-rate", data="digits", shape=(6, 5, 3), encoder=(16,), decoder=(16, 12))
GREY = replace(COLOUR, shape=(6, 15))
PIXELS: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)
EXTENT = (-2.0, 2.0, -2.0, 2.0)

ASKED: dict[str, Callable[[Model, NDArray[np.uint8]], Any]] = {
    "codes": lambda model, x: encode(model, x, 0.5).mean,
    "images": lambda model, x: decode(model, encode(model, x, 0.5).mean, 0.5),
    "distortion": lambda model, x: np.array([terms(model, each, 0.5, seed=(0,)).distortion for each in x[:4]]),
    "log p(x)": lambda model, x: log_marginal(model, x, 0.5, make_grid(64, 5.0)).log_p,
    "magnification": lambda model, x: magnification(model, 0.5, EXTENT, 4),
    "nearest": lambda model, x: gap_field(model, encode(model, x, 0.5).mean, EXTENT, 4, "nearest", 0.5, pixels=x),
    "speed": lambda model, x: gap_field(model, encode(model, x, 0.5).mean, EXTENT, 4, "speed", 0.5),
    "round trip": lambda model, x: gap_field(model, encode(model, x, 0.5).mean, EXTENT, 4, "round_trip", 0.5),
}


@pytest.mark.parametrize("question", ASKED)
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_what_is_asked_of_a_dense_model_is_that_of_a_wider_grey_one(likelihood: str, question: str) -> None:
    coloured = build(replace(COLOUR, likelihood=likelihood), 0)  # type: ignore[arg-type]
    grey = build(replace(GREY, likelihood=likelihood), 0)  # type: ignore[arg-type]
    found = ASKED[question](Arrays(coloured), PIXELS)
    wanted = ASKED[question](Arrays(grey), PIXELS.reshape(40, 6, 15))
    np.testing.assert_allclose(found.reshape(wanted.shape), wanted, rtol=1e-5, atol=1e-6)
    assert question != "images" or found.shape == PIXELS.shape


def test_training_a_dense_model_gives_the_wider_grey_ones_weights() -> None:
    labels = np.zeros(40, np.int64)
    results = []
    for config, pixels in ((COLOUR, PIXELS), (GREY, PIXELS.reshape(40, 6, 15))):
        model, part = build(config, 0), Images(pixels, labels, ("image",), "")
        settings = TrainingConfig(epochs=2, batch=10, noise=0.1, target="binarised", precision="float32")
        last = list(fit(model, part, part, settings))[-1]
        results.append((last.validation, torch.cat([p.detach().flatten() for p in model.parameters()])))
    assert results[0][0] == results[1][0]
    assert torch.equal(results[0][1], results[1][1])


@pytest.mark.parametrize("shape", [(8, 8, 3), (9, 11, 3)])
@pytest.mark.parametrize("kind", ["autoencoder", "multi-rate"])
def test_convolutions_know_red_from_blue_by_their_weights_alone(shape: tuple[int, ...], kind: str) -> None:
    """Red and blue change places in image and weights: then the codes stay, and the decoded image changes likewise."""
    config = replace(COLOUR, kind=kind, shape=shape, backbone="convolutional", encoder=(4, 8), decoder=(8, 4))  # type: ignore[arg-type]
    model, swapped = build(config, 0), build(config, 0)
    with torch.no_grad():
        first: Any = swapped.encoder.stack.layers[0]
        last: Any = swapped.decoder.out
        first.weight.copy_(first.weight.flip(1))
        last.weight.copy_(last.weight.flip(1))
        last.bias.copy_(last.bias.flip(0))
    pixels = np.random.default_rng(1).integers(0, 256, (10, *shape), dtype=np.uint8)
    codes = encode(Arrays(model), pixels, 1.0).mean
    np.testing.assert_allclose(encode(Arrays(swapped), pixels[..., ::-1].copy(), 1.0).mean, codes, atol=1e-6)
    images = decode(Arrays(model), codes, 1.0)
    assert images.shape == pixels.shape
    np.testing.assert_allclose(decode(Arrays(swapped), codes, 1.0), images[..., ::-1], atol=1e-6)
    assert np.abs(images - images[..., ::-1]).max() > 1e-3


def test_a_mosaic_is_one_of_each_channel() -> None:
    whole = PICTURES.sheet(PIXELS[:9])
    np.testing.assert_array_equal(whole, np.stack([PICTURES.sheet(PIXELS[:9, ..., k]) for k in range(3)], -1))


@pytest.mark.parametrize("shape", [(8,), (8, 8, 2), (8, 8, 4), (8, 8, 3, 1), (0, 8, 3)])
def test_shapes_that_are_no_image_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="shape"):
        replace(COLOUR, shape=shape)


def test_the_shape_survives_json() -> None:
    assert ModelConfig.from_json(COLOUR.to_json()) == COLOUR


def test_png_files_and_the_atlas_hold_the_colours() -> None:
    image = np.asarray(Image.open(io.BytesIO(PICTURES.exported(PIXELS[0]))))
    np.testing.assert_array_equal(image, PIXELS[0])
    message = unpack(messages.atlases(loaded(COLOUR), LIMITS))
    picture = np.asarray(Image.open(io.BytesIO(message["atlas0"].tobytes())))
    beta = message["rungs"][0]
    wanted = atlas(Arrays(build(COLOUR, 0)), beta, messages.extent_of(LIMITS), messages.ATLAS_TILES)
    assert message["coloured"]
    np.testing.assert_array_equal(picture, wanted)


def test_another_shape_than_the_models_is_refused_with_what_to_do() -> None:
    with pytest.raises(data.DataError, match=r"6 x 5 x 3, and these are 8 x 8 .* train a new model"):
        data.demand_shape(data.load("digits", "test"), COLOUR.shape)
