"""Bits against SciPy's distributions, integrals, Pillow's own files and codes that are counted by hand."""

from __future__ import annotations

import io
import math
from typing import Any

import mpmath  # type: ignore[import-untyped]  # PyTorch brings it
import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from torch.distributions import Bernoulli, Normal, kl_divergence

from tests.test_models import config, perturbed
from vae_explorer.data import load
from vae_explorer.latent.model import Encoding
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.models.objectives import terms
from vae_explorer.theory import coding

LEVELS = np.arange(256, dtype=np.uint8)
DIGITS = load("digits", "test").pixels[:100]
BITS = 1 / np.log(2)


def vae(likelihood: str, **changes: Any) -> Autoencoder:
    """A random model whose posteriors are neither points nor the prior."""
    network = perturbed(build(config(kind="vae", likelihood=likelihood, **changes), 0)).eval()
    network.log_scale.data.fill_(math.log(0.2))
    return network


@pytest.mark.parametrize("sigma", [1e-4, 0.003, 0.05, 0.2, 5.0])
@pytest.mark.parametrize("mean", [0.0, 0.3, 0.998, 1.0, 1.4])
def test_the_chances_of_all_levels_sum_to_one(mean: float, sigma: float) -> None:
    log_mass = coding.log_mass(LEVELS, np.full(256, mean), sigma)
    assert np.exp(log_mass).sum() == pytest.approx(1, abs=1e-12)
    assert np.isfinite(log_mass).all()


