"""Gap fields: each cell holds what its centre is measured to have."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial import distance

from tests.test_gaps import Linear, normal
from tests.test_models import config, perturbed
from vae_explorer.data import Images
from vae_explorer.latent.encoding import decode, encode, plane
from vae_explorer.latent.gaps import FIELDS, Judges, fit_judges, gap_field
from vae_explorer.latent.gaps.fields import FieldAnswer, worst_spots
from vae_explorer.latent.gaps.holes import fit_density, log_density
from vae_explorer.latent.gaps.nearest import Nearest
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


@pytest.mark.parametrize("latent", [2, 5])
@pytest.mark.parametrize("name", FIELDS)
def test_a_field_can_be_asked_anywhere_in_all_axes(name: str, latent: int, judges: Judges) -> None:
    model = perturbed(build(config(kind="multi-rate", latent=latent), 0))
    codes = encode(Arrays(model), PIXELS, 0.3).mean
    answer = FieldAnswer(Arrays(model), codes, name, 0.3, pixels=PIXELS, classifier=judges.network)
    points = normal(3, 7, latent)
    values = answer.at(points)
    assert values.dtype == np.float32
    exact = [at(name, model, codes, judges, z[None], 0.3) for z in points]
    assert values == pytest.approx(exact, rel=1e-3, abs=1e-3)
    coarse = answer.grid(EXTENT, 4)
    assert np.allclose(coarse, answer.at(plane(latent, EXTENT, 4).reshape(16, latent)).reshape(4, 4), atol=1e-5)


@pytest.mark.parametrize("shape", [(28, 28), (8, 8), (9, 7, 3)])
def test_the_nearest_image_is_the_nearest_of_all(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    strokes = (random.random((1_500, *shape)) < 0.2) * random.integers(0, 256, (1_500, *shape))
    pixels = strokes.astype(np.uint8)
    blurred = pixels[:400].reshape(100, 4, *shape).mean(1) / 255
    images = np.concatenate([blurred, random.random((100, *shape)), pixels[:5] / 255, np.zeros((1, *shape))])
    found = Nearest(pixels).distances(images.astype(np.float32))
    flat = images.astype(np.float32).reshape(len(images), -1).astype(np.float64)
    exact = distance.cdist(flat, pixels.reshape(1_500, -1) / 255).min(1) / np.sqrt(flat.shape[1])
    assert np.allclose(found, exact, atol=2e-5)
    assert np.all(found[200:205] < 1e-6), "a real image is at no distance"


def test_few_images_and_images_of_one_grey_have_a_nearest_too() -> None:
    alike = np.full((3, 4, 4), 51, np.uint8)
    assert np.allclose(Nearest(alike).distances(np.full((2, 4, 4), 0.5, np.float32)), 0.3, atol=1e-6)
    assert Nearest(alike).distances(np.zeros((0, 4, 4), np.float32)).shape == (0,)


def apart(points: Floats, values: Floats, count: int) -> list[int]:
    """Returns the worst spots by a plain loop."""
    scaled = points.astype(np.float64) / points.std(0)
    found: list[int] = []
    for row in sorted(range(len(values)), key=lambda row: (-values[row], row)):
        near = any(np.linalg.norm(scaled[row] - scaled[other]) < 0.5 for other in found)
        if np.isfinite(values[row]) and not near and len(found) < count:
            found.append(row)
    return found


@pytest.mark.parametrize("axes", [1, 2, 4])
def test_worst_spots_are_the_worst_and_not_near_each_other(axes: int) -> None:
    points = (normal(0, 500, axes) * np.array([1, 100, 0.01, 1][:axes])).astype(np.float32)
    values = normal(1, 500, 1)[:, 0]
    values[[3, 77, 200]] = [np.nan, np.inf, -np.inf]
    shown = np.where(np.isfinite(values), values, -np.inf)
    assert worst_spots(values, points, "lower").tolist() == apart(points, shown, 8)
    assert worst_spots(-values, points, "higher", 3).tolist() == apart(points, shown, 3)
    assert len(worst_spots(values, points * 0 + 1, "lower")) == 1, "draws at one place are one spot"


def test_where_no_spot_is_worse_there_is_none() -> None:
    points = normal(0, 50, 2)
    for values in (
        np.full(50, 0.3),
        0.3 + 2e-8 * np.arange(50),
        np.zeros(50),
        np.full(50, np.nan),
        np.full(50, np.inf),
    ):
        assert worst_spots(values.astype(np.float32), points, "lower").tolist() == []
    assert worst_spots(np.zeros(0, np.float32), points[:0], "lower").tolist() == []
    assert worst_spots(np.array([np.nan, 1, 2], np.float32), points[:3] * 9, "lower").tolist() == [2, 1]
