"""Which of two images is nearer, against SciPy's shifts and densities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage, stats

from vae_explorer.data import load
from vae_explorer.theory.similarity import log_gaussian, shifted, squared_distance, variants

DIGIT = load("digits", "test").pixels[0].astype(np.float32) / 255


@pytest.mark.parametrize("by", [0.0, 0.25, 0.5, 1.0])
def test_a_shift_is_scipys_of_first_order(by: float) -> None:
    padded = np.pad(DIGIT, 1)  # SciPy knows no pixel between the last one and the outside
    exact = ndimage.shift(padded, by, order=1, mode="constant")[1:-1, 1:-1]
    assert np.allclose(shifted(DIGIT, by), exact, atol=1e-6)
    colours = np.stack([DIGIT, DIGIT / 2, 1 - DIGIT], -1)
    exact = ndimage.shift(np.pad(colours, ((1, 1), (1, 1), (0, 0))), (by, by, 0), order=1, mode="constant")[1:-1, 1:-1]
    assert np.allclose(shifted(colours, by), exact, atol=1e-6)


def test_the_piece_that_is_missing_held_most_ink_of_its_size() -> None:
    missing = variants(DIGIT, 2).missing
    gone = DIGIT.sum() - missing.sum()
    assert gone == pytest.approx(max(DIGIT[r : r + 2, c : c + 2].sum() for r in range(7) for c in range(7)), rel=1e-6)
    rows, columns = np.nonzero(missing != DIGIT)
    assert np.ptp(rows) < 2
    assert np.ptp(columns) < 2
    assert not missing[rows, columns].any()
    assert np.array_equal(variants(DIGIT, 0).missing, DIGIT)
    assert not variants(DIGIT, 8).missing.any()
    assert np.array_equal(variants(DIGIT, 2).image, DIGIT)
    assert np.array_equal(variants(DIGIT, 2).whole[1:, 1:], DIGIT[:-1, :-1])
    assert np.array_equal(variants(DIGIT, 2).half, shifted(DIGIT, 0.5))


@pytest.mark.parametrize("sigma", [0.05, 0.3, 2.0])
def test_log_gaussian_is_scipys_density(sigma: float) -> None:
    others = np.random.default_rng(0).random((3, 8, 8), np.float32)
    squared = squared_distance(DIGIT, others)
    exact = np.sum(stats.norm.logpdf(DIGIT.astype(np.float64), others, sigma), (1, 2))
    assert np.allclose(log_gaussian(squared, sigma, 64), exact, rtol=1e-6)


def test_what_makes_no_gaussian_no_piece_and_no_shift_is_refused_in_words() -> None:
    for sigma in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="sigma must be above 0"):
            log_gaussian(np.ones(1), sigma, 64)
    for piece in (-1, 9):
        with pytest.raises(ValueError, match="cannot be cut"):
            variants(DIGIT, piece)
    for by in (-0.1, 1.5):
        with pytest.raises(ValueError, match="shift"):
            shifted(DIGIT, by)


def test_a_tiny_sigma_gives_no_infinity() -> None:
    assert np.isfinite(log_gaussian(np.array([100.0]), 1e-4, 784)).all()
