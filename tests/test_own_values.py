"""Which values become black and white: grey levels are computed from the definition, over the whole set."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tests.test_own_data import GREY, npz, png, zipped
from vae_explorer.data import own
from vae_explorer.data.own import Reading, Upload, values

RAMP = np.linspace(0, 1, 60 * 12 * 10).reshape(60, 12, 10)  # from 0 to 1, both met


def image_files(images: NDArray[np.generic], kind: str = "PNG") -> bytes:
    return zipped({f"{k:02}.{kind.lower()}": png(Image.fromarray(image), kind) for k, image in enumerate(images)})


def expected(images: NDArray[np.generic], black: float, white: float) -> NDArray[np.uint8]:
    """Exact: a rational number for each value, rounded to even at a half."""
    low, width = Fraction(black), Fraction(white) - Fraction(black)
    levels = [min(max(round(255 * (Fraction(each) - low) / width), 0), 255) for each in images.ravel().tolist()]
    return np.array(levels, np.uint8).reshape(images.shape)


@pytest.mark.parametrize("how", ["png", "tiff"])
@pytest.mark.parametrize(
    ("top", "black_white", "note"),
    [
        (4095, (0, 4095), "fill 6.2 % of the usual 0 to 65535"),  # 12 bits
        (1023, (0, 1023), "fill 1.6 %"),
        (16_383, (0, 16_383), "fill 25 %"),
        (20, (0, 20), "fill 7.8 % of the usual 0 to 255"),  # a mask of classes
        (1, (0, 1), "Values from 0 to 1"),
        (255, (0, 255), ""),
        (60_000, (0, 65_535), "Values from 0 to 65535"),
    ],
)
def test_deep_images_of_a_zip_are_spread_over_the_range_of_all(
    how: str, top: int, black_white: tuple[int, int], note: str
) -> None:
    images = np.rint(RAMP * top).astype(np.uint16)  # no image holds the range by itself
    upload = own.read(image_files(images, how.upper()))
    np.testing.assert_array_equal(upload.pixels, expected(images, *black_white))
    assert upload.range == (0, top)
    assert note in " ".join(upload.notes)


def test_masks_of_eight_bits_are_spread_and_photographs_are_not() -> None:
    masks = np.rint(RAMP * 20).astype(np.uint8)
    upload = own.read(image_files(masks))
    np.testing.assert_array_equal(upload.pixels, expected(masks, 0, 20))
    assert upload.asks == {"values"}
    assert "Values from 0 to 20 become grey levels" in upload.notes[0]
    np.testing.assert_array_equal(own.read(image_files(masks), Reading(values="stored")).pixels, masks)
    np.testing.assert_array_equal(own.read(image_files(GREY // 3)).pixels, GREY // 3)
    stretched = own.read(image_files(GREY // 3), Reading(values="stretch"))
    np.testing.assert_array_equal(stretched.pixels, expected(GREY // 3, 0, 85))


def test_dark_images_among_bright_ones_stay_dark() -> None:
    images = GREY // 16
    images[7] = GREY[7]
    np.testing.assert_array_equal(own.read(image_files(images)).pixels, images)


def test_floating_point_images_are_read_and_those_with_nan_are_left_out() -> None:
    images = (RAMP * 6 - 2).astype(np.float32)
    upload = own.read(image_files(images, "TIFF"))
    np.testing.assert_array_equal(upload.pixels, expected(images, -2, 4))
    images[3, 2, 2] = np.nan
    (skipped,) = own.read(image_files(images, "TIFF")).skipped
    assert (skipped.name, "nan" in skipped.why) == ("03.tiff", True)


def test_a_deep_sheet_is_spread_over_its_own_range() -> None:
    images = np.rint(RAMP * 4095).astype(np.uint16)
    sheet = np.concatenate([np.concatenate(list(images[10 * k : 10 * k + 10]), 1) for k in range(6)])
    upload = own.read(png(Image.fromarray(sheet)), Reading(tile=(12, 10)))
    np.testing.assert_array_equal(upload.pixels, expected(images, 0, 4095))


def read(images: NDArray[np.generic], choice: own.Values = "auto") -> Upload:
    return own.read(npz(images=images), Reading(values=choice))


@pytest.mark.parametrize(
    ("images", "black_white"),
    [
        (RAMP.astype(np.float32) * np.nextafter(np.float32(1), np.float32(2)), (0, 1)),  # 1.0000001
        (RAMP * 1.04 - 0.02, (0, 1)),  # resampling's overshoot
        (RAMP * 0.6, (0, 1)),
        (RAMP * 0.1, (0, 0.1)),
        (RAMP * 2 - 1, (-1, 1)),
        (RAMP * 2.02 - 1.01, (-1, 1)),
        (RAMP - 0.5, (-0.5, 0.5)),
        (RAMP * 3.25 - 0.4242, (-0.4242, 3.25 - 0.4242)),  # standardised, as MNIST often is
        (RAMP * 16, (0, 16)),  # scikit-learn's digits
        (np.rint(RAMP * 16), (0, 16)),
        (RAMP * 255, (0, 255)),
        (RAMP * 263 - 4, (0, 255)),
        (RAMP * 200, (0, 255)),
        (RAMP * 65_535, (0, 65_535)),
        (RAMP * 4095, (0, 4095)),
        (np.rint(RAMP * 4080).astype(np.uint16), (0, 4080)),
        (np.rint(RAMP * 255 - 128).astype(np.int8), (-128, 127)),
        (np.rint(RAMP * 200 - 100).astype(np.int8), (-100, 100)),
        (np.rint(RAMP * 20).astype(np.uint8), (0, 20)),
        (np.rint(RAMP * 20).astype(np.int64), (0, 20)),
        (np.rint(RAMP * 255).astype(np.int64), (0, 255)),
        (np.rint(RAMP * 4095 - 1024).astype(np.int16), (-1024, 3071)),  # Hounsfield units
        (RAMP > 0.5, (0, 1)),
    ],
)
def test_an_arrays_black_and_white_are_what_somebody_would_choose(
    images: NDArray[np.generic], black_white: tuple[float, float]
) -> None:
    upload = read(images)
    # the definition is exact, the program rounds to doubles: they may part at halves, by one
    difference = upload.pixels.astype(int) - expected(images, *black_white).astype(int)
    assert np.abs(difference).max() <= 1
    assert (difference != 0).mean() < 1e-3
    assert upload.range == (images.min(), images.max())


@given(
    low=st.floats(allow_nan=False, allow_infinity=False),
    high=st.floats(allow_nan=False, allow_infinity=False),
    kind=st.sampled_from(["byte", "whole", "real"]),
    choice=st.sampled_from(["auto", "stretch", "stored"]),
)
def test_grey_levels_rise_with_values_whatever_they_are(
    low: float, high: float, kind: values.Kind, choice: own.Values
) -> None:
    found = values.Range(min(low, high), max(low, high))
    ends = values.ends(found, kind, choice)
    levels = values.grey_levels(np.array([found.low, found.low / 2 + found.high / 2, found.high]), ends)
    assert (np.diff(levels.astype(int)) >= 0).all()
    if ends == found and found.width:
        assert levels[[0, -1]].tolist() == [0, 255]


def test_values_from_0_up_are_not_usually_stored_from_minus_1() -> None:
    assert values.usual(values.Range(0.0, 1.08), "real") == (0, 255)
    assert values.usual(values.Range(-0.9, 1.08), "real") == (-1, 1)
