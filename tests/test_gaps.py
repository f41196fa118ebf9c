"""The gap measures of codes alone, each against a case whose answer is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, special, stats

from vae_explorer.latent.gaps import Mixture, fit_mixture, holes
from vae_explorer.latent.gaps.holes import fit_density, hole_share, log_density
from vae_explorer.latent.gaps.information import split_rate
from vae_explorer.latent.gaps.measures import (
    MEASURES,
    Score,
    binomial,
    compare,
    is_bound,
    jackknife,
    parts,
    pool,
    quantile,
)
from vae_explorer.latent.gaps.round_trip import displacement, round_trip
from vae_explorer.latent.gaps.sampling import draw
from vae_explorer.latent.gaps.smoothness import speed, squared_speeds, steepness
from vae_explorer.latent.model import Encoding, Floats, Model


class Linear(Model):
    """A decoder W z + b whose encoder undoes it exactly, and then moves the code by an offset: no network at all."""

    shape, has_prior = (8, 8), True

    def __init__(self, latent: int = 2, offset: float = 0.0) -> None:
        self.axes, self.offset = latent, offset
        self.w, self.b = normal(latent, 64, latent), normal(latent + 1, 64)

    def decode(self, z: Floats, beta: float) -> Floats:
        images: Floats = (z @ self.w.T + self.b).reshape(-1, *self.shape)
        return images

    def encode(self, images: Floats, beta: float) -> Encoding:
        mean = (images.reshape(len(images), -1) - self.b) @ np.linalg.pinv(self.w).T + np.float32(self.offset)
        return Encoding(mean, np.full_like(mean, 0.1))


class Exponential(Linear):
    """A decoder of one axis whose image changes by exp(z) per latent unit."""

    shape = (4, 4)

    def decode(self, z: Floats, beta: float) -> Floats:
        images: Floats = np.repeat(np.exp(z) / np.float32(4), 16, 1)
        return images.reshape(-1, *self.shape)


def normal(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


# Figures and their errors


def test_the_errors_are_those_of_repeated_measurements() -> None:
    samples = np.random.default_rng(0).standard_exponential((2000, 400))
    errors = [jackknife([each[group == 0].mean() for group in parts(400).T]) for each in samples]
    assert np.mean(errors) == pytest.approx(1 / math.sqrt(400), rel=0.05)
    for share in (0.5, 0.9):
        values, own = np.array([quantile(each, share) for each in samples]).T
        assert np.mean(values) == pytest.approx(-math.log(1 - share), rel=0.02)
        assert np.mean(own) == pytest.approx(values.std(), rel=0.05)
    hits = (samples < 0.1).sum(1)
    assert np.mean([binomial(each, 400) for each in hits]) == pytest.approx((hits / 400).std(), rel=0.05)
    assert 0 < binomial(0, 400) < 1 / 100


def test_a_jackknife_of_means_of_equal_groups_is_their_standard_error() -> None:
    means = normal(1, 10).astype(np.float64)
    without = [np.delete(means, group).mean() for group in range(10)]
    assert jackknife(without) == pytest.approx(means.std(ddof=1) / math.sqrt(10))


def test_more_seeds_mend_the_draws_part_alone() -> None:
    pooled = pool([Score(1.0, 0.3, 0.4), Score(1.1, 0.3, 0.4), Score(0.9, 0.3, 0.4)])
    assert pooled == pytest.approx((1.0, 0.3 / math.sqrt(3), 0.4))
    assert Score(1.0, 0.3, 0.4).error == pytest.approx(0.5)
    apart = pool([Score(1.0, 0.1, 0.0), Score(3.0, 0.1, 0.0)])
    assert apart == pytest.approx((2.0, 1.0, 0.0)), "seeds differ by more than they say"
    assert pool([Score(1.0, 0.1, 0.0), None]) is None
    assert pool([Score(1.0, 0.1, 0.2)]) == pytest.approx((1.0, 0.1, 0.2))


def test_the_better_one_is_told_only_beyond_two_standard_errors() -> None:
    low, high = Score(1.0, 0.03, 0.04), Score(1.2, 0.03, 0.04)
    assert MEASURES["holes"].better == "lower"
    assert (compare("holes", low, high), compare("holes", high, low)) == (1, -1)
    assert (compare("recall_pixels", low, high), compare("recall_pixels", high, low)) == (-1, 1)
    assert compare("holes", low, Score(1.14, 0.03, 0.04)) == 0
    assert compare("holes", low, None) == compare("holes", None, high) == 0
    assert compare("density_pixels", low, high) == compare("density_features", high, low) == 0, (
        "1 is what real ones have"
    )


def test_what_is_a_bound_wins_and_never_loses() -> None:
    low, high = Score(1.0, 0.0, 0.01), Score(2.0, 0.0, 0.01)
    for bounds, expected in (((True, False), 1), ((False, True), 0), ((True, True), 0), ((False, False), 1)):
        assert compare("kl_to_prior", low, high, bounds=bounds) == expected, "lower is better: the second loses"
        assert compare("mutual_information", high, low, bounds=bounds) == expected
        assert compare("kl_to_prior", high, low, bounds=bounds[::-1]) == -expected


def test_every_measure_says_what_it_means() -> None:
    for measure in MEASURES.values():
        assert measure.unit in ("share", "code std", "nats", "ratio", "classes")
        assert measure.words.endswith(".")
        assert measure.title != measure.words
    assert len({measure.title for measure in MEASURES.values()}) == len(MEASURES)
    assert [name for name, measure in MEASURES.items() if not measure.sampled] == [
        *("path_recognised_mlp", "path_recognised_knn", "fidelity", "kl_to_prior", "mutual_information")
    ]


# Sampling


def test_the_fitted_gaussian_has_the_codes_moments() -> None:
    codes = normal(0, 500, 3) @ np.array([[2, 0, 0], [1, 0.1, 0], [0, 0.5, 1]], np.float32) + 5
    z = draw("fitted", codes, 200_000, 1)
    scale = np.sqrt(np.diag(np.cov(codes.T)))
    assert np.allclose(z.mean(0), codes.mean(0), atol=0.01 * scale.max())
    assert np.allclose(np.cov(z.T, ddof=0), np.cov(codes.T, ddof=0), atol=0.02 * scale.max() ** 2)
    assert np.array_equal(draw("prior", codes, 7, 1), normal(1, 7, 3))
    spot = np.full((30, 2), 0.3, np.float32)
    assert np.array_equal(draw("fitted", spot, 5, 0), spot[:5])
    assert draw("fitted", codes[:, :1], 9, 0).shape == (9, 1)


def ring(seed: int, count: int) -> Floats:
    angle = np.random.default_rng(seed).random(count) * 2 * np.pi
    points: Floats = (np.stack([np.cos(angle), np.sin(angle)], 1) * 4 + 0.2 * normal(seed + 1, count, 2)).astype(
        np.float32
    )
    return points


def test_a_mixture_finds_the_codes_that_one_gaussian_misses() -> None:
    mixture = fit_mixture(ring(0, 3000))
    assert len(mixture.weights) == 30
    assert sum(mixture.weights) == pytest.approx(1)
    share = {}
    for name in ("fitted", "mixture"):
        z = draw(name, ring(0, 3000), 5000, 1, mixture)
        assert np.allclose(z.mean(0), ring(0, 3000).mean(0), atol=0.15)
        share[name] = (np.abs(np.linalg.norm(z, axis=1) - 4) < 0.6).mean()
    assert share["mixture"] > 0.95
    assert share["fitted"] < 0.5
    entropy = stats.differential_entropy(np.linalg.norm(draw("mixture", ring(0, 9), 5000, 2, mixture), axis=1))
    assert entropy == pytest.approx(stats.norm(0, 0.2).entropy(), abs=0.15)
    with pytest.raises(ValueError, match="mixture needs a fitted mixture"):
        draw("mixture", ring(0, 9), 5, 0)


def test_any_run_of_draws_has_the_components_in_their_shares() -> None:
    mixture = Mixture((0.5, 0.3, 0.2), ((-9.0,), (0.0,), (9.0,)), ((0.1,), (0.2,), (0.3,)))
    z = draw("mixture", np.zeros((2, 1), np.float32), 3000, 0, mixture)[:, 0]
    which = np.round(z / 9)
    for start in range(0, 3000, 300):
        part = which[start : start + 300]
        assert [(part == k).mean() for k in (-1, 0, 1)] == pytest.approx([0.5, 0.3, 0.2], abs=0.01)
    for k, (mean, std) in {-1: (-9, 0.1), 0: (0, 0.2), 1: (9, 0.3)}.items():
        assert stats.kstest((z[which == k] - mean) / std, "norm").pvalue > 0.01


def test_a_mixture_of_few_codes_or_of_one_spot_is_drawn_from_there() -> None:
    few = normal(0, 12, 3)
    assert len(fit_mixture(few).weights) == 12
    spot = np.tile(np.array([[0.3, -2.0]], np.float32), (50, 1))
    assert np.allclose(draw("mixture", spot, 20, 0, fit_mixture(spot)), spot[:20], atol=1e-4)


# Holes


def two_clusters(seed: int, count: int = 4000) -> Floats:
    codes = 0.3 * normal(seed, count, 2)
    codes[:, 0] += np.where(np.arange(count) // 2 % 2, 2, -2)
    return codes


def test_the_hole_share_of_two_far_apart_gaussians_is_known() -> None:
    radius = 0.3 * math.sqrt(-2 * math.log(1 - holes.HELD))
    exact = 1 - 2 * stats.ncx2.cdf(radius**2, 2, 2**2)
    for seed in range(2):
        codes = two_clusters(seed)
        score = hole_share(fit_density(codes), draw("prior", codes, 10_000, seed))
        assert exact - 0.05 < score.value < exact + 3 * score.error, (
            "few codes in the tails hide some holes, and never add"
        )
        assert score.draws == pytest.approx(math.sqrt(exact * (1 - exact) / 10_000), rel=0.2)
        assert 0 < score.images < 0.02


def test_one_draw_in_a_hundred_from_the_codes_own_distribution_is_in_a_hole() -> None:
    score = hole_share(fit_density(normal(0, 4000, 2)), normal(1, 10_000, 2))
    assert score.value == pytest.approx(1 - holes.HELD, abs=3 * score.error)


def test_the_hole_shares_error_is_that_of_other_codes_and_draws() -> None:
    scores = [
        hole_share(fit_density(two_clusters(s, 300)), draw("prior", two_clusters(s), 300, 50 + s)) for s in range(40)
    ]
    spread = float(np.std([score.value for score in scores]))
    assert spread / 2 < np.mean([score.error for score in scores]) < 2 * spread


def log_sum(z: Floats, codes: Floats, widths: NDArray[Any], own: bool = True) -> NDArray[np.float64]:
    """Returns the logarithm of the sum of all kernels, `(M,)`, in float64."""
    steps = (z[:, None].astype(np.float64) - codes) / widths
    exponents = (-0.5 * steps**2 - np.log(widths) - 0.5 * math.log(2 * math.pi)).sum(2)
    if not own:
        np.fill_diagonal(exponents, -np.inf)
    sums: NDArray[np.float64] = special.logsumexp(exponents, axis=1)
    return sums


def test_the_log_density_is_the_plain_double_sum_however_far_away() -> None:
    codes = normal(0, 50, 3)
    density = fit_density(codes)
    z = np.concatenate([normal(1, 300, 3), 1000 * normal(2, 5, 3)])
    exact = log_sum(z, codes, density.widths) - math.log(50)
    assert exact.min() < -1e5
    assert np.allclose(log_density(density, z), exact, rtol=1e-5, atol=1e-4)


def test_the_bandwidth_has_the_largest_likelihood_of_codes_left_out() -> None:
    codes = np.concatenate([normal(0, 300, 1), 10 + 3 * normal(1, 300, 1)])
    density = fit_density(codes)

    def likelihood(width: float) -> float:
        return float(log_sum(codes, codes, np.array([width]), own=False).mean())

    widths = np.geomspace(0.02, 5, 60)
    best = widths[np.argmax([likelihood(width) for width in widths])]
    assert density.widths[0] == pytest.approx(best, rel=0.15)
    level = np.quantile(log_sum(codes, codes, density.widths, own=False) - math.log(599), 0.01)
    assert density.level == pytest.approx(level, abs=1e-3)


def test_codes_in_one_spot_leave_the_rest_a_hole() -> None:
    spot = np.full((40, 2), 0.3, np.float32)
    density = fit_density(spot)
    assert hole_share(density, draw("prior", spot, 500, 0)).value == 1
    assert hole_share(density, draw("fitted", spot, 500, 0)).value == 0


# Round trip


@pytest.mark.parametrize("latent", [1, 2, 5])
def test_an_exact_inverse_brings_every_point_back(latent: int) -> None:
    model = Linear(latent)
    z = normal(0, 1500, latent)
    assert np.abs(displacement(model, z, 1.0)).max() < 1e-4
    moved = Linear(latent, offset=0.25)
    codes = 2 * normal(1, 400, latent)
    median, most = round_trip(displacement(moved, z, 1.0), codes)
    exact = 0.25 * math.sqrt((1 / codes.std(0) ** 2).sum())
    assert median is not None
    assert most is not None
    assert (median.value, most.value) == pytest.approx((exact, exact), rel=1e-3)
    assert median.images == pytest.approx(exact / math.sqrt(2 * 400 * latent), rel=1)


def test_normal_displacements_move_by_rayleighs_quantiles() -> None:
    codes = normal(0, 2000, 2) * np.array([0.1, 7], np.float32)
    steps = normal(1, 20_000, 2) * codes.std(0)
    for score, share in zip(round_trip(steps, codes), (0.5, 0.9), strict=True):
        assert score is not None
        assert score.value == pytest.approx(math.sqrt(-2 * math.log(1 - share)), abs=3 * score.error)
        assert score.draws < 0.02


def test_codes_in_one_spot_give_the_round_trip_no_unit() -> None:
    codes = normal(0, 40, 2)
    codes[:, 1] = 0.3
    assert round_trip(normal(1, 100, 2), codes) == (None, None)


# Rate, split


def encoding(mean: NDArray[Any], std: NDArray[Any]) -> Encoding:
    return Encoding(mean.astype(np.float32), std.astype(np.float32))


def rate_of(each: Encoding) -> float:
    mean, std = (values.astype(np.float64) for values in each)
    return float((0.5 * (mean**2 + std**2 - 1) - np.log(std)).sum(1).mean())


def test_posteriors_all_alike_tell_nothing_and_miss_the_prior_by_a_closed_form() -> None:
    alike = encoding(np.tile([0.5, -2.0], (200, 1)), np.tile([0.2, 1.5], (200, 1)))
    split = split_rate(alike, 1000, seed=0)
    assert split is not None
    assert split.mutual_information.value == pytest.approx(0, abs=1e-6)
    exact = sum(0.5 * (m**2 + s**2 - 1) - math.log(s) for m, s in ((0.5, 0.2), (-2.0, 1.5)))
    assert split.kl_to_prior.value == pytest.approx(exact, rel=1e-6)


def test_posteriors_far_apart_tell_all_there_is() -> None:
    apart = encoding(np.stack([np.linspace(-3, 3, 64), np.zeros(64)], 1), np.full((64, 2), 1e-3))
    split = split_rate(apart, 64, seed=0)
    assert split is not None
    assert split.mutual_information.value == pytest.approx(math.log(64))
    assert split.kl_to_prior.value == pytest.approx(rate_of(apart) - math.log(64))


def test_overlapping_posteriors_agree_with_quadrature() -> None:
    mean, std = np.array([-1.0, 0.2, 0.9, 3.0]), np.array([0.3, 0.8, 0.5, 1.2])
    z = np.linspace(-12, 14, 20_001)
    densities = stats.norm.pdf(z, mean[:, None], std[:, None])
    mixture = densities.mean(0)
    exact = integrate.simpson(mixture * (np.log(mixture) - stats.norm.logpdf(z)), x=z)
    each = encoding(mean[:, None], std[:, None])
    split = split_rate(each, 200_000, seed=0)
    assert split is not None
    assert split.kl_to_prior.value == pytest.approx(exact, abs=0.005)
    assert split.mutual_information.value + split.kl_to_prior.value == pytest.approx(rate_of(each))


def spheres(count: int, seed: int = 0) -> tuple[Encoding, float]:
    """Returns posteriors whose means are N(0, v I) and whose widths are all s, and their true mutual information."""
    v, s = 1.0, 0.05
    return encoding(math.sqrt(v) * normal(seed, count, 2), np.full((count, 2), s)), math.log(1 + v / s**2)


@pytest.mark.parametrize("draws", [600, 2000])
def test_more_images_bring_the_information_up_to_the_true_one_and_a_bound_says_where_it_is_not(draws: int) -> None:
    found = {}
    for count in (100, 1000, 20_000):
        posteriors, exact = spheres(count)
        split = split_rate(posteriors, draws, seed=0)
        assert split is not None
        found[count] = split.mutual_information
        assert split.mutual_information.value < min(exact + 3 * split.mutual_information.error, math.log(count))
        assert is_bound(split.mutual_information, count) == (exact - split.mutual_information.value > 0.15)
    assert found[100].value < found[1000].value < found[20_000].value
    assert found[20_000].value == pytest.approx(exact, abs=0.05 + 3 * found[20_000].error)
    assert not is_bound(None, 10)


def test_the_error_of_the_split_is_that_of_other_images() -> None:
    def of(seed: int) -> tuple[Score, Score]:
        split = split_rate(
            encoding(1.5 * normal(seed, 200, 2), 0.3 + 0.5 * np.abs(normal(seed + 100, 200, 2))), 200, seed
        )
        assert split is not None
        return split

    for scores in zip(*map(of, range(60)), strict=True):
        spread = float(np.std([score.value for score in scores]))
        assert spread / 1.6 < np.mean([score.error for score in scores]) < 1.6 * spread


def test_a_collapsed_vae_has_nothing_to_split_and_a_point_has_no_rate() -> None:
    split = split_rate(encoding(np.zeros((30, 2)), np.ones((30, 2))), 100, seed=0)
    assert split is not None
    assert (split.mutual_information.value, split.kl_to_prior.value) == pytest.approx((0, 0), abs=1e-6)
    assert split_rate(encoding(normal(0, 30, 2), np.zeros((30, 2))), 100, seed=0) is None


# Smoothness


@pytest.mark.parametrize("latent", [1, 2, 5])
def test_a_linear_decoder_is_equally_fast_everywhere(latent: int) -> None:
    model = Linear(latent)
    codes = normal(0, 300, latent)
    codes *= np.arange(1, latent + 1, dtype=np.float32)
    squared = squared_speeds(model, normal(1, 200, latent), 1.0)
    turns = normal(2, 100_000, latent)
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    lengths = np.linalg.norm((turns * codes.std(0)) @ model.w.T, axis=1)
    assert np.allclose(speed(squared, codes), math.sqrt((lengths**2).mean()), rtol=0.02)
    score = steepness(squared, codes)
    assert score is not None
    assert score == pytest.approx((1, 0, 0), abs=1e-3)


def test_an_exponential_decoder_is_as_uneven_as_a_lognormal() -> None:
    model = Exponential(1)
    z = normal(0, 40_000, 1)
    squared = squared_speeds(model, z, 1.0)
    assert np.allclose(squared, np.exp(2 * z), rtol=1e-4)
    score = steepness(squared, normal(1, 100, 1))
    assert score is not None
    assert score.value == pytest.approx(math.exp(stats.norm.ppf(0.99)), abs=3 * score.error)
    ratios = [steepness(part, z[:100]) for part in np.array_split(squared, 40)]
    spread = np.std([each.value for each in ratios if each])
    assert np.mean([each.error for each in ratios if each]) == pytest.approx(spread, rel=0.4)


def test_a_decoder_that_never_changes_has_no_ratio() -> None:
    assert steepness(np.zeros((100, 2), np.float32), normal(0, 30, 2)) is None
