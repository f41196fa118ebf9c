"""Gap fields: each cell holds what its centre is measured to have."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.test_gaps import Linear, normal
from tests.test_models import config, perturbed
from vae_explorer.data import Images
from vae_explorer.latent.encoding import decode, encode
from vae_explorer.latent.gaps import FIELDS, Judges, fit_judges, gap_field
from vae_explorer.latent.gaps.holes import fit_density, log_density
from vae_explorer.latent.geometry import pullback_metric
from vae_explorer.latent.model import Floats
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder, build

EXTENT = (-2.0, 2.0, -1.0, 3.0)
SIDE = 13
PIXELS = np.random.RandomState(0).randint(0, 256, (60, 8, 8)).astype(np.uint8)
IMAGES = Images(PIXELS, (PIXELS.mean((1, 2)) > 128).astype(np.int64), ("dark", "bright"), "sixty images")


@pytest.fixture(scope="module")
def judges() -> Judges:
    return fit_judges(IMAGES, IMAGES, 0)


@pytest.fixture(scope="module")
def model() -> Autoencoder:
    return perturbed(build(config(kind="multi-rate"), 0))


def centre(row: int, column: int, axes: int = 2) -> Floats:
    z = np.zeros((1, axes), np.float32)
    z[0, :2] = [-2 + 4 * (column + 0.5) / SIDE, 3 - 4 * (row + 0.5) / SIDE][:axes]
    return z


def at(name: str, model: Autoencoder, codes: Floats, judges: Judges, z: Floats, beta: float) -> float:
    """Returns one value, straight from the definition."""
    with torch.inference_mode():
        weight = torch.full((1,), beta)
        image = model.likelihood(torch.from_numpy(z), weight).mean
        back = model.posterior(image, weight).mean.numpy()
    match name:
        case "density":
            density = fit_density(codes)
            return float(log_density(density, z)[0] - density.level)
        case "round_trip":
            return float(np.linalg.norm((back - z) / codes.std(0)))
        case "doubt":
            return float(1 - judges.probabilities("mlp", image.numpy()).max())
        case "nearest":
            return float(np.sqrt(((PIXELS / 255 - image.numpy()) ** 2).mean((1, 2))).min())
        case "speed":
            metric = pullback_metric(Arrays(model), z, beta)[0]
            return float(np.sqrt(np.trace(metric * np.outer(codes.std(0), codes.std(0))) / z.shape[1]))
    raise AssertionError(name)


@pytest.mark.parametrize("latent", [1, 2, 3])
@pytest.mark.parametrize("name", FIELDS)
def test_each_cell_is_measured_at_its_centre(name: str, latent: int, judges: Judges) -> None:
    model = perturbed(build(config(kind="multi-rate", latent=latent), 0))
    codes = encode(Arrays(model), PIXELS, 0.3).mean
    field = gap_field(Arrays(model), codes, EXTENT, SIDE, name, 0.3, pixels=PIXELS, judges=judges)
    assert field.shape == (SIDE, SIDE)
    assert field.dtype == np.float32
    for row, column in ((0, 0), (2, 11), (12, 4)):
        exact = at(name, model, codes, judges, centre(row, column, latent), 0.3)
        assert field[row, column] == pytest.approx(exact, rel=1e-3, abs=1e-3)
    if latent == 1:
        assert np.allclose(field, field[:1], atol=1e-4)


def test_a_decoded_test_image_is_at_no_distance_and_at_home() -> None:
    model = Linear()
    codes = np.repeat(centre(3, 5), 30, 0) + np.concatenate([np.zeros((1, 2)), normal(0, 29, 2)]).astype(np.float32)
    model.w, model.b = np.float32(0.05) * model.w, np.full_like(model.b, 0.5)
    pixels = (255 * decode(model, codes, 1.0)).round().astype(np.uint8)
    nearest = gap_field(model, codes, EXTENT, SIDE, "nearest", 1.0, pixels=pixels)
    assert nearest.argmin() == 3 * SIDE + 5
    assert nearest[3, 5] < 1 / 255
    assert gap_field(model, codes, EXTENT, SIDE, "round_trip", 1.0).max() < 1e-3
    speeds = gap_field(model, codes, EXTENT, SIDE, "speed", 1.0)
    assert np.allclose(speeds, speeds[0, 0], rtol=1e-4)


def test_codes_in_one_spot_give_finite_fields(model: Autoencoder, judges: Judges) -> None:
    spot = np.full((60, 2), 0.3, np.float32)
    for name in FIELDS:
        field = gap_field(Arrays(model), spot, EXTENT, SIDE, name, 1.0, pixels=PIXELS, judges=judges)
        assert np.isfinite(field).all()


def test_what_a_field_needs_is_asked_for_by_name(model: Autoencoder) -> None:
    codes = normal(0, 60, 2)
    for name, field in FIELDS.items():
        if field.needs:
            with pytest.raises(ValueError, match=f"the field {name} needs {next(iter(field.needs))}"):
                gap_field(Arrays(model), codes, EXTENT, SIDE, name, 1.0)
        else:
            gap_field(Arrays(model), codes, EXTENT, SIDE, name, 1.0)
        assert field.words.endswith(".")


def test_progress_rises_to_one_and_can_end_the_work(model: Autoencoder) -> None:
    seen: list[float] = []
    codes = normal(0, 60, 2)
    gap_field(Arrays(model), codes, EXTENT, 100, "speed", 1.0, show=seen.append)
    assert seen == pytest.approx(np.arange(1, 11) / 10)

    def stop(fraction: float) -> None:
        raise InterruptedError(str(fraction))

    with pytest.raises(InterruptedError, match=r"0\.1"):
        gap_field(Arrays(model), codes, EXTENT, 100, "speed", 1.0, show=stop)