@pytest.mark.parametrize(("mean", "sigma"), [(0.31, 0.2), (0.02, 0.05), (0.9, 0.01)])
def test_a_levels_chance_is_the_integral_of_the_density_over_its_bin(mean: float, sigma: float) -> None:
    normal = stats.norm(mean, sigma)
    edges = (np.arange(255) + 0.5) / 255
    exact = np.diff(np.concatenate([[0.0], normal.cdf(edges), [1.0]]))
    assert np.allclose(np.exp(coding.log_mass(LEVELS, np.full(256, mean), sigma)), exact, rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize(("level", "mean"), [(255, 0.0), (254, 0.0), (0, 1.0), (3, 1.0), (128, 0.2)])
def test_nothing_underflows_far_from_the_mean(level: int, mean: float) -> None:
    """100 to 10,000 standard deviations away, against 60 digits: chances of e^-5000 and far less."""
    mpmath.mp.dps = 60
    for sigma in (0.01, 0.001, 1e-4):
        low, high = (mpmath.mpf(level + half) / 255 for half in (-0.5, 0.5))
        low, high = (-mpmath.inf if level == 0 else low), (mpmath.inf if level == 255 else high)

        def upper(x: Any, sigma: float = sigma) -> Any:  # the mass above
            return mpmath.erfc((x - mpmath.mpf(mean)) / (mpmath.mpf(sigma) * mpmath.sqrt(2))) / 2

        mass = upper(low) - upper(high) if mean < level / 255 else upper(2 * mean - high) - upper(2 * mean - low)
        found = coding.log_mass(np.array([level], np.uint8), np.array([mean]), sigma)[0]
        assert found == pytest.approx(float(mpmath.log(mass)), rel=1e-9)


def exact_terms(network: Autoencoder, images: np.ndarray[Any, Any], sigma: float | None) -> np.ndarray[Any, Any]:
    """Returns the negative ELBO of each image in bits by the Gauss-Hermite rule, with SciPy's or PyTorch's masses."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    rule = np.outer(weights, weights).ravel() / weights.sum() ** 2
    x, beta = torch.from_numpy(images).float() / 255, torch.ones(len(images))
    q = network.posterior(x, beta)
    found = []
    for image, mean, std in zip(images, q.mean.detach(), q.stddev.detach(), strict=True):
        grid = torch.from_numpy(np.stack(np.meshgrid(nodes, nodes), 2).reshape(-1, 2)).float()
        p: Any = network.likelihood(mean + std * grid, torch.ones(len(grid)))
        if sigma is None:
            density: Any = Bernoulli(logits=p.base_dist.logits.detach().double())
            log_p = density.log_prob(torch.from_numpy(image / 255.0)).sum((1, 2)).numpy()
        else:
            normal = stats.norm(p.mean.detach().double().numpy(), sigma)
            high = np.where(image == 255, 1.0, normal.cdf((image + 0.5) / 255))
            low = np.where(image == 0, 0.0, normal.cdf((image - 0.5) / 255))
            log_p = np.log(high - low).sum((1, 2))
        kl = kl_divergence(Normal(mean, std), Normal(0.0, 1.0)).sum()
        found.append((-(rule @ log_p) + float(kl)) * BITS)
    return np.array(found)


@pytest.mark.parametrize("sigma", [None, 0.2])
def test_an_images_bits_are_its_negative_elbo(sigma: float | None) -> None:
    network = vae("bernoulli" if sigma is None else "gaussian")
    images = DIGITS[:6] if sigma else coding.binarised(DIGITS[:6], "threshold", seed=0, images=range(6))
    found = coding.code(Arrays(network), images, 1.0, sigma=sigma, images=range(6), seed=1, samples=400)
    exact = exact_terms(network, images, sigma)
    assert found.residual.shape == (6, 8, 8)
    assert np.allclose(found.total, found.residual.sum((1, 2)) + found.rate)
    assert (np.abs(found.total - exact) < 4.5 * found.error).all()
    assert (found.error < 0.02 * exact).all()


def test_nats_become_bits() -> None:
    """The objective that training follows, of black and white images, at the same draws."""
    network = vae("bernoulli")
    images = coding.binarised(DIGITS[:20], "draw", seed=0, images=range(20))
    found = coding.code(Arrays(network), images, 1.0, sigma=None, images=range(20), seed=1, samples=2)
    noise = np.stack([np.random.default_rng((1, k)).standard_normal((2, 2), np.float32) for k in range(20)], 1)
    x = torch.from_numpy(images).float() / 255
    each = [terms(network, x, torch.ones(20), None, torch.from_numpy(epsilon)) for epsilon in noise]
    nats = sum((row.distortion + row.rate).detach().double().numpy() for row in each) / 2
    assert np.allclose(found.total, nats / np.log(2), rtol=1e-5)


def test_the_encoder_sees_what_is_sent() -> None:
    """Else whoever reads the code could not give the bits back: an image's Q is that of its black and white version."""
    network = vae("bernoulli")
    images = coding.binarised(DIGITS[:5], "draw", seed=0, images=range(5))
    found = coding.code(Arrays(network), images, 1.0, sigma=None, images=range(5), seed=1)
    q = network.posterior(torch.from_numpy(images).float() / 255, torch.ones(5))
    assert np.allclose(found.rate, kl_divergence(q, network.prior()).detach() * BITS, rtol=1e-5)


@pytest.mark.parametrize("sigma", [None, 0.2])
def test_bits_back_cancel_at_every_precision_and_fine_cells_come_to_the_elbo(sigma: float | None) -> None:
    network = vae("bernoulli" if sigma is None else "gaussian")
    image = DIGITS[3:4] if sigma else coding.binarised(DIGITS[3:4], "threshold", seed=0, images=[3])
    places = range(-3, 17)
    found = coding.bits_back(Arrays(network), image, 1.0, places, sigma=sigma, image=3, seed=0, samples=256)
    exact = exact_terms(network, image, sigma)[0]
    assert np.allclose(found.net, found.cost + found.residual - found.back)
    assert found.pixels.shape == (8, 8)
    assert found.pixels.sum() == pytest.approx(found.residual[-1], abs=0.1)
    assert found.limit == pytest.approx(exact, abs=4.5 * found.error[-1])
    fine = found.places >= 6
    assert np.allclose(found.net[fine], found.limit, atol=0.05)
    assert np.allclose(np.diff(found.cost[fine]), 2, atol=0.02), "a place more on two axes: two bits"
    assert np.allclose(np.diff(found.back[fine]), 2, atol=0.02)
    q = network.posterior(torch.from_numpy(image).float() / 255, torch.ones(1))
    rate = kl_divergence(Normal(q.mean.double(), q.stddev.double()), Normal(0.0, 1.0)).sum().item()
    assert np.allclose((found.cost - found.back)[fine], rate * BITS, atol=2e-3)
    assert (found.cost - found.back <= rate * BITS + 1e-6).all(), "rounding loses what Q and P differ by"


@pytest.mark.parametrize("width", [4.0, 0.5, 0.03])
def test_cells_have_their_masses(width: float) -> None:
    mean, std = np.array([0.7, -2.1]), np.array([0.05, 0.9])
    cost = back = 0.0
    for m, s in zip(mean, std, strict=True):
        edges = width * np.arange(-math.ceil(12 / width), math.ceil(12 / width) + 1)
        q = np.diff(stats.norm(m, s).cdf(edges))
        p = np.diff(stats.norm.cdf(-np.abs(edges))) * np.where(edges[1:] <= 0, 1, -1)  # no digits lost on the right
        held = q > 1e-13
        cost -= (q[held] * np.log2(p[held])).sum()
        back -= (q[held] * np.log2(q[held])).sum()
    found = coding.cells(mean.astype(np.float32), std.astype(np.float32), width)
    assert np.allclose(found, (cost, back), atol=1e-5)


def test_fine_cells_go_over_into_densities_without_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    mean, std = np.array([0.7], np.float32), np.array([0.05], np.float32)
    width = 0.05 / (coding.WIDEST + 1)
    short = coding.cells(mean, std, width)
    monkeypatch.setattr(coding, "WIDEST", 1e9)
    assert np.allclose(coding.cells(mean, std, width), short, atol=1e-5)


def test_rounded_points_are_decoded_at_their_cells_centres(monkeypatch: pytest.MonkeyPatch) -> None:
    """In cells of 64 a Q at (10, -20) lies in one of them alone, and what is decoded is (32, -32)."""
    network = vae("gaussian")
    q = Encoding(np.array([[10, -20]], np.float32), np.full((1, 2), 0.5, np.float32))
    monkeypatch.setattr(coding, "encode", lambda *_: q)
    found = coding.bits_back(Arrays(network), DIGITS[:1], 1.0, [-6], sigma=0.2, image=0, seed=0)
    mean = network.likelihood(torch.tensor([[32.0, -32.0]]), torch.ones(1)).mean.detach().double().numpy()
    normal = stats.norm(mean, 0.2)
    low = np.where(DIGITS[:1] == 0, 0, normal.cdf((DIGITS[:1] - 0.5) / 255))
    high = np.where(DIGITS[:1] == 255, 1, normal.cdf((DIGITS[:1] + 0.5) / 255))
    assert found.residual[0] == pytest.approx(-np.log2(high - low).sum(), rel=1e-5)
    assert (found.error[0], found.back[0]) == (0, pytest.approx(0, abs=1e-9))
    assert found.cost[0] == pytest.approx(2, abs=1e-9), "half the prior on each axis"


def pillow(sheet: np.ndarray[Any, Any], mode: str, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture = Image.new("L", sheet.shape[::-1])
    picture.putdata(sheet.ravel().tolist())
    picture.convert(mode, dither=Image.Dither.NONE).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("black_and_white", [False, True])
def test_the_sizes_are_of_files_that_hold_these_images(black_and_white: bool) -> None:
    images = coding.binarised(DIGITS, "threshold", seed=0, images=range(100)) if black_and_white else DIGITS
    sheet = np.vstack([np.hstack(list(row)) for row in images.reshape(10, 10, 8, 8)])
    png = pillow(sheet, "1" if black_and_white else "L", "PNG", optimize=True)
    webp = pillow(sheet, "RGB", "WEBP", lossless=True)
    found = coding.files(images, black_and_white)
    assert found == (8 * len(png), 8 * len(webp))
    for file in (png, webp):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(file)).convert("L")), sheet)
    depth = png[24]  # of a PNG's header
    assert depth == (1 if black_and_white else 8)
    assert coding.naive(images, black_and_white) == 6400 * depth


