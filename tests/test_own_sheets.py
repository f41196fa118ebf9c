"""Sheets are cut where somebody would cut them: lines, edges and empty ends are found in the picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.test_own_data import png
from vae_explorer.data import own
from vae_explorer.data.own import Reading


def noise(count: int, height: int, width: int, *colours: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, height, width, *colours), dtype=np.uint8)


def shapes(count: int, side: int) -> NDArray[np.uint8]:
    """Bright discs on black that touch no edge, as digits do: their margins look like lines."""
    at, random = np.arange(side), np.random.default_rng(side)
    middle, radius = side / 2 + random.uniform(-2, 2, (count, 2)), random.uniform(side / 6, side / 4, count)
    apart = np.hypot(at[:, None] - middle[:, 0, None, None], at - middle[:, 1, None, None])
    return (255 * (radius[:, None, None] - apart).clip(0, 1)).astype(np.uint8)


def sheet(images: NDArray[np.uint8], across: int, gap: int = 0, border: int = 0, line: int = 0) -> NDArray[np.uint8]:
    """What torchvision's make_grid draws (there the border is the gap)."""
    count, height, width = images.shape[:3]
    rows = math.ceil(count / across)
    size = rows * (height + gap) - gap + 2 * border, across * (width + gap) - gap + 2 * border
    out = np.full((*size, *images.shape[3:]), line, np.uint8)
    for k, image in enumerate(images):
        top, left = border + k // across * (height + gap), border + k % across * (width + gap)
        out[top : top + height, left : left + width] = image
    return out


@pytest.mark.parametrize("line", [0, 128, 255])
@pytest.mark.parametrize("border", [True, False], ids=["around", "between"])
@pytest.mark.parametrize("gap", [1, 2, 5])
@pytest.mark.parametrize("side", [28, 30, 32, 64])
def test_lines_between_tiles_are_found_and_left_out(side: int, gap: int, border: bool, line: int) -> None:
    images = np.concatenate([shapes(40, side), noise(30, side, side)])
    upload = own.read(png(sheet(images, 10, gap, gap * border, line)))
    np.testing.assert_array_equal(upload.pixels, images)
    assert (upload.tile, upload.gap, upload.skipped) == ((side, side), gap, ())
    assert f"lines between them, {gap} pixels wide" in upload.notes[0]


def test_the_padding_of_a_grid_of_colour_images_is_found_in_a_jpeg_file_too() -> None:
    smooth = noise(64, 4, 4, 3).repeat(8, 1).repeat(8, 2)
    upload = own.read(png(Image.fromarray(sheet(smooth, 8, 2, 2)), "JPEG", quality=90))
    assert (upload.tile, upload.gap, len(upload.pixels)) == ((32, 32), 2, 64)
    inner = (slice(None), slice(4, -4), slice(4, -4))
    assert np.abs(upload.pixels[inner].astype(int) - smooth[inner]).mean() < 12


@pytest.mark.parametrize("side", [28, 32])
def test_margins_of_digits_are_no_lines(side: int) -> None:
    images = shapes(70, side)
    upload = own.read(png(sheet(images, 10)))
    np.testing.assert_array_equal(upload.pixels, images)
    assert upload.gap == 0


@pytest.mark.parametrize("side", [20, 40, 50, 64])
def test_tiles_of_an_unusual_side_are_found_by_their_edges(side: int) -> None:
    random = np.random.default_rng(0)
    ramps = np.linspace(0, 127, side)[:, None] + np.linspace(0, 127, side)
    images = ramps[None] * random.choice([-1, 1], (80, 1, 1)) + random.uniform(0, 1, (80, 1, 1))
    upload = own.read(png(sheet((images % 256).astype(np.uint8), 10)))
    assert upload.tile == (side, side)


def test_the_user_says_how_wide_the_lines_are() -> None:
    images = noise(60, 12, 10)
    picture = png(sheet(images, 10, 3, 3))
    upload = own.read(picture, Reading(tile=(12, 10), gap=3))
    np.testing.assert_array_equal(upload.pixels, images)
    between = own.read(png(sheet(images, 10, 3)), Reading(tile=(12, 10), gap=3))
    np.testing.assert_array_equal(between.pixels, images)


@pytest.mark.parametrize("kind", ["noise", "shapes"])
@pytest.mark.parametrize("ground", [0, 255, 90])
@pytest.mark.parametrize("colours", [(), (3,)], ids=["grey", "colour"])
@pytest.mark.parametrize("quality", [60, 90])
def test_the_empty_end_of_a_jpeg_sheet_is_left_out(
    kind: str, ground: int, colours: tuple[int, ...], quality: int
) -> None:
    images = noise(63, 28, 28, *colours) // 128 * 255 if kind == "noise" else shapes(63, 28)
    if kind == "shapes" and colours:
        images = images[..., None] * np.array([1, 0, 1], np.uint8)
    upload = own.read(png(sheet(images, 10, line=ground), "JPEG", quality=quality))
    assert len(upload.pixels) == 63
    assert len(upload.skipped) == 7


def test_a_faint_image_in_a_sheet_is_no_empty_tile() -> None:
    images = noise(60, 28, 28)
    images[30] = 0
    images[30, 14, 14] = 30
    assert len(own.read(png(sheet(images, 10))).pixels) == 60
    images[59] = 0
    images[59, 10:18, 10:18] = 60  # the last one, with something in its middle
    assert len(own.read(png(sheet(images, 10), "JPEG", quality=90), Reading(tile=(28, 28))).pixels) == 59 + 1