def test_colours_have_sizes_too() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 3), np.uint8)
    sheet = np.vstack([np.hstack(list(row)) for row in images.reshape(2, 2, 6, 6, 3)])
    out = io.BytesIO()
    Image.fromarray(sheet).save(out, "PNG", optimize=True)
    assert coding.files(images, False).png == 8 * len(out.getvalue())
    assert coding.naive(images, False) == 8 * 432


def test_an_order_zero_coder_pays_the_cross_entropy_of_the_levels() -> None:
    train = np.array([[[0, 0], [0, 255]]], np.uint8)
    counts = coding.grey_levels(train)
    assert (counts[0], counts[255], counts.sum()) == (3, 1, 4)
    bits = coding.order_zero(np.array([[[0, 255], [7, 0]]], np.uint8), counts)
    assert bits[0] == pytest.approx(-2 * math.log2(4 / 260) - math.log2(2 / 260) - math.log2(1 / 260))
    many = load("digits", "train").pixels
    own = coding.grey_levels(many)
    entropy = stats.entropy(own, base=2)
    assert coding.order_zero(many, own).mean() / 64 == pytest.approx(entropy, abs=0.01)


def test_black_and_white_images_are_drawn_or_cut() -> None:
    grey = np.full((1, 100, 100), 51, np.uint8)  # a fifth
    drawn = coding.binarised(grey, "draw", seed=0, images=[4])
    assert (drawn == 255).mean() == pytest.approx(0.2, abs=0.02)
    assert set(np.unique(drawn)) == {0, 255}
    both = coding.binarised(np.repeat(grey, 2, 0), "draw", seed=0, images=[9, 4])
    assert np.array_equal(both[1], drawn[0]), "whichever others there are"
    assert not np.array_equal(both[0], both[1])
    pure = np.array([[[0, 255]]], np.uint8)
    assert np.array_equal(coding.binarised(pure, "draw", seed=1, images=[0]), pure)
    cut = coding.binarised(np.array([[[0, 127, 128, 255]]], np.uint8), "threshold", seed=0, images=[0])
    assert cut.tolist() == [[[0, 0, 255, 255]]]


def test_what_makes_no_code_is_refused_in_words() -> None:
    model = Arrays(vae("bernoulli"))
    with pytest.raises(ValueError, match="binarise"):
        coding.code(model, DIGITS[:1], 1.0, sigma=None, images=[0], seed=0)
    with pytest.raises(ValueError, match="above 0"):
        coding.code(Arrays(vae("gaussian")), DIGITS[:1], 1.0, sigma=0.0, images=[0], seed=0)
    with pytest.raises(ValueError, match="infinitely many bits"):
        coding.noise_of(Arrays(build(config(kind="autoencoder"), 0)), 1.0)
    with pytest.raises(ValueError, match="continuous Bernoulli"):
        coding.noise_of(Arrays(vae("continuous-bernoulli")), 1.0)
    assert coding.noise_of(model, 1.0) is None
    assert coding.noise_of(Arrays(vae("gaussian")), 4.0) == pytest.approx(0.4)


def test_more_axes_do() -> None:
    network = vae("gaussian", latent=5)
    found = coding.bits_back(Arrays(network), DIGITS[:1], 1.0, [8, 9], sigma=0.2, image=0, seed=0)
    assert np.diff(found.cost)[0] == pytest.approx(5, abs=0.05)
